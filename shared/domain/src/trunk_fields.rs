//! The fields of a trunk's bodies.

use serde_json::Value;

use crate::fields::{Fields, Names, message};
use crate::json::JsonObject;
use crate::{AllowedAddress, CarrierCredentials, Direction, Kind};

pub(crate) const TRUNK: Names = Names {
    settable: &[
        "name",
        "kind",
        "direction",
        "sip_address",
        "auth_username",
        "auth_password",
        "inbound_auth",
        "allowed_addresses",
        "destination_country",
        "transport",
        "media_encryption",
        "credentials",
    ],
    read_only: &[
        "id",
        "auth_password_set",
        "livekit_inbound_trunk_id",
        "livekit_outbound_trunk_id",
        "livekit_dispatch_rule_id",
        "inbound_sip_uri",
        "warnings",
        "created_at",
        "updated_at",
    ],
};

/// What a trunk of `kind: livekit` does not have: LiveKit is its carrier.
pub(crate) const NOT_OF_LIVEKIT: [&str; 4] = ["sip_address", "auth_username", "auth_password", "destination_country"];

pub(crate) const MAX_ALLOWED_ADDRESSES: usize = 64;

impl Fields<'_> {
    pub(crate) fn allowed_addresses(&mut self) -> Vec<AllowedAddress> {
        const FIELD: &str = "allowed_addresses";
        let entries = match self.value(FIELD) {
            None => return Vec::new(),
            Some(Value::Array(entries)) => entries,
            Some(_) => {
                self.violations.add(FIELD, "must be a list of strings");
                return Vec::new();
            }
        };
        if entries.len() > MAX_ALLOWED_ADDRESSES {
            self.violations.add(FIELD, format!("must have at most {MAX_ALLOWED_ADDRESSES} entries"));
        }
        let mut addresses = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let parsed = match entry {
                Value::String(text) => AllowedAddress::parse(text).map_err(message),
                _ => Err("must be a string".into()),
            };
            match parsed {
                Ok(address) if addresses.contains(&address) => {}
                Ok(address) => addresses.push(address),
                Err(message) => self.violations.add(format!("{FIELD}[{index}]"), message),
            }
        }
        addresses
    }

    pub(crate) fn credentials(&mut self, body: &JsonObject) -> Option<CarrierCredentials> {
        let parsed = match self.value("credentials")? {
            Value::Object(_) => CarrierCredentials::parse(body.text_of("credentials")?),
            _ => Err("must be a JSON object"),
        };
        parsed.map_err(|message| self.violations.add("credentials", message)).ok()
    }

    /// What must be absent is refused as such, whatever it says: LiveKit is the carrier of its own numbers, and some
    /// settings mean nothing in one direction.
    pub(crate) fn refuse_meaningless(&mut self, kind: Option<Kind>, direction: Option<Direction>) {
        if kind == Some(Kind::Livekit) {
            self.refuse(&NOT_OF_LIVEKIT, "must be absent for kind=livekit");
        }
        match direction {
            Some(Direction::Inbound) => self.refuse(&["destination_country"], "must be absent for direction=inbound"),
            Some(Direction::Outbound) => self.refuse(&["inbound_auth"], "must be absent for direction=outbound"),
            Some(Direction::Both) | None => {}
        }
    }
}
