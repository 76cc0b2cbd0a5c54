use rand::RngExt;
use rand::rngs::StdRng;
use trunkline_tests::faulty::{
    Actor, Answer, Call, Clock, Ground, How, NumberPlace, Outside, Patch, Stand, Trace, Traced,
};

use super::{Order, Pair};

/// Two actors, and who is next.
pub(super) struct Stage<'a, O> {
    pub(super) ground: &'a Ground<O>,
    /// The first turns.
    pub(super) order: Order,
    /// The turns after those.
    pub(super) rng: StdRng,
    /// The turns that were taken while there was a choice.
    pub(super) turns: Order,
    /// Between how many calls each of them chose.
    pub(super) choices: Vec<usize>,
    pub(super) trace: Trace,
}

impl<O: Outside> Stage<'_, O> {
    /// Gives what both answered, and where the first one worked, if it did with a number and may be asked for again.
    pub(super) async fn play(&mut self, pair: Pair) -> ([Answer; 2], Option<NumberPlace>) {
        let ground = self.ground;
        let answers = match pair {
            Pair::WithNumber(pair) => {
                let (first, second, place) = pair.actors(ground).await;
                let place = Some(place).filter(|_| pair.may_be_repeated);
                return (self.together(first, second).await, place);
            }
            Pair::CreateAndSweep(wanted) => self.together(ground.create(wanted), ground.sweep()).await,
            Pair::CreateAndDelete(wanted) => {
                let mut create = ground.create(wanted);
                create.run_to("reserve").await;
                let delete = ground.delete(create.reserved().expect("a trunk"));
                self.together(create, delete).await
            }
            Pair::CreateAndCreateAtCap(wanted) => {
                ground.0.set_limit(1).await;
                self.together(ground.create(wanted), ground.create(wanted)).await
            }
            Pair::CreateAndCreateWithOneKey(wanted) => {
                self.together(ground.create(wanted), ground.create(wanted)).await
            }
            Pair::DeleteAndDelete(wanted) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.delete(key), ground.delete(key)).await
            }
            Pair::DeleteAndSweep(wanted) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.delete(key), ground.sweep()).await
            }
            Pair::UpdateAndSweep(wanted, patch) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.update(key, wanted, patch), ground.sweep()).await
            }
            Pair::UpdateAndLastLook(wanted, patch) => {
                let key = ground.live_trunk(wanted).await;
                ground.update(key, wanted, Patch::Secure).finish().await;
                ground.0.put_forward(Clock::All).await;
                self.together(ground.update(key, wanted, patch), ground.sweep()).await
            }
            Pair::UpdateAndDelete(wanted, patch) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.update(key, wanted, patch), ground.delete(key)).await
            }
            Pair::UpdateAndUpdate(wanted, first, second) => {
                let key = ground.live_trunk(wanted).await;
                self.together(ground.update(key, wanted, first), ground.update(key, wanted, second)).await
            }
        };
        (answers, None)
    }

    /// Runs both to their answers, one call of one of them at a time.
    async fn together(&mut self, first: Actor, second: Actor) -> [Answer; 2] {
        let mut on_stage = [Some(first), Some(second)];
        let mut answers = [None, None];
        for turn in 0..2 {
            self.go_on(turn, &mut on_stage, &mut answers).await;
        }
        while let [Some(_), _] | [_, Some(_)] = &on_stage {
            let waiting = on_stage.each_ref().map(|actor| actor.as_ref().map_or(0, Actor::calls));
            let chosen = self.choose(waiting[0] + waiting[1]);
            let (turn, index) = if chosen < waiting[0] { (0, chosen) } else { (1, chosen - waiting[0]) };
            let call = on_stage[turn].as_ref().expect("an actor with a call").call_at(index);
            if call.name == "due" {
                self.ground.0.put_forward(Clock::Leases).await;
            }
            self.perform(turn, call).await;
            self.go_on(turn, &mut on_stage, &mut answers).await;
        }
        answers.map(|answer| answer.expect("both have answered"))
    }

    /// Lets an actor come to its next call, or to its answer. The sweeper's looks into its index go with the call after
    /// them, but for the first: what they find is looked at again.
    async fn go_on(&mut self, turn: usize, on_stage: &mut [Option<Actor>; 2], answers: &mut [Option<Answer>; 2]) {
        let Some(actor) = &mut on_stage[turn] else { return };
        let has_begun = self.trace.0.iter().any(|call| call.actor == turn);
        loop {
            match actor.step().await {
                Stand::Answered(answer) => {
                    (answers[turn], on_stage[turn]) = (Some(answer), None);
                    return;
                }
                Stand::Calling if has_begun && actor.next() == "due" => self.perform(turn, actor.call()).await,
                Stand::Calling => return,
            }
        }
    }

    async fn perform(&mut self, turn: usize, call: Call) {
        let Call { name, effect, .. } = call;
        let answer = call.go(How::Well).await.answer;
        self.trace.0.push(Traced { actor: turn, name, effect, fault: None, answer });
    }

    fn choose(&mut self, among: usize) -> usize {
        if among == 1 {
            return 0;
        }
        let turn = match self.order.get(self.turns.len()) {
            Some(turn) => *turn,
            None => self.rng.random_range(0..among),
        };
        self.turns.push(turn);
        self.choices.push(among);
        turn
    }
}
