//! One object against its type's table: which properties stand, are missing, are custom.

use std::cell::Cell;

use super::judge::Judge;
use crate::{
    Level, Spec, Tlp,
    id::is_uuid,
    model::{
        self, Delta, Family, Least, OLD_RESERVED, Property, RESERVED_PROPERTIES, Type, type_of,
    },
    time::compare_if_timestamps,
    tree::{Kind, Value},
};

/// What the checks of one object know of it.
pub(super) struct Context<'t> {
    /// The object.
    pub(super) root: Value<'t>,
    /// Its type's name.
    pub(super) type_name: &'t str,
    /// Its type, none for a custom one.
    pub(super) type_: Option<&'static Type>,
    /// Whether it is, or by its properties seems to be, a cyber-observable object.
    pub(super) observable: bool,
    /// The container of deprecated observed-data it stands in: its references are keys there.
    pub(super) container: Option<Value<'t>>,
    /// Which kinds of extension it has.
    pub(super) extends: Extends,
    /// How many custom properties it has.
    pub(super) custom: Cell<usize>,
    /// Whether one that its table does not have may be an encoding.
    pub(super) encodes: Cell<bool>,
}

/// The kinds of extension an object uses.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extends {
    /// `toplevel-property-extension`.
    pub(super) toplevel: bool,
    /// `new-sdo`, `new-sco` or `new-sro`.
    pub(super) new_type: bool,
    /// `new-sco`.
    pub(super) new_sco: bool,
    /// `property-extension`.
    pub(super) property: bool,
}

impl Extends {
    fn of(root: Value<'_>) -> Self {
        let mut found = Self::default();
        let Some(extensions) = root.get("extensions") else { return found };
        for (_, extension) in extensions.members() {
            match extension.get("extension_type").and_then(Value::as_str) {
                Some("toplevel-property-extension") => found.toplevel = true,
                Some("property-extension") => found.property = true,
                Some("new-sco") => (found.new_type, found.new_sco) = (true, true),
                Some("new-sdo" | "new-sro") => found.new_type = true,
                _ => {}
            }
        }
        found
    }
}

impl<'t> Context<'t> {
    pub(super) fn new(root: Value<'t>, type_name: &'t str) -> Self {
        let type_ = type_of(type_name);
        let extends = Extends::of(root);
        let observable = match type_ {
            Some(type_) => type_.family == Family::Sco,
            None => {
                extends.new_sco || (root.get("created").is_none() && root.get("modified").is_none())
            }
        };
        let (container, custom, encodes) = (None, Cell::new(0), Cell::new(false));
        Self { root, type_name, type_, observable, container, extends, custom, encodes }
    }
}

