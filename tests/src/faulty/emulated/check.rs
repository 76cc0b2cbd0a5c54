use std::collections::{BTreeMap, BTreeSet};

use trunkline_domain::E164;

use crate::canary;
use crate::probe::{Item, number, text};

/// The live trunks, and what the records alone show to be wrong.
pub(super) fn records(items: &[Item]) -> (BTreeSet<String>, Vec<String>) {
    let (mut live, mut violations) = (BTreeSet::new(), Vec::new());
    let (mut counted, mut trunks, mut numbers_counted, mut numbers) = (0, 0, 0, 0);
    for item in items {
        violations.extend(canary::trace(&format!("{item:?}")));
        let (sk, state) = (text(item, "sk"), text(item, "state"));
        if item.contains_key("sweep_at") || item.contains_key("sweep_shard") {
            violations.push(format!("{sk} is in the sweep index"));
        }
        match sk.split_once('#') {
            None if sk == "WS" => {
                (counted, numbers_counted) = (number(item, "trunk_count"), number(item, "number_count"))
            }
            // The audit compares claims with numbers, and both with the trunks.
            None => {}
            Some(("NUMBER", _)) if state == "active" => numbers += 1,
            Some(("TRUNK", id)) => {
                trunks += 1;
                match state {
                    "active" => live.extend([id.to_owned()]),
                    _ => violations.push(format!("{sk} is {state}")),
                }
            }
            // The audit compares them with the trunks.
            Some(("TWILIO", _)) => {}
            Some(("IDEM", _)) if state == "answered" => {}
            Some(_) => violations.push(format!("{sk} is left {state}")),
        }
    }
    if counted != trunks {
        violations.push(format!("the counter says {counted}, there are {trunks} trunks"));
    }
    if numbers_counted != numbers {
        violations.push(format!("the counter says {numbers_counted}, there are {numbers} numbers"));
    }
    (live, violations)
}

/// The live trunks of `kind: twilio`, with their numbers.
pub(super) fn on_twilio(items: &[Item]) -> BTreeMap<String, BTreeSet<E164>> {
    let trunks = items.iter().filter(|item| text(item, "sk").starts_with("TRUNK#") && text(item, "kind") == "twilio");
    let numbers = |item: &Item| {
        let numbers = item.get("numbers").and_then(|numbers| numbers.as_m().ok());
        numbers.into_iter().flatten().map(|(e164, _)| E164::parse(e164).unwrap()).collect()
    };
    trunks.map(|item| (text(item, "trunk_id").to_owned(), numbers(item))).collect()
}
