//! Bytes looked at sixteen at a time.
//!
//! `wide` is one instruction of the processor for each operation where it has vectors, and plain
//! code elsewhere; nothing here is unsafe, and nothing asks at run time which processor it is.

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
    let is = |byte| bytes.simd_eq(u8x16::splat(byte));
    (is(b'"') | is(b'\\') | bytes.simd_eq(bytes.min(u8x16::splat(0x1f)))).to_bitmask()
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
}
