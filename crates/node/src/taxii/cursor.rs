//! The cursor `next`: stateless, repeatable, never expiring, and nobody else's making.
//!
//! *Shape*: base64url of format (1 byte), key (1), last `date_added` in microseconds (8, big
//! endian), tag (16). The tag covers these, the collection, the endpoint and the match filters.
//! `limit` and `added_after` are not covered: clients change them on the way (`taxii.md` 4).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use protocol::secrets;
use rand_core::CryptoRng;
use store::Store;
use uuid::Uuid;

const FORMAT: u8 = 2;
const META: &str = "taxii.cursor_key";

/// The keys of the tags, oldest first; the newest one makes cursors, the others still read theirs.
pub struct CursorKeys {
    keys: Vec<[u8; 32]>,
}

/// What a cursor belongs to.
pub(super) struct Bound<'a> {
    pub(super) collection: &'a Uuid,
    pub(super) endpoint: u8,
    pub(super) filters: &'a [u8; 16],
}

impl CursorKeys {
    /// The keys that the store keeps; the first one is made where there is none. They live as
    /// long as the store, on every process, so that cursors never expire.
    pub async fn open(store: &Store, rng: &mut impl CryptoRng) -> Result<Self, store::Error> {
        let kept = store.meta(META).await?.unwrap_or_default();
        let (keys, _) = kept.as_chunks::<32>();
        if !keys.is_empty() {
            return Ok(Self { keys: keys.to_vec() });
        }
        let mut key = [0; 32];
        rng.fill_bytes(&mut key);
        store.set_meta(META, key.to_vec()).await?;
        Ok(Self { keys: vec![key] })
    }

    /// Digest of match filters, in their canonical order.
    pub(super) fn filters(&self, filters: &str) -> [u8; 16] {
        let digest = secrets::sha256(filters.as_bytes());
        digest.0.first_chunk().copied().unwrap_or_default()
    }

    pub(super) fn write(&self, bound: &Bound<'_>, date: i64) -> String {
        let number = u8::try_from(self.keys.len().saturating_sub(1)).unwrap_or(u8::MAX);
        let mut bytes = head(number, date);
        if let Some(tag) = self.tag(number, bound, date) {
            bytes.extend_from_slice(&tag);
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The date behind a cursor of ours; `None` for one that is made up or belongs elsewhere.
    pub(super) fn read(&self, bound: &Bound<'_>, text: &str) -> Option<i64> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let ([FORMAT, number], rest) = bytes.split_first_chunk()? else { return None };
        let (date, tag) = rest.split_first_chunk::<8>()?;
        let date = i64::from_be_bytes(*date);
        let ours = self.tag(*number, bound, date)?;
        secrets::is_equal(&ours, tag).then_some(date)
    }

    fn tag(&self, number: u8, bound: &Bound<'_>, date: i64) -> Option<[u8; 16]> {
        let key = self.keys.get(usize::from(number))?;
        let mut message = head(number, date);
        message.push(bound.endpoint);
        message.extend_from_slice(bound.collection.as_bytes());
        message.extend_from_slice(bound.filters);
        Some(secrets::tag(key, &message))
    }
}

fn head(number: u8, date: i64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend_from_slice(&[FORMAT, number]);
    bytes.extend_from_slice(&date.to_be_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [u8; 32] = [1; 32];
    const NEW: [u8; 32] = [2; 32];

    #[test]
    fn cursors_of_an_older_key_are_still_read() {
        let (collection, filters) = (Uuid::from_u128(7), [0; 16]);
        let bound = Bound { collection: &collection, endpoint: 1, filters: &filters };
        let before = CursorKeys { keys: vec![OLD] };
        let after = CursorKeys { keys: vec![OLD, NEW] };
        let (old, new) = (before.write(&bound, 42), after.write(&bound, 43));
        assert_eq!((after.read(&bound, &old), after.read(&bound, &new)), (Some(42), Some(43)));
        assert_eq!(before.read(&bound, &new), None);
        assert_eq!(after.write(&bound, 43), new, "the same position is the same cursor");
    }

    #[test]
    fn cursors_of_elsewhere_or_made_up_are_told() {
        let (collection, other, filters) = (Uuid::from_u128(7), Uuid::from_u128(8), [0; 16]);
        let bound = Bound { collection: &collection, endpoint: 1, filters: &filters };
        let keys = CursorKeys { keys: vec![OLD] };
        let cursor = keys.write(&bound, 42);
        assert_eq!(keys.read(&Bound { collection: &other, ..bound }, &cursor), None);
        let bound = Bound { collection: &collection, endpoint: 2, filters: &filters };
        assert_eq!(keys.read(&bound, &cursor), None);
        let bound = Bound { collection: &collection, endpoint: 1, filters: &[1; 16] };
        assert_eq!(keys.read(&bound, &cursor), None);
        let bound = Bound { collection: &collection, endpoint: 1, filters: &filters };
        for text in ["", "AA", "next", &cursor[1..], &format!("{cursor}A")] {
            assert_eq!(keys.read(&bound, text), None, "{text}");
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(&cursor).unwrap();
        for place in 0..bytes.len() {
            bytes[place] ^= 1;
            assert_eq!(keys.read(&bound, &URL_SAFE_NO_PAD.encode(&bytes)), None, "byte {place}");
            bytes[place] ^= 1;
        }
    }
}
