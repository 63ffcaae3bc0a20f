//! LIKE and MATCHES as expressions of the crate `regex`, which searches in linear time.
//!
//! The standard asks for PCRE with a search and DOTALL. What PCRE writes in another way is
//! translated; look-around and back references cannot be searched in linear time and are refused.

use regex::bytes::Regex as BytesRegex;
use regex::bytes::RegexBuilder as BytesRegexBuilder;
use regex::{Regex, RegexBuilder};

/// Memory of one compiled expression.
const SIZE_MAX: usize = 4 * 1024 * 1024;

/// The expression of a LIKE: `%` is any text, `_` any one character, all of the value.
pub(super) fn like(text: &str) -> String {
    let mut out = String::from(r"\A");
    for c in text.chars() {
        match c {
            '%' => out.push_str(".*"),
            '_' => out.push('.'),
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push_str(r"\z");
    out
}

/// The expression of a MATCHES, in the words of the crate.
pub(super) fn matches(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    // Where in a class: none, at its first character, or further in.
    let mut class: Option<usize> = None;
    while let Some(c) = chars.next() {
        match (c, class) {
            ('\\', _) => escape(&mut out, chars.next(), class.is_some()),
            // The end, or before a line feed that ends the text.
            ('$', None) => out.push_str(r"(?:\n?\z)"),
            ('[', None) => {
                out.push('[');
                class = Some(0);
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                continue;
            }
            (']', Some(0)) => out.push_str(r"\]"),
            (']', Some(_)) => {
                out.push(']');
                class = None;
            }
            ('[', Some(_)) if chars.peek() == Some(&':') => out.push('['),
            // What begins a set operation in the crate is plain text in PCRE.
            ('[' | '&' | '~', Some(_)) => out.extend(['\\', c]),
            ('-', Some(place)) if place > 0 && chars.peek() == Some(&'-') => out.push_str(r"\-"),
            (c, _) => out.push(c),
        }
        class = class.map(|place| place + 1);
    }
    out
}

/// An escape that the crate spells otherwise.
fn escape(out: &mut String, next: Option<char>, in_class: bool) {
    match next {
        Some('Z') if !in_class => out.push_str(r"(?:\n?\z)"),
        Some('h') if in_class => out.push_str(r"\t "),
        Some('h') => out.push_str(r"[\t ]"),
        Some('R') if !in_class => out.push_str(r"(?:\r\n|[\n\x0b\x0c\r])"),
        Some('e') => out.push_str(r"\x1b"),
        // Letters keep their meaning, and digits behind a backslash are back references.
        Some(c) if c.is_alphanumeric() => out.extend(['\\', c]),
        Some(c) => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        None => out.push('\\'),
    }
}

/// The expression, to be searched in strings.
pub(super) fn text(regex: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(regex).dot_matches_new_line(true).size_limit(SIZE_MAX).build()
}

/// The expression, to be searched in octets; none when it has a code point above U+00FF.
pub(super) fn octets(regex: &str) -> Option<Result<BytesRegex, regex::Error>> {
    let mut octets = String::with_capacity(regex.len());
    for c in regex.chars() {
        match u8::try_from(u32::from(c)).ok()? {
            octet if octet.is_ascii() => octets.push(c),
            octet => octets.push_str(&format!("\\x{octet:02x}")),
        }
    }
    let mut builder = BytesRegexBuilder::new(&octets);
    Some(builder.unicode(false).dot_matches_new_line(true).size_limit(SIZE_MAX).build())
}

/// Whether an expression can be searched; the first thing that cannot, in words.
pub(in crate::pattern) fn obstacle(regex: &str) -> Option<&'static str> {
    text(&matches(regex)).err().map(|_| {
        let mut rest = regex;
        while let Some((before, after)) = rest.split_once('\\') {
            if look_around(before) {
                return "an expression without look-around";
            }
            if after.starts_with(|c: char| c.is_ascii_digit() && c != '0') {
                return "an expression without back references";
            }
            rest = after.get(after.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default();
        }
        if look_around(rest) {
            return "an expression without look-around";
        }
        "a regular expression that can be searched"
    })
}

fn look_around(text: &str) -> bool {
    ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|start| text.contains(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(regex: &str, value: &str) -> bool {
        text(&matches(regex)).unwrap().is_match(value)
    }

    #[test]
    fn matches_9_6_1_28_and_29_searches_and_the_dot_is_any_character() {
        assert!(found("b.d", "ab\nde"));
        assert!(found("^ab", "abc") && !found("^b", "abc"));
        assert!(found("c$", "abc") && found("c$", "abc\n") && !found("c$", "abc\nd"));
    }

    #[test]
    fn matches_reads_what_pcre_writes() {
        for (regex, value) in [
            (r"a\/b\<c\>", "a/b<c>"),
            ("[[]x[]]", "[x]"),
            ("[&&]{2}[a--z]", "&&-"),
            ("[[:digit:]]", "7"),
            (r"\h\Z", "x \n"),
            ("(?<name>x)(?P<n>y)", "xy"),
            (r"[^]]", "x"),
            ("[~~]", "~"),
        ] {
            assert!(found(regex, value), "{regex}");
        }
    }

    #[test]
    fn obstacles_are_named() {
        assert_eq!(obstacle("(?=x)"), Some("an expression without look-around"));
        assert_eq!(obstacle(r"(x)\1"), Some("an expression without back references"));
        assert_eq!(obstacle("(x"), Some("a regular expression that can be searched"));
        assert_eq!(obstacle(r"^(x|y)+\.exe$"), None);
    }

    #[test]
    fn octets_are_searched_without_unicode() {
        let regex = octets(&matches(r"\xd4\xc3é")).unwrap().unwrap();
        assert!(regex.is_match(&[0, 0xd4, 0xc3, 0xe9, 1]));
        assert!(octets("\u{20ac}").is_none());
    }
}
