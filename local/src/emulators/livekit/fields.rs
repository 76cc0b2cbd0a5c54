//! The fields of the messages that are answered, and what each is written as when it is not set.
//! Go's `protojson` writes them all for Twirp; the generated Rust writers know only those that are
//! set.

/// A field of a message.
pub(super) struct Field {
    /// Its proto name.
    pub(super) name: &'static str,
    /// What it is written as when it is not set.
    pub(super) unset: Unset,
    /// The fields of the message, or of each message, in it.
    pub(super) inner: &'static [Field],
}

/// What a field that is not set is written as.
#[derive(Clone, Copy)]
pub(super) enum Unset {
    Text,
    Zero,
    False,
    List,
    Map,
    Null,
    /// As `Null`: a point in time.
    Time,
    Enum(&'static str),
    /// Nothing: a member of a `oneof`, or an `optional` field.
    Omitted,
}

/// An answer whose fields are known.
pub(super) trait Fields {
    /// The fields.
    const FIELDS: &'static [Field];
}

const fn field(name: &'static str, unset: Unset) -> Field {
    Field { name, unset, inner: &[] }
}

const fn text(name: &'static str) -> Field {
    field(name, Unset::Text)
}

const fn list(name: &'static str) -> Field {
    field(name, Unset::List)
}

const fn map(name: &'static str) -> Field {
    field(name, Unset::Map)
}

const fn null(name: &'static str) -> Field {
    field(name, Unset::Null)
}

const fn time(name: &'static str) -> Field {
    field(name, Unset::Time)
}

const fn flag(name: &'static str) -> Field {
    field(name, Unset::False)
}

const fn zero(name: &'static str) -> Field {
    field(name, Unset::Zero)
}

const fn choice(name: &'static str, unset: &'static str) -> Field {
    field(name, Unset::Enum(unset))
}

const fn message(name: &'static str, inner: &'static [Field]) -> Field {
    Field { name, unset: Unset::Null, inner }
}

const fn messages(name: &'static str, inner: &'static [Field]) -> Field {
    Field { name, unset: Unset::List, inner }
}

const fn one_of(name: &'static str, inner: &'static [Field]) -> Field {
    Field { name, unset: Unset::Omitted, inner }
}

const MEDIA: &[Field] = &[
    flag("only_listed_codecs"),
    messages("codecs", &[text("name"), zero("rate")]),
    field("encryption", Unset::Omitted),
    field("media_timeout", Unset::Omitted),
];

const INBOUND_TRUNK: &[Field] = &[
    text("sip_trunk_id"),
    text("name"),
    text("metadata"),
    list("numbers"),
    list("allowed_addresses"),
    list("allowed_numbers"),
    text("auth_username"),
    text("auth_password"),
    text("auth_realm"),
    map("headers"),
    map("headers_to_attributes"),
    map("attributes_to_headers"),
    choice("include_headers", "SIP_NO_HEADERS"),
    null("ringing_timeout"),
    choice("ringing_timeout_status", "SIP_STATUS_UNKNOWN"),
    null("max_call_duration"),
    flag("krisp_enabled"),
    choice("media_encryption", "SIP_MEDIA_ENCRYPT_DISABLE"),
    message("media", MEDIA),
    time("created_at"),
    time("updated_at"),
];

const OUTBOUND_TRUNK: &[Field] = &[
    text("sip_trunk_id"),
    text("name"),
    text("metadata"),
    text("address"),
    text("destination_country"),
    choice("transport", "SIP_TRANSPORT_AUTO"),
    list("numbers"),
    text("auth_username"),
    text("auth_password"),
    map("headers"),
    map("headers_to_attributes"),
    map("attributes_to_headers"),
    choice("include_headers", "SIP_NO_HEADERS"),
    choice("media_encryption", "SIP_MEDIA_ENCRYPT_DISABLE"),
    message("media", MEDIA),
    text("from_host"),
    time("created_at"),
    time("updated_at"),
];

const LEGACY_TRUNK: &[Field] = &[
    text("sip_trunk_id"),
    choice("kind", "TRUNK_LEGACY"),
    list("inbound_addresses"),
    text("outbound_address"),
    text("outbound_number"),
    choice("transport", "SIP_TRANSPORT_AUTO"),
    list("inbound_numbers_regex"),
    list("inbound_numbers"),
    text("inbound_username"),
    text("inbound_password"),
    text("outbound_username"),
    text("outbound_password"),
    text("name"),
    text("metadata"),
];

const DISPATCH_RULE: &[Field] = &[
    text("sip_dispatch_rule_id"),
    message(
        "rule",
        &[
            one_of("dispatch_rule_direct", &[text("room_name"), text("pin")]),
            one_of("dispatch_rule_individual", &[text("room_prefix"), text("pin"), flag("no_randomness")]),
            one_of("dispatch_rule_callee", &[text("room_prefix"), text("pin"), flag("randomize")]),
        ],
    ),
    list("trunk_ids"),
    flag("hide_phone_number"),
    list("inbound_numbers"),
    list("numbers"),
    text("name"),
    text("metadata"),
    map("attributes"),
    text("room_preset"),
    message("room_config", ROOM_CONFIGURATION),
    message("media", MEDIA),
    flag("krisp_enabled"),
    choice("media_encryption", "SIP_MEDIA_ENCRYPT_DISABLE"),
    time("created_at"),
    time("updated_at"),
];

const ROOM_CONFIGURATION: &[Field] = &[
    text("name"),
    zero("empty_timeout"),
    zero("departure_timeout"),
    zero("max_participants"),
    text("metadata"),
    null("egress"),
    zero("min_playout_delay"),
    zero("max_playout_delay"),
    flag("sync_streams"),
    messages(
        "agents",
        &[
            text("agent_name"),
            text("metadata"),
            map("attributes"),
            choice("restart_policy", "JRP_ON_FAILURE"),
            text("deployment"),
        ],
    ),
    map("tags"),
];

const PHONE_NUMBER: &[Field] = &[
    text("id"),
    text("name"),
    text("e164_format"),
    text("country_code"),
    text("area_code"),
    choice("number_type", "PHONE_NUMBER_TYPE_UNKNOWN"),
    text("locality"),
    text("region"),
    zero("spam_score"),
    time("created_at"),
    time("updated_at"),
    list("capabilities"),
    choice("status", "PHONE_NUMBER_STATUS_UNSPECIFIED"),
    choice("inbound_status", "PHONE_NUMBER_IN_STATUS_UNSPECIFIED"),
    choice("outbound_status", "PHONE_NUMBER_OUT_STATUS_UNSPECIFIED"),
    time("assigned_at"),
    time("released_at"),
    text("sip_dispatch_rule_id"),
    list("sip_dispatch_rule_ids"),
];

const NEXT_PAGE: Field = message("next_page_token", &[text("token")]);

impl Fields for livekit_protocol::SipInboundTrunkInfo {
    const FIELDS: &'static [Field] = INBOUND_TRUNK;
}

impl Fields for livekit_protocol::SipOutboundTrunkInfo {
    const FIELDS: &'static [Field] = OUTBOUND_TRUNK;
}

impl Fields for livekit_protocol::SipTrunkInfo {
    const FIELDS: &'static [Field] = LEGACY_TRUNK;
}

impl Fields for livekit_protocol::SipDispatchRuleInfo {
    const FIELDS: &'static [Field] = DISPATCH_RULE;
}

impl Fields for livekit_protocol::GetSipInboundTrunkResponse {
    const FIELDS: &'static [Field] = &[message("trunk", INBOUND_TRUNK)];
}

impl Fields for livekit_protocol::GetSipOutboundTrunkResponse {
    const FIELDS: &'static [Field] = &[message("trunk", OUTBOUND_TRUNK)];
}

impl Fields for livekit_protocol::ListSipTrunkResponse {
    const FIELDS: &'static [Field] = &[messages("items", LEGACY_TRUNK)];
}

impl Fields for livekit_protocol::ListSipInboundTrunkResponse {
    const FIELDS: &'static [Field] = &[messages("items", INBOUND_TRUNK)];
}

impl Fields for livekit_protocol::ListSipOutboundTrunkResponse {
    const FIELDS: &'static [Field] = &[messages("items", OUTBOUND_TRUNK)];
}

impl Fields for livekit_protocol::ListSipDispatchRuleResponse {
    const FIELDS: &'static [Field] = &[messages("items", DISPATCH_RULE)];
}

impl Fields for livekit_protocol::SearchPhoneNumbersResponse {
    const FIELDS: &'static [Field] = &[messages("items", PHONE_NUMBER), NEXT_PAGE];
}

impl Fields for livekit_protocol::PurchasePhoneNumberResponse {
    const FIELDS: &'static [Field] = &[messages("phone_numbers", PHONE_NUMBER)];
}

impl Fields for livekit_protocol::ListPhoneNumbersResponse {
    const FIELDS: &'static [Field] =
        &[messages("items", PHONE_NUMBER), NEXT_PAGE, zero("total_count"), zero("offline_count")];
}

impl Fields for livekit_protocol::GetPhoneNumberResponse {
    const FIELDS: &'static [Field] = &[message("phone_number", PHONE_NUMBER)];
}

impl Fields for livekit_protocol::UpdatePhoneNumberResponse {
    const FIELDS: &'static [Field] = &[message("phone_number", PHONE_NUMBER)];
}

impl Fields for livekit_protocol::ReleasePhoneNumbersResponse {
    const FIELDS: &'static [Field] = &[];
}
