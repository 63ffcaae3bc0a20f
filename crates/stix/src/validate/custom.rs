//! What the standard does not define: custom types and properties, extensions of all kinds.

use super::{
    format::{NameFault, property_name_fault},
    judge::Judge,
    object::{Context, custom_table},
};
use crate::{
    Level,
    id::is_uuid,
    limits,
    markings::scheme,
    model::{Family, RESERVED_PROPERTIES, Type, vocab},
    tree::{Kind, Value},
};

/// The MUSTs on a name: characters, length from, length to.
struct NameRules {
    characters: &'static str,
    short: &'static str,
    long: &'static str,
}

const CUSTOM_PROPERTY: NameRules =
    NameRules { characters: "STIX-11.1.1-02", short: "STIX-11.1.1-03", long: "STIX-11.1.1-04" };
const CUSTOM_OBJECT: NameRules =
    NameRules { characters: "STIX-11.2.1-05", short: "STIX-11.2.1-06", long: "STIX-11.2.1-07" };
const EXTENSION_PROPERTY: NameRules =
    NameRules { characters: "STIX-7.3.2-02", short: "STIX-7.3.2-03", long: "STIX-7.3.2-04" };
const EXTENSION_OBJECT: NameRules =
    NameRules { characters: "STIX-7.3.2-09", short: "STIX-7.3.2-10", long: "STIX-7.3.2-11" };
const CUSTOM_EXTENSION: NameRules =
    NameRules { characters: "STIX-11.3.1-08", short: "STIX-11.1.1-03", long: "STIX-11.1.1-04" };

