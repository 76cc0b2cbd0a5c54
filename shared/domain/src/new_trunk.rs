use crate::fields::{Fields, message};
use crate::json::JsonObject;
use crate::trunk_fields::TRUNK;
use crate::{
    AddressPolicy, AuthPassword, AuthUsername, Carrier, CountryCode, Direction, Directional, E164, InboundAuth,
    InboundSettings, Kind, MediaEncryption, OutboundSettings, SipAddress, Transport, TrunkId, TrunkName, TrunkSecret,
    TrunkSettings, TwilioAccount, Violations,
};

/// A trunk that may be created: every rule of the contract holds.
#[derive(Debug, Clone)]
pub struct NewTrunk {
    /// What may be read back.
    pub settings: TrunkSettings,
    /// What may not; with a password exactly when the settings have a user name.
    pub secret: Option<TrunkSecret>,
}

pub(crate) const NO_DIGEST_OF_LIVEKIT: &str = "must be none or absent for kind=livekit, which has no credentials";
pub(crate) const DIGEST_NEEDS_CREDENTIALS: &str = "digest needs auth_username and auth_password";
pub(crate) const DEFAULT_TRANSPORT: Transport = Transport::Auto;
pub(crate) const DEFAULT_MEDIA_ENCRYPTION: MediaEncryption = MediaEncryption::Allow;

impl NewTrunk {
    /// Reads the body of a `POST /sip-trunks`.
    ///
    /// # Errors
    /// Every rule that the body breaks, by field.
    pub fn parse(body: &JsonObject, policy: AddressPolicy) -> Result<Self, Violations> {
        let mut fields = Fields::of(body.fields(), &TRUNK);
        fields.refuse_strange();

        let name = fields.required("name", TrunkName::parse);
        let kind = fields.required("kind", parse_kind);
        let direction = fields.required("direction", |text| text.parse().map_err(message));
        match kind {
            Some(Kind::Livekit) => fields.check_livekit(direction),
            Some(Kind::Byoc) => fields.check_byoc(),
            Some(Kind::Twilio) | None => {}
        }
        fields.refuse_meaningless(kind, direction);
        let sip_address = fields.optional("sip_address", |text| SipAddress::parse(text, policy).map_err(message));
        let username = fields.optional("auth_username", AuthUsername::parse);
        let password = fields.optional("auth_password", AuthPassword::parse);
        fields.check_pair("auth_username", "auth_password");
        let inbound_auth = fields.optional("inbound_auth", |text| text.parse().map_err(message));
        if inbound_auth == Some(InboundAuth::Digest) {
            fields.check_digest(kind);
        }
        let allowed_addresses = fields.allowed_addresses();
        let country = fields.optional("destination_country", CountryCode::parse);
        let transport = fields.optional("transport", |text| text.parse().map_err(message));
        let media_encryption = fields.optional("media_encryption", |text| text.parse().map_err(message));
        let credentials = fields.credentials(body);

        let (Some(name), Some(kind), Some(direction), true) = (name, kind, direction, fields.violations.is_empty())
        else {
            return Err(fields.violations);
        };
        let inbound = InboundSettings {
            auth: inbound_auth.unwrap_or(match direction {
                Direction::Inbound if username.is_some() => InboundAuth::Digest,
                _ => InboundAuth::None,
            }),
        };
        let outbound = OutboundSettings { destination_country: country };
        let carrier = match (kind, sip_address) {
            (Kind::Byoc, Some(sip_address)) => Carrier::Byoc {
                sip_address,
                route: match direction {
                    Direction::Inbound => Directional::Inbound(inbound),
                    Direction::Outbound => Directional::Outbound(outbound),
                    Direction::Both => Directional::Both(inbound, outbound),
                },
            },
            _ => Carrier::Livekit(inbound),
        };
        let settings = TrunkSettings {
            name,
            carrier,
            allowed_addresses,
            transport: transport.unwrap_or(DEFAULT_TRANSPORT),
            media_encryption: media_encryption.unwrap_or(DEFAULT_MEDIA_ENCRYPTION),
            auth_username: username,
        };
        Ok(Self { settings, secret: TrunkSecret::of(password, credentials) })
    }

    /// The trunk that a number of LiveKit's own rings on: nobody but LiveKit sends its calls.
    pub fn of_livekit_number(number: &E164) -> Self {
        let settings = TrunkSettings {
            name: TrunkName::of_number(number),
            carrier: Carrier::Livekit(InboundSettings { auth: InboundAuth::None }),
            allowed_addresses: Vec::new(),
            transport: DEFAULT_TRANSPORT,
            media_encryption: DEFAULT_MEDIA_ENCRYPTION,
            auth_username: None,
        };
        Self { settings, secret: None }
    }

