//! The inbox: what partners handed in, and the one transaction that takes it in.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{
    agreement::Permit,
    terms::{
        AgreementId, Digest, NodeName, Outcome, PartyStanding, Precedence, RecallAnswer,
        RecallReason, StatementId, StatementType, Timestamp, Topic,
    },
};

use crate::{
    Acknowledged, Error, Lane, NewObject, NewStatement, Revocation, Signer, Store, TopicSpec, Work,
    acknowledgements, agreements, journal, keys, objects, outbox, params, partners, quarantine,
    recalls, rows, standing, statements,
    tx::{Given, Kind, ToColumn as _, Tx, Value},
};

rows::words!(
    /// By which route an envelope came.
    Route {
        /// The partner's link.
        Link = "link",
        /// A courier.
        Courier = "courier",
    }
);

/// What handing in came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    New,
    /// It is here already; nothing happened.
    SameAgain,
}

/// An envelope that waits to be taken in.
#[derive(Debug, Clone)]
pub struct InboxRow {
    /// The statement's id.
    pub id: StatementId,
    /// Its sender.
    pub partner: NodeName,
    /// The whole envelope.
    pub envelope: Bytes,
}

/// What is kept of a statement that came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Its number in the pair.
    pub number: u64,
    /// The statement before it, zeros for the first.
    pub prev: Digest,
    /// Its type, when it could be opened.
    pub type_: Option<StatementType>,
    /// Under which topic.
    pub topic: Option<Topic>,
    /// How fast.
    pub precedence: Precedence,
    /// The header's bytes, empty when it could not be opened.
    pub header: Bytes,
    /// The signed manifest.
    pub manifest: Bytes,
    /// The seed of its salts, when it could be opened.
    pub seed: Option<[u8; 32]>,
    /// The commitment to each item.
    pub commitments: Vec<Digest>,
    /// What it answers.
    pub re: Vec<StatementId>,
    /// Bytes of its sealed payload.
    pub bytes: usize,
}

/// One statement to take in, with everything that was concluded about it.
pub struct TakeIn {
    /// The decision; none for what is refused.
    pub permit: Option<Arc<Permit>>,
    /// Its id.
    pub id: StatementId,
    /// Its sender.
    pub partner: NodeName,
    /// What is kept of it; none when not even the slip holds any more.
    pub received: Option<Received>,
    /// What became of it.
    pub outcome: Outcome,
    /// With which code.
    pub code: Option<String>,
    /// What it changes here.
    pub effect: InEffect,
}

/// What a statement that came in changes here.
#[derive(Debug)]
pub enum InEffect {
    /// Nothing.
    None,
    /// Objects come into a topic's incoming collection.
    Objects {
        /// Which topic.
        topic: Topic,
        /// The objects, with their index in the statement.
        objects: Vec<(u32, NewObject)>,
        /// Those that stand apart until a person decides, with the whole envelope.
        apart: Option<(Bytes, Vec<(u32, NewObject)>)>,
    },
    /// What became of our statements.
    Receipts(Vec<ReceiptLine>),
    /// The partner recalls.
    Recall {
        /// Which release.
        target: StatementId,
        /// Which items; all where none are named.
        items: Option<Vec<u32>>,
        /// Why.
        reason: RecallReason,
    },
    /// A person at the partner has seen a statement of ours.
    Acknowledgement {
        /// Which.
        of: StatementId,
        /// The officer, as the partner names it to us.
        officer: String,
        /// When it was signed there.
        at: Timestamp,
    },
    /// The partner answers our recall.
    RecallAnswer {
        /// Which recall.
        recall: StatementId,
        /// How.
        answer: RecallAnswer,
        /// The whole answer, as JSON of ours.
        detail: String,
    },
    /// The partner signed an agreement.
    Agreement {
        /// Which.
        id: AgreementId,
        /// Its title.
        title: String,
        /// Its text.
        text: Bytes,
        /// Its parties.
        parties: Vec<NodeName>,
        /// The collections it needs here.
        topics: Vec<TopicSpec>,
        /// The agreement that it takes the place of.
        supersedes: Option<AgreementId>,
    },
    /// The partner suspends, resumes or ends an agreement.
    Standing {
        /// Which.
        id: AgreementId,
        /// How the partner stands to it.
        standing: PartyStanding,
        /// Why, in the partner's words.
        reason: String,
    },
    /// The partner's next key statement.
    Keys {
        /// Its epoch.
        epoch: u32,
        /// The note.
        note: Bytes,
        /// The revocation of an epoch before.
        revocation: Option<Revocation>,
    },
}

