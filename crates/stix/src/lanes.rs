//! Bytes looked at sixteen at a time.
//!
//! `wide` is one instruction of the processor for each operation where it has vectors, and plain
//! code elsewhere; nothing here is unsafe, and nothing asks at run time which processor it is.

use std::ops::RangeInclusive;

use wide::u8x16;

/// Where the plain stretch of a string ends: at `"`, `\`, a control character or the text's end.
pub(crate) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    let (chunks, _) = bytes.get(at..).unwrap_or_default().as_chunks();
    for chunk in chunks {
        let marks = marks(*chunk);
        if marks != 0 {
            return at + marks.trailing_zeros() as usize;
        }
        at += 16;
    }
    last_plain_end(bytes, at)
}

/// The same for fewer than sixteen bytes: only the last strings of a text.
#[cold]
fn last_plain_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let plain = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f));
    plain.map_or(bytes.len(), |plain| at + plain)
}

/// A bit for each byte that ends the plain stretch of a string.
fn marks(chunk: [u8; 16]) -> u32 {
    let bytes = u8x16::new(chunk);
    (is(bytes, b'"') | is(bytes, b'\\') | is_in(bytes, 0..=0x1f)).to_bitmask()
}

/// Whether a test holds for all bytes: it is given sixteen, of a short text some more than once.
pub(crate) fn all(bytes: &[u8], test: impl Fn(u8x16) -> u8x16) -> bool {
    let holds = |chunk: [u8; 16]| test(u8x16::new(chunk)).all();
    if let Some(last) = bytes.last_chunk() {
        let (chunks, _) = bytes.as_chunks();
        return chunks.iter().all(|chunk| holds(*chunk)) && holds(*last);
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let word = u128::from(u64::from_le_bytes(*first)) << 64;
        return holds((word | u128::from(u64::from_le_bytes(*last))).to_le_bytes());
    }
    bytes.iter().all(|byte| holds([*byte; 16]))
}

/// Where a byte is one of a range.
pub(crate) fn is_in(bytes: u8x16, range: RangeInclusive<u8>) -> u8x16 {
    let above = bytes - u8x16::splat(*range.start());
    above.simd_eq(above.min(u8x16::splat(range.end() - range.start())))
}

/// Where a byte is this one.
pub(crate) fn is(bytes: u8x16, byte: u8) -> u8x16 {
    bytes.simd_eq(u8x16::splat(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_stretch_of_a_string_ends_where_a_byte_by_byte_search_ends_it() {
        let is_end = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
        for len in 0..40 {
            for place in 0..len {
                for byte in [b'"', b'\\', 0, 0x1f, b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                    for around in [b'a', b' ', b'#', b']', 0x80, 0xff] {
                        let mut text = vec![around; len];
                        text[place] = byte;
                        for at in 0..=len {
                            let end =
                                text[at..].iter().position(is_end).map_or(len, |end| at + end);
                            assert_eq!(plain_end(&text, at), end, "{text:?} from {at}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn test_of_sixteen_bytes_at_a_time_sees_every_byte_of_any_length() {
        let test = |bytes| is_in(bytes, b'a'..=b'z') | is(bytes, b'_');
        for len in 0..50 {
            let text = vec![b'q'; len];
            assert!(all(&text, test), "{len}");
            for place in 0..len {
                for byte in 0..=u8::MAX {
                    let mut text = text.clone();
                    text[place] = byte;
                    let is_plain = matches!(byte, b'a'..=b'z' | b'_');
                    assert_eq!(all(&text, test), is_plain, "{byte} at {place} of {len}");
                }
            }
        }
    }
}
