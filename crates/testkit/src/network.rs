//! A network in memory: what is sent arrives, is lost, doubled, delayed, or finds a partition.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use exchange::relay::{CheckpointAnswer, Link, LinkError};
use protocol::terms::NodeName;
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
}

struct State {
    rng: ChaCha20Rng,
    weather: Weather,
    partitioned: bool,
    under_way: Vec<(NodeName, Bytes)>,
}

/// The network: a handle that every node shares.
#[derive(Clone)]
pub struct Network {
    state: Arc<Mutex<State>>,
}

impl Network {
    /// A network of a seed.
    pub fn new(seed: u64, weather: Weather) -> Self {
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let state = State { rng, weather, partitioned: false, under_way: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Cuts or mends the network.
    pub fn partition(&self, partitioned: bool) {
        self.lock().partitioned = partitioned;
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

    async fn checkpoint(&self, _: &Partner, _: u64) -> Result<CheckpointAnswer, LinkError> {
        Err(LinkError::Unreachable)
    }
}
