//! Read-only views: the properties of an object by name and type, over its tree.
//!
//! A view reads and judges nothing: a property that is absent, or of another type than the standard
//! gives it, is none. [`View`] has what most objects have in common and reads any property; the
//! types that programs ask most for have accessors of their own.

use crate::{
    is_timestamp,
    tree::{Kind, Value},
};

/// Any object.
///
/// ```
/// use stix::{tree::Tree, view::{Indicator, View}};
/// let tree = Tree::read(br#"{"type":"indicator","pattern":"[mutex:name = 'lamp']",
///   "pattern_type":"stix","valid_from":"2031-05-04T10:00:00Z","labels":["a"]}"#).unwrap();
/// let view = View::of(tree.root());
/// assert_eq!(view.labels().collect::<Vec<_>>(), ["a"]);
/// let indicator = Indicator::of(tree.root()).unwrap();
/// assert_eq!(indicator.valid_from(), Some("2031-05-04T10:00:00Z"));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct View<'t>(Value<'t>);

impl<'t> View<'t> {
    /// A view of an object.
    pub fn of(object: Value<'t>) -> Self {
        Self(object)
    }

    /// A property as it stands.
    pub fn get(self, name: &str) -> Option<Value<'t>> {
        self.0.get(name)
    }

    /// A text.
    pub fn text(self, name: &str) -> Option<&'t str> {
        self.0.get(name)?.as_str()
    }

    /// A timestamp, as written.
    pub fn time(self, name: &str) -> Option<&'t str> {
        self.text(name).filter(|text| is_timestamp(text))
    }

    /// An integer.
    pub fn integer(self, name: &str) -> Option<i64> {
        self.0.get(name)?.as_i64()
    }

    /// A number.
    pub fn number(self, name: &str) -> Option<f64> {
        self.0.get(name)?.as_f64()
    }

    /// A boolean.
    pub fn flag(self, name: &str) -> Option<bool> {
        self.0.get(name)?.as_bool()
    }

    /// The texts of a list; what is no text is passed over.
    pub fn texts(self, name: &str) -> impl Iterator<Item = &'t str> {
        self.items(name).filter_map(Value::as_str)
    }

    /// The objects of a list; what is no object is passed over.
    pub fn objects(self, name: &str) -> impl Iterator<Item = View<'t>> {
        self.items(name).filter(|item| item.kind() == Kind::Object).map(View)
    }

    fn items(self, name: &str) -> impl Iterator<Item = Value<'t>> {
        self.0.get(name).into_iter().flat_map(Value::items)
    }

    /// `type`.
    pub fn type_(self) -> Option<&'t str> {
        self.text("type")
    }

    /// `id`.
    pub fn id(self) -> Option<&'t str> {
        self.text("id")
    }

    /// `name`.
    pub fn name(self) -> Option<&'t str> {
        self.text("name")
    }

    /// `description`.
    pub fn description(self) -> Option<&'t str> {
        self.text("description")
    }

    /// `created_by_ref`.
    pub fn created_by(self) -> Option<&'t str> {
        self.text("created_by_ref")
    }

    /// `created`.
    pub fn created(self) -> Option<&'t str> {
        self.time("created")
    }

    /// `modified`.
    pub fn modified(self) -> Option<&'t str> {
        self.time("modified")
    }

    /// `revoked`, false when absent.
    pub fn is_revoked(self) -> bool {
        self.flag("revoked") == Some(true)
    }

    /// `confidence`, 0 to 100.
    pub fn confidence(self) -> Option<u8> {
        let value = u8::try_from(self.integer("confidence")?).ok()?;
        (value <= 100).then_some(value)
    }

    /// `lang`.
    pub fn lang(self) -> Option<&'t str> {
        self.text("lang")
    }

    /// `labels`.
    pub fn labels(self) -> impl Iterator<Item = &'t str> {
        self.texts("labels")
    }

    /// `object_refs` of a report, grouping, note, opinion or observed-data.
    pub fn object_refs(self) -> impl Iterator<Item = &'t str> {
        self.texts("object_refs")
    }

    /// `external_references`: source, and id or address.
    pub fn external_references(self) -> impl Iterator<Item = View<'t>> {
        self.objects("external_references")
    }

    /// `kill_chain_phases`: chain and phase.
    pub fn kill_chain_phases(self) -> impl Iterator<Item = (&'t str, &'t str)> {
        let phases = self.objects("kill_chain_phases");
        phases.filter_map(|one| Some((one.text("kill_chain_name")?, one.text("phase_name")?)))
    }
}

fn typed<'t>(object: Value<'t>, type_: &str) -> Option<View<'t>> {
    Some(View(object)).filter(|view| view.type_() == Some(type_))
}

/// An indicator, section 4.7.
#[derive(Debug, Clone, Copy)]
pub struct Indicator<'t>(View<'t>);

impl<'t> Indicator<'t> {
    /// None for an object of another type.
    pub fn of(object: Value<'t>) -> Option<Self> {
        typed(object, "indicator").map(Self)
    }

