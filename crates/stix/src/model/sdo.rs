//! The 19 STIX domain objects of section 4.

use super::{
    Family, Order, Property, Shape,
    Shape::{Enum, Float, Integer, Record, Reference, Vocab},
    Targets, Type,
    common::{KILL_CHAIN_PHASE, boolean, p, reference, text, time},
    vocab,
};

const NAME: Property = text("name").required();
const DESCRIPTION: Property = text("description");
const ALIASES: Property = text("aliases").list();
const PHASES: Property = p("kill_chain_phases", Record(&KILL_CHAIN_PHASE)).list();
const FIRST_SEEN: Property = time("first_seen");
const LAST_SEEN: Property = time("last_seen");
const OBJECT_REFS: Property = p("object_refs", Reference(Targets::Any)).list();
const ABOUT: Property = p("object_refs", Reference(Targets::Any)).list().required();
const RESOURCE_LEVEL: Property = p("resource_level", Vocab(&vocab::ATTACK_RESOURCE_LEVEL));
const PRIMARY_MOTIVATION: Property = p("primary_motivation", Vocab(&vocab::ATTACK_MOTIVATION));
const SECONDARY_MOTIVATIONS: Property =
    p("secondary_motivations", Vocab(&vocab::ATTACK_MOTIVATION)).list();

const fn sdo(name: &'static str, clause: &'static str, properties: &'static [Property]) -> Type {
    Type::new(name, Family::Sdo, clause, properties)
}

const fn seen(rule: &'static str) -> Order {
    Order { earlier: "first_seen", later: "last_seen", strict: false, rule }
}

pub(super) static ATTACK_PATTERN: Type =
    sdo("attack-pattern", "4.1.1", &[NAME, DESCRIPTION, ALIASES, PHASES]);

pub(super) static CAMPAIGN: Type = sdo(
    "campaign",
    "4.2.1",
    &[NAME, DESCRIPTION, ALIASES, FIRST_SEEN, LAST_SEEN, text("objective")],
)
.orders(&[seen("STIX-4.2.1-02")]);

pub(super) static COURSE_OF_ACTION: Type = sdo(
    "course-of-action",
    "4.3.1",
    &[NAME, DESCRIPTION, p("action", Shape::Reserved).rule("STIX-3.8-01")],
);

pub(super) static GROUPING: Type = sdo(
    "grouping",
    "4.4.1",
    &[text("name"), DESCRIPTION, p("context", Vocab(&vocab::GROUPING_CONTEXT)).required(), ABOUT],
);

pub(super) static IDENTITY: Type = sdo(
    "identity",
    "4.5.1",
    &[
        NAME,
        DESCRIPTION,
        text("roles").list(),
        p("identity_class", Vocab(&vocab::IDENTITY_CLASS)),
        p("sectors", Vocab(&vocab::INDUSTRY_SECTOR)).list(),
        text("contact_information"),
    ],
);

pub(super) static INCIDENT: Type = sdo("incident", "4.6.1", &[NAME, DESCRIPTION]);

