//! One node's view of the channel: its name, its store, its keys, the agreements it has read.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use bytes::Bytes;
use protocol::{
    agreement::{Agreement, Refusal as Article, Standing},
    findings::{FindingsChange, FindingsPolicy},
    keys::{KeyStatement, NodeKeys},
    statement,
    terms::{AgreementId, NodeName, Timestamp},
};
use rand_chacha::ChaCha20Rng;
use rand_core::{CryptoRng, SeedableRng};
use store::{AgreementState, Gap, Signer, Store};

/// What a worker's step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many pieces of work are done; there may be more.
    Worked(usize),
    /// Nothing waits.
    Idle,
}

impl Step {
    pub(crate) fn of(done: usize) -> Self {
        if done == 0 { Self::Idle } else { Self::Worked(done) }
    }
}

/// Why a use case could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A rule of the agreement or of ours forbids it: the caller's to mend.
    #[error("{}: {}", .0.rule, .0.message)]
    Forbidden(Article),
    /// This person may not; another one may.
    #[error("{}: {}", .0.rule, .0.message)]
    Denied(Article),
    /// What was named is not there.
    #[error("no {0} by that name")]
    Unknown(&'static str),
    /// A text that was handed in is malformed.
    #[error("{rule}: {message}")]
    Malformed {
        /// The rule.
        rule: &'static str,
        /// What is wrong, in our words.
        message: String,
    },
    /// The store could not do its part: the operator's, or retry.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A statement could not be made: our bug.
    #[error("the statement could not be made")]
    Statement(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    pub(crate) fn forbidden(rule: &str, message: impl Into<String>, remedy: &str) -> Self {
        Self::Forbidden(article(rule, message.into(), remedy))
    }

    pub(crate) fn denied(rule: &str, message: String, remedy: &str) -> Self {
        Self::Denied(article(rule, message, remedy))
    }
}

fn article(rule: &str, message: String, remedy: &str) -> Article {
    Article { rule: rule.to_owned(), message, remedy: remedy.to_owned(), item: None }
}

/// What the operator says of dirty data; collections and partners may differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// For what the service's own people submit.
    pub submit: FindingsPolicy,
    /// For what partners release.
    pub intake: FindingsPolicy,
}

impl Default for Policies {
    fn default() -> Self {
        Self { submit: FindingsPolicy::at_submit(), intake: FindingsPolicy::at_intake() }
    }
}

/// A service's node, as the use cases see it. Cheap to clone.
#[derive(Clone)]
pub struct Service {
    inner: Arc<Inner>,
}

struct Inner {
    name: NodeName,
    store: Store,
    keys: RwLock<Arc<NodeKeys>>,
    policies: Policies,
    agreements: RwLock<HashMap<AgreementId, Arc<Agreement>>>,
    /// Key statements of the store that were read and hold, by their text.
    key_statements: RwLock<HashMap<Bytes, Arc<KeyStatement>>>,
    /// Gaps in partners' numbers, with the moment when each was first seen.
    gaps: Mutex<HashMap<(NodeName, AgreementId), (u64, Timestamp)>>,
}

impl Service {
    /// A node over a store, with its private keys, and the design's policies for dirty data.
    pub fn new(name: NodeName, store: Store, keys: NodeKeys) -> Self {
        Self::with_policies(name, store, keys, Policies::default())
    }

