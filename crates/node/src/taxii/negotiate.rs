//! Media types, encodings and entity tags, in every spelling that RFC 9110 allows.

use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header};

use super::Fault;

/// Splits a text at a byte that stands outside of quotes; parts are trimmed.
fn split(text: &str, at: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut is_quoted, mut is_escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            let ends = byte == at && !is_quoted;
            is_quoted ^= byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && is_quoted && !is_escaped;
            ends
        });
        let (part, after) = match end.and_then(|end| text.split_at_checked(end)) {
            Some((part, after)) => (part, after.get(1..)),
            None => (text, None),
        };
        rest = after;
        Some(part.trim())
    })
}

/// The elements of a list, over all lines of a field; empty ones are skipped (RFC 9110, 5.6.1).
fn elements(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| split(line, b','))
        .filter(|element| !element.is_empty())
}

/// The value of a parameter, without quotes.
fn parameter<'a>(element: &'a str, name: &str) -> Option<std::borrow::Cow<'a, str>> {
    let found = split(element, b';').skip(1).find_map(|part| {
        let (found, value) = part.split_once('=')?;
        found.trim().eq_ignore_ascii_case(name).then(|| value.trim())
    })?;
    match found.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(quoted) => Some(quoted.replace('\\', "").into()),
        None => Some(found.into()),
    }
}

/// The weight of an element, in thousandths; 1 where none is, or none that reads.
fn weight(element: &str) -> u32 {
    let text = parameter(element, "q");
    let value = text.and_then(|text| text.parse::<f32>().ok()).filter(|q| (0.0..=1.0).contains(q));
    value.map_or(1_000, |q| (q * 1_000.0) as u32)
}

/// How specific a media range is that covers TAXII 2.1; `None` for one that does not.
fn specificity(range: &str) -> Option<u8> {
    let kind = split(range, b';').next().unwrap_or_default();
    if kind.eq_ignore_ascii_case("application/taxii+json") {
        return match parameter(range, "version") {
            Some(version) => (version == "2.1").then_some(3),
            None => Some(2),
        };
    }
    match kind {
        "*/*" => Some(0),
        _ if kind.eq_ignore_ascii_case("application/*") => Some(1),
        _ => None,
    }
}

/// What an endpoint's own definition has in Accept: whatever it names is never 406 (3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    Taxii,
    TaxiiAndStix,
}

/// Whether the answer's media type is acceptable: the most specific range that covers it decides.
pub(super) fn check_accept(headers: &HeaderMap, named: Named) -> Result<(), Fault> {
    let mut is_asked = false;
    let ranges = elements(headers, header::ACCEPT).inspect(|_| is_asked = true);
    let best = ranges.filter_map(|range| Some((specificity(range)?, weight(range)))).max();
    let asks_stix =
        || elements(headers, header::ACCEPT).any(|range| is_stix(range) && weight(range) > 0);
    match best {
        Some((_, weight)) if weight > 0 => Ok(()),
        None if !is_asked => Ok(()),
        _ if named == Named::TaxiiAndStix && asks_stix() => Ok(()),
        _ => Err(Fault::new(
            StatusCode::NOT_ACCEPTABLE,
            "TAXII-3.1",
            "only application/taxii+json;version=2.1 is spoken here",
            "name it in Accept",
        )),
    }
}

/// Whether somebody with a browser or a shell asks, rather than a TAXII client.
pub(super) fn prefers_text(headers: &HeaderMap) -> bool {
    elements(headers, header::ACCEPT).any(|range| {
        let kind = split(range, b';').next().unwrap_or_default();
        kind.eq_ignore_ascii_case("text/html") || kind.eq_ignore_ascii_case("text/plain")
    })
}

