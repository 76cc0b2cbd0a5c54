use crate::fields::{Fields, Names, message};
use crate::json::JsonObject;
use crate::new_trunk::{DIGEST_NEEDS_CREDENTIALS, NO_DIGEST_OF_LIVEKIT};
use crate::trunk_fields::TRUNK;
use crate::{
    AddressPolicy, AuthPassword, AuthToken, AuthUsername, Carrier, CarrierCredentials, Change, CountryCode,
    Directional, InboundAuth, InboundSettings, Kind, OutboundSettings, SipAddress, TrunkName, TrunkSecret,
    TrunkSettings, Violations,
};

/// What a merge patch makes of a trunk: every rule of the contract holds.
#[derive(Debug, Clone)]
pub struct TrunkChange {
    /// What may be read back, changed or not.
    pub settings: TrunkSettings,
    /// What becomes of what may not.
    pub secret: SecretChange,
}

/// What becomes of a trunk's secret.
#[derive(Debug, Clone)]
pub struct SecretChange {
    /// Of the SIP password.
    pub password: Change<AuthPassword>,
    /// Of the carrier's credentials: what is set is a merge patch of its own.
    pub credentials: Change<CarrierCredentials>,
}

impl SecretChange {
    /// Whether anything is changed, where a secret is `kept`. A secret cannot be compared without being read: what is
    /// set is a change.
    pub fn changes(&self, kept: bool) -> bool {
        match (&self.password, &self.credentials) {
            (Change::Keep, Change::Keep) => false,
            (Change::Keep | Change::Clear, Change::Keep | Change::Clear) => kept,
            (Change::Set(_), _) | (_, Change::Set(_)) => true,
        }
    }

    /// What the secret is afterwards.
    ///
    /// # Errors
    /// When it would be too large.
    pub fn apply(&self, kept: Option<&TrunkSecret>) -> Result<Option<TrunkSecret>, Violations> {
        let (password, credentials) = (kept.and_then(TrunkSecret::password), kept.and_then(TrunkSecret::credentials));
        let password = self.password.clone().apply(password.cloned());
        let credentials = match &self.credentials {
            Change::Keep => credentials.cloned(),
            Change::Clear => None,
            Change::Set(patch) => Some(patch.merged_into(credentials).map_err(|message| {
                let mut violations = Violations::default();
                violations.add("credentials", message);
                violations
            })?),
        };
        Ok(TrunkSecret::of(password, credentials))
    }
}

impl TrunkChange {
    /// Reads the body of a `PATCH /sip-trunks/{id}`, a JSON merge patch (RFC 7396) of a trunk whose settings are
    /// `current`. Nothing changes that the patch does not name.
    ///
    /// # Errors
    /// Every rule that the patch breaks, by field.
    pub fn parse(patch: &JsonObject, current: &TrunkSettings, policy: AddressPolicy) -> Result<Self, Violations> {
        let mut fields = Fields::of(patch.fields(), &TRUNK);
        fields.refuse_strange_change();
        fields.refuse_change(&["kind", "direction"], "cannot be changed: leave it out, or create another trunk");
        fields.refuse_meaningless(Some(current.kind()), Some(current.direction()));
        if current.kind() == Kind::Twilio {
            fields.check_twilio_change();
        }
        fields.refuse_clearing(current);

        let name = fields.optional("name", TrunkName::parse);
        let sip_address = fields.optional("sip_address", |text| SipAddress::parse(text, policy).map_err(message));
        let (auth_username, password) = fields.digest_credentials(current);
        let inbound_auth = fields.optional("inbound_auth", |text| text.parse().map_err(message));
        fields.check_digest_kept(current, inbound_auth);
        let allowed_addresses = fields.given("allowed_addresses").then(|| fields.allowed_addresses());
        let country = fields.optional("destination_country", CountryCode::parse);
        let country_cleared = fields.cleared("destination_country");
        let transport = fields.optional("transport", |text| text.parse().map_err(message));
        let media_encryption = fields.optional("media_encryption", |text| text.parse().map_err(message));
        let credentials = match fields.credentials(patch) {
            Some(credentials) => Change::Set(credentials),
            None if fields.cleared("credentials") => Change::Clear,
            None => Change::Keep,
        };
        if !fields.violations.is_empty() {
            return Err(fields.violations);
        }

        let inbound = |kept: &InboundSettings| InboundSettings { auth: inbound_auth.unwrap_or(kept.auth) };
        let outbound = |kept: &OutboundSettings| OutboundSettings {
            destination_country: country.or(kept.destination_country.filter(|_| !country_cleared)),
        };
        let carrier = match &current.carrier {
            Carrier::Livekit(kept) => Carrier::Livekit(inbound(kept)),
            Carrier::Byoc { sip_address: kept, route } => Carrier::Byoc {
                sip_address: sip_address.unwrap_or_else(|| kept.clone()),
                route: match route {
                    Directional::Inbound(kept) => Directional::Inbound(inbound(kept)),
                    Directional::Outbound(kept) => Directional::Outbound(outbound(kept)),
                    Directional::Both(incoming, outgoing) => Directional::Both(inbound(incoming), outbound(outgoing)),
                },
            },
            Carrier::Twilio { sip_address, inbound: incoming, outbound: outgoing } => Carrier::Twilio {
                sip_address: sip_address.clone(),
                inbound: inbound(incoming),
                outbound: outbound(outgoing),
            },
        };
        let settings = TrunkSettings {
            name: name.unwrap_or_else(|| current.name.clone()),
            carrier,
            allowed_addresses: allowed_addresses.unwrap_or_else(|| current.allowed_addresses.clone()),
            transport: transport.unwrap_or(current.transport),
            media_encryption: media_encryption.unwrap_or(current.media_encryption),
            auth_username,
        };
        Ok(Self { settings, secret: SecretChange { password, credentials } })
    }
}