impl Judge<'_> {
    /// Checks one object with all it holds.
    pub(super) fn object(&mut self, ctx: &Context<'_>) {
        self.name_of(ctx.root);
        if self.spec == Spec::V20 {
            return self.old_object(ctx);
        }
        self.type_name(ctx);
        match ctx.type_ {
            Some(type_) => {
                self.members(type_, ctx.root, ctx);
                self.orders(type_, ctx.root);
                self.special(type_, ctx);
            }
            None => self.custom_object(ctx),
        }
        self.identity(ctx);
        self.markings(ctx);
        if self.options.interop {
            self.interop(ctx);
        }
        self.user_schemas(ctx);
    }

    /// The members of an object, extension or embedded type against its table.
    pub(super) fn members(&mut self, type_: &'static Type, value: Value<'_>, ctx: &Context<'_>) {
        let own = type_.properties.len();
        let delta = self.delta(type_, ctx);
        let mut seen = 0u64;
        let mut is_old = ctx.container.is_some() && type_.name == "windows-pebinary-ext";
        for (key, member) in value.members() {
            if let Some(delta) = delta {
                if let Some(property) = delta.only_20(key) {
                    is_old = true;
                    self.old_property(property, member, ctx);
                    continue;
                }
                if self.spec == Spec::V20 && delta.is_only_21(key) {
                    self.unknown(type_, key, member, ctx);
                    continue;
                }
            }
            match type_.place(key) {
                Some(place) if place >= own && ctx.container.is_some() && key == "id" => {}
                Some(place) => {
                    seen |= 1 << place;
                    self.known(type_.at(place), member, ctx);
                }
                None => self.unknown(type_, key, member, ctx),
            }
        }
        let missing = type_.required() & !seen;
        if missing != 0 {
            let is_contained = ctx.container.is_some() && type_.family == Family::Sco;
            if !is_contained {
                self.missing_of(type_, missing >> own << own, value, "3.2");
            }
            self.missing_of(type_, missing & !(u64::MAX << own), value, type_.clause);
        }
        for name in delta.filter(|_| self.spec == Spec::V20).map_or(&[] as &[&str], Delta::required)
        {
            if value.get(name).is_none() {
                self.missing(name, value, "STIX 2.0");
            }
        }
        if let Some(least) = type_.least.as_ref().filter(|_| !is_old) {
            self.least(type_, least, seen, value);
        }
    }

    /// How 2.0 has a type: in objects of 2.0, and in the container of observed-data, where both
    /// editions stand.
    fn delta(&self, type_: &'static Type, ctx: &Context<'_>) -> Option<&'static Delta> {
        let may_be_old = self.spec == Spec::V20 || ctx.container.is_some();
        if may_be_old { Delta::of(type_) } else { None }
    }

    fn known(&mut self, property: Option<&'static Property>, member: Value<'_>, ctx: &Context<'_>) {
        let Some(property) = property else { return };
        if member.kind() == Kind::Null {
            return self.mistyped("2", member, "a value, or no property");
        }
        self.property(property, member, ctx);
    }

    /// The required properties at these places are missing.
    fn missing_of(
        &mut self,
        type_: &'static Type,
        mut places: u64,
        value: Value<'_>,
        clause: &'static str,
    ) {
        while places != 0 {
            if let Some(property) = type_.at(places.trailing_zeros() as usize) {
                self.missing(property.name, value, clause);
            }
            places &= places - 1;
        }
    }

    fn least(&mut self, type_: &'static Type, least: &Least, seen: u64, value: Value<'_>) {
        let counts = |property: &Property| match least.of {
            [] => !property.required,
            names => names.contains(&property.name),
        };
        let mut places = type_.properties.iter().enumerate();
        let some = places.any(|(place, property)| counts(property) && seen & 1 << place != 0);
        let extended =
            least.of.is_empty() && type_.family == Family::Sco && value.get("extensions").is_some();
        if !some && !extended {
            let expected = match least.of {
                [] => "at least one property of this type".to_owned(),
                names => format!("at least one of {}", names.join(", ")),
            };
            self.error(least.rule, value, expected);
        }
    }

    pub(super) fn orders(&mut self, type_: &'static Type, value: Value<'_>) {
        for order in type_.orders {
            self.order(value, order.earlier, order.later, order.strict, order.rule);
        }
        if type_.is_versioned() {
            self.order(value, "created", "modified", false, "STIX-3.2-06");
        }
    }

    pub(super) fn order(
        &mut self,
        value: Value<'_>,
        earlier: &'static str,
        later: &'static str,
        strict: bool,
        rule: &'static str,
    ) {
        let (Some(a), Some(b)) = (value.get(earlier), value.get(later)) else { return };
        let (Some(first), Some(second)) = (a.as_str(), b.as_str()) else { return };
        let Some(order) = compare_if_timestamps(first, second) else { return };
        if order.is_gt() || (strict && order.is_eq()) {
            self.disorder(rule, b, later, earlier);
        }
    }

    /// A property that the type's table does not have.
    fn unknown(&mut self, type_: &'static Type, key: &str, member: Value<'_>, ctx: &Context<'_>) {
        if key.ends_with("_enc") {
            ctx.encodes.set(true);
        }
        if let Some(scheme) = self.scheme {
            return self.error(scheme.rule, member, "no such property: the scheme has none");
        }
        let top = !matches!(type_.family, Family::Extension | Family::Embedded);
        if key == "defanged" && top {
            return self.error("STIX-3.2-15", member, "no such property: only for SCOs");
        }
        if self.spec == Spec::V20 && top && OLD_RESERVED.contains(&key) {
            return self.error("STIX20-1-3.6-01", member, "no such property: the name is reserved");
        }
        if RESERVED_PROPERTIES.contains(&key) || key == "phone_numbers" {
            return self.error("STIX-3.8-01", member, "no such property: the name is reserved");
        }
        if type_.name == "bundle" && key == "spec_version" {
            return;
        }
        self.encoding(type_, key, member);
        self.custom_property(key, member, ctx, top);
    }

    /// `id` against `type`, and the version of its UUID.
    pub(super) fn identity(&mut self, ctx: &Context<'_>) {
        let Some(value) = ctx.root.get("id").filter(|_| ctx.container.is_none()) else { return };
        let Some(id) = self.text(value) else { return };
        let Some(prefix) = self.id_form(id, value) else { return };
        if prefix != ctx.type_name {
            return self.error("STIX-2.9-01", value, format!("an id of `{}`", ctx.type_name));
        }
        if self.spec == Spec::V20 {
            return;
        }
        let Some(uuid) = id.get(prefix.len() + 2..).filter(|uuid| is_uuid(uuid)) else { return };
        self.uuid_version(uuid.as_bytes().get(14).copied(), value, ctx);
    }

    fn uuid_version(&mut self, version: Option<u8>, value: Value<'_>, ctx: &Context<'_>) {
        let contributing = ctx.type_.map_or(&[] as &[&str], |type_| type_.contributing);
        let is_known_sco = ctx.type_.is_some_and(|type_| type_.family == Family::Sco);
        if is_known_sco {
            let bare = !contributing.iter().any(|name| ctx.root.get(name).is_some());
            // What is missing is told already; with it, the id may be right.
            let is_required = |name: &&str| {
                let property = ctx.type_.and_then(|type_| type_.property(name));
                property.is_some_and(|property| property.required)
            };
            if bare && contributing.iter().any(is_required) {
                return;
            }
            if bare && version != Some(b'4') {
                self.error("STIX-2.9-06", value, "a UUID of version 4: nothing contributes to it");
            } else if !bare && version != Some(b'5') {
                self.warn(103, value, "a UUID of version 5");
            } else if version == Some(b'5') {
                self.deterministic(ctx, value);
            }
        } else if !(ctx.observable && version == Some(b'5')) && version != Some(b'4') {
            self.warn(103, value, "a UUID of version 4");
        }
    }

    /// The id that section 2.9 would make. Another one may be of another namespace, which nobody
    /// can see: a note.
    fn deterministic(&mut self, ctx: &Context<'_>, id: Value<'_>) {
        let Ok(Some(made)) = crate::deterministic_id(ctx.root, None) else { return };
        let has = |name| ctx.root.get(name).is_some();
        if id.as_str() != Some(&made) {
            if !self.options.checks.has(103, self.spec) {
                return;
            }
            let expected = format!("{made}, if made by section 2.9");
            self.remark("103", Level::Note, id, expected);
        } else if has("created") && has("modified") {
            let expected = "an id outside the namespace of deterministic ids: it has versions";
            self.error("STIX-3.6-11", id, expected);
        }
    }

    fn user_schemas(&mut self, ctx: &Context<'_>) {
        let Some(schemas) = self.options.schemas else { return };
        let extensions = ctx.root.get("extensions");
        let keys = extensions.into_iter().flat_map(Value::members).map(|(key, _)| key);
        for name in std::iter::once(ctx.type_name).chain(keys) {
            for violation in schemas.violations(name, ctx.root) {
                let at = at_pointer(ctx.root, &violation.pointer);
                self.error("SCHEMA", at, violation.problem);
            }
        }
    }

    /// STIX 2.1 Interoperability: what personas must always send.
    fn interop(&mut self, ctx: &Context<'_>) {
        let refs = ctx.root.get("object_marking_refs").into_iter().flat_map(Value::items);
        let tlp = |id: &Value<'_>| id.as_str().and_then(Tlp::of_marking_id).is_some();
        if let Some(second) = refs.filter(tlp).nth(1) {
            self.remark("interop", Level::Error, second, "at most one TLP marking");
        }
        for name in INTEROP.iter().filter(|row| row.0 == ctx.type_name).flat_map(|row| row.1) {
            if ctx.root.get(name).is_none() {
                let expected = format!("the property `{name}`");
                self.remark("interop", Level::Error, ctx.root, expected);
            }
        }
    }
}