/// Whether a page is asked for as browsers ask, and nothing that TAXII clients do.
pub(super) fn asks_html(headers: &HeaderMap) -> bool {
    let names = |meant: &[&str]| {
        elements(headers, header::ACCEPT).any(|range| {
            let kind = split(range, b';').next().unwrap_or_default();
            meant.iter().any(|meant| kind.eq_ignore_ascii_case(meant))
        })
    };
    names(&["text/html"]) && !names(&["application/taxii+json", "application/stix+json"])
}

/// Whether a range names STIX content of an edition that is kept here.
fn is_stix(range: &str) -> bool {
    let kind = split(range, b';').next().unwrap_or_default();
    let version = parameter(range, "version");
    kind.eq_ignore_ascii_case("application/stix+json")
        && version.is_none_or(|version| version == "2.1" || version == "2.0")
}

/// Whether a request's content is TAXII 2.1. OpenCTI's connector `taxii-post` says
/// `application/stix+json` of the bundle that it sends, which is read as an envelope.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Fault> {
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    let kind = lines.next().and_then(|value| value.to_str().ok()).unwrap_or_default();
    match (specificity(kind), lines.next()) {
        (Some(2..), None) => Ok(()),
        (None, None) if is_stix(kind) => Ok(()),
        _ => Err(Fault::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "TAXII-3.1",
            "the content must be application/taxii+json;version=2.1",
            "say so in Content-Type",
        )),
    }
}

/// An encoding of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Plain,
    Gzip,
    Zstd,
}

