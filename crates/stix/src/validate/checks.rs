//! The SHOULD checks under the reference validator's numbers and names, and which of them run.

use crate::Spec;

/// A SHOULD check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Its number.
    pub number: u16,
    /// Its number as text: the rule of its findings.
    pub rule: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The section whose SHOULD it is.
    pub clause: &'static str,
    /// What it asks, in a few words.
    pub asks: &'static str,
}

const fn check(
    number: u16,
    rule: &'static str,
    name: &'static str,
    clause: &'static str,
    asks: &'static str,
) -> Check {
    Check { number, rule, name, clause, asks }
}

/// Every check of both editions, by number.
pub static CHECKS: [Check; 51] = [
    check(
        101,
        "101",
        "custom-prefix",
        "11.1.1",
        "a custom name begins with x- or x_, its source, a name",
    ),
    check(102, "102", "custom-prefix-lax", "11.1.1", "a custom name begins with x- or x_"),
    check(
        103,
        "103",
        "uuid-check",
        "2.9",
        "the UUID of an id is of version 4, of an observable's of version 5",
    ),
    check(
        111,
        "111",
        "open-vocab-format",
        "2.14",
        "values of open vocabularies are lower case, hyphens between words",
    ),
    check(
        121,
        "121",
        "kill-chain-names",
        "2.11",
        "names of kill chains and phases are lower case, hyphens between words",
    ),
    check(
        141,
        "141",
        "observable-object-keys",
        "2.9",
        "keys of observed objects are numbers from 0",
    ),
    check(
        142,
        "142",
        "observable-dictionary-keys",
        "2.3",
        "keys of dictionaries are lower case; in STIX 2.0 at most 30 characters",
    ),
    check(
        143,
        "143",
        "malware-analysis-product",
        "4.12.1",
        "the product of a malware-analysis is lower case, words separated by a dash",
    ),
    check(
        149,
        "149",
        "windows-process-priority-format",
        "6.13.2",
        "priority of a Windows process ends in _CLASS",
    ),
    check(150, "150", "hash-length", "2.7", "names of hash algorithms have at most 30 characters"),
    check(
        201,
        "201",
        "marking-definition-type",
        "7.2.1",
        "definition_type of a marking is statement or tlp",
    ),
    check(
        202,
        "202",
        "relationship-types",
        "5.1.2",
        "a relationship has a type that its ends are defined to have",
    ),
    check(203, "203", "duplicate-ids", "3.6", "an id stands once with the same modified"),
    check(
        211,
        "211",
        "attack-motivation",
        "10.2",
        "attack motivations come from attack-motivation-ov",
    ),
    check(
        212,
        "212",
        "attack-resource-level",
        "10.3",
        "resource levels come from attack-resource-level-ov",
    ),
    check(213, "213", "identity-class", "10.8", "identity_class comes from identity-class-ov"),
    check(
        214,
        "214",
        "indicator-types",
        "10.10",
        "indicator_types come from indicator-type-ov; in STIX 2.0 labels",
    ),
    check(215, "215", "industry-sector", "10.11", "sectors come from industry-sector-ov"),
    check(
        216,
        "216",
        "malware-types",
        "10.15",
        "malware_types come from malware-type-ov; in STIX 2.0 labels",
    ),
    check(
        218,
        "218",
        "report-types",
        "10.22",
        "report_types come from report-type-ov; in STIX 2.0 labels",
    ),
    check(
        219,
        "219",
        "threat-actor-types",
        "10.23",
        "threat_actor_types come from threat-actor-type-ov; in STIX 2.0 labels",
    ),
    check(
        220,
        "220",
        "threat-actor-role",
        "10.24",
        "roles of threat actors come from threat-actor-role-ov",
    ),
    check(
        221,
        "221",
        "threat-actor-sophistication",
        "10.25",
        "sophistication comes from threat-actor-sophistication-ov",
    ),
    check(
        222,
        "222",
        "tool-types",
        "10.26",
        "tool_types come from tool-type-ov; in STIX 2.0 labels",
    ),
    check(223, "223", "region", "10.21", "region of a location comes from region-ov"),
    check(
        225,
        "225",
        "grouping-context",
        "10.6",
        "context of a grouping comes from grouping-context-ov",
    ),
    check(
        226,
        "226",
        "implementation-languages",
        "10.9",
        "implementation_languages come from implementation-language-ov",
    ),
    check(
        227,
        "227",
        "infrastructure-types",
        "10.12",
        "infrastructure_types come from infrastructure-type-ov",
    ),
    check(
        228,
        "228",
        "malware-capabilities",
        "10.13",
        "capabilities of malware come from malware-capabilities-ov",
    ),
    check(
        230,
        "230",
        "processor-architecture",
        "10.20",
        "architecture_execution_envs come from processor-architecture-ov",
    ),
    check(
        231,
        "231",
        "malware-result",
        "10.14",
        "result of a malware-analysis comes from malware-result-ov",
    ),
    check(
        241,
        "241",
        "hash-algo",
        "10.7",
        "hash algorithms come from hash-algorithm-ov, or begin with x_",
    ),
    check(
        242,
        "242",
        "encryption-algo",
        "10.4",
        "encryption algorithms come from encryption-algo-ov of STIX 2.0",
    ),
    check(
        243,
        "243",
        "windows-pebinary-type",
        "10.28",
        "pe_type comes from windows-pebinary-type-ov",
    ),
    check(244, "244", "account-type", "10.1", "account_type comes from account-type-ov"),
    check(
        245,
        "245",
        "indicator-pattern-types",
        "10.19",
        "pattern_type comes from pattern-type-ov",
    ),
    check(271, "271", "mime-type", "6.7.1", "a media type is one of the IANA registry"),
    check(
        272,
        "272",
        "protocols",
        "6.12.1",
        "protocols are service names or protocols of the IANA registry",
    ),
    check(273, "273", "ipfix", "6.12.1", "keys of ipfix are elements of the IANA registry"),
    check(
        274,
        "274",
        "http-request-headers",
        "6.12.2",
        "keys of request_header are HTTP header fields",
    ),
    check(
        275,
        "275",
        "socket-options",
        "6.12.4",
        "keys of socket options are names of socket options",
    ),
    check(276, "276", "pdf-doc-info", "6.7.4", "keys of document_info_dict are those of PDF"),
    check(277, "277", "countries", "4.10.1", "country is a code of two letters of ISO 3166-1"),
    check(301, "301", "network-traffic-ports", "6.12", "network traffic has both ports"),
    check(302, "302", "extref-hashes", "2.5.1", "an external reference with a url has hashes"),
    check(303, "303", "indicator-properties", "4.7.1", "an indicator has a name and a description"),
    check(
        304,
        "304",
        "deprecated-properties",
        "2.13",
        "observed-data has object_refs, not the deprecated objects",
    ),
    check(
        305,
        "305",
        "extension-description",
        "7.3.1",
        "an extension definition has a description",
    ),
    check(
        306,
        "306",
        "extension-properties",
        "7.3.1",
        "an extension definition with toplevel properties names them",
    ),
    check(401, "401", "extensions-use", "7.3", "custom content is an extension"),
    // Not numbered by the reference validator: its option `enforce_refs`.
    check(
        999,
        "enforce-refs",
        "enforce-refs",
        "3.3",
        "the ends of a relationship stand in the bundle",
    ),
];

