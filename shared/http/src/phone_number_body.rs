use serde::Serialize;
use trunkline_domain::{Direction, E164, Kind, PhoneNumber, PhoneNumberId, PhoneNumberLabel, TrunkId};

use crate::timestamp::timestamp;

/// A phone number. A field that is not set is left out.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema), schemars(rename = "PhoneNumber"))]
pub(crate) struct PhoneNumberBody<'a> {
    /// Which one.
    id: PhoneNumberId,
    /// The number by ITU-T E.164.
    e164: &'a E164,
    /// Who gives it: the `provider` that it was imported with.
    r#type: Kind,
    /// For people.
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a PhoneNumberLabel>,
    /// The trunk that it rings on, and is called from.
    #[serde(skip_serializing_if = "Option::is_none")]
    trunk_id: Option<TrunkId>,
    /// Which way its calls go. Empty without a trunk.
    #[cfg_attr(
        feature = "openapi",
        schemars(extend("items" = {"type": "string", "enum": [Direction::Inbound, Direction::Outbound]}))
    )]
    capabilities: Vec<Direction>,
    /// What the provider calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_phone_number_id: Option<&'a str>,
    /// When it was imported.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    created_at: String,
    /// When it was last changed.
    #[cfg_attr(feature = "openapi", schemars(extend("format" = "date-time")))]
    updated_at: String,
}

impl<'a> PhoneNumberBody<'a> {
    pub(crate) fn new(number: &'a PhoneNumber) -> Self {
        Self {
            id: number.id,
            e164: &number.e164,
            r#type: number.provider,
            label: number.label.as_ref(),
            trunk_id: number.binding.map(|binding| binding.trunk_id),
            capabilities: number.capabilities(),
            provider_phone_number_id: number.provider_phone_number_id.as_deref(),
            created_at: timestamp(number.created_at),
            updated_at: timestamp(number.updated_at),
        }
    }
}