impl Encoding {
    fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_lowercase().as_str() {
            "identity" => Some(Self::Plain),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Its name, where it has to be told.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// Of a request's content.
    pub(super) fn of_content(headers: &HeaderMap) -> Result<Self, Fault> {
        let lines = headers.get_all(header::CONTENT_ENCODING);
        if lines.iter().any(|line| line.to_str().is_err()) {
            return Err(Fault::unsupported_encoding());
        }
        let mut all = elements(headers, header::CONTENT_ENCODING);
        match (all.next().map(Self::parse), all.next()) {
            (None, None) => Ok(Self::Plain),
            (Some(Some(encoding)), None) => Ok(encoding),
            _ => Err(Fault::unsupported_encoding()),
        }
    }

    /// The one that is asked for most, the stronger of equals; plain where none is named, unless
    /// plain is refused and `*` lets another one stand.
    pub(super) fn of_answer(headers: &HeaderMap) -> Self {
        let asked = elements(headers, header::ACCEPT_ENCODING).filter_map(|element| {
            let coding = Self::parse(split(element, b';').next().unwrap_or_default())?;
            Some((weight(element), coding as u8, coding))
        });
        let best = asked.max_by_key(|(weight, strength, _)| (*weight, *strength));
        match best {
            Some((1.., _, coding)) => coding,
            _ if !refuses_plain(headers) || coding_weight(headers, "*").is_none_or(|q| q == 0) => {
                Self::Plain
            }
            _ if coding_weight(headers, "gzip").is_none() => Self::Gzip,
            _ => Self::Zstd,
        }
    }
}

/// The weight that Accept-Encoding gives to a name, where it stands there.
fn coding_weight(headers: &HeaderMap, name: &str) -> Option<u32> {
    let is_meant = |element: &&str| {
        split(element, b';').next().is_some_and(|coding| coding.eq_ignore_ascii_case(name))
    };
    elements(headers, header::ACCEPT_ENCODING).find(is_meant).map(weight)
}

/// Whether content without a coding is excluded (RFC 9110, 12.5.3): by name, or by `*`.
pub(super) fn refuses_plain(headers: &HeaderMap) -> bool {
    let weight = coding_weight(headers, "identity").or_else(|| coding_weight(headers, "*"));
    weight == Some(0)
}

/// Whether a request may be done to what is here (RFC 9110, 13.1). Our tags are weak, and
/// If-Match compares strongly: only `*` matches.
pub(super) fn check_conditions(method: &Method, headers: &HeaderMap) -> Result<(), Fault> {
    let has_any = |name| elements(headers, name).any(|tag| tag == "*");
    let is_mismatched = headers.contains_key(header::IF_MATCH) && !has_any(header::IF_MATCH);
    // Of safe methods, If-None-Match is answered by 304.
    let is_unwanted = !method.is_safe() && has_any(header::IF_NONE_MATCH);
    if is_mismatched || is_unwanted { Err(Fault::condition()) } else { Ok(()) }
}

/// Whether the client holds what a tag stands for (RFC 9110, 13.1.2: weak comparison).
pub(super) fn is_held(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |text: &str| text.strip_prefix("W/").unwrap_or(text).to_owned();
    let ours = opaque(tag);
    elements(headers, header::IF_NONE_MATCH).any(|held| held == "*" || opaque(held) == ours)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(name: HeaderName, lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[test]
    fn accept_in_every_allowed_spelling_means_taxii() {
        let spellings: &[&[&str]] = &[
            &[],
            &[""],
            &["application/taxii+json"],
            &["application/taxii+json;version=2.1"],
            &["Application/TAXII+JSON ; Version=\"2.1\""],
            &["application/taxii+json; version=2.1; charset=utf-8"],
            &["application/taxii+json;note=\"a, b;version=2.0\";version=2.1"],
            &["application/taxii+json;version=2.1,application/stix+json;version=2.1"],
            &["text/html, application/taxii+json;version=2.1;q=0.1"],
            &["text/html", "application/taxii+json"],
            &["application/json, text/plain, */*"],
            &["application/*;q=0.5"],
            &["*/*;q=0, application/taxii+json;version=2.1"],
            &["application/taxii+json;version=2.0, application/taxii+json;version=2.1"],
            &[" , application/taxii+json"],
        ];
        for lines in spellings {
            let asked = headers(header::ACCEPT, lines);
            assert!(check_accept(&asked, Named::Taxii).is_ok(), "{lines:?}");
        }
    }

    #[test]
    fn accept_of_something_else_is_refused() {
        let spellings: &[&[&str]] = &[
            &["application/taxii+json;version=2.0"],
            &["application/vnd.oasis.taxii+json"],
            &["text/html"],
            &["application/json"],
            &["*/*;q=0"],
            &["*/*, application/taxii+json;version=2.1;q=0"],
            &["application/taxii+json;q=0, application/*"],
            &["application/taxii+json;version=2.1;q=0.000"],
        ];
        for lines in spellings {
            let asked = headers(header::ACCEPT, lines);
            assert!(check_accept(&asked, Named::Taxii).is_err(), "{lines:?}");
        }
    }

    #[test]
    fn content_type_in_every_allowed_spelling_is_taken_and_others_are_not() {
        for kind in [
            "application/taxii+json",
            "application/taxii+json;version=2.1",
            "APPLICATION/taxii+json;  version=\"2.1\" ; charset=utf-8",
            "application/stix+json; version=2.1",
            "application/stix+json",
        ] {
            assert!(check_content_type(&headers(header::CONTENT_TYPE, &[kind])).is_ok(), "{kind}");
        }
        let foreign: &[&[&str]] = &[
            &[],
            &["application/json"],
            &["application/taxii+json;version=2.0"],
            &["application/stix+json;version=3.0"],
            &["*/*"],
            &["application/*"],
            &["application/taxii+json", "application/taxii+json"],
        ];
        for lines in foreign {
            assert!(check_content_type(&headers(header::CONTENT_TYPE, lines)).is_err());
        }
    }

    #[test]
    fn encodings_follow_what_is_asked_for_most() {
        for (lines, meant) in [
            (&[][..], Encoding::Plain),
            (&["gzip"][..], Encoding::Gzip),
            (&["gzip, deflate, br, zstd"][..], Encoding::Zstd),
            (&["zstd;q=0.1, GZIP;q=0.2"][..], Encoding::Gzip),
            (&["gzip;q=0", "identity"][..], Encoding::Plain),
            (&["gzip;q=0.5, identity"][..], Encoding::Plain),
            (&["identity, gzip"][..], Encoding::Gzip),
            (&["br"][..], Encoding::Plain),
            (&["*"][..], Encoding::Plain),
            (&["*;q=0"][..], Encoding::Plain),
            (&["identity;q=0, *"][..], Encoding::Gzip),
            (&["identity;q=0", "gzip;q=0, *;q=0.1"][..], Encoding::Zstd),
            (&["identity;q=0"][..], Encoding::Plain),
        ] {
            assert_eq!(Encoding::of_answer(&headers(header::ACCEPT_ENCODING, lines)), meant);
        }
        let coded = headers(header::CONTENT_ENCODING, &["x-gzip"]);
        assert_eq!(Encoding::of_content(&coded).ok(), Some(Encoding::Gzip));
        for lines in [&["br"][..], &["gzip, zstd"][..], &["gz\u{e9}"][..]] {
            assert!(Encoding::of_content(&headers(header::CONTENT_ENCODING, lines)).is_err());
        }
    }

    #[test]
    fn plain_is_refused_by_name_or_by_all() {
        for (line, is_refused) in [
            ("identity;q=0", true),
            ("gzip, *;q=0", true),
            ("gzip, identity;q=0.1, *;q=0", false),
            ("gzip;q=0", false),
            ("", false),
        ] {
            assert_eq!(refuses_plain(&headers(header::ACCEPT_ENCODING, &[line])), is_refused);
        }
    }

    #[test]
    fn stix_is_acceptable_only_where_the_endpoint_names_it() {
        for (line, is_fine) in [
            ("application/stix+json;version=2.1", true),
            ("text/html, application/stix+json;q=0.1", true),
            ("application/stix+json;q=0", false),
            ("application/stix+json;version=3.0", false),
            ("application/json", false),
        ] {
            let asked = headers(header::ACCEPT, &[line]);
            assert_eq!(check_accept(&asked, Named::TaxiiAndStix).is_ok(), is_fine, "{line}");
            assert!(check_accept(&asked, Named::Taxii).is_err(), "{line}");
        }
    }

    #[test]
    fn html_is_asked_for_where_nothing_of_taxii_is() {
        let chromium = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        for (lines, asks) in [
            (&[chromium][..], true),
            (&["Text/HTML ; q=0.1"][..], true),
            (&["image/png", "text/html"][..], true),
            (&[][..], false),
            (&["*/*"][..], false),
            (&["application/json, text/plain, */*"][..], false),
            (&["text/html, application/taxii+json;version=2.1"][..], false),
            (&["text/html", "Application/TAXII+json;version=2.0"][..], false),
            (&["text/html, application/stix+json"][..], false),
        ] {
            assert_eq!(asks_html(&headers(header::ACCEPT, lines)), asks, "{lines:?}");
        }
    }

    #[test]
    fn conditions_hold_only_for_whatever_is_here() {
        let judge = |method, name, tags| check_conditions(method, &headers(name, &[tags])).is_ok();
        for method in [&Method::GET, &Method::DELETE, &Method::POST] {
            assert!(judge(method, header::IF_MATCH, "*"));
            assert!(!judge(method, header::IF_MATCH, "W/\"x\", \"y\""));
            assert!(judge(method, header::IF_NONE_MATCH, "\"x\""));
            assert_eq!(judge(method, header::IF_NONE_MATCH, "*"), *method == Method::GET);
        }
    }

    #[test]
    fn tags_are_compared_weakly() {
        let held = headers(header::IF_NONE_MATCH, &["\"x\", W/\"y\""]);
        assert!(is_held(&held, "W/\"x\"") && is_held(&held, "W/\"y\""));
        assert!(!is_held(&held, "W/\"z\""));
        assert!(is_held(&headers(header::IF_NONE_MATCH, &["*"]), "W/\"z\""));
    }
}
