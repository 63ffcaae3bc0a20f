//! The tables of STIX 2.0: 12 domain objects, 2 relationship objects, marking-definition, bundle.
//! Its observable objects are those of 2.1 but for what `old/observable.rs` names.

mod observable;

pub(crate) use observable::{Delta, property as old_property};

use super::{
    Entries, Family, Format, Order, Property, Shape,
    Shape::{Dictionary, Integer, Record, Reference, Text, Vocab},
    Targets, Type, Vocabulary,
    common::{KILL_CHAIN_PHASE, boolean, p, reference, text, time},
    vocab,
};

const NAME: Property = text("name").required();
const DESCRIPTION: Property = text("description");
const ALIASES: Property = text("aliases").list();
const PHASES: Property = p("kill_chain_phases", Record(&KILL_CHAIN_PHASE)).list();
const GOALS: Property = text("goals").list();
const RESOURCE_LEVEL: Property = p("resource_level", Vocab(&vocab::ATTACK_RESOURCE_LEVEL));
const PRIMARY: Property = p("primary_motivation", Vocab(&vocab::ATTACK_MOTIVATION));
const SECONDARY: Property = p("secondary_motivations", Vocab(&vocab::ATTACK_MOTIVATION)).list();

/// `labels`, which 2.0 requires where 2.1 has types.
const fn labels(vocabulary: &'static Vocabulary) -> Property {
    p("labels", Vocab(vocabulary)).list().required()
}

const fn old(name: &'static str, family: Family, properties: &'static [Property]) -> Type {
    Type::new(name, family, "STIX 2.0", properties).old()
}

const fn seen(rule: &'static str) -> Order {
    Order { earlier: "first_seen", later: "last_seen", strict: false, rule }
}

static ATTACK_PATTERN: Type = old("attack-pattern", Family::Sdo, &[NAME, DESCRIPTION, PHASES]);

static CAMPAIGN: Type = old(
    "campaign",
    Family::Sdo,
    &[NAME, DESCRIPTION, ALIASES, time("first_seen"), time("last_seen"), text("objective")],
)
.orders(&[seen("STIX-4.2.1-02")]);

static COURSE_OF_ACTION: Type = old(
    "course-of-action",
    Family::Sdo,
    &[NAME, DESCRIPTION, p("action", Shape::Reserved).rule("STIX20-1-3.6-01")],
);

static IDENTITY: Type = old(
    "identity",
    Family::Sdo,
    &[
        NAME,
        DESCRIPTION,
        p("identity_class", Vocab(&vocab::IDENTITY_CLASS)).required(),
        p("sectors", Vocab(&vocab::INDUSTRY_SECTOR)).list(),
        text("contact_information"),
    ],
);

static INDICATOR: Type = old(
    "indicator",
    Family::Sdo,
    &[
        labels(&vocab::INDICATOR_TYPE),
        text("name"),
        DESCRIPTION,
        text("pattern").required(),
        time("valid_from").required(),
        time("valid_until"),
        PHASES,
    ],
)
.orders(&[Order {
    earlier: "valid_from",
    later: "valid_until",
    strict: true,
    rule: "STIX-4.7.1-04",
}]);

static INTRUSION_SET: Type = old(
    "intrusion-set",
    Family::Sdo,
    &[
        NAME,
        DESCRIPTION,
        ALIASES,
        time("first_seen"),
        time("last_seen"),
        GOALS,
        RESOURCE_LEVEL,
        PRIMARY,
        SECONDARY,
    ],
)
.orders(&[seen("STIX-4.9.1-02")]);

static MALWARE: Type =
    old("malware", Family::Sdo, &[labels(&vocab::MALWARE_TYPE), NAME, DESCRIPTION, PHASES]);

static OBSERVED_DATA: Type = old(
    "observed-data",
    Family::Sdo,
    &[
        time("first_observed").required(),
        time("last_observed").required(),
        p("number_observed", Integer(1, 999_999_999)).required().rule("STIX-4.14.1-03"),
        p("objects", Shape::Container).required(),
    ],
)
.orders(&[Order {
    earlier: "first_observed",
    later: "last_observed",
    strict: false,
    rule: "STIX-4.14.1-02",
}]);

