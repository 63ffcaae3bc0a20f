//! The payload: what lies inside the seal, length-framed so that bytes stay bytes.
//!
//! *Source*: statement format, section 2.4.

use std::io::Read as _;

use bytes::Bytes;

use crate::{
    commitment::Seed,
    manifest::digest,
    refusal::{Refusal, RefusalCode},
    terms::{Digest, limits},
};

const VERSION: &str = "detente/payload/v1";
/// Bodies above this are compressed.
const PLAIN_LEN_MAX: usize = 16 * 1024;
/// zstd level: 1 costs a tenth of what sealing and storing do and halves the bytes.
const ZSTD_LEVEL: i32 = 1;

/// What kind of bytes an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// One STIX object, byte for byte as received.
    Stix,
    /// UTF-8 text.
    Text,
    /// Parameters of a statement type.
    Json,
    /// A file; name and media type stand in the header.
    File,
}

impl ItemKind {
    /// The word in the payload and in commitments.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stix => "stix",
            Self::Text => "text",
            Self::Json => "json",
            Self::File => "file",
        }
    }

    /// From the word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Stix, Self::Text, Self::Json, Self::File]
            .into_iter()
            .find(|kind| kind.word() == word)
    }
}

/// One item, or its commitment where it is withheld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Kind and exact bytes.
    Data {
        /// The kind.
        kind: ItemKind,
        /// The bytes.
        data: Bytes,
    },
    /// Withheld: only its commitment stands in the tree.
    Withheld(Digest),
}

impl Item {
    /// A STIX object.
    pub fn stix(data: Bytes) -> Self {
        Self::Data { kind: ItemKind::Stix, data }
    }

    /// A text.
    pub fn text(data: Bytes) -> Self {
        Self::Data { kind: ItemKind::Text, data }
    }
}

/// What a payload holds.
pub(crate) struct Body {
    pub(crate) seed: Seed,
    pub(crate) header: Bytes,
    pub(crate) items: Vec<Item>,
}

impl Body {
    /// The whole plaintext, padded.
    pub(crate) fn encode(&self) -> std::io::Result<Vec<u8>> {
        let body = self.frame();
        let (word, encoded) = if body.len() > PLAIN_LEN_MAX {
            ("zstd", zstd::bulk::compress(&body, ZSTD_LEVEL)?)
        } else {
            ("plain", body.clone())
        };
        let mut out = format!("{VERSION} {word} {} {}\n", body.len(), encoded.len()).into_bytes();
        out.extend_from_slice(&encoded);
        out.resize(padme(out.len()), 0);
        Ok(out)
    }

    fn frame(&self) -> Vec<u8> {
        let items: usize = self.items.iter().map(framed_len).sum();
        let mut out = Vec::with_capacity(items + self.header.len() + 128);
        let seed = Digest(*self.seed.bytes()).base64();
        out.extend_from_slice(format!("seed {seed}\nheader {}\n", self.header.len()).as_bytes());
        out.extend_from_slice(&self.header);
        out.push(b'\n');
        for item in &self.items {
            match item {
                Item::Data { kind, data } => {
                    let line = format!("item {} {}\n", kind.word(), data.len());
                    out.extend_from_slice(line.as_bytes());
                    out.extend_from_slice(data);
                    out.push(b'\n');
                }
                Item::Withheld(commitment) => {
                    let line = format!("withheld {}\n", commitment.base64());
                    out.extend_from_slice(line.as_bytes());
                }
            }
        }
        out
    }

    /// Reads a plaintext.
    ///
    /// *Errors*: `payload-malformed`; decoding never goes beyond the size said and the limit.
    pub(crate) fn decode(plaintext: &[u8]) -> Result<Self, Refusal> {
        let body = decoded(plaintext).map_err(|d| RefusalCode::PayloadMalformed.because(d))?;
        parse(&body).map_err(|detail| RefusalCode::PayloadMalformed.because(detail))
    }
}

fn framed_len(item: &Item) -> usize {
    match item {
        Item::Data { data, .. } => data.len() + 32,
        Item::Withheld(_) => 64,
    }
}

/// The next Padmé size: at most 12 % more, hiding all but the magnitude.
fn padme(len: usize) -> usize {
    if len < 2 {
        return len;
    }
    let exponent = usize::BITS - 1 - len.leading_zeros();
    let bits = u32::BITS - exponent.leading_zeros();
    let mask = (1usize << exponent.saturating_sub(bits)) - 1;
    (len + mask) & !mask
}

fn decoded(plaintext: &[u8]) -> Result<Bytes, &'static str> {
    let end = plaintext.iter().take(200).position(|byte| *byte == b'\n').ok_or("no first line")?;
    let line = plaintext.get(..end).and_then(|line| std::str::from_utf8(line).ok());
    let mut words = line.ok_or("no first line")?.split(' ');
    if words.next() != Some(VERSION) {
        return Err("another version");
    }
    let (encoding, size, encoded) = (words.next(), words.next(), words.next());
    let number = |word: Option<&str>| word.and_then(number).ok_or("a size is malformed");
    let (size, encoded) = (number(size)?, number(encoded)?);
    if words.next().is_some() || size > limits::PAYLOAD_LEN_MAX {
        return Err("the first line is malformed, or the size is above the limit");
    }
    let rest = plaintext.get(end + 1..).unwrap_or_default();
    let (body, padding) = rest.split_at_checked(encoded).ok_or("shorter than said")?;
    if padding.iter().any(|byte| *byte != 0) {
        return Err("the padding is not zero");
    }
    match encoding {
        Some("plain") if size == encoded => Ok(Bytes::copy_from_slice(body)),
        Some("zstd") => unzstd(body, size),
        _ => Err("no such encoding, or sizes that differ"),
    }
}

