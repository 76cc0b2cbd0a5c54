use std::collections::BTreeMap;
use std::fmt;

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
