//! Objects come in at the desk: split, checked, kept, and drafted for release where the
//! collection is an outgoing one (steps 1 to 3 of the way of a release).

use bytes::Bytes;
use protocol::{
    findings::FindingsPolicy,
    terms::{AgreementId, Precedence, Status, Timestamp, Topic},
};
use stix::SplitError;
use store::{AddObjects, Added, Collection, Flow, HeldObject, Line, NewObject, ReleaseDraft};
use uuid::Uuid;

use crate::{
    Failure, Service, Step,
    examine::{Examine, Examined, Markings, Refused},
};

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
    let markings = Markings::known(service).await?.with(&slices);
    let policy = service.submit_policy(submission.collection.policy.as_ref());
    let Sorted { taken, held, refused } = Sorted::of(&submission.body, slices, &markings, &policy);
    let release = draft(service, &submission).await?;
    let add = AddObjects {
        collection: submission.collection,
        account: submission.account,
        objects: taken,
        held,
        failures: refused,
        now,
        release,
        status_id: submission.status_id,
    };
    Ok(service.store().add_objects(add).await?)
}

/// The objects of a request by what becomes of them, with their places.
#[derive(Default)]
struct Sorted {
    taken: Vec<(u32, NewObject)>,
    held: Vec<(u32, NewObject)>,
    refused: Vec<Line>,
}

impl Sorted {
    fn of(
        document: &Bytes,
        slices: Vec<&[u8]>,
        markings: &Markings,
        policy: &FindingsPolicy,
    ) -> Self {
        let mut sorted = Self { taken: Vec::with_capacity(slices.len()), ..Self::default() };
        let options = stix::Options::default();
        let mut examine = Examine::new(&options, markings, policy);
        for (place, slice) in (0..).zip(slices) {
            match examine.object(document, slice) {
                Examined::Taken(object) => sorted.taken.push((place, object)),
                Examined::Held(object) => sorted.held.push((place, object)),
                Examined::Refused(why) => sorted.refused.push(refused_line(place, slice, why)),
            }
        }
        sorted
    }
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
        held: Vec::new(),
        failures: slices.iter().enumerate().map(line).collect(),
        now,
        release: None,
        status_id: submission.status_id,
    };
    service.store().add_objects(add).await.map(drop)
}

/// What holds for what is drafted under a topic: the policy of its outgoing collection.
pub(crate) async fn policy_of(
    service: &Service,
    agreement: &AgreementId,
    topic: &Topic,
) -> Result<FindingsPolicy, Failure> {
    let way_out = way_out(service, agreement, topic).await?;
    Ok(service.submit_policy(way_out.as_ref().and_then(|collection| collection.policy.as_ref())))
}

/// The collection whose objects are released under a topic.
pub(crate) async fn way_out(
    service: &Service,
    agreement: &AgreementId,
    topic: &Topic,
) -> Result<Option<Collection>, Failure> {
    let mut collections = service.store().collections().await?.into_iter();
    Ok(collections.find(|collection| {
        collection.flow == Flow::Outgoing
            && collection.agreement.as_ref() == Some(agreement)
            && collection.topic.as_ref() == Some(topic)
    }))
}

pub(crate) async fn draft(
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
        held: false,
        findings: Vec::new(),
    }
}

/// The line of an object that stood apart and was turned down.
pub(crate) fn turned_down(held: &HeldObject, message: String) -> Line {
    Line {
        place: held.place,
        ok: false,
        id: held.id.clone(),
        version: held.version.clone().unwrap_or_default(),
        message: Some(message),
        held: false,
        findings: held.findings.clone(),
    }
}

/// The line of an object that is refused.
pub(crate) fn refused_line(place: u32, slice: &[u8], refused: Refused) -> Line {
    Line { message: Some(refused.to_string()), findings: refused.found, ..line_of(place, slice) }
}
