//! A world of two nodes, or more, that have met and agreed, driven step by step in one thread.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use exchange::{
    Service, accord, acknowledgement, collections, courier, gaps, intake, keys, oversight, partner,
    recall, relay, release, submit,
};
use pollster::block_on;
use protocol::{
    agreement::{Agreement, DraftText, ReleaseRule, TopicTerms, draft_text},
    comparison::{Comparison, compare},
    keys::NodeKeys,
    terms::{
        AgreementId, Direction, NodeName, Precedence, RecallReason, Role, StatementId,
        StatementType, Status, Timestamp,
    },
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use store::{Account, Collection, Flow, Lane, Page, Pages, Route, Versions};
use uuid::Uuid;

use crate::{Base, Network, Weather};

/// One node of a world.
pub struct Node {
    /// Its use cases.
    pub service: Service,
    /// Where its database lies.
    pub base: Base,
}

/// Two nodes that have met and agreed, at rest.
pub struct Kept {
    folder: PathBuf,
    keys: [Arc<NodeKeys>; 2],
    now: Timestamp,
}

/// Two nodes, Aldermoor and Brevia, perhaps others, a network, a clock and a seed.
pub struct World {
    /// Aldermoor.
    pub a: Node,
    /// Brevia.
    pub b: Node,
    /// Further parties of the same agreement.
    pub others: Vec<Node>,
    /// What lies between them.
    pub network: Network,
    /// The present moment, as Aldermoor's clock says.
    pub now: Timestamp,
    /// How far Brevia's clock runs ahead of it; negative where it is behind.
    pub brevia_ahead_ms: i64,
    /// The world's randomness.
    pub rng: ChaCha20Rng,
    statuses: u128,
}

/// What works at a node, each in bounded steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worker {
    /// Decides on drafts and seals them.
    Release,
    /// Seals recalls and answers them.
    Recall,
    /// Sends what waits.
    Relay(Lane),
    /// Takes in what came.
    Intake(Lane),
    /// Asks for missing numbers.
    Gaps,
    /// Signs the ledger.
    Checkpoint,
}

impl Worker {
    /// All of them, in the order of a release's way.
    pub const ALL: [Self; 8] = [
        Self::Release,
        Self::Recall,
        Self::Relay(Lane::Urgent),
        Self::Relay(Lane::Bulk),
        Self::Intake(Lane::Urgent),
        Self::Intake(Lane::Bulk),
        Self::Gaps,
        Self::Checkpoint,
    ];
}

const START: i64 = 1_790_000_000_000;
const YEAR: i64 = 365 * 24 * 3_600 * 1_000;

/// A clearly invented STIX object.
pub fn tool(number: u32, version: u32) -> String {
    format!(
        "{{\"type\": \"tool\",  \"id\":\"tool--00000000-0000-4000-8000-{number:012}\",\
         \"spec_version\":\"2.1\",\"created\":\"2031-01-01T00:00:00.000Z\",\
         \"modified\":\"2031-01-01T00:00:00.{version:03}Z\",\"name\":\"Lamp {number}\"}}"
    )
}

