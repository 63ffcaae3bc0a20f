//! Query parameters: filters, limit, position (3.4).

use percent_encoding::percent_decode_str;
use protocol::terms::Timestamp;
use store::{Page, Sight, Versions};
use uuid::Uuid;

use super::{CursorKeys, Fault, cursor::Bound};

const LIMIT_DEFAULT: usize = 1_000;
const LIMIT_MAX: usize = 10_000;
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of an id and of a type that can be here at all.
const ID_LEN_MAX: usize = stix::limits::ID_LEN_MAX;
const TYPE_LEN_MAX: usize = stix::limits::TYPE_LEN_MAX;

/// Which parameters an endpoint has (5.3 to 5.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Objects,
    Manifest,
    Object,
    Versions,
    /// Misspelt filters are refused here: they must not widen a deletion.
    Delete,
}

impl Kind {
    fn parameters(self) -> &'static [&'static str] {
        const ALL: [&str; 7] = [
            "added_after",
            "limit",
            "next",
            "match[spec_version]",
            "match[version]",
            "match[id]",
            "match[type]",
        ];
        let [page @ .., _, _] = &ALL;
        match self {
            Self::Objects | Self::Manifest => &ALL,
            Self::Object => page,
            Self::Versions => &["added_after", "limit", "next", "match[spec_version]"],
            Self::Delete => &["match[spec_version]", "match[version]"],
        }
    }
}

/// What is asked of a collection.
pub(super) struct Asked {
    pub(super) page: Page,
    kind: Kind,
    filters: [u8; 16],
}

impl Asked {
    /// Reads a query.
    ///
    /// *Errors*: 400 that names the parameter. Unknown ones are ignored where a page is asked for.
    pub(super) fn parse(
        raw: Option<&str>,
        kind: Kind,
        keys: &CursorKeys,
        collection: &Uuid,
        sight: &Sight,
    ) -> Result<Self, Fault> {
        let known = known(raw.unwrap_or_default(), kind)?;
        let get = |name: &str| {
            known.iter().find(|(found, _)| *found == name).map(|(_, value)| value.as_str())
        };
        let with_bodies = matches!(kind, Kind::Objects | Kind::Object);
        let page = Page {
            limit: get("limit").map_or(Ok(LIMIT_DEFAULT), limit)?,
            bytes_max: PAGE_BYTES_MAX,
            after: get("added_after").map(added_after).transpose()?,
            ids: list("match[id]", get("match[id]"), |id| id.len() <= ID_LEN_MAX)?,
            types: list("match[type]", get("match[type]"), |name| name.len() <= TYPE_LEN_MAX)?,
            specs: list("match[spec_version]", get("match[spec_version]"), is_spec)?,
            versions: match get("match[version]") {
                None if kind == Kind::Delete => Versions::All,
                text => versions(text)?,
            },
            sight: sight.clone(),
            with_bodies,
        };
        let mut asked = Self { filters: keys.filters(&filters(&page)), kind, page };
        if let Some(text) = get("next") {
            let date = keys.read(&asked.bound(collection), text);
            let date =
                date.ok_or_else(|| Fault::parameter("next", "is not a cursor of this query"))?;
            asked.page.after = asked.page.after.max(Some(date));
        }
        Ok(asked)
    }

    /// The position that was asked from, in microseconds since 1970; where none was, the one before
    /// everything: no entry is dated so early, so that going on from it is the same as from nothing.
    pub(super) fn position(&self) -> i64 {
        self.page.after.unwrap_or(0)
    }

    fn bound<'a>(&'a self, collection: &'a Uuid) -> Bound<'a> {
        Bound { collection, endpoint: self.kind as u8, filters: &self.filters }
    }

    /// The cursor of the page that follows a date.
    pub(super) fn next(&self, keys: &CursorKeys, collection: &Uuid, date: i64) -> String {
        keys.write(&self.bound(collection), date)
    }
}

/// The match filters as one text, equal for equal filters: lists are sorted here.
fn filters(page: &Page) -> String {
    let versions = match &page.versions {
        // Written out: cursors that were given away once hold for ever.
        Versions::Some { first, last, keys, .. } => {
            format!("Some {{ first: {first}, last: {last}, keys: {keys:?} }}")
        }
        versions => format!("{versions:?}"),
    };
    if page.ids.is_empty() && page.types.is_empty() && page.specs.is_empty() {
        return versions;
    }
    format!("{:?}{:?}{:?}{versions}", page.ids, page.types, page.specs)
}

