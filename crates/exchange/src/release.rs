//! From a draft to a sealed, numbered, logged statement (steps 3 to 7 of the way of a release).

use std::collections::BTreeSet;

use bytes::Bytes;
use protocol::{
    agreement::{self, Decision, Facts, Permit},
    statement::Item,
    terms::{AgreementId, NodeName, Precedence, Role, StatementType, Status, Timestamp, Topic},
};
use rand_core::CryptoRng;
use store::{Account, Lane, OutEffect, Release, ReleaseItem, ReleaseState, Sight};
use uuid::Uuid;

use crate::{
    Failure, Service, Step,
    message::{self, Message},
    rights::{self, Work},
    submit::{self, Submission, SubmitError},
};

/// Drafts sealed by one step: one FLASH waits behind another at most.
const DRAFTS_PER_STEP: u32 = 1;

/// What a person drafts, at the console or the command line.
#[derive(Debug, Clone)]
pub struct DraftRequest {
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Under which topic.
    pub topic: Topic,
    /// How fast; the agreement's default where none is named.
    pub precedence: Option<Precedence>,
    /// Whether it is meant.
    pub status: Status,
    /// An envelope or bundle.
    pub body: Bytes,
    /// Words to the releaser.
    pub note: Option<String>,
    /// Id of the status, made by the caller.
    pub status_id: Uuid,
}

/// Drafts a release: the objects go into the topic's outgoing collection, as a TAXII POST would.
///
/// *Errors*: `ROLE-1` without the drafter's role, `ROLE-2` without access to the topic, `ART-2` and
/// `ART-3` where no agreement in force lets it out.
pub async fn draft(
    service: &Service,
    request: DraftRequest,
    officer: &Account,
    now: Timestamp,
) -> Result<store::Added, SubmitError> {
    rights::check_role(officer, &[Role::Drafter])?;
    let way_out = submit::way_out(service, &request.agreement, &request.topic).await?;
    let Some(collection) = way_out else {
        return Err(no_way_out(service, &request).await?.into());
    };
    let place = (&request.agreement, &request.topic);
    rights::check_topic(service, officer, Work::Draft, place).await?;
    let submission = Submission {
        collection,
        account: officer.name.clone(),
        body: request.body,
        precedence: request.precedence,
        status: request.status,
        note: request.note,
        status_id: request.status_id,
    };
    submit::submit(service, submission, now).await
}

/// Why there is no outgoing collection for a draft.
async fn no_way_out(service: &Service, request: &DraftRequest) -> Result<Failure, Failure> {
    let Some(agreement) = service.agreement_in_force(&request.agreement).await? else {
        return Ok(Failure::forbidden(
            "ART-2",
            "there is no such agreement in force",
            "see the agreements, and sign one with this partner",
        ));
    };
    Ok(match agreement.topic(&request.topic) {
        None => Failure::forbidden(
            "ART-3",
            "no article names this topic",
            "choose a topic that the agreement names",
        ),
        Some(_) => Failure::forbidden(
            "ART-3",
            "nothing flows from this service under this topic",
            "choose a topic that flows to the partner",
        ),
    })
}

/// Decides on drafted releases of a lane, loudest first, and seals those that are permitted.
///
/// *Atomicity*: each release changes state in one transaction; it may run twice.
pub async fn step<R: CryptoRng>(
    service: &Service,
    lane: Lane,
    now: Timestamp,
    rng: &mut R,
) -> Result<Step, Failure> {
    let drafted = service.store().lease_drafted(lane, DRAFTS_PER_STEP).await?;
    let mut done = 0;
    for release in &drafted {
        let result = decide_and_seal(service, release, now, rng).await;
        service.store().free_drafted(release.id);
        result?;
        done += 1;
    }
    Ok(Step::of(done))
}

