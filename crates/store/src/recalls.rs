//! Recalls, both ways: what we demand, and what we answer for.

use protocol::terms::{AgreementId, NodeName, RecallAnswer, RecallReason, StatementId, Timestamp};

use uuid::Uuid;

use crate::{
    Error, Store, Work, journal,
    objects::{self, Doomed},
    params, quarantine, rows,
    tx::{Row, Tx},
};

/// A recall of ours.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Recall {
    /// Its id.
    pub id: Uuid,
    /// The release it recalls.
    pub release: Uuid,
    /// The statement that the release became.
    pub target: StatementId,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Why.
    pub reason: RecallReason,
    /// Which items; all where none are named.
    pub items: Option<Vec<u32>>,
    /// `drafted`, `issued` or `answered`.
    pub state: String,
    /// Who decided it.
    pub issued_by: String,
    /// When.
    pub at: Timestamp,
    /// The statement that it became.
    pub statement: Option<StatementId>,
    /// What the answers come to once every recipient has answered.
    pub answer: Option<RecallAnswer>,
    /// The last answer as it was given.
    pub detail: Option<String>,
    /// Each recipient's answer.
    pub answers: Vec<AnswerRow>,
}

/// One recipient's answer to a recall.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct AnswerRow {
    /// Whose.
    pub partner: NodeName,
    /// What was done.
    pub answer: RecallAnswer,
    /// When it came.
    pub at: Timestamp,
}

/// A partner's recall, and what was done here.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ReceivedRecall {
    /// The recall.
    pub recall: StatementId,
    /// Whose.
    pub partner: NodeName,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// The statement that it recalls.
    pub target: StatementId,
    /// When it was taken in: from then on nothing of it is served.
    pub at: Timestamp,
    /// How many objects were deleted.
    pub deleted: u64,
    /// Ids of objects that are kept, because others gave them too.
    pub kept: Vec<String>,
    /// What the partner was told; nothing yet while the answer is being sealed.
    pub answer: Option<RecallAnswer>,
}

/// A partner's recall that waits for our answer.
#[derive(Debug, Clone)]
pub struct RecallTask {
    /// The recall.
    pub recall: StatementId,
    /// Whose.
    pub partner: NodeName,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Entries that were deleted.
    pub deleted: u32,
    /// Ids of objects of which earlier copies of our own stay.
    pub kept: Vec<String>,
    /// Whether the recalled release had arrived.
    pub held: bool,
}

fn read(row: &Row<'_>) -> Result<Recall, Error> {
    let items: Option<String> = row.get("items")?;
    Ok(Recall {
        id: rows::term_opt(row, "id")?.ok_or(Error::Corrupt("a recall"))?,
        release: rows::term_opt(row, "release")?.ok_or(Error::Corrupt("a recall"))?,
        target: rows::term(row, "target")?,
        agreement: rows::term(row, "agreement")?,
        reason: rows::term(row, "reason")?,
        items: items.and_then(|items| serde_json::from_str(&items).ok()),
        state: row.get("state")?,
        issued_by: row.get("issued_by")?,
        at: rows::time(row, "at")?,
        statement: rows::term_opt(row, "statement")?,
        answer: rows::term_opt(row, "answer")?,
        detail: row.get("detail")?,
        answers: Vec::new(),
    })
}

fn read_received(row: &Row<'_>) -> Result<ReceivedRecall, Error> {
    let kept: String = row.get("kept")?;
    Ok(ReceivedRecall {
        recall: rows::term(row, "recall")?,
        partner: rows::term(row, "partner")?,
        agreement: rows::term(row, "agreement")?,
        target: rows::term(row, "target")?,
        at: rows::time(row, "at")?,
        deleted: row.get("deleted")?,
        kept: serde_json::from_str(&kept).unwrap_or_default(),
        answer: rows::term_opt(row, "answer")?,
    })
}

