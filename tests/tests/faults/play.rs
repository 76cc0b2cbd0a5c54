use trunkline_provisioning::{CreateError, Created, DeleteError, NumberError, TrunkKey, UpdateError};
use trunkline_tests::faulty::{
    Actor, Answer, Clock, Ground, How, NumberPlace, NumberWork, Outside, Patch, Run, Trace, Wanted,
};

use super::case::{Case, Ended};
use super::operation::{IMPORT, LOCKED, Operation, WHOLE};

/// Plays a case to its end and judges what is left.
pub(super) async fn run<O: Outside>(ground: Ground<O>, case: Case) -> Ended {
    let mut run = Run::new(&ground, &case.points);
    let (own, violations) = match case.operation {
        Operation::Create(wanted) => create(&ground, &mut run, wanted).await,
        Operation::Update(wanted, patch) => {
            let key = ground.live_trunk(wanted).await;
            update(&ground, &mut run, key, wanted, patch).await
        }
        Operation::UpdateConnected(patch) => {
            let key = ground.connected_trunk().await;
            update(&ground, &mut run, key, LOCKED, patch).await
        }
        Operation::UpdateAgain(call, patch) => {
            let key = ground.live_trunk(LOCKED).await;
            ground.update(key, LOCKED, Patch::Rotate).run_to(call).await;
            ground.0.put_forward(Clock::Leases).await;
            update(&ground, &mut run, key, LOCKED, patch).await
        }
        Operation::Delete(wanted) => {
            let key = ground.live_trunk(wanted).await;
            delete(&ground, &mut run, key, 0).await
        }
        Operation::DeleteNumbered => {
            let key = ground.numbered_trunk(WHOLE).await;
            delete(&ground, &mut run, key, 2).await
        }
        Operation::DeleteBought => {
            let key = ground.bought_trunk().await;
            delete(&ground, &mut run, key, 1).await
        }
        Operation::DeleteConnected => {
            let key = ground.connected_trunk().await;
            delete(&ground, &mut run, key, 2).await
        }
        Operation::SweepGone(call, work) => {
            let place = ground.place(work).await;
            ground.number_work(&place).run_to(call).await;
            let (own, mut violations) = sweep(&ground, &mut run, Clock::Leases).await;
            if !ground.is_number_work_done(&place).await {
                violations.push("the number is there".into());
            }
            (own, violations)
        }
        Operation::DeleteImport(call) => {
            let place = ground.place(IMPORT).await;
            ground.number_work(&place).run_to(call).await;
            delete(&ground, &mut run, place.trunk(), 0).await
        }
        Operation::Number(work) => number(&ground, &mut run, work).await,
        Operation::SweepNumber(call, work) => {
            let place = ground.place(work).await;
            ground.number_work(&place).run_to(call).await;
            sweep_number(&ground, &mut run, &place, Clock::Leases).await
        }
        Operation::SecondLookNumber(call, work) => {
            let place = ground.place(work).await;
            come_late(ground.number_work(&place), call).await;
            sweep_number(&ground, &mut run, &place, Clock::All).await
        }
        Operation::SweepCreate(call) => {
            let mut actor = ground.create(WHOLE);
            actor.run_to(call).await;
            drop(actor);
            sweep(&ground, &mut run, Clock::Leases).await
        }
        Operation::SweepDelete(call) => {
            let key = ground.live_trunk(WHOLE).await;
            ground.delete(key).run_to(call).await;
            sweep(&ground, &mut run, Clock::Leases).await
        }
        Operation::SweepUpdate(call) => {
            let key = ground.live_trunk(LOCKED).await;
            ground.update(key, LOCKED, Patch::Rotate).run_to(call).await;
            sweep_update(&ground, &mut run, key, Clock::Leases).await
        }
        Operation::SecondLook(call) => {
            let key = take_back(&ground, call).await;
            sweep_update(&ground, &mut run, key, Clock::All).await
        }
        Operation::LastLook(call) => {
            undo(&ground, call).await;
            sweep(&ground, &mut run, Clock::All).await
        }
    };
    let trace = run.trace;
    ground.0.clear().await;
    Ended { case, trace, own, violations }
}

async fn create<O: Outside>(ground: &Ground<O>, run: &mut Run<'_, O>, wanted: Wanted) -> (usize, Vec<String>) {
    let actor = ground.create(wanted);
    let answer = run.drive(actor).await;
    let own = run.trace.0.len();
    let mut violations = settle(run).await;
    let live = !ground.0.live().await.is_empty();
    match &answer {
        Some(Answer::Created(Ok(_))) if !live => violations.push("201, and no trunk".into()),
        Some(Answer::Created(Err(error))) if live && !may_stand(error, &run.trace) => {
            violations.push(format!("`{error}`, and a trunk"));
        }
        _ => {}
    }
    match ground.create(wanted).finish().await {
        Answer::Created(Ok(Created::Before(_))) if live && wanted.key => {}
        Answer::Created(Ok(Created::Now(_))) if !live || !wanted.key => {}
        other => violations.push(format!("a retry is answered {other:?}")),
    }
    violations.extend(ground.0.check().await.violations);
    (own, violations)
}

