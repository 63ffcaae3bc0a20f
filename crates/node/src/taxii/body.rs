//! Bodies of requests: read at a pace, decoded, counted while they grow.

use std::{
    io::{self, Write},
    time::Duration,
};

use axum::{
    body::Body,
    http::{StatusCode, header, request::Parts},
};
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout_at};

use super::{
    Budget, CONTENT_LEN_MAX, Fault,
    budget::Hold,
    negotiate::{self, Encoding},
};
use crate::config::Pace;

/// A body may take a second more for each so many bytes that came.
const BYTES_A_SECOND: usize = 16 * 1024;
/// The window of a zstd frame, as RFC 9659 bounds it for HTTP: 8 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// A body, with its share of the budget.
pub(super) struct Received {
    pub(super) bytes: Bytes,
    /// Given back once the body has been dealt with.
    _hold: Hold,
}

/// Reads the body of a POST.
///
/// *Errors*: 415 for a foreign type or encoding; 413 by Content-Length before anything is read,
/// else while decoding; 503 beyond the budget; 408 when it comes too slowly; 400 when it breaks
/// off.
pub(super) async fn receive(
    parts: &Parts,
    body: &mut Body,
    (budget, pace): (&Budget, Pace),
) -> Result<Received, Fault> {
    negotiate::check_content_type(&parts.headers)?;
    let encoding = Encoding::of_content(&parts.headers)?;
    let announced = announced(parts);
    if announced > CONTENT_LEN_MAX {
        return Err(too_large());
    }
    let mut decoder = Decoder::new(encoding, announced, budget)?;
    let [still, whole] = [pace.body_still_ms, pace.body_ms].map(Duration::from_millis);
    let (start, mut came) = (Instant::now(), 0);
    loop {
        let more = Duration::from_secs((came / BYTES_A_SECOND).try_into().unwrap_or(u64::MAX));
        let until = (start + whole + more).min(Instant::now() + still);
        let frame = timeout_at(until, body.frame()).await.map_err(|_| too_slow())?;
        let Some(frame) = frame else { break };
        let Ok(chunk) = frame.map_err(|_| broken("breaks off"))?.into_data() else { continue };
        came += chunk.len();
        decoder.push(&chunk)?;
    }
    decoder.finish()
}

fn announced(parts: &Parts) -> usize {
    let length = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    length.and_then(|text| text.parse().ok()).unwrap_or_default()
}

fn too_large() -> Fault {
    let title = format!("the body is larger than max_content_length, {CONTENT_LEN_MAX} octets");
    let remedy = "send the objects in several envelopes";
    Fault::new(StatusCode::PAYLOAD_TOO_LARGE, "TAXII-4.2.1", title, remedy)
}

fn too_slow() -> Fault {
    let title = "the body comes too slowly";
    Fault::new(StatusCode::REQUEST_TIMEOUT, "LIMIT-3", title, "send smaller envelopes")
}

fn broken(problem: &str) -> Fault {
    let title = format!("the body {problem}");
    Fault::new(StatusCode::BAD_REQUEST, "TAXII-5.5", title, "send it again, whole")
}

/// Bytes that may outgrow neither the limit nor the share of the budget: both are asked before
/// memory is, so that a small body which decodes to a large one is stopped on the way.
struct Bounded {
    bytes: Vec<u8>,
    hold: Hold,
    overhead: usize,
    problem: Option<fn() -> Fault>,
}

impl Bounded {
    fn new(budget: &Budget, announced: usize, overhead: usize) -> Result<Self, Fault> {
        // What is announced is not trusted with memory beyond a first share.
        let first = announced.clamp(1_024, 64 * 1_024);
        let hold = budget.hold(first + overhead).ok_or_else(Fault::busy)?;
        Ok(Self { bytes: Vec::with_capacity(first), hold, overhead, problem: None })
    }

    fn refuse(&mut self, problem: fn() -> Fault) -> io::Result<usize> {
        self.problem = Some(problem);
        Err(io::ErrorKind::FileTooLarge.into())
    }
}

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.bytes.len() + bytes.len();
        if len > CONTENT_LEN_MAX {
            return self.refuse(too_large);
        }
        if len > self.bytes.capacity() {
            let capacity = (self.bytes.capacity() * 2).clamp(len, CONTENT_LEN_MAX);
            if !self.hold.grow(capacity + self.overhead) {
                return self.refuse(Fault::busy);
            }
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Frames of zstd, decoded as they come.
type Frames = zstd::stream::zio::Writer<Bounded, zstd::stream::raw::Decoder<'static>>;

enum Decoder {
    Plain(Bounded),
    Gzip(Box<MultiGzDecoder<Bounded>>),
    /// The writer that knows whether a frame is whole.
    Zstd(Box<Frames>),
}

impl Decoder {
    fn new(encoding: Encoding, announced: usize, budget: &Budget) -> Result<Self, Fault> {
        let overhead = if encoding == Encoding::Zstd { 1 << ZSTD_WINDOW_LOG_MAX } else { 0 };
        let out = Bounded::new(budget, announced, overhead)?;
        Ok(match encoding {
            Encoding::Plain => Self::Plain(out),
            Encoding::Gzip => Self::Gzip(Box::new(MultiGzDecoder::new(out))),
            Encoding::Zstd => {
                let decoder = zstd::stream::raw::Decoder::new();
                let mut decoder = decoder.map_err(|_| Fault::busy())?;
                let window = zstd::zstd_safe::DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX);
                decoder.set_parameter(window).map_err(|_| Fault::busy())?;
                Self::Zstd(Box::new(Frames::new(out, decoder)))
            }
        })
    }

    fn out(&self) -> &Bounded {
        match self {
            Self::Plain(out) => out,
            Self::Gzip(decoder) => decoder.get_ref(),
            Self::Zstd(decoder) => decoder.writer(),
        }
    }

    fn judge(&self, done: io::Result<()>) -> Result<(), Fault> {
        match done {
            Ok(()) => Ok(()),
            Err(_) => {
                Err(self.out().problem.map_or_else(|| broken("does not decode"), |why| why()))
            }
        }
    }

    fn push(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        let done = match self {
            Self::Plain(out) => out.write_all(chunk),
            Self::Gzip(decoder) => decoder.write_all(chunk),
            Self::Zstd(decoder) => decoder.write_all(chunk),
        };
        self.judge(done)
    }

    /// What was decoded; an encoding that breaks off is an error.
    fn finish(mut self) -> Result<Received, Fault> {
        let done = match &mut self {
            Self::Plain(_) => Ok(()),
            Self::Gzip(decoder) => decoder.try_finish(),
            Self::Zstd(decoder) => decoder.finish(),
        };
        self.judge(done)?;
        let out = match self {
            Self::Plain(out) => out,
            Self::Gzip(decoder) => decoder.finish().map_err(|_| broken("does not decode"))?,
            Self::Zstd(decoder) => decoder.into_inner().0,
        };
        Ok(Received { bytes: out.bytes.into(), _hold: out.hold })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zstd_that_breaks_off_is_no_body() {
        let budget = Budget::new(64 * 1024);
        let whole = zstd::bulk::compress(b"{\"objects\":[]}", 1).unwrap();
        let decode = |bytes: &[u8]| {
            let mut decoder = Decoder::new(Encoding::Zstd, bytes.len(), &budget)?;
            decoder.push(bytes)?;
            decoder.finish().map(|received| received.bytes)
        };
        assert_eq!(decode(&whole).unwrap().as_ref(), b"{\"objects\":[]}");
        for len in 1..whole.len() {
            assert!(decode(&whole[..len]).is_err(), "{len} bytes of it");
        }
    }
}
