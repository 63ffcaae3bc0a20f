//! Query parameters of pages: filters, limit, and the cursor `next`.

use axum::http::StatusCode;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;
use protocol::secrets;
use store::{Collection, Page, Versions};

use super::Fault;

const LIMIT_DEFAULT: usize = 1_000;
const LIMIT_MAX: usize = 10_000;
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
const CURSOR_VERSION: u8 = 1;

/// What is asked.
pub(super) struct Asked {
    pub(super) page: Page,
    /// Digest of the match filters: a cursor belongs to them.
    filters: [u8; 16],
}

fn wrong(name: &str) -> Fault {
    Fault(StatusCode::BAD_REQUEST, format!("the parameter `{name}` is malformed"))
}

/// Reads the query.
///
/// *Errors*: 400 that names the parameter. Unknown ones are ignored.
pub(super) fn parse(
    raw: Option<&str>,
    key: &[u8; 32],
    collection: &Collection,
) -> Result<Asked, Fault> {
    let known = known(raw.unwrap_or_default())?;
    let get = |name: &str| known.iter().find(|(found, _)| found == name).map(|(_, v)| v.as_str());
    let mut page = Page { limit: LIMIT_DEFAULT, bytes_max: PAGE_BYTES_MAX, ..Page::default() };
    if let Some(limit) = get("limit") {
        page.limit = self::limit(limit).ok_or_else(|| wrong("limit"))?;
    }
    page.ids = list(get("match[id]"), 300).ok_or_else(|| wrong("match[id]"))?;
    page.types = list(get("match[type]"), 250).ok_or_else(|| wrong("match[type]"))?;
    page.specs = list(get("match[spec_version]"), 9).ok_or_else(|| wrong("match[spec_version]"))?;
    page.versions = versions(get("match[version]")).ok_or_else(|| wrong("match[version]"))?;
    let filters: Vec<_> = known.iter().filter(|(name, _)| name.starts_with("match[")).collect();
    let filters = secrets::tag(key, format!("{filters:?}").as_bytes());
    if let Some(after) = get("added_after") {
        page.after = Some(micros(after).ok_or_else(|| wrong("added_after"))?);
    }
    if let Some(next) = get("next") {
        let date = read_cursor(key, collection, &filters, next).ok_or_else(|| wrong("next"))?;
        page.after = page.after.max(Some(date));
    }
    Ok(Asked { page, filters })
}

const KNOWN: [&str; 7] = [
    "added_after",
    "limit",
    "next",
    "match[id]",
    "match[type]",
    "match[version]",
    "match[spec_version]",
];

fn known(raw: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decode = |text: &str| {
            percent_decode_str(&text.replace('+', "%20")).decode_utf8().map(String::from).ok()
        };
        let Some(name) = decode(name) else { continue };
        if !KNOWN.contains(&name.as_str()) {
            continue;
        }
        let value = decode(value).filter(|value| !value.is_empty() && !value.contains('\0'));
        let doubled = found.iter().any(|(held, _)| *held == name);
        let value = value.filter(|_| !doubled).ok_or_else(|| wrong(&name))?;
        found.push((name, value));
    }
    found.sort();
    Ok(found)
}

/// A whole number above zero of any length, capped.
fn limit(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = if digits { text.parse().unwrap_or(LIMIT_MAX) } else { 0 };
    (value > 0).then_some(value.min(LIMIT_MAX))
}

fn list(text: Option<&str>, len_max: usize) -> Option<Vec<String>> {
    let Some(text) = text else { return Some(Vec::new()) };
    let elements: Vec<String> = text.split(',').map(str::to_owned).collect();
    let ok = elements.iter().all(|element| (1..=len_max).contains(&element.len()));
    ok.then_some(elements)
}

