//! Statements: numbered, signed, logged and queued in one transaction.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{
    agreement::Permit,
    statement::{Address, Sealed, Signed},
    terms::{
        AgreementId, Digest, NodeName, Outcome, PartyStanding, Precedence, RecallAnswer,
        StatementId, StatementType, Timestamp, Topic,
    },
};

use uuid::Uuid;

use crate::{
    Acknowledged, Error, Store, TopicSpec, Work, acknowledgements, agreements, journal, ledger,
    params, recalls, releases, rows, standing,
    tx::{Row, Tx},
};

rows::words!(
    /// How far a statement has come with one recipient.
    StatementState {
        /// In the outbox.
        Waiting = "waiting",
        /// The partner's node has it.
        Delivered = "delivered",
        /// The partner's receipt is here.
        Receipted = "receipted",
    }
);

/// Signs a statement once its numbers are given; called inside the transaction.
pub type Signer =
    Arc<dyn Fn(&Sealed, &[Address]) -> Result<Signed, protocol::statement::Error> + Send + Sync>;

/// A statement that is about to leave. It demands a [`Permit`], which only a decision makes.
pub struct NewStatement {
    /// The decision.
    pub permit: Arc<Permit>,
    /// What was sealed.
    pub sealed: Arc<Sealed>,
    /// Its type.
    pub type_: StatementType,
    /// Under which topic.
    pub topic: Option<Topic>,
    /// Who is to have it.
    pub to: Vec<NodeName>,
    /// How fast.
    pub precedence: Precedence,
    /// What it answers.
    pub re: Vec<StatementId>,
    /// What else changes with it.
    pub effect: OutEffect,
}

/// What else changes when a statement leaves.
#[derive(Debug, Clone)]
pub enum OutEffect {
    /// The release is sealed.
    Release(Uuid),
    /// Nothing.
    Receipt,
    /// The recall is issued.
    Recall {
        /// Which.
        recall: Uuid,
    },
    /// The partner's recall is answered.
    RecallAnswer {
        /// Which.
        recall: StatementId,
        /// How.
        answer: RecallAnswer,
    },
    /// This node has signed an agreement.
    Agreement {
        /// Which.
        id: AgreementId,
        /// This node.
        by: NodeName,
        /// The collections it needs.
        topics: Vec<TopicSpec>,
        /// The agreement that it takes the place of.
        supersedes: Option<AgreementId>,
    },
    /// This node suspends, resumes or ends an agreement.
    Standing {
        /// Which.
        id: AgreementId,
        /// This node.
        by: NodeName,
        /// How it stands to it.
        standing: PartyStanding,
        /// Why.
        reason: String,
    },
    /// A person here has seen a partner's statement; refused where another one was first.
    Acknowledgement {
        /// Which statement.
        of: StatementId,
        /// Who has seen it.
        account: String,
    },
    /// A key statement is told.
    Keys,
}

/// A statement as it is kept.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Statement {
    /// Its id.
    pub id: StatementId,
    /// Whether it left here.
    pub out: bool,
    /// Its sender, when it came in.
    pub partner: Option<NodeName>,
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Its type, when it could be opened.
    pub kind: Option<StatementType>,
    /// Under which topic.
    pub topic: Option<Topic>,
    /// How fast.
    pub precedence: Precedence,
    /// Bytes of its sealed payload.
    pub bytes: u64,
    /// When it left or came.
    pub at: Timestamp,
    /// What became of it, here.
    pub outcome: Option<Outcome>,
    /// With which code.
    pub code: Option<String>,
    /// The release it came from.
    pub release: Option<Uuid>,
    /// How far it came with each recipient.
    pub deliveries: Vec<Delivery>,
}

/// How far a statement came with one recipient.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Delivery {
    /// Who.
    pub partner: NodeName,
    /// Its number in the pair.
    pub number: u64,
    /// How far.
    pub state: StatementState,
    /// Tries so far.
    pub attempts: u32,
    /// Why the last one failed.
    pub last_error: Option<String>,
    /// What the receipt says.
    pub outcome: Option<Outcome>,
    /// With which code.
    pub code: Option<String>,
    /// Which person there has seen it.
    pub acknowledged: Option<Acknowledged>,
}

pub(crate) fn read(row: &Row<'_>) -> Result<Statement, Error> {
    Ok(Statement {
        id: rows::term(row, "id")?,
        out: row.get("out")?,
        partner: rows::term_opt(row, "partner")?,
        agreement: rows::term(row, "agreement")?,
        kind: rows::term_opt(row, "type")?,
        topic: rows::term_opt(row, "topic")?,
        precedence: rows::precedence(row, "precedence")?,
        bytes: row.get("bytes")?,
        at: rows::time(row, "at")?,
        outcome: rows::term_opt(row, "outcome")?,
        code: row.get("code")?,
        release: rows::term_opt(row, "release")?,
        deliveries: Vec::new(),
    })
}

