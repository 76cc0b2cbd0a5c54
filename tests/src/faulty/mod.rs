//! The use cases with the outside world in the test's hands: each call is stopped at its port until a test lets it go
//! well, fail, or come late. An [`Actor`] is one running use case; dropped, it is a process that died.
//!
//! Outside are the production adapters over the emulators ([`Emulated`]), or their equal in this process
//! ([`InProcess`]), which is many times faster and shown to behave the same.

mod account;
mod actor;
mod alike;
mod emulated;
mod fault;
mod form;
mod ground;
mod in_process;
mod line;
mod numbers;
mod outside;
mod run;
mod say;
mod trace;
mod twilio_script;

pub use account::{AccountNumbers, OnAccount};
pub use actor::{Actor, Answer, Stand};
use alike::Alike;
pub use emulated::{Emulated, Systems};
pub use fault::{Fault, Point};
pub use form::Form;
pub use ground::{Ground, Patch, Wanted};
pub use in_process::InProcess;
pub use line::{Call, Effect, Gone, How, Line, Work};
pub use numbers::{NumberPlace, NumberWork};
pub use outside::{Clock, Outside, Quiet};
pub use run::Run;
pub use say::say;
pub use trace::{Trace, Traced};