fn with_answers(tx: &Tx<'_>, mut recall: Recall) -> Result<Recall, Error> {
    let sql =
        "/* with_answers */ SELECT * FROM recall_answer WHERE recall = ? ORDER BY at, partner";
    recall.answers = tx.query(sql, params![recall.id.to_string()], |row| {
        Ok(AnswerRow {
            partner: rows::term(row, "partner")?,
            answer: rows::term(row, "answer")?,
            at: rows::time(row, "at")?,
        })
    })?;
    Ok(recall)
}

impl Store {
    /// Decides a recall; a worker seals it.
    pub async fn draft_recall(
        &self,
        id: Uuid,
        release: Uuid,
        items: Option<Vec<u32>>,
        reason: RecallReason,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let key = release.to_string();
            let listed = items.as_ref().and_then(|items| serde_json::to_string(items).ok());
            let added = tx.execute(
                "/* draft_recall */ INSERT INTO recall
                 SELECT ?1, id, statement, agreement, ?3, ?4, 'drafted', ?5, ?6, NULL, NULL, NULL
                 FROM release WHERE id = ?2 AND statement IS NOT NULL
                
                         ON CONFLICT DO NOTHING",
                params![id.to_string(), key, reason.word(), listed, actor, now.as_ms()],
            )?;
            if added == 0 {
                return Err(Error::State(
                    "the release has not left",
                    "return it instead, where it waits for a releaser",
                ));
            }
            tx.leave(Work::Recalls);
            for index in items.iter().flatten() {
                let sql = "/* draft_recall */ UPDATE release_item SET recalled = 1
                           WHERE release = ? AND idx = ?";
                tx.execute(sql, params![key, index])?;
            }
            if listed.is_none() {
                let sql = "/* draft_recall */ UPDATE release_item SET recalled = 1
                           WHERE release = ?";
                tx.execute(sql, params![&key])?;
                let sql = "/* draft_recall */ UPDATE release SET state = 'recalled', changed = ?
                           WHERE id = ?";
                tx.execute(sql, params![now.as_ms(), key])?;
            }
            let line = journal::Line {
                release: Some(&key),
                detail: reason.word(),
                ..journal::Line::new(now, &actor, "recall.decided")
            };
            journal::write(tx, &line)
        })
        .await
    }

    /// Recalls that people decided on and that are not sealed yet.
    pub async fn recalls_to_issue(&self) -> Result<Vec<Recall>, Error> {
        self.read(|tx| {
            let sql =
                "/* recalls_to_issue */ SELECT * FROM recall WHERE state = 'drafted' ORDER BY at";
            tx.query(sql, &[], read)
        })
    }

    /// Our recalls, newest first.
    pub async fn recalls(&self, limit: u32) -> Result<Vec<Recall>, Error> {
        self.recalls_page(None, limit).await
    }

    /// Our recalls after a row, newest first.
    pub async fn recalls_page(
        &self,
        after: Option<(Timestamp, Uuid)>,
        limit: u32,
    ) -> Result<Vec<Recall>, Error> {
        let (at, id) =
            after.map_or((i64::MAX, String::new()), |(at, id)| (at.as_ms(), id.to_string()));
        self.read(|tx| {
            let sql = "/* recalls_page */ SELECT * FROM recall
                       WHERE (at < ?1 OR (at = ?1 AND id < ?2)) ORDER BY at DESC, id DESC LIMIT ?3";
            let found = tx.query(sql, params![at, id, limit], read)?;
            found.into_iter().map(|recall| with_answers(tx, recall)).collect()
        })
    }

    /// Our recalls of a release, newest first.
    pub async fn recalls_of(&self, release: Uuid) -> Result<Vec<Recall>, Error> {
        self.read(|tx| {
            let sql = "/* recalls_of */ SELECT * FROM recall WHERE release = ? ORDER BY at DESC";
            let found = tx.query(sql, params![release.to_string()], read)?;
            found.into_iter().map(|recall| with_answers(tx, recall)).collect()
        })
    }

    /// Partners' recalls after a row, newest first.
    pub async fn received_recalls(
        &self,
        after: Option<(Timestamp, StatementId)>,
        limit: u32,
    ) -> Result<Vec<ReceivedRecall>, Error> {
        let (at, id) =
            after.map_or((i64::MAX, String::new()), |(at, id)| (at.as_ms(), id.to_string()));
        self.read(|tx| {
            let sql = "/* received_recalls */ SELECT * FROM recall_task
                       WHERE (at < ?1 OR (at = ?1 AND recall < ?2))
                       ORDER BY at DESC, recall DESC LIMIT ?3";
            tx.query(sql, params![at, id, limit], read_received)
        })
    }

    /// One partner's recall, and what was done here.
    pub async fn received_recall(
        &self,
        recall: &StatementId,
    ) -> Result<Option<ReceivedRecall>, Error> {
        self.read(|tx| {
            let sql = "/* received_recall */ SELECT * FROM recall_task WHERE recall = ?";
            tx.query_opt(sql, params![recall.to_string()], read_received)
        })
    }

    /// Partners' recalls that wait for our answer.
    pub async fn recall_tasks(&self) -> Result<Vec<RecallTask>, Error> {
        self.read(|tx| {
            let sql =
                "/* recall_tasks */ SELECT * FROM recall_task WHERE answer IS NULL ORDER BY at";
            tx.query(sql, &[], |row| {
                let kept: String = row.get("kept")?;
                Ok(RecallTask {
                    recall: rows::term(row, "recall")?,
                    partner: rows::term(row, "partner")?,
                    agreement: rows::term(row, "agreement")?,
                    deleted: row.get("deleted")?,
                    kept: serde_json::from_str(&kept).unwrap_or_default(),
                    held: row.get("held")?,
                })
            })
        })
    }
}