pub(crate) fn with_deliveries(tx: &Tx<'_>, mut statement: Statement) -> Result<Statement, Error> {
    let sql = "/* with_deliveries */ SELECT d.*, a.officer, a.at AS seen_at, a.told
               FROM delivery d LEFT JOIN acknowledged a
               ON a.statement = d.statement AND a.partner = d.partner
               WHERE d.statement = ? ORDER BY d.partner";
    statement.deliveries = tx.query(sql, params![statement.id.to_string()], |row| {
        Ok(Delivery {
            partner: rows::term(row, "partner")?,
            number: row.get("number")?,
            state: rows::term(row, "state")?,
            attempts: row.get("attempts")?,
            last_error: row.get("last_error")?,
            outcome: rows::term_opt(row, "outcome")?,
            code: row.get("code")?,
            acknowledged: acknowledgements::read(row)?,
        })
    })?;
    Ok(statement)
}

impl Store {
    /// Numbers, signs, logs and queues statements, with what else changes.
    ///
    /// *Atomicity*: numbers, statements, outbox rows, leaves and effects are one transaction; a
    /// refused or rolled back one uses no number.
    pub async fn commit_statements(
        &self,
        statements: Vec<NewStatement>,
        signer: Signer,
        now: Timestamp,
        actor: String,
    ) -> Result<Vec<StatementId>, Error> {
        let items = |new: &NewStatement| new.sealed.item_commitments().len();
        self.write_rows(statements.iter().map(items).sum(), move |tx| {
            statements.iter().map(|new| commit(tx, new, &signer, now, &actor)).collect()
        })
        .await
    }

    /// One statement.
    pub async fn statement(&self, id: &StatementId) -> Result<Option<Statement>, Error> {
        self.read(|tx| {
            let sql = "/* statement */ SELECT * FROM statement WHERE id = ?";
            let found = tx.query_opt(sql, params![id.to_string()], read)?;
            found.map(|statement| with_deliveries(tx, statement)).transpose()
        })
    }

    /// Statements before a moment, newest first.
    pub async fn statements_before(
        &self,
        before: Timestamp,
        limit: u32,
    ) -> Result<Vec<Statement>, Error> {
        self.read(|tx| {
            let sql = "/* statements_before */ SELECT * FROM statement WHERE at < ?
                       ORDER BY at DESC, id DESC LIMIT ?";
            let found: Vec<_> = tx.query(sql, params![before.as_ms(), limit], read)?;
            found.into_iter().map(|statement| with_deliveries(tx, statement)).collect()
        })
    }

