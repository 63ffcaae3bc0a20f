//! A history: operations drawn from a seed, run in a world, and held against what must be true
//! after each of them and at the end.
//!
//! What counts as a failure: an object served twice, one that was never sent, one served after its
//! recall was taken in; at the end, anything sent and not served, a number missing, a release
//! without a receipt, a recall without an answer, an acknowledgement that its sender does not know,
//! ledgers that disagree or hold open ends.

use pollster::block_on;
use protocol::terms::StatementId;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use store::Lane;
use uuid::Uuid;

use crate::{Worker, World, tool};

/// The topic of every history: released on submit, both ways.
const TOPIC: &str = "lamps";

/// One thing that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// An analyst posts an object of this number; numbers differ within a history.
    Post {
        /// At Aldermoor, else at Brevia.
        at_a: bool,
        /// Which object.
        number: u32,
    },
    /// The releaser recalls the `nth` release of a node, if it has left.
    Recall {
        /// At Aldermoor, else at Brevia.
        at_a: bool,
        /// Which release.
        nth: usize,
    },
    /// A person acknowledges the `nth` release that came in at a node.
    Acknowledge {
        /// At Aldermoor, else at Brevia.
        at_a: bool,
        /// Which release.
        nth: usize,
    },
    /// One worker of one node makes a step.
    Work {
        /// At Aldermoor, else at Brevia.
        at_a: bool,
        /// Which worker.
        worker: Worker,
    },
    /// One of the envelopes under way arrives: any of them, so order means nothing.
    Deliver {
        /// Which of them.
        nth: usize,
    },
    /// A node crashes and comes back.
    Restart {
        /// Aldermoor, else Brevia.
        at_a: bool,
    },
    /// The network is cut or mended.
    Partition {
        /// Cut.
        cut: bool,
    },
    /// What waits at a node is carried on a disk.
    Courier {
        /// From Aldermoor, else from Brevia.
        from_a: bool,
    },
    /// Time passes: retries become due.
    Wait {
        /// So long.
        ms: i64,
    },
}

/// The operations of a seed.
pub fn operations(seed: u64) -> Vec<Op> {
    let mut dice = ChaCha20Rng::seed_from_u64(seed);
    let count = 30 + dice.next_u64() % 60;
    (0..count).map(|number| operation(&mut dice, number as u32)).collect()
}

fn operation(dice: &mut ChaCha20Rng, number: u32) -> Op {
    let at_a = !dice.next_u64().is_multiple_of(3);
    let nth = (dice.next_u64() % 64) as usize;
    match dice.next_u64() % 100 {
        0..12 => Op::Post { at_a, number },
        12..20 => Op::Recall { at_a, nth },
        20..62 => {
            let workers = Worker::ALL;
            Op::Work { at_a: nth.is_multiple_of(2), worker: workers[nth % workers.len()] }
        }
        62..80 => Op::Deliver { nth },
        80..88 => Op::Restart { at_a: nth.is_multiple_of(2) },
        88..92 => Op::Partition { cut: nth.is_multiple_of(2) },
        92..95 => Op::Courier { from_a: at_a },
        95..98 => Op::Acknowledge { at_a, nth },
        _ => Op::Wait { ms: 50 << (nth % 8) },
    }
}

/// What was posted at one node, and what of it was recalled.
#[derive(Default)]
struct Posted {
    releases: Vec<(Uuid, String)>,
    recalled: Vec<Uuid>,
}

/// The history so far, beside the world.
#[derive(Default)]
struct Model {
    /// By Aldermoor, by Brevia.
    posted: [Posted; 2],
    /// What was acknowledged where.
    acknowledged: Vec<(bool, StatementId)>,
}

/// Runs operations and holds every invariant; what is wrong, in words.
///
/// *Errors*: the first invariant that does not hold, and after which operation.
pub fn run(world: &mut World, operations: &[Op]) -> Result<(), String> {
    let mut model = Model::default();
    for (place, op) in operations.iter().enumerate() {
        model.apply(world, *op);
        model.check(world).map_err(|wrong| format!("after operation {place}, {op:?}: {wrong}"))?;
    }
    world.settle();
    world.settle();
    model
        .check(world)
        .and_then(|()| model.check_end(world))
        .map_err(|wrong| format!("at the end: {wrong}"))
}

impl Model {
    fn apply(&mut self, world: &mut World, op: Op) {
        match op {
            Op::Post { at_a, number } => {
                let object = tool(number, 0);
                let added = world.post(at_a, TOPIC, std::slice::from_ref(&object));
                self.of_mut(at_a).releases.push((added.release.unwrap(), object));
            }
            Op::Recall { at_a, nth } => self.recall(world, at_a, nth),
            Op::Acknowledge { at_a, nth } => {
                let came = world.node(at_a).releases_that_came();
                let Some(place) = nth.checked_rem(came.len()) else { return };
                world.acknowledge(at_a, &came[place]);
                self.acknowledged.push((at_a, came[place]));
            }
            Op::Work { at_a, worker } => world.work(at_a, worker),
            Op::Deliver { nth } => world.deliver_one(nth),
            Op::Restart { at_a } => world.restart(at_a),
            Op::Partition { cut } => world.network.partition(cut),
            Op::Courier { from_a } => world.courier(from_a),
            Op::Wait { ms } => world.now = world.now.plus_ms(ms),
        }
    }

    fn of(&self, at_a: bool) -> &Posted {
        &self.posted[usize::from(!at_a)]
    }

