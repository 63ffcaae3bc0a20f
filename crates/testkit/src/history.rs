//! A history: operations drawn from a seed, run in a world, and held against what must be true
//! after each of them and at the end.
//!
//! What counts as a failure: an object served twice, one that was never sent, one served after its
//! recall was taken in, one that stands apart before it was let in, or after it was refused, one
//! that is decided on twice; at the end, anything sent and not served, a number missing, a release
//! without a receipt, receipts that tell another state than the receiver's, a recall without an
//! answer, an acknowledgement that its sender does not know, ledgers that disagree or hold open
//! ends.

use std::collections::HashMap;

use exchange::quarantine::{self, By, Decision};
use pollster::block_on;
use protocol::terms::{Outcome, StatementId};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use store::{Lane, Source};
use uuid::Uuid;

use crate::{Worker, World, officer, tool};

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
    /// An analyst posts one release of four objects: two that the partner's policy holds apart, one
    /// without findings, one that it refuses. See [`hold_apart`].
    PostDirty {
        /// At Aldermoor, else at Brevia.
        at_a: bool,
        /// Which objects.
        number: u32,
    },
    /// A releaser decides on an object of the `nth` statement of which one stands apart, and at
    /// once, which must fail, the other way.
    Decide {
        /// At Aldermoor, else at Brevia.
        at_a: bool,
        /// Which statement, and which object.
        nth: usize,
        /// It comes in, else it is refused for good.
        accept: bool,
    },
    /// The releaser recalls the `nth` release of a node, if it has left.
    Recall {
        /// At Aldermoor, else at Brevia.
        at_a: bool,
        /// Which release.
        nth: usize,
    },
    /// The releaser recalls one object of the `nth` release of a node, if it is a dirty one that
    /// has left.
    RecallObject {
        /// At Aldermoor, else at Brevia.
        at_a: bool,
        /// Which release, and which of its objects.
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

/// The operations of a seed, with dirty releases among them and people who decide: for a world that
/// holds apart.
pub fn operations_dirty(seed: u64) -> Vec<Op> {
    let mut dice = ChaCha20Rng::seed_from_u64(seed ^ 0xd1_27_79);
    let mut all = Vec::new();
    for op in operations(seed) {
        let (chance, nth) = (dice.next_u64() % 100, (dice.next_u64() % 64) as usize);
        if chance < 20 {
            all.push(Op::Decide { at_a: nth.is_multiple_of(3), nth, accept: chance < 12 });
        }
        // A round of one node: else hardly anything would be there to decide on.
        if chance >= 40 {
            let work = |worker| Op::Work { at_a: chance.is_multiple_of(2), worker };
            all.extend(Worker::ALL.map(work));
            all.extend([Op::Deliver { nth }, Op::Deliver { nth: nth + 1 }]);
        }
        if (20..26).contains(&chance) {
            all.push(Op::RecallObject { at_a: nth.is_multiple_of(2), nth });
        }
        all.push(match op {
            Op::Post { at_a, number } if chance < 75 => Op::PostDirty { at_a, number },
            op => op,
        });
    }
    all
}

/// Both nodes hold apart what breaks a MUST, which they do anyway, and refuse custom properties.
pub fn hold_apart(world: &World) {
    for (here, other) in [(&world.a, &world.b), (&world.b, &world.a)] {
        let (store, name) = (here.service.store(), other.service.name().clone());
        let policy = Some(Some("error=quarantine 401=refuse".parse().unwrap()));
        let change = store.change_partner(name, None, policy, "officer".to_owned(), world.now);
        block_on(change).unwrap();
    }
}

/// What a policy makes of an object of a dirty release, by its place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Apart,
    Taken,
    Refused,
}

impl Fate {
    const ALL: [Self; 4] = [Self::Apart, Self::Taken, Self::Refused, Self::Apart];

    fn of(place: usize) -> Self {
        Self::ALL[place]
    }
}

fn dirty(number: u32) -> Vec<String> {
    let object = |(place, fate): (usize, Fate)| {
        let text = tool(number + 1_000 * place as u32, 0);
        match fate {
            Fate::Apart => text.replace("\"name\"", "\"confidence\":400,\"name\""),
            Fate::Taken => text,
            Fate::Refused => text.replace("\"name\"", "\"x_lamp\":1,\"name\""),
        }
    };
    Fate::ALL.into_iter().enumerate().map(object).collect()
}