/// The parameters that an endpoint has, decoded; each at most once.
fn known(raw: &str, kind: Kind) -> Result<Vec<(&'static str, String)>, Fault> {
    let parameters = kind.parameters();
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let name = decode(name);
        let known = name.as_deref().and_then(|name| parameters.iter().find(|one| **one == name));
        let Some(known) = known else {
            if kind == Kind::Delete {
                return Err(Fault::parameter(&printable(name), "is none of a deletion"));
            }
            continue;
        };
        if found.iter().any(|(held, _)| held == known) {
            return Err(Fault::parameter(known, "stands twice"));
        }
        let value =
            decode(value).ok_or_else(|| Fault::parameter(known, "is no percent-encoded UTF-8"))?;
        if value.is_empty() {
            return Err(Fault::parameter(known, "is empty"));
        }
        if value.contains('\0') {
            return Err(Fault::parameter(known, "contains NUL"));
        }
        found.push((known, value));
    }
    Ok(found)
}

fn decode(text: &str) -> Option<String> {
    let is_octet = |rest: &str| {
        rest.as_bytes().first_chunk::<2>().is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    if !text.split('%').skip(1).all(is_octet) {
        return None;
    }
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8().map(String::from).ok()
}

/// A name that may stand in an error: short, and of plain letters.
fn printable(name: Option<String>) -> String {
    let is_plain = |letter: &char| letter.is_ascii_graphic();
    name.unwrap_or_default().chars().filter(is_plain).take(64).collect()
}

/// A whole number above zero of any length, capped.
fn limit(text: &str) -> Result<usize, Fault> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let value = if is_number { text.parse().unwrap_or(LIMIT_MAX) } else { 0 };
    match value {
        0 => Err(Fault::parameter("limit", "is no whole number above zero")),
        _ => Ok(value.min(LIMIT_MAX)),
    }
}

fn added_after(text: &str) -> Result<i64, Fault> {
    micros(text).ok_or_else(|| Fault::parameter("added_after", "is no timestamp in UTC with Z"))
}

/// The elements of a list, any of them.
fn list(
    name: &'static str,
    text: Option<&str>,
    fits: impl Fn(&str) -> bool,
) -> Result<Vec<String>, Fault> {
    let mut elements: Vec<String> = Vec::new();
    for element in text.into_iter().flat_map(|text| text.split(',')) {
        // A comma stands without blanks (3.4): with them, nothing would match and nobody know why.
        if element.is_empty() || element.trim() != element || !fits(element) {
            return Err(Fault::parameter(name, "has an element that is empty or malformed"));
        }
        elements.push(element.to_owned());
    }
    elements.sort_unstable();
    elements.dedup();
    Ok(elements)
}

