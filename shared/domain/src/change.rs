/// What a merge patch makes of a value that need not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays as it is.
    Keep,
    /// It goes, if it is there.
    Clear,
    /// This comes, in its place or into it.
    Set(T),
}

impl<T> Change<T> {
    /// What is there afterwards, where a value that is set comes in the place of the `kept` one.
    pub fn apply(self, kept: Option<T>) -> Option<T> {
        match self {
            Self::Keep => kept,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}
