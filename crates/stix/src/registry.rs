//! Registries that section 6 and 7 point at, as static data; nothing is ever fetched.
//!
//! Each is a sorted text, one entry a line, in the binary; a look-up is a binary search over its
//! bytes, so nothing is built at start-up. Facts only, as of:
//!
//! | file of `assets/` | registry | as of | by way of |
//! | --- | --- | --- | --- |
//! | `media-types.txt` | IANA media types | 2025 | PyPI stix2-validator 3.3.2 |
//! | `character-sets.txt` | IANA character sets, preferred MIME name, else name | 2025 | the same |
//! | `protocols.txt` | IANA service names and transport protocols | 2025 | the same |
//! | `ipfix.txt` | IANA IPFIX information elements | 2025 | the same |
//! | `countries.txt` | ISO 3166-1 alpha-2, with reserved and former codes | 2025 | the same |
//! | `http-request-headers.txt`, `socket-options.txt` | names in use | 2025 | the same |
//! | `iso-639-2.txt` | ISO 639-2 codes of three letters | 2025 | the same |
//! | `language-subtags.txt` | IANA language subtags | 2025-08-25 | npm language-subtag-registry 0.4.2 |

/// A sorted text, one entry a line.
#[derive(Debug, Clone, Copy)]
pub struct Registry(&'static str);

/// IANA media types.
pub const MEDIA_TYPES: Registry = Registry(include_str!("../assets/media-types.txt"));
/// IANA character sets.
pub const CHARACTER_SETS: Registry = Registry(include_str!("../assets/character-sets.txt"));
/// IANA service names and transport protocols.
pub const PROTOCOLS: Registry = Registry(include_str!("../assets/protocols.txt"));
/// IPFIX information elements.
pub const IPFIX: Registry = Registry(include_str!("../assets/ipfix.txt"));
/// ISO 3166-1 alpha-2.
pub const COUNTRIES: Registry = Registry(include_str!("../assets/countries.txt"));
/// HTTP request headers.
pub const HTTP_REQUEST_HEADERS: Registry =
    Registry(include_str!("../assets/http-request-headers.txt"));
/// Socket options.
pub const SOCKET_OPTIONS: Registry = Registry(include_str!("../assets/socket-options.txt"));
/// ISO 639-2, three letters.
pub const ISO_639_2: Registry = Registry(include_str!("../assets/iso-639-2.txt"));
const LANGUAGE_SUBTAGS: Registry = Registry(include_str!("../assets/language-subtags.txt"));

/// Keys of a PDF document information dictionary, ISO 32000-1 table 317.
pub const PDF_DOCUMENT_INFO: [&str; 9] = [
    "Title",
    "Author",
    "Subject",
    "Keywords",
    "Creator",
    "Producer",
    "CreationDate",
    "ModDate",
    "Trapped",
];

impl Registry {
    /// Whether it has an entry, exactly as written.
    pub fn has(self, entry: &str) -> bool {
        self.find(entry.as_bytes(), |line| line).is_some()
    }

    /// How many entries it has.
    pub fn len(self) -> usize {
        self.0.lines().count()
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The line whose key is `wanted`, by binary search over byte offsets.
    fn find(self, wanted: &[u8], key: fn(&[u8]) -> &[u8]) -> Option<&'static [u8]> {
        let bytes = self.0.as_bytes();
        let (mut low, mut high) = (0, bytes.len());
        while low < high {
            let middle = usize::midpoint(low, high);
            let before = bytes.get(low..middle)?.iter().rposition(|byte| *byte == b'\n');
            let start = before.map_or(low, |at| low + at + 1);
            let line = bytes.get(start..)?;
            let line = line.get(..line.iter().position(|byte| *byte == b'\n')?)?;
            match key(line).cmp(wanted) {
                std::cmp::Ordering::Equal => return Some(line),
                std::cmp::Ordering::Less => low = start + line.len() + 1,
                std::cmp::Ordering::Greater => high = start,
            }
        }
        None
    }
}

/// Whether a text is a language tag of RFC 5646 whose subtags are registered, in any case.
///
/// *Source*: RFC 5646 sections 2.1, 2.2.9: well-formed and valid; private use is `x-…`.
pub fn is_language_tag(tag: &str) -> bool {
    if tag.len() > 100 || !tag.is_ascii() {
        return false;
    }
    let lower = tag.to_ascii_lowercase();
    if subtag("tag", &lower) {
        return true;
    }
    let mut parts = lower.split('-').peekable();
    let Some(first) = parts.next() else { return false };
    if first == "x" {
        return private_use(&mut parts);
    }
    let private = matches!(first.as_bytes(), [b'q', b'a'..=b't', b'a'..=b'z']);
    if !(private || subtag("language", first)) {
        return false;
    }
    // RFC 5646 section 2.2.2 reserves a second and third extlang for good.
    parts.next_if(|part| part.len() == 3 && is_extlang_of(part, first));
    parts.next_if(|part| part.len() == 4 && (subtag("script", part) || private_script(part)));
    parts.next_if(|part| part.len() <= 3 && (subtag("region", part) || private_region(part)));
    let mut variants: Vec<&str> = Vec::new();
    while let Some(variant) = parts.next_if(|part| part.len() >= 4 && subtag("variant", part)) {
        if variants.contains(&variant) {
            return false;
        }
        variants.push(variant);
    }
    extensions(&mut parts)
}

fn subtag(kind: &str, value: &str) -> bool {
    let wanted = format!("{kind} {value}");
    LANGUAGE_SUBTAGS.find(wanted.as_bytes(), |line| line).is_some()
}

/// An extlang stands only behind its prefix.
fn is_extlang_of(value: &str, language: &str) -> bool {
    let wanted = format!("extlang {value}");
    let line = LANGUAGE_SUBTAGS.find(wanted.as_bytes(), |line| {
        let second = line.iter().enumerate().filter(|(_, byte)| **byte == b' ').nth(1);
        second.map_or(line, |(at, _)| line.get(..at).unwrap_or(line))
    });
    line.and_then(|line| line.rsplit(|byte| *byte == b' ').next()).is_some_and(|prefixes| {
        prefixes.split(|byte| *byte == b',').any(|p| p == language.as_bytes())
    })
}

fn private_script(part: &str) -> bool {
    part.len() == 4 && ("qaaa".."qaby").contains(&part)
}

fn private_region(part: &str) -> bool {
    matches!(part.as_bytes(), [b'q', b'm'..=b'z'] | [b'x', b'a'..=b'z'])
}

/// `-a-…`, each singleton once, then `-x-…`.
fn extensions<'a>(parts: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>) -> bool {
    let mut singletons = Vec::new();
    while let Some(singleton) = parts.next() {
        if singleton == "x" {
            return private_use(parts);
        }
        let one = singleton.len() == 1 && singleton.bytes().all(|b| b.is_ascii_alphanumeric());
        if !one || singletons.contains(&singleton) {
            return false;
        }
        singletons.push(singleton);
        let mut some = false;
        while let Some(part) = parts.next_if(|part| part.len() >= 2) {
            if part.len() > 8 || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return false;
            }
            some = true;
        }
        if !some {
            return false;
        }
    }
    true
}