    /// The same with policies of its own.
    pub fn with_policies(name: NodeName, store: Store, keys: NodeKeys, policies: Policies) -> Self {
        let keys = RwLock::new(Arc::new(keys));
        let inner = Inner {
            name,
            store,
            keys,
            policies,
            agreements: RwLock::default(),
            key_statements: RwLock::default(),
            gaps: Mutex::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Its name.
    pub fn name(&self) -> &NodeName {
        &self.inner.name
    }

    /// What it keeps.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// What holds for what is submitted to a collection, given in what it differs.
    pub fn submit_policy(&self, differs: Option<&FindingsChange>) -> FindingsPolicy {
        with(&self.inner.policies.submit, differs)
    }

    /// What holds for what a partner releases, given in what it differs.
    pub fn intake_policy(&self, differs: Option<&FindingsChange>) -> FindingsPolicy {
        with(&self.inner.policies.intake, differs)
    }

    /// Its private keys of the present epoch.
    pub fn keys(&self) -> Arc<NodeKeys> {
        Arc::clone(&self.inner.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn replace_keys(&self, keys: NodeKeys) {
        *self.inner.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// An agreement that is in force.
    pub async fn agreement_in_force(
        &self,
        id: &AgreementId,
    ) -> Result<Option<Arc<Agreement>>, Failure> {
        let held = self.agreement(id).await?;
        Ok(held
            .and_then(|(agreement, standing)| (standing == Standing::InForce).then_some(agreement)))
    }

    /// An agreement that is or was in force, and how it stands; read once and kept.
    pub async fn agreement(
        &self,
        id: &AgreementId,
    ) -> Result<Option<(Arc<Agreement>, Standing)>, Failure> {
        // Suspension and end are states of the row, so the row is asked each time; the text never
        // changes, so it is parsed once.
        let Some(row) = self.store().agreement(id).await? else { return Ok(None) };
        let standing = match row.state {
            AgreementState::Drafted | AgreementState::Signed => return Ok(None),
            AgreementState::InForce => Standing::InForce,
            AgreementState::Suspended => Standing::Suspended,
            AgreementState::Ended => Standing::Ended,
            AgreementState::Superseded => {
                Standing::Superseded { since: row.superseded_at.unwrap_or(row.created) }
            }
        };
        let kept = self.inner.agreements.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(agreement) = kept.get(id) {
            return Ok(Some((Arc::clone(agreement), standing)));
        }
        drop(kept);
        let parsed = Agreement::parse(&row.text)
            .map_err(|error| Failure::Malformed { rule: "AGR", message: error.to_string() })?;
        let agreement = Arc::new(parsed);
        let mut kept = self.inner.agreements.write().unwrap_or_else(PoisonError::into_inner);
        kept.insert(*id, Arc::clone(&agreement));
        Ok(Some((agreement, standing)))
    }

    /// Those of the open gaps that have been the same for so long.
    pub(crate) fn open_gaps(&self, gaps: Vec<Gap>, now: Timestamp, patience_ms: u64) -> Vec<Gap> {
        let mut seen = self.inner.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = HashMap::with_capacity(gaps.len());
        let mut old = Vec::new();
        for gap in gaps {
            let key = (gap.partner.clone(), gap.agreement);
            let since = match seen.get(&key) {
                // A moment that is yet to come was seen by a clock that has been set right since.
                Some((after, since)) if *after == gap.after => (*since).min(now),
                _ => now,
            };
            open.insert(key, (gap.after, since));
            if now.since_ms(since) >= patience_ms {
                old.push(gap);
            }
        }
        *seen = open;
        old
    }

    /// The key statements of a node that we hold, oldest epoch first.
    ///
    /// Every request of a partner and every statement asks for them, and what they rest on never
    /// changes: each text is read and its signatures verified once.
    pub async fn key_statements(&self, node: &NodeName) -> Result<Vec<Arc<KeyStatement>>, Failure> {
        let held = self.store().key_statements(node).await?;
        held.into_iter().map(|(_, note)| self.read_keys(note)).collect()
    }

    fn read_keys(&self, note: Bytes) -> Result<Arc<KeyStatement>, Failure> {
        let kept = self.inner.key_statements.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = kept.get(&note) {
            return Ok(Arc::clone(statement));
        }
        drop(kept);
        let read =
            KeyStatement::parse(&note).map_err(|error| Failure::Statement(Box::new(error)))?;
        let read = Arc::new(read);
        let mut kept = self.inner.key_statements.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Arc::clone(kept.entry(note).or_insert(read)))
    }

    /// The newest key statement of a node that we hold.
    pub async fn key_statement(
        &self,
        node: &NodeName,
    ) -> Result<Option<Arc<KeyStatement>>, Failure> {
        let held = self.key_statements(node).await?;
        Ok(held.into_iter().max_by_key(|statement| statement.epoch()))
    }

    /// The key statements to seal to, one for each recipient.
    pub(crate) async fn recipients(
        &self,
        to: &[NodeName],
    ) -> Result<Vec<Arc<KeyStatement>>, Failure> {
        let mut statements = Vec::with_capacity(to.len());
        for name in to {
            let found = self.key_statement(name).await?;
            statements.push(found.ok_or(Failure::Unknown("partner"))?);
        }
        Ok(statements)
    }

    /// The closure that signs inside the store's transaction, once numbers are given.
    pub(crate) fn signer<R: CryptoRng>(&self, now: Timestamp, rng: &mut R) -> Signer {
        let keys = self.keys();
        let rng = Mutex::new(ChaCha20Rng::from_rng(rng));
        Arc::new(move |sealed, addresses| {
            let mut rng = rng.lock().unwrap_or_else(PoisonError::into_inner);
            statement::sign(sealed, addresses, &keys, now, &mut *rng)
        })
    }
}

fn with(policy: &FindingsPolicy, differs: Option<&FindingsChange>) -> FindingsPolicy {
    match differs {
        Some(change) => policy.clone().with(change),
        None => policy.clone(),
    }
}