fn versions(text: Option<&str>) -> Option<Versions> {
    let Some(text) = text else { return Some(Versions::Last) };
    let elements: Vec<&str> = text.split(',').collect();
    let single = elements.len() == 1;
    let (mut first, mut last, mut keys) = (false, false, Vec::new());
    for element in elements {
        let fresh = match element {
            "all" if single => return Some(Versions::All),
            "first" => !std::mem::replace(&mut first, true),
            "last" => !std::mem::replace(&mut last, true),
            time if stix::is_timestamp(time) => {
                let key = stix::version_key(time);
                let fresh = !keys.contains(&key);
                keys.push(key);
                fresh
            }
            _ => false,
        };
        if !fresh {
            return None;
        }
    }
    Some(match (first, last, keys.is_empty()) {
        (true, false, true) => Versions::First,
        (false, true, true) => Versions::Last,
        _ => Versions::Some { first, last, keys },
    })
}

/// Microseconds since 1970 of a STIX timestamp; digits after the sixth are cut, which is exact.
fn micros(text: &str) -> Option<i64> {
    if !stix::is_timestamp(text) {
        return None;
    }
    let (seconds, fraction) = text.strip_suffix('Z')?.split_at_checked(19)?;
    let whole: protocol::terms::Timestamp = format!("{seconds}.000Z").parse().ok()?;
    let digits: String =
        fraction.trim_start_matches('.').chars().chain("000000".chars()).take(6).collect();
    Some(whole.as_ms().checked_mul(1_000)? + digits.parse::<i64>().ok()?)
}

/// A date of ours: six digits and `Z`.
pub(super) fn date(micros: i64) -> String {
    let whole = protocol::terms::Timestamp::from_ms(micros.div_euclid(1_000)).to_string();
    let rest = micros.rem_euclid(1_000);
    format!("{}{rest:03}Z", whole.trim_end_matches('Z'))
}

fn cursor_tag(key: &[u8; 32], collection: &Collection, filters: &[u8; 16], date: i64) -> [u8; 16] {
    let mut message = vec![CURSOR_VERSION];
    message.extend_from_slice(collection.id.as_bytes());
    message.extend_from_slice(filters);
    message.extend_from_slice(&date.to_be_bytes());
    secrets::tag(key, &message)
}

/// A cursor: stateless, repeatable, never expiring.
pub(super) fn cursor(key: &[u8; 32], collection: &Collection, asked: &Asked, date: i64) -> String {
    let mut bytes = vec![CURSOR_VERSION];
    bytes.extend_from_slice(&date.to_be_bytes());
    bytes.extend_from_slice(&cursor_tag(key, collection, &asked.filters, date));
    URL_SAFE_NO_PAD.encode(bytes)
}

fn read_cursor(
    key: &[u8; 32],
    collection: &Collection,
    filters: &[u8; 16],
    text: &str,
) -> Option<i64> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (version, rest) = bytes.split_first()?;
    let (date, tag) = rest.split_first_chunk::<8>()?;
    let date = i64::from_be_bytes(*date);
    let ours = cursor_tag(key, collection, filters, date);
    (*version == CURSOR_VERSION && secrets::is_equal(&ours, tag)).then_some(date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_come_back_to_the_microsecond() {
        for text in ["2031-05-04T10:00:00.123456Z", "1969-12-31T23:59:59.999999Z"] {
            assert_eq!(date(micros(text).unwrap()), text);
        }
        assert_eq!(micros("2031-05-04T10:00:00.1234569Z"), micros("2031-05-04T10:00:00.123456Z"));
        assert_eq!(micros("2031-05-04"), None);
    }

    #[test]
    fn malformed_parameters_are_told_from_sound_ones() {
        assert_eq!(limit("10"), Some(10));
        assert_eq!(limit("99999999999999999999999"), Some(LIMIT_MAX));
        assert_eq!((limit("0"), limit("-1"), limit("x")), (None, None, None));
        assert_eq!(versions(Some("all,last")), None);
        assert_eq!(versions(Some("first")), Some(Versions::First));
        assert_eq!(versions(Some("last,last")), None);
        assert!(known("limit=1&limit=2").is_err());
        assert!(known("limit=").is_err());
        assert_eq!(known("colour=red").map_err(|_| ()).unwrap().len(), 0);
    }
}