/// `n.m`.
fn is_spec(text: &str) -> bool {
    let is_number = |part: &str| {
        (1..=9).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split_once('.').is_some_and(|(major, minor)| is_number(major) && is_number(minor))
}

fn versions(text: Option<&str>) -> Result<Versions, Fault> {
    const NAME: &str = "match[version]";
    let Some(text) = text else { return Ok(Versions::Last) };
    if text == "all" {
        return Ok(Versions::All);
    }
    let (mut first, mut last, mut keys) = (false, false, Vec::new());
    for element in text.split(',') {
        let is_fresh = match element {
            "first" => !std::mem::replace(&mut first, true),
            "last" => !std::mem::replace(&mut last, true),
            "all" => return Err(Fault::parameter(NAME, "has `all` beside others")),
            time if stix::is_timestamp(time) => {
                let key = stix::version_key(time);
                let is_fresh = !keys.contains(&key);
                keys.push(key);
                is_fresh
            }
            _ => return Err(Fault::parameter(NAME, "has an element that is no version")),
        };
        if !is_fresh {
            return Err(Fault::parameter(NAME, "has a version twice"));
        }
    }
    keys.sort_unstable();
    Ok(match (first, last, keys.is_empty()) {
        (true, false, true) => Versions::First,
        (false, true, true) => Versions::Last,
        _ => Versions::some(first, last, keys),
    })
}

/// Microseconds since 1970 of a STIX timestamp; digits after the sixth are cut, which is exact:
/// no entry is dated between two microseconds.
pub(super) fn micros(text: &str) -> Option<i64> {
    if !stix::is_timestamp(text) {
        return None;
    }
    let (seconds, fraction) = text.strip_suffix('Z')?.split_at_checked(19)?;
    // Second 60 is the end of the minute, as RFC 3339 has it; dates here have no such second.
    let (minute, second) = seconds.split_at_checked(17)?;
    let leap = i64::from(second == "60");
    let second = if leap == 1 { "59" } else { second };
    // What is a timestamp and cannot be read lies in the last hours of the year 9999.
    let whole = format!("{minute}{second}.000Z").parse();
    let whole: Timestamp = whole.unwrap_or_else(|_| Timestamp::from_ms(i64::MAX));
    let digits = fraction.strip_prefix('.').unwrap_or_default();
    let digits: String = digits.chars().chain("000000".chars()).take(6).collect();
    let seconds = whole.as_ms().checked_add(leap * 1_000)?;
    Some(seconds.checked_mul(1_000)? + digits.parse::<i64>().ok()?)
}

/// A date of ours: six digits and `Z` (section 2, timestamp).
pub(super) fn date(micros: i64) -> String {
    let whole = Timestamp::from_ms(micros.div_euclid(1_000)).to_string();
    let rest = micros.rem_euclid(1_000);
    format!("{}{rest:03}Z", whole.trim_end_matches('Z'))
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
        assert_eq!(micros("2031-05-04T10:00:00Z"), micros("2031-05-04T10:00:00.0Z"));
        assert_eq!(micros("2016-12-31T23:59:60Z"), micros("2017-01-01T00:00:00Z"));
        assert!(micros("9999-12-31T23:59:59.999999Z") >= micros("9999-12-30T00:00:00Z"));
        assert_eq!(micros("2031-05-04"), None);
        assert_eq!(micros("2031-05-04T10:00:00+00:00"), None);
    }

    #[test]
    fn limits_of_any_length_are_read() {
        assert_eq!(limit("10").ok(), Some(10));
        assert_eq!(limit("0010").ok(), Some(10));
        assert_eq!(limit("99999999999999999999999").ok(), Some(LIMIT_MAX));
        for text in ["0", "-1", "x", "1.0", " 1", "00"] {
            assert!(limit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn versions_are_told_from_what_is_none() {
        assert_eq!(versions(None).ok(), Some(Versions::Last));
        assert_eq!(versions(Some("first")).ok(), Some(Versions::First));
        let two = versions(Some("last,2031-01-01T00:00:00.50Z")).ok();
        let keys = vec!["2031-01-01T00:00:00.5".to_owned()];
        assert_eq!(two, Some(Versions::some(false, true, keys)));
        for text in [
            "all,last",
            "last,last",
            "last,",
            "Last",
            "2031-01-01",
            "2031-01-01T00:00:00Z,2031-01-01T00:00:00.0Z",
        ] {
            assert!(versions(Some(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn parameters_are_decoded_and_stand_once() {
        let known = |raw| known(raw, Kind::Objects).map_err(|_| ());
        assert_eq!(known("match%5Btype%5D=a%2Cb&&"), Ok(vec![("match[type]", "a,b".to_owned())]));
        assert_eq!(known("colour=%ff&colour=red"), Ok(vec![]));
        let twice = ["limit=1&limit=2", "match[id]=a&match%5Bid%5D=a"];
        let bad = ["limit=", "limit", "next=%00", "next=%ff", "added_after", "next=%zz", "next=%4"];
        for raw in twice.into_iter().chain(bad) {
            assert_eq!(known(raw), Err(()), "{raw}");
        }
    }

    #[test]
    fn deletion_refuses_what_it_does_not_know() {
        assert!(known("match[version]=all", Kind::Delete).is_ok());
        for raw in ["match[verison]=all", "limit=1", "match[id]=x", "%ff=1"] {
            assert!(known(raw, Kind::Delete).is_err(), "{raw}");
        }
    }
}
