//! Releases on their way out: drafted, decided, sealed, delivered, receipted.

use bytes::Bytes;
use protocol::terms::{
    AgreementId, Digest, Outcome, Precedence, StatementId, Status, Timestamp, Topic,
};

use stix::Tlp;
use uuid::Uuid;

use crate::{
    Error, Lane, NewObject, Store, Work, journal, params, rows,
    tx::{Given, Kind, Row, ToColumn as _, Tx, Value},
};

rows::words!(
    /// How far a release has come.
    ReleaseState {
        /// Waits for the agreement's decision.
        Drafted = "drafted",
        /// Waits for a second person.
        AwaitingRelease = "awaiting-release",
        /// An article forbids it.
        Refused = "refused",
        /// The releaser gave it back.
        Returned = "returned",
        /// Sealed, signed, logged; waits for a link.
        Sealed = "sealed",
        /// The partner's node has it.
        Delivered = "delivered",
        /// The partner took it in.
        TakenIn = "taken-in",
        /// The partner took it in and found something.
        TakenInWithFindings = "taken-in-with-findings",
        /// The partner keeps it apart.
        Quarantined = "quarantined",
        /// The partner refused it.
        RefusedByPartner = "refused-by-partner",
        /// Recalled.
        Recalled = "recalled",
    }
);

/// What a draft needs besides its objects.
#[derive(Debug, Clone)]
pub struct ReleaseDraft {
    /// Its id.
    pub id: Uuid,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Under which topic.
    pub topic: Topic,
    /// How fast.
    pub precedence: Precedence,
    /// Whether it is meant.
    pub status: Status,
    /// Words to the releaser.
    pub note: Option<String>,
}

/// A release.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Release {
    /// Its id.
    pub id: Uuid,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Under which topic.
    pub topic: Topic,
    /// How far it has come.
    pub state: ReleaseState,
    /// How fast.
    pub precedence: Precedence,
    /// Whether it is meant.
    pub status: Status,
    /// The account that drafted it.
    pub drafted_by: String,
    /// The account that released it.
    pub released_by: Option<String>,
    /// When it was drafted.
    pub created: Timestamp,
    /// When its state changed.
    pub changed: Timestamp,
    /// The statement that it became.
    pub statement: Option<StatementId>,
    /// The rule that decided.
    pub rule: Option<String>,
    /// What the rule says.
    pub message: Option<String>,
    /// How many items.
    pub items: u32,
    /// Bytes of them.
    pub bytes: u64,
    /// Words to the releaser.
    pub note: Option<String>,
}

/// One item of a release.
#[derive(Debug, Clone)]
pub struct ReleaseItem {
    /// Its index.
    pub index: u32,
    /// Id of the object.
    pub id: String,
    /// Its version.
    pub version: Option<String>,
    /// Its type.
    pub type_: String,
    /// The marking that holds.
    pub tlp: Option<Tlp>,
    /// Whether it was recalled.
    pub recalled: bool,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its bytes.
    pub body: Bytes,
}

pub(crate) fn read(row: &Row<'_>) -> Result<Release, Error> {
    Ok(Release {
        id: rows::term_opt(row, "id")?.ok_or(Error::Corrupt("a release"))?,
        agreement: rows::term(row, "agreement")?,
        topic: rows::term(row, "topic")?,
        state: rows::term(row, "state")?,
        precedence: rows::precedence(row, "precedence")?,
        status: rows::term(row, "status")?,
        drafted_by: row.get("drafted_by")?,
        released_by: row.get("released_by")?,
        created: rows::time(row, "created")?,
        changed: rows::time(row, "changed")?,
        statement: rows::term_opt(row, "statement")?,
        rule: row.get("rule")?,
        message: row.get("message")?,
        items: row.get("items")?,
        bytes: row.get("bytes")?,
        note: row.get("note")?,
    })
}

/// The columns of a release's items.
const ITEMS: &[(&str, Kind)] = &[
    ("idx", Kind::Int),
    ("row", Kind::Int),
    ("id", Kind::Bytes),
    ("version", Kind::Bytes),
    ("version_key", Kind::Bytes),
    ("type", Kind::Bytes),
    ("tlp", Kind::Int),
    ("communities", Kind::Bytes),
];