    /// What it has in common with other objects.
    pub fn view(self) -> View<'t> {
        self.0
    }

    /// `pattern`.
    pub fn pattern(self) -> Option<&'t str> {
        self.0.text("pattern")
    }

    /// `pattern_type`; an indicator of 2.0 has patterns of STIX only.
    pub fn pattern_type(self) -> &'t str {
        self.0.text("pattern_type").unwrap_or("stix")
    }

    /// `pattern_version`.
    pub fn pattern_version(self) -> Option<&'t str> {
        self.0.text("pattern_version")
    }

    /// `valid_from`.
    pub fn valid_from(self) -> Option<&'t str> {
        self.0.time("valid_from")
    }

    /// `valid_until`.
    pub fn valid_until(self) -> Option<&'t str> {
        self.0.time("valid_until")
    }
}

/// A relationship, section 5.1.
#[derive(Debug, Clone, Copy)]
pub struct Relationship<'t>(View<'t>);

impl<'t> Relationship<'t> {
    /// None for an object of another type.
    pub fn of(object: Value<'t>) -> Option<Self> {
        typed(object, "relationship").map(Self)
    }

    /// What it has in common with other objects.
    pub fn view(self) -> View<'t> {
        self.0
    }

    /// `relationship_type`.
    pub fn relationship_type(self) -> Option<&'t str> {
        self.0.text("relationship_type")
    }

    /// `source_ref`.
    pub fn source(self) -> Option<&'t str> {
        self.0.text("source_ref")
    }

    /// `target_ref`.
    pub fn target(self) -> Option<&'t str> {
        self.0.text("target_ref")
    }
}

/// A sighting, section 5.2.
#[derive(Debug, Clone, Copy)]
pub struct Sighting<'t>(View<'t>);

impl<'t> Sighting<'t> {
    /// None for an object of another type.
    pub fn of(object: Value<'t>) -> Option<Self> {
        typed(object, "sighting").map(Self)
    }

    /// What it has in common with other objects.
    pub fn view(self) -> View<'t> {
        self.0
    }

    /// `sighting_of_ref`.
    pub fn sighting_of(self) -> Option<&'t str> {
        self.0.text("sighting_of_ref")
    }

    /// `count`.
    pub fn count(self) -> Option<i64> {
        self.0.integer("count")
    }

    /// `first_seen` and `last_seen`.
    pub fn seen(self) -> (Option<&'t str>, Option<&'t str>) {
        (self.0.time("first_seen"), self.0.time("last_seen"))
    }

    /// `where_sighted_refs`.
    pub fn where_sighted(self) -> impl Iterator<Item = &'t str> {
        self.0.texts("where_sighted_refs")
    }

    /// `observed_data_refs`.
    pub fn observed_data(self) -> impl Iterator<Item = &'t str> {
        self.0.texts("observed_data_refs")
    }
}

/// Observed data, section 4.14.
#[derive(Debug, Clone, Copy)]
pub struct ObservedData<'t>(View<'t>);

impl<'t> ObservedData<'t> {
    /// None for an object of another type.
    pub fn of(object: Value<'t>) -> Option<Self> {
        typed(object, "observed-data").map(Self)
    }

    /// What it has in common with other objects.
    pub fn view(self) -> View<'t> {
        self.0
    }

    /// `first_observed` and `last_observed`.
    pub fn observed(self) -> (Option<&'t str>, Option<&'t str>) {
        (self.0.time("first_observed"), self.0.time("last_observed"))
    }

    /// `number_observed`.
    pub fn number_observed(self) -> Option<i64> {
        self.0.integer("number_observed")
    }

    /// The deprecated `objects`, by key.
    pub fn objects(self) -> impl Iterator<Item = (&'t str, View<'t>)> {
        let objects = self.0.get("objects").into_iter().flat_map(Value::members);
        objects.map(|(key, object)| (key, View(object)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    #[test]
    fn property_of_another_type_is_none() {
        let tree = Tree::read(
            br#"{"type":"tool","confidence":101,"created":"yesterday","labels":["a",5],"name":7,
            "kill_chain_phases":[{"kill_chain_name":"k","phase_name":"p"},{"phase_name":"q"},1]}"#,
        )
        .unwrap();
        let view = View::of(tree.root());
        assert_eq!((view.confidence(), view.created(), view.name()), (None, None, None));
        assert_eq!(view.labels().collect::<Vec<_>>(), ["a"]);
        assert_eq!(view.kill_chain_phases().collect::<Vec<_>>(), [("k", "p")]);
        assert!(Indicator::of(tree.root()).is_none() && !view.is_revoked());
    }

    #[test]
    fn typed_views_read_their_own_properties() {
        let tree = Tree::read(
            br#"{"type":"sighting","sighting_of_ref":"a","count":5.0,"where_sighted_refs":["b"],
            "first_seen":"2031-05-04T10:00:00Z"}"#,
        )
        .unwrap();
        let sighting = Sighting::of(tree.root()).unwrap();
        assert_eq!((sighting.sighting_of(), sighting.count()), (Some("a"), Some(5)));
        assert_eq!(sighting.seen(), (Some("2031-05-04T10:00:00Z"), None));
        assert_eq!(sighting.where_sighted().collect::<Vec<_>>(), ["b"]);
        let tree = Tree::read(
            br#"{"type":"observed-data","number_observed":2,"objects":{"0":{"type":"mutex"}}}"#,
        )
        .unwrap();
        let observed = ObservedData::of(tree.root()).unwrap();
        let types: Vec<_> = observed.objects().map(|(key, view)| (key, view.type_())).collect();
        assert_eq!(types, [("0", Some("mutex"))]);
    }
}
