//! What a trunk has: origination URLs, and credential lists of the account's.

use serde_json::{Value, json};

use super::{
    Context,
    store::{self, CredentialList, OriginationUrl, Trunk},
    trunks::NAME_MAX,
    wire::{Answer, Code, TwilioError, iso_8601},
};

/// The trunk's origination URLs.
pub(super) fn list_urls(context: Context<'_>, trunk_sid: &str) -> Result<Answer, TwilioError> {
    let trunk = context.trunk(trunk_sid)?;
    let urls = trunk.origination_urls.iter();
    Ok(Answer::Found(context.v1_page("origination_urls", urls, |url| url_body(&context, trunk, url))))
}

/// Adds an origination URL. Two may be alike.
pub(super) fn create_url(context: Context<'_>, trunk_sid: &str) -> Result<Answer, TwilioError> {
    let mut trunk = context.trunk(trunk_sid)?.clone();
    let form = &context.form;
    let number = |name, range: std::ops::RangeInclusive<u16>| {
        let value = form.required(name)?.parse().ok().filter(|value| range.contains(value));
        value.ok_or_else(|| {
            TwilioError::new(Code::Trunk, format!("{name} must be from {} to {}", range.start(), range.end()))
        })
    };
    let url = OriginationUrl {
        sid: store::new_sid("OU"),
        friendly_name: form.required("FriendlyName")?.to_owned(),
        sip_url: form.required("SipUrl")?.to_owned(),
        weight: number("Weight", 1..=u16::MAX)?,
        priority: number("Priority", 0..=u16::MAX)?,
        enabled: form.required("Enabled")?.eq_ignore_ascii_case("true"),
        created_at: context.now,
    };
    if url.friendly_name.chars().count() > NAME_MAX {
        return Err(TwilioError::new(Code::Trunk, "FriendlyName must be at most 64 characters long"));
    }
    if !url.sip_url.starts_with("sip:") {
        return Err(TwilioError::new(Code::Trunk, "SipUrl must have the scheme sip"));
    }
    let answer = url_body(&context, &trunk, &url);
    trunk.origination_urls.push(url);
    context.store.trunks.put(trunk_sid, trunk)?;
    Ok(Answer::Created(answer))
}

/// The account's credential lists that the trunk takes.
pub(super) fn list_lists(context: Context<'_>, trunk_sid: &str) -> Result<Answer, TwilioError> {
    let trunk = context.trunk(trunk_sid)?;
    let lists = trunk.credential_lists.iter().filter_map(|sid| context.store.credential_lists.get(sid));
    Ok(Answer::Found(context.v1_page("credential_lists", lists, |list| list_body(&context, trunk, list))))
}

/// Makes the trunk take a credential list, once.
pub(super) fn attach_list(context: Context<'_>, trunk_sid: &str) -> Result<Answer, TwilioError> {
    let mut trunk = context.trunk(trunk_sid)?.clone();
    let list = context.credential_list(context.form.required("CredentialListSid")?)?;
    if !trunk.credential_lists.insert(list.sid.clone()) {
        return Err(TwilioError::new(Code::Trunk, "Credential List already associated with Trunk"));
    }
    let answer = list_body(&context, &trunk, list);
    context.store.trunks.put(trunk_sid, trunk)?;
    Ok(Answer::Created(answer))
}

fn url_body(context: &Context<'_>, trunk: &Trunk, url: &OriginationUrl) -> Value {
    json!({
        "sid": url.sid,
        "account_sid": trunk.account_sid,
        "trunk_sid": trunk.sid,
        "friendly_name": url.friendly_name,
        "sip_url": url.sip_url,
        "weight": url.weight,
        "priority": url.priority,
        "enabled": url.enabled,
        "date_created": iso_8601(url.created_at),
        "date_updated": iso_8601(url.created_at),
        "url": format!("{}/v1/Trunks/{}/OriginationUrls/{}", context.base, trunk.sid, url.sid),
    })
}

fn list_body(context: &Context<'_>, trunk: &Trunk, list: &CredentialList) -> Value {
    json!({
        "sid": list.sid,
        "account_sid": list.account_sid,
        "trunk_sid": trunk.sid,
        "friendly_name": list.friendly_name,
        "date_created": iso_8601(list.created_at),
        "date_updated": iso_8601(list.updated_at),
        "url": format!("{}/v1/Trunks/{}/CredentialLists/{}", context.base, trunk.sid, list.sid),
    })
}
