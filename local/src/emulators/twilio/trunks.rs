//! Trunks (<https://www.twilio.com/docs/sip-trunking/api/trunk-resource>).

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Context,
    store::{self, Number, Trunk},
    wire::{Answer, Code, TwilioError, iso_8601},
};

/// How long a name may be.
pub(super) const NAME_MAX: usize = 64;
/// What the termination domain of every trunk ends with.
const DOMAIN: &str = ".pstn.twilio.com";

/// The account's trunks.
pub(super) fn list(context: Context<'_>) -> Result<Answer, TwilioError> {
    let trunks = context.own_trunks();
    Ok(Answer::Found(context.v1_page("trunks", trunks, |trunk| body(&context, trunk))))
}

/// Makes a trunk. Two may have the same name, and none the same domain.
pub(super) fn create(context: Context<'_>) -> Result<Answer, TwilioError> {
    let friendly_name = context.form.get("FriendlyName").map(str::to_owned);
    if friendly_name.as_ref().is_some_and(|name| name.chars().count() > NAME_MAX) {
        return Err(TwilioError::new(Code::Trunk, "FriendlyName must be at most 64 characters long"));
    }
    let domain_name = context.form.get("DomainName").map(str::to_ascii_lowercase);
    if let Some(domain_name) = &domain_name {
        check_domain(&context, domain_name)?;
    }
    if context.own_trunks().count() >= context.account.limit {
        return Err(TwilioError::new(Code::TooManyTrunks, "Maximum number of trunks reached"));
    }
    let trunk = Trunk {
        sid: store::new_sid("TK"),
        account_sid: context.account.account_sid.clone(),
        friendly_name,
        domain_name,
        origination_urls: Vec::new(),
        credential_lists: BTreeSet::new(),
        created_at: context.now,
        updated_at: context.now,
    };
    let answer = body(&context, &trunk);
    context.store.trunks.put(&trunk.sid.clone(), trunk)?;
    Ok(Answer::Created(answer))
}

fn check_domain(context: &Context<'_>, domain_name: &str) -> Result<(), TwilioError> {
    let label = domain_name.strip_suffix(DOMAIN).unwrap_or_default();
    if label.contains('.') {
        return Err(TwilioError::new(Code::TrunkDependencies, "The parent of the domain name is no trunk's"));
    }
    if label.is_empty() || !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        let message = "DomainName must consist of letters, digits and -, and end with pstn.twilio.com";
        return Err(TwilioError::new(Code::Trunk, message));
    }
    let mut others = context.store.trunks.iter().map(|(_, other)| other);
    match others.find(|other| other.domain_name.as_deref() == Some(domain_name)) {
        Some(other) if other.account_sid == context.account.account_sid => {
            Err(TwilioError::new(Code::Trunk, "Another trunk of the account has this domain name"))
        }
        Some(_) => Err(TwilioError::new(Code::DomainTaken, "Trunk Domain already taken")),
        None => Ok(()),
    }
}

/// One trunk.
pub(super) fn get(context: Context<'_>, sid: &str) -> Result<Answer, TwilioError> {
    Ok(Answer::Found(body(&context, context.trunk(sid)?)))
}

/// Forgets a trunk with its URLs, and lets its numbers and credential lists go: these are the account's.
pub(super) fn delete(context: Context<'_>, sid: &str) -> Result<Answer, TwilioError> {
    context.trunk(sid)?;
    let numbers = context.store.numbers.iter().map(|(_, number)| number);
    let attached: Vec<_> = numbers.filter(|number| number.trunk_sid.as_deref() == Some(sid)).cloned().collect();
    for number in attached {
        let number = Number { trunk_sid: None, updated_at: context.now, ..number };
        context.store.numbers.put(&number.sid.clone(), number)?;
    }
    context.store.trunks.remove(sid)?;
    Ok(Answer::Deleted)
}

impl Context<'_> {
    /// A trunk of the account's.
    pub(super) fn trunk(&self, sid: &str) -> Result<&Trunk, TwilioError> {
        let trunk = self.store.trunks.get(sid).filter(|trunk| trunk.account_sid == self.account.account_sid);
        trunk.ok_or_else(|| self.not_found())
    }

    fn own_trunks(&self) -> impl DoubleEndedIterator<Item = &Trunk> {
        let trunks = self.store.trunks.iter().map(|(_, trunk)| trunk);
        trunks.filter(|trunk| trunk.account_sid == self.account.account_sid)
    }
}

fn body(context: &Context<'_>, trunk: &Trunk) -> Value {
    let auth_types: &[&str] = if trunk.credential_lists.is_empty() { &[] } else { &["CREDENTIAL_LIST"] };
    let url = format!("{}/v1/Trunks/{}", context.base, trunk.sid);
    json!({
        "sid": trunk.sid,
        "account_sid": trunk.account_sid,
        "friendly_name": trunk.friendly_name,
        "domain_name": trunk.domain_name,
        "auth_type": auth_types.concat(),
        "auth_type_set": auth_types,
        "secure": false,
        "cnam_lookup_enabled": false,
        "symmetric_rtp_enabled": false,
        "recording": { "mode": "do-not-record", "trim": "do-not-trim" },
        "transfer_mode": "disable-all",
        "transfer_caller_id": "from-transferee",
        "disaster_recovery_method": null,
        "disaster_recovery_url": null,
        "date_created": iso_8601(trunk.created_at),
        "date_updated": iso_8601(trunk.updated_at),
        "links": {
            "origination_urls": format!("{url}/OriginationUrls"),
            "credential_lists": format!("{url}/CredentialLists"),
            "ip_access_control_lists": format!("{url}/IpAccessControlLists"),
            "phone_numbers": format!("{url}/PhoneNumbers"),
        },
        "url": url,
    })
}
