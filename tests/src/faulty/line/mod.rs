mod secrets;
mod sip;
mod store;
mod twilio;

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use tokio::sync::oneshot;
use trunkline_provisioning::TrunkKey;
use trunkline_provisioning::ports::{PurchaseError, StoreError, TwilioError, TwilioRefusal, UpstreamError};

pub(super) use secrets::LineSecrets;
pub(super) use sip::LineSip;
pub(super) use store::LineStore;
pub(super) use twilio::LineTwilio;

/// The line from one use case to the outside: each call waits on it until a test says how it goes.
#[derive(Clone, Default)]
pub struct Line {
    calls: Arc<Mutex<VecDeque<Call>>>,
    reserved: Arc<Mutex<Option<TrunkKey>>>,
}

/// Something to be done on the way, later or now.
pub type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A call on its way.
type Going = Pin<Box<dyn Future<Output = Gone> + Send>>;

/// What came of a call.
pub struct Gone {
    /// What its caller was told.
    pub answer: String,
    /// What is still to be done, if it is late.
    pub late: Option<Work>,
}

/// A call that was made and not yet performed. Dropped, it is never answered.
pub struct Call {
    /// The port's method.
    pub name: &'static str,
    /// What it does.
    pub effect: Effect,
    act: Box<dyn FnOnce(How) -> Going + Send>,
}

/// What a call does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only looks.
    Read,
    /// It changes something.
    Write,
}

/// How a call goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As it should.
    Well,
    /// Not done, and the caller is told that it may try again.
    NotDone,
    /// Not done, and the caller is told that it cannot be: access denied, or a conflict.
    Refused,
    /// Not done; the caller cannot know.
    Lost,
    /// Done; the caller cannot know.
    DoneUnanswered,
    /// The caller is told nothing, and it is done when the test says so.
    Late,
}

/// The errors of a port, by what they say of the call.
pub(super) trait PortError: fmt::Debug + Send + 'static {
    const NOT_DONE: Self;
    const REFUSED: Self;
    const UNANSWERED: Self;
}

impl PortError for StoreError {
    const NOT_DONE: Self = Self::Unavailable;
    const REFUSED: Self = Self::Broken;
    const UNANSWERED: Self = Self::Unanswered;
}

impl PortError for UpstreamError {
    const NOT_DONE: Self = Self::NotDone;
    const REFUSED: Self = Self::Conflict;
    const UNANSWERED: Self = Self::Unanswered;
}

impl PortError for PurchaseError {
    const NOT_DONE: Self = Self::Upstream(UpstreamError::NotDone);
    const REFUSED: Self = Self::NotAvailable;
    const UNANSWERED: Self = Self::Upstream(UpstreamError::Unanswered);
}

impl PortError for TwilioError {
    const NOT_DONE: Self = Self::Upstream(UpstreamError::NotDone);
    const REFUSED: Self = Self::Refused(TwilioRefusal::NotAllowed);
    const UNANSWERED: Self = Self::Upstream(UpstreamError::Unanswered);
}

impl Line {
    /// A call that waits, counted from the oldest.
    pub(super) fn take(&self, index: usize) -> Option<Call> {
        self.calls.lock().unwrap().remove(index)
    }

    /// The oldest call that waits, by its name.
    pub(super) fn peek(&self) -> Option<&'static str> {
        self.calls.lock().unwrap().front().map(|call| call.name)
    }

    /// How many calls wait.
    pub(super) fn waiting(&self) -> usize {
        self.calls.lock().unwrap().len()
    }

    /// The trunk that a create has asked to reserve.
    pub fn reserved(&self) -> Option<TrunkKey> {
        *self.reserved.lock().unwrap()
    }

    pub(super) fn reserves(&self, key: TrunkKey) {
        *self.reserved.lock().unwrap() = Some(key);
    }

    /// Makes a call. `work` is the real one, which borrows nothing from its caller, since it may outlive it.
    pub(super) async fn call<T: fmt::Debug + Send + 'static, E: PortError>(
        &self,
        name: &'static str,
        effect: Effect,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        self.call_refused_as(E::REFUSED, name, effect, work).await
    }

    /// The same for a call that is refused otherwise than others of its port.
    pub(super) async fn call_refused_as<T: fmt::Debug + Send + 'static, E: PortError>(
        &self,
        refusal: E,
        name: &'static str,
        effect: Effect,
        work: impl Future<Output = Result<T, E>> + Send + 'static,
    ) -> Result<T, E> {
        let (answer, answered) = oneshot::channel();
        let act = |how| -> Going {
            Box::pin(async move {
                let result = match how {
                    How::Well => work.await,
                    How::NotDone => Err(E::NOT_DONE),
                    How::Refused => Err(refusal),
                    How::Lost => Err(E::UNANSWERED),
                    How::DoneUnanswered => work.await.and(Err(E::UNANSWERED)),
                    How::Late => {
                        let late = Some(Box::pin(async { drop(work.await) }) as Work);
                        return tell(answer, Err(E::UNANSWERED), late);
                    }
                };
                tell(answer, result, None)
            })
        };
        self.calls.lock().unwrap().push_back(Call { name, effect, act: Box::new(act) });
        match answered.await {
            Ok(result) => result,
            Err(_) => std::future::pending().await,
        }
    }
}

/// The caller may be dead by now.
fn tell<R: fmt::Debug>(caller: oneshot::Sender<R>, result: R, late: Option<Work>) -> Gone {
    let answer = format!("{result:?}");
    let _ = caller.send(result);
    Gone { answer, late }
}

impl Call {
    /// Lets the call go that way.
    pub async fn go(self, how: How) -> Gone {
        (self.act)(how).await
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