async fn decide_and_seal<R: CryptoRng>(
    service: &Service,
    release: &Release,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let store = service.store();
    let Some((agreement, standing)) = service.agreement(&release.agreement).await? else {
        let message = "the agreement is not in force";
        return Ok(store
            .refuse_release(release.id, "ART-2".to_owned(), message.to_owned(), now)
            .await?);
    };
    let items = store.release_items(release.id).await?;
    let to = agreement.others(service.name());
    let facts = Facts {
        kind: StatementType::Release,
        sender: service.name(),
        recipients: &to,
        topic: Some(&release.topic),
        precedence: release.precedence,
        status: release.status,
        highest: highest(&items),
        drafted_by: Some(&release.drafted_by),
        released_by: release.released_by.as_deref(),
        standing,
        now,
    };
    match agreement::decide(&agreement, &facts) {
        Decision::NeedsSecondPerson { rule } => {
            Ok(store.await_release(release.id, rule, now).await?)
        }
        Decision::Refuse(refusal) => {
            Ok(store.refuse_release(release.id, refusal.rule, refusal.message, now).await?)
        }
        Decision::Permit(permit) => {
            seal(service, Sealing { release, items, to, permit }, now, rng).await
        }
    }
}

/// The highest marking among the items, and the first item that bears it.
fn highest(items: &[ReleaseItem]) -> Option<(usize, stix::Tlp)> {
    let marked = items.iter().enumerate().filter_map(|(index, item)| Some((index, item.tlp?)));
    marked.max_by_key(|(index, tlp)| (*tlp, std::cmp::Reverse(*index)))
}

struct Sealing<'a> {
    release: &'a Release,
    items: Vec<ReleaseItem>,
    to: Vec<NodeName>,
    permit: Permit,
}

async fn seal<R: CryptoRng>(
    service: &Service,
    sealing: Sealing<'_>,
    now: Timestamp,
    rng: &mut R,
) -> Result<(), Failure> {
    let Sealing { release, items, to, permit } = sealing;
    let released_by = match &release.released_by {
        Some(releaser) => Some(pseudonym(service, releaser).await?),
        None => None,
    };
    let bodies: Vec<Bytes> = items.into_iter().map(|item| item.body).collect();
    let definitions = definitions(service, &bodies).await?;
    let effect = OutEffect::Release(release.id);
    let message = Message {
        topic: Some(release.topic.clone()),
        precedence: release.precedence,
        status: release.status,
        signed_by: Some(pseudonym(service, &release.drafted_by).await?),
        released_by,
        items: bodies.into_iter().chain(definitions).map(Item::stix).collect(),
        ..Message::new(StatementType::Release, release.agreement, to, effect)
    };
    let statement = message::seal(service, message, permit, rng).await?;
    message::commit(service, statement, "node", now, rng).await?;
    Ok(())
}

/// The marking definitions that a release's objects point to and that are not among them: a label
/// travels with what it labels, in whatever order releases arrive.
async fn definitions(service: &Service, bodies: &[Bytes]) -> Result<Vec<Bytes>, Failure> {
    let mut here = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    for body in bodies {
        let Ok(head) = stix::Head::parse(body) else { continue };
        let refs = head.object_marking_refs.iter().chain(&head.granular_marking_refs);
        wanted.extend(refs.map(|id| id.clone().into_owned()));
        if head.type_ == "marking-definition" {
            here.insert(head.id.into_owned());
        }
    }
    let mut found = Vec::new();
    for id in wanted.difference(&here) {
        found.extend(service.store().body_of(id).await?);
    }
    Ok(found)
}

/// The officer id under which a partner sees an account: never its name.
async fn pseudonym(service: &Service, account: &str) -> Result<String, Failure> {
    let found = service.store().account(account).await?;
    Ok(found.map_or_else(|| "node".to_owned(), |account| account.pseudonym))
}