/// Writes a draft and its items.
pub(crate) fn draft(
    tx: &Tx<'_>,
    draft: &ReleaseDraft,
    account: &str,
    objects: &[(i64, &NewObject)],
    now: Timestamp,
) -> Result<Uuid, Error> {
    let key = draft.id.to_string();
    let bytes: usize = objects.iter().map(|(_, object)| object.body.len()).sum();
    tx.execute(
        "/* releases::draft */ INSERT INTO release VALUES
         (?1, ?2, ?3, 'drafted', ?4, ?5, ?6, NULL, ?7, ?7, NULL, NULL, NULL, ?8, ?9, ?10)",
        params![
            key,
            draft.agreement.to_string(),
            draft.topic.as_str(),
            rows::rank(draft.precedence),
            draft.status.word(),
            account,
            now.as_ms(),
            objects.len(),
            bytes,
            draft.note
        ],
    )?;
    let mut given = Given::new(ITEMS);
    let communities: Vec<_> =
        objects.iter().map(|(_, object)| rows::communities_column(&object.communities)).collect();
    for (index, ((row, object), communities)) in objects.iter().zip(&communities).enumerate() {
        let tlp = object.tlp.map_or(Value::Null, |tlp| Value::Int(tlp as i64));
        given.push([
            Value::count(index),
            Value::Int(*row),
            object.id.to_column(),
            object.version.to_column(),
            object.version_key.to_column(),
            object.type_.to_column(),
            tlp,
            communities.to_column(),
        ]);
    }
    let sql = "/* releases::draft */ INSERT INTO release_item
               SELECT ?1, g.idx, g.row, g.id, g.version, g.version_key, g.type, g.tlp, 0,
               g.communities
               FROM {given}";
    tx.execute_given(sql, params![key], &given)?;
    tx.leave(Work::Drafts);
    note(tx, &key, "release.drafted", account, now, "")?;
    Ok(draft.id)
}

fn note(
    tx: &Tx<'_>,
    release: &str,
    event: &str,
    actor: &str,
    now: Timestamp,
    detail: &str,
) -> Result<(), Error> {
    let line =
        journal::Line { release: Some(release), detail, ..journal::Line::new(now, actor, event) };
    journal::write(tx, &line)
}

impl Store {
    /// One release.
    pub async fn release(&self, id: Uuid) -> Result<Option<Release>, Error> {
        self.read(|tx| {
            let sql = "/* release */ SELECT * FROM release WHERE id = ?";
            tx.query_opt(sql, params![id.to_string()], read)
        })
    }

    /// Releases that wait for a second person, loudest first.
    pub async fn awaiting_release(&self, limit: u32) -> Result<Vec<Release>, Error> {
        self.read(|tx| {
            let sql =
                "/* awaiting_release */ SELECT * FROM release WHERE state = 'awaiting-release'
                       ORDER BY precedence, created LIMIT ?";
            tx.query(sql, params![limit], read)
        })
    }

    /// The items of a release, in order.
    pub async fn release_items(&self, id: Uuid) -> Result<Vec<ReleaseItem>, Error> {
        self.read(|tx| {
            let sql = "/* release_items */ SELECT i.*, b.digest, b.body FROM release_item i
                       JOIN blob b ON b.row = i.row WHERE i.release = ? ORDER BY i.idx";
            tx.query(sql, params![id.to_string()], |row| {
                Ok(ReleaseItem {
                    index: row.get("idx")?,
                    id: row.get("id")?,
                    version: row.get("version")?,
                    type_: row.get("type")?,
                    tlp: rows::tlp(row, "tlp")?,
                    recalled: row.get("recalled")?,
                    digest: rows::digest(row, "digest")?,
                    body: row.get::<Bytes>("body")?,
                })
            })
        })
    }

    /// Leases drafts that wait for a decision, loudest first, then oldest.
    pub async fn lease_drafted(&self, lane: Lane, limit: u32) -> Result<Vec<Release>, Error> {
        let (from, below) = lane.ranks();
        let drafted = self.read(|tx| {
            let sql = "/* lease_drafted */ SELECT id FROM release WHERE state = 'drafted'
                       AND precedence >= ? AND precedence < ? ORDER BY precedence, created LIMIT ?";
            tx.query(sql, params![from, below, limit], |row| {
                rows::term_opt::<Uuid>(row, "id")?.ok_or(Error::Corrupt("a release"))
            })
        })?;
        let mut leased = Vec::new();
        for id in drafted {
            leased.extend(self.lease_then(lease(id), |tx| {
                let sql = "/* lease_drafted */ SELECT * FROM release
                           WHERE id = ? AND state = 'drafted'";
                tx.query_opt(sql, params![id.to_string()], read)
            })?);
        }
        Ok(leased)
    }