    fn of_mut(&mut self, at_a: bool) -> &mut Posted {
        &mut self.posted[usize::from(!at_a)]
    }

    /// Only what has left can be recalled, and only once here.
    fn recall(&mut self, world: &mut World, at_a: bool, nth: usize) {
        let posted = self.of(at_a);
        let Some(place) = nth.checked_rem(posted.releases.len()) else { return };
        let (release, _) = posted.releases[place];
        let row = block_on(world.node(at_a).service.store().release(release)).unwrap().unwrap();
        if row.statement.is_some() && !posted.recalled.contains(&release) {
            world.recall_at(at_a, release, None);
            self.of_mut(at_a).recalled.push(release);
        }
    }

    /// What must hold at every moment.
    fn check(&self, world: &World) -> Result<(), String> {
        for from_a in [true, false] {
            let (posted, served) = (self.of(from_a), world.node(!from_a).served(TOPIC));
            for (place, object) in served.iter().enumerate() {
                if served[..place].contains(object) {
                    return Err(format!("served twice: {object}"));
                }
                if !posted.releases.iter().any(|(_, sent)| sent == object) {
                    return Err(format!("served and never sent: {object}"));
                }
            }
            for object in self.recalled_there(world, from_a) {
                if served.contains(&object) {
                    return Err(format!("served after its recall was taken in: {object}"));
                }
            }
        }
        Ok(())
    }

    /// Objects whose recall the other side has taken in.
    fn recalled_there(&self, world: &World, from_a: bool) -> Vec<String> {
        let (here, there) = (&world.node(from_a).service, &world.node(!from_a).service);
        let recalls = block_on(here.store().recalls(1_000)).unwrap();
        let taken_in = recalls.iter().filter(|recall| {
            let id = recall.statement.as_ref();
            id.is_some_and(|id| block_on(there.store().statement(id)).unwrap().is_some())
        });
        let object = |release: Uuid| {
            let found = self.of(from_a).releases.iter().find(|(id, _)| *id == release);
            found.map(|(_, object)| object.clone())
        };
        taken_in.filter_map(|recall| object(recall.release)).collect()
    }

    /// What must hold once nothing is left to do.
    fn check_end(&self, world: &World) -> Result<(), String> {
        for from_a in [true, false] {
            let (here, there) = (world.node(from_a), world.node(!from_a));
            let posted = self.of(from_a);
            let kept = posted.releases.iter().filter(|(id, _)| !posted.recalled.contains(id));
            let mut expected: Vec<_> = kept.map(|(_, object)| object.clone()).collect();
            let mut served = there.served(TOPIC);
            expected.sort();
            served.sort();
            if served != expected {
                return Err(format!("served is {served:?}, and should be {expected:?}"));
            }
            let missing = block_on(there.service.store().missing(here.service.name())).unwrap();
            let recalls = block_on(here.service.store().recalls(1_000)).unwrap();
            let silent = recalls.iter().filter(|recall| recall.answer.is_none()).count();
            if (missing, silent) != (0, 0) {
                return Err(format!("{missing} numbers missing, {silent} recalls unanswered"));
            }
            for (release, _) in &posted.releases {
                let row = block_on(here.service.store().release(*release)).unwrap().unwrap();
                if !["taken-in", "recalled"].contains(&row.state.word()) {
                    return Err(format!("a release is {}", row.state.word()));
                }
            }
        }
        for (at_a, id) in &self.acknowledged {
            let sent = block_on(world.node(!at_a).service.store().statement(id)).unwrap().unwrap();
            if sent.deliveries.iter().any(|delivery| delivery.acknowledged.is_none()) {
                return Err(format!("the sender was not told that {id} was seen"));
            }
        }
        let comparison = world.compare();
        if !comparison.agree || !comparison.open.is_empty() {
            return Err(format!("the ledgers: {comparison:?}"));
        }
        Ok(())
    }
}

/// The same failure with as few operations as leaving one out at a time comes to.
pub fn shrunk(operations: &[Op], fails: impl Fn(&[Op]) -> bool) -> Vec<Op> {
    let mut least = operations.to_vec();
    let mut place = 0;
    while place < least.len() {
        let mut fewer = least.clone();
        fewer.remove(place);
        if fails(&fewer) { least = fewer } else { place += 1 }
    }
    least
}

/// Everything a node does for one release, in the order it does it: for tests that put a crash
/// behind each operation in turn.
pub fn one_release_and_its_recall() -> Vec<Op> {
    let urgent_and_bulk = [Lane::Urgent, Lane::Bulk];
    let round = |at_a: bool| {
        let lanes = urgent_and_bulk.into_iter();
        let sent = lanes.clone().map(move |lane| Op::Work { at_a, worker: Worker::Relay(lane) });
        let taken = lanes.map(move |lane| Op::Work { at_a: !at_a, worker: Worker::Intake(lane) });
        sent.chain([Op::Deliver { nth: 0 }, Op::Deliver { nth: 0 }]).chain(taken)
    };
    let work = |at_a, worker| Op::Work { at_a, worker };
    let mut all = vec![Op::Post { at_a: true, number: 1 }, work(true, Worker::Release)];
    all.extend(round(true));
    all.extend(round(false));
    all.extend([Op::Recall { at_a: true, nth: 0 }, work(true, Worker::Recall)]);
    all.extend(round(true));
    all.push(work(false, Worker::Recall));
    all.extend(round(false));
    all.extend([work(true, Worker::Checkpoint), work(false, Worker::Checkpoint)]);
    all
}
