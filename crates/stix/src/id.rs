//! Identifiers and names: `type--UUID`, type names.

use crate::limits;

/// Whether a text is `type--UUID` with an RFC 4122 UUID in any case.
///
/// *Source*: STIX 2.1 section 2.9.
pub fn is_id(text: &str) -> bool {
    text.split_once("--").is_some_and(|(type_, uuid)| is_type_name(type_) && is_uuid(uuid))
}

/// Whether a text is a type name: `[a-z0-9-]`, 3 to 250 bytes, no hyphen at either end and none
/// doubled.
///
/// *Source*: STIX 2.1 section 3.1.
pub fn is_type_name(text: &str) -> bool {
    (3..=limits::TYPE_LEN_MAX).contains(&text.len())
        && text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !text.starts_with('-')
        && !text.ends_with('-')
        && !text.contains("--")
}

/// 8-4-4-4-12 hexadecimal digits with an RFC 4122 version and variant.
pub(crate) fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(place, byte)| match place {
            8 | 13 | 18 | 23 => *byte == b'-',
            14 => matches!(byte, b'1'..=b'5'),
            19 => matches!(byte, b'8' | b'9' | b'a' | b'b' | b'A' | b'B'),
            _ => byte.is_ascii_hexdigit(),
        })
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
}
