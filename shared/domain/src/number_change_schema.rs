//! The JSON schema of what [`NumberChange::parse`] takes.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::{NumberChange, PhoneNumberLabel, TrunkId};

/// A JSON merge patch (RFC 7396) of a phone number. A field that is left out stays as it is. A field that is not listed
/// is refused: to change the number or its provider, delete it and import it again.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its schema is used")]
struct PhoneNumberPatch {
    /// For people: 1 to 128 characters after trimming; `null` clears it.
    label: Option<PhoneNumberLabel>,
    /// The trunk that the number rings on, of `kind: byoc` like the number; `null` unbinds it.
    trunk_id: Option<TrunkId>,
}

impl JsonSchema for NumberChange {
    fn schema_name() -> Cow<'static, str> {
        PhoneNumberPatch::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        PhoneNumberPatch::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::new_number::NUMBER;
    use crate::number_change::FIXED;

    #[test]
    fn the_schema_has_the_fields_that_can_be_changed() {
        let schema = schemars::schema_for!(NumberChange);
        let described: BTreeSet<_> = schema.get("properties").unwrap().as_object().unwrap().keys().collect();
        let changeable = NUMBER.settable.iter().filter(|field| !FIXED.contains(field));
        assert_eq!(described, changeable.map(|field| field.to_string()).collect::<Vec<_>>().iter().collect());
        assert_eq!(schema.get("required"), None);
    }
}