    /// Seed and item commitments of a statement, for proving single items.
    pub async fn openings(
        &self,
        id: &StatementId,
    ) -> Result<Option<(Bytes, [u8; 32], Vec<Digest>)>, Error> {
        self.read(|tx| {
            let sql =
                "/* openings */ SELECT manifest, seed, commitments FROM statement WHERE id = ?";
            let found = tx.query_opt(sql, params![id.to_string()], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?;
            let Some(found) = found else { return Ok(None) };
            let (manifest, seed, flat): (Vec<u8>, Option<Vec<u8>>, Vec<u8>) = found;
            let Some(seed) = seed.and_then(|seed| seed.try_into().ok()) else { return Ok(None) };
            let commitments = flat.as_chunks::<32>().0.iter().copied().map(Digest).collect();
            Ok(Some((Bytes::from(manifest), seed, commitments)))
        })
    }
}

/// One statement, inside a transaction: the heart of the way out.
pub(crate) fn commit(
    tx: &Tx<'_>,
    new: &NewStatement,
    signer: &Signer,
    now: Timestamp,
    actor: &str,
) -> Result<StatementId, Error> {
    let agreement = new.permit.agreement();
    let addresses = new
        .to
        .iter()
        .map(|to| next_address(tx, to, agreement))
        .collect::<Result<Vec<_>, Error>>()?;
    let signed = signer(&new.sealed, &addresses).map_err(Error::Sign)?;
    let id = signed.id();
    insert(tx, new, &signed, agreement, now)?;
    for (address, (_, slip)) in addresses.iter().zip(signed.slips()) {
        queue(tx, new, id, address, slip, now)?;
    }
    ledger::append(tx, signed.manifest(), Some(id))?;
    effect(tx, new, id, now)?;
    let event = format!("{}.sealed", new.type_);
    let release = match &new.effect {
        OutEffect::Release(release) => Some(release.to_string()),
        _ => None,
    };
    let partner = match new.to.as_slice() {
        [partner] => Some(partner),
        _ => None,
    };
    let line = journal::Line {
        partner,
        statement: Some(id),
        release: release.as_deref(),
        ..journal::Line::new(now, actor, &event)
    };
    journal::write(tx, &line)?;
    Ok(id)
}

fn next_address(tx: &Tx<'_>, to: &NodeName, agreement: AgreementId) -> Result<Address, Error> {
    let last = tx.query_opt(
        "/* next_address */ SELECT number, statement FROM pair
         WHERE partner = ? AND agreement = ? AND out = 1 ORDER BY number DESC LIMIT 1",
        params![to.as_str(), agreement.to_string()],
        |row| {
            let number: u64 = row.get("number")?;
            let id: StatementId = rows::term(row, "statement")?;
            Ok::<_, Error>((number, id.0))
        },
    )?;
    let (number, prev) = last.unwrap_or((0, Digest::ZERO));
    Ok(Address { to: to.clone(), agreement, number: number + 1, prev })
}

fn insert(
    tx: &Tx<'_>,
    new: &NewStatement,
    signed: &Signed,
    agreement: AgreementId,
    now: Timestamp,
) -> Result<(), Error> {
    let key = signed.id().to_string();
    let release = match &new.effect {
        OutEffect::Release(release) => Some(release.to_string()),
        _ => None,
    };
    tx.execute(
        "/* statements::insert */ INSERT INTO statement VALUES
         (?, 1, NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?, ?)",
        params![
            key,
            agreement.to_string(),
            new.type_.word(),
            new.topic.as_ref().map(Topic::as_str),
            rows::rank(new.precedence),
            &signed.manifest()[..],
            &new.sealed.header()[..],
            new.sealed.seed(),
            flat(new.sealed.item_commitments()),
            new.sealed.payload().len(),
            now.as_ms(),
            release,
            joined(&new.re)
        ],
    )?;
    tx.execute(
        "/* statements::insert */ INSERT INTO payload VALUES (?, ?)",
        params![key, &new.sealed.payload()[..]],
    )?;
    Ok(())
}

pub(crate) fn flat(digests: &[Digest]) -> Vec<u8> {
    digests.iter().flat_map(|digest| digest.0).collect()
}

pub(crate) fn joined(ids: &[StatementId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

fn queue(
    tx: &Tx<'_>,
    new: &NewStatement,
    id: StatementId,
    address: &Address,
    slip: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    let (key, agreement) = (id.to_string(), address.agreement.to_string());
    tx.execute(
        "/* statements::queue */ INSERT INTO pair VALUES (?, ?, 1, ?, ?)",
        params![address.to.as_str(), agreement, address.number, key],
    )?;
    tx.execute(
        "/* statements::queue */ INSERT INTO delivery VALUES
         (?, ?, ?, ?, ?, ?, ?, 'waiting', 0, ?, NULL, NULL, NULL, NULL, NULL)",
        params![
            key,
            address.to.as_str(),
            agreement,
            address.number,
            slip,
            rows::rank(new.precedence),
            new.type_.word(),
            now.as_ms()
        ],
    )?;
    tx.leave(Work::Outbox);
    Ok(())
}

fn effect(tx: &Tx<'_>, new: &NewStatement, id: StatementId, now: Timestamp) -> Result<(), Error> {
    match &new.effect {
        OutEffect::Release(release) => releases::sealed(tx, *release, id, new.permit.rules(), now),
        OutEffect::Receipt | OutEffect::Keys => Ok(()),
        OutEffect::Acknowledgement { of, account } => {
            if acknowledgements::seen_here(tx, of, account, now)? {
                return Ok(());
            }
            Err(Error::State("somebody has acknowledged it already", "nothing is left to do"))
        }
        OutEffect::Recall { recall } => recalls::issued(tx, *recall, id),
        OutEffect::RecallAnswer { recall, answer } => recalls::answered(tx, *recall, *answer),
        OutEffect::Agreement { id: agreement, by, topics, supersedes } => {
            let signature =
                agreements::Signature { by, statement: id, topics, supersedes: *supersedes };
            agreements::sign(tx, *agreement, &signature, now)
        }
        OutEffect::Standing { id: agreement, by, standing, reason } => {
            standing::change(tx, *agreement, by, (*standing, reason), now)
        }
    }
}