/// Our recall is sealed.
pub(crate) fn issued(tx: &Tx<'_>, recall: Uuid, statement: StatementId) -> Result<(), Error> {
    let changed = tx.execute(
        "/* recalls::issued */ UPDATE recall SET state = 'issued', statement = ?2
         WHERE id = ?1 AND state = 'drafted'",
        params![recall.to_string(), statement.to_string()],
    )?;
    if changed == 0 {
        Err(Error::State("the recall is issued already", "nothing is left to do"))
    } else {
        Ok(())
    }
}

/// The partner's recall is answered.
pub(crate) fn answered(
    tx: &Tx<'_>,
    recall: StatementId,
    answer: RecallAnswer,
) -> Result<(), Error> {
    let changed = tx.execute(
        "/* recalls::answered */ UPDATE recall_task SET answer = ?2
         WHERE recall = ?1 AND answer IS NULL",
        params![recall.to_string(), answer.word()],
    )?;
    if changed == 0 {
        Err(Error::State("the recall is answered already", "nothing is left to do"))
    } else {
        Ok(())
    }
}

/// A recipient's answer to our recall is here; the recall is answered once every recipient has.
pub(crate) fn answer_received(
    tx: &Tx<'_>,
    recall: StatementId,
    (answer, detail): (RecallAnswer, &str),
    partner: &NodeName,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "/* answer_received */ SELECT id FROM recall WHERE statement = ?";
    let found: Option<String> = tx.query_opt(sql, params![recall.to_string()], |row| row.get(0))?;
    let Some(key) = found else { return Ok(()) };
    tx.execute(
        "/* answer_received */ INSERT INTO recall_answer VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (recall, partner) DO UPDATE SET answer = ?3, detail = ?4, at = ?5",
        params![key, partner.as_str(), answer.word(), detail, now.as_ms()],
    )?;
    let sql = "/* answer_received */ SELECT answer FROM recall_answer WHERE recall = ?";
    let answers: Vec<RecallAnswer> =
        tx.query(sql, params![key], |row| rows::term(row, "answer"))?;
    let asked: usize = tx.query_one(
        "/* answer_received */ SELECT count(*) FROM delivery WHERE statement = ?",
        params![recall.to_string()],
        |row| row.get(0),
    )?;
    let complete = answers.len() >= asked;
    tx.execute(
        "/* answer_received */ UPDATE recall SET state = ?2, answer = ?3, detail = ?4 WHERE id = ?1",
        params![
            key,
            if complete { "answered" } else { "issued" },
            worst(&answers).filter(|_| complete).map(RecallAnswer::word),
            detail
        ],
    )?;
    let line = journal::Line {
        partner: Some(partner),
        statement: Some(recall),
        detail: answer.word(),
        ..journal::Line::new(now, partner.as_str(), "recall.answered")
    };
    journal::write(tx, &line)
}

