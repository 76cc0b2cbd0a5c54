//! What the JSON schemas of the domain's types share.

use schemars::{Schema, SchemaGenerator};

/// A character that no text of a caller may hold, as a set of ECMA-262: Unicode's category Cc, `char::is_control`.
pub(crate) const NOT_CONTROL: &str = r"[^\u0000-\u001f\u007f-\u009f]";
/// The same, and no space.
pub(crate) const VISIBLE: &str = r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]";
/// What is trimmed: Unicode's White_Space, `char::is_whitespace`. ECMA-262's `\s` is another set.
pub(crate) const SPACE: &str = r"[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]";

/// The schema of a type that is a string in JSON, wherever it stands. Responses show its canonical form, for which they
/// may have keywords of their own.
macro_rules! text {
    ($name:ty, {$($keyword:literal: $value:expr),+ $(,)?}) => {
        $crate::schema::text!($name, {$($keyword: $value),+}, shown {});
    };
    ($name:ty, {$($keyword:literal: $value:expr),+ $(,)?}, shown {$($own:literal: $shown:expr),* $(,)?}) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let taken = schemars::json_schema!({"type": "string", $($keyword: $value),+});
                let shown = schemars::json_schema!({$($own: $shown),*});
                $crate::schema::of(generator, taken, shown)
            }
        }
    };
}
pub(crate) use text;

/// What is taken; in a response, with what is shown over it.
pub(crate) fn of(generator: &SchemaGenerator, mut taken: Schema, mut shown: Schema) -> Schema {
    if generator.contract().is_serialize() {
        taken.ensure_object().append(shown.ensure_object());
    }
    taken
}
