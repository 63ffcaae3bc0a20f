//! Answers: one buffer, its headers, compressed where asked for, 304 where the client holds it.

use std::io::Write as _;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use protocol::secrets;
use serde::Serialize;

use super::{
    Budget, Fault, MEDIA_TYPE,
    budget::Hold,
    negotiate::{self, Encoding},
    query,
};

const DATE_ADDED_FIRST: HeaderName = HeaderName::from_static("x-taxii-date-added-first");
const DATE_ADDED_LAST: HeaderName = HeaderName::from_static("x-taxii-date-added-last");
const VARY: HeaderValue = HeaderValue::from_static("Accept, Accept-Encoding, Authorization");
/// Below this, compressing costs more than it saves.
const COMPRESSED_LEN_MIN: usize = 1_024;
/// Above this, a body counts towards what is under way.
const COUNTED_LEN_MIN: usize = 64 * 1024;

/// An answer, before it is dressed for the wire.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) kind: &'static str,
    pub(super) headers: HeaderMap,
    body: Vec<u8>,
    tag: Tag,
}

/// What an entity tag tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tag {
    /// There is none.
    None,
    /// The bytes of the body.
    Body,
    /// The one entry that the body holds, by its date: its bytes never change.
    Entry(i64),
}

impl Answer {
    pub(super) fn new(status: StatusCode, body: Vec<u8>) -> Self {
        Self { status, kind: MEDIA_TYPE, headers: HeaderMap::new(), body, tag: Tag::None }
    }

    /// A resource of the standard, as JSON.
    pub(super) fn json(status: StatusCode, resource: &impl Serialize) -> Result<Self, Fault> {
        let body = serde_json::to_vec(resource).map_err(|_| store::Error::Corrupt("a resource"))?;
        Ok(Self::new(status, body))
    }

    /// With an entity tag, so that a client may ask whether it changed.
    pub(super) fn tagged(mut self) -> Self {
        self.tag = Tag::Body;
        self
    }

    /// The same for one entry, by its date, in microseconds.
    pub(super) fn tagged_by_entry(mut self, date: i64) -> Self {
        self.tag = Tag::Entry(date);
        self
    }

    /// With the dates of the first and the last entry, in microseconds (3.2).
    pub(super) fn dated(mut self, (first, last): (i64, i64)) -> Self {
        for (name, date) in [(DATE_ADDED_FIRST, first), (DATE_ADDED_LAST, last)] {
            // A date is ASCII.
            if let Ok(value) = HeaderValue::from_str(&query::date(date)) {
                self.headers.insert(name, value);
            }
        }
        self
    }

    /// The response to a request with these headers.
    pub(super) fn finish(mut self, asked: &HeaderMap, budget: &Budget) -> Response {
        let len = self.body.len();
        let mut hold = None;
        if len > COUNTED_LEN_MIN {
            hold = budget.hold(len);
            if hold.is_none() {
                self = Fault::busy().answer(asked);
            }
        }
        let is_tagged = self.tag != Tag::None;
        let cache = if is_tagged { "private, no-cache" } else { "no-store" };
        self.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        self.headers.insert(header::VARY, VARY);
        self.headers.insert(header::SERVER, HeaderValue::from_static("detente"));
        if is_tagged {
            self.tag(asked);
        }
        if !matches!(self.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            self.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
            self.encode(asked);
        }
        let mut response = Response::new(body(self.body, hold));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }

    fn tag(&mut self, asked: &HeaderMap) {
        let short = match self.tag {
            Tag::Entry(date) => URL_SAFE_NO_PAD.encode(date.to_be_bytes()),
            _ => {
                let digest = secrets::sha256(&self.body);
                let short = digest.0.first_chunk::<12>().copied().unwrap_or_default();
                URL_SAFE_NO_PAD.encode(short)
            }
        };
        let tag = format!("W/\"{short}\"");
        if negotiate::is_held(asked, &tag) {
            self.status = StatusCode::NOT_MODIFIED;
            self.body.clear();
        }
        if let Ok(value) = HeaderValue::from_str(&tag) {
            self.headers.insert(header::ETAG, value);
        }
    }

    fn encode(&mut self, asked: &HeaderMap) {
        let is_small = self.body.len() < COMPRESSED_LEN_MIN;
        if self.body.is_empty() || (is_small && !negotiate::refuses_plain(asked)) {
            return;
        }
        let encoding = Encoding::of_answer(asked);
        let encoded = match encoding {
            Encoding::Plain => return,
            Encoding::Gzip => {
                let out = Vec::with_capacity(self.body.len() / 3);
                let mut encoder = GzEncoder::new(out, Compression::fast());
                encoder.write_all(&self.body).and_then(|()| encoder.finish())
            }
            Encoding::Zstd => zstd::bulk::compress(&self.body, 1),
        };
        // What cannot be compressed is sent plain.
        if let (Ok(encoded), Some(name)) = (encoded, encoding.name()) {
            self.body = encoded;
            self.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
        }
    }
}

/// A body that gives its share of the budget back once it is sent.
struct Kept {
    bytes: Vec<u8>,
    _hold: Hold,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn body(bytes: Vec<u8>, hold: Option<Hold>) -> Body {
    match hold {
        Some(hold) => Body::from(Bytes::from_owner(Kept { bytes, _hold: hold })),
        None => Body::from(bytes),
    }
}
