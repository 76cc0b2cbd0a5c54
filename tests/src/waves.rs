//! How deep an operation is: the longest chain of calls of which each waits for the answer of the one before.

use std::time::Duration;

use crate::World;
use crate::fault::{Gate, On, System};

/// How long a call that is expected may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Runs `operation`, whose calls must come in these waves, by their names, and no others. All calls of a wave are there
/// before any of it is answered: so each depends on the waves before it alone, and the operation is no deeper than there
/// are waves. No clock decides; one ends the wait for a call that does not come.
pub async fn in_waves<T>(world: &World, waves: &[&[&str]], operation: impl Future<Output = T>) -> T {
    world.forget_calls();
    let mut gates = hold(world);
    let release = async {
        let mut expected = Vec::new();
        for (depth, wave) in waves.iter().enumerate() {
            expected.extend(wave.iter().map(|name| (*name).to_owned()));
            expected.sort();
            let all_there = async {
                while calls(world) != expected {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            };
            let there = tokio::time::timeout(PATIENCE, all_there).await;
            assert!(there.is_ok(), "wave {} is not {wave:?}: {:?} instead of {expected:?}", depth + 1, calls(world));
            let next = hold(world);
            gates.iter().for_each(Gate::open);
            gates = next;
        }
        expected
    };
    let (expected, done) = tokio::join!(release, async {
        let done = tokio::time::timeout(2 * PATIENCE, operation).await;
        done.unwrap_or_else(|_| panic!("calls after the last wave: {:?}", calls(world)))
    });
    assert_eq!(calls(world), expected);
    world.heal();
    gates.iter().for_each(Gate::open);
    done
}

/// Holds what comes from here on.
fn hold(world: &World) -> Vec<Gate> {
    world.heal();
    System::ALL.map(|system| world.faults(system).hold(On::any())).into()
}

fn calls(world: &World) -> Vec<String> {
    let mut calls: Vec<_> = System::ALL.iter().flat_map(|system| world.faults(*system).calls()).collect();
    calls.sort();
    calls
}