/// Randomness of a seed.
pub fn seeded(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// An account of a node that has every role and every topic.
pub fn officer(service: &Service) -> Account {
    let (store, name) = (service.store(), "officer".to_owned());
    if let Some(known) = block_on(store.account(&name)).unwrap() {
        return known;
    }
    let (roles, now) = (Role::ALL.to_vec(), Timestamp::from_ms(START));
    block_on(store.create_account(name.clone(), roles, None, "a".to_owned(), now)).unwrap();
    block_on(store.account(&name)).unwrap().unwrap()
}

impl World {
    /// A world of a seed in a folder of its own; the two have met, verified and agreed.
    pub fn new(folder: &Path, seed: u64, weather: Weather) -> Self {
        let file = |name: &str| Base::file(folder.join(name));
        Self::over([file("aldermoor.db"), file("brevia.db")], seed, weather)
    }

    /// A world over two stores that are empty yet.
    pub fn over(bases: [Base; 2], seed: u64, weather: Weather) -> Self {
        Self::among(bases, Vec::new(), seed, weather)
    }

    /// A world of three: Corvane is the third party of the same agreement.
    pub fn of_three(folder: &Path, seed: u64, weather: Weather) -> Self {
        let file = |name: &str| Base::file(folder.join(name));
        let others = vec![("corvane.example/channel", file("corvane.db"))];
        Self::among([file("aldermoor.db"), file("brevia.db")], others, seed, weather)
    }

    fn among(bases: [Base; 2], others: Vec<(&str, Base)>, seed: u64, weather: Weather) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let now = Timestamp::from_ms(START);
        let mut node = |name: &str, base: Base| {
            let name: NodeName = name.parse().unwrap();
            let keys = NodeKeys::generate(&name, &[], now, now.plus_ms(YEAR), &mut rng).unwrap();
            let store = base.open().unwrap();
            let service = Service::new(name, store, keys);
            block_on(keys::found(&service, now)).unwrap();
            Node { service, base }
        };
        let [at_a, at_b] = bases;
        let a = node("aldermoor.example/channel", at_a);
        let b = node("brevia.example/channel", at_b);
        let network = Network::new(seed ^ 0x5eed, Weather::default());
        let others = others.into_iter().map(|(name, base)| node(name, base)).collect();
        let mut world = Self { a, b, others, network, now, brevia_ahead_ms: 0, rng, statuses: 0 };
        world.meet();
        world.agree();
        world.network = Network::new(seed ^ 0x5eed, weather);
        world
    }

    /// A world that goes on from a kept one, under a seed of its own: nobody has to meet again.
    pub fn fork(kept: &Kept, folder: &Path, seed: u64, weather: Weather) -> Self {
        let node = |name: &str, keys: &NodeKeys| {
            let path = folder.join(format!("{name}.db"));
            std::fs::copy(kept.folder.join(format!("{name}.db")), &path).unwrap();
            let base = Base::file(path);
            let service = Service::new(
                keys.statement().node().clone(),
                base.open().unwrap(),
                NodeKeys::from_files(keys.statement().note(), &keys.to_files()).unwrap(),
            );
            Node { service, base }
        };
        let (a, b) = (node("aldermoor", &kept.keys[0]), node("brevia", &kept.keys[1]));
        let network = Network::new(seed ^ 0x5eed, weather);
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let (others, now) = (Vec::new(), kept.now);
        Self { a, b, others, network, now, brevia_ahead_ms: 0, rng, statuses: 0 }
    }

    /// Ends both nodes and keeps what they hold, for worlds that go on from here. The world must
    /// have been made by [`Self::new`] in this folder.
    pub fn keep(self, folder: &Path) -> Kept {
        let keys = [&self.a, &self.b].map(|node| {
            node.service.store().close();
            node.service.keys()
        });
        Kept { folder: folder.to_owned(), keys, now: self.now }
    }

    /// Every node, Aldermoor first.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        [&self.a, &self.b].into_iter().chain(&self.others)
    }

    fn meet(&mut self) {
        for one in self.nodes() {
            for other in self.nodes().filter(|other| other.service.name() != one.service.name()) {
                let keys = other.service.keys();
                let note = Bytes::copy_from_slice(keys.statement().note());
                let url = Some("memory".to_owned());
                let met = block_on(partner::meet(&one.service, note, url, self.now)).unwrap();
                let fingerprint = met.fingerprint;
                let verify = partner::verify(&one.service, &met.name, fingerprint, "a", self.now);
                block_on(verify).unwrap();
            }
        }
    }

    fn agree(&mut self) {
        let text = self.agreement_text();
        self.sign(&text);
        self.settle();
    }

    /// Every party keeps a text and signs it; what they sent is under way.
    pub fn sign(&mut self, text: &str) -> AgreementId {
        let id = Agreement::parse(text.as_bytes()).unwrap().id();
        let services: Vec<Service> = self.nodes().map(|node| node.service.clone()).collect();
        for service in services {
            let text = Bytes::copy_from_slice(text.as_bytes());
            block_on(accord::draft(&service, text, "a", self.now)).unwrap();
            block_on(accord::sign(&service, &id, "a", self.now, &mut self.rng)).unwrap();
        }
        id
    }

    /// The agreement's text: lamps both ways on submit, tea by a second person.
    pub fn agreement_text(&self) -> String {
        let topic = |name: &str, release| TopicTerms {
            topic: name.parse().unwrap(),
            direction: Direction::Both,
            ceiling: stix::Tlp::Amber,
            precedence: Precedence::ALL.to_vec(),
            release,
            retention_days: 30,
        };
        draft_text(&DraftText {
            title: "Lamps and tea",
            parties: &self.nodes().map(|node| node.service.name().clone()).collect::<Vec<_>>(),
            from: Timestamp::from_ms(START - 1_000),
            until: None,
            topics: &[
                topic("lamps", ReleaseRule::OnSubmit),
                topic("tea", ReleaseRule::SecondPerson),
            ],
        })
    }

    /// Posts objects at a node into a topic's outgoing collection; the draft's id.
    pub fn post(&mut self, at_a: bool, topic: &str, objects: &[String]) -> store::Added {
        self.statuses += 1;
        let status_id = Uuid::from_u128(self.statuses << 64);
        let node = if at_a { &self.a } else { &self.b };
        let submission = submit::Submission {
            collection: node.collection(topic, Flow::Outgoing),
            account: "drafter".to_owned(),
            body: Bytes::from(format!("{{\"objects\":[{}]}}", objects.join(","))),
            precedence: None,
            status: Status::Test,
            note: None,
            status_id,
        };
        let now = self.clock(&node.service);
        block_on(submit::submit(&node.service, submission, now)).unwrap()
    }

    /// Recalls a release, or items of it, at Aldermoor.
    pub fn recall(&mut self, release: Uuid, items: Option<Vec<u32>>) {
        self.recall_at(true, release, items);
    }

    /// Recalls a release, or items of it, at the node that made it.
    pub fn recall_at(&mut self, at_a: bool, release: Uuid, items: Option<Vec<u32>>) {
        let (reason, service) = (RecallReason::Wrong, &self.node(at_a).service);
        let officer = officer(service);
        let now = self.clock(service);
        block_on(recall::issue(service, release, items, reason, &officer, now)).unwrap();
    }

    /// A person acknowledges a release that came in.
    pub fn acknowledge(&mut self, at_a: bool, id: &StatementId) {
        let service = self.node(at_a).service.clone();
        let (officer, now) = (officer(&service), self.clock(&service));
        block_on(acknowledgement::give(&service, id, &officer, now, &mut self.rng)).unwrap();
    }

    /// What a node's own clock says.
    pub fn clock(&self, service: &Service) -> Timestamp {
        let is_brevia = service.name() == self.b.service.name();
        self.now.plus_ms(if is_brevia { self.brevia_ahead_ms } else { 0 })
    }

    /// Aldermoor or Brevia.
    pub fn node(&self, at_a: bool) -> &Node {
        if at_a { &self.a } else { &self.b }
    }

    /// One step of every worker of one node.
    pub fn step(&mut self, at_a: bool) {
        for worker in Worker::ALL {
            self.work(at_a, worker);
        }
    }

    /// One step of one worker of Aldermoor or Brevia.
    pub fn work(&mut self, at_a: bool, worker: Worker) {
        self.work_of(&self.node(at_a).service.clone(), worker);
    }

    /// One step of every worker of any node.
    pub fn step_of(&mut self, service: &Service) {
        for worker in Worker::ALL {
            self.work_of(service, worker);
        }
    }

    fn work_of(&mut self, service: &Service, worker: Worker) {
        let (now, network) = (self.clock(service), self.network.of(service));
        let rng = &mut self.rng;
        block_on(async {
            match worker {
                Worker::Release => {
                    release::step(service, Lane::Urgent, now, rng).await.unwrap();
                    release::step(service, Lane::Bulk, now, rng).await.map(drop)
                }
                Worker::Recall => recall::step(service, now, rng).await.map(drop),
                Worker::Relay(lane) => relay::step(service, &network, lane, now).await.map(drop),
                Worker::Intake(lane) => intake::step(service, lane, now, rng).await.map(drop),
                Worker::Gaps => gaps::step(service, &network, now).await.map(drop),
                Worker::Checkpoint => oversight::publish(service, now).await.map(drop),
            }
        })
        .unwrap();
    }

    /// One step of what collections owe to what came late; whether there was anything to do.
    pub fn collections(&mut self, at_a: bool) -> bool {
        let service = &self.node(at_a).service;
        let stepped = block_on(collections::step(service, self.clock(service))).unwrap();
        stepped != exchange::Step::Idle
    }

    /// What waits at one node is carried to the other on a disk.
    pub fn courier(&mut self, from_a: bool) {
        let (from, to) = (self.node(from_a), self.node(!from_a));
        let made = self.clock(&from.service);
        let file = block_on(courier::export(&from.service, to.service.name(), made)).unwrap();
        let (to, now) = (to.service.clone(), self.clock(&to.service));
        block_on(courier::import(&to, &file, now, &mut self.rng)).unwrap();
    }

    /// Lets one envelope arrive, whichever is `nth` of those under way.
    pub fn deliver_one(&mut self, nth: usize) {
        if let Some((to, envelope)) = self.network.take_one(nth) {
            self.hand_in(&to, envelope);
        }
    }

    /// What a door refuses comes again, as from a sender that was told so.
    fn hand_in(&self, to: &NodeName, envelope: Bytes) {
        let node = self.nodes().find(|node| node.service.name() == to).unwrap();
        let copy = envelope.clone();
        let now = self.clock(&node.service);
        match block_on(intake::accept(&node.service, copy, Route::Link, None, now)) {
            Ok(_) => {}
            Err(intake::AcceptError::Refused(_)) => self.network.again(to.clone(), envelope),
            Err(error) => panic!("{error}"),
        }
    }

    /// Lets what is under way arrive, in random order.
    pub fn deliver(&mut self) {
        for (to, envelope) in self.network.take() {
            self.hand_in(&to, envelope);
        }
    }

    /// Crashes a node: leases are forgotten, the store is opened anew.
    pub fn restart(&mut self, at_a: bool) {
        let node = if at_a { &mut self.a } else { &mut self.b };
        node.service.store().close();
        let store = node.base.open().unwrap();
        let held = node.service.keys();
        let files = held.to_files();
        let keys = NodeKeys::from_files(held.statement().note(), &files).unwrap();
        node.service = Service::new(node.service.name().clone(), store, keys);
    }

    /// Runs every node in fair weather until nothing is left to do.
    pub fn settle(&mut self) {
        self.network.partition(false);
        // A round may go to a draft that then waits for a person; the next one seals what is left.
        let mut quiet = 0;
        for _ in 0..60 {
            self.now = self.now.plus_ms(60_000);
            let services: Vec<Service> = self.nodes().map(|node| node.service.clone()).collect();
            for service in &services {
                self.step_of(service);
            }
            self.deliver();
            let waits = services.iter().map(waiting).sum::<u64>() > 0;
            quiet = if waits { 0 } else { quiet + 1 };
            if quiet == 2 {
                return;
            }
        }
    }

    /// Whether the two ledgers agree.
    pub fn compare(&self) -> Comparison {
        let account = |one: &Node, other: &Node| {
            block_on(oversight::account(&one.service, other.service.name(), self.now)).unwrap()
        };
        compare(&account(&self.a, &self.b), &account(&self.b, &self.a))
    }
}