    /// Gives a lease back.
    pub fn free_drafted(&self, id: Uuid) {
        self.free(&lease(id));
    }

    /// A second person must confirm.
    pub async fn await_release(&self, id: Uuid, rule: String, now: Timestamp) -> Result<(), Error> {
        self.write(move |tx| {
            let change = Change {
                state: ReleaseState::AwaitingRelease,
                rule: Some(&rule),
                message: None,
                by: None,
            };
            change.apply(tx, id, ReleaseState::Drafted, now)?;
            note(tx, &id.to_string(), "release.awaiting", "node", now, &rule)
        })
        .await
    }

    /// An article forbids it.
    pub async fn refuse_release(
        &self,
        id: Uuid,
        rule: String,
        message: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let change = Change {
                state: ReleaseState::Refused,
                rule: Some(&rule),
                message: Some(&message),
                by: None,
            };
            change.apply(tx, id, ReleaseState::Drafted, now)?;
            note(tx, &id.to_string(), "release.refused", "node", now, &rule)
        })
        .await
    }

    /// A releaser gives it back with a reason.
    pub async fn return_release(
        &self,
        id: Uuid,
        actor: String,
        reason: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let change = Change {
                state: ReleaseState::Returned,
                rule: None,
                message: Some(&reason),
                by: Some(&actor),
            };
            change.apply(tx, id, ReleaseState::AwaitingRelease, now)?;
            note(tx, &id.to_string(), "release.returned", &actor, now, "")
        })
        .await
    }

    /// A releaser confirms it; the decision is taken again with two names.
    pub async fn approve_release(
        &self,
        id: Uuid,
        actor: String,
        precedence: Option<Precedence>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let change = Change {
                state: ReleaseState::Drafted,
                rule: None,
                message: None,
                by: Some(&actor),
            };
            change.apply(tx, id, ReleaseState::AwaitingRelease, now)?;
            if let Some(precedence) = precedence {
                let sql = "/* approve_release */ UPDATE release SET precedence = ? WHERE id = ?";
                tx.execute(sql, params![rows::rank(precedence), id.to_string()])?;
            }
            tx.leave(Work::Drafts);
            note(tx, &id.to_string(), "release.approved", &actor, now, "")
        })
        .await
    }
}

fn lease(id: Uuid) -> String {
    format!("release/{id}")
}

/// A change of state that a decision makes.
struct Change<'a> {
    state: ReleaseState,
    rule: Option<&'a str>,
    message: Option<&'a str>,
    by: Option<&'a str>,
}

impl Change<'_> {
    fn apply(
        &self,
        tx: &Tx<'_>,
        id: Uuid,
        from: ReleaseState,
        now: Timestamp,
    ) -> Result<(), Error> {
        let changed = tx.execute(
            "/* releases::apply */ UPDATE release SET state = ?3, rule = coalesce(?4, rule),
                 message = ?5, released_by = coalesce(?6, released_by), changed = ?7
                 WHERE id = ?1 AND state = ?2",
            params![
                id.to_string(),
                from.word(),
                self.state.word(),
                self.rule,
                self.message,
                self.by,
                now.as_ms()
            ],
        )?;
        if changed == 0 {
            Err(Error::State(
                "the release is in another state",
                "look at what became of it meanwhile",
            ))
        } else {
            Ok(())
        }
    }
}

/// The release has become a statement.
pub(crate) fn sealed(
    tx: &Tx<'_>,
    id: Uuid,
    statement: StatementId,
    rules: &[String],
    now: Timestamp,
) -> Result<(), Error> {
    let changed = tx.execute(
        "/* releases::sealed */ UPDATE release SET state = 'sealed', statement = ?2, rule = ?3,
             message = NULL, changed = ?4 WHERE id = ?1 AND state = 'drafted'",
        params![id.to_string(), statement.to_string(), rules.join(" "), now.as_ms()],
    )?;
    if changed == 0 {
        Err(Error::State("the release is in another state", "look at what became of it meanwhile"))
    } else {
        Ok(())
    }
}