/// What became of one of our statements at the partner.
#[derive(Debug, Clone)]
pub struct ReceiptLine {
    /// Which.
    pub statement: StatementId,
    /// What became of it.
    pub outcome: Outcome,
    /// With which code.
    pub code: Option<String>,
}

fn lease(id: &StatementId) -> String {
    format!("inbox/{id}")
}

impl Store {
    /// Keeps an envelope that passed the door.
    ///
    /// *Atomicity*: one transaction; a statement that is here already changes nothing.
    pub async fn put_inbox(
        &self,
        id: StatementId,
        partner: NodeName,
        envelope: Bytes,
        route: Route,
        now: Timestamp,
    ) -> Result<Put, Error> {
        let known = self.read(|tx| is_known(tx, &id))?;
        if known {
            return Ok(Put::SameAgain);
        }
        self.write(move |tx| {
            if is_known(tx, &id)? {
                return Ok(Put::SameAgain);
            }
            tx.execute(
                "/* put_inbox */ INSERT INTO inbox VALUES (?, ?, ?, ?, ?, ?)",
                params![
                    id.to_string(),
                    partner.as_str(),
                    &envelope[..],
                    envelope.len(),
                    now.as_ms(),
                    route.word()
                ],
            )?;
            tx.leave(Work::Inbox);
            Ok(Put::New)
        })
        .await
    }

    /// Leases envelopes of a lane: up to 64 KiB, the smallest first, or above. Precedence lies under
    /// the seal, so size is what tells a FLASH from bulk. What is leased together stays below
    /// `bytes_max`, but for the first.
    pub async fn lease_inbox(
        &self,
        lane: Lane,
        limit: u32,
        bytes_max: usize,
    ) -> Result<Vec<InboxRow>, Error> {
        let waiting = self.read(|tx| {
            let sql = match lane {
                Lane::Urgent => {
                    "/* lease_inbox */ SELECT id, partner, size FROM inbox
                     WHERE size <= 65536 ORDER BY size > 16384, arrived, rowid LIMIT ?"
                }
                Lane::Bulk => {
                    "/* lease_inbox */ SELECT id, partner, size FROM inbox
                     WHERE size > 65536 ORDER BY arrived, rowid LIMIT ?"
                }
            };
            tx.query(sql, params![limit.saturating_mul(4)], |row| {
                let id: StatementId = rows::term(row, "id")?;
                let partner: NodeName = rows::term(row, "partner")?;
                Ok((id, partner, row.get::<usize>("size")?))
            })
        })?;
        let (mut leased, mut bytes) = (Vec::new(), 0);
        for (id, partner, size) in waiting {
            if leased.len() >= limit as usize || (bytes > 0 && bytes + size > bytes_max) {
                break;
            }
            let envelope = self.lease_then(lease(&id), |tx| {
                let sql = "/* lease_inbox */ SELECT envelope FROM inbox WHERE id = ?";
                tx.query_opt(sql, params![id.to_string()], |row| row.get(0))
            })?;
            if let Some(envelope) = envelope {
                bytes += size;
                leased.push(InboxRow { id, partner, envelope });
            }
        }
        Ok(leased)
    }