/// When the table answered neither the commit nor the undo, the answer is 503 and the trunk may stand.
fn may_stand(error: &CreateError, trace: &Trace) -> bool {
    matches!(error, CreateError::Unavailable) && is_faulted(trace, "commit") && is_faulted(trace, "begin_undo")
}

async fn update<O: Outside>(
    ground: &Ground<O>,
    run: &mut Run<'_, O>,
    key: TrunkKey,
    wanted: Wanted,
    patch: Patch,
) -> (usize, Vec<String>) {
    let answer = run.drive(ground.update(key, wanted, patch)).await;
    let own = run.trace.0.len();
    let mut violations = settle(run).await;
    violations.extend(ground.0.check().await.violations);
    let is_made = ground.is_patched(key, patch).await;
    match &answer {
        Some(Answer::Updated(Ok(_))) if !is_made => violations.push("200, and the trunk is as it was".into()),
        Some(Answer::Updated(Err(error))) if is_made && !may_be_made(error, &run.trace) => {
            violations.push(format!("`{error}`, and the trunk is changed"));
        }
        _ => {}
    }
    let again = ground.update(key, wanted, patch).finish().await;
    if !matches!(again, Answer::Updated(Ok(_))) || !ground.is_patched(key, patch).await {
        violations.push(format!("a retry is answered {again:?}"));
    }
    violations.extend(settle(run).await);
    violations.extend(ground.0.check().await.violations);
    (own, violations)
}

/// When the table answered neither the commit nor what would take it back, the answer is 503 and the change may stand.
fn may_be_made(error: &UpdateError, trace: &Trace) -> bool {
    matches!(error, UpdateError::Unavailable) && is_faulted(trace, "commit_update") && is_faulted(trace, "begin_revert")
}

/// Of a trunk with so many numbers, which stay.
async fn delete<O: Outside>(
    ground: &Ground<O>,
    run: &mut Run<'_, O>,
    key: TrunkKey,
    numbers: usize,
) -> (usize, Vec<String>) {
    let answer = run.drive(ground.delete(key)).await;
    let own = run.trace.0.len();
    let mut violations = Vec::new();
    if let Some(Answer::Deleted(Ok(()) | Err(DeleteError::NotFound))) = &answer
        && !ground.0.live().await.is_empty()
    {
        violations.push(format!("{answer:?}, and the trunk is live"));
    }
    violations.extend(run.sweep_leases().await.err().map(str::to_owned));
    // Before the tombstone goes: after that, the trunk was never heard of.
    match ground.delete(key).finish().await {
        Answer::Deleted(Ok(())) => {}
        other => violations.push(format!("after {answer:?}, a retry is answered {other:?}")),
    }
    violations.extend(run.sweep_all().await.err().map(str::to_owned));
    let quiet = ground.0.check().await;
    violations.extend(quiet.violations);
    violations.extend(quiet.live.into_iter().map(|id| format!("{id} is live")));
    let left = ground.numbers().await;
    if left != (numbers, 0) {
        violations.push(format!("of {numbers} numbers, {left:?} are there and bound"));
    }
    (own, violations)
}

async fn number<O: Outside>(ground: &Ground<O>, run: &mut Run<'_, O>, work: NumberWork) -> (usize, Vec<String>) {
    let place = ground.place(work).await;
    let answer = run.drive(ground.number_work(&place)).await;
    let own = run.trace.0.len();
    let mut violations = settle_number(run, work).await;
    // LiveKit's number goes first, and the caller's second attempt finds it gone.
    if work != NumberWork::GiveBackUnbound {
        violations.extend(ground.0.check().await.violations);
    }
    let is_done = ground.is_number_work_done(&place).await;
    match &answer {
        Some(Answer::Imported(Ok(_)) | Answer::NumberChanged(Ok(_)) | Answer::NumberDeleted(Ok(()))) if !is_done => {
            violations.push("done, and the number is as it was".into())
        }
        Some(Answer::Imported(Err(error)) | Answer::NumberChanged(Err(error)) | Answer::NumberDeleted(Err(error)))
            if is_done && !goes_on(work) && !may_be_done(error, &run.trace) =>
        {
            violations.push(format!("`{error}`, and the number is changed"));
        }
        _ => {}
    }
    let again = ground.number_work(&place).finish().await;
    if !Ground::<O>::is_right_again(&place, is_done, &again) || !ground.is_number_work_done(&place).await {
        violations.push(format!("a retry is answered {again:?}"));
    }
    violations.extend(settle_number(run, work).await);
    violations.extend(ground.0.check().await.violations);
    (own, violations)
}

