//! Objects come in at the desk: split, checked, kept, and drafted for release where the
//! collection is an outgoing one (steps 1 to 3 of the way of a release).

use std::collections::HashMap;

use bytes::Bytes;
use protocol::terms::{Precedence, Status, Timestamp};
use stix::{Marking, SplitError, Tlp};
use store::{AddObjects, Added, Collection, Flow, Line, NewObject, ReleaseDraft};
use uuid::Uuid;

use crate::{Failure, Service, Step};

/// What a tool posts.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The collection it is posted to.
    pub collection: Collection,
    /// The account that posts.
    pub account: String,
    /// A TAXII envelope or a STIX bundle, as received.
    pub body: Bytes,
    /// The precedence asked for; the agreement's default where none is.
    pub precedence: Option<Precedence>,
    /// Whether it is meant.
    pub status: Status,
    /// The drafter's words to the releaser.
    pub note: Option<String>,
    /// Id of the TAXII status, made by the caller.
    pub status_id: Uuid,
}

/// Why a submission was not taken at all; one bad object never causes it.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// The body is no envelope and no bundle.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The collection takes nothing from the desk.
    #[error("objects cannot be added to this collection")]
    NotWritable,
    /// The rest.
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<store::Error> for SubmitError {
    fn from(error: store::Error) -> Self {
        Self::Failure(error.into())
    }
}

/// Takes a submission in: one transaction keeps the objects, the status and the draft.
///
/// *Atomicity*: all or nothing but for objects that are refused one by one; the same body twice
/// adds nothing twice.
pub async fn submit(
    service: &Service,
    submission: Submission,
    now: Timestamp,
) -> Result<Added, SubmitError> {
    if matches!(submission.collection.flow, Flow::Incoming | Flow::Aggregate) {
        return Err(SubmitError::NotWritable);
    }
    let slices = stix::split(&submission.body)?;
    let markings = markings(service, &slices).await?;
    let mut objects = Vec::with_capacity(slices.len());
    let mut failures = Vec::new();
    for (place, slice) in slices.into_iter().enumerate() {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        match new_object(&submission.body, slice, &markings) {
            Ok(object) => objects.push((place, object)),
            Err(refused) => failures.push(failure(place, slice, &refused)),
        }
    }
    let release = draft(service, &submission).await?;
    let add = AddObjects {
        collection: submission.collection,
        account: submission.account,
        objects,
        failures,
        now,
        release,
        status_id: submission.status_id,
    };
    Ok(service.store().add_objects(add).await?)
}

/// Takes in the oldest request that was kept whole, and forgets it.
///
/// *Atomicity*: objects and status in one transaction, forgetting in the next; a step that breaks
/// off in between finds the same objects again and adds nothing twice.
pub async fn step(service: &Service) -> Result<Step, Failure> {
    let Some(kept) = service.store().lease_submission().await? else { return Ok(Step::Idle) };
    let (status_id, at) = (kept.status_id, kept.at);
    let submission = Submission {
        collection: kept.collection,
        account: kept.account,
        body: kept.body,
        precedence: None,
        status: Status::Actual,
        note: None,
        status_id,
    };
    let done = match submit(service, submission.clone(), at).await {
        Ok(_) => Ok(()),
        Err(SubmitError::Failure(Failure::Store(error))) => Err(error),
        Err(refused) => refuse(service, submission, &refused, at).await,
    };
    if let Err(error) = done {
        service.store().free_submission(status_id);
        return Err(error.into());
    }
    service.store().drop_submission(status_id).await?;
    Ok(Step::Worked(1))
}

/// Writes a status in which every object failed for the same reason.
async fn refuse(
    service: &Service,
    submission: Submission,
    refused: &SubmitError,
    now: Timestamp,
) -> Result<(), store::Error> {
    let slices = stix::split(&submission.body).unwrap_or_default();
    let line = |(place, slice): (usize, &&[u8])| {
        let mut line = line_of(u32::try_from(place).unwrap_or(u32::MAX), slice);
        line.message = Some(refused.to_string());
        line
    };
    let add = AddObjects {
        collection: submission.collection,
        account: submission.account,
        objects: Vec::new(),
        failures: slices.iter().enumerate().map(line).collect(),
        now,
        release: None,
        status_id: submission.status_id,
    };
    service.store().add_objects(add).await.map(drop)
}

