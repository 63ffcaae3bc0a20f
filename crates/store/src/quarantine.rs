//! Objects that stand apart until a person decides: they are in no collection, and no page,
//! manifest or count knows of them.
//!
//! They came in a partner's statement, whose envelope is kept sealed beside them, or in a request
//! of the service's own people, and then their bytes are here.

use std::{fmt, str::FromStr, sync::Arc};

use bytes::Bytes;
use protocol::{
    agreement::Permit,
    findings::Found,
    terms::{AgreementId, NodeName, Outcome, Precedence, StatementId, Timestamp, Topic},
};
use stix::Tlp;
use uuid::Uuid;

use crate::{
    Audience, Collection, Error, Line, NewObject, NewStatement, ReleaseDraft, Signer, Store, Work,
    inbox, journal, objects, params, recalls, releases, rows, statements,
    tx::{Given, Kind, Row, ToColumn as _, Tx, Value},
};

/// With what an object came that stands apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Source {
    /// A partner's statement.
    Statement(StatementId),
    /// A request of the service's own people, by the id of its TAXII status.
    Submission(Uuid),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statement(id) => id.fmt(f),
            Self::Submission(id) => id.fmt(f),
        }
    }
}

impl FromStr for Source {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self, Error> {
        let statement = text.parse().map(Self::Statement);
        let submission = || text.parse().map(Self::Submission);
        statement.or_else(|_| submission()).map_err(|_| Error::Corrupt("a source"))
    }
}

impl serde::Serialize for Source {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(self)
    }
}

/// What waits for a person: the objects that one statement or one request brought.
#[derive(Debug, Clone, serde::Serialize)]
pub struct QuarantineRow {
    /// With what they came.
    pub id: Source,
    /// Whose statement it is.
    pub partner: Option<NodeName>,
    /// Whose request it is.
    pub account: Option<String>,
    /// The collection that they would come into.
    #[serde(skip)]
    pub collection: Collection,
    /// Under which agreement.
    pub agreement: Option<AgreementId>,
    /// Under which topic.
    pub topic: Option<Topic>,
    /// How fast it came; a request is routine.
    pub precedence: Precedence,
    /// How many objects stand apart.
    pub objects: u32,
    /// The strictest label among them.
    pub highest: Option<Tlp>,
    /// Since when.
    pub at: Timestamp,
}

impl QuarantineRow {
    /// When it is refused if nobody has decided: as long as its collection keeps things.
    pub fn until(&self) -> Option<Timestamp> {
        let days = self.collection.retention_days?;
        Some(self.at.plus_ms(i64::from(days).saturating_mul(DAY_MS)))
    }
}

/// One object that stands apart.
#[derive(Debug, Clone, serde::Serialize)]
pub struct HeldObject {
    /// Its index in the statement, or its place in the request.
    pub place: u32,
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub type_: String,
    /// Who may see it, as if it were in its collection.
    #[serde(flatten)]
    pub audience: Audience,
    /// What was found.
    pub findings: Vec<Found>,
    /// Its bytes, where a request brought it.
    #[serde(skip)]
    pub body: Option<Bytes>,
}

/// What a person decided of objects that a statement brought.
pub struct QuarantineDecision {
    /// The statement.
    pub id: StatementId,
    /// The objects that it is about, by their index.
    pub places: Vec<u32>,
    /// What became of the statement, as far as it is known now.
    pub outcome: Outcome,
    /// With which code.
    pub code: Option<String>,
    /// The objects that are taken in after all.
    pub accepted: Option<Accepted>,
    /// How many objects wait afterwards, as the receipt says.
    pub left: usize,
    /// Why, in the officer's words; may be empty.
    pub reason: String,
}

/// What comes into the collection after all.
pub struct Accepted {
    /// The decision of the agreement.
    pub permit: Arc<Permit>,
    /// Under which topic.
    pub topic: Topic,
    /// The objects, with their index in the statement.
    pub objects: Vec<(u32, NewObject)>,
}

