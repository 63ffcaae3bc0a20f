//! Static tables of every STIX 2.1 type: properties, shapes, ranges, orders, vocabularies.
//!
//! One [`Type`] describes an object type, a predefined extension or an embedded type. The tables
//! say what section 2 to 8 and 10 say of single properties; what ties several together beyond
//! [`Order`] and [`Least`] is code in the validator. Everything is `static`: nothing is built at
//! start-up.
//!
//! ```
//! let campaign = stix::model::type_of("campaign").unwrap();
//! assert!(campaign.property("name").unwrap().required);
//! assert!(campaign.property("created").unwrap().required);
//! assert_eq!(stix::model::type_of("mutex").unwrap().contributing, ["name"]);
//! ```

mod common;
mod extensions;
mod old;
mod relationships;
mod sco;
mod sdo;
mod sro_meta;
pub mod vocab;

use crate::{Spec, name};

pub use extensions::{EXTENSIONS, published_extension};
pub(crate) use old::{Delta, OLD_RESERVED, old_property};
pub use old::{is_old_property, old_type_of};
pub use relationships::{COMMON_RELATIONSHIPS, is_relationship_of, relationship_sources};

/// What an object type, extension or embedded type consists of.
#[derive(Debug)]
pub struct Type {
    /// `type`, the key of a predefined extension, or the name of an embedded type.
    pub name: &'static str,
    /// Which kind of type it is.
    pub family: Family,
    /// The edition whose table it is.
    pub spec: Spec,
    /// Section of its property table.
    pub clause: &'static str,
    /// Its own properties, in the order of the table; the common ones are [`common`](field@Type::common).
    pub properties: &'static [Property],
    /// ID contributing properties of a cyber-observable object, in the order of section 6.
    pub contributing: &'static [&'static str],
    /// Predefined extensions.
    pub extensions: &'static [&'static Type],
    /// Pairs of timestamps that must stand in order.
    pub orders: &'static [Order],
    /// Of which properties at least one must be there.
    pub least: Option<Least>,
    /// The common properties of its family, section 3.2; extension-definition, language-content
    /// and marking-definition have fewer.
    pub common: &'static [Property],
    /// Where a name stands among its own properties and the common ones.
    places: Places,
}

/// Which kind of type a [`Type`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// STIX domain object, section 4.
    Sdo,
    /// STIX relationship object, section 5.
    Sro,
    /// STIX cyber-observable object, section 6.
    Sco,
    /// extension-definition, language-content, marking-definition: section 7.
    Meta,
    /// The bundle, section 8.
    Bundle,
    /// A predefined extension of a cyber-observable object.
    Extension,
    /// A type that stands only inside another.
    Embedded,
}

/// One property of a type.
#[derive(Debug)]
pub struct Property {
    /// Its name.
    pub name: &'static str,
    /// What its value, or each item of its list, is.
    pub shape: Shape,
    /// Whether it is a list.
    pub list: bool,
    /// Whether it must be there.
    pub required: bool,
    /// The MUST that its own description states about its value; empty where only the rules of
    /// its shape apply.
    pub rule: &'static str,
}

/// What a value is.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// `true` or `false`, section 2.2.
    Boolean,
    /// A whole number in a range, section 2.10.
    Integer(i64, i64),
    /// A number in a range, section 2.6.
    Float(f64, f64),
    /// Text, section 2.15.
    Text(Format),
    /// Section 2.16.
    Timestamp(Precision),
    /// An id, section 2.9, and what it may point at.
    Reference(Targets),
    /// Base64, section 2.1.
    Binary,
    /// Hexadecimal digits, section 2.8.
    Hex,
    /// Digests by algorithm, section 2.7.
    Hashes,
    /// One value of a closed enumeration, section 2.4.
    Enum(&'static Vocabulary),
    /// Better one value of an open vocabulary, section 2.14.
    Vocab(&'static Vocabulary),
    /// Section 2.3, and what its values are.
    Dictionary(Entries),
    /// An embedded type.
    Record(&'static Type),
    /// `extensions`, sections 3.2 and 7.3.
    Extensions,
    /// `objects` of observed-data, section 2.13.
    Container,
    /// `objects` of a bundle.
    Objects,
    /// Reserved for a later edition: must not be there.
    Reserved,
}

/// What a text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Any text.
    Any,
    /// The object's own `type`.
    TypeName,
    /// `2.1`.
    SpecVersion,
    /// The object's own `id`.
    Id,
    /// RFC 5646.
    Language,
    /// RFC 3986.
    Url,
    /// RFC 1034, RFC 5890.
    Domain,
    /// An address without display name.
    Email,
    /// An IPv4 address or network.
    Ipv4,
    /// An IPv6 address or network.
    Ipv6,
    /// `0a:1b:2c:3d:4e:5f`.
    Mac,
    /// A type/subtype of the IANA registry.
    MediaType,
    /// A name of the IANA character set registry.
    Charset,
    /// CPE 2.3.
    Cpe,
    /// A registry key without an abbreviated hive.
    RegistryKey,
    /// `[a-z0-9-]`, the type of a relationship.
    RelationshipType,
}

/// How precise a timestamp must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// Any number of digits.
    Any,
    /// At least three digits: `created`, `modified`.
    Milliseconds,
    /// To the second.
    Seconds,
}

