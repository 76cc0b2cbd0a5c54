//! Records as attributes.

use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use trunkline_domain::{
    AccountSid, AllowedAddress, AuthUsername, BoundNumbers, Carrier, CountryCode, Direction, Directional, E164,
    InboundObjects, InboundSettings, Kind, LiveKitObjects, OutboundObjects, OutboundSettings, PhoneNumber, SipAddress,
    Trunk, TrunkName, TrunkSettings, TwilioObjects,
};
use trunkline_provisioning::ports::{NumberFate, PendingImport, StoreError, TrunkRecord, Unsettled};
use trunkline_provisioning::{IdempotencyClaim, SeenObjects, TrunkKey};

use crate::error::unreadable;

pub(crate) type Item = HashMap<String, AttributeValue>;

/// Secrets that a trunk may have beside the one that counts, as far as they were written down.
pub(crate) const SEEN_SECRET_NAMES: &str = "seen_secret_names";

/// The numbers of a trunk, by their ids: a map, left out when it is empty.
pub(crate) const NUMBERS: &str = "numbers";

/// The numbers that a trunk may have at Twilio, as far as they were written down.
pub(crate) const SEEN_NUMBERS: &str = "seen_numbers";

/// The Twilio account of a trunk's numbers, also of one that was undone.
pub(crate) const TWILIO_ACCOUNT_SID: &str = "twilio_account_sid";

const TWILIO_TRUNK_SID: &str = "twilio_trunk_sid";
const TWILIO_CREDENTIAL_LIST_SID: &str = "twilio_credential_list_sid";

/// Whether the numbers of a trunk that is deleted go with it.
pub(crate) const NUMBERS_GO: &str = "numbers_go";

/// States of a trunk's record.
pub(crate) mod state {
    pub(crate) const PROVISIONING: &str = "provisioning";
    pub(crate) const ACTIVE: &str = "active";
    pub(crate) const UPDATING: &str = "updating";
    pub(crate) const REVERTING: &str = "reverting";
    pub(crate) const UNDOING: &str = "undoing";
    pub(crate) const DELETING: &str = "deleting";

    /// Those in which callers see the trunk, as it was last committed.
    pub(crate) const SHOWN: [&str; 3] = [ACTIVE, UPDATING, REVERTING];
}

pub(crate) fn text(value: impl ToString) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// RFC 3339 with milliseconds: in the table as in the contract.
pub(crate) fn timestamp(value: Timestamp) -> AttributeValue {
    AttributeValue::S(format!("{value:.3}"))
}

/// Whole seconds since 1970, rounded up: a lease is never shorter than it was meant.
pub(crate) fn deadline(value: Timestamp) -> AttributeValue {
    number(value.as_second() + i64::from(value.subsec_nanosecond() > 0))
}

