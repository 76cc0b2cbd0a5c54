use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};
use trunkline_domain::TrunkId;
use trunkline_provisioning::ports::Filter;

/// A place in a list, and the filter of that list: `{trunk}`, and the words of the filter behind dots. To callers, text
/// without a meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The last trunk of the part before.
    pub(crate) before: TrunkId,
    filter: Filter,
}

impl Cursor {
    pub(crate) fn new(before: TrunkId, filter: Filter) -> Self {
        Self { before, filter }
    }

    /// Whether it is of a list with that filter.
    pub(crate) fn is_of(&self, filter: Filter) -> bool {
        self.filter == filter
    }
}

/// The words of the two fields are different ones.
fn words(Filter { kind, direction }: Filter) -> String {
    let words = [kind.map(|kind| kind.as_str()), direction.map(|direction| direction.as_str())];
    words.into_iter().flatten().flat_map(|word| [".", word]).collect()
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (id, said) = text.split_at(text.find('.').unwrap_or(text.len()));
        let mut filter = Filter::default();
        for word in said.split('.').skip(1) {
            match word.parse() {
                Ok(kind) => filter.kind = Some(kind),
                Err(_) => filter.direction = Some(word.parse().map_err(drop)?),
            }
        }
        let cursor = Self { before: id.parse().map_err(drop)?, filter };
        if words(filter) == said { Ok(cursor) } else { Err(()) }
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.before, words(self.filter))
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "openapi")]
impl schemars::JsonSchema for Cursor {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": r"^trunk_[0-7][0-9a-hjkmnp-tv-z]{25}(\.(livekit|twilio|byoc))?(\.(inbound|outbound|both))?$",
            "examples": ["trunk_01kdz0v1ctfpat8r05qs7wk4ed"],
        })
    }
}