/// What a person decided of objects that a request brought.
pub struct SubmissionDecision {
    /// The TAXII status of the request.
    pub status_id: Uuid,
    /// The collection that it went to.
    pub collection: Collection,
    /// Whose request it is.
    pub account: String,
    /// What is taken after all.
    pub accepted: Vec<(u32, NewObject)>,
    /// What is refused for good.
    pub refused: Vec<Line>,
    /// The draft that the taken objects become.
    pub release: Option<ReleaseDraft>,
    /// Who decided.
    pub actor: String,
    /// Why, in the officer's words; may be empty.
    pub reason: String,
    /// When.
    pub now: Timestamp,
}

const DAY_MS: i64 = 24 * 3_600 * 1_000;

const WAITING: &str =
    "SELECT h.source, count(*) AS objects, min(h.at) AS at, max(h.tlp) AS highest,
     min(h.account) AS account, min(h.collection) AS collection FROM held_object h";

impl Store {
    /// What waits, oldest first.
    pub async fn quarantined(&self, limit: u32) -> Result<Vec<QuarantineRow>, Error> {
        self.read(|tx| {
            let sql = format!(
                "/* quarantined */ SELECT w.source, w.objects, w.highest, w.at AS since,
                 w.account, q.partner, s.precedence, c.* FROM ({WAITING} GROUP BY h.source ORDER BY min(h.at), h.source LIMIT ?) AS w
                 JOIN collection c ON c.row = w.collection
                 LEFT JOIN quarantine q ON q.statement = w.source
                 LEFT JOIN statement s ON s.id = w.source
                 ORDER BY w.at, w.source"
            );
            tx.query(&sql, params![limit], read)
        })
    }

    /// What waits of one statement or request.
    pub async fn quarantined_from(&self, source: Source) -> Result<Option<QuarantineRow>, Error> {
        self.read(|tx| {
            let sql = format!(
                "/* quarantined_from */ SELECT w.source, w.objects, w.highest, w.at AS since,
                 w.account, q.partner, s.precedence, c.* FROM ({WAITING} WHERE h.source = ? GROUP BY h.source) AS w
                 JOIN collection c ON c.row = w.collection
                 LEFT JOIN quarantine q ON q.statement = w.source
                 LEFT JOIN statement s ON s.id = w.source"
            );
            tx.query_opt(&sql, params![source.to_string()], read)
        })
    }

    /// How many statements and requests wait, up to a limit.
    pub async fn quarantined_count(&self, limit: u32) -> Result<u64, Error> {
        self.read(|tx| {
            let sql = "/* quarantined_count */ SELECT count(*) FROM
                       (SELECT DISTINCT source FROM held_object LIMIT ?) AS sources";
            tx.query_one(sql, params![limit], |row| row.get(0))
        })
    }

    /// The objects that stand apart of one statement or request, from a place on.
    pub async fn held_objects(
        &self,
        source: Source,
        from: u32,
        limit: u32,
    ) -> Result<Vec<HeldObject>, Error> {
        self.read(|tx| {
            let sql = "/* held_objects */ SELECT * FROM held_object
                       WHERE source = ? AND place >= ? ORDER BY place LIMIT ?";
            tx.query(sql, params![source.to_string(), from, limit], |row| {
                Ok(HeldObject {
                    place: row.get("place")?,
                    id: row.get("id")?,
                    version: row.get("version")?,
                    type_: row.get("type")?,
                    audience: Audience::read(row)?,
                    findings: rows::found(row, "findings")?,
                    body: row.get("body")?,
                })
            })
        })
    }

