//! Identifiers and names: `type--UUID`, type names.

use wide::u8x16;

use crate::{
    lanes::{is, is_in},
    limits,
};

/// Whether a text is `type--UUID` with an RFC 4122 UUID in any case.
///
/// *Source*: STIX 2.1 section 2.9.
pub fn is_id(text: &str) -> bool {
    sound_parts(text).is_some()
}

/// Whether a text is the id of a marking definition.
pub fn is_marking_id(text: &str) -> bool {
    text.starts_with("marking-definition--") && is_id(text)
}

/// Whether a text is a type name: `[a-z0-9-]`, 3 to 250 bytes, no hyphen at either end and none
/// doubled.
///
/// *Source*: STIX 2.1 section 3.1.
pub fn is_type_name(text: &str) -> bool {
    // Before the first byte stands, so to say, a hyphen: none may follow another, or end the name.
    let mut last = b'-';
    let plain = text.bytes().all(|byte| {
        let before = std::mem::replace(&mut last, byte);
        matches!(byte, b'a'..=b'z' | b'0'..=b'9') || (byte == b'-' && before != b'-')
    });
    plain && last != b'-' && (3..=limits::TYPE_LEN_MAX).contains(&text.len())
}

/// 8-4-4-4-12 hexadecimal digits with an RFC 4122 version and variant.
pub(crate) fn is_uuid(text: &str) -> bool {
    let Ok(bytes) = <&[u8; 36]>::try_from(text.as_bytes()) else { return false };
    has_form(bytes)
        && matches!(bytes[14], b'1'..=b'5')
        && matches!(bytes[19], b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
}

/// Hyphens in their places, hexadecimal digits in all others: three times sixteen bytes.
fn has_form(uuid: &[u8; 36]) -> bool {
    let holds = |start: usize, hyphens: u32| {
        let Some(chunk) = uuid.get(start..).and_then(<[u8]>::first_chunk) else { return false };
        let bytes = u8x16::new(*chunk);
        let letters = is_in(bytes | u8x16::splat(0x20), b'a'..=b'f');
        let digits = letters | is_in(bytes, b'0'..=b'9');
        digits.to_bitmask() == !hyphens & 0xffff && is(bytes, b'-').to_bitmask() == hyphens
    };
    holds(0, 1 << 8 | 1 << 13) && holds(16, 1 << 2 | 1 << 7) && holds(20, 1 << 3)
}

/// Type name and UUID of an id that [`is_id`] accepts: a UUID has 36 digits, so nothing is searched.
pub(crate) fn sound_parts(id: &str) -> Option<(&str, &str)> {
    let at = id.len().checked_sub(36)?;
    let (type_, uuid) = (id.get(..at)?.strip_suffix("--")?, id.get(at..)?);
    let is_name = match id.as_bytes().first_chunk() {
        Some(start) if type_.len() <= 16 => begins_with_type_name(start, type_.len()),
        _ => is_type_name(type_),
    };
    (is_uuid(uuid) && is_name).then_some((type_, uuid))
}

/// As [`is_type_name`] of the first `len` bytes, looked at together.
fn begins_with_type_name(start: &[u8; 16], len: usize) -> bool {
    let bytes = u8x16::new(*start);
    let plain = (is_in(bytes, b'a'..=b'z') | is_in(bytes, b'0'..=b'9')).to_bitmask();
    let hyphens = is(bytes, b'-').to_bitmask();
    let name = (1u32 << len) - 1;
    // Where no hyphen may stand: at either end, and behind another.
    let barred = 1 | (name + 1) >> 1 | hyphens << 1;
    len >= 3 && !(plain | hyphens) & name == 0 && hyphens & barred & name == 0
}

/// What stands before and behind the first `--` of an id.
pub(crate) fn parts(id: &str) -> Option<(&str, &str)> {
    let at = id.as_bytes().windows(2).position(|pair| pair == b"--")?;
    Some((id.get(..at)?, id.get(at + 2..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_follows_the_grammar() {
        assert!(is_id("mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921"));
        assert!(is_id("x-lamp--5D1B7C2E-0F3A-4E7A-9C35-1F7BE0D4A921"));
        for text in [
            "mutex-5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921",
            "mutex--5d1b7c2e-0f3a-0e7a-9c35-1f7be0d4a921",
            "mutex--5d1b7c2e-0f3a-5e7a-0c35-1f7be0d4a921",
            "Mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921",
            "mu--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921",
            "mutex--",
        ] {
            assert!(!is_id(text), "{text}");
        }
    }

    #[test]
    fn parts_of_a_sound_id_are_those_of_any() {
        let id = "x-lamp--5D1B7C2E-0F3A-4E7A-9C35-1F7BE0D4A921";
        assert_eq!(sound_parts(id), parts(id));
        for end in 0..id.len() {
            assert_eq!(sound_parts(&id[..end]), None);
        }
        for len in 0..20 {
            for place in 0..len {
                for odd in ["-", "A", "_", "9", "é"] {
                    let mut name = "a-".repeat(len / 2) + "bc";
                    if name.is_char_boundary(place) {
                        name.replace_range(place..=place, odd);
                    }
                    let id = format!("{name}--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921");
                    assert_eq!(sound_parts(&id).is_some(), is_type_name(&name), "{name}");
                }
            }
        }
        assert_eq!(sound_parts("x--y--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"), None);
        assert_eq!(sound_parts("\u{e9}-5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"), None);
    }

    #[test]
    fn uuid_has_hyphens_in_their_places_and_digits_elsewhere() {
        for place in 0..36 {
            for byte in 0..0x80 {
                let mut uuid = *b"5d1b7c2e-0f3a-4e7a-9c35-1F7BE0D4A921";
                uuid[place] = byte;
                let is_sound = match place {
                    8 | 13 | 18 | 23 => byte == b'-',
                    14 => matches!(byte, b'1'..=b'5'),
                    19 => b"89abAB".contains(&byte),
                    _ => byte.is_ascii_hexdigit(),
                };
                let text = std::str::from_utf8(&uuid).unwrap();
                assert_eq!(is_uuid(text), is_sound, "{text}");
            }
        }
    }
}
