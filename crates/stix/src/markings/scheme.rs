//! The published marking extensions as tables: ACS 3.0a, IEP 2.0, CUI.
//!
//! *Source*: `extension-definition-specifications` of OASIS cti-stix-common-objects: ISA access
//! control specification 3.0a, FIRST information exchange policy 2.0, controlled unclassified
//! information.

use crate::model::{
    Family, Format, Precision, Property,
    Shape::{Enum, Float, Integer, Record, Reference, Text, Timestamp},
    Targets, Type, Vocabulary,
};

/// Key of the extension with ACS 3.0a.
pub(super) const ACS_KEY: &str = "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce";
/// Key of the extension with IEP 2.0.
pub(super) const IEP_KEY: &str = "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a";
/// Key of the extension with CUI.
pub(super) const CUI_KEY: &str = "extension-definition--dff17fb3-edcb-4f99-ad1b-4b751c95738a";

const fn text(name: &'static str) -> Property {
    Property::new(name, Text(Format::Any))
}

const fn word(name: &'static str, values: &'static Vocabulary) -> Property {
    Property::new(name, Enum(values))
}

const fn time(name: &'static str) -> Property {
    Property::new(name, Timestamp(Precision::Any))
}

const fn record(name: &'static str, known: &'static Type) -> Property {
    Property::new(name, Record(known))
}

const fn embedded(name: &'static str, properties: &'static [Property]) -> Type {
    Type::new(name, Family::Embedded, "7.3", properties)
}