    /// Statements and requests that have waited for as long as their collection keeps things, with
    /// how many days those are.
    pub async fn held_expired(
        &self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<(Source, u32)>, Error> {
        self.read(|tx| {
            let sql = "/* held_expired */ SELECT DISTINCT h.source, c.retention_days
                       FROM held_object h JOIN collection c ON c.row = h.collection
                       WHERE h.at < ?1 AND h.at + c.retention_days * ?2 < ?1 LIMIT ?3";
            tx.query(sql, params![now.as_ms(), DAY_MS, limit], |row| {
                Ok((rows::term(row, "source")?, row.get("retention_days")?))
            })
        })
    }

    /// Statements of which recalls took the last that waited, and whose senders are not told yet.
    pub async fn held_in_name_only(&self, limit: u32) -> Result<Vec<StatementId>, Error> {
        self.read(|tx| {
            let sql = "/* held_in_name_only */ SELECT q.statement FROM quarantine q
                       JOIN statement s ON s.id = q.statement
                       WHERE q.decision = 'recalled' AND s.outcome = ? LIMIT ?";
            let waits = Outcome::Quarantined.word();
            tx.query(sql, params![waits, limit], |row| rows::term(row, "statement"))
        })
    }

    /// Whether any object of a statement came into a collection.
    pub async fn took_objects(&self, id: &StatementId) -> Result<bool, Error> {
        self.read(|tx| {
            let sql = "/* took_objects */ SELECT 1 FROM received_item WHERE statement = ? LIMIT 1";
            tx.exists(sql, params![id.to_string()])
        })
    }

    /// The envelope of a statement of which objects wait.
    pub async fn quarantined_envelope(&self, id: &StatementId) -> Result<Option<Bytes>, Error> {
        self.read(|tx| {
            let sql = "/* quarantined_envelope */ SELECT envelope FROM quarantine
                       WHERE statement = ? AND decision IS NULL";
            tx.query_opt(sql, params![id.to_string()], |row| row.get(0))
        })
    }

    /// The header of the last receipt that the sender got of a statement of which objects waited.
    pub async fn quarantine_told(&self, id: &StatementId) -> Result<Option<Bytes>, Error> {
        self.read(|tx| {
            let sql = "/* quarantine_told */ SELECT s.header FROM quarantine q
                       JOIN statement s ON s.id = q.receipt WHERE q.statement = ?";
            tx.query_opt(sql, params![id.to_string()], |row| row.get(0))
        })
    }

    /// A person decides on objects of a statement; the sender gets another receipt, and once
    /// nothing of it waits any more the sealed bytes go.
    ///
    /// *Atomicity*: decision, objects and receipts are one transaction; a second decision on one
    /// of the objects is [`Error::State`], and so is one beside which another was taken meanwhile:
    /// its receipt would say that what is decided waits.
    pub async fn decide_quarantine(
        &self,
        decision: QuarantineDecision,
        receipts: Vec<NewStatement>,
        signer: Signer,
        now: Timestamp,
        actor: String,
    ) -> Result<(), Error> {
        self.write_rows(decision.places.len(), move |tx| {
            let source = Source::Statement(decision.id);
            let key = decision.id.to_string();
            decided(tx, source, &decision.places)?;
            let left = waiting(tx, source)?;
            if left != decision.left {
                return Err(Error::State(
                    "others of its objects were decided on meanwhile",
                    "look at what still waits, and decide on that",
                ));
            }
            if left == 0 {
                close(tx, &decision.id, decision.outcome.word(), &actor, now)?;
            }
            tx.execute(
                "/* decide_quarantine */ UPDATE statement SET outcome = ?, code = ? WHERE id = ? AND out = 0",
                params![decision.outcome.word(), decision.code, key],
            )?;
            let taken = decision.accepted.as_ref().map_or(0, |accepted| accepted.objects.len());
            let detail = detail(taken, decision.places.len(), &decision.reason);
            let line = journal::Line {
                statement: Some(decision.id),
                detail: &detail,
                ..journal::Line::new(now, &actor, "quarantine.decided")
            };
            journal::write(tx, &line)?;
            // INVARIANT: nothing enters a collection without a permit.
            if let Some(Accepted { permit, topic, objects }) = &decision.accepted {
                let Some(collection) = objects::incoming(tx, permit.agreement(), topic)? else {
                    return Err(Error::Corrupt("a topic without its collection"));
                };
                inbox::keep_objects(tx, decision.id, &collection, objects, now)?;
            }
            for receipt in &receipts {
                let receipt = statements::commit(tx, receipt, &signer, now, "node")?;
                told(tx, &decision.id, receipt)?;
            }
            Ok(())
        })
        .await
    }

    /// A person decides on objects of a request: what is taken comes into the collection and
    /// becomes a draft where the collection asks for one; the request's status says so.
    ///
    /// *Atomicity*: one transaction; a second decision on one of the objects is [`Error::State`].
    pub async fn decide_submission(
        &self,
        decision: SubmissionDecision,
    ) -> Result<Option<Uuid>, Error> {
        self.write_rows(decision.accepted.len(), move |tx| {
            let SubmissionDecision { status_id, collection, accepted, now, .. } = &decision;
            let refused = decision.refused.iter().map(|line| line.place);
            let places: Vec<u32> =
                accepted.iter().map(|(place, _)| *place).chain(refused).collect();
            decided(tx, Source::Submission(*status_id), &places)?;
            let objects: Vec<&NewObject> = accepted.iter().map(|(_, object)| object).collect();
            let mut clock = objects::Clock::new(tx, *now)?;
            let came = vec![*now; objects.len()];
            let outcomes = objects::put(tx, collection, &objects, &came, &mut clock)?;
            clock.keep(tx)?;
            let (mut lines, mut new) = (decision.refused.clone(), Vec::new());
            for ((place, object), outcome) in accepted.iter().zip(outcomes) {
                lines.push(outcome.line(*place, object));
                if let objects::Outcome::New { row, .. } = outcome {
                    new.push((row, object));
                }
            }
            objects::change_status(tx, *status_id, &lines)?;
            let release = match decision.release.as_ref().filter(|_| !new.is_empty()) {
                Some(draft) => Some(releases::draft(tx, draft, &decision.account, &new, *now)?),
                None => None,
            };
            let detail = detail(new.len(), places.len(), &decision.reason);
            let line = journal::Line {
                detail: &detail,
                ..journal::Line::new(*now, &decision.actor, "quarantine.decided")
            };
            journal::write(tx, &line)?;
            Ok(release)
        })
        .await
    }
}

fn detail(taken: usize, of: usize, reason: &str) -> String {
    match reason {
        reason if of == 0 => reason.to_owned(),
        "" => format!("{taken} of {of} objects taken in"),
        reason => format!("{taken} of {of} objects taken in: {reason}"),
    }
}

fn read(row: &Row<'_>) -> Result<QuarantineRow, Error> {
    let collection = objects::read_collection(row)?;
    Ok(QuarantineRow {
        id: rows::term(row, "source")?,
        partner: rows::term_opt(row, "partner")?,
        account: row.get("account")?,
        agreement: collection.agreement,
        topic: collection.topic.clone(),
        collection,
        precedence: match row.get::<Option<i64>>("precedence")? {
            Some(_) => rows::precedence(row, "precedence")?,
            None => Precedence::Routine,
        },
        objects: row.get("objects")?,
        highest: rows::tlp(row, "highest")?,
        at: rows::time(row, "since")?,
    })
}

/// The columns of an object that stands apart.
const HELD: &[(&str, Kind)] = &[
    ("place", Kind::Int),
    ("id", Kind::Bytes),
    ("version", Kind::Bytes),
    ("type", Kind::Bytes),
    ("tlp", Kind::Int),
    ("findings", Kind::Bytes),
    ("body", Kind::Bytes),
    ("communities", Kind::Bytes),
];

/// Objects stand apart; their bytes are kept where `account` brought them.
pub(crate) fn hold_objects(
    tx: &Tx<'_>,
    source: Source,
    (collection, account): (&Collection, Option<&str>),
    objects: &[(u32, NewObject)],
    now: Timestamp,
) -> Result<(), Error> {
    let mut given = Given::new(HELD);
    let found: Vec<_> =
        objects.iter().map(|(_, object)| rows::found_column(&object.findings)).collect();
    let communities: Vec<_> =
        objects.iter().map(|(_, object)| rows::communities_column(&object.communities)).collect();
    for (((place, object), findings), communities) in objects.iter().zip(&found).zip(&communities) {
        let body = if account.is_some() { object.body.to_column() } else { Value::Null };
        given.push([
            Value::Int((*place).into()),
            object.id.to_column(),
            object.version.to_column(),
            object.type_.to_column(),
            object.tlp.map_or(Value::Null, |tlp| Value::Int(tlp as i64)),
            findings.to_column(),
            body,
            communities.to_column(),
        ]);
    }
    let sql = "/* hold_objects */ INSERT INTO held_object
               SELECT ?1, g.place, ?2, ?3, g.id, g.version, g.type, g.tlp, g.findings, g.body, ?4,
               g.communities
               FROM {given} WHERE true ON CONFLICT DO NOTHING";
    let source = source.to_string();
    tx.execute_given(sql, params![source, collection.row, account, now.as_ms()], &given).map(drop)
}

/// A statement of which objects stand apart.
pub(crate) struct Held<'a> {
    pub(crate) id: StatementId,
    pub(crate) partner: &'a NodeName,
    pub(crate) agreement: AgreementId,
    pub(crate) topic: &'a Topic,
    pub(crate) envelope: &'a Bytes,
    pub(crate) objects: &'a [(u32, NewObject)],
}

