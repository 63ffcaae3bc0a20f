//! Digests in patterns: a constant compared with a hash has the length of its algorithm.

use super::Collector;
use crate::pattern::syntax::{Constant, Test};

/// Checks constants that are compared with a hash of a known algorithm.
pub(super) fn check(
    found: &mut Collector<'_, '_>,
    test: &Test<'_>,
    constants: &[Constant<'_>],
    rule: &'static str,
) {
    let steps = found.pattern.steps(&test.path);
    let is_hashes = |name: Option<std::borrow::Cow<'_, str>>| name.as_deref() == Some("hashes");
    let Some(algorithm) = steps.last().and_then(|step| step.name()) else { return };
    if !steps.iter().any(|step| is_hashes(step.name())) {
        return;
    }
    let Some(expected) = expected(&algorithm) else { return };
    let fits = |constant: &Constant<'_>| match constant {
        Constant::String(text) => is_digest(&algorithm, &text.value()),
        _ => false,
    };
    if !constants.iter().all(fits) {
        found.error(rule, test.operand, expected);
    }
}

/// An algorithm's name in capitals, without hyphens.
fn key(algorithm: &str) -> String {
    algorithm.chars().filter(|c| *c != '-').flat_map(char::to_uppercase).collect()
}

fn expected(algorithm: &str) -> Option<&'static str> {
    Some(match key(algorithm).as_str() {
        "MD5" => "32 hexadecimal digits of MD5",
        "MD6" => "at least 32 hexadecimal digits of MD6",
        "RIPEMD160" => "40 hexadecimal digits of RIPEMD-160",
        "SHA1" => "40 hexadecimal digits of SHA-1",
        "SHA224" => "56 hexadecimal digits of SHA-224",
        "SHA256" => "64 hexadecimal digits of SHA-256",
        "SHA384" => "96 hexadecimal digits of SHA-384",
        "SHA512" => "128 hexadecimal digits of SHA-512",
        "SHA3224" => "56 hexadecimal digits of SHA3-224",
        "SHA3256" => "64 hexadecimal digits of SHA3-256",
        "SHA3384" => "96 hexadecimal digits of SHA3-384",
        "SHA3512" => "128 hexadecimal digits of SHA3-512",
        "SSDEEP" => "1 to 128 characters of ssdeep",
        "WHIRLPOOL" => "128 hexadecimal digits of WHIRLPOOL",
        _ => return None,
    })
}

fn is_digest(algorithm: &str, value: &str) -> bool {
    let hex = value.bytes().take_while(u8::is_ascii_hexdigit).count();
    let is_hex_of = |len| hex == len && value.len() == len;
    match key(algorithm).as_str() {
        "MD5" => is_hex_of(32),
        "MD6" => hex >= 32,
        "RIPEMD160" | "SHA1" => is_hex_of(40),
        "SHA224" | "SHA3224" => is_hex_of(56),
        "SHA256" | "SHA3256" => is_hex_of(64),
        "SHA384" | "SHA3384" => is_hex_of(96),
        "SHA512" | "SHA3512" | "WHIRLPOOL" => is_hex_of(128),
        "SSDEEP" => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/+:.".contains(&byte);
            (1..=128).contains(&value.len()) && value.bytes().all(plain)
        }
        _ => true,
    }
}