static REPORT: Type = old(
    "report",
    Family::Sdo,
    &[
        labels(&vocab::REPORT_TYPE),
        NAME,
        DESCRIPTION,
        time("published").required(),
        p("object_refs", Reference(Targets::Any)).list().required(),
    ],
);

static THREAT_ACTOR: Type = old(
    "threat-actor",
    Family::Sdo,
    &[
        labels(&vocab::THREAT_ACTOR_TYPE),
        NAME,
        DESCRIPTION,
        ALIASES,
        p("roles", Vocab(&vocab::THREAT_ACTOR_ROLE)).list(),
        GOALS,
        p("sophistication", Vocab(&vocab::THREAT_ACTOR_SOPHISTICATION)),
        RESOURCE_LEVEL,
        PRIMARY,
        SECONDARY,
        p("personal_motivations", Vocab(&vocab::ATTACK_MOTIVATION)).list(),
    ],
);

static TOOL: Type = old(
    "tool",
    Family::Sdo,
    &[labels(&vocab::TOOL_TYPE), NAME, DESCRIPTION, PHASES, text("tool_version")],
);

static VULNERABILITY: Type = old("vulnerability", Family::Sdo, &[NAME, DESCRIPTION]);

static RELATIONSHIP: Type = old(
    "relationship",
    Family::Sro,
    &[
        p("relationship_type", Text(Format::RelationshipType)).required().rule("STIX-5.1.2-02"),
        DESCRIPTION,
        p("source_ref", Reference(Targets::Domain)).required().rule("STIX-5.1.2-03"),
        p("target_ref", Reference(Targets::Domain)).required().rule("STIX-5.1.2-04"),
    ],
);

static SIGHTING: Type = old(
    "sighting",
    Family::Sro,
    &[
        time("first_seen"),
        time("last_seen"),
        p("count", Integer(0, 999_999_999)).rule("STIX-5.2.1-03"),
        p("sighting_of_ref", Reference(Targets::Domain)).required().rule("STIX-5.2.1-04"),
        reference("observed_data_refs", &["observed-data"], "STIX-5.2.1-05").list(),
        reference("where_sighted_refs", &["identity"], "STIX-5.2.1-06").list(),
        boolean("summary"),
    ],
)
.orders(&[seen("STIX-5.2.1-02")]);

static MARKING_DEFINITION: Type = old(
    "marking-definition",
    Family::Meta,
    &[text("definition_type").required(), p("definition", Dictionary(Entries::Marking)).required()],
);

static BUNDLE: Type = old(
    "bundle",
    Family::Bundle,
    &[text("spec_version").required(), p("objects", Shape::Objects).list()],
);

/// The type of STIX 2.0 of a name.
pub fn old_type_of(name: &str) -> Option<&'static Type> {
    let found = match name {
        "attack-pattern" => &ATTACK_PATTERN,
        "campaign" => &CAMPAIGN,
        "course-of-action" => &COURSE_OF_ACTION,
        "identity" => &IDENTITY,
        "indicator" => &INDICATOR,
        "intrusion-set" => &INTRUSION_SET,
        "malware" => &MALWARE,
        "observed-data" => &OBSERVED_DATA,
        "report" => &REPORT,
        "threat-actor" => &THREAT_ACTOR,
        "tool" => &TOOL,
        "vulnerability" => &VULNERABILITY,
        "relationship" => &RELATIONSHIP,
        "sighting" => &SIGHTING,
        "marking-definition" => &MARKING_DEFINITION,
        "bundle" => &BUNDLE,
        _ => return None,
    };
    Some(found)
}

/// Whether STIX 2.0 has a property on an observable object or extension where 2.1 has it no more.
pub fn is_old_property(known: &Type, name: &str) -> bool {
    Delta::of(known).is_some_and(|delta| delta.only_20(name).is_some())
}

/// Names that no property of 2.0 may have: kept for later editions.
pub(crate) const OLD_RESERVED: [&str; 10] = [
    "confidence",
    "severity",
    "action",
    "usernames",
    "phone_numbers",
    "addresses",
    "first_seen_precision",
    "last_seen_precision",
    "valid_from_precision",
    "valid_until_precision",
];
