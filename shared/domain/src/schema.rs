//! What the JSON schemas of the domain's types share.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

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

/// Takes `null` for what only responses have. As no properties of their own, since callers have nothing to set there.
pub(crate) fn may_be_null(schema: &mut Schema, read_only: &[&str]) {
    let pattern = format!("^({})$", read_only.join("|"));
    schema.insert("patternProperties".to_owned(), json!({pattern: {"type": "null"}}));
}

pub(crate) fn when(condition: Value, then: Value) -> Value {
    json!({"if": condition, "then": then})
}

pub(crate) fn is(field: &str, word: &str) -> Value {
    json!({"properties": {field: {"const": word}}, "required": [field]})
}

pub(crate) fn given(fields: &[&str]) -> Value {
    let properties: Value = fields.iter().map(|field| (field.to_string(), json!({"type": "string"}))).collect();
    json!({"properties": properties, "required": fields})
}

/// None of these fields; `null` counts as absent.
pub(crate) fn absent(fields: &[&str]) -> Value {
    let properties: Value = fields.iter().map(|field| (field.to_string(), json!({"type": "null"}))).collect();
    json!({"properties": properties})
}