fn private_use<'a>(parts: &mut impl Iterator<Item = &'a str>) -> bool {
    let mut some = false;
    for part in parts {
        let well_formed = (1..=8).contains(&part.len());
        if !well_formed || !part.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return false;
        }
        some = true;
    }
    some
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_finds_every_entry_and_no_other() {
        for registry in [
            MEDIA_TYPES,
            CHARACTER_SETS,
            PROTOCOLS,
            IPFIX,
            COUNTRIES,
            HTTP_REQUEST_HEADERS,
            SOCKET_OPTIONS,
            ISO_639_2,
            LANGUAGE_SUBTAGS,
        ] {
            let mut last = "";
            for line in registry.0.lines() {
                assert!(last < line, "{last} before {line}");
                assert!(registry.has(line), "{line}");
                assert!(!registry.has(&format!("{line}!")));
                last = line;
            }
            assert!(!registry.has("") && !registry.has("~~~"));
        }
        assert!(MEDIA_TYPES.len() > 2_000 && PROTOCOLS.len() > 7_000);
    }

    #[test]
    fn language_tags_follow_rfc_5646() {
        for tag in [
            "en",
            "en-US",
            "EN-us",
            "de-CH-1901",
            "zh-Hant-TW",
            "sr-Latn-RS",
            "es-419",
            "zh-yue-HK",
            "sl-rozaj-biske",
            "x-whatever",
            "en-x-lamp",
            "de-u-co-phonebk",
            "i-klingon",
            "qaa",
            "en-Qaaa-XA",
            "hy-Latn-IT-arevela",
        ] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for tag in [
            "",
            "english",
            "en_US",
            "en-",
            "-en",
            "xx-YY",
            "en-ZZZ",
            "eng",
            "de-yue",
            "en-US-US",
            "de-1901-1901",
            "en-a",
            "x",
            "en-u-aa-u-bb",
            "é",
            "en--US",
        ] {
            assert!(!is_language_tag(tag), "{tag}");
        }
    }
}