/// What an id may point at.
#[derive(Debug, Clone, Copy)]
pub enum Targets {
    /// Anything with an id.
    Any,
    /// Exactly these types.
    Only(&'static [&'static str]),
    /// Domain objects, custom ones too.
    Domain,
    /// Domain and cyber-observable objects, custom ones too.
    DomainOrObservable,
    /// Cyber-observable and relationship objects.
    ObservableOrRelationship,
    /// Anything but a bundle and language content.
    Translatable,
}

/// What the values of a dictionary are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entries {
    /// Any base type.
    Any,
    /// Text.
    Text,
    /// Lists of text.
    TextLists,
    /// Integers.
    Integers,
    /// Integers or text.
    IntegersOrText,
    /// Translations by language tag.
    Translations,
    /// The body of a marking.
    Marking,
}

/// A pair of timestamps: `earlier` must not stand after `later`.
#[derive(Debug)]
pub struct Order {
    /// The earlier property.
    pub earlier: &'static str,
    /// The later property.
    pub later: &'static str,
    /// Whether they must differ.
    pub strict: bool,
    /// The MUST.
    pub rule: &'static str,
}

/// At least one of these must be there.
#[derive(Debug, Clone, Copy)]
pub struct Least {
    /// The MUST.
    pub rule: &'static str,
    /// The properties; empty for all of the type's own optional ones.
    pub of: &'static [&'static str],
}

/// An open vocabulary or a closed enumeration.
#[derive(Debug)]
pub struct Vocabulary {
    /// Its name in section 10.
    pub name: &'static str,
    /// Its section.
    pub clause: &'static str,
    /// Number of the SHOULD check; 0 for an enumeration.
    pub check: u16,
    /// Its values, sorted by bytes.
    pub values: &'static [&'static str],
}

impl Vocabulary {
    /// Whether it has a value.
    pub fn has(&self, value: &str) -> bool {
        self.values.binary_search(&value).is_ok()
    }
}

impl Property {
    pub(crate) const fn new(name: &'static str, shape: Shape) -> Self {
        Self { name, shape, list: false, required: false, rule: "" }
    }

    pub(crate) const fn list(mut self) -> Self {
        self.list = true;
        self
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn rule(mut self, rule: &'static str) -> Self {
        self.rule = rule;
        self
    }
}

impl Type {
    pub(crate) const fn new(
        name: &'static str,
        family: Family,
        clause: &'static str,
        properties: &'static [Property],
    ) -> Self {
        Self {
            name,
            family,
            spec: Spec::V21,
            clause,
            properties,
            contributing: &[],
            extensions: &[],
            orders: &[],
            least: None,
            common: &[],
            places: Places::of(properties, &[]),
        }
        .common(match family {
            Family::Sdo | Family::Sro => common::DOMAIN,
            Family::Sco => common::OBSERVABLE,
            Family::Bundle => common::BUNDLE,
            Family::Meta | Family::Extension | Family::Embedded => &[],
        })
    }

    /// A table of STIX 2.0.
    pub(crate) const fn old(mut self) -> Self {
        self.spec = Spec::V20;
        let common = match self.family {
            Family::Bundle => common::BUNDLE,
            Family::Meta => common::OLD_MARKING_DEFINITION,
            _ => common::OLD_DOMAIN,
        };
        self.common(common)
    }

    /// Other common properties than those of its family.
    pub(crate) const fn common(mut self, common: &'static [Property]) -> Self {
        self.common = common;
        self.places = Places::of(self.properties, common);
        self
    }

    pub(crate) const fn contributing(mut self, names: &'static [&'static str]) -> Self {
        self.contributing = names;
        self
    }