/// Drafts the items of a release once more, after a refusal or a return: under the same agreement,
/// or under the one that took its place.
///
/// *Errors*: `ROLE-1`, `ROLE-2` where the account drafts nothing there, `ROLE-3` where it may not
/// see all of them, `REL-2` while it is on its
/// way or where it was taken in, `ART-2` where nothing is in force that names its topic.
pub async fn again(
    service: &Service,
    id: Uuid,
    new: Uuid,
    officer: &Account,
    now: Timestamp,
) -> Result<(), Failure> {
    rights::check_role(officer, &[Role::Drafter])?;
    let release = service.store().release(id).await?.ok_or(Failure::Unknown("release"))?;
    let place = (&release.agreement, &release.topic);
    rights::check_topic(service, officer, Work::Draft, place).await?;
    let came_to_nothing = matches!(
        release.state,
        ReleaseState::Refused | ReleaseState::Returned | ReleaseState::RefusedByPartner
    );
    if !came_to_nothing {
        return Err(Failure::forbidden(
            "REL-2",
            format!(
                "this release is {}; only one that was refused or returned is drafted again",
                release.state
            ),
            "see the release for what happened to it",
        ));
    }
    let agreement = successor(service, release.agreement).await?;
    let place = (&agreement, &release.topic);
    let sight = rights::check_topic(service, officer, Work::Draft, place).await?;
    rights::check_sight(&sight, service.store().audiences(id).await?.iter())?;
    Ok(service.store().draft_again(id, new, agreement, officer.name.clone(), now).await?)
}

/// The agreement itself while it is in force, else the one that took its place.
async fn successor(service: &Service, id: AgreementId) -> Result<AgreementId, Failure> {
    let mut wanted = id;
    for row in service.store().agreements().await?.iter().rev() {
        let next = agreement::Agreement::parse(&row.text).ok().and_then(|text| text.supersedes());
        if next == Some(wanted) && row.in_force_since.is_some() {
            wanted = row.id;
        }
    }
    if service.agreement_in_force(&wanted).await?.is_some() {
        return Ok(wanted);
    }
    Err(Failure::forbidden(
        "ART-2",
        "neither its agreement nor one that took its place is in force",
        "see the agreements, and sign one with this partner",
    ))
}

/// A releaser confirms a draft that another person made.
///
/// *Errors*: `ROLE-1` without the releaser's role, `ROLE-2` without access to the topic, `ROLE-3`
/// for what the officer may not see, `ART-6` for the drafter, `REL-1` in another state.
pub async fn approve(
    service: &Service,
    id: Uuid,
    officer: &Account,
    precedence: Option<Precedence>,
    now: Timestamp,
) -> Result<(), Failure> {
    let sight = check_releaser(service, id, officer).await?;
    rights::check_sight(&sight, service.store().audiences(id).await?.iter())?;
    Ok(service.store().approve_release(id, officer.name.clone(), precedence, now).await?)
}

/// A releaser hands a draft back to its drafter, with the reason.
pub async fn send_back(
    service: &Service,
    id: Uuid,
    officer: &Account,
    reason: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    check_releaser(service, id, officer).await?;
    Ok(service.store().return_release(id, officer.name.clone(), reason.to_owned(), now).await?)
}

/// Gives what the officer may see.
async fn check_releaser(service: &Service, id: Uuid, officer: &Account) -> Result<Sight, Failure> {
    rights::check_role(officer, &[Role::Releaser])?;
    let release = service.store().release(id).await?.ok_or(Failure::Unknown("release"))?;
    let place = (&release.agreement, &release.topic);
    let sight = rights::check_topic(service, officer, Work::Send, place).await?;
    if release.state != ReleaseState::AwaitingRelease {
        return Err(Failure::forbidden(
            "REL-1",
            format!("this release is {}, nothing is to be decided", release.state),
            "see the release for what happened to it",
        ));
    }
    if release.drafted_by == officer.name {
        return Err(Failure::forbidden(
            "ART-6",
            "the drafter cannot be the second person",
            "ask another releaser",
        ));
    }
    Ok(sight)
}
