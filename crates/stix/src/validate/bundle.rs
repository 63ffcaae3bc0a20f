//! What holds between the objects of one bundle.
//!
//! One row an object is kept: hashes of its id, version and UUID. Whatever asks for more (missing
//! ends of relationships, translations) reads the heads of the bundle once, when it is asked.

use std::{
    collections::{HashMap, HashSet, hash_map::Entry},
    rc::Rc,
};

use super::{
    Options,
    judge::Judge,
    object::Context,
    seen::{Key, Repeated, Table},
};
use crate::{
    Head, Level, Spec,
    id::parts,
    tree::{Arena, Value},
};

/// What is known across the members of a bundle.
pub(super) struct Members<'a> {
    members: Rc<[&'a [u8]]>,
    /// `spec_version` of the bundle.
    version: Option<String>,
    /// Whether the outer object is a bundle, not an envelope.
    is_bundle: bool,
    key: Key,
    /// Types, producers and times: objects that stand together mostly share them.
    types: Repeated,
    producers: Repeated,
    times: Repeated,
    /// Hash of an id to the hash of the `modified` it first had.
    versions: Table,
    /// Hash of producer and UUID to the hash of the type it first had.
    uuids: Table,
    heads: Option<Heads<'a>>,
}

/// The ids of a bundle, read when something asks for them.
#[derive(Default)]
struct Heads<'a> {
    places: HashMap<String, Vec<&'a [u8]>>,
    /// Identities that name a creator: producers, in the words of Interoperability.
    producers: HashSet<String>,
}

fn text<'t>(value: Value<'t>, name: &str) -> Option<&'t str> {
    value.get(name).and_then(Value::as_str)
}