/// The attributes of `settings`.
pub(crate) fn settings(settings: &TrunkSettings) -> Item {
    let outbound = settings.outbound().map(|(_, outbound)| outbound);
    let always = [
        ("name", text(&settings.name)),
        ("kind", text(settings.kind())),
        ("direction", text(settings.direction())),
        ("allowed_addresses", AttributeValue::L(settings.allowed_addresses.iter().map(text).collect())),
        ("transport", text(settings.transport)),
        ("media_encryption", text(settings.media_encryption)),
    ];
    let if_set = [
        ("sip_address", settings.sip_address().map(text)),
        ("auth_username", settings.auth_username.as_ref().map(text)),
        ("inbound_auth", settings.inbound().map(|inbound| text(inbound.auth))),
        ("destination_country", outbound.and_then(|outbound| outbound.destination_country).map(text)),
    ];
    let if_set = if_set.into_iter().filter_map(|(name, value)| Some((name, value?)));
    always.into_iter().chain(if_set).map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The attribute of a trunk's numbers, if it has any.
pub(crate) fn numbers(numbers: &BoundNumbers) -> Option<AttributeValue> {
    let map = numbers.iter().map(|(e164, id)| (e164.to_string(), text(id))).collect();
    (!numbers.is_empty()).then_some(AttributeValue::M(map))
}

/// The attributes of a live trunk's LiveKit ids.
pub(crate) fn livekit_ids(objects: &LiveKitObjects) -> Vec<(&'static str, AttributeValue)> {
    let inbound = objects.inbound().map(|inbound| {
        [
            ("livekit_inbound_trunk_id", text(&inbound.trunk_id)),
            ("livekit_dispatch_rule_id", text(&inbound.dispatch_rule_id)),
        ]
    });
    let outbound = objects.outbound().map(|outbound| ("livekit_outbound_trunk_id", text(&outbound.trunk_id)));
    inbound.into_iter().flatten().chain(outbound).collect()
}

/// The attributes of what a live trunk has at Twilio.
pub(crate) fn twilio_sids(objects: &TwilioObjects) -> [(&'static str, AttributeValue); 2] {
    [(TWILIO_TRUNK_SID, text(&objects.trunk_sid)), (TWILIO_CREDENTIAL_LIST_SID, text(&objects.credential_list_sid))]
}

/// A live trunk; `None` in any state that is not shown.
pub(crate) fn read_trunk(item: &Item, key: TrunkKey) -> Result<Option<Trunk>, StoreError> {
    let record = Record(item);
    if !state::SHOWN.contains(&record.text("state")?) {
        return Ok(None);
    }
    live_trunk(record, key).map(Some)
}

/// A live trunk with what is not shown of it; `None` in any state that is not shown.
pub(crate) fn read_trunk_record(item: &Item, key: TrunkKey) -> Result<Option<TrunkRecord>, StoreError> {
    let secret_name = Record(item).maybe("secret_name").map(str::to_owned);
    Ok(read_trunk(item, key)?.map(|trunk| TrunkRecord { trunk, secret_name }))
}

fn live_trunk(record: Record<'_>, key: TrunkKey) -> Result<Trunk, StoreError> {
    let route = match record.parsed::<Direction>("direction")? {
        Direction::Inbound => Directional::Inbound(record.inbound()?),
        Direction::Outbound => Directional::Outbound(record.outbound()?),
        Direction::Both => Directional::Both(record.inbound()?, record.outbound()?),
    };
    let livekit = match &route {
        Directional::Inbound(_) => LiveKitObjects::Inbound(record.inbound_objects()?),
        Directional::Outbound(_) => LiveKitObjects::Outbound(record.outbound_objects()?),
        Directional::Both(..) => LiveKitObjects::Both(record.inbound_objects()?, record.outbound_objects()?),
    };
    let carrier = match (record.parsed::<Kind>("kind")?, route) {
        (Kind::Livekit, Directional::Inbound(inbound)) => Carrier::Livekit(inbound),
        (Kind::Byoc, route) => Carrier::Byoc {
            sip_address: SipAddress::from_stored(record.text("sip_address")?).map_err(unreadable)?,
            route,
        },
        (Kind::Twilio, Directional::Both(inbound, outbound)) => Carrier::Twilio {
            sip_address: SipAddress::from_stored(record.text("sip_address")?).map_err(unreadable)?,
            inbound,
            outbound,
        },
        (kind, _) => return Err(unreadable(format_args!("kind {kind}"))),
    };
    Ok(Trunk {
        id: key.id,
        workspace_id: key.workspace_id,
        settings: TrunkSettings {
            name: TrunkName::parse(record.text("name")?).map_err(unreadable)?,
            carrier,
            allowed_addresses: record.allowed_addresses()?,
            transport: record.parsed("transport")?,
            media_encryption: record.parsed("media_encryption")?,
            auth_username: record.maybe("auth_username").map(AuthUsername::parse).transpose().map_err(unreadable)?,
        },
        livekit,
        twilio: record.twilio()?,
        numbers: record.bound_numbers()?,
        version: record.number("version")?,
        created_at: record.parsed("created_at")?,
        updated_at: record.parsed("updated_at")?,
    })
}

/// What it takes to take the trunk away.
pub(crate) fn read_unsettled(item: &Item) -> Result<Unsettled, StoreError> {
    let record = Record(item);
    let mut seen = read_seen(item);
    let trunk_ids = ["livekit_inbound_trunk_id", "livekit_outbound_trunk_id"];
    seen.trunk_ids.extend(trunk_ids.into_iter().filter_map(|name| record.maybe(name)).map(str::to_owned));
    seen.dispatch_rule_ids.extend(record.maybe("livekit_dispatch_rule_id").map(str::to_owned));
    Ok(Unsettled {
        seen,
        secret_names: read_secret_names(item),
        key_hash: record.maybe("idempotency_key_hash").map(str::to_owned),
        numbers: record.bound_numbers()?,
        fate: if item.contains_key(NUMBERS_GO) { NumberFate::Go } else { NumberFate::Stay },
        import: read_import(item)?,
        twilio_account: record.twilio_account()?,
        twilio: record.twilio()?,
        version: record.number("version")?,
    })
}

/// The attributes of an import under way on its trunk's record.
pub(crate) fn import_attributes(
    number: &PhoneNumber,
    claim: Option<&IdempotencyClaim>,
) -> Vec<(&'static str, AttributeValue)> {
    let always = [("import_number_id", text(number.id)), (IMPORT_E164, text(&number.e164))];
    always.into_iter().chain(claim.map(|claim| ("import_key_hash", text(&claim.key_hash)))).collect()
}

/// The number of an import, on its trunk's record and on the tombstone of one that was undone.
pub(crate) const IMPORT_E164: &str = "import_e164";

/// What takes the attributes of an import away from its trunk's record.
pub(crate) const IMPORT_ATTRIBUTES: &str = "import_number_id, import_e164, import_key_hash";

/// The import under way on a trunk's record, if there is one.
pub(crate) fn read_import(item: &Item) -> Result<Option<PendingImport>, StoreError> {
    let record = Record(item);
    if record.maybe("import_number_id").is_none() {
        return Ok(None);
    }
    Ok(Some(PendingImport {
        id: record.parsed("import_number_id")?,
        e164: E164::from_stored(record.text(IMPORT_E164)?),
        key_hash: record.maybe("import_key_hash").map(str::to_owned),
    }))
}

/// The names of the secrets that a trunk, or a tombstone's, may have.
pub(crate) fn read_secret_names(item: &Item) -> BTreeSet<String> {
    let record = Record(item);
    let own = record.maybe("secret_name").map(str::to_owned);
    record.set(SEEN_SECRET_NAMES).into_iter().chain(own).collect()
}

/// The LiveKit objects that were written down.
pub(crate) fn read_seen(item: &Item) -> SeenObjects {
    let record = Record(item);
    SeenObjects { trunk_ids: record.set("seen_trunk_ids"), dispatch_rule_ids: record.set("seen_dispatch_rule_ids") }
}

/// A record being read.
pub(crate) struct Record<'a>(pub(crate) &'a Item);

impl<'a> Record<'a> {
    pub(crate) fn maybe(&self, name: &str) -> Option<&'a str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'a str, StoreError> {
        self.maybe(name).ok_or_else(|| unreadable(format_args!("no {name}")))
    }

    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.text(name)?.parse().map_err(|_| unreadable(format_args!("malformed {name}")))
    }

    pub(crate) fn maybe_number<T: FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<T, StoreError> {
        self.maybe_number(name).ok_or_else(|| unreadable(format_args!("no {name}")))
    }

    pub(crate) fn set(&self, name: &str) -> BTreeSet<String> {
        let values = self.0.get(name).and_then(|value| value.as_ss().ok());
        values.into_iter().flatten().cloned().collect()
    }

    fn inbound(&self) -> Result<InboundSettings, StoreError> {
        Ok(InboundSettings { auth: self.parsed("inbound_auth")? })
    }

    fn outbound(&self) -> Result<OutboundSettings, StoreError> {
        let country = self.maybe("destination_country").map(CountryCode::parse).transpose().map_err(unreadable)?;
        Ok(OutboundSettings { destination_country: country })
    }

    fn inbound_objects(&self) -> Result<InboundObjects, StoreError> {
        Ok(InboundObjects {
            trunk_id: self.text("livekit_inbound_trunk_id")?.to_owned(),
            dispatch_rule_id: self.text("livekit_dispatch_rule_id")?.to_owned(),
        })
    }

    fn outbound_objects(&self) -> Result<OutboundObjects, StoreError> {
        Ok(OutboundObjects { trunk_id: self.text("livekit_outbound_trunk_id")?.to_owned() })
    }

    /// The Twilio account of its numbers.
    pub(crate) fn twilio_account(&self) -> Result<Option<AccountSid>, StoreError> {
        self.maybe(TWILIO_ACCOUNT_SID).map(AccountSid::parse).transpose().map_err(unreadable)
    }

    /// What it has at Twilio, once that was committed.
    fn twilio(&self) -> Result<Option<TwilioObjects>, StoreError> {
        let (Some(account_sid), Some(trunk_sid)) = (self.twilio_account()?, self.maybe(TWILIO_TRUNK_SID)) else {
            return Ok(None);
        };
        Ok(Some(TwilioObjects {
            account_sid,
            trunk_sid: trunk_sid.to_owned(),
            credential_list_sid: self.text(TWILIO_CREDENTIAL_LIST_SID)?.to_owned(),
        }))
    }

    fn bound_numbers(&self) -> Result<BoundNumbers, StoreError> {
        let Some(numbers) = self.0.get(NUMBERS) else {
            return Ok(BoundNumbers::new());
        };
        let numbers = numbers.as_m().map_err(|_| unreadable("malformed numbers"))?;
        let id = |id: &AttributeValue| id.as_s().ok()?.parse().ok();
        let numbers = numbers.iter().map(|(e164, value)| Some((E164::from_stored(e164), id(value)?)));
        numbers.collect::<Option<_>>().ok_or_else(|| unreadable("malformed numbers"))
    }

    fn allowed_addresses(&self) -> Result<Vec<AllowedAddress>, StoreError> {
        let entries = self.0.get("allowed_addresses").and_then(|value| value.as_l().ok());
        entries
            .into_iter()
            .flatten()
            .map(|entry| entry.as_s().map_err(|_| unreadable("malformed allowed_addresses")))
            .map(|entry| AllowedAddress::parse(entry?).map_err(unreadable))
            .collect()
    }
}