/// The answer that leaves most behind.
fn worst(answers: &[RecallAnswer]) -> Option<RecallAnswer> {
    answers.iter().copied().max_by_key(|answer| match answer {
        RecallAnswer::DeletedEverywhere => 0,
        RecallAnswer::NotHeld => 1,
        RecallAnswer::DeletedExcept => 2,
    })
}

/// A partner's recall.
pub(crate) struct Incoming<'a> {
    pub(crate) recall: StatementId,
    pub(crate) target: StatementId,
    pub(crate) items: Option<&'a [u32]>,
    pub(crate) agreement: AgreementId,
}

/// Marks the target as recalled, whether or not it has arrived, deletes what has, and opens the
/// task of answering.
pub(crate) fn take_in(
    tx: &Tx<'_>,
    incoming: &Incoming<'_>,
    partner: &NodeName,
    now: Timestamp,
) -> Result<(), Error> {
    let target = incoming.target.to_string();
    // RULE RCL-3: only the sender of a release recalls it.
    let foreign: bool = tx.exists(
        "/* recalls::take_in */ SELECT 1 FROM statement WHERE id = ? AND (out = 1 OR partner <> ?)",
        params![target, partner.as_str()],
    )?;
    let indices: Vec<i64> = match &incoming.items {
        _ if foreign => Vec::new(),
        None => vec![-1],
        Some(items) => items.iter().map(|index| i64::from(*index)).collect(),
    };
    for index in indices {
        tx.execute(
            "/* recalls::take_in */ INSERT INTO recalled_target VALUES (?, ?, ?, ?)
                ON CONFLICT DO NOTHING",
            params![target, index, incoming.recall.to_string(), partner.as_str()],
        )?;
    }
    let held: bool =
        tx.exists("/* recalls::take_in */ SELECT 1 FROM statement WHERE id = ?", params![&target])?;
    let effect = withdraw(tx, &incoming.target, now)?;
    if !foreign {
        quarantine::recalled(tx, &incoming.target, incoming.items, now)?;
    }
    let kept = serde_json::to_string(&effect.kept).unwrap_or_default();
    tx.execute(
        "/* recalls::take_in */ INSERT INTO recall_task VALUES (?, ?, ?, ?, ?, ?, ?, NULL, ?)
            ON CONFLICT DO NOTHING",
        params![
            incoming.recall.to_string(),
            partner.as_str(),
            incoming.agreement.to_string(),
            target,
            effect.deleted,
            kept,
            held && !foreign,
            now.as_ms()
        ],
    )?;
    tx.leave(Work::Recalls);
    Ok(())
}

/// Which items of a target are recalled.
pub(crate) struct Recalled {
    all: bool,
    indices: Vec<u32>,
}

impl Recalled {
    pub(crate) fn covers(&self, index: u32) -> bool {
        self.all || self.indices.contains(&index)
    }
}

/// Which items of a statement were recalled, perhaps before it arrived.
pub(crate) fn of_target(tx: &Tx<'_>, target: &StatementId) -> Result<Recalled, Error> {
    let sql = "/* recalls::of_target */ SELECT idx FROM recalled_target WHERE target = ?";
    let found: Vec<i64> = tx.query(sql, params![target.to_string()], |row| row.get(0))?;
    Ok(Recalled {
        all: found.contains(&-1),
        indices: found.into_iter().filter_map(|index| u32::try_from(index).ok()).collect(),
    })
}

