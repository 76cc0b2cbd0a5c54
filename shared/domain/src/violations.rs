use std::collections::BTreeMap;
use std::fmt;

use crate::json::shortened;

/// What is wrong with a request, by field: path (dotted, with brackets) to message.
///
/// A message names the remedy and never repeats the value, which may be a secret in the wrong place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Violations(BTreeMap<String, String>);

impl Violations {
    /// Adds a violation; the first one of a path is kept.
    pub fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.entry(path.into()).or_insert_with(|| message.into());
    }

    /// Adds that there is no such `what` as `name`, and which of the `known` ones was probably meant.
    pub fn add_unknown(&mut self, what: &str, name: &str, known: &[&str]) {
        let message = match nearest(name, known) {
            Some(known) => format!("unknown {what}, did you mean {known}?"),
            None => format!("unknown {what}"),
        };
        self.add(shortened(name), message);
    }

    /// Adds those of the object in the field `path`.
    pub(crate) fn add_within(&mut self, path: &str, inner: &Self) {
        for (field, message) in &inner.0 {
            self.add(format!("{path}.{field}"), message);
        }
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// By path, in order.
    pub fn fields(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => write!(f, "1 field is invalid"),
            n => write!(f, "{n} fields are invalid"),
        }
    }
}

fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    const ALIKE: f64 = 0.85;
    let name = name.to_lowercase();
    let likeness = |known: &&'a str| (strsim::jaro_winkler(&name, known), *known);
    known
        .iter()
        .map(likeness)
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::nearest;
    use crate::trunk_fields::TRUNK;

    #[test]
    fn a_suggestion_is_made_only_when_a_name_is_near() {
        let near = |name| nearest(name, TRUNK.settable);
        assert_eq!(near("sip_adress"), Some("sip_address"));
        assert_eq!(near("Direction"), Some("direction"));
        assert_eq!(near("media_encrytion"), Some("media_encryption"));
        assert_eq!(near("colour"), None);
        assert_eq!(nearest("limt", &["cursor", "limit"]), Some("limit"));
    }
}
