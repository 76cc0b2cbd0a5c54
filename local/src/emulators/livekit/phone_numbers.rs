//! The methods on phone numbers, which LiveKit Cloud serves from code that is not public.
//!
//! Messages, fields and defaults are those of the protocol's `livekit_phone_number.proto` and of
//! LiveKit's reference. From reports of real answers come the refusals `Failed to search phone numbers`
//! and `Failed to update phone number`, that a number without a rule is offline and one that a rule
//! for everything takes is active without a rule's id, and that a release is refused which would leave
//! a rule without any trunk. That a number has a rule by standing among the rule's trunks is how LiveKit's
//! CLI once gave it one. The other refusals, and that a purchase of several is whole or not at all, are by
//! analogy.

// `sip_dispatch_rule_id` is deprecated in the message and kept in step with `sip_dispatch_rule_ids`.
#![allow(deprecated)]

use std::collections::BTreeSet;

use jiff::Timestamp;
use livekit_protocol::{
    GetPhoneNumberRequest, GetPhoneNumberResponse, ListPhoneNumbersRequest, ListPhoneNumbersResponse, PhoneNumber,
    PhoneNumberStatus, PurchasePhoneNumberRequest, PurchasePhoneNumberResponse, ReleasePhoneNumbersRequest,
    ReleasePhoneNumbersResponse, SearchPhoneNumbersRequest, SearchPhoneNumbersResponse, SipDispatchRuleInfo,
    UpdatePhoneNumberRequest, UpdatePhoneNumberResponse,
};

use super::{
    inventory,
    pages::page,
    store::{self, Store},
    twirp::TwirpError,
};

/// What is for sale in a country and an area.
pub(super) fn search(
    store: &mut Store,
    request: SearchPhoneNumbersRequest,
) -> Result<SearchPhoneNumbersResponse, TwirpError> {
    let area_code = request.area_code.filter(|code| !code.is_empty());
    let is_code = |code: &String| code.len() == 3 && code.bytes().all(|digit| digit.is_ascii_digit());
    if request.country_code.is_empty() || !area_code.iter().all(is_code) {
        return Err(TwirpError::wrapped_invalid_argument("Failed to search phone numbers"));
    }
    let for_sale = inventory::phone_numbers().filter(|number| {
        number.country_code == request.country_code
            && area_code.iter().all(|code| *code == number.area_code)
            && owned_as(store, &number.e164_format).is_none()
    });
    let (items, next_page_token) = page(for_sale.collect(), request.page_token.as_ref(), request.limit)?;
    Ok(SearchPhoneNumbersResponse { items, next_page_token })
}

/// Buys numbers that are for sale, all or none, and gives their calls to the rule.
pub(super) fn purchase(
    store: &mut Store,
    request: PurchasePhoneNumberRequest,
) -> Result<PurchasePhoneNumberResponse, TwirpError> {
    let refused = || TwirpError::wrapped_invalid_argument("Failed to purchase phone numbers");
    let wanted = request.phone_numbers.into_iter().collect::<BTreeSet<_>>();
    let rule_id = request.sip_dispatch_rule_id.filter(|id| !id.is_empty());
    let rule = rule_id.map(|id| store.rules.get(&id).cloned().ok_or_else(refused)).transpose()?;
    let mut bought =
        inventory::phone_numbers().filter(|number| wanted.contains(&number.e164_format)).collect::<Vec<_>>();
    let is_owned = wanted.iter().any(|number| owned_as(store, number).is_some());
    if wanted.is_empty() || is_owned || bought.len() < wanted.len() {
        return Err(refused());
    }
    for number in &mut bought {
        number.id = store::new_phone_number_id();
        let at = number.assigned_at.get_or_insert_default();
        (at.seconds, at.nanos) = now();
        store.phone_numbers.put(&number.id, number.clone())?;
    }
    if let Some(mut rule) = rule {
        rule.trunk_ids.extend(bought.iter().map(|number| number.id.clone()));
        put_rule(store, rule)?;
    }
    let phone_numbers = bought.into_iter().map(|number| {
        let PhoneNumber { id, e164_format, status, .. } = shown(store, &number);
        PhoneNumber { id, e164_format, status, ..PhoneNumber::default() }
    });
    Ok(PurchasePhoneNumberResponse { phone_numbers: phone_numbers.collect() })
}

/// What was bought, by its state and its rule; what was released only when it is asked for.
pub(super) fn list(
    store: &mut Store,
    request: ListPhoneNumbersRequest,
) -> Result<ListPhoneNumbersResponse, TwirpError> {
    let rule_id = request.sip_dispatch_rule_id.filter(|id| !id.is_empty());
    let all = store.phone_numbers.iter().map(|(_, number)| shown(store, number)).filter(|number| {
        let is_asked_for = match request.statuses.as_slice() {
            [] => number.status() != PhoneNumberStatus::Released,
            statuses => statuses.contains(&number.status),
        };
        is_asked_for && rule_id.iter().all(|id| number.sip_dispatch_rule_ids.contains(id))
    });
    let all = all.collect::<Vec<_>>();
    let offline = all.iter().filter(|number| number.status() == PhoneNumberStatus::Offline).count();
    let (total_count, offline_count) = (all.len() as i32, offline as i32);
    let (items, next_page_token) = page(all, request.page_token.as_ref(), request.limit)?;
    Ok(ListPhoneNumbersResponse { items, next_page_token, total_count, offline_count })
}

/// One number: by its id also when it was released.
pub(super) fn get(store: &mut Store, request: GetPhoneNumberRequest) -> Result<GetPhoneNumberResponse, TwirpError> {
    let number = named(store, request.id, request.phone_number)?;
    Ok(GetPhoneNumberResponse { phone_number: Some(shown(store, &number)) })
}

