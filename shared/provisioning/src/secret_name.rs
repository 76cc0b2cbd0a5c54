use crate::{LeaseOwner, TrunkKey};

/// What the names of all our secrets begin with (`SECRET_PREFIX`): the functions' policies allow nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPrefix(String);

impl SecretPrefix {
    /// Secrets Manager allows 512 characters in a name; the rest takes fewer than 100.
    const MAX_LEN: usize = 400;

    /// Checks `text` by the rule of Secrets Manager's `CreateSecret`: letters, digits and `/_+=.@-`.
    ///
    /// # Errors
    /// What is wrong.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte);
        if (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must have 1 to 400 letters, digits or `/_+=.@-`")
        }
    }

    /// The prefix itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of a trunk's first secret.
    pub fn name_for(&self, trunk: TrunkKey) -> String {
        format!("{}{trunk}", self.0)
    }

    /// The name of a secret that `owner` makes for a trunk in place of another. Each value has a name of its own: a
    /// message that comes late changes no secret that counts.
    pub(crate) fn name_for_change(&self, trunk: TrunkKey, owner: &LeaseOwner) -> String {
        format!("{}/{}", self.name_for(trunk), owner.as_str())
    }

    /// The trunk that a secret is named after.
    pub(crate) fn trunk_of(&self, name: &str) -> Option<TrunkKey> {
        let mut parts = name.strip_prefix(&self.0)?.split('/');
        let (workspace_id, id) = (parts.next()?, parts.next()?);
        Some(TrunkKey { workspace_id: workspace_id.parse().ok()?, id: id.parse().ok()? })
    }
}