const fn words(name: &'static str, values: &'static [&'static str]) -> Vocabulary {
    Vocabulary { name, clause: "7.3", check: 0, values }
}

static PROPERTY_EXTENSION: Vocabulary = words("extension_type", &["property-extension"]);
const EXTENSION_TYPE: Property = word("extension_type", &PROPERTY_EXTENSION).required();

static CLASSIFICATION: Vocabulary = words("classification", &["C", "S", "TS", "U"]);
static DETERMINATION: Vocabulary = words(
    "formal_determination",
    &[
        "AIS",
        "FOUO",
        "INFORMATION-DIRECTLY-RELATED-TO-CYBERSECURITY-THREAT",
        "NF",
        "NO-PII-PRESENT",
        "PII-NECESSARY-TO-UNDERSTAND-THREAT",
        "PUBREL",
    ],
);
static CAVEAT: Vocabulary = words("caveat", &["CISAPROPRIETARY", "FISA", "POSSIBLEPII"]);
static SENSITIVITY: Vocabulary = words(
    "sensitivity",
    &["INT", "LES", "NTOC_DHS_ECYBER_SVC_SHARE.NSA.NSA", "PCII", "PII", "PR", "TEI"],
);
static SHAREABILITY: Vocabulary = words("shareability", &["EM", "IC", "LE", "NCC"]);
static ENTITY: Vocabulary = words("entity", &["CTR", "DEV", "GOV", "MIL", "NET", "SVC", "SVR"]);
static SCOPE_SHAREABILITY: Vocabulary = words("shareability", &["ALL", "EM", "IC", "LE", "NCC"]);
static SCOPE_ENTITY: Vocabulary =
    words("entity", &["ALL", "CTR", "DEV", "GOV", "MIL", "NET", "SVC", "SVR"]);
static ACTION: Vocabulary = words(
    "privilege_action",
    &[
        "ALL",
        "ANONYMOUSACCESS",
        "CISAUSES",
        "DSPLY",
        "IDSRC",
        "INTEL",
        "LEGAL",
        "NETDEF",
        "OPACTION",
        "REQUEST",
        "TEARLINE",
        "TENOT",
    ],
);
static EFFECT: Vocabulary = words("rule_effect", &["deny", "permit"]);

static CONTROL_SET: Type = embedded(
    "control_set",
    &[
        word("classification", &CLASSIFICATION).required(),
        text("sci_controls").list(),
        text("logical_authority_category").list(),
        word("formal_determination", &DETERMINATION).list(),
        word("caveat", &CAVEAT).list(),
        word("sensitivity", &SENSITIVITY).list(),
        word("shareability", &SHAREABILITY).list(),
        word("entity", &ENTITY).list(),
        text("permitted_nationalities").list(),
        text("permitted_organizations").list(),
    ],
);

static PRIVILEGE_SCOPE: Type = embedded(
    "privilege_scope",
    &[
        text("permitted_nationalities").list(),
        text("permitted_organizations").list(),
        word("shareability", &SCOPE_SHAREABILITY).list(),
        word("entity", &SCOPE_ENTITY).list(),
    ],
)
.least("ACS", &["permitted_nationalities", "permitted_organizations", "shareability", "entity"]);

static ACCESS_PRIVILEGE: Type = embedded(
    "access_privilege",
    &[
        word("privilege_action", &ACTION).required(),
        record("privilege_scope", &PRIVILEGE_SCOPE).required(),
        word("rule_effect", &EFFECT).required(),
    ],
);

static FURTHER_SHARING: Type = embedded(
    "further_sharing",
    &[text("sharing_scope").list().required(), word("rule_effect", &EFFECT).required()],
);

static ORIGINAL: Type = embedded(
    "original_classification",
    &[
        text("classified_by").required(),
        time("classified_on"),
        text("classification_reason"),
        text("compilation_reason"),
    ],
);

static DERIVATIVE: Type = embedded(
    "derivative_classification",
    &[text("classified_by").required(), time("classified_on"), text("derived_from").required()],
);

static DECLASSIFICATION: Type = embedded(
    "declassification",
    &[
        text("declass_exemption"),
        Property::new("declass_period", Integer(0, i64::MAX)),
        time("declass_date"),
        text("declass_event"),
    ],
)
.least("ACS", &[]);

static DISPOSITION: Type = embedded(
    "resource_disposition",
    &[time("disposition_date").required(), text("disposition_process").required()],
);

static PUBLIC_RELEASE: Type =
    embedded("public_release", &[text("released_by").required(), time("released_on")]);

/// ISA access control specification 3.0a.
pub(super) static ACS: Type = embedded(
    "ACS 3.0a",
    &[
        EXTENSION_TYPE,
        text("identifier").required(),
        text("name"),
        time("create_date_time").required(),
        text("responsible_entity_custodian").required(),
        text("responsible_entity_originator"),
        text("authority_reference").list(),
        text("policy_reference").required(),
        record("original_classification", &ORIGINAL),
        record("derivative_classification", &DERIVATIVE),
        record("declassification", &DECLASSIFICATION),
        record("resource_disposition", &DISPOSITION),
        record("public_release", &PUBLIC_RELEASE),
        record("access_privilege", &ACCESS_PRIVILEGE).list(),
        record("further_sharing", &FURTHER_SHARING).list(),
        record("control_set", &CONTROL_SET).required(),
    ],
);

static MUST_MAY: Vocabulary = words("must or may", &["may", "must"]);
static MAY_MUST_NOT: Vocabulary = words("may or must not", &["may", "must-not"]);
static ATTRIBUTION: Vocabulary = words("provider_attribution", &["may", "must", "must-not"]);
static IEP_TLP: Vocabulary = words("tlp", &["amber", "green", "red", "white"]);
static PERMITTED_ACTIONS: Vocabulary = words(
    "permitted_actions",
    &[
        "contact-for-instruction",
        "externally-visible-direct-actions",
        "externally-visible-indirect-actions",
        "internally-visible-actions",
        "none",
    ],
);

/// FIRST information exchange policy 2.0.
pub(super) static IEP: Type = embedded(
    "IEP 2.0",
    &[
        EXTENSION_TYPE,
        word("encrypt_in_transit", &MUST_MAY).required(),
        word("permitted_actions", &PERMITTED_ACTIONS).required(),
        word("affected_party_notifications", &MAY_MUST_NOT).required(),
        word("tlp", &IEP_TLP).required(),
        word("provider_attribution", &ATTRIBUTION).required(),
        word("unmodified_resale", &MAY_MUST_NOT).required(),
        text("iep_id").required(),
        Property::new("iep_version", Float(2.0, 2.0)).required(),
        text("description").required(),
        time("start_date").required(),
        time("end_date"),
    ],
);

static CONTROL: Vocabulary = words("control", &["CONTROLLED", "CUI"]);

/// Controlled unclassified information.
pub(super) static CUI: Type = embedded(
    "CUI",
    &[
        EXTENSION_TYPE,
        word("control", &CONTROL).required(),
        Property::new("designator_ref", Reference(Targets::Only(&["identity"]))).required(),
        text("categories").list(),
        text("disseminations").list(),
        text("required_statements").list(),
        text("supplemental_administrative").list(),
    ],
);