async fn draft(
    service: &Service,
    submission: &Submission,
) -> Result<Option<ReleaseDraft>, SubmitError> {
    let (Flow::Outgoing, Some(agreement), Some(topic)) =
        (submission.collection.flow, submission.collection.agreement, &submission.collection.topic)
    else {
        return Ok(None);
    };
    let in_force = service.agreement_in_force(&agreement).await?.ok_or_else(|| {
        Failure::forbidden(
            "ART-2",
            "the agreement of this collection is not in force",
            "see its state under agreements, and sign its successor",
        )
    })?;
    Ok(Some(ReleaseDraft {
        id: Uuid::from_u128(submission.status_id.as_u128() ^ RELEASE_ID_MASK),
        agreement,
        topic: topic.clone(),
        precedence: submission.precedence.unwrap_or_else(|| in_force.precedence()),
        status: submission.status,
        note: submission.note.clone(),
    }))
}

/// A release's id follows from its status id, so that the same request makes the same release.
const RELEASE_ID_MASK: u128 = 0x0000_0000_0000_0000_00ff_ffff_ffff_ffff;

/// What marking references lead to: the definitions that travel in the same document, and those
/// that are here already.
pub(crate) async fn markings(
    service: &Service,
    slices: &[&[u8]],
) -> Result<HashMap<String, Marking>, Failure> {
    let mut found = service.store().markings().await?;
    for slice in slices {
        if let Some((id, marking)) = definition(slice) {
            found.insert(id, marking);
        }
    }
    Ok(found)
}

fn definition(slice: &[u8]) -> Option<(String, Marking)> {
    let head = stix::Head::parse(slice).ok()?;
    (head.type_ == "marking-definition").then(|| (head.id.into_owned(), meaning(slice)))
}

fn meaning(definition: &[u8]) -> Marking {
    Tlp::of_marking_definition(definition).map_or(Marking::Other, Marking::Tlp)
}

/// Checks one object and makes the row that is kept.
pub(crate) fn new_object(
    document: &Bytes,
    slice: &[u8],
    markings: &HashMap<String, Marking>,
) -> Result<NewObject, stix::Refused> {
    let resolve = |id: &str| markings.get(id).copied().unwrap_or(Marking::Unknown);
    let checked = stix::check(slice, &resolve)?;
    let head = &checked.head;
    let version = head.version().map(str::to_owned);
    let version_key = version.as_deref().map(stix::version_key).unwrap_or_default();
    let findings = (!checked.findings.is_empty())
        .then(|| serde_json::to_string(&checked.findings).unwrap_or_default());
    Ok(NewObject {
        body: document.slice_ref(slice),
        digest: protocol::secrets::sha256(slice),
        id: head.id.clone().into_owned(),
        type_: head.type_.clone().into_owned(),
        version,
        version_key,
        spec: head.spec().as_str().to_owned(),
        tlp: checked.tlp,
        communities: Vec::new(),
        findings,
        marking: (head.type_ == "marking-definition").then(|| meaning(slice)),
        awaits: unknown_markings(head, &resolve),
    })
}

/// The marking definitions that an object names and that are not here.
fn unknown_markings(head: &stix::Head<'_>, resolve: &dyn Fn(&str) -> Marking) -> Vec<String> {
    let named = head.object_marking_refs.iter().chain(&head.granular_marking_refs);
    let is_unknown = |id: &str| Tlp::of_marking_id(id).is_none() && resolve(id) == Marking::Unknown;
    let mut unknown: Vec<String> =
        named.filter(|id| is_unknown(id)).map(|id| id.clone().into_owned()).collect();
    unknown.sort_unstable();
    unknown.dedup();
    unknown
}

fn failure(place: u32, slice: &[u8], refused: &stix::Refused) -> Line {
    Line { message: Some(refused.to_string()), ..line_of(place, slice) }
}

/// A line of a status for an object that is not kept.
fn line_of(place: u32, slice: &[u8]) -> Line {
    let head = stix::Head::parse(slice).ok();
    let id = head.as_ref().map(|head| head.id.clone().into_owned()).filter(|id| stix::is_id(id));
    let version = head.as_ref().and_then(|head| head.version().map(str::to_owned));
    Line {
        place,
        ok: false,
        id: id.unwrap_or_else(|| format!("unknown--{place}")),
        version: version.unwrap_or_default(),
        message: None,
    }
}