/// Names of the `labels` checks of STIX 2.0.
const OLD_NAMES: [(&str, u16); 5] = [
    ("indicator-label", 214),
    ("malware-label", 216),
    ("report-label", 218),
    ("threat-actor-label", 219),
    ("tool-label", 222),
];

/// No such check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such check: `{0}`")]
pub struct UnknownCheck(pub String);

/// Checks that STIX 2.0 has; 101 stands there where 2.1 has 401.
const OLD: [u16; 33] = [
    101, 111, 121, 141, 142, 149, 150, 201, 202, 203, 211, 212, 213, 214, 215, 216, 218, 219, 220,
    221, 222, 241, 242, 243, 244, 271, 272, 273, 274, 275, 276, 301, 302,
];

/// Which SHOULD checks run, by edition: two sets, small enough to copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    new: u64,
    old: u64,
}

impl Default for Checks {
    /// All of each edition; in 2.1, 101 and 102 stand back behind 401.
    fn default() -> Self {
        Self {
            new: set(|check| !matches!(check.number, 101 | 102 | 242 | 999)),
            old: set(|check| OLD.contains(&check.number)),
        }
    }
}

impl Checks {
    /// The checks that run when some are disabled and some enabled, by number, name or group
    /// (`1`, `2`, `210`, `270`, `all`).
    ///
    /// Enabling alone runs only those. Disabling turns 103 off too, and 401 off turns 101 on, 101
    /// off as well 102; an unknown name is ignored there.
    ///
    /// *Errors*: [`UnknownCheck`] for an unknown name in `enabled`.
    pub fn select(disabled: &[&str], enabled: &[&str]) -> Result<Self, UnknownCheck> {
        let Self { mut new, mut old } = Self::default();
        if !disabled.is_empty() {
            let off = disabled.iter().filter_map(|name| group(name)).fold(0, |all, one| all | one);
            let has = |number| off & one(number) != 0;
            new &= !off & !one(103);
            old &= !off;
            if has(401) {
                new |= one(if has(101) { 102 } else { 101 }) & !off;
            }
            if has(101) && !has(102) {
                old |= one(102);
            }
        } else if !enabled.is_empty() {
            (new, old) = (0, 0);
        }
        for name in enabled {
            let on = group(name).ok_or_else(|| UnknownCheck((*name).to_owned()))?;
            (new, old) = (new | on, old | on);
        }
        Ok(Self { new, old })
    }

