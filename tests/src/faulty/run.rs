use super::{Actor, Answer, Call, Clock, Fault, Gone, Ground, How, Outside, Point, Stand, Trace, Traced, Work};

/// One case: an operation, and all that follows it, with faults at some of its calls.
pub struct Run<'a, O> {
    ground: &'a Ground<O>,
    points: Vec<Point>,
    late: Vec<(Fault, Work)>,
    /// Every call so far.
    pub trace: Trace,
}

/// More sweeps than any two faults can make needful.
const ROUNDS: usize = 12;

impl<'a, O: Outside> Run<'a, O> {
    /// A run on `ground` with these faults.
    pub fn new(ground: &'a Ground<O>, points: &[Point]) -> Self {
        Self { ground, points: points.to_vec(), late: Vec::new(), trace: Trace::default() }
    }

    /// Runs an actor to its answer, or to its death.
    pub async fn drive(&mut self, mut actor: Actor) -> Option<Answer> {
        loop {
            if let Stand::Answered(answer) = actor.step().await {
                return Some(answer);
            }
            self.deliver(|fault| fault == Fault::LateForOne).await;
            let call = actor.call();
            let number = self.trace.0.len() + 1;
            let fault = self.points.iter().find(|point| point.call == number).map(|point| point.fault);
            let Call { name, effect, .. } = call;
            self.trace.0.push(Traced { actor: 0, name, effect, fault, answer: String::new() });
            let how = match fault {
                None => How::Well,
                Some(Fault::Fails) => How::NotDone,
                Some(Fault::Refused) => How::Refused,
                Some(Fault::Lost) => How::Lost,
                Some(Fault::Unanswered) => How::DoneUnanswered,
                Some(Fault::LateForOne | Fault::LateForAll | Fault::LateForSweep) => How::Late,
                Some(Fault::DiesBefore) => return None,
                Some(Fault::DiesAfter) => {
                    call.go(How::Well).await;
                    return None;
                }
                Some(Fault::Overtaken) => {
                    self.ground.0.put_forward(Clock::Leases).await;
                    self.ground.sweep().finish().await;
                    How::Well
                }
            };
            let Gone { answer, late } = call.go(how).await;
            self.trace.0[number - 1].answer = answer;
            self.late.extend(fault.zip(late));
        }
    }

    /// Goes on until nothing is left to be swept but tombstones: late messages arrive, leases end, the sweeper comes.
    ///
    /// # Errors
    /// When it never ends.
    pub async fn sweep_leases(&mut self) -> Result<(), &'static str> {
        self.deliver(|fault| fault != Fault::LateForSweep).await;
        self.sweep_and_deliver(Clock::Leases).await
    }

    /// Goes on until the tombstones are gone too.
    ///
    /// # Errors
    /// When they never go.
    pub async fn sweep_all(&mut self) -> Result<(), &'static str> {
        self.sweep_and_deliver(Clock::All).await
    }

    /// What the messages that come after the sweep have made is swept too. They come however that sweep ended: none may
    /// be later than the tombstones.
    async fn sweep_and_deliver(&mut self, clock: Clock) -> Result<(), &'static str> {
        let mut ended = self.sweep(clock).await;
        while self.deliver(|_| true).await {
            ended = ended.and(self.sweep(clock).await);
        }
        ended
    }

    async fn sweep(&mut self, clock: Clock) -> Result<(), &'static str> {
        for _ in 0..ROUNDS {
            if self.ground.0.put_forward(clock).await == 0 {
                return Ok(());
            }
            self.drive(self.ground.sweep()).await;
        }
        Err("the sweeper never comes to an end")
    }

    /// In the order they were sent. Whether there were any.
    async fn deliver(&mut self, now: impl Fn(Fault) -> bool) -> bool {
        let all = std::mem::take(&mut self.late).into_iter();
        let (due, later): (Vec<_>, Vec<_>) = all.partition(|(fault, _)| now(*fault));
        self.late = later;
        let any = !due.is_empty();
        for (_, work) in due {
            work.await;
        }
        any
    }
}