fn is_dirty(sent: &[String]) -> bool {
    sent.len() > 1
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

/// A release and its objects.
type Posting = (Uuid, Vec<String>);

/// What was posted at one node, and what of it was recalled.
#[derive(Default)]
struct Posted {
    releases: Vec<Posting>,
    recalled: Vec<Uuid>,
    /// One object of a release, by its place.
    recalled_object: HashMap<Uuid, usize>,
}

impl Posted {
    fn is_recalled(&self, release: Uuid) -> bool {
        self.recalled.contains(&release) || self.recalled_object.contains_key(&release)
    }
}

/// The history so far, beside the world.
#[derive(Default)]
struct Model {
    /// By Aldermoor, by Brevia.
    posted: [Posted; 2],
    /// What was acknowledged where.
    acknowledged: Vec<(bool, StatementId)>,
    /// What was decided of objects that stood apart: whether they were let in.
    decided: HashMap<(StatementId, u32), bool>,
}

/// Runs operations and holds every invariant; what is wrong, in words.
///
/// *Errors*: the first invariant that does not hold, and after which operation.
pub fn run(world: &mut World, operations: &[Op]) -> Result<(), String> {
    let mut model = Model::default();
    for (place, op) in operations.iter().enumerate() {
        let applied = model.apply(world, *op);
        let held = applied.and_then(|()| model.check(world));
        held.map_err(|wrong| format!("after operation {place}, {op:?}: {wrong}"))?;
    }
    world.settle();
    world.settle();
    model
        .check(world)
        .and_then(|()| model.check_end(world))
        .map_err(|wrong| format!("at the end: {wrong}"))
}

impl Model {
    fn apply(&mut self, world: &mut World, op: Op) -> Result<(), String> {
        match op {
            Op::Post { at_a, number } => self.post(world, at_a, vec![tool(number, 0)]),
            Op::PostDirty { at_a, number } => self.post(world, at_a, dirty(number)),
            Op::Decide { at_a, nth, accept } => return self.decide(world, at_a, nth, accept),
            Op::Recall { at_a, nth } => self.recall(world, at_a, nth),
            Op::RecallObject { at_a, nth } => self.recall_object(world, at_a, nth),
            Op::Acknowledge { at_a, nth } => {
                let came = world.node(at_a).releases_that_came();
                let Some(place) = nth.checked_rem(came.len()) else { return Ok(()) };
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
        Ok(())
    }

    fn post(&mut self, world: &mut World, at_a: bool, objects: Vec<String>) {
        let added = world.post(at_a, TOPIC, &objects);
        self.of_mut(at_a).releases.push((added.release.unwrap(), objects));
    }

    fn decide(
        &mut self,
        world: &mut World,
        at_a: bool,
        nth: usize,
        accept: bool,
    ) -> Result<(), String> {
        let service = world.node(at_a).service.clone();
        let waiting = block_on(service.store().quarantined(1_000)).unwrap();
        let Some(place) = nth.checked_rem(waiting.len()) else { return Ok(()) };
        let source = waiting[place].id;
        let Source::Statement(id) = source else { return Err(format!("{source} waits")) };
        let held = block_on(service.store().held_objects(source, 0, 10)).unwrap();
        let object = held[nth % held.len()].place;
        let (officer, now) = (officer(&service), world.clock(&service));
        let mut say = |accept| {
            let decision = if accept { Decision::Accept } else { Decision::Refuse };
            let by = By { officer: &officer, reason: "", now };
            block_on(quarantine::decide(
                &service,
                source,
                Some(&[object]),
                decision,
                by,
                &mut world.rng,
            ))
        };
        say(accept).map_err(|failure| format!("no decision on {id}: {failure}"))?;
        self.decided.insert((id, object), accept);
        match say(!accept) {
            Ok(()) => Err(format!("object {object} of {id} was decided on twice")),
            Err(_) => Ok(()),
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
        if row.statement.is_some() && !posted.is_recalled(release) {
            world.recall_at(at_a, release, None);
            self.of_mut(at_a).recalled.push(release);
        }
    }

    fn recall_object(&mut self, world: &mut World, at_a: bool, nth: usize) {
        let posted = self.of(at_a);
        let Some(place) = nth.checked_rem(posted.releases.len()) else { return };
        let (release, sent) = &posted.releases[place];
        let (release, object) = (*release, nth % sent.len());
        let left = statement_of(world, at_a, release).is_some();
        if left && is_dirty(sent) && !posted.is_recalled(release) {
            world.recall_at(at_a, release, Some(vec![object as u32]));
            self.of_mut(at_a).recalled_object.insert(release, object);
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
                let sent = posted.releases.iter().find(|(_, sent)| sent.contains(object));
                let Some(posting) = sent else {
                    return Err(format!("served and never sent: {object}"));
                };
                if !self.served_of(world, from_a, posting).contains(object) {
                    return Err(format!("served and not let in: {object}"));
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
        let objects = |(release, items): (Uuid, &Option<Vec<u32>>)| {
            let found = self.of(from_a).releases.iter().find(|(id, _)| *id == release);
            let all = found.map(|(_, objects)| objects.clone()).unwrap_or_default();
            match items {
                None => all,
                Some(items) => items.iter().map(|item| all[*item as usize].clone()).collect(),
            }
        };
        taken_in.flat_map(|recall| objects((recall.release, &recall.items))).collect()
    }

    /// What of a release is served once everything has arrived.
    fn served_of(&self, world: &World, from_a: bool, (release, sent): &Posting) -> Vec<String> {
        let id = statement_of(world, from_a, *release);
        let served = |place: &usize| match (is_dirty(sent), Fate::of(*place)) {
            (false, _) | (true, Fate::Taken) => true,
            (true, Fate::Refused) => false,
            (true, Fate::Apart) => self.verdict(id, *place) == Some(true),
        };
        (0..sent.len()).filter(served).map(|place| sent[place].clone()).collect()
    }

    /// What a person decided of an object that stood apart, if anything.
    fn verdict(&self, id: Option<StatementId>, place: usize) -> Option<bool> {
        self.decided.get(&(id?, u32::try_from(place).unwrap())).copied()
    }

    /// What the last receipt of a release says of its items, against what was decided.
    fn check_receipt(&self, world: &World, from_a: bool, posting: &Posting) -> Result<(), String> {
        let (here, there) = (&world.node(from_a).service, &world.node(!from_a).service);
        let row = block_on(here.store().release(posting.0)).unwrap().unwrap();
        let id = row.statement.ok_or("a release never left")?;
        let (mut expected, mut outcome) = (Vec::new(), Outcome::TakenInWithFindings);
        let recalled = self.of(from_a).recalled_object.get(&posting.0);
        for place in 0..posting.1.len() {
            let verdict = self.verdict(Some(id), place);
            if recalled == Some(&place) && Fate::of(place) == Fate::Apart && verdict.is_none() {
                // Nobody decides on it any more. The receipts from before its recall list it.
                continue;
            }
            let item = match (Fate::of(place), verdict) {
                (Fate::Taken, _) => continue,
                (Fate::Refused, _) => (Outcome::Refused, "401"),
                (Fate::Apart, None) => (Outcome::Quarantined, "STIX-3.2-10"),
                (Fate::Apart, Some(true)) => (Outcome::TakenInWithFindings, "STIX-3.2-10"),
                (Fate::Apart, Some(false)) => (Outcome::Refused, "quarantine-refused"),
            };
            outcome = if item.0 == Outcome::Quarantined { item.0 } else { outcome };
            expected.push((place as u32, item.0, item.1));
        }
        let told = block_on(exchange::intake::receipts_of(here, &id)).unwrap();
        let [(_, told)] = told.as_slice() else { return Err(format!("{} receipts", told.len())) };
        let items = told.items.iter().map(|item| (item.index, item.outcome, item.code.as_str()));
        let stale = |item: &(u32, Outcome, &str)| {
            outcome == Outcome::Quarantined
                && item.1 == Outcome::Quarantined
                && recalled == Some(&(item.0 as usize))
        };
        let items: Vec<_> = items.filter(|item| !stale(item)).collect();
        let held = block_on(there.store().statement(&id)).unwrap().and_then(|row| row.outcome);
        let outcomes = (row.state.word(), told.outcome, held, told.more);
        match items == expected && outcomes == (outcome.word(), outcome, Some(outcome), 0) {
            true => Ok(()),
            false => Err(format!("told {items:?} and {outcomes:?}, and it should be {expected:?}")),
        }
    }

    /// What must hold once nothing is left to do.
    fn check_end(&self, world: &World) -> Result<(), String> {
        for from_a in [true, false] {
            let (here, there) = (world.node(from_a), world.node(!from_a));
            let posted = self.of(from_a);
            let kept = posted.releases.iter().filter(|(id, _)| !posted.recalled.contains(id));
            let served_of = |posting: &Posting| {
                let mut served = self.served_of(world, from_a, posting);
                let recalled = posted.recalled_object.get(&posting.0);
                served.retain(|object| recalled.is_none_or(|place| posting.1[*place] != *object));
                served
            };
            let mut expected: Vec<_> = kept.clone().flat_map(served_of).collect();
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
            for posting in kept.filter(|(_, sent)| is_dirty(sent)) {
                self.check_receipt(world, from_a, posting)?;
            }
            for (release, _) in posted.releases.iter().filter(|(_, sent)| !is_dirty(sent)) {
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

fn statement_of(world: &World, from_a: bool, release: Uuid) -> Option<StatementId> {
    block_on(world.node(from_a).service.store().release(release)).unwrap().unwrap().statement
}
