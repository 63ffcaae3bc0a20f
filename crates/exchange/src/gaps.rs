//! Missing numbers: a gap that stays open is asked for, and what a partner misses is handed out
//! again as long as it lies here sealed.
//!
//! *Source*: statement format, section 2.3.

use bytes::{Bytes, BytesMut};
use protocol::terms::{AgreementId, NodeName, Timestamp, limits};
use store::{Gap, Put, Route};

use crate::{
    Failure, Service, Step, intake,
    relay::{self, Link},
};

/// Media type of several envelopes in one answer.
pub const MEDIA_TYPE: &str = "application/vnd.detente.envelopes";
/// A gap that is younger may only be a FLASH that overtook bulk.
const PATIENCE_MS: u64 = 5_000;
/// Envelopes of one answer.
const ROWS_MAX: u32 = 64;
/// Bytes of one answer, but for the first envelope.
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// Asks partners for the numbers that have been missing for a while.
///
/// *Atomicity*: each envelope is taken to the inbox on its own; it may run twice.
pub async fn step(service: &Service, link: &impl Link, now: Timestamp) -> Result<Step, Failure> {
    let mut new = 0;
    for gap in service.open_gaps(service.store().gaps().await?, now, PATIENCE_MS) {
        new += ask(service, link, &gap, now).await?;
    }
    Ok(Step::of(new))
}

async fn ask(
    service: &Service,
    link: &impl Link,
    gap: &Gap,
    now: Timestamp,
) -> Result<usize, Failure> {
    let Some(partner) = service.store().partner(&gap.partner).await? else { return Ok(0) };
    if partner.url.is_none() {
        return Ok(0);
    }
    let Ok(envelopes) = link.missing(&partner, &gap.agreement, gap.after).await else {
        return Ok(0);
    };
    let mut new = 0;
    for envelope in envelopes {
        match intake::accept(service, envelope, Route::Link, Some(&gap.partner), now).await {
            Ok(Put::New) => new += 1,
            // Known already, or refused as at the door: the gap stays, and is shown.
            Ok(Put::SameAgain) | Err(intake::AcceptError::Refused(_)) => {}
            Err(intake::AcceptError::WrongPeer) => {}
            Err(intake::AcceptError::Failure(failure)) => return Err(failure),
        }
    }
    Ok(new)
}

/// What went to a partner after a number and is still here: several envelopes, length-framed.
pub async fn answer(
    service: &Service,
    partner: &NodeName,
    agreement: &AgreementId,
    after: u64,
) -> Result<Bytes, Failure> {
    let rows = service.store().sent_after(partner, agreement, after, ROWS_MAX).await?;
    let mut out = BytesMut::new();
    for row in &rows {
        let envelope = relay::envelope(row);
        if !out.is_empty() && out.len() + envelope.len() > BYTES_MAX {
            break;
        }
        out.extend_from_slice(format!("envelope {}\n", envelope.len()).as_bytes());
        out.extend_from_slice(&envelope);
        out.extend_from_slice(b"\n");
    }
    Ok(out.freeze())
}

/// Takes an answer apart; `None` when its framing is broken.
pub fn parse(answer: &Bytes) -> Option<Vec<Bytes>> {
    let mut envelopes = Vec::new();
    let mut at = 0;
    while at < answer.len() {
        let rest = answer.get(at..)?;
        let line = rest.iter().take(32).position(|byte| *byte == b'\n')?;
        let words = std::str::from_utf8(rest.get(..line)?).ok()?;
        let len: usize = words.strip_prefix("envelope ")?.parse().ok()?;
        if len > limits::ENVELOPE_LEN_MAX || envelopes.len() >= ROWS_MAX as usize {
            return None;
        }
        let from = at + line + 1;
        let end = from.checked_add(len)?;
        if answer.get(end) != Some(&b'\n') {
            return None;
        }
        envelopes.push(answer.slice(from..end));
        at = end + 1;
    }
    Some(envelopes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_envelopes_read_back_and_a_broken_frame_is_refused() {
        let framed = Bytes::from_static(b"envelope 3\nabc\nenvelope 0\n\nenvelope 1\nd\n");
        let read = parse(&framed).unwrap();
        assert_eq!(read, [Bytes::from_static(b"abc"), Bytes::new(), Bytes::from_static(b"d")]);
        assert_eq!(parse(&Bytes::new()), Some(Vec::new()));
        for end in 1..framed.len() {
            let whole = [15, 27].contains(&end);
            assert_eq!(parse(&framed.slice(..end)).is_some(), whole, "{end}");
        }
        assert_eq!(parse(&Bytes::from_static(b"envelope 99999999999999999999\n")), None);
    }
}