pub(super) static INDICATOR: Type = sdo(
    "indicator",
    "4.7.1",
    &[
        text("name"),
        DESCRIPTION,
        p("indicator_types", Vocab(&vocab::INDICATOR_TYPE)).list(),
        text("pattern").required(),
        p("pattern_type", Vocab(&vocab::PATTERN_TYPE)).required(),
        text("pattern_version"),
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

pub(super) static INFRASTRUCTURE: Type = sdo(
    "infrastructure",
    "4.8.1",
    &[
        NAME,
        DESCRIPTION,
        p("infrastructure_types", Vocab(&vocab::INFRASTRUCTURE_TYPE)).list(),
        ALIASES,
        PHASES,
        FIRST_SEEN,
        LAST_SEEN,
    ],
)
.orders(&[seen("STIX-4.8.1-02")]);

pub(super) static INTRUSION_SET: Type = sdo(
    "intrusion-set",
    "4.9.1",
    &[
        NAME,
        DESCRIPTION,
        ALIASES,
        FIRST_SEEN,
        LAST_SEEN,
        text("goals").list(),
        RESOURCE_LEVEL,
        PRIMARY_MOTIVATION,
        SECONDARY_MOTIVATIONS,
    ],
)
.orders(&[seen("STIX-4.9.1-02")]);

pub(super) static LOCATION: Type = sdo(
    "location",
    "4.10.1",
    &[
        text("name"),
        DESCRIPTION,
        p("latitude", Float(-90.0, 90.0)).rule("STIX-4.10.1-02"),
        p("longitude", Float(-180.0, 180.0)).rule("STIX-4.10.1-04"),
        p("precision", Float(f64::MIN, f64::MAX)),
        p("region", Vocab(&vocab::REGION)),
        text("country"),
        text("administrative_area"),
        text("city"),
        text("street_address"),
        text("postal_code"),
    ],
)
.least("STIX-4.10-01", &["region", "country", "latitude", "longitude"]);

pub(super) static MALWARE: Type = sdo(
    "malware",
    "4.11.1",
    &[
        text("name"),
        DESCRIPTION,
        p("malware_types", Vocab(&vocab::MALWARE_TYPE)).list(),
        // Errata 01 prints "(optional)", yet changes no conformance requirement of the standard,
        // which requires it (Errata 01 section 2).
        boolean("is_family").required(),
        ALIASES,
        PHASES,
        FIRST_SEEN,
        LAST_SEEN,
        reference("operating_system_refs", &["software"], "STIX-4.11.1-04").list(),
        p("architecture_execution_envs", Vocab(&vocab::PROCESSOR_ARCHITECTURE)).list(),
        p("implementation_languages", Vocab(&vocab::IMPLEMENTATION_LANGUAGE)).list(),
        p("capabilities", Vocab(&vocab::MALWARE_CAPABILITIES)).list(),
        reference("sample_refs", &["file", "artifact"], "").list(),
    ],
)
.orders(&[seen("STIX-4.11.1-03")]);

pub(super) static MALWARE_ANALYSIS: Type = sdo(
    "malware-analysis",
    "4.12.1",
    &[
        text("product").required(),
        text("version"),
        reference("host_vm_ref", &["software"], "STIX-4.12.1-03"),
        reference("operating_system_ref", &["software"], "STIX-4.12.1-04"),
        reference("installed_software_refs", &["software"], "STIX-4.12.1-05").list(),
        text("configuration_version"),
        text("modules").list(),
        text("analysis_engine_version"),
        text("analysis_definition_version"),
        time("submitted"),
        time("analysis_started"),
        time("analysis_ended"),
        text("result_name"),
        p("result", Vocab(&vocab::MALWARE_RESULT)),
        p("analysis_sco_refs", Reference(Targets::Any)).list(),
        reference("sample_ref", &["file", "network-traffic", "artifact"], ""),
    ],
)
.least("STIX-4.12-01", &["result", "analysis_sco_refs"]);

pub(super) static NOTE: Type = sdo(
    "note",
    "4.13.1",
    &[text("abstract"), text("content").required(), text("authors").list(), ABOUT],
);

pub(super) static OBSERVED_DATA: Type = sdo(
    "observed-data",
    "4.14.1",
    &[
        time("first_observed").required(),
        time("last_observed").required(),
        p("number_observed", Integer(1, 999_999_999)).required().rule("STIX-4.14.1-03"),
        p("objects", Shape::Container),
        p("object_refs", Reference(Targets::ObservableOrRelationship)).list(),
    ],
)
.orders(&[Order {
    earlier: "first_observed",
    later: "last_observed",
    strict: false,
    rule: "STIX-4.14.1-02",
}])
.least("STIX-4.14-01", &["objects", "object_refs"]);

pub(super) static OPINION: Type = sdo(
    "opinion",
    "4.15.1",
    &[
        text("explanation"),
        text("authors").list(),
        p("opinion", Enum(&vocab::OPINION)).required().rule("STIX-4.15.1-02"),
        ABOUT,
    ],
);

pub(super) static REPORT: Type = sdo(
    "report",
    "4.16.1",
    &[
        NAME,
        DESCRIPTION,
        p("report_types", Vocab(&vocab::REPORT_TYPE)).list(),
        time("published").required(),
        OBJECT_REFS.required(),
    ],
);

pub(super) static THREAT_ACTOR: Type = sdo(
    "threat-actor",
    "4.17.1",
    &[
        NAME,
        DESCRIPTION,
        p("threat_actor_types", Vocab(&vocab::THREAT_ACTOR_TYPE)).list(),
        ALIASES,
        FIRST_SEEN,
        LAST_SEEN,
        p("roles", Vocab(&vocab::THREAT_ACTOR_ROLE)).list(),
        text("goals").list(),
        p("sophistication", Vocab(&vocab::THREAT_ACTOR_SOPHISTICATION)),
        RESOURCE_LEVEL,
        PRIMARY_MOTIVATION,
        SECONDARY_MOTIVATIONS,
        p("personal_motivations", Vocab(&vocab::ATTACK_MOTIVATION)).list(),
    ],
)
.orders(&[seen("STIX-4.17.1-02")]);

pub(super) static TOOL: Type = sdo(
    "tool",
    "4.18.1",
    &[
        NAME,
        DESCRIPTION,
        p("tool_types", Vocab(&vocab::TOOL_TYPE)).list(),
        ALIASES,
        PHASES,
        text("tool_version"),
    ],
);

pub(super) static VULNERABILITY: Type = sdo("vulnerability", "4.19.1", &[NAME, DESCRIPTION]);

pub(super) static TYPES: &[&Type] = &[
    &ATTACK_PATTERN,
    &CAMPAIGN,
    &COURSE_OF_ACTION,
    &GROUPING,
    &IDENTITY,
    &INCIDENT,
    &INDICATOR,
    &INFRASTRUCTURE,
    &INTRUSION_SET,
    &LOCATION,
    &MALWARE,
    &MALWARE_ANALYSIS,
    &NOTE,
    &OBSERVED_DATA,
    &OPINION,
    &REPORT,
    &THREAT_ACTOR,
    &TOOL,
    &VULNERABILITY,
];
