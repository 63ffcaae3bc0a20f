//! Identifiers and names: `type--UUID`, type names.

use crate::limits;

/// Whether a text is `type--UUID` with an RFC 4122 UUID in any case.
///
/// *Source*: STIX 2.1 section 2.9.
pub fn is_id(text: &str) -> bool {
    sound_parts(text).is_some()
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
    // Counted without a branch: 32 digits, and in the other four places a hyphen.
    let digits: u8 = bytes.iter().map(|byte| u8::from(byte.is_ascii_hexdigit())).sum();
    digits == 32
        && [bytes[8], bytes[13], bytes[18], bytes[23]] == *b"----"
        && matches!(bytes[14], b'1'..=b'5')
        && matches!(bytes[19], b'8' | b'9' | b'a' | b'b' | b'A' | b'B')
}

/// Type name and UUID of an id that [`is_id`] accepts: a UUID has 36 digits, so nothing is searched.
pub(crate) fn sound_parts(id: &str) -> Option<(&str, &str)> {
    let at = id.len().checked_sub(36)?;
    let (type_, uuid) = (id.get(..at)?.strip_suffix("--")?, id.get(at..)?);
    (is_uuid(uuid) && is_type_name(type_)).then_some((type_, uuid))
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
        assert_eq!(sound_parts("x--y--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"), None);
        assert_eq!(sound_parts("\u{e9}-5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"), None);
    }
}
