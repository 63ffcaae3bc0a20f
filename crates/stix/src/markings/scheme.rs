//! The published marking extensions as tables: ACS 3.0a, IEP 2.0, CUI, TLP 2.0.
//!
//! What ties several properties together, and the forms of single texts, is code in `body.rs`.
//!
//! *Source*: `extension-definition-specifications` of OASIS cti-stix-common-objects: ISA access
//! control specification 3.0a, FIRST information exchange policy 2.0, controlled unclassified
//! information; FIRST traffic light protocol 2.0.

mod body;

use crate::{
    Tlp,
    model::{
        Family, Format, Precision, Property,
        Shape::{Enum, Float, Integer, Record, Reference, Text, Timestamp},
        Targets, Type, Vocabulary,
    },
    tree::Value,
};

/// What the extension of a published marking scheme must look like.
#[derive(Debug)]
pub(crate) struct Body {
    /// Its key in `extensions`.
    pub(crate) key: &'static str,
    /// The rule of its findings.
    pub(crate) rule: &'static str,
    table: &'static Type,
    more: fn(Marking<'_>, Told<'_>),
}

/// A marking definition and the extension that says what it means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Marking<'t> {
    pub(crate) definition: Value<'t>,
    pub(crate) body: Value<'t>,
}

/// Takes what is wrong: the place, and what is expected there.
pub(crate) type Told<'s> = &'s mut dyn FnMut(Value<'_>, &'static str);

impl Body {
    /// The scheme's properties, their shapes and values.
    pub(crate) fn table(&self) -> &'static Type {
        self.table
    }

    /// Checks what no table says.
    pub(crate) fn check(&self, marking: Marking<'_>, told: Told<'_>) {
        (self.more)(marking, told);
    }

    /// The text that decides.
    pub(crate) fn name(&self) -> &'static str {
        self.table.name
    }
}

/// The body of an extension's key.
pub(crate) fn of_key(key: &str) -> Option<&'static Body> {
    [&ACS, &IEP, &CUI, &TLP_2].into_iter().find(|body| body.key == key)
}

/// Access control specification of the information sharing architecture.
pub(super) static ACS: Body = Body {
    key: "extension-definition--3a65884d-005a-4290-8335-cb2d778a83ce",
    rule: "ACS-3.0a",
    table: &ACS_TABLE,
    more: body::acs,
};
/// Information exchange policy.
pub(super) static IEP: Body = Body {
    key: "extension-definition--762e2e97-ee51-43e5-a9ea-165fbb862c4a",
    rule: "IEP-2.0",
    table: &IEP_TABLE,
    more: body::iep,
};
/// Controlled unclassified information.
pub(super) static CUI: Body = Body {
    key: "extension-definition--dff17fb3-edcb-4f99-ad1b-4b751c95738a",
    rule: "CUI",
    table: &CUI_TABLE,
    more: |_, _| {},
};
/// Traffic light protocol 2.0.
static TLP_2: Body =
    Body { key: Tlp::EXTENSION_2, rule: "TLP-2.0", table: &TLP_2_TABLE, more: body::tlp_2 };

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

/// A table of ACS.
const fn acs(name: &'static str, properties: &'static [Property]) -> Type {
    Type::new(name, Family::Embedded, "ACS 3.0a", properties)
}

const fn words(name: &'static str, values: &'static [&'static str]) -> Vocabulary {
    Vocabulary { name, clause: "7.3", check: 0, values }
}

static PROPERTY_EXTENSION: Vocabulary = words("extension_type", &["property-extension"]);
/// Whether it is there is a MUST of STIX itself.
const EXTENSION_TYPE: Property = word("extension_type", &PROPERTY_EXTENSION);

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

static CONTROL_SET: Type = acs(
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

static PRIVILEGE_SCOPE: Type = acs(
    "privilege_scope",
    &[
        text("permitted_nationalities").list(),
        text("permitted_organizations").list(),
        word("shareability", &SCOPE_SHAREABILITY).list(),
        word("entity", &SCOPE_ENTITY).list(),
    ],
)
.least(
    "ACS-3.0a",
    &["permitted_nationalities", "permitted_organizations", "shareability", "entity"],
);

static ACCESS_PRIVILEGE: Type = acs(
    "access_privilege",
    &[
        word("privilege_action", &ACTION).required(),
        record("privilege_scope", &PRIVILEGE_SCOPE).required(),
        word("rule_effect", &EFFECT).required(),
    ],
);

static FURTHER_SHARING: Type = acs(
    "further_sharing",
    &[text("sharing_scope").list().required(), word("rule_effect", &EFFECT).required()],
);

static ORIGINAL: Type = acs(
    "original_classification",
    &[
        text("classified_by").required(),
        time("classified_on"),
        text("classification_reason"),
        text("compilation_reason"),
    ],
);

static DERIVATIVE: Type = acs(
    "derivative_classification",
    &[text("classified_by").required(), time("classified_on"), text("derived_from").required()],
);

static DECLASSIFICATION: Type = acs(
    "declassification",
    &[
        text("declass_exemption"),
        Property::new("declass_period", Integer(0, i64::MAX)),
        time("declass_date"),
        text("declass_event"),
    ],
)
.least("ACS-3.0a", &[]);

static DISPOSITION: Type = acs(
    "resource_disposition",
    &[time("disposition_date").required(), text("disposition_process").required()],
);

static PUBLIC_RELEASE: Type =
    acs("public_release", &[text("released_by").required(), time("released_on")]);

/// ISA access control specification 3.0a.
static ACS_TABLE: Type = acs(
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
static IEP_TABLE: Type = Type::new(
    "IEP 2.0",
    Family::Embedded,
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
static CUI_TABLE: Type = Type::new(
    "CUI",
    Family::Embedded,
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

static TLP_2_LABEL: Vocabulary =
    words("tlp_2_0", &["amber", "amber+strict", "clear", "green", "red"]);

/// The label of TLP 2.0.
static TLP_2_TABLE: Type = Type::new(
    "TLP 2.0",
    Family::Embedded,
    "TLP 2.0",
    &[EXTENSION_TYPE, word("tlp_2_0", &TLP_2_LABEL).required()],
);
