use std::collections::BTreeSet;

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
