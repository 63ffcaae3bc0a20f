//! Whether a value has the shape that its property's table gives it.

use std::borrow::Cow;

use super::{
    format::{
        has_encoded_word, hash_problem, is_base64, is_cpe, is_domain, is_email, is_hex, is_ipv4,
        is_ipv6, is_mac, is_plain_word, is_registry_key, is_relationship_type, is_url,
    },
    judge::Judge,
    object::Context,
};
use crate::{
    Level, Spec,
    id::{is_type_name, parts, sound_parts},
    is_timestamp,
    model::{
        Entries, Family, Format, Precision, Property, Shape, Targets, Type, Vocabulary, type_of,
        vocab,
    },
    registry, time,
    tree::{Kind, Value},
};

impl Judge<'_> {
    /// Checks one property's value: a list item by item, never empty.
    pub(super) fn property(&mut self, property: &Property, value: Value<'_>, ctx: &Context<'_>) {
        if !property.list {
            return self.shape(property, value, ctx);
        }
        match value.kind() {
            Kind::List if value.is_empty() => {
                let rule = if property.required { "STIX-2.12-05" } else { "STIX-2.12-03" };
                self.error(rule, value, "at least one value, or no property");
            }
            Kind::List => value.items().for_each(|item| self.shape(property, item, ctx)),
            _ => self.error("STIX-2.12-01", value, "a list"),
        }
    }

    fn shape(&mut self, property: &Property, value: Value<'_>, ctx: &Context<'_>) {
        match property.shape {
            Shape::Boolean => {
                if value.kind() != Kind::Bool {
                    self.error("STIX-2.2-01", value, "true or false");
                }
            }
            Shape::Integer(min, max) => self.integer(property, value, min, max),
            Shape::Float(min, max) => self.float(property, value, min, max),
            Shape::Text(format) => {
                if let Some(text) = self.text(value) {
                    self.format(property, format, text, value);
                }
            }
            Shape::Timestamp(precision) => self.timestamp(property.rule, precision, value),
            Shape::Reference(targets) => self.reference(property, targets, value, ctx),
            Shape::Binary => self.binary(value),
            Shape::Hex => self.hex(value),
            Shape::Hashes => self.hashes(property, value),
            Shape::Enum(vocabulary) => self.enumeration(property, vocabulary, value),
            Shape::Vocab(vocabulary) => self.vocabulary(vocabulary, value),
            Shape::Dictionary(entries) => self.dictionary(property, entries, value, ctx),
            Shape::Record(type_) => self.record(type_, value, ctx),
            Shape::Extensions => self.extensions(value, ctx),
            Shape::Container => self.container(value),
            Shape::Objects => {}
            Shape::Reserved => self.error(property.rule, value, "no such property: reserved"),
        }
    }

    /// A text, or a finding that it is none.
    pub(super) fn text<'t>(&mut self, value: Value<'t>) -> Option<&'t str> {
        let text = value.as_str();
        if text.is_none() {
            self.mistyped("2.15", value, "a string");
        }
        text
    }

    fn integer(&mut self, property: &Property, value: Value<'_>, min: i64, max: i64) {
        let Some(spelled) = value.as_number() else {
            return self.mistyped("2.10", value, "an integer");
        };
        match value.as_i64() {
            Some(number) if (min..=max).contains(&number) => {}
            Some(number) if number.unsigned_abs() < 1 << 53 => {
                let rule = if property.rule.is_empty() { "STIX-12.1-03" } else { property.rule };
                self.error(rule, value, format!("an integer from {min} to {max}"));
            }
            None if spelled.parse::<f64>().is_ok_and(|number| number.fract() != 0.0) => {
                self.mistyped("2.10", value, "an integer");
            }
            _ => self.error("STIX-2.10-01", value, "an integer within 2^53 - 1 either way"),
        }
    }

    fn float(&mut self, property: &Property, value: Value<'_>, min: f64, max: f64) {
        match value.as_f64() {
            None => self.mistyped("2.6", value, "a number"),
            Some(number) if (min..=max).contains(&number) => {}
            Some(_) => self.error(property.rule, value, format!("a number from {min} to {max}")),
        }
    }

    fn binary(&mut self, value: Value<'_>) {
        if !self.text(value).is_none_or(is_base64) {
            self.mistyped("2.1", value, "base64 of RFC 4648, padded");
        }
    }

    fn hex(&mut self, value: Value<'_>) {
        if !self.text(value).is_none_or(is_hex) {
            let expected = "an even number of the digits 0-9 and a-f";
            self.error("STIX-2.8-01", value, expected);
        }
    }

    pub(super) fn timestamp(&mut self, rule: &'static str, precision: Precision, value: Value<'_>) {
        let Some(text) = self.text(value) else { return };
        let Some((_, fraction)) = time::parse(text) else {
            let (rule, expected) = timestamp_problem(text);
            return self.error(rule, value, expected);
        };
        match precision {
            Precision::Milliseconds if self.spec == Spec::V20 && fraction.len() != 3 => {
                self.error("STIX20-1-3.1-01", value, "three digits of the second");
            }
            Precision::Milliseconds if self.spec == Spec::V21 && fraction.len() < 3 => {
                self.error(rule, value, "at least three digits of the second");
            }
            Precision::Seconds if fraction.bytes().any(|byte| byte != b'0') => {
                self.error(rule, value, "a timestamp to the second");
            }
            _ => {}
        }
    }

    /// An id with the right form and target.
    pub(super) fn reference(
        &mut self,
        property: &Property,
        targets: Targets,
        value: Value<'_>,
        ctx: &Context<'_>,
    ) {
        let Some(text) = self.text(value) else { return };
        let target = match ctx.container {
            Some(container) => match container.get(text) {
                Some(object) => object.get("type").and_then(Value::as_str),
                None => {
                    return self.error("STIX-2.13-02", value, "a key of the same container");
                }
            },
            None => match self.id_form(text, value) {
                Some(target) => Some(target),
                None => return,
            },
        };
        let Some(target) = target else { return };
        if !is_target(targets, target) {
            let rule = if property.rule.is_empty() { "STIX-12.1-03" } else { property.rule };
            self.error(rule, value, targets_in_words(targets));
        }
    }

    /// Checks `type--UUID`; the type, where it can be read.
    pub(super) fn id_form<'t>(&mut self, text: &'t str, value: Value<'_>) -> Option<&'t str> {
        let Some((type_, uuid)) = sound_parts(text) else {
            self.unsound_id(text, value);
            return None;
        };
        if self.spec == Spec::V20 && uuid.as_bytes().get(14) != Some(&b'4') {
            self.error("STIX20-1-2.5-01", value, "a UUID of version 4, in STIX 2.0");
        } else {
            if uuid.bytes().fold(false, |any, byte| any | byte.is_ascii_uppercase()) {
                let expected = "lower-case digits: RFC 4122 section 3 prints them so";
                self.remark("STIX-2.9-02", Level::Note, value, expected);
            }
            return Some(type_);
        }
        None
    }

    /// What is wrong with an id that is not [`sound_parts`].
    fn unsound_id(&mut self, text: &str, value: Value<'_>) {
        match parts(text) {
            None => self.error("STIX-2.9-01", value, "type--UUID"),
            Some((type_, _)) if !is_type_name(type_) => {
                self.error("STIX-2.9-01", value, "a type name before `--`");
            }
            Some(_) => self.error("STIX-2.9-02", value, "a UUID of RFC 4122 behind `--`"),
        }
    }

    fn hashes(&mut self, property: &Property, value: Value<'_>) {
        if !self.is_dictionary(value) {
            return;
        }
        for (key, hash) in value.members() {
            self.hash_key(property, key, hash);
            let Some(text) = hash.as_str() else {
                self.error("STIX-2.7-07", hash, "a string");
                continue;
            };
            if let Some((rule, expected)) = hash_problem(key, text) {
                self.error(rule, hash, expected);
            }
        }
    }

    fn hash_key(&mut self, property: &Property, key: &str, hash: Value<'_>) {
        if !is_dictionary_key(key) {
            self.error("STIX-2.7-04", hash, "a key of a-z, A-Z, 0-9, hyphen, underscore");
        } else if key.len() < 3 {
            self.error("STIX-2.7-05", hash, "a key of at least 3 characters");
        } else if key.len() > 250 {
            self.error("STIX-2.7-06", hash, "a key of at most 250 characters");
        } else if !vocab::HASH_ALGORITHM.has(key) {
            if property.rule == "STIX-2.5.1-01" {
                let expected = "a key of hash-algorithm-ov";
                self.error("STIX-2.5.1-01", hash, expected);
            } else if !key.starts_with("x_") {
                self.warn(241, hash, "a key of hash-algorithm-ov, or one with `x_`");
            }
        }
        if key.len() > 30 {
            self.warn(150, hash, "a key of at most 30 characters");
        }
    }

    fn enumeration(
        &mut self,
        property: &Property,
        vocabulary: &'static Vocabulary,
        value: Value<'_>,
    ) {
        if let Some(text) = self.text(value)
            && !vocabulary.has(text)
        {
            let rule = if property.rule.is_empty() { "STIX-2.4-01" } else { property.rule };
            self.error(rule, value, one_of(vocabulary));
        }
    }

    pub(super) fn vocabulary(&mut self, vocabulary: &'static Vocabulary, value: Value<'_>) {
        let Some(text) = self.text(value) else { return };
        if vocabulary.has(text) {
            return;
        }
        self.warn(vocabulary.check, value, one_of(vocabulary));
        if !is_plain_word(text) {
            self.warn(111, value, "lower case, hyphens between words");
        }
    }

    /// Whether a value is an object that is not empty, with a finding where it is not.
    pub(super) fn is_dictionary(&mut self, value: Value<'_>) -> bool {
        match value.kind() {
            Kind::Object if value.is_empty() => {
                self.error("STIX-2.3-04", value, "at least one key, or no property");
                false
            }
            Kind::Object => true,
            _ => {
                self.mistyped("2.3", value, "an object");
                false
            }
        }
    }

    fn dictionary(
        &mut self,
        property: &Property,
        entries: Entries,
        value: Value<'_>,
        ctx: &Context<'_>,
    ) {
        if !self.is_dictionary(value) || matches!(entries, Entries::Marking | Entries::Translations)
        {
            return;
        }
        for (key, entry) in value.members() {
            if !is_dictionary_key(key) {
                self.error("STIX-2.3-02", entry, "a key of a-z, A-Z, 0-9, hyphen, underscore");
            } else if self.spec == Spec::V20 && !(3..=256).contains(&key.len()) {
                self.error("STIX20-3-2.3-01", entry, "a key of 3 to 256 characters, in STIX 2.0");
            } else if self.spec == Spec::V21 && key.len() > 250 {
                self.error("STIX-2.3-03", entry, "a key of at most 250 characters");
            }
            self.entry(property, entries, entry, ctx);
        }
    }

    fn entry(
        &mut self,
        property: &Property,
        entries: Entries,
        entry: Value<'_>,
        ctx: &Context<'_>,
    ) {
        let (ok, expected) = match entries {
            Entries::Text => (entry.as_str().is_some(), "a string"),
            // STIX 2.0, whose objects may stand in a container, has strings here, and any options.
            Entries::TextLists if ctx.container.is_some() && entry.as_str().is_some() => return,
            Entries::Integers if ctx.container.is_some() => return self.anything(entry),
            Entries::TextLists => (is_text_list(entry), "a list of strings"),
            Entries::Integers => (entry.as_i64().is_some(), "an integer"),
            Entries::IntegersOrText => {
                (entry.as_i64().is_some() || entry.as_str().is_some(), "an integer or a string")
            }
            _ => return self.anything(entry),
        };
        if !ok {
            self.error(property.rule, entry, expected);
        }
    }

    /// A value of no known type: no null, nothing empty, at any depth.
    pub(super) fn anything(&mut self, value: Value<'_>) {
        // INVARIANT: nesting is at most 256, so this may recurse.
        match value.kind() {
            Kind::Null => self.error("STIX-2.3-07", value, "a value, or no property"),
            Kind::List if value.is_empty() => {
                self.error("STIX-2.12-02", value, "at least one value, or no property");
            }
            Kind::Object if value.is_empty() => {
                self.error("STIX-2.3-04", value, "at least one key, or no property");
            }
            Kind::List => value.items().for_each(|item| self.anything(item)),
            Kind::Object => value.members().for_each(|(_, member)| self.anything(member)),
            _ => {}
        }
    }

    fn record(&mut self, type_: &'static Type, value: Value<'_>, ctx: &Context<'_>) {
        if value.kind() != Kind::Object {
            return self.mistyped(type_.clause, value, "an object");
        }
        if value.is_empty() {
            return self.error("STIX-2.3-04", value, "at least one property");
        }
        self.members(type_, value, ctx);
        self.embedded(type_, value, ctx);
    }

    fn format(&mut self, property: &Property, format: Format, text: &str, value: Value<'_>) {
        let rule = if property.rule.is_empty() { "STIX-12.1-03" } else { property.rule };
        let problem = match format {
            Format::Any => {
                if property.name == "subject" && has_encoded_word(text) {
                    self.error("STIX-6.6-01", value, "text with RFC 2047 words decoded");
                }
                return;
            }
            Format::TypeName | Format::Id => return,
            Format::SpecVersion => return self.spec_version(rule, text, value),
            Format::Language => return self.language(property, text, value),
            Format::MediaType => {
                if !registry::MEDIA_TYPES.has(text) {
                    self.warn(271, value, "a media type of the IANA registry");
                }
                return;
            }
            Format::Url => (!is_url(text)).then_some("a URL of RFC 3986"),
            Format::Domain => (!is_domain(text)).then_some("a domain name of RFC 1034, 5890"),
            Format::Email => (!is_email(text)).then_some("an address without display name"),
            Format::Ipv4 => (!is_ipv4(text)).then_some("an IPv4 address or network"),
            Format::Ipv6 => (!is_ipv6(text)).then_some("an IPv6 address or network"),
            Format::Mac => (!is_mac(text)).then_some("six octets as 0a:1b:2c:3d:4e:5f"),
            Format::Charset => {
                (!registry::CHARACTER_SETS.has(text)).then_some("a name of the IANA registry")
            }
            Format::Cpe => (!is_cpe(text)).then_some("a CPE 2.3 formatted string"),
            Format::RegistryKey => (!is_registry_key(text)).then_some("the hive's full name"),
            Format::RelationshipType => {
                (!is_relationship_type(text)).then_some("only a-z, 0-9 and hyphen")
            }
        };
        if let Some(expected) = problem {
            self.error(rule, value, expected);
        }
    }

    fn spec_version(&mut self, rule: &'static str, text: &str, value: Value<'_>) {
        match text {
            "2.1" => {}
            "2.0" if self.options.version.is_some() => {}
            _ => self.error(rule, value, "2.1"),
        }
    }

    fn language(&mut self, property: &Property, text: &str, value: Value<'_>) {
        if registry::is_language_tag(text) {
            return;
        }
        if property.name == "languages" && registry::ISO_639_2.has(text) {
            return self.note_language(value);
        }
        self.error(property.rule, value, "a language tag of RFC 5646");
    }
}