/// What waits at a node for a link or a receipt.
fn waiting(service: &Service) -> u64 {
    let store = service.store();
    let partners = block_on(store.partners()).unwrap();
    let counts = partners.iter().map(|partner| {
        let (link, receipt) = block_on(store.outbox_counts(&partner.name)).unwrap();
        link + receipt
    });
    counts.sum()
}

impl Node {
    /// The releases that came in, newest first.
    pub fn releases_that_came(&self) -> Vec<StatementId> {
        let all = block_on(self.service.store().statements_page(None, 1_000)).unwrap();
        let came = |one: &store::Statement| !one.out && one.kind == Some(StatementType::Release);
        all.into_iter().filter(came).map(|one| one.id).collect()
    }

    /// The collection of a topic.
    pub fn collection(&self, topic: &str, flow: Flow) -> Collection {
        let all = block_on(self.service.store().collections()).unwrap();
        let fits = |collection: &Collection| {
            collection.flow == flow
                && collection.topic.as_ref().is_some_and(|found| found.as_str() == topic)
        };
        all.into_iter().find(fits).unwrap()
    }

    /// Every object of a topic's incoming collection, as bytes.
    pub fn served(&self, topic: &str) -> Vec<String> {
        let page = Page {
            limit: 100_000,
            bytes_max: usize::MAX,
            versions: Versions::All,
            with_bodies: true,
            ..Page::default()
        };
        let collection = self.collection(topic, Flow::Incoming);
        let pages: Pages = block_on(self.service.store().page(&collection, &page)).unwrap();
        let body = |entry: store::Entry| String::from_utf8(entry.body.unwrap().to_vec()).unwrap();
        pages.entries.into_iter().map(body).collect()
    }
}