    /// Gives a lease back.
    pub fn free_inbox(&self, id: &StatementId) {
        self.free(&lease(id));
    }

    /// Takes statements in, with their receipts.
    ///
    /// *Atomicity*: effects, receipts with their leaves, and the end of the inbox rows are one
    /// transaction; a statement that was taken in before changes nothing.
    pub async fn take_in(
        &self,
        batch: Vec<TakeIn>,
        receipts: Vec<NewStatement>,
        signer: Signer,
        now: Timestamp,
    ) -> Result<(), Error> {
        let items = |taken: &TakeIn| taken.received.as_ref().map_or(0, |r| r.commitments.len());
        self.write_rows(batch.iter().map(items).sum(), move |tx| {
            for taken in &batch {
                take_in(tx, taken, now)?;
            }
            let apart =
                |taken: &&TakeIn| matches!(taken.effect, InEffect::Objects { apart: Some(_), .. });
            let apart: Vec<StatementId> =
                batch.iter().filter(apart).map(|taken| taken.id).collect();
            for receipt in &receipts {
                let id = statements::commit(tx, receipt, &signer, now, "node")?;
                for of in apart.iter().filter(|of| receipt.re.contains(of)) {
                    quarantine::told(tx, of, id)?;
                }
            }
            Ok(())
        })
        .await
    }

    /// Up to which number nothing of a partner is missing.
    pub async fn contiguous(
        &self,
        partner: &NodeName,
        agreement: &AgreementId,
    ) -> Result<u64, Error> {
        self.read(|tx| contiguous(tx, partner, agreement))
    }

    /// How many numbers of a partner are missing below the highest seen.
    pub async fn missing(&self, partner: &NodeName) -> Result<u64, Error> {
        self.read(|tx| {
            // By agreement, so that what went out, which shares the key, is not walked.
            let sql = "/* missing */ SELECT CAST(coalesce(sum(top - n), 0) AS BIGINT) FROM
                 (SELECT max(p.number) AS top, count(*) AS n
                  FROM (SELECT id FROM agreement UNION ALL SELECT ?) AS a CROSS JOIN pair p
                  WHERE p.partner = ? AND p.agreement = a.id AND p.out = 0
                  GROUP BY p.agreement) AS tops";
            let founding = AgreementId::FOUNDING.to_string();
            tx.query_one(sql, params![founding, partner.as_str()], |row| row.get(0))
        })
    }
}

pub(crate) fn contiguous(
    tx: &Tx<'_>,
    partner: &NodeName,
    agreement: &AgreementId,
) -> Result<u64, Error> {
    let sql = "/* contiguous */ SELECT coalesce(min(p.number), 0) FROM pair p
               WHERE p.partner = ?1 AND p.agreement = ?2 AND p.out = 0 AND NOT EXISTS
               (SELECT 1 FROM pair q WHERE q.partner = ?1 AND q.agreement = ?2 AND q.out = 0
                AND q.number = p.number + 1)";
    let end: u64 =
        tx.query_one(sql, params![partner.as_str(), agreement.to_string()], |row| row.get(0))?;
    let sql = "/* contiguous */ SELECT 1 FROM pair
               WHERE partner = ? AND agreement = ? AND out = 0 AND number = 1";
    let from_start = tx.exists(sql, params![partner.as_str(), agreement.to_string()])?;
    Ok(if from_start { end } else { 0 })
}

fn is_known(tx: &Tx<'_>, id: &StatementId) -> Result<bool, Error> {
    let sql = "/* is_known */ SELECT 1 FROM inbox WHERE id = ?1
               UNION ALL SELECT 1 FROM statement WHERE id = ?1";
    tx.exists(sql, params![id.to_string()])
}