impl<'a> Members<'a> {
    pub(super) fn new(options: &Options<'_>, members: Rc<[&'a [u8]]>) -> Self {
        let count = members.len();
        let mut table = Self {
            members,
            version: None,
            is_bundle: false,
            key: Key::default(),
            types: Repeated::default(),
            producers: Repeated::default(),
            times: Repeated::default(),
            versions: Table::with_capacity_and_hasher(count, <_>::default()),
            uuids: Table::with_capacity_and_hasher(count, <_>::default()),
            heads: None,
        };
        if options.enforce_refs || options.interop {
            table.heads();
        }
        table
    }

    fn heads(&mut self) -> &Heads<'a> {
        let members = &self.members;
        self.heads.get_or_insert_with(|| {
            let mut heads = Heads::default();
            for bytes in members.iter() {
                let Ok(head) = Head::parse(bytes) else { continue };
                if head.type_ == "identity" && head.created_by_ref.is_some() {
                    heads.producers.insert(head.id.to_string());
                }
                heads.places.entry(head.id.into_owned()).or_default().push(bytes);
            }
            heads
        })
    }

    /// Takes down what the bundle itself says.
    pub(super) fn frame(&mut self, root: Value<'_>) {
        self.version = text(root, "spec_version").map(str::to_owned);
        self.is_bundle = text(root, "type") == Some("bundle");
    }

    /// The edition that an object of this bundle is checked by.
    pub(super) fn spec_of(&self, option: Option<Spec>, root: Value<'_>) -> Spec {
        let told = text(root, "spec_version");
        if self.version.as_deref() == Some("2.0") {
            return Spec::V20;
        }
        if self.is_bundle && told.is_none() && root.get("created").is_some() {
            return Spec::V20;
        }
        option.unwrap_or(if told == Some("2.0") { Spec::V20 } else { Spec::V21 })
    }

    /// One warning for a `spec_version` that differs from the option, or from the bundle's.
    pub(super) fn version(&self, judge: &mut Judge<'_>, root: Value<'_>) {
        let option = judge.options.version.map(Spec::as_str);
        let Some(version) = option.or(self.version.as_deref()) else { return };
        if let Some(told) = root.get("spec_version")
            && told.as_str().is_some_and(|told| told != version)
        {
            let expected = format!("{version}; it is treated as {version}");
            judge.remark("spec-version", Level::Warning, told, expected);
        }
    }

    /// What one member asks of the others.
    pub(super) fn judge(&mut self, judge: &mut Judge<'_>, ctx: &Context<'_>) {
        self.version(judge, ctx.root);
        self.doubles(judge, ctx);
        match ctx.type_name {
            "relationship" => self.ends(judge, ctx.root),
            "language-content" => self.translations(judge, ctx.root),
            _ => {}
        }
        if judge.options.interop {
            self.creator(judge, ctx);
        }
    }

    fn doubles(&mut self, judge: &mut Judge<'_>, ctx: &Context<'_>) {
        let Some(value) = ctx.root.get("id") else { return };
        let Some(id) = value.as_str() else { return };
        // Hashes of parts make the hash of the whole: with a secret key, none is known from others.
        let parts = parts(id).map(|(type_, uuid)| (type_, self.key.hash(uuid)));
        if let Some(modified) = text(ctx.root, "modified") {
            let modified = self.times.hash(&self.key, modified);
            let id = match parts {
                Some((type_, uuid)) => self.types.hash(&self.key, type_).rotate_left(1) ^ uuid,
                None => self.key.hash(id),
            };
            match self.versions.entry(id) {
                Entry::Vacant(entry) => {
                    entry.insert(modified);
                }
                Entry::Occupied(entry) if *entry.get() == modified => {
                    judge.warn(203, value, "another id or `modified`: both stood before");
                }
                Entry::Occupied(_) => {}
            }
        }
        let (Some(producer), Some((_, uuid))) = (text(ctx.root, "created_by_ref"), parts) else {
            return;
        };
        let type_ = self.types.hash(&self.key, ctx.type_name);
        let producer = self.producers.hash(&self.key, producer).rotate_left(1);
        if *self.uuids.entry(producer ^ uuid).or_insert(type_) != type_ {
            judge.error("STIX-2.9-04", value, "a UUID that no object of another type has");
        }
    }

    fn ends(&mut self, judge: &mut Judge<'_>, root: Value<'_>) {
        if judge.options.enforce_refs {
            for name in ["source_ref", "target_ref"] {
                let Some(value) = root.get(name) else { continue };
                let Some(id) = value.as_str() else { continue };
                let there =
                    !id.starts_with("relationship--") && self.heads().places.contains_key(id);
                if !there {
                    let expected = "an object of this bundle";
                    judge.remark("enforce-refs", Level::Warning, value, expected);
                }
            }
        }
        if text(root, "relationship_type") == Some("variant-of") {
            self.variant(judge, root);
        }
    }

    /// A family is no variant of an instance.
    fn variant(&mut self, judge: &mut Judge<'_>, root: Value<'_>) {
        let mut is_family = |name| {
            let bytes = self.heads().places.get(text(root, name)?)?.last()?;
            let mut arena = Arena::default();
            let tree = arena.read(std::str::from_utf8(bytes).ok()?).ok()?;
            tree.root().get("is_family").and_then(Value::as_bool)
        };
        if is_family("source_ref") == Some(true)
            && is_family("target_ref") == Some(false)
            && let Some(target) = root.get("target_ref")
        {
            judge.error("STIX-4.11.2-01", target, "a family: the source is one");
        }
    }

    fn translations(&mut self, judge: &mut Judge<'_>, root: Value<'_>) {
        let Some(versions) = text(root, "object_ref").and_then(|id| self.heads().places.get(id))
        else {
            return;
        };
        let wanted = text(root, "object_modified");
        let mut latest = None;
        for bytes in versions {
            let mut arena = Arena::default();
            let Ok(text_) = std::str::from_utf8(bytes) else { continue };
            let Ok(tree) = arena.read(text_) else { continue };
            let is_wanted = wanted.is_some() && text(tree.root(), "modified") == wanted;
            latest = Some(tree);
            if is_wanted {
                break;
            }
        }
        if let Some(tree) = latest {
            judge.translations(root, tree.root());
        }
    }

    /// Interoperability: every object names a creator that the bundle has.
    fn creator(&mut self, judge: &mut Judge<'_>, ctx: &Context<'_>) {
        if ctx.type_name == "identity" || !self.is_bundle {
            return;
        }
        let by = ctx.root.get("created_by_ref");
        let there =
            by.and_then(Value::as_str).is_some_and(|id| self.heads().producers.contains(id));
        if !there {
            let expected = "`created_by_ref` of an identity of this bundle that has one itself";
            judge.remark("interop", Level::Error, by.unwrap_or(ctx.root), expected);
        }
    }
}
