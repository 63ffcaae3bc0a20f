//! The relationship matrix of Appendix B, with the rows of Errata 01.

/// Types every pair of objects may have, section 3.7.
pub const COMMON_RELATIONSHIPS: [&str; 3] = ["derived-from", "duplicate-of", "related-to"];

type Row = (&'static str, &'static [&'static str], &'static [&'static str]);

const PLACES: &[&str] = &["identity", "location", "vulnerability"];
const MEANS: &[&str] = &["attack-pattern", "infrastructure", "malware", "tool"];
const ADDRESSES: &[&str] = &["ipv4-addr", "ipv6-addr", "domain-name", "url"];

/// Source, relationship types, targets. `*` stands for all cyber-observable objects.
static MATRIX: &[Row] = &[
    ("attack-pattern", &["delivers"], &["malware"]),
    ("attack-pattern", &["targets"], PLACES),
    ("attack-pattern", &["uses"], &["malware", "tool"]),
    ("campaign", &["attributed-to"], &["intrusion-set", "threat-actor"]),
    ("campaign", &["compromises"], &["infrastructure"]),
    ("campaign", &["originates-from"], &["location"]),
    ("campaign", &["targets"], PLACES),
    ("campaign", &["uses"], MEANS),
    ("course-of-action", &["investigates"], &["indicator"]),
    (
        "course-of-action",
        &["mitigates"],
        &["attack-pattern", "indicator", "malware", "tool", "vulnerability"],
    ),
    ("course-of-action", &["remediates"], &["malware", "vulnerability"]),
    ("domain-name", &["resolves-to"], &["domain-name", "ipv4-addr", "ipv6-addr"]),
    ("identity", &["located-at"], &["location"]),
    (
        "indicator",
        &["indicates"],
        &[
            "attack-pattern",
            "campaign",
            "infrastructure",
            "intrusion-set",
            "malware",
            "threat-actor",
            "tool",
        ],
    ),
    ("indicator", &["based-on"], &["observed-data"]),
    ("infrastructure", &["communicates-with"], ADDRESSES),
    ("infrastructure", &["communicates-with", "uses"], &["infrastructure"]),
    ("infrastructure", &["consists-of"], &["infrastructure", "observed-data", "*"]),
    ("infrastructure", &["controls"], &["infrastructure", "malware"]),
    ("infrastructure", &["delivers"], &["malware"]),
    ("infrastructure", &["has"], &["vulnerability"]),
    ("infrastructure", &["hosts"], &["tool", "malware"]),
    ("infrastructure", &["located-at"], &["location"]),
    ("intrusion-set", &["attributed-to"], &["threat-actor"]),
    ("intrusion-set", &["compromises", "hosts", "owns"], &["infrastructure"]),
    ("intrusion-set", &["originates-from"], &["location"]),
    ("intrusion-set", &["targets"], PLACES),
    ("intrusion-set", &["uses"], MEANS),
    ("ipv4-addr", &["belongs-to"], &["autonomous-system"]),
    ("ipv4-addr", &["resolves-to"], &["mac-addr"]),
    ("ipv6-addr", &["belongs-to"], &["autonomous-system"]),
    ("ipv6-addr", &["resolves-to"], &["mac-addr"]),
    ("malware", &["authored-by"], &["threat-actor", "intrusion-set"]),
    ("malware", &["beacons-to", "exfiltrates-to"], &["infrastructure"]),
    ("malware", &["communicates-with"], ADDRESSES),
    ("malware", &["controls", "variant-of"], &["malware"]),
    ("malware", &["downloads", "drops"], &["malware", "tool", "file"]),
    ("malware", &["exploits"], &["vulnerability"]),
    ("malware", &["originates-from"], &["location"]),
    ("malware", &["targets"], PLACES),
    ("malware", &["targets"], &["infrastructure"]),
    ("malware", &["uses"], MEANS),
    (
        "malware-analysis",
        &["characterizes", "av-analysis-of", "static-analysis-of", "dynamic-analysis-of"],
        &["malware"],
    ),
    ("threat-actor", &["attributed-to", "impersonates"], &["identity"]),
    ("threat-actor", &["compromises", "hosts", "owns"], &["infrastructure"]),
    ("threat-actor", &["located-at"], &["location"]),
    ("threat-actor", &["targets"], PLACES),
    ("threat-actor", &["uses"], MEANS),
    ("tool", &["delivers", "drops"], &["malware"]),
    ("tool", &["has"], &["vulnerability"]),
    ("tool", &["targets"], PLACES),
    ("tool", &["targets", "uses"], &["infrastructure"]),
];

/// Whether Appendix B or section 3.7 names this relationship between these types.
pub fn is_relationship_of(source: &str, kind: &str, target: &str) -> bool {
    COMMON_RELATIONSHIPS.contains(&kind)
        || MATRIX.iter().any(|(from, kinds, to)| {
            *from == source
                && kinds.contains(&kind)
                && (to.contains(&target)
                    || (to.contains(&"*") && super::sco::type_of(target).is_some()))
        })
}

/// The types that Appendix B has as a source.
pub fn relationship_sources() -> impl Iterator<Item = &'static str> {
    MATRIX.iter().map(|(source, _, _)| *source)
}