fn take_in(tx: &Tx<'_>, taken: &TakeIn, now: Timestamp) -> Result<(), Error> {
    let key = taken.id.to_string();
    let waiting = tx.execute("/* take_in */ DELETE FROM inbox WHERE id = ?", params![&key])?;
    if waiting == 0 {
        return Err(Error::State("the statement was taken in before", "nothing is left to do"));
    }
    let Some(received) = &taken.received else { return Ok(()) };
    insert(tx, taken, received, now)?;
    number(tx, taken, received, now)?;
    let kind = received.type_.map_or("statement", StatementType::word);
    let event = if taken.outcome == Outcome::Refused { "refused" } else { "received" };
    let event = format!("{kind}.{event}");
    let detail = taken.code.clone().unwrap_or_default();
    let line = journal::Line {
        partner: Some(&taken.partner),
        statement: Some(taken.id),
        detail: &detail,
        ..journal::Line::new(now, taken.partner.as_str(), &event)
    };
    journal::write(tx, &line)?;
    // INVARIANT: nothing enters a collection without a permit.
    if taken.permit.is_some() { effect(tx, taken, now) } else { Ok(()) }
}

fn insert(tx: &Tx<'_>, taken: &TakeIn, received: &Received, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "/* inbox::insert */ INSERT INTO statement VALUES
         (?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, ?)",
        params![
            taken.id.to_string(),
            taken.partner.as_str(),
            received.agreement.to_string(),
            received.type_.map(StatementType::word),
            received.topic.as_ref().map(Topic::as_str),
            rows::rank(received.precedence),
            &received.manifest[..],
            &received.header[..],
            received.seed,
            statements::flat(&received.commitments),
            received.bytes,
            now.as_ms(),
            taken.outcome.word(),
            taken.code,
            statements::joined(&received.re)
        ],
    )?;
    Ok(())
}

/// Keeps the number; two statements with one number, or a predecessor that is another, are
/// evidence of equivocation, kept and shown.
fn number(tx: &Tx<'_>, taken: &TakeIn, received: &Received, now: Timestamp) -> Result<(), Error> {
    let (partner, agreement) = (taken.partner.as_str(), received.agreement.to_string());
    let at = |number: u64| -> Result<Option<String>, Error> {
        let sql = "/* inbox::number */ SELECT statement FROM pair
                   WHERE partner = ? AND agreement = ? AND out = 0 AND number = ?";
        tx.query_opt(sql, params![partner, agreement, number], |row| row.get(0))
    };
    let same_number = at(received.number)?;
    let before = at(received.number.saturating_sub(1))?;
    let other = match (same_number, before) {
        (Some(other), _) => Some(other),
        (None, Some(before)) if before != received.prev.hex() => Some(before),
        _ => None,
    };
    if let Some(other) = other {
        tx.execute(
            "/* inbox::number */ INSERT INTO equivocation VALUES (?, ?, ?, ?, ?, ?)
                ON CONFLICT DO NOTHING",
            params![partner, agreement, received.number, taken.id.to_string(), other, now.as_ms()],
        )?;
        let line = journal::Line {
            partner: Some(&taken.partner),
            statement: Some(taken.id),
            detail: &other,
            ..journal::Line::new(now, "node", "ledger.equivocation")
        };
        journal::write(tx, &line)?;
    }
    tx.execute(
        "/* inbox::number */ INSERT INTO pair VALUES (?, ?, 0, ?, ?) ON CONFLICT DO NOTHING",
        params![partner, agreement, received.number, taken.id.to_string()],
    )?;
    Ok(())
}

