//! Phone numbers: those of an account (`IncomingPhoneNumbers`), and those of a trunk.

use serde_json::{Value, json};

use super::{
    Context,
    store::Number,
    wire::{Answer, TwilioError, iso_8601, rfc_2822},
};

/// The account's numbers; those that match `PhoneNumber`, if there is one.
pub(super) fn list(context: Context<'_>) -> Result<Answer, TwilioError> {
    let pattern = context.query.get("PhoneNumber");
    let numbers = context
        .store
        .numbers
        .iter()
        .map(|(_, number)| number)
        .filter(|number| number.account_sid == context.account.account_sid)
        .filter(|number| pattern.is_none_or(|pattern| matches(&number.phone_number, pattern)));
    Ok(Answer::Found(context.api_page("incoming_phone_numbers", &["PhoneNumber"], numbers, incoming)))
}

/// "You can specify partial numbers and use '*' as a wildcard for any digit."
fn matches(number: &str, pattern: &str) -> bool {
    let fits = |place: &[u8]| place.iter().zip(pattern.as_bytes()).all(|(own, asked)| own == asked || *asked == b'*');
    pattern.is_empty() || number.as_bytes().windows(pattern.len()).any(fits)
}

/// The numbers that a trunk answers for.
pub(super) fn list_of_trunk(context: Context<'_>, trunk_sid: &str) -> Result<Answer, TwilioError> {
    let trunk = context.trunk(trunk_sid)?;
    let numbers = context.store.numbers.iter().map(|(_, number)| number);
    let numbers = numbers.filter(|number| number.trunk_sid.as_ref() == Some(&trunk.sid));
    Ok(Answer::Found(context.v1_page("phone_numbers", numbers, |number| of_trunk(&context, number))))
}

/// One of these.
pub(super) fn get_of_trunk(context: Context<'_>, trunk_sid: &str, sid: &str) -> Result<Answer, TwilioError> {
    let number = context.number_of_trunk(trunk_sid, sid)?;
    Ok(Answer::Found(of_trunk(&context, number)))
}

/// Makes the trunk answer for a number: "Setting a `trunk_sid` will automatically delete your
/// `voice_application_sid`". A number of another trunk is taken from it.
pub(super) fn attach(context: Context<'_>, trunk_sid: &str) -> Result<Answer, TwilioError> {
    let trunk_sid = context.trunk(trunk_sid)?.sid.clone();
    let sid = context.form.required("PhoneNumberSid")?;
    let number = context.store.numbers.get(sid).filter(|number| number.account_sid == context.account.account_sid);
    let number = number.ok_or_else(|| context.not_found())?;
    let number =
        Number { trunk_sid: Some(trunk_sid), voice_application_sid: None, updated_at: context.now, ..number.clone() };
    let body = of_trunk(&context, &number);
    context.store.numbers.put(&number.sid.clone(), number)?;
    Ok(Answer::Created(body))
}

/// Makes the trunk answer for a number no longer.
pub(super) fn detach(context: Context<'_>, trunk_sid: &str, sid: &str) -> Result<Answer, TwilioError> {
    let number = context.number_of_trunk(trunk_sid, sid)?;
    let number = Number { trunk_sid: None, updated_at: context.now, ..number.clone() };
    context.store.numbers.put(sid, number)?;
    Ok(Answer::Deleted)
}

impl Context<'_> {
    fn number_of_trunk(&self, trunk_sid: &str, sid: &str) -> Result<&Number, TwilioError> {
        let trunk = self.trunk(trunk_sid)?;
        let number = self.store.numbers.get(sid).filter(|number| number.trunk_sid.as_ref() == Some(&trunk.sid));
        number.ok_or_else(|| self.not_found())
    }
}

/// A number as 2010-04-01 writes it.
fn incoming(number: &Number) -> Value {
    let mut body = shared(number);
    body["date_created"] = rfc_2822(number.created_at).into();
    body["date_updated"] = rfc_2822(number.updated_at).into();
    body["uri"] = uri(number).into();
    body["status"] = "in-use".into();
    body["origin"] = "twilio".into();
    body
}

/// A number as v1 writes it.
fn of_trunk(context: &Context<'_>, number: &Number) -> Value {
    let mut body = shared(number);
    let trunk_sid = number.trunk_sid.as_deref().unwrap_or_default();
    body["date_created"] = iso_8601(number.created_at).into();
    body["date_updated"] = iso_8601(number.updated_at).into();
    body["url"] = format!("{}/v1/Trunks/{trunk_sid}/PhoneNumbers/{}", context.base, number.sid).into();
    body["links"] = json!({ "phone_number": format!("{}{}", context.base, uri(number)) });
    body
}

fn uri(number: &Number) -> String {
    format!("/2010-04-01/Accounts/{}/IncomingPhoneNumbers/{}.json", number.account_sid, number.sid)
}

fn shared(number: &Number) -> Value {
    json!({
        "sid": number.sid,
        "account_sid": number.account_sid,
        "phone_number": number.phone_number,
        "friendly_name": number.phone_number,
        "api_version": "2010-04-01",
        "address_requirements": "none",
        "beta": false,
        "capabilities": { "voice": true, "sms": true, "mms": true },
        "trunk_sid": number.trunk_sid,
        // Unlike the trunk, an application that is not there is an empty text.
        "voice_application_sid": number.voice_application_sid.as_deref().unwrap_or_default(),
        "voice_url": number.voice_url,
        "voice_method": "POST",
        "voice_fallback_url": null,
        "voice_fallback_method": "POST",
        "voice_caller_id_lookup": false,
        "sms_application_sid": "",
        "sms_url": "",
        "sms_method": "POST",
        "sms_fallback_url": "",
        "sms_fallback_method": "POST",
        "status_callback": "",
        "status_callback_method": "POST",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_number_matches_with_wildcards() {
        for pattern in ["", "+12025550101", "2025550101", "+1202", "555*1*1", "************"] {
            assert!(matches("+12025550101", pattern), "{pattern}");
        }
        for pattern in ["+12025550102", "+120255501011", "556", "*************"] {
            assert!(!matches("+12025550101", pattern), "{pattern}");
        }
    }
}