pub(crate) fn hold(
    tx: &Tx<'_>,
    held: &Held<'_>,
    collection: &Collection,
    now: Timestamp,
) -> Result<(), Error> {
    let recalled = recalls::of_target(tx, &held.id)?;
    let waiting = held.objects.iter().filter(|(index, _)| !recalled.covers(*index));
    let waiting: Vec<_> = waiting.cloned().collect();
    tx.execute(
        "/* quarantine::hold */ INSERT INTO quarantine VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL)",
        params![
            held.id.to_string(),
            held.partner.as_str(),
            held.agreement.to_string(),
            held.topic.as_str(),
            held.envelope,
            waiting.len(),
            now.as_ms()
        ],
    )?;
    if waiting.is_empty() {
        tx.leave(Work::Recalls);
        return close(tx, &held.id, "recalled", "node", now);
    }
    hold_objects(tx, Source::Statement(held.id), (collection, None), &waiting, now)
}

/// The sender is told of a statement of which objects wait.
pub(crate) fn told(tx: &Tx<'_>, id: &StatementId, receipt: StatementId) -> Result<(), Error> {
    let sql = "/* quarantine::told */ UPDATE quarantine SET receipt = ? WHERE statement = ?";
    tx.execute(sql, params![receipt.to_string(), id.to_string()])?;
    Ok(())
}

