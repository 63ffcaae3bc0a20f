//! The envelope: manifest, slip, payload and, once there is one, a proof, in one length framing.
//!
//! *Source*: statement format, section 2.6. Media type `application/vnd.detente.envelope`.

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    payload::number,
    refusal::{Refusal, RefusalCode},
    terms::limits,
};

/// Media type of an envelope.
pub const MEDIA_TYPE: &str = "application/vnd.detente.envelope";
const VERSION: &[u8] = b"detente/envelope/v1\n";

/// What is carried from one node to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The signed manifest.
    pub manifest: Bytes,
    /// The recipient's slip.
    pub slip: Bytes,
    /// The sealed payload.
    pub payload: Bytes,
    /// The ledger's proof; a FLASH never waits for one.
    pub proof: Option<Bytes>,
}

impl Envelope {
    /// The bytes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        let parts = [
            ("manifest", Some(&self.manifest)),
            ("slip", Some(&self.slip)),
            ("payload", Some(&self.payload)),
            ("proof", self.proof.as_ref()),
        ];
        let mut out = BytesMut::with_capacity(self.payload.len() + 16 * 1024);
        out.put_slice(VERSION);
        for (name, part) in parts {
            if let Some(part) = part {
                out.put_slice(format!("{name} {}\n", part.len()).as_bytes());
                out.put_slice(part);
                out.put_u8(b'\n');
            }
        }
        out.freeze()
    }

    /// Reads an envelope; its parts share the bytes.
    ///
    /// *Errors*: `too-large`, `envelope-malformed`.
    pub fn parse(bytes: &Bytes) -> Result<Self, Refusal> {
        if bytes.len() > limits::ENVELOPE_LEN_MAX {
            return Err(RefusalCode::TooLarge.because("the envelope is above the limit"));
        }
        let malformed = |detail| RefusalCode::EnvelopeMalformed.because(detail);
        if !bytes.starts_with(VERSION) {
            return Err(malformed("another version, or no envelope"));
        }
        let mut at = VERSION.len();
        let mut part = |name: &str| {
            let found = part(bytes, &mut at, name);
            found.ok_or(malformed("a part is missing, cut off or out of order"))
        };
        let (manifest, slip, payload) = (part("manifest")?, part("slip")?, part("payload")?);
        let proof = if at < bytes.len() { Some(self::part(bytes, &mut at, "proof")) } else { None };
        if at != bytes.len() || proof == Some(None) {
            return Err(malformed("bytes after the last part"));
        }
        if manifest.len() > limits::MANIFEST_LEN_MAX {
            return Err(RefusalCode::TooLarge.because("the manifest exceeds 6 KiB"));
        }
        Ok(Self { manifest, slip, payload, proof: proof.flatten() })
    }
}

fn part(bytes: &Bytes, at: &mut usize, name: &str) -> Option<Bytes> {
    let rest = bytes.get(*at..)?;
    let end = rest.iter().take(40).position(|byte| *byte == b'\n')?;
    let line = std::str::from_utf8(rest.get(..end)?).ok()?;
    let len = number(line.strip_prefix(name)?.strip_prefix(' ')?)?;
    let start = *at + end + 1;
    let stop = start.checked_add(len)?;
    if bytes.get(stop) != Some(&b'\n') {
        return None;
    }
    *at = stop + 1;
    Some(bytes.slice(start..stop))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope() -> Envelope {
        Envelope {
            manifest: Bytes::from_static(b"m\n"),
            slip: Bytes::from_static(b"s"),
            payload: Bytes::from_static(b""),
            proof: None,
        }
    }

    #[test]
    fn envelope_comes_back_with_and_without_proof() {
        let mut envelope = envelope();
        assert_eq!(Envelope::parse(&envelope.to_bytes()), Ok(envelope.clone()));
        envelope.proof = Some(Bytes::from_static(b"p"));
        assert_eq!(Envelope::parse(&envelope.to_bytes()), Ok(envelope));
    }

    #[test]
    fn envelope_cut_anywhere_is_refused() {
        let bytes = envelope().to_bytes();
        for len in 0..bytes.len() {
            assert!(Envelope::parse(&bytes.slice(..len)).is_err(), "{len}");
        }
        let longer = Bytes::from([&bytes[..], b"x"].concat());
        assert!(Envelope::parse(&longer).is_err());
    }
}
