use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::Value;

/// The schemas that the description refers to, in the dialect of OpenAPI 3.1, JSON Schema 2020-12.
pub(super) struct Schemas {
    requests: SchemaGenerator,
    responses: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        let responses = settings().with_transform(RecursiveTransform(leave_out_null)).for_serialize();
        Self { requests: settings().for_deserialize().into_generator(), responses: responses.into_generator() }
    }
}

impl Schemas {
    /// A reference to what a request sends.
    pub(super) fn request<T: JsonSchema>(&mut self) -> Value {
        self.requests.subschema_for::<T>().to_value()
    }

    /// A reference to what a response carries.
    pub(super) fn response<T: JsonSchema>(&mut self) -> Value {
        self.responses.subschema_for::<T>().to_value()
    }

    pub(super) fn into_components(mut self) -> BTreeMap<String, Value> {
        let requests = self.requests.take_definitions(true);
        requests.into_iter().chain(self.responses.take_definitions(true)).collect()
    }
}

/// A field of a response that may be left out is never `null`.
fn leave_out_null(schema: &mut Schema) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let required: Vec<_> = required.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    for (_, property) in properties.iter_mut().filter(|(name, _)| !required.contains(&name.as_str())) {
        if let Some(Value::Array(types)) = property.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                property["type"] = only.clone();
            }
        }
        let alternatives = property.get("anyOf").and_then(Value::as_array).map(Vec::as_slice);
        if let Some([Value::Object(only), null]) = alternatives
            && null["type"] == "null"
        {
            let only = only.clone();
            let property = property.as_object_mut().expect("it has keywords");
            property.remove("anyOf");
            property.extend(only);
        }
    }
}
