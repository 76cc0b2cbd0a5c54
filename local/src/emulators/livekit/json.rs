//! Protobuf's JSON mapping as Go's `protojson` does it for Twirp: proto field names and every field
//! out, either kind of name in.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::fields::{Field, Fields, Unset};

/// Reads a message, or `None` if the text is not one. Unknown fields are passed over, text after
/// the first value too, as Go's decoder does.
pub(super) fn decode<M: DeserializeOwned>(text: &[u8]) -> Option<M> {
    let value = serde_json::Deserializer::from_slice(text).into_iter::<Value>().next()?.ok()?;
    serde_json::from_value(without_nulls(value)).ok()
}

/// In protobuf's JSON a null field is an absent field; the generated readers only know absent ones.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// Writes a message.
pub(super) fn encode<M: Serialize + Fields>(message: &M) -> Result<Vec<u8>, serde_json::Error> {
    serde_json::to_vec(&complete(serde_json::to_value(message)?, M::FIELDS))
}

/// A message, or a list of them, with proto names and with the fields that are not set. What is in
/// none of the tables (a map, whose keys are the caller's own, or a deeper message) stays as it is.
fn complete(value: Value, fields: &[Field]) -> Value {
    match value {
        Value::Object(mut set) if !fields.is_empty() => {
            let mut complete = Map::with_capacity(fields.len());
            for field in fields {
                let given = set.remove(&camel_case(field.name)).map(|value| in_utc(value, field.unset));
                if let Some(value) = given.or_else(|| field.unset.value()) {
                    complete.insert(field.name.to_owned(), self::complete(value, field.inner));
                }
            }
            complete.append(&mut set);
            Value::Object(complete)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(|item| complete(item, fields)).collect()),
        other => other,
    }
}

/// `protojson` ends a time with `Z`, the generated writers with an offset.
fn in_utc(value: Value, unset: Unset) -> Value {
    match (unset, value.as_str().and_then(|time| time.strip_suffix("+00:00"))) {
        (Unset::Time, Some(time)) => json!(format!("{time}Z")),
        _ => value,
    }
}

impl Unset {
    fn value(self) -> Option<Value> {
        match self {
            Self::Text => Some(json!("")),
            Self::Zero => Some(json!(0)),
            Self::False => Some(json!(false)),
            Self::List => Some(json!([])),
            Self::Map => Some(json!({})),
            Self::Null | Self::Time => Some(Value::Null),
            Self::Enum(name) => Some(json!(name)),
            Self::Omitted => None,
        }
    }
}

/// The name under which the generated writers write a field.
fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}
