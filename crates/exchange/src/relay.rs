//! Outbox to partner: lease rows, send by the link, mark what happened (step 8).

use std::future::Future;

use bytes::Bytes;
use futures_util::future::join_all;
use protocol::{
    envelope::Envelope,
    terms::{AgreementId, NodeName, Timestamp},
};
use store::{Lane, OutboxRow, Partner};

use crate::{Failure, Service, Step};

/// Rows sent at once by one step: keeps a link busy without holding much in memory.
const ROWS_PER_STEP: u32 = 8;
/// The first wait after a failure; it doubles up to [`RETRY_MS_MAX`].
const RETRY_MS_MIN: i64 = 200;
/// The longest wait between two tries of one row.
const RETRY_MS_MAX: i64 = 30_000;

/// Why a partner could not be reached or did not take something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// No route, no answer, no handshake: try again later.
    #[error("the partner cannot be reached")]
    Unreachable,
    /// The partner is there and asks for patience.
    #[error("the partner is busy")]
    Busy,
    /// The partner does not accept it; the code is ours or one of the standard's.
    #[error("the partner did not accept it ({code})")]
    NotAccepted {
        /// HTTP status or refusal code.
        code: String,
    },
    /// What came back is not what the protocol says.
    #[error("the partner's answer is malformed")]
    Malformed,
}

/// A ledger's checkpoint with the proof that it continues an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CheckpointAnswer {
    /// The signed checkpoint.
    pub note: String,
    /// RFC 6962 consistency proof from the size asked for, base64 hashes.
    pub consistency: Vec<String>,
}

/// The way to a partner: real sockets in the node, a simulated network in test worlds.
pub trait Link: Send + Sync {
    /// Hands over one envelope; `Ok` once the partner has it durable.
    fn send(
        &self,
        to: &Partner,
        lane: Lane,
        envelope: Bytes,
    ) -> impl Future<Output = Result<(), LinkError>> + Send;

    /// Asks for the partner's last checkpoint, proven against the tree of size `since`.
    fn checkpoint(
        &self,
        to: &Partner,
        since: u64,
    ) -> impl Future<Output = Result<CheckpointAnswer, LinkError>> + Send;

    /// Asks for what the partner sent under an agreement after a number.
    fn missing(
        &self,
        to: &Partner,
        agreement: &AgreementId,
        after: u64,
    ) -> impl Future<Output = Result<Vec<Bytes>, LinkError>> + Send;
}

/// Sends what is due in one lane, loudest first.
///
/// *Atomicity*: a row is marked in its own transaction after the partner answered; a crash in
/// between sends it again, and the partner takes it in once.
pub async fn step(
    service: &Service,
    link: &impl Link,
    lane: Lane,
    now: Timestamp,
) -> Result<Step, Failure> {
    let rows = service.store().lease_outbox(now, lane, ROWS_PER_STEP).await?;
    let sent = join_all(rows.iter().map(|row| send(service, link, lane, row, now))).await;
    sent.into_iter().collect::<Result<Vec<()>, Failure>>()?;
    Ok(Step::of(rows.len()))
}

async fn send(
    service: &Service,
    link: &impl Link,
    lane: Lane,
    row: &OutboxRow,
    now: Timestamp,
) -> Result<(), Failure> {
    let store = service.store();
    let partner = store.partner(&row.partner).await?;
    let outcome = match &partner {
        // No address: the courier is the only route, so the row waits without being counted late.
        Some(partner) if partner.url.is_some() => link.send(partner, lane, envelope(row)).await,
        _ => Err(LinkError::Unreachable),
    };
    match outcome {
        Ok(()) => {
            store.outbox_delivered(row.statement, row.partner.clone(), now).await?;
            heard(service, &row.partner, partner.as_ref(), now).await?;
        }
        Err(error) => {
            let retry_at = now.plus_ms(retry_after_ms(row.attempts));
            store
                .outbox_failed(
                    row.statement,
                    row.partner.clone(),
                    error.code().to_owned(),
                    retry_at,
                )
                .await?;
            if partner.is_some_and(|partner| partner.last_error.as_deref() != Some(error.code())) {
                store
                    .partner_contact(row.partner.clone(), Some(error.code().to_owned()), now)
                    .await?;
            }
        }
    }
    Ok(())
}

/// Notes that a partner answered, and lets everything that waited for it go at once.
async fn heard(
    service: &Service,
    name: &NodeName,
    known: Option<&Partner>,
    now: Timestamp,
) -> Result<(), Failure> {
    let fresh = known.and_then(|partner| partner.last_contact);
    let was_down = known.is_some_and(|partner| partner.last_error.is_some());
    if was_down {
        service.store().outbox_due(name.clone(), now).await?;
    }
    if was_down || fresh.is_none_or(|last| now.since_ms(last) > CONTACT_NOTE_MS) {
        service.store().partner_contact(name.clone(), None, now).await?;
    }
    Ok(())
}

/// A partner's last contact is noted at most this often: it is for people's eyes.
const CONTACT_NOTE_MS: u64 = 1_000;

pub(crate) fn envelope(row: &OutboxRow) -> Bytes {
    let parts = Envelope {
        manifest: row.manifest.clone(),
        slip: row.slip.clone(),
        payload: row.payload.clone(),
        proof: None,
    };
    parts.to_bytes()
}

fn retry_after_ms(attempts: u32) -> i64 {
    RETRY_MS_MIN.saturating_mul(1 << attempts.min(10)).min(RETRY_MS_MAX)
}

impl LinkError {
    /// The word that stands in rows and pages.
    pub fn code(&self) -> &str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Busy => "busy",
            Self::NotAccepted { code } => code,
            Self::Malformed => "answer-malformed",
        }
    }
}

/// A partner made itself heard at our door: what waited for it goes at once.
pub async fn partner_heard(
    service: &Service,
    name: &NodeName,
    now: Timestamp,
) -> Result<(), Failure> {
    let partner = service.store().partner(name).await?;
    heard(service, name, partner.as_ref(), now).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_doubles_and_stays_bounded() {
        let waits: Vec<_> = (0..12).map(retry_after_ms).collect();
        assert_eq!(waits[..3], [200, 400, 800]);
        assert_eq!(waits[11], RETRY_MS_MAX);
    }
}