    pub(crate) const fn extensions(mut self, types: &'static [&'static Self]) -> Self {
        self.extensions = types;
        self
    }

    pub(crate) const fn orders(mut self, orders: &'static [Order]) -> Self {
        self.orders = orders;
        self
    }

    pub(crate) const fn least(mut self, rule: &'static str, of: &'static [&'static str]) -> Self {
        self.least = Some(Least { rule, of });
        self
    }

    /// The property of a name, its own or a common one.
    pub fn property(&self, name: &str) -> Option<&'static Property> {
        self.at(self.place(name)?)
    }

    /// Where a property stands: its own from 0 on, the common ones behind them.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        let mut slot = slot_of(name.as_bytes());
        loop {
            let place = usize::from(*self.places.slots.get(slot)?);
            if self.at(place)?.name == name {
                return Some(place);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// The property at a place.
    pub(crate) fn at(&self, place: usize) -> Option<&'static Property> {
        match place.checked_sub(self.properties.len()) {
            None => self.properties.get(place),
            Some(place) => self.common.get(place),
        }
    }

    /// The places of properties that must be there, as bits.
    pub(crate) fn required(&self) -> u64 {
        self.places.required
    }

    /// Whether objects of this type have versions, section 3.6.
    pub fn is_versioned(&self) -> bool {
        matches!(self.family, Family::Sdo | Family::Sro)
            || matches!(self.name, "extension-definition" | "language-content")
    }

    /// The predefined extension of a key.
    pub fn extension(&self, key: &str) -> Option<&'static Type> {
        self.extensions.iter().copied().find(|extension| extension.name == key)
    }
}

/// Where the names of a type's properties stand: a hash table that the compiler fills.
#[derive(Debug, Clone, Copy)]
struct Places {
    /// The place of the property whose name falls here, or into a slot before that was taken.
    slots: [u8; SLOTS],
    /// The places of properties that must be there, as bits.
    required: u64,
}

/// At least twice as many as any type has properties, its own and common ones.
const SLOTS: usize = 128;
const FREE: u8 = u8::MAX;

impl Places {
    #[expect(
        clippy::indexing_slicing,
        reason = "runs at compile time: what is amiss is no program"
    )]
    const fn of(own: &[Property], common: &[Property]) -> Self {
        let mut places = Self { slots: [FREE; SLOTS], required: 0 };
        let count = own.len() + common.len();
        assert!(count < 64, "the places of a type's properties are bits of a word");
        let mut place = 0;
        while place < count {
            let property = if place < own.len() { &own[place] } else { &common[place - own.len()] };
            let mut slot = slot_of(property.name.as_bytes());
            while places.slots[slot] != FREE {
                slot = (slot + 1) % SLOTS;
            }
            #[expect(clippy::cast_possible_truncation, reason = "below 64")]
            let narrow = place as u8;
            places.slots[slot] = narrow;
            if property.required {
                places.required |= 1 << place;
            }
            place += 1;
        }
        places
    }
}

const fn slot_of(name: &[u8]) -> usize {
    name::hash(name) as usize % SLOTS
}

/// The type of a name: 42 object types and the bundle.
pub fn type_of(name: &str) -> Option<&'static Type> {
    // Ordered by how often they stand in real bundles; the first letters tell most apart.
    let found = match name {
        "relationship" => &sro_meta::RELATIONSHIP,
        "attack-pattern" => &sdo::ATTACK_PATTERN,
        "indicator" => &sdo::INDICATOR,
        "malware" => &sdo::MALWARE,
        "identity" => &sdo::IDENTITY,
        "marking-definition" => &sro_meta::MARKING_DEFINITION,
        "campaign" => &sdo::CAMPAIGN,
        "course-of-action" => &sdo::COURSE_OF_ACTION,
        "grouping" => &sdo::GROUPING,
        "incident" => &sdo::INCIDENT,
        "infrastructure" => &sdo::INFRASTRUCTURE,
        "intrusion-set" => &sdo::INTRUSION_SET,
        "location" => &sdo::LOCATION,
        "malware-analysis" => &sdo::MALWARE_ANALYSIS,
        "note" => &sdo::NOTE,
        "observed-data" => &sdo::OBSERVED_DATA,
        "opinion" => &sdo::OPINION,
        "report" => &sdo::REPORT,
        "threat-actor" => &sdo::THREAT_ACTOR,
        "tool" => &sdo::TOOL,
        "vulnerability" => &sdo::VULNERABILITY,
        "sighting" => &sro_meta::SIGHTING,
        "extension-definition" => &sro_meta::EXTENSION_DEFINITION,
        "language-content" => &sro_meta::LANGUAGE_CONTENT,
        "bundle" => &sro_meta::BUNDLE,
        other => return sco::type_of(other),
    };
    Some(found)
}

/// Every object type and the bundle, by section.
pub fn types() -> impl Iterator<Item = &'static Type> {
    sdo::TYPES.iter().chain(sro_meta::TYPES).chain(sco::TYPES).copied()
}

/// The common properties of a custom object: as for a cyber-observable object when it has no
/// `created`, else as for a domain object.
pub fn custom_common(observable: bool) -> &'static [Property] {
    if observable { common::OBSERVABLE } else { common::DOMAIN }
}

/// The common properties of a custom object of STIX 2.0.
pub fn old_custom_common() -> &'static [Property] {
    common::OLD_DOMAIN
}

/// Names that no property may have: section 3.8.
pub const RESERVED_PROPERTIES: [&str; 4] = ["severity", "username", "phone_number", "action"];

#[cfg(test)]
mod tests;
