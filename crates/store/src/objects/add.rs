//! Adding objects that were posted: the requests that share a commit are put together, because a
//! statement over some objects costs little more than over one, in turns to PostgreSQL above all.

use bytes::Bytes;
use protocol::terms::Timestamp;
use uuid::Uuid;

use super::{Clock, Collection, Line, NewObject, Outcome, put, status, told};
use crate::{Error, ReleaseDraft, Source, Store, quarantine, releases, tx::Tx};

/// A request to add objects.
#[derive(Debug)]
pub struct AddObjects {
    /// To which collection.
    pub collection: Collection,
    /// By whom.
    pub account: String,
    /// The objects, with their places.
    pub objects: Vec<(u32, NewObject)>,
    /// What stands apart until a person decides.
    pub held: Vec<(u32, NewObject)>,
    /// What was refused before it came here.
    pub failures: Vec<Line>,
    /// When.
    pub now: Timestamp,
    /// The draft that the new objects become.
    pub release: Option<ReleaseDraft>,
    /// Id of the status.
    pub status_id: Uuid,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Added {
    /// Id of the status.
    pub status_id: Uuid,
    /// One line for each object, in the order of the request.
    pub lines: Vec<Line>,
    /// The draft, when there was anything new.
    pub release: Option<Uuid>,
}

/// What a request that was added came to, before it is committed.
pub(crate) struct Made {
    added: Added,
    /// Date, row and body of its new entries, where bodies are kept beside the database.
    bodies: Vec<(i64, i64, Bytes)>,
}

impl Store {
    /// Keeps objects, the status, and the draft of a release.
    ///
    /// *Atomicity*: one transaction; the same request again adds nothing twice.
    pub async fn add_objects(&self, request: AddObjects) -> Result<Added, Error> {
        let Made { added, bodies } = self.write_added(request).await?;
        if !bodies.is_empty() {
            // What was just added is what pollers ask for next.
            let kept = bodies.iter().map(|(date, row, body)| (*date, *row, &body[..]));
            self.kept_bodies().keep(kept);
        }
        Ok(added)
    }
}

/// One of the requests, and what comes of it.
struct Part<'r> {
    request: &'r AddObjects,
    lines: Vec<Line>,
    /// Date, row and object of its new entries.
    new: Vec<(i64, i64, &'r NewObject)>,
}

/// Adds the objects of requests; what each came to, in their order.
pub(crate) fn add(tx: &Tx<'_>, requests: &[&AddObjects]) -> Result<Vec<Made>, Error> {
    let now = requests.iter().map(|request| request.now).max();
    let mut clock = Clock::new(tx, now.unwrap_or(Timestamp::from_ms(0)))?;
    let mut parts: Vec<_> = requests.iter().map(|request| Part::new(request)).collect();
    let mut collections: Vec<_> = requests.iter().map(|request| &request.collection).collect();
    collections.sort_unstable_by_key(|collection| collection.row);
    collections.dedup_by_key(|collection| collection.row);
    for collection in collections {
        let theirs = |part: &&mut Part<'_>| part.request.collection.row == collection.row;
        put_batch(tx, collection, parts.iter_mut().filter(theirs).collect(), &mut clock)?;
    }
    clock.keep(tx)?;
    parts.iter_mut().try_for_each(|part| part.hold(tx))?;
    status::keep(tx, parts.iter().map(|part| (part.request, &part.lines[..])))?;
    parts.into_iter().map(|part| part.made(tx)).collect()
}

/// Puts the objects of requests to one collection.
fn put_batch(
    tx: &Tx<'_>,
    collection: &Collection,
    parts: Vec<&mut Part<'_>>,
    clock: &mut Clock,
) -> Result<(), Error> {
    let all = || parts.iter().flat_map(|part| part.request.objects.iter().map(move |o| (part, o)));
    let objects: Vec<&NewObject> = all().map(|(_, (_, object))| object).collect();
    let came: Vec<Timestamp> = all().map(|(part, _)| part.request.now).collect();
    let outcomes = put(tx, collection, &objects, &came, clock)?;
    let mut told = told::of_those_here(tx, collection, &objects, &outcomes)?;
    let mut outcomes = outcomes.into_iter().enumerate();
    for part in parts {
        for ((place, object), (n, outcome)) in part.request.objects.iter().zip(&mut outcomes) {
            let mut line = outcome.line(*place, object);
            line.version = told.remove(&n).unwrap_or(line.version);
            part.lines.push(line);
            if let Outcome::New { row, date } = outcome {
                part.new.push((date, row, object));
            }
        }
    }
    Ok(())
}

impl<'r> Part<'r> {
    fn new(request: &'r AddObjects) -> Self {
        Self { request, lines: request.failures.clone(), new: Vec::new() }
    }

    /// Puts aside what stands apart; every line is there then.
    fn hold(&mut self, tx: &Tx<'_>) -> Result<(), Error> {
        let request = self.request;
        if !request.held.is_empty() {
            let source = Source::Submission(request.status_id);
            let whose = (&request.collection, Some(request.account.as_str()));
            quarantine::hold_objects(tx, source, whose, &request.held, request.now)?;
        }
        self.lines.extend(request.held.iter().map(|(place, object)| Line::held(*place, object)));
        self.lines.sort_by_key(|line| line.place);
        Ok(())
    }

    fn made(self, tx: &Tx<'_>) -> Result<Made, Error> {
        let Self { request, lines, new } = self;
        let release = match request.release.as_ref().filter(|_| !new.is_empty()) {
            Some(draft) => {
                let objects: Vec<_> = new.iter().map(|(_, row, object)| (*row, *object)).collect();
                Some(releases::draft(tx, draft, &request.account, &objects, request.now)?)
            }
            None => None,
        };
        let kept = new.iter().filter(|_| tx.is_postgres());
        let bodies = kept.map(|(date, row, object)| (*date, *row, object.body.clone())).collect();
        Ok(Made { added: Added { status_id: request.status_id, lines, release }, bodies })
    }
}