/// How many objects of a source still wait.
fn waiting(tx: &Tx<'_>, source: Source) -> Result<usize, Error> {
    let sql = "/* quarantine::waiting */ SELECT count(*) FROM held_object WHERE source = ?";
    tx.query_one(sql, params![source.to_string()], |row| row.get(0))
}

/// Ends the waiting of objects, each of which must still wait.
fn decided(tx: &Tx<'_>, source: Source, places: &[u32]) -> Result<(), Error> {
    let sql = "/* quarantine::decided */ DELETE FROM held_object WHERE source = ? AND place = ?";
    for place in places {
        if tx.execute(sql, params![source.to_string(), place])? == 0 {
            return Err(Error::State(
                "this object does not wait for a decision",
                "look at what still waits, and decide on that",
            ));
        }
    }
    Ok(())
}

/// Ends the waiting of a statement, whose sealed bytes go with it.
fn close(
    tx: &Tx<'_>,
    id: &StatementId,
    decision: &str,
    actor: &str,
    now: Timestamp,
) -> Result<(), Error> {
    let none: &[u8] = &[];
    tx.execute(
        "/* quarantine::close */ UPDATE quarantine SET decision = ?2, decided_by = ?3,
         decided_at = ?4, envelope = ?5 WHERE statement = ?1 AND decision IS NULL",
        params![id.to_string(), decision, actor, now.as_ms(), none],
    )?;
    Ok(())
}

/// The sender recalls what stands apart: nobody will take it in any more.
pub(crate) fn recalled(
    tx: &Tx<'_>,
    id: &StatementId,
    items: Option<&[u32]>,
    now: Timestamp,
) -> Result<(), Error> {
    let key = id.to_string();
    match items {
        None => {
            let sql = "/* quarantine::recalled */ DELETE FROM held_object WHERE source = ?";
            tx.execute(sql, params![key])?;
        }
        Some(items) => {
            let sql = "/* quarantine::recalled */ DELETE FROM held_object
                       WHERE source = ? AND place = ?";
            for item in items {
                tx.execute(sql, params![key, item])?;
            }
        }
    }
    match waiting(tx, Source::Statement(*id))? {
        0 => close(tx, id, "recalled", "node", now),
        _ => Ok(()),
    }
}