/// A release has arrived after its recall: its objects are withdrawn at once.
pub(crate) fn apply_late(tx: &Tx<'_>, target: &StatementId, now: Timestamp) -> Result<(), Error> {
    let recalled = of_target(tx, target)?;
    if recalled.all || !recalled.indices.is_empty() {
        withdraw(tx, target, now)?;
    }
    Ok(())
}

#[derive(Default)]
struct Withdrawn {
    deleted: usize,
    kept: Vec<String>,
}

/// Deletes the recalled items of a statement that has arrived, and the copies made of them since:
/// an entry of the same version that came here later counts as derived, an earlier one is our own
/// and stays.
fn withdraw(tx: &Tx<'_>, target: &StatementId, now: Timestamp) -> Result<Withdrawn, Error> {
    let recalled = of_target(tx, target)?;
    let sql = "/* recalls::withdraw */ SELECT i.*, coalesce(r.since, i.date_added) AS received
         FROM received_item i LEFT JOIN redated r
         ON r.collection = i.collection AND r.date_added = i.date_added
         WHERE i.statement = ? ORDER BY i.idx";
    let items: Vec<Item> = tx.query(sql, params![target.to_string()], |row| {
        Ok::<_, Error>(Item {
            index: row.get("idx")?,
            collection: row.get("collection")?,
            id: row.get("id")?,
            version_key: row.get("version_key")?,
            received: row.get("received")?,
        })
    })?;
    let mut withdrawn = Withdrawn::default();
    for item in items.iter().filter(|item| recalled.covers(item.index)) {
        withdraw_item(tx, item, &mut withdrawn)?;
        tx.execute(
            "/* recalls::withdraw */ INSERT INTO recalled_object
             SELECT ?, ?, partner, ? FROM recalled_target WHERE target = ? LIMIT 1
             ON CONFLICT DO NOTHING",
            params![item.id, item.version_key, now.as_ms(), target.to_string()],
        )?;
    }
    Ok(withdrawn)
}

struct Item {
    index: u32,
    collection: i64,
    id: String,
    version_key: String,
    /// When it came here, whatever date it bears now.
    received: Option<i64>,
}

fn withdraw_item(tx: &Tx<'_>, item: &Item, withdrawn: &mut Withdrawn) -> Result<(), Error> {
    // Aggregates follow their sources.
    let sql = "/* withdraw_item */ SELECT e.collection, e.date_added, e.row,
               coalesce(r.since, e.date_added) AS since FROM entry e
               JOIN collection c ON c.row = e.collection AND c.flow <> 'aggregate'
               LEFT JOIN redated r ON r.collection = e.collection AND r.date_added = e.date_added
               WHERE e.id_hash = ? AND e.id = ? AND e.version_key = ?
               ORDER BY e.collection, e.date_added";
    let hash = objects::id_hash(&item.id);
    let copies = tx.query(sql, params![hash, item.id, item.version_key], |row| {
        Ok((row.get::<i64>(0)?, row.get::<i64>(1)?, row.get::<i64>(2)?, row.get::<i64>(3)?))
    })?;
    for copy in copies.chunk_by(|(a, ..), (b, ..)| a == b) {
        // One copy may have an entry for each kind of reader, all of them since the same day.
        let Some((collection, _, _, since)) = copy.first() else { continue };
        let ours = item.received.is_none_or(|received| *since < received);
        if *collection != item.collection && ours {
            withdrawn.kept.push(item.id.clone());
            continue;
        }
        let gone = |(_, date, row, _): &(i64, i64, i64, i64)| Doomed {
            date: *date,
            row: *row,
            version_key: item.version_key.clone(),
        };
        let gone: Vec<_> = copy.iter().map(gone).collect();
        objects::withdraw(tx, *collection, &item.id, &gone)?;
        withdrawn.deleted += 1;
    }
    Ok(())
}