    /// The trunk that an account's numbers share: Twilio answers no challenge, and takes SRTP only on a trunk whose owner
    /// has set it to be secure.
    pub fn of_twilio_account(id: TrunkId, account: &TwilioAccount) -> Self {
        let settings = TrunkSettings {
            name: TrunkName::of_account(&account.account_sid),
            carrier: Carrier::Twilio {
                sip_address: SipAddress::of_twilio(id),
                inbound: InboundSettings { auth: InboundAuth::None },
                outbound: OutboundSettings { destination_country: None },
            },
            allowed_addresses: Vec::new(),
            transport: DEFAULT_TRANSPORT,
            media_encryption: MediaEncryption::Disable,
            auth_username: Some(AuthUsername::of_trunk(id)),
        };
        let secret = TrunkSecret::Both(AuthPassword::generate(), account.to_credentials());
        Self { settings, secret: Some(secret) }
    }
}

fn parse_kind(text: &str) -> Result<Kind, String> {
    match text.parse().map_err(message)? {
        Kind::Twilio => Err("import the number instead: POST /v1/agents/phone-numbers with provider=twilio and a \
             `twilio` spec creates its trunk"
            .into()),
        kind => Ok(kind),
    }
}

impl Fields<'_> {
    fn check_pair(&mut self, username: &'static str, password: &'static str) {
        for (field, other) in [(username, password), (password, username)] {
            if self.given(other) && !self.given(field) {
                self.violations.add(field, format!("required with {other}"));
            }
        }
    }

    fn check_digest(&mut self, kind: Option<Kind>) {
        if kind == Some(Kind::Livekit) {
            self.violations.add("inbound_auth", NO_DIGEST_OF_LIVEKIT);
        } else if !self.given("auth_username") && !self.given("auth_password") {
            self.violations.add("inbound_auth", DIGEST_NEEDS_CREDENTIALS);
        }
    }

    /// LiveKit's own numbers take calls only.
    fn check_livekit(&mut self, direction: Option<Direction>) {
        if direction.is_some_and(|direction| direction != Direction::Inbound) {
            self.violations
                .add("direction", "must be inbound for kind=livekit: LiveKit's numbers take inbound calls only");
        }
    }

    fn check_byoc(&mut self) {
        if !self.given("sip_address") {
            self.violations.add("sip_address", "required for kind=byoc");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(body: &str) -> Vec<String> {
        let body = JsonObject::parse(body.as_bytes()).unwrap();
        let violations = NewTrunk::parse(&body, AddressPolicy::PublicOnly).unwrap_err();
        violations.fields().iter().map(|(field, message)| format!("{field}: {message}")).collect()
    }

    #[test]
    fn every_violation_is_reported_at_once() {
        let found = refusals(
            r#"{"name": " ", "kind": "byoc", "direction": "inbound", "auth_pasword": "x", "auth_username": "a:b",
                "allowed_addresses": ["203.0.113.7/24", 1, "10.0.0.1"], "destination_country": "UK", "transport": 5, "id": 1}"#,
        );
        assert_eq!(
            found,
            [
                "allowed_addresses[0]: has host bits set: did you mean 203.0.113.0/24?",
                "allowed_addresses[1]: must be a string",
                "auth_password: required with auth_username",
                "auth_pasword: unknown field, did you mean auth_password?",
                "auth_username: must have 1 to 128 visible ASCII characters, without `:` and whitespace",
                "destination_country: must be absent for direction=inbound",
                "id: is set by the service: leave it out",
                "name: must have 1 to 128 characters after trimming",
                "sip_address: required for kind=byoc",
                "transport: must be a string",
            ]
        );
    }

    #[test]
    fn digest_is_refused_with_the_credentials_that_a_livekit_trunk_does_not_have() {
        let found = refusals(
            r#"{"name": "a", "kind": "livekit", "direction": "inbound", "auth_username": "a", "auth_password": "b",
                "inbound_auth": "digest"}"#,
        );
        assert_eq!(
            found,
            [
                "auth_password: must be absent for kind=livekit",
                "auth_username: must be absent for kind=livekit",
                "inbound_auth: must be none or absent for kind=livekit, which has no credentials",
            ]
        );
    }

    #[test]
    fn digest_is_the_default_of_inbound_trunks_with_credentials_alone() {
        let auth = |direction: &str, credentials: &str| {
            let body = format!(
                r#"{{"name": "a", "kind": "byoc", "direction": "{direction}", "sip_address": "sip.example.com"{credentials}}}"#
            );
            let body = JsonObject::parse(body.as_bytes()).unwrap();
            let trunk = NewTrunk::parse(&body, AddressPolicy::PublicOnly).unwrap();
            trunk.settings.inbound().map(|inbound| inbound.auth)
        };
        let credentials = r#", "auth_username": "a", "auth_password": "b""#;
        assert_eq!(auth("inbound", credentials), Some(InboundAuth::Digest));
        assert_eq!(auth("inbound", ""), Some(InboundAuth::None));
        assert_eq!(auth("both", credentials), Some(InboundAuth::None));
        assert_eq!(auth("outbound", credentials), None);
    }
}