/// Exactly one frame of exactly `size` bytes; decoding stops one byte beyond it.
fn unzstd(body: &[u8], size: usize) -> Result<Bytes, &'static str> {
    let decoder = zstd::stream::read::Decoder::new(body).map_err(|_| "no zstd frame")?;
    let mut out = Vec::with_capacity(size.min(1 << 22));
    let mut limited = decoder.single_frame().take(size as u64 + 1);
    limited.read_to_end(&mut out).map_err(|_| "the zstd frame is damaged")?;
    if out.len() != size {
        return Err("the decoded size is another than said");
    }
    let mut reader = limited.into_inner().finish();
    if std::io::BufRead::fill_buf(&mut reader).map(|rest| !rest.is_empty()).unwrap_or(true) {
        return Err("bytes behind the zstd frame");
    }
    Ok(Bytes::from(out))
}

/// A decimal without leading zero.
pub(crate) fn number(text: &str) -> Option<usize> {
    let plain = text == "0" || text.bytes().next().is_some_and(|byte| matches!(byte, b'1'..=b'9'));
    if plain && text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn parse(body: &Bytes) -> Result<Body, &'static str> {
    let mut at = 0;
    let seed = line(body, &mut at)?.strip_prefix("seed ").and_then(digest).ok_or("no seed")?;
    let len = line(body, &mut at)?.strip_prefix("header ").and_then(number).ok_or("no header")?;
    if len > limits::HEADER_LEN_MAX {
        return Err("the header is above the limit");
    }
    let header = block(body, &mut at, len)?;
    let mut items = Vec::new();
    while at < body.len() {
        if items.len() >= limits::ITEMS_MAX {
            return Err("more items than the limit");
        }
        items.push(item(body, &mut at)?);
    }
    Ok(Body { seed: Seed::new(seed.0), header, items })
}

fn item(body: &Bytes, at: &mut usize) -> Result<Item, &'static str> {
    let text = line(body, at)?.to_owned();
    if let Some(commitment) = text.strip_prefix("withheld ") {
        return digest(commitment).map(Item::Withheld).ok_or("a commitment is malformed");
    }
    let rest = text.strip_prefix("item ").ok_or("no item line")?;
    let (kind, len) = rest.split_once(' ').ok_or("no item line")?;
    let kind = ItemKind::parse(kind).ok_or("no such kind of item")?;
    let len = number(len).ok_or("a length is malformed")?;
    if len > limits::ITEM_LEN_MAX {
        return Err("an item is above the limit");
    }
    let data = block(body, at, len)?;
    if kind == ItemKind::Text && std::str::from_utf8(&data).is_err() {
        return Err("a text is not UTF-8");
    }
    Ok(Item::Data { kind, data })
}

fn line<'a>(body: &'a Bytes, at: &mut usize) -> Result<&'a str, &'static str> {
    let rest = body.get(*at..).unwrap_or_default();
    let end = rest.iter().take(200).position(|byte| *byte == b'\n').ok_or("a line does not end")?;
    let line = rest.get(..end).unwrap_or_default();
    *at += end + 1;
    std::str::from_utf8(line).map_err(|_| "a line is not text")
}

fn block(body: &Bytes, at: &mut usize, len: usize) -> Result<Bytes, &'static str> {
    let end = at.checked_add(len).filter(|end| *end < body.len()).ok_or("shorter than said")?;
    if body.get(end) != Some(&b'\n') {
        return Err("a block does not end where it says");
    }
    let block = body.slice(*at..end);
    *at = end + 1;
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padme_sizes_are_those_of_the_paper() {
        for (len, padded) in [(0, 0), (1, 1), (9, 10), (100, 104), (1_000, 1_024), (16_385, 17_408)]
        {
            assert_eq!(padme(len), padded, "{len}");
        }
        for len in 1..20_000usize {
            assert!(padme(len) >= len && padme(len) - len <= len * 12 / 100 + 1, "{len}");
        }
    }

    #[test]
    fn body_comes_back_plain_and_compressed() {
        for len in [0, 5, 50_000] {
            let data = Bytes::from(vec![b'x'; len]);
            let items = vec![
                Item::stix(data.clone()),
                Item::Withheld(Digest([7; 32])),
                Item::text(Bytes::from_static("é\nitem stix 3".as_bytes())),
            ];
            let header = Bytes::from_static(b"{}");
            let body = Body { seed: Seed::new([9; 32]), header, items: items.clone() };
            let read = Body::decode(&body.encode().unwrap()).unwrap();
            assert_eq!((read.items, read.seed.bytes()), (items, &[9; 32]));
        }
    }
}
