use std::fmt;
use std::pin::Pin;
use std::task::Poll;

use tokio::task::unconstrained;
use trunkline_domain::{PhoneNumber, Trunk};
use trunkline_provisioning::ports::StoreError;
use trunkline_provisioning::{CreateError, Created, DeleteError, NumberError, Swept, TrunkKey, UpdateError};

use super::line::{Call, How, Line};

/// One use case of the real code on its way, moved by the test alone: between two outside calls nothing happens that
/// the test did not ask for. Dropped, it is a process that died.
pub struct Actor {
    line: Line,
    running: Pin<Box<dyn Future<Output = Answer> + Send>>,
}

/// What a use case answered.
#[derive(Debug)]
pub enum Answer {
    /// To a create.
    Created(Result<Created, CreateError>),
    /// To an update.
    Updated(Result<Box<Trunk>, UpdateError>),
    /// To a delete.
    Deleted(Result<(), DeleteError>),
    /// To an import of a number.
    Imported(Result<Created, NumberError>),
    /// To a change of a number.
    NumberChanged(Result<Box<PhoneNumber>, NumberError>),
    /// To the deletion of a number.
    NumberDeleted(Result<(), NumberError>),
    /// To a sweep.
    Swept(Result<Swept, StoreError>),
}

/// Where an actor stands.
#[derive(Debug)]
pub enum Stand {
    /// It waits for a call.
    Calling,
    /// It has answered.
    Answered(Answer),
}

impl Actor {
    pub(super) fn new(line: Line, running: impl Future<Output = Answer> + Send + 'static) -> Self {
        Self { line, running: Box::pin(running) }
    }

    /// Lets it go on to its next outside call, or to its answer.
    pub async fn step(&mut self) -> Stand {
        // tokio would make a task that does much wait for its turn, and the actor seem to wait for nothing.
        let mut running = unconstrained(self.running.as_mut());
        let polled = std::future::poll_fn(|context| Poll::Ready(Pin::new(&mut running).poll(context))).await;
        match polled {
            Poll::Ready(answer) => Stand::Answered(answer),
            Poll::Pending => {
                assert!(self.line.peek().is_some(), "the use case waits for something that is no outside call");
                Stand::Calling
            }
        }
    }

    /// Its oldest call.
    pub fn call(&self) -> Call {
        self.call_at(0)
    }

    /// One of its calls, counted from the oldest: what it does in parallel may happen in any order.
    pub fn call_at(&self, index: usize) -> Call {
        self.line.take(index).expect("a call to be made")
    }

    /// How many calls it is about to make in parallel.
    pub fn calls(&self) -> usize {
        self.line.waiting()
    }

    /// The name of its oldest call.
    pub fn next(&self) -> &'static str {
        self.line.peek().unwrap_or("nothing")
    }

    /// The trunk that it has asked to reserve, if it is a create that has come so far.
    pub fn reserved(&self) -> Option<TrunkKey> {
        self.line.reserved()
    }

    /// Runs it to its answer without a fault.
    pub async fn finish(mut self) -> Answer {
        loop {
            match self.step().await {
                Stand::Calling => drop(self.call().go(How::Well).await),
                Stand::Answered(answer) => return answer,
            }
        }
    }

    /// Runs it to its first call `name`, which it is about to make.
    pub async fn run_to(&mut self, name: &str) {
        while let Stand::Calling = self.step().await {
            if self.next() == name {
                return;
            }
            self.call().go(How::Well).await;
        }
        panic!("{name} was never called");
    }
}

impl fmt::Debug for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "before {}", self.next())
    }
}