/// A recipient's node has it; the release is delivered once every recipient's has.
pub(crate) fn delivered(tx: &Tx<'_>, statement: StatementId, now: Timestamp) -> Result<(), Error> {
    tx.execute(
        "/* releases::delivered */ UPDATE release SET state = 'delivered', changed = ?2
         WHERE id = (SELECT release FROM statement WHERE id = ?1) AND state = 'sealed'
         AND NOT EXISTS (SELECT 1 FROM delivery WHERE statement = ?1 AND state = 'waiting')",
        params![statement.to_string(), now.as_ms()],
    )?;
    Ok(())
}

/// A recipient's receipt is here. A refusal shows at once; anything else once all have answered,
/// and then the worst of the answers.
pub(crate) fn receipted(tx: &Tx<'_>, statement: StatementId, now: Timestamp) -> Result<(), Error> {
    let sql = "/* releases::receipted */ SELECT outcome, code FROM delivery WHERE statement = ?";
    let answers: Vec<(Option<Outcome>, Option<String>)> =
        tx.query(sql, params![statement.to_string()], |row| {
            Ok((rows::term_opt(row, "outcome")?, row.get("code")?))
        })?;
    let Some((outcome, code)) = overall(&answers) else { return Ok(()) };
    let state = match outcome {
        Outcome::TakenIn => ReleaseState::TakenIn,
        Outcome::TakenInWithFindings => ReleaseState::TakenInWithFindings,
        Outcome::Quarantined => ReleaseState::Quarantined,
        Outcome::Refused => ReleaseState::RefusedByPartner,
    };
    tx.execute(
        "/* releases::receipted */ UPDATE release SET state = ?2, changed = ?3, message = ?4
         WHERE id = (SELECT release FROM statement WHERE id = ?1)
         AND state IN ('sealed', 'delivered', 'quarantined', 'taken-in-with-findings')",
        params![statement.to_string(), state.word(), now.as_ms(), code],
    )?;
    Ok(())
}

/// What all answers together come to, where that can be said. Outcomes stand in order, best first.
fn overall(answers: &[(Option<Outcome>, Option<String>)]) -> Option<(Outcome, Option<&str>)> {
    let worst = answers.iter().filter_map(|(outcome, code)| Some(((*outcome)?, code.as_deref())));
    let worst = worst.max_by_key(|(outcome, _)| *outcome)?;
    let complete = answers.iter().all(|(outcome, _)| outcome.is_some());
    (complete || worst.0 == Outcome::Refused).then_some(worst)
}

impl Store {
    /// Drafts the items of a release that came to nothing once more, as a release of its own.
    ///
    /// *Errors*: [`Error::State`] where the release is still on its way or was taken in.
    pub async fn draft_again(
        &self,
        of: Uuid,
        id: Uuid,
        agreement: AgreementId,
        actor: String,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |tx| {
            let (before, key) = (of.to_string(), id.to_string());
            let added = tx.execute(
                "/* draft_again */ INSERT INTO release
                 SELECT ?2, ?3, topic, 'drafted', precedence, status, ?4, NULL, ?5, ?5, NULL, NULL,
                 NULL, items, bytes, note FROM release WHERE id = ?1
                 AND state IN ('refused', 'returned', 'refused-by-partner') ON CONFLICT DO NOTHING",
                params![before, key, agreement.to_string(), actor, now.as_ms()],
            )?;
            if added == 0 {
                return Err(Error::State(
                    "only a release that was refused or returned is drafted again",
                    "look at its state, or post its objects as a new release",
                ));
            }
            tx.execute(
                "/* draft_again */ INSERT INTO release_item
                 SELECT ?2, idx, row, id, version, version_key, type, tlp, 0, communities
                 FROM release_item WHERE release = ?1",
                params![before, key],
            )?;
            tx.leave(Work::Drafts);
            note(tx, &key, "release.drafted", &actor, now, &format!("again, after {before}"))?;
            note(tx, &before, "release.drafted-again", &actor, now, &key)
        })
        .await
    }
}
