//! What the JSON schemas of the domain's types share.

/// A character that no text of a caller may hold, as a set of ECMA-262: Unicode's category Cc, `char::is_control`.
pub(crate) const NOT_CONTROL: &str = r"[^\u0000-\u001f\u007f-\u009f]";
/// The same, and no space.
pub(crate) const VISIBLE: &str = r"[^\s\u0000-\u001f\u007f-\u009f]";

/// The schema of a type that is a string in JSON, wherever it stands.
macro_rules! text {
    ($name:ty, {$($keyword:literal: $value:expr),+ $(,)?}) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", $($keyword: $value),+})
            }
        }
    };
}
pub(crate) use text;
