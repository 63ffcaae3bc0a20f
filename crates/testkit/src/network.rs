//! A network in memory: what is sent arrives, is lost, doubled, delayed, or finds a partition.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use exchange::{
    Service, gaps, oversight,
    relay::{CheckpointAnswer, Link, LinkError},
};
use protocol::terms::{AgreementId, NodeName};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use store::{Lane, Partner};

/// How bad the network is, each in percent.
#[derive(Debug, Clone, Copy, Default)]
pub struct Weather {
    /// Envelopes that never arrive.
    pub lost: u64,
    /// Envelopes that arrive twice.
    pub doubled: u64,
    /// Envelopes whose answer is lost, though they arrived.
    pub answer_lost: u64,
    /// Envelopes that the partner's door took and its disk forgot.
    pub forgotten: u64,
}

struct State {
    rng: ChaCha20Rng,
    weather: Weather,
    partitioned: bool,
    under_way: Vec<(NodeName, Bytes)>,
    /// Who answers questions, by name.
    nodes: HashMap<NodeName, Service>,
}

/// The network: a handle that every node shares.
#[derive(Clone)]
pub struct Network {
    state: Arc<Mutex<State>>,
    /// Who asks.
    me: Option<NodeName>,
}

impl Network {
    /// A network of a seed.
    pub fn new(seed: u64, weather: Weather) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let (under_way, nodes) = (Vec::new(), HashMap::new());
        let state = State { rng, weather, partitioned: false, under_way, nodes };
        Self { state: Arc::new(Mutex::new(state)), me: None }
    }

    /// The network as a node uses it; from now on its partners can ask it, too.
    pub fn of(&self, service: &Service) -> Self {
        self.lock().nodes.insert(service.name().clone(), service.clone());
        Self { state: Arc::clone(&self.state), me: Some(service.name().clone()) }
    }

    /// Who asks whom, when the weather lets them.
    fn asked(&self, to: &NodeName) -> Result<(NodeName, Service), LinkError> {
        let mut state = self.lock();
        let lost = state.weather.lost;
        if state.partitioned || state.happens(lost) {
            return Err(LinkError::Unreachable);
        }
        let other = state.nodes.get(to).cloned();
        self.me.clone().zip(other).ok_or(LinkError::Unreachable)
    }

    /// Changes the weather.
    pub fn weather(&self, weather: Weather) {
        self.lock().weather = weather;
    }

    /// Cuts or mends the network.
    pub fn partition(&self, partitioned: bool) {
        self.lock().partitioned = partitioned;
    }

    /// Puts something back under way.
    pub(crate) fn again(&self, to: NodeName, envelope: Bytes) {
        self.lock().under_way.push((to, envelope));
    }

    /// Everything under way, in random order.
    pub fn take(&self) -> Vec<(NodeName, Bytes)> {
        let mut state = self.lock();
        let mut taken = std::mem::take(&mut state.under_way);
        for last in (1..taken.len()).rev() {
            let other = usize::try_from(state.rng.next_u64() % (last as u64 + 1)).unwrap_or(0);
            taken.swap(last, other);
        }
        taken
    }

    /// One envelope under way, the `nth` of them.
    pub fn take_one(&self, nth: usize) -> Option<(NodeName, Bytes)> {
        let under_way = &mut self.lock().under_way;
        let place = nth.checked_rem(under_way.len())?;
        Some(under_way.swap_remove(place))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn carry(&self, to: &NodeName, envelope: &Bytes) -> Result<(), LinkError> {
        let mut state = self.lock();
        let weather = state.weather;
        if state.partitioned || state.happens(weather.lost) {
            return Err(LinkError::Unreachable);
        }
        if state.happens(weather.forgotten) {
            return Ok(());
        }
        let copies = if state.happens(weather.doubled) { 2 } else { 1 };
        for _ in 0..copies {
            state.under_way.push((to.clone(), envelope.clone()));
        }
        if state.happens(weather.answer_lost) { Err(LinkError::Unreachable) } else { Ok(()) }
    }
}

impl State {
    fn happens(&mut self, percent: u64) -> bool {
        self.rng.next_u64() % 100 < percent
    }
}

impl Link for Network {
    async fn send(&self, to: &Partner, _: Lane, envelope: Bytes) -> Result<(), LinkError> {
        self.carry(&to.name, &envelope)
    }

    async fn checkpoint(&self, to: &Partner, since: u64) -> Result<CheckpointAnswer, LinkError> {
        let (_, service) = self.asked(&to.name)?;
        oversight::checkpoint(&service, since).await.map_err(|_| LinkError::Malformed)
    }

    async fn missing(
        &self,
        to: &Partner,
        agreement: &AgreementId,
        after: u64,
    ) -> Result<Vec<Bytes>, LinkError> {
        let (me, service) = self.asked(&to.name)?;
        let answer = gaps::answer(&service, &me, agreement, after).await;
        let answer = answer.map_err(|_| LinkError::Unreachable)?;
        gaps::parse(&answer).ok_or(LinkError::Malformed)
    }
}