/// Which MUST of section 2.16.1 a text breaks that is no timestamp.
fn timestamp_problem(text: &str) -> (&'static str, &'static str) {
    let body = text.get(19..).unwrap_or_default();
    let seconds = text.get(..19).is_some_and(|start| is_timestamp(&format!("{start}Z")));
    let digits = body.trim_start_matches('.').trim_start_matches(|c: char| c.is_ascii_digit());
    match digits {
        "Z" if seconds && body.starts_with(".Z") => ("STIX-2.16.1-02", "digits behind the point"),
        "" | "z" if seconds => ("STIX-2.16.1-04", "`Z` at the end"),
        offset if seconds && offset.starts_with(['+', '-']) => ("STIX-2.16.1-03", "UTC, with `Z`"),
        _ => ("STIX-2.16.1-01", "YYYY-MM-DDTHH:mm:ss[.s+]Z of a moment that exists"),
    }
}

/// `[a-zA-Z0-9_-]`.
fn is_dictionary_key(key: &str) -> bool {
    key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn is_text_list(value: Value<'_>) -> bool {
    !value.is_empty() && value.kind() == Kind::List && value.items().all(|v| v.as_str().is_some())
}

fn one_of(vocabulary: &'static Vocabulary) -> Cow<'static, str> {
    Cow::Owned(format!("one of {}", vocabulary.name))
}

/// Whether an object of a type may be pointed at. An unknown type may be of any family.
fn is_target(targets: Targets, type_: &str) -> bool {
    let family = || type_of(type_).map(|found| found.family);
    match targets {
        Targets::Any => true,
        Targets::Only(types) => types.contains(&type_),
        Targets::Domain => matches!(family(), None | Some(Family::Sdo)),
        Targets::DomainOrObservable => {
            matches!(family(), None | Some(Family::Sdo | Family::Sco))
        }
        Targets::ObservableOrRelationship => {
            matches!(family(), None | Some(Family::Sro | Family::Sco))
        }
        Targets::Translatable => !matches!(type_, "bundle" | "language-content"),
    }
}

fn targets_in_words(targets: Targets) -> Cow<'static, str> {
    match targets {
        Targets::Any => "an id".into(),
        Targets::Only(types) => format!("a reference to {}", types.join(" or ")).into(),
        Targets::Domain => "a reference to a domain object".into(),
        Targets::DomainOrObservable => "a reference to a domain or observable object".into(),
        Targets::ObservableOrRelationship => {
            "a reference to an observable or relationship object".into()
        }
        Targets::Translatable => "a reference to an object that can be translated".into(),
    }
}