/// What a patch may say of a Twilio trunk's `credentials`.
const ACCOUNT_CHANGE: Names = Names { settable: &["auth_token"], read_only: &["account_sid"] };

impl Fields<'_> {
    /// What an import has agreed with Twilio stays; the account's auth token may be another by now.
    fn check_twilio_change(&mut self) {
        let agreed = ["sip_address", "auth_username", "auth_password", "inbound_auth"];
        self.refuse_change(&agreed, "cannot be changed for kind=twilio: the import has set it at Twilio too");
        if self.cleared("credentials") {
            self.violations
                .add("credentials", "cannot be cleared for kind=twilio: the account's auth token is in them");
        }
        self.nested("credentials", &ACCOUNT_CHANGE, |account| {
            account.refuse_strange();
            account.required("auth_token", AuthToken::parse)
        });
    }

    /// What a trunk always has cannot be cleared.
    fn refuse_clearing(&mut self, current: &TrunkSettings) {
        let mut refuse = |field: &str, remedy: &str| {
            if self.cleared(field) {
                self.violations.add(field, format!("cannot be cleared: {remedy}"));
            }
        };
        refuse("name", "set another name");
        if current.sip_address().is_some() {
            refuse("sip_address", "required for kind=byoc");
        }
        if current.inbound().is_some() {
            refuse("inbound_auth", "set digest or none");
        }
        refuse("allowed_addresses", "set [] to accept any source");
        refuse("transport", "set auto, udp, tcp or tls");
        refuse("media_encryption", "set disable, allow or require");
    }

    /// The user name afterwards, and what becomes of the password: there are both or neither, and `null` for one of them
    /// clears both.
    fn digest_credentials(&mut self, current: &TrunkSettings) -> (Option<AuthUsername>, Change<AuthPassword>) {
        let username = self.optional("auth_username", AuthUsername::parse);
        let password = self.optional("auth_password", AuthPassword::parse);
        for (field, other) in [("auth_username", "auth_password"), ("auth_password", "auth_username")] {
            if self.given(field) && self.cleared(other) {
                self.violations.add(field, format!("must be null or absent when {other} is null, which clears both"));
            } else if self.given(other)
                && !self.given(field)
                && current.auth_username.is_none()
                && current.kind() != Kind::Livekit
            {
                self.violations.add(field, format!("required with {other}"));
            }
        }
        if self.clears_digest_credentials() {
            let password = if current.auth_username.is_some() { Change::Clear } else { Change::Keep };
            return (None, password);
        }
        (username.or_else(|| current.auth_username.clone()), password.map_or(Change::Keep, Change::Set))
    }

    fn clears_digest_credentials(&self) -> bool {
        self.cleared("auth_username") || self.cleared("auth_password")
    }

    /// A challenge that was asked for is not dropped without a word.
    fn check_digest_kept(&mut self, current: &TrunkSettings, inbound_auth: Option<InboundAuth>) {
        let Some(kept) = current.inbound() else { return };
        let wanted = inbound_auth.unwrap_or(kept.auth);
        let will_have_credentials = !self.clears_digest_credentials()
            && (current.auth_username.is_some() || self.given("auth_username") || self.given("auth_password"));
        if wanted != InboundAuth::Digest || will_have_credentials {
            return;
        }
        let remedy = match (current.kind(), inbound_auth) {
            (Kind::Livekit, _) => NO_DIGEST_OF_LIVEKIT,
            (_, Some(_)) => DIGEST_NEEDS_CREDENTIALS,
            (_, None) => "is digest, which needs the credentials: set none in the same patch to clear them",
        };
        self.violations.add("inbound_auth", remedy);
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;
    use crate::{AccountSid, NewTrunk, TrunkId, TwilioAccount};

    fn parsed(body: &str) -> JsonObject {
        JsonObject::parse(body.as_bytes()).unwrap()
    }

    fn trunk(more: &str) -> NewTrunk {
        let body = format!(r#"{{"name": "a", "sip_address": "sip.example.com", "kind": "byoc"{more}}}"#);
        NewTrunk::parse(&parsed(&body), AddressPolicy::PublicOnly).unwrap()
    }

    fn inbound() -> NewTrunk {
        trunk(r#", "direction": "inbound", "auth_username": "u", "auth_password": "p", "credentials": {"a": 1}"#)
    }

    fn outbound() -> NewTrunk {
        trunk(r#", "direction": "outbound", "destination_country": "DE", "transport": "tcp""#)
    }

    fn change(trunk: &NewTrunk, patch: &str) -> Result<TrunkChange, Vec<String>> {
        let change = TrunkChange::parse(&parsed(patch), &trunk.settings, AddressPolicy::PublicOnly);
        change.map_err(|violations| {
            violations.fields().iter().map(|(field, message)| format!("{field}: {message}")).collect()
        })
    }

    #[test]
    fn every_violation_is_reported_at_once() {
        let found = change(
            &inbound(),
            r#"{"name": null, "kind": "byoc", "direction": null, "sip_address": null, "auth_username": "u2",
                "auth_password": null, "inbound_auth": null, "allowed_addresses": ["203.0.113.7/24"],
                "destination_country": "DE", "transport": "sctp", "media_encryption": null, "credentials": [], "id": null,
                "auth_pasword": "x"}"#,
        );
        assert_eq!(
            found.unwrap_err(),
            [
                "allowed_addresses[0]: has host bits set: did you mean 203.0.113.0/24?",
                "auth_pasword: unknown field, did you mean auth_password?",
                "auth_username: must be null or absent when auth_password is null, which clears both",
                "credentials: must be a JSON object",
                "destination_country: must be absent for direction=inbound",
                "direction: cannot be changed: leave it out, or create another trunk",
                "id: is set by the service: leave it out",
                "inbound_auth: cannot be cleared: set digest or none",
                "kind: cannot be changed: leave it out, or create another trunk",
                "media_encryption: cannot be cleared: set disable, allow or require",
                "name: cannot be cleared: set another name",
                "sip_address: cannot be cleared: required for kind=byoc",
                "transport: must be one of auto, udp, tcp, tls",
            ]
        );
    }

    #[test]
    fn what_is_not_named_stays() {
        let (inbound, outbound) = (inbound(), outbound());
        for trunk in [&inbound, &outbound] {
            let unchanged = change(trunk, "{}").unwrap();
            assert_eq!(unchanged.settings, trunk.settings);
            assert!(!unchanged.secret.changes(true));
        }
        let cleared = change(&outbound, r#"{"destination_country": null, "auth_password": null}"#).unwrap();
        assert_eq!(cleared.settings.outbound().unwrap().1.destination_country, None);
        assert!(!cleared.secret.changes(false));
        assert_eq!(cleared.settings.transport, outbound.settings.transport);
    }

    #[test]
    fn a_password_alone_keeps_the_user_name_and_a_user_name_the_password() {
        let trunk = inbound();
        for (patch, username, password) in [
            (r#"{"auth_password": "new"}"#, "u", "new"),
            (r#"{"auth_username": "new"}"#, "new", "p"),
            (r#"{"auth_username": "new", "auth_password": "too"}"#, "new", "too"),
        ] {
            let TrunkChange { settings, secret } = change(&trunk, patch).unwrap();
            assert_eq!(settings.auth_username.unwrap().to_string(), username);
            let secret = secret.apply(trunk.secret.as_ref()).unwrap().unwrap();
            assert_eq!(secret.password().unwrap().expose_secret(), password);
            assert_eq!(secret.credentials().unwrap().expose_secret(), r#"{"a":1}"#);
        }
        assert_eq!(
            change(&outbound(), r#"{"auth_password": "new"}"#).unwrap_err(),
            ["auth_username: required with auth_password"]
        );
        assert_eq!(
            change(&outbound(), r#"{"auth_username": "new"}"#).unwrap_err(),
            ["auth_password: required with auth_username"]
        );
    }

    #[test]
    fn a_challenge_is_not_dropped_with_its_credentials() {
        let trunk = inbound();
        for field in ["auth_username", "auth_password"] {
            assert_eq!(
                change(&trunk, &format!(r#"{{"{field}": null}}"#)).unwrap_err(),
                ["inbound_auth: is digest, which needs the credentials: set none in the same patch to clear them"]
            );
            let cleared = change(&trunk, &format!(r#"{{"{field}": null, "inbound_auth": "none"}}"#)).unwrap();
            assert_eq!(cleared.settings.auth_username, None);
            let left = cleared.secret.apply(trunk.secret.as_ref()).unwrap().unwrap();
            assert!(left.password().is_none() && left.credentials().is_some());
        }
        let gone = change(&trunk, r#"{"auth_username": null, "inbound_auth": "none", "credentials": null}"#).unwrap();
        assert!(gone.secret.apply(trunk.secret.as_ref()).unwrap().is_none());
    }

    #[test]
    fn digest_needs_credentials() {
        let open = self::trunk(r#", "direction": "both""#);
        assert_eq!(
            change(&open, r#"{"inbound_auth": "digest"}"#).unwrap_err(),
            [format!("inbound_auth: {DIGEST_NEEDS_CREDENTIALS}")]
        );
        let patch = r#"{"inbound_auth": "digest", "auth_username": "u", "auth_password": "p"}"#;
        assert_eq!(change(&open, patch).unwrap().settings.inbound().unwrap().auth, InboundAuth::Digest);
        // Nothing that the patch does not name: the default of a new trunk is no matter here.
        let quiet = self::trunk(r#", "direction": "inbound""#);
        let patch = r#"{"auth_username": "u", "auth_password": "p"}"#;
        assert_eq!(change(&quiet, patch).unwrap().settings.inbound().unwrap().auth, InboundAuth::None);
    }
    #[test]
    fn what_is_agreed_with_twilio_stays() {
        let account = TwilioAccount {
            account_sid: AccountSid::parse("ACdeadbeefdeadbeef0123456789abcdef").unwrap(),
            auth_token: AuthToken::parse("before").unwrap(),
        };
        let trunk = NewTrunk::of_twilio_account(TrunkId::new(), &account);
        let agreed = "cannot be changed for kind=twilio: the import has set it at Twilio too";
        assert_eq!(
            change(
                &trunk,
                r#"{"sip_address": "sip.example.com", "auth_username": null, "auth_password": "x", "inbound_auth": "digest",
                    "credentials": {"account_sid": "AC", "auth_token": "a b"}}"#
            )
            .unwrap_err(),
            [
                format!("auth_password: {agreed}"),
                format!("auth_username: {agreed}"),
                "credentials.account_sid: is set by the service: leave it out".to_owned(),
                format!("credentials.auth_token: {}", AuthToken::parse("a b").unwrap_err()),
                format!("inbound_auth: {agreed}"),
                format!("sip_address: {agreed}"),
            ]
        );
        assert_eq!(
            change(&trunk, r#"{"credentials": null}"#).unwrap_err(),
            ["credentials: cannot be cleared for kind=twilio: the account's auth token is in them"]
        );
        assert_eq!(change(&trunk, r#"{"credentials": {}}"#).unwrap_err(), ["credentials.auth_token: required"]);

        let patch = r#"{"name": "b", "transport": "tls", "media_encryption": "require", "destination_country": "US",
                        "allowed_addresses": ["203.0.113.0/24"], "credentials": {"auth_token": "after"}}"#;
        let changed = change(&trunk, patch).unwrap();
        assert_eq!(changed.settings.kind(), Kind::Twilio);
        assert_eq!(changed.settings.sip_address(), trunk.settings.sip_address());
        let secret = changed.secret.apply(trunk.secret.as_ref()).unwrap().unwrap();
        let kept = trunk.secret.as_ref().and_then(TrunkSecret::password).unwrap();
        assert_eq!(secret.password().unwrap().expose_secret(), kept.expose_secret());
        let opened = TwilioAccount::of_secret(&secret).unwrap();
        assert_eq!(opened.account_sid, account.account_sid);
        assert_eq!(opened.auth_token.expose_secret(), "after");
    }
}