fn effect(tx: &Tx<'_>, taken: &TakeIn, now: Timestamp) -> Result<(), Error> {
    let Some(received) = &taken.received else { return Ok(()) };
    let (id, partner) = (taken.id, &taken.partner);
    match &taken.effect {
        InEffect::None => Ok(()),
        InEffect::Objects { topic, objects, apart } => {
            let Some(collection) = objects::incoming(tx, received.agreement, topic)? else {
                return Err(Error::Corrupt("a topic without its collection"));
            };
            if let Some((envelope, objects)) = apart {
                let agreement = received.agreement;
                let held = quarantine::Held { id, partner, agreement, topic, envelope, objects };
                quarantine::hold(tx, &held, &collection, now)?;
            }
            keep_objects(tx, id, &collection, objects, now)
        }
        InEffect::Receipts(lines) => {
            let (agreement, number) = (received.agreement, received.number);
            let receipt = outbox::Receipt { id, partner, agreement, number };
            for line in lines {
                let outcome = (line.outcome, line.code.as_deref());
                outbox::receipted(tx, line.statement, &receipt, outcome, now)?;
            }
            Ok(())
        }
        InEffect::Recall { target, items, reason: _ } => {
            let recall = recalls::Incoming {
                recall: id,
                target: *target,
                items: items.as_deref(),
                agreement: received.agreement,
            };
            recalls::take_in(tx, &recall, partner, now)
        }
        InEffect::Acknowledgement { of, officer, at } => {
            let seen = Acknowledged { officer: officer.clone(), at: *at, told: id };
            acknowledgements::seen_there(tx, of, partner, &seen, now)
        }
        InEffect::RecallAnswer { recall, answer, detail } => {
            recalls::answer_received(tx, *recall, (*answer, detail), partner, now)
        }
        InEffect::Agreement { id: agreement, title, text, parties, topics, supersedes } => {
            let text = agreements::Text { id: *agreement, title, text, parties };
            agreements::put_text(tx, &text, now)?;
            let signature = agreements::Signature {
                by: partner,
                statement: id,
                topics,
                supersedes: *supersedes,
            };
            agreements::sign(tx, *agreement, &signature, now)
        }
        InEffect::Standing { id: agreement, standing, reason } => {
            standing::change(tx, *agreement, partner, (*standing, reason), now)
        }
        InEffect::Keys { epoch, note, revocation } => {
            partners::put_key_statement(tx, partner, *epoch, note)?;
            match revocation {
                Some(revocation) => {
                    keys::put_revocation(tx, partner, revocation, partner.as_str(), now)
                }
                None => Ok(()),
            }
        }
    }
}

/// The columns of what a statement brought.
const RECEIVED: &[(&str, Kind)] =
    &[("idx", Kind::Int), ("id", Kind::Bytes), ("version_key", Kind::Bytes), ("date", Kind::Int)];

pub(crate) fn keep_objects(
    tx: &Tx<'_>,
    statement: StatementId,
    collection: &objects::Collection,
    objects: &[(u32, NewObject)],
    now: Timestamp,
) -> Result<(), Error> {
    let recalled = recalls::of_target(tx, &statement)?;
    let mut clock = objects::Clock::new(tx, now)?;
    let wanted: Vec<&NewObject> = objects
        .iter()
        .filter(|(index, _)| !recalled.covers(*index))
        .map(|(_, object)| object)
        .collect();
    let came = vec![now; wanted.len()];
    let mut outcomes = objects::put(tx, collection, &wanted, &came, &mut clock)?.into_iter();
    let mut given = Given::new(RECEIVED);
    for (index, object) in objects {
        let outcome = if recalled.covers(*index) { None } else { outcomes.next() };
        let date = match outcome {
            Some(objects::Outcome::New { date, .. }) => Value::Int(date),
            _ => Value::Null,
        };
        given.push([
            Value::Int((*index).into()),
            object.id.to_column(),
            object.version_key.to_column(),
            date,
        ]);
    }
    let sql = "/* keep_objects */ INSERT INTO received_item
               SELECT ?1, g.idx, ?2, g.id, g.version_key, g.date FROM {given} WHERE true
               ON CONFLICT DO NOTHING";
    tx.execute_given(sql, params![statement.to_string(), collection.row], &given)?;
    clock.keep(tx)?;
    // A recall that came before its release is applied to what has now arrived.
    recalls::apply_late(tx, &statement, now)
}
