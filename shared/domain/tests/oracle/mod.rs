//! What the properties share: how often they are tried, and addresses told apart without the standard library.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on says so and stops")]
#![allow(dead_code, reason = "each file of tests uses its own part")]
#![allow(unreachable_pub, reason = "a module of tests is nobody's interface")]

pub mod ip;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseResult, TestRunner};

/// Tries `property` on `times` as many values as `PROPTEST_CASES` says (256 by default).
///
/// The same values at each run, so that a failure is the change's own; `PROPTEST_RNG_SEED` gives others. A failure is
/// printed, not kept: the tests write nothing beside their sources.
pub fn check<S: Strategy>(times: u32, values: S, property: impl Fn(S::Value) -> TestCaseResult) {
    let given = Config::default();
    let rng_seed = match given.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        fixed @ RngSeed::Fixed(_) => fixed,
    };
    let config = Config { cases: given.cases.saturating_mul(times), rng_seed, failure_persistence: None, ..given };
    if let Err(failure) = TestRunner::new(config).run(&values, property) {
        panic!("{failure}");
    }
}