    /// Whether a number, a name or a group's name stands for any check.
    pub fn is_known(name: &str) -> bool {
        group(name).is_some()
    }

    /// Whether a check runs in an edition.
    pub fn has(self, number: u16, spec: Spec) -> bool {
        let bits = if spec == Spec::V20 { self.old } else { self.new };
        place(number).is_some_and(|place| bits & 1 << place != 0)
    }
}

fn set(wanted: impl Fn(&Check) -> bool) -> u64 {
    let places = CHECKS.iter().enumerate().filter(|(_, check)| wanted(check));
    places.fold(0, |bits, (place, _)| bits | 1 << place)
}

fn one(number: u16) -> u64 {
    place(number).map_or(0, |place| 1 << place)
}

/// Where a check stands in [`CHECKS`].
fn place(number: u16) -> Option<usize> {
    let place = PLACES.get(usize::from(number)).map(|place| usize::from(*place));
    place.filter(|place| *place < CHECKS.len())
}

/// The same by number, in a table: it is asked for every value that a check looks at.
#[expect(clippy::indexing_slicing, reason = "runs at compile time: what is amiss is no program")]
static PLACES: [u8; 1_000] = {
    let mut places = [u8::MAX; 1_000];
    let mut place = 0;
    while place < CHECKS.len() {
        #[expect(clippy::cast_possible_truncation, reason = "below 64, as the sets have bits")]
        let narrow = place as u8;
        places[CHECKS[place].number as usize] = narrow;
        place += 1;
    }
    places
};

/// The check of a number.
pub(crate) fn check_of(number: u16) -> Option<&'static Check> {
    CHECKS.get(place(number)?)
}

/// The checks that a number, a name or a group's name stands for.
fn group(name: &str) -> Option<u64> {
    let range = match name {
        "all" => return Some(set(|check| !matches!(check.number, 101 | 102 | 999))),
        "1" | "format-checks" => 100..200,
        "2" | "approved-values" => 200..300,
        "210" | "all-vocabs" => 210..250,
        "270" | "all-external-sources" => 270..280,
        name => {
            let old = OLD_NAMES.iter().find(|(old, _)| *old == name).map(|(_, number)| *number);
            let known = |check: &&Check| check.rule == name || check.name == name;
            let number = old.or_else(|| CHECKS.iter().find(known).map(|check| check.number))?;
            number..number + 1
        }
    };
    Some(set(|check| range.contains(&check.number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_in_order_and_named_once() {
        assert!(CHECKS.is_sorted_by(|a, b| a.number < b.number));
        for check in &CHECKS {
            assert_eq!(group(check.name), group(check.rule));
        }
    }

    #[test]
    fn checks_select_as_the_reference_does() {
        let has = |checks: Checks, number| checks.has(number, Spec::V21);
        let all = Checks::default();
        assert!(has(all, 103) && has(all, 401) && !has(all, 101) && !has(all, 102));
        assert!(all.has(101, Spec::V20) && !all.has(401, Spec::V20) && !all.has(103, Spec::V20));
        let some = Checks::select(&["401", "nonsense"], &[]).unwrap();
        assert!(has(some, 101) && !has(some, 401) && !has(some, 103) && !has(some, 102));
        let lax = Checks::select(&["extensions-use", "101"], &[]).unwrap();
        assert!(has(lax, 102) && !has(lax, 101) && lax.has(102, Spec::V20));
        let vocabularies = Checks::select(&[], &["210"]).unwrap();
        assert!(has(vocabularies, 211) && has(vocabularies, 245) && !has(vocabularies, 302));
        let kept = Checks::select(&["all"], &["uuid-check"]).unwrap();
        assert!(has(kept, 103) && !has(kept, 302));
        assert_eq!(Checks::select(&[], &["9"]), Err(UnknownCheck("9".to_owned())));
        assert!(has(Checks::select(&["2"], &[]).unwrap(), 302));
    }
}
