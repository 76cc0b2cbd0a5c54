//! How old an idle connection is.

use std::pin::Pin;
use std::time::{Duration, Instant, SystemTime};

use hyper::rt::{Sleep, Timer};
use hyper_util::rt::TokioTimer;

/// The pool's clock. Goes on while Lambda has the function frozen, which the monotonic clock does not: after a night
/// the pool would take a connection for seconds old, and send on it a request that nobody reads.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    wall_clock: fn() -> SystemTime,
    started: Instant,
    wall_started: SystemTime,
}

impl Clock {
    pub(crate) fn new(wall_clock: fn() -> SystemTime) -> Self {
        Self { wall_clock, started: Instant::now(), wall_started: wall_clock() }
    }
}

impl Timer for Clock {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        TokioTimer::new().sleep(duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        self.sleep(deadline.saturating_duration_since(self.now()))
    }

    /// By the clock that is further on: the wall clock may be set back.
    fn now(&self) -> Instant {
        let by_wall_clock = (self.wall_clock)().duration_since(self.wall_started).unwrap_or_default();
        self.started + by_wall_clock.max(self.started.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn it_never_goes_back() {
        static SET: AtomicI64 = AtomicI64::new(0);
        let clock = Clock::new(|| {
            let set = SET.load(Ordering::SeqCst);
            let by = Duration::from_secs(set.unsigned_abs());
            if set < 0 { SystemTime::now() - by } else { SystemTime::now() + by }
        });
        let before = clock.now();
        SET.store(-3600, Ordering::SeqCst);
        assert!(clock.now() >= before);
        SET.store(3600, Ordering::SeqCst);
        assert!(clock.now() >= before + Duration::from_secs(3599));
    }
}
