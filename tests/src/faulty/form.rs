use std::env;

/// How much of a suite of cases runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Minutes, on every change.
    Quick,
    /// Some minutes more, in CI.
    Long,
    /// All there is.
    Full,
}

impl Form {
    /// The one that `FAULTS` asks for: the quick one without it, none where it names a case.
    #[must_use]
    pub fn asked_for() -> Option<Self> {
        match env::var("FAULTS").as_deref() {
            Err(_) | Ok("") => Some(Self::Quick),
            Ok("long") => Some(Self::Long),
            Ok("full") => Some(Self::Full),
            Ok(_) => None,
        }
    }

    /// What is meant for this form.
    pub fn of<T>(self, [quick, long, full]: [T; 3]) -> T {
        match self {
            Self::Quick => quick,
            Self::Long => long,
            Self::Full => full,
        }
    }
}
