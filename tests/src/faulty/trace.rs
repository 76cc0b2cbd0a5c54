use std::fmt;

use super::{Alike, Effect, Fault};

/// A call that was made.
#[derive(Debug, Clone)]
pub struct Traced {
    /// Which of the actors made it.
    pub actor: usize,
    /// The port's method.
    pub name: &'static str,
    /// What it does.
    pub effect: Effect,
    /// What went wrong with it.
    pub fault: Option<Fault>,
    /// What its caller was told; nothing, if the process died.
    pub answer: String,
}

/// Every call that was made, the first of them call 1.
#[derive(Debug, Clone, Default)]
pub struct Trace(pub Vec<Traced>);

impl Trace {
    /// The first call that was made, or answered, otherwise than in `other`.
    pub fn first_difference(&self, other: &Self) -> Option<String> {
        let (told, otherwise) = (self.told(), other.told());
        let at = (0..told.len().max(otherwise.len())).find(|at| told.get(*at) != otherwise.get(*at))?;
        Some(format!("call {}: {:?}, in process {:?}", at + 1, told.get(at), otherwise.get(at)))
    }

    fn told(&self) -> Vec<(usize, &'static str, Option<Fault>, String)> {
        let mut alike = Alike::default();
        self.0.iter().map(|call| (call.actor, call.name, call.fault, alike.of(&call.answer))).collect()
    }
}

/// One call a line, those of the second actor to the right.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Traced { actor, name, fault, answer, .. }) in self.0.iter().enumerate() {
            let fault = fault.map(|fault| format!(" {fault}")).unwrap_or_default();
            writeln!(f, "  {:>3} {:indent$}{name}{fault} -> {answer}", index + 1, "", indent = actor * 30)?;
        }
        Ok(())
    }
}