/// Whether the sweeper ends what was begun, whatever its request was told.
fn goes_on(work: NumberWork) -> bool {
    matches!(work, NumberWork::GiveBack | NumberWork::DisconnectLast)
}

/// What was late for one trunk of a move keeps LiveKit from putting the other back, until the last look at the first.
async fn settle_number<O: Outside>(run: &mut Run<'_, O>, work: NumberWork) -> Vec<String> {
    match work {
        NumberWork::Move => {
            let _ = run.sweep_leases().await;
            run.sweep_all().await.err().map(str::to_owned).into_iter().collect()
        }
        _ => settle(run).await,
    }
}

/// When the table answered neither the commit nor what would take it back, the answer is 503 and the change may stand.
fn may_be_done(error: &NumberError, trace: &Trace) -> bool {
    matches!(error, NumberError::Unavailable)
        && (is_faulted(trace, "edit_number")
            || is_faulted(trace, "commit_numbers") && is_faulted(trace, "begin_revert")
            || is_faulted(trace, "commit") && is_faulted(trace, "begin_undo"))
}

/// Whether a call of that name had a fault.
fn is_faulted(trace: &Trace, name: &str) -> bool {
    trace.0.iter().any(|call| call.name == name && call.fault.is_some())
}

/// A run of the sweeper, which has something to do; how many calls it made.
async fn sweep_once<O: Outside>(ground: &Ground<O>, run: &mut Run<'_, O>, clock: Clock) -> usize {
    assert_ne!(ground.0.put_forward(clock).await, 0, "nothing to be swept");
    run.drive(ground.sweep()).await;
    run.trace.0.len()
}

/// A sweep of what some work with a number has left, which was not done.
async fn sweep_number<O: Outside>(
    ground: &Ground<O>,
    run: &mut Run<'_, O>,
    place: &NumberPlace,
    clock: Clock,
) -> (usize, Vec<String>) {
    let own = sweep_once(ground, run, clock).await;
    let mut violations = settle_number(run, place.work).await;
    violations.extend(ground.0.check().await.violations);
    if ground.is_number_work_done(place).await {
        violations.push("the number is changed".into());
    }
    (own, violations)
}

/// A sweep of what is on the ground.
async fn sweep<O: Outside>(ground: &Ground<O>, run: &mut Run<'_, O>, clock: Clock) -> (usize, Vec<String>) {
    let own = sweep_once(ground, run, clock).await;
    let mut violations = settle(run).await;
    let quiet = ground.0.check().await;
    violations.extend(quiet.violations);
    violations.extend(quiet.live.into_iter().map(|id| format!("{id} is live")));
    (own, violations)
}

/// A sweep of what an update of the trunk has left.
async fn sweep_update<O: Outside>(
    ground: &Ground<O>,
    run: &mut Run<'_, O>,
    key: TrunkKey,
    clock: Clock,
) -> (usize, Vec<String>) {
    let own = sweep_once(ground, run, clock).await;
    let mut violations = settle(run).await;
    violations.extend(ground.0.check().await.violations);
    if ground.is_patched(key, Patch::Rotate).await {
        violations.push("the trunk is changed".into());
    }
    (own, violations)
}

async fn settle<O: Outside>(run: &mut Run<'_, O>) -> Vec<String> {
    let leases = run.sweep_leases().await;
    [leases, run.sweep_all().await].into_iter().filter_map(Result::err).map(str::to_owned).collect()
}

/// Runs an actor whose message at that call arrives after it has answered; gives its answer.
async fn come_late(mut actor: Actor, call: &str) -> Answer {
    actor.run_to(call).await;
    let late = actor.call().go(How::Late).await.late.expect("a late message");
    let answer = actor.finish().await;
    late.await;
    answer
}

/// A trunk that was undone since that call was not answered, and whose message has arrived by now.
async fn undo<O: Outside>(ground: &Ground<O>, call: &str) {
    let answer = come_late(ground.create(WHOLE), call).await;
    assert!(matches!(answer, Answer::Created(Err(CreateError::Upstream(_)))), "{answer:?}");
}

/// A trunk as it was, since that call of its update was not answered; its message has arrived by now.
async fn take_back<O: Outside>(ground: &Ground<O>, call: &str) -> TrunkKey {
    let key = ground.live_trunk(LOCKED).await;
    let answer = come_late(ground.update(key, LOCKED, Patch::Rotate), call).await;
    assert!(matches!(answer, Answer::Updated(Err(UpdateError::Upstream(_)))), "{answer:?}");
    key
}
