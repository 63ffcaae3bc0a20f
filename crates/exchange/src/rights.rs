//! Who may do what, and under which topic: roles say what an account may do, its access says where.
//!
//! Topics are compartments. Whoever decides on what goes out or came in under one works on it: the
//! use cases ask here, so that no door can forget to.

use std::collections::HashSet;

use protocol::terms::{AgreementId, Role, Topic};
use store::{Account, Audience, Bounds, Collection, Flow, Release, ReleaseState, Rights, Sight};
use uuid::Uuid;

use crate::{Failure, Service};

/// Roles say what an account may do, bounds say where.
fn rights(account: &Account, bounds: &Bounds, collection: &Collection) -> Rights {
    let has = |role| account.roles.contains(&role);
    let here = bounds.of(collection);
    let reads = has(Role::Reader) || has(Role::Drafter) || has(Role::Releaser);
    let takes = matches!(collection.flow, Flow::Local | Flow::Outgoing);
    let writes = has(Role::Drafter) && takes;
    Rights { read: here.read && reads, write: here.write && writes }
}

/// A collection that an account may use, and how.
#[derive(Debug)]
pub struct Usable {
    /// The collection.
    pub collection: Collection,
    /// What the account may do there.
    pub may: Rights,
}

/// An API root, as an account sees it.
#[derive(Debug)]
pub struct Root {
    /// Its name.
    pub name: String,
    /// The collections that the account may use, at least one, in constant order.
    pub collections: Vec<Usable>,
}

/// What an account sees of the collections: what it may neither read nor write is not there.
#[derive(Debug, Default)]
pub struct View {
    /// The roots in which it may use a collection, in constant order.
    pub roots: Vec<Root>,
    /// What it may see of their objects.
    pub sight: Sight,
}

impl View {
    /// The view of an account.
    pub fn new(account: &Account, bounds: &Bounds, collections: &[Collection]) -> Self {
        let mut view = Self { roots: Vec::new(), sight: bounds.sight.clone() };
        let may = |collection: &Collection| rights(account, bounds, collection);
        let reads: HashSet<Uuid> =
            collections.iter().filter(|one| may(one).read).map(|one| one.id).collect();
        for collection in collections {
            let may = may(collection);
            if !may.read && !may.write {
                continue;
            }
            let mut usable = Usable { collection: collection.clone(), may };
            // A source that the account may not read is as if absent.
            usable.collection.sources.retain(|source| reads.contains(source));
            match view.roots.iter_mut().find(|root| root.name == collection.root) {
                Some(root) => root.collections.push(usable),
                None => {
                    let name = collection.root.clone();
                    view.roots.push(Root { name, collections: vec![usable] });
                }
            }
        }
        view
    }

    /// Whether its account may do a piece of work under a topic.
    pub fn may(&self, work: Work, agreement: &AgreementId, topic: &Topic) -> bool {
        let mut usable = self.roots.iter().flat_map(|root| &root.collections);
        usable.any(|one| {
            one.collection.agreement.as_ref() == Some(agreement)
                && one.collection.topic.as_ref() == Some(topic)
                && work.fits(one)
        })
    }

    /// Takes away from a release what people wrote about it, where its topic is not this account's.
    pub fn redact(&self, release: &mut Release) {
        if !self.may(Work::Send, &release.agreement, &release.topic) {
            release.note = None;
            if release.state == ReleaseState::Returned {
                release.message = None;
            }
        }
    }

    /// Whether its account reads a collection.
    pub fn reads(&self, collection: &Collection) -> bool {
        let mut usable = self.roots.iter().flat_map(|root| &root.collections);
        usable.any(|one| one.may.read && one.collection.id == collection.id)
    }

    /// One root.
    pub fn root(&self, name: &str) -> Option<&Root> {
        self.roots.iter().find(|root| root.name == name)
    }
}

/// Work under a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Drafting what goes out.
    Draft,
    /// Reading what goes out, and deciding on it: release, return, recall.
    Send,
    /// Reading what came in, and deciding on it: accept, refuse, acknowledge.
    Receive,
}

impl Work {
    fn fits(self, usable: &Usable) -> bool {
        match (self, usable.collection.flow) {
            (Self::Draft, Flow::Outgoing) => usable.may.write,
            (Self::Send, Flow::Outgoing) | (Self::Receive, Flow::Incoming) => usable.may.read,
            _ => false,
        }
    }
}

/// What an officer sees of the collections, as of now.
pub async fn view(service: &Service, officer: &Account) -> Result<View, Failure> {
    let bounds = service.store().bounds(&officer.name).await?;
    Ok(View::new(officer, &bounds, &service.store().collections().await?))
}

/// Checks that an officer has one of these roles.
///
/// *Errors*: `ROLE-1`.
pub(crate) fn check_role(officer: &Account, roles: &[Role]) -> Result<(), Failure> {
    if roles.iter().any(|role| officer.roles.contains(role)) {
        return Ok(());
    }
    let words: Vec<_> = roles.iter().map(|role| role.word()).collect();
    Err(Failure::denied(
        "ROLE-1",
        format!("this asks for the role {}", words.join(" or ")),
        "ask an administrator for the role",
    ))
}

/// Checks that an officer works on a topic; gives what it may see there.
///
/// *Errors*: `ROLE-2`.
pub async fn check_topic(
    service: &Service,
    officer: &Account,
    work: Work,
    (agreement, topic): (&AgreementId, &Topic),
) -> Result<Sight, Failure> {
    let view = view(service, officer).await?;
    if view.may(work, agreement, topic) {
        return Ok(view.sight);
    }
    Err(Failure::denied(
        "ROLE-2",
        format!("this account does not work on the topic {topic} that way"),
        "ask an administrator for access to the topic's collection, or somebody who has it",
    ))
}

/// Checks that an officer reads a collection; gives what it may see there.
///
/// *Errors*: `ROLE-2`.
pub(crate) async fn check_collection(
    service: &Service,
    officer: &Account,
    collection: &Collection,
) -> Result<Sight, Failure> {
    let view = view(service, officer).await?;
    if view.reads(collection) {
        return Ok(view.sight);
    }
    Err(Failure::denied(
        "ROLE-2",
        format!("this account does not read {}/{}", collection.root, collection.alias),
        "ask an administrator for access to the collection, or somebody who has it",
    ))
}

/// Checks that an officer may see whatever it decides on: it belongs to all of these audiences.
///
/// *Errors*: `ROLE-3`.
pub(crate) fn check_sight<'a>(
    sight: &Sight,
    mut audiences: impl Iterator<Item = &'a Audience>,
) -> Result<(), Failure> {
    let Some(Audience { tlp, .. }) = audiences.find(|audience| !sight.is_in(audience)) else {
        return Ok(());
    };
    let why = match tlp {
        Some(tlp) if *tlp > sight.ceiling => {
            format!("it bears {tlp}, and this account sees up to {}", sight.ceiling)
        }
        _ => "it may be of a community that this account does not belong to".to_owned(),
    };
    Err(Failure::denied("ROLE-3", why, "ask somebody who may see all of it"))
}