impl Judge<'_> {
    /// The name of the object's type.
    pub(super) fn type_name(&mut self, ctx: &Context<'_>) {
        let Some(value) = ctx.root.get("type") else { return };
        let (name, new) = (ctx.type_name, ctx.extends.new_type);
        if ctx.type_.is_some() {
            return;
        }
        let pick = |extension, custom| if new { extension } else { custom };
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if RESERVED_PROPERTIES.contains(&name) {
            return self.error("STIX-3.8-01", value, "no such type: the name is reserved");
        }
        if !name.bytes().all(plain) {
            let rule = pick("STIX-7.3.2-13", "STIX-11.2.1-09");
            self.error(rule, value, "a type name of a-z, 0-9 and hyphen");
        } else if name.contains("--") {
            let rule = pick("STIX-7.3.2-14", "STIX-11.2.1-10");
            self.error(rule, value, "no two hyphens in a row");
        } else if name.len() < 3 {
            let rule = pick("STIX-7.3.2-15", "STIX-11.2.1-11");
            self.error(rule, value, "a type name of at least 3 characters");
        } else if name.len() > limits::TYPE_LEN_MAX {
            let rule = pick("STIX-7.3.2-16", "STIX-11.2.1-12");
            self.error(rule, value, "a type name of at most 250 characters");
        } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            self.error("STIX-3.1-02", value, "a type name that begins with a letter");
        }
        self.custom_type(ctx, value);
    }

    fn custom_type(&mut self, ctx: &Context<'_>, value: Value<'_>) {
        let name = ctx.type_name;
        if self.options.strict_types {
            self.remark("strict-types", Level::Warning, value, "a type of the standard");
        }
        if !ctx.extends.new_type {
            let expected = "an extension of type new-sdo, new-sco or new-sro";
            self.warn_custom(name, value, expected);
        }
        self.prefix(name, '-', value);
    }

    /// Checks 101 and 102: `x-`, then a source, then a name.
    fn prefix(&mut self, name: &str, separator: char, value: Value<'_>) {
        if ![101, 102].iter().any(|number| self.options.checks.has(*number, self.spec)) {
            return;
        }
        let rest = name.strip_prefix('x').and_then(|rest| rest.strip_prefix(separator));
        let lax = rest.is_some_and(|rest| !rest.is_empty());
        let strict = rest.and_then(|rest| rest.split_once(separator));
        let strict = strict.is_some_and(|(source, name)| !source.is_empty() && !name.is_empty());
        let [with_source, plain] = match separator {
            '_' => ["a name that begins x_SOURCE_", "a name that begins x_"],
            _ => ["a name that begins x-SOURCE-", "a name that begins x-"],
        };
        if !strict {
            self.warn(101, value, with_source);
        }
        if !lax {
            self.warn(102, value, plain);
        }
    }

    /// An object of a type that the standard does not define.
    pub(super) fn custom_object(&mut self, ctx: &Context<'_>) {
        let table = custom_table(ctx.observable);
        let mut own = 0;
        for (key, member) in ctx.root.members() {
            if member.kind() == Kind::Null {
                self.mistyped("2", member, "a value, or no property");
            } else if let Some(property) = table.iter().find(|property| property.name == key) {
                self.property(property, member, ctx);
            } else {
                own += 1;
                self.custom_member(key, member, ctx);
            }
        }
        let required = table.iter().filter(|property| property.required);
        for property in required.filter(|_| ctx.container.is_none()) {
            if ctx.root.get(property.name).is_none() {
                self.missing(property.name, ctx.root, "11.2.1");
            }
        }
        if own == 0 && ctx.container.is_none() && !ctx.extends.new_type {
            self.error("STIX-11.2.1-03", ctx.root, "at least one property of its own");
        }
        self.order(ctx.root, "created", "modified", false, "STIX-3.2-06");
    }

    fn custom_member(&mut self, key: &str, member: Value<'_>, ctx: &Context<'_>) {
        if key == "defanged" {
            return self.error("STIX-3.2-15", member, "no such property: only for SCOs");
        }
        if RESERVED_PROPERTIES.contains(&key) {
            return self.error("STIX-3.8-01", member, "no such property: the name is reserved");
        }
        if ctx.container.is_some() && key == "id" {
            return;
        }
        let rules = if ctx.extends.new_type { &EXTENSION_OBJECT } else { &CUSTOM_OBJECT };
        self.property_name(rules, key, member);
        self.custom_value(key, member);
    }

    /// A property that its type's table does not have.
    pub(super) fn custom_property(
        &mut self,
        key: &str,
        member: Value<'_>,
        ctx: &Context<'_>,
        top: bool,
    ) {
        ctx.custom.set(ctx.custom.get() + 1);
        let toplevel = top && ctx.extends.toplevel;
        let rules = if toplevel { &EXTENSION_PROPERTY } else { &CUSTOM_PROPERTY };
        self.property_name(rules, key, member);
        self.custom_value(key, member);
        if !toplevel {
            self.warn_custom(key, member, "an extension of type (toplevel-)property-extension");
            self.prefix(key, '_', member);
        }
        if self.options.strict_properties {
            let expected = "a property of the standard";
            self.remark("strict-properties", Level::Warning, member, expected);
        }
    }

    fn property_name(&mut self, rules: &NameRules, key: &str, member: Value<'_>) {
        let (rule, expected) = match property_name_fault(key) {
            None => return,
            Some(NameFault::Characters) => (rules.characters, "a name of a-z, 0-9 and underscore"),
            Some(NameFault::TooShort) => (rules.short, "a name of at least 3 characters"),
            Some(NameFault::TooLong) => (rules.long, "a name of at most 250 characters"),
            Some(NameFault::FirstLetter) => ("STIX-3.1-02", "a name that begins with a letter"),
        };
        self.inside((rule, Level::Error), member, key, expected);
    }

    /// Names that extension-definition announces.
    pub(super) fn extension_property_name(&mut self, name: &str, at: Value<'_>) {
        self.property_name(&EXTENSION_PROPERTY, name, at);
    }

    /// The value of a custom property: nothing null or empty, `_bin` and `_hex` as they say.
    fn custom_value(&mut self, key: &str, member: Value<'_>) {
        if let Some(text) = member.as_str() {
            if key.ends_with("_bin") && !super::format::is_base64(text) {
                self.error("STIX-3.1-09", member, "base64: the name ends in _bin");
            } else if key.ends_with("_hex") && !super::format::is_hex(text) {
                self.error("STIX-3.1-10", member, "hexadecimal digits: the name ends in _hex");
            } else if key.ends_with("_ref") {
                self.custom_reference("STIX-3.1-07", text, member);
            }
        } else if key.ends_with("_refs") && member.kind() == Kind::List {
            for item in member.items() {
                if let Some(text) = item.as_str() {
                    self.custom_reference("STIX-3.1-08", text, item);
                }
            }
        }
        self.anything(member);
    }

    /// A custom name that ends as references do, whose value is no id: only a note.
    fn custom_reference(&mut self, rule: &'static str, text: &str, at: Value<'_>) {
        if !crate::is_id(text) {
            self.remark(rule, Level::Note, at, "an id, as the name's ending says");
        }
    }

    /// `extensions`: predefined ones by their tables, those of definitions by their type.
    pub(super) fn extensions(&mut self, value: Value<'_>, ctx: &Context<'_>) {
        if !self.is_dictionary(value) {
            return;
        }
        for (key, extension) in value.members() {
            if let Some(type_) = ctx.type_.and_then(|type_| type_.extension(key)) {
                self.predefined(type_, extension, ctx);
            } else if let Some(uuid) = key.strip_prefix("extension-definition--") {
                self.defined(key, uuid, extension, ctx);
            } else {
                self.custom_extension(key, extension, ctx);
            }
        }
    }

    fn predefined(&mut self, type_: &'static Type, extension: Value<'_>, ctx: &Context<'_>) {
        if extension.kind() != Kind::Object {
            return self.error("STIX-3.2-16", extension, "the extension's properties");
        }
        self.members(type_, extension, ctx);
        self.embedded(type_, extension, ctx);
    }

    fn defined(&mut self, key: &str, uuid: &str, extension: Value<'_>, ctx: &Context<'_>) {
        if !is_uuid(uuid) {
            self.inside(("STIX-2.9-02", Level::Error), extension, key, "a UUID of RFC 4122");
        }
        if extension.kind() != Kind::Object || extension.is_empty() {
            return self.error("STIX-3.2-16", extension, "the extension's properties");
        }
        match extension.get("extension_type") {
            None => {
                let expected = "`extension_type`: the key is an extension-definition";
                self.error("STIX-3.2-18", extension, expected);
            }
            Some(kind) if !kind.as_str().is_some_and(|text| vocab::EXTENSION_TYPE.has(text)) => {
                self.error("STIX-3.2-17", kind, "one of extension-type-enum");
            }
            Some(_) => {}
        }
        if let Some(scheme) = scheme::of_key(key).filter(|_| ctx.type_name == "marking-definition")
        {
            self.scheme_body(scheme, extension, ctx);
        }
        self.extension_members(extension, &EXTENSION_PROPERTY);
    }

    fn extension_members(&mut self, extension: Value<'_>, rules: &NameRules) {
        for (key, member) in extension.members() {
            if key != "extension_type" {
                self.property_name(rules, key, member);
                self.custom_value(key, member);
            }
        }
    }

    /// A custom extension of the old way, section 11.3.
    fn custom_extension(&mut self, key: &str, extension: Value<'_>, ctx: &Context<'_>) {
        let plain = |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let problem = if ctx.container.is_none() && !key.ends_with("-ext") {
            Some((wrong_extension_key(ctx), "an extension-definition's id, or a name with -ext"))
        } else if !key.bytes().all(plain) {
            Some(("STIX-11.3.1-01", "a name of a-z, 0-9 and hyphen"))
        } else if key.len() > 250 {
            Some(("STIX-11.3.1-04", "a name of at most 250 characters"))
        } else {
            None
        };
        if let Some((rule, expected)) = problem {
            return self.inside((rule, Level::Error), extension, key, expected);
        }
        if extension.kind() != Kind::Object {
            return self.error("STIX-3.2-16", extension, "the extension's properties");
        }
        if extension.is_empty() {
            return self.error("STIX-11.3.1-06", extension, "at least one property");
        }
        self.extension_members(extension, &CUSTOM_EXTENSION);
        if ctx.type_.is_some_and(|type_| type_.family == Family::Sco) && !ctx.extends.property {
            self.warn_custom(key, extension, "an extension of type property-extension");
            self.prefix(key.strip_suffix("-ext").unwrap_or(key), '-', extension);
        }
    }

    /// The deprecated container of observed-data: objects without id, references by key.
    pub(super) fn container(&mut self, value: Value<'_>) {
        match value.kind() {
            Kind::Object if value.is_empty() => {
                return self.error("STIX-4.14.1-04", value, "at least one object");
            }
            Kind::Object => {}
            _ => return self.mistyped("2.13", value, "an object of objects"),
        }
        for (_, object) in value.members() {
            let Some(type_name) = object.get("type").and_then(Value::as_str) else {
                self.missing("type", object, "6");
                continue;
            };
            let mut inner = Context::new(object, type_name);
            inner.container = Some(value);
            inner.observable = true;
            match inner.type_.filter(|type_| type_.family == Family::Sco) {
                Some(type_) => {
                    self.members(type_, object, &inner);
                    self.orders(type_, object);
                    self.special(type_, &inner);
                    self.old_encryption(object);
                }
                None => {
                    inner.type_ = None;
                    self.type_name(&inner);
                    self.custom_object(&inner);
                }
            }
        }
    }
}

/// The MUST on keys of `extensions`: objects with predefined extensions have one of their own.
fn wrong_extension_key(ctx: &Context<'_>) -> &'static str {
    match ctx.type_name {
        "file" => "STIX-6.7.1-02",
        "network-traffic" => "STIX-6.12.1-02",
        "process" => "STIX-6.13.1-02",
        "user-account" => "STIX-6.16.1-02",
        _ => "STIX-11.3.1-02",
    }
}
