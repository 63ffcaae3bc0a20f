//! The common properties of section 3.2, by family, and the embedded types of section 2.

use super::{
    Family, Format, Precision, Property, Shape,
    Shape::{Hashes, Reference, Text, Timestamp},
    Targets, Type,
};

/// A property of any text.
pub(super) const fn text(name: &'static str) -> Property {
    Property::new(name, Text(Format::Any))
}

/// A property of any shape.
pub(super) const fn p(name: &'static str, shape: Shape) -> Property {
    Property::new(name, shape)
}

/// A timestamp of any precision.
pub(super) const fn time(name: &'static str) -> Property {
    Property::new(name, Timestamp(Precision::Any))
}

/// An integer within 2^53 - 1 either way.
pub(super) const fn integer(name: &'static str) -> Property {
    Property::new(name, Shape::Integer(-INTEGER_MAX, INTEGER_MAX))
}

/// An integer that is not negative.
pub(super) const fn natural(name: &'static str) -> Property {
    Property::new(name, Shape::Integer(0, INTEGER_MAX))
}

/// A boolean.
pub(super) const fn boolean(name: &'static str) -> Property {
    Property::new(name, Shape::Boolean)
}

/// A reference to objects of these types.
pub(super) const fn reference(
    name: &'static str,
    types: &'static [&'static str],
    rule: &'static str,
) -> Property {
    Property::new(name, Reference(Targets::Only(types))).rule(rule)
}

/// The largest integer of section 2.10.
pub(super) const INTEGER_MAX: i64 = (1 << 53) - 1;

const TYPE: Property = p("type", Text(Format::TypeName)).required();
const SPEC_VERSION: Property = p("spec_version", Text(Format::SpecVersion)).rule("STIX-3.2-02");
const ID: Property = p("id", Text(Format::Id)).required().rule("STIX-2.9-01");
const CREATED_BY_REF: Property = p("created_by_ref", Reference(Targets::Only(&["identity"])));
const CREATED: Property =
    p("created", Timestamp(Precision::Milliseconds)).required().rule("STIX-3.2-03");
const MODIFIED: Property =
    p("modified", Timestamp(Precision::Milliseconds)).required().rule("STIX-3.2-05");
const REVOKED: Property = boolean("revoked");
const LABELS: Property = text("labels").list();
const CONFIDENCE: Property = p("confidence", Shape::Integer(0, 100)).rule("STIX-3.2-10");
const LANG: Property = p("lang", Text(Format::Language)).rule("STIX-3.2-12");
const EXTERNAL_REFERENCES: Property =
    p("external_references", Shape::Record(&EXTERNAL_REFERENCE)).list();
const OBJECT_MARKING_REFS: Property =
    p("object_marking_refs", Reference(Targets::Only(&["marking-definition"]))).list();
const GRANULAR_MARKINGS: Property = p("granular_markings", Shape::Record(&GRANULAR_MARKING)).list();
const EXTENSIONS: Property = p("extensions", Shape::Extensions);

pub(super) static DOMAIN: &[Property] = &[
    TYPE,
    SPEC_VERSION.required(),
    ID,
    CREATED_BY_REF,
    CREATED,
    MODIFIED,
    REVOKED,
    LABELS,
    CONFIDENCE,
    LANG,
    EXTERNAL_REFERENCES,
    OBJECT_MARKING_REFS,
    GRANULAR_MARKINGS,
    EXTENSIONS,
];

pub(super) static OBSERVABLE: &[Property] = &[
    TYPE,
    SPEC_VERSION,
    ID,
    OBJECT_MARKING_REFS,
    GRANULAR_MARKINGS,
    boolean("defanged"),
    EXTENSIONS,
];

pub(super) static EXTENSION_DEFINITION: &[Property] = &[
    TYPE,
    SPEC_VERSION.required(),
    ID,
    CREATED_BY_REF.required(),
    CREATED,
    MODIFIED,
    REVOKED,
    LABELS,
    EXTERNAL_REFERENCES,
    OBJECT_MARKING_REFS,
    GRANULAR_MARKINGS,
];

pub(super) static LANGUAGE_CONTENT: &[Property] = &[
    TYPE,
    SPEC_VERSION.required(),
    ID,
    CREATED_BY_REF,
    CREATED,
    MODIFIED,
    REVOKED,
    LABELS,
    CONFIDENCE,
    EXTERNAL_REFERENCES,
    OBJECT_MARKING_REFS,
    GRANULAR_MARKINGS,
    EXTENSIONS,
];

pub(super) static MARKING_DEFINITION: &[Property] = &[
    TYPE,
    SPEC_VERSION.required(),
    ID,
    CREATED_BY_REF,
    CREATED,
    EXTERNAL_REFERENCES,
    OBJECT_MARKING_REFS,
    GRANULAR_MARKINGS,
    EXTENSIONS,
];

pub(super) static BUNDLE: &[Property] = &[TYPE, ID];

/// Section 2.5.
pub(super) static EXTERNAL_REFERENCE: Type = Type::new(
    "external-reference",
    Family::Embedded,
    "2.5.2",
    &[
        text("source_name").required(),
        text("description"),
        p("url", Text(Format::Url)),
        p("hashes", Hashes).rule("STIX-2.5.1-01"),
        text("external_id"),
    ],
)
.least("STIX-2.5.2-01", &["description", "url", "external_id"]);

/// Section 2.11.
pub(super) static KILL_CHAIN_PHASE: Type = Type::new(
    "kill-chain-phase",
    Family::Embedded,
    "2.11",
    &[text("kill_chain_name").required(), text("phase_name").required()],
);

/// Section 7.2.3.
pub(super) static GRANULAR_MARKING: Type = Type::new(
    "granular-marking",
    Family::Embedded,
    "7.2.3",
    &[
        p("lang", Text(Format::Language)).rule("STIX-7.2.3-02"),
        p("marking_ref", Reference(Targets::Only(&["marking-definition"]))),
        text("selectors").list().required(),
    ],
);

/// The common properties of STIX 2.0.
pub(super) static OLD_DOMAIN: &[Property] = &[
    TYPE,
    ID,
    CREATED_BY_REF,
    CREATED,
    MODIFIED,
    REVOKED,
    LABELS,
    EXTERNAL_REFERENCES,
    OBJECT_MARKING_REFS,
    GRANULAR_MARKINGS,
];

pub(super) static OLD_MARKING_DEFINITION: &[Property] = &[
    TYPE,
    ID,
    CREATED_BY_REF,
    CREATED,
    EXTERNAL_REFERENCES,
    OBJECT_MARKING_REFS,
    GRANULAR_MARKINGS,
];