/// The value at a JSON pointer, or the last one on the way.
fn at_pointer<'t>(root: Value<'t>, pointer: &str) -> Value<'t> {
    let mut value = root;
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        let next = match value.kind() {
            Kind::List => step.parse().ok().and_then(|place: usize| value.items().nth(place)),
            _ => value.get(&step),
        };
        match next {
            Some(inner) => value = inner,
            None => break,
        }
    }
    value
}

/// What the Interoperability specification requires beyond the standard, by type.
///
/// *Source*: STIX 2.1 Interoperability Test Document CSD01, sections 2 and 3.
static INTEROP: &[(&str, &[&str])] = &[
    ("attack-pattern", &["external_references", "kill_chain_phases", "created_by_ref"]),
    ("campaign", &["created_by_ref"]),
    ("course-of-action", &["created_by_ref"]),
    ("grouping", &["created_by_ref"]),
    ("indicator", &["name", "indicator_types", "created_by_ref"]),
    ("infrastructure", &["infrastructure_types", "created_by_ref"]),
    ("intrusion-set", &["resource_level", "primary_motivation", "created_by_ref"]),
    ("location", &["region", "created_by_ref"]),
    (
        "malware",
        &[
            "name",
            "malware_types",
            "first_seen",
            "last_seen",
            "architecture_execution_envs",
            "implementation_languages",
            "capabilities",
            "created_by_ref",
        ],
    ),
    (
        "malware-analysis",
        &["version", "submitted", "analysis_started", "analysis_ended", "result", "created_by_ref"],
    ),
    ("note", &["created_by_ref"]),
    ("observed-data", &["object_refs", "created_by_ref"]),
    ("opinion", &["created_by_ref"]),
    ("relationship", &["created_by_ref"]),
    ("report", &["report_types", "created_by_ref"]),
    ("sighting", &["first_seen", "last_seen", "count", "created_by_ref"]),
    (
        "threat-actor",
        &[
            "threat_actor_types",
            "roles",
            "sophistication",
            "resource_level",
            "primary_motivation",
            "created_by_ref",
        ],
    ),
    ("tool", &["tool_types", "created_by_ref"]),
    ("vulnerability", &["external_references", "created_by_ref"]),
];

/// The properties of a custom object.
pub(super) fn custom_table(observable: bool) -> &'static [Property] {
    model::custom_common(observable)
}
