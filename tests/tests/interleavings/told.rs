use trunkline_provisioning::ports::TwilioRefusal;
use trunkline_provisioning::{CreateError, Created, DeleteError, KeyUse, NumberError, UpdateError, Upstream};
use trunkline_tests::faulty::Answer;

/// What an answer tells, if it is one that may be given when no system fails.
pub(super) fn told(answer: &Answer) -> Option<Told> {
    match answer {
        Answer::Created(Ok(Created::Now(_)))
        | Answer::Updated(Ok(_))
        | Answer::Deleted(Ok(()))
        | Answer::Imported(Ok(Created::Now(_)))
        | Answer::NumberChanged(Ok(_))
        | Answer::NumberDeleted(Ok(()))
        | Answer::Swept(Ok(_)) => Some(Told::Done),
        Answer::Created(Ok(Created::Before(_))) | Answer::Imported(Ok(Created::Before(_))) => Some(Told::DoneBefore),
        Answer::Created(Err(CreateError::AtCap { limit: 1, used: 1 } | CreateError::KeyUsed(KeyUse::Running)))
        | Answer::Updated(Err(UpdateError::Busy))
        | Answer::Deleted(Err(DeleteError::NotFound)) => Some(Told::Refused),
        Answer::Updated(Err(UpdateError::NotFound)) => Some(Told::Gone),
        Answer::Imported(Err(error)) | Answer::NumberChanged(Err(error)) | Answer::NumberDeleted(Err(error)) => {
            told_of_number(error)
        }
        // The lease was lost.
        Answer::Created(Err(CreateError::Unavailable)) | Answer::Updated(Err(UpdateError::Unavailable)) => {
            Some(Told::Failed)
        }
        _ => None,
    }
}

fn told_of_number(error: &NumberError) -> Option<Told> {
    match error {
        NumberError::AtCap { limit: 100, used: 100 }
        | NumberError::TrunksAtCap { limit: 1, used: 1 }
        | NumberError::Taken
        | NumberError::KeyUsed(KeyUse::Running)
        | NumberError::Busy => Some(Told::Refused),
        NumberError::NotFound | NumberError::NoSuchTrunk => Some(Told::Gone),
        NumberError::Conflict | NumberError::Twilio(TwilioRefusal::NotThere | TwilioRefusal::Moved) => {
            Some(Told::Conflict)
        }
        // The lease was lost, or the number has changed; or the sweeper has taken away what a first import had just made at
        // Twilio.
        NumberError::Unavailable | NumberError::Upstream(Upstream::Twilio) => Some(Told::Failed),
        _ => None,
    }
}

/// What the answer to a use case says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Done,
    /// By another request, with the same idempotency key.
    DoneBefore,
    Refused,
    /// There is no such trunk or number any more.
    Gone,
    /// LiveKit has the number on another trunk, or the trunk has left Twilio meanwhile.
    Conflict,
    Failed,
}
