//! The relationship objects of section 5, the meta objects of section 7 and the bundle.

use super::{
    Entries, Family, Format, Order, Shape,
    Shape::{Dictionary, Enum, Integer, Reference, Text},
    Targets, Type,
    common::{self, p, reference, text, time},
    vocab,
};

pub(super) static RELATIONSHIP: Type = Type::new(
    "relationship",
    Family::Sro,
    "5.1.2",
    &[
        p("relationship_type", Text(Format::RelationshipType)).required().rule("STIX-5.1.2-02"),
        text("description"),
        p("source_ref", Reference(Targets::DomainOrObservable)).required().rule("STIX-5.1.2-03"),
        p("target_ref", Reference(Targets::DomainOrObservable)).required().rule("STIX-5.1.2-04"),
        time("start_time"),
        time("stop_time"),
    ],
)
.orders(&[Order {
    earlier: "start_time",
    later: "stop_time",
    strict: true,
    rule: "STIX-5.1.2-05",
}]);

pub(super) static SIGHTING: Type = Type::new(
    "sighting",
    Family::Sro,
    "5.2.1",
    &[
        text("description"),
        time("first_seen"),
        time("last_seen"),
        p("count", Integer(0, 999_999_999)).rule("STIX-5.2.1-03"),
        p("sighting_of_ref", Reference(Targets::Domain)).required().rule("STIX-5.2.1-04"),
        reference("observed_data_refs", &["observed-data"], "STIX-5.2.1-05").list(),
        reference("where_sighted_refs", &["identity", "location"], "STIX-5.2.1-06").list(),
        p("summary", Shape::Boolean),
    ],
)
.orders(&[Order {
    earlier: "first_seen",
    later: "last_seen",
    strict: false,
    rule: "STIX-5.2.1-02",
}]);

pub(super) static LANGUAGE_CONTENT: Type = Type::new(
    "language-content",
    Family::Meta,
    "7.1.1",
    &[
        p("object_ref", Reference(Targets::Translatable)).required().rule("STIX-7.1.1-02"),
        time("object_modified"),
        p("contents", Dictionary(Entries::Translations)).required(),
    ],
)
.common(common::LANGUAGE_CONTENT);

pub(super) static MARKING_DEFINITION: Type = Type::new(
    "marking-definition",
    Family::Meta,
    "7.2.1",
    &[text("name"), text("definition_type"), p("definition", Dictionary(Entries::Marking))],
)
.common(common::MARKING_DEFINITION);

pub(super) static EXTENSION_DEFINITION: Type = Type::new(
    "extension-definition",
    Family::Meta,
    "7.3.1",
    &[
        text("name").required(),
        text("description"),
        text("schema").required(),
        text("version").required(),
        p("extension_types", Enum(&vocab::EXTENSION_TYPE)).list().required().rule("STIX-7.3.1-02"),
        text("extension_properties").list(),
    ],
)
.common(common::EXTENSION_DEFINITION);

pub(super) static BUNDLE: Type =
    Type::new("bundle", Family::Bundle, "8.1", &[p("objects", Shape::Objects).list()]);

pub(super) static TYPES: &[&Type] = &[
    &RELATIONSHIP,
    &SIGHTING,
    &LANGUAGE_CONTENT,
    &MARKING_DEFINITION,
    &EXTENSION_DEFINITION,
    &BUNDLE,
];