/// Gives a number's calls to a rule, or to none, and names it.
pub(super) fn update(
    store: &mut Store,
    request: UpdatePhoneNumberRequest,
) -> Result<UpdatePhoneNumberResponse, TwirpError> {
    let refused = || TwirpError::wrapped_invalid_argument("Failed to update phone number");
    let mut number = named(store, request.id, request.phone_number)?;
    if number.status() == PhoneNumberStatus::Released {
        return Err(refused());
    }
    if let Some(rule_id) = request.sip_dispatch_rule_id {
        if !rule_id.is_empty() && store.rules.get(&rule_id).is_none() {
            return Err(refused());
        }
        leave_rules(store, &number.id)?;
        if let Some(mut rule) = store.rules.get(&rule_id).cloned() {
            rule.trunk_ids.push(number.id.clone());
            put_rule(store, rule)?;
        }
    }
    if let Some(name) = request.name {
        number.name = name;
        store.phone_numbers.put(&number.id, number.clone())?;
    }
    let PhoneNumber { id, e164_format, status, sip_dispatch_rule_id, sip_dispatch_rule_ids, .. } =
        shown(store, &number);
    let changed =
        PhoneNumber { id, e164_format, status, sip_dispatch_rule_id, sip_dispatch_rule_ids, ..PhoneNumber::default() };
    Ok(UpdatePhoneNumberResponse { phone_number: Some(changed) })
}

/// Puts numbers up for sale again.
pub(super) fn release(
    store: &mut Store,
    request: ReleasePhoneNumbersRequest,
) -> Result<ReleasePhoneNumbersResponse, TwirpError> {
    if request.ids.is_empty() && request.phone_numbers.is_empty() {
        return Err(TwirpError::invalid_argument("either ids or phone_numbers must be provided"));
    }
    let by_id = request.ids.iter().map(|id| store.phone_numbers.get(id).filter(|number| is_owned(number)));
    let by_number = request.phone_numbers.iter().map(|number| owned_as(store, number));
    let released = by_id.chain(by_number).map(|number| number.cloned().ok_or_else(no_such_number));
    let released = released.collect::<Result<Vec<_>, _>>()?;
    for number in &released {
        for mut rule in rules_of(store, &number.id) {
            rule.trunk_ids.retain(|id| released.iter().all(|number| number.id != *id));
            if rule.trunk_ids.is_empty() {
                let id = rule.sip_dispatch_rule_id;
                return Err(TwirpError::invalid_argument(format!("{id} would become a catch-all dispatch rule")));
            }
        }
    }
    for mut number in released {
        leave_rules(store, &number.id)?;
        number.set_status(PhoneNumberStatus::Released);
        let at = number.released_at.get_or_insert_default();
        (at.seconds, at.nanos) = now();
        store.phone_numbers.put(&number.id.clone(), number)?;
    }
    Ok(ReleasePhoneNumbersResponse {})
}

/// Seconds and nanoseconds, to the microsecond.
fn now() -> (i64, i32) {
    let now = Timestamp::now();
    (now.as_second(), now.subsec_microsecond() * 1000)
}

fn no_such_number() -> TwirpError {
    TwirpError::not_found("requested phone number does not exist")
}

fn is_owned(number: &PhoneNumber) -> bool {
    number.status() != PhoneNumberStatus::Released
}

/// The purchase of a number that was not released since.
fn owned_as<'a>(store: &'a Store, e164: &str) -> Option<&'a PhoneNumber> {
    store.phone_numbers.iter().map(|(_, number)| number).find(|number| number.e164_format == e164 && is_owned(number))
}

fn named(store: &Store, id: Option<String>, e164: Option<String>) -> Result<PhoneNumber, TwirpError> {
    let number = match (id, e164) {
        (Some(id), _) => store.phone_numbers.get(&id),
        (None, Some(e164)) => owned_as(store, &e164),
        (None, None) => return Err(TwirpError::invalid_argument("either id or phone_number must be provided")),
    };
    number.cloned().ok_or_else(no_such_number)
}

/// The rules that the number itself has.
fn rules_of(store: &Store, id: &String) -> Vec<SipDispatchRuleInfo> {
    store.rules.iter().map(|(_, rule)| rule).filter(|rule| rule.trunk_ids.contains(id)).cloned().collect()
}

fn leave_rules(store: &mut Store, number_id: &String) -> Result<(), TwirpError> {
    for mut rule in rules_of(store, number_id) {
        rule.trunk_ids.retain(|id| id != number_id);
        put_rule(store, rule)?;
    }
    Ok(())
}

fn put_rule(store: &mut Store, rule: SipDispatchRuleInfo) -> Result<(), TwirpError> {
    Ok(store.rules.put(&rule.sip_dispatch_rule_id.clone(), rule)?)
}

/// A number with what its rules make of it.
fn shown(store: &Store, number: &PhoneNumber) -> PhoneNumber {
    let mut shown = number.clone();
    let rules = rules_of(store, &number.id).into_iter().map(|rule| rule.sip_dispatch_rule_id);
    shown.sip_dispatch_rule_ids = rules.collect();
    shown.sip_dispatch_rule_id = shown.sip_dispatch_rule_ids.first().cloned().unwrap_or_default();
    if is_owned(number) {
        let takes_everything = store.rules.iter().any(|(_, rule)| rule.trunk_ids.is_empty());
        let has_calls = takes_everything || !shown.sip_dispatch_rule_ids.is_empty();
        shown.set_status(if has_calls { PhoneNumberStatus::Active } else { PhoneNumberStatus::Offline });
    }
    shown
}
