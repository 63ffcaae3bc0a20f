//! Observed data to match against: its times, its number, and the objects it names.
//!
//! Both forms are read: the dictionary `objects` of 2.0, and `object_refs` of 2.1 with the objects
//! beside it. A reference leads only to objects of the same observed-data (section 9.7.4).

use std::collections::HashMap;

use super::moment::Moment;
use crate::tree::{Kind, Value};

/// Why observed data cannot be matched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ObservationError {
    /// It is no JSON object.
    #[error("observation {place} is no object")]
    NotObject {
        /// Its place in what was given, from 0.
        place: usize,
    },
    /// `first_observed` or `last_observed` is missing or no timestamp.
    #[error("observation {place} has no usable `{property}`")]
    Time {
        /// Its place in what was given, from 0.
        place: usize,
        /// The property.
        property: &'static str,
    },
    /// `number_observed` is missing, no integer, or below 1.
    #[error("observation {place} has no `number_observed` of at least 1")]
    Number {
        /// Its place in what was given, from 0.
        place: usize,
    },
    /// Both `objects` and `object_refs` (section 4.14).
    #[error("observation {place} has both `objects` and `object_refs`")]
    BothForms {
        /// Its place in what was given, from 0.
        place: usize,
    },
    /// Neither `objects` nor `object_refs`.
    #[error("observation {place} has no `object_refs`")]
    NoObjects {
        /// Its place in what was given, from 0.
        place: usize,
    },
}

/// Observed data, ready to be matched against any number of patterns.
///
/// Borrows from the tree it was read from; built once in O(n log n).
#[derive(Debug, Default)]
pub struct Observations<'t> {
    pub(super) entries: Vec<Observed<'t>>,
    objects: Vec<Object<'t>>,
}

/// One observed-data: `number` observations at unknown moments from `first` to `last`.
#[derive(Debug)]
pub(super) struct Observed<'t> {
    pub(super) id: Option<&'t str>,
    pub(super) first: Moment,
    pub(super) last: Moment,
    pub(super) number: u64,
    from: usize,
    to: usize,
}

/// An object and the name by which others refer to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Object<'t> {
    pub(super) object_type: &'t str,
    pub(super) value: Value<'t>,
    name: &'t str,
}

/// From how many objects on a reference is found by halving.
const SORTED_FROM: usize = 16;

impl<'t> Observations<'t> {
    /// Reads observed-data, other objects and bundles of both, in any order.
    ///
    /// *Errors*: [`ObservationError`], at the first observed-data that has one.
    pub fn read(values: impl IntoIterator<Item = Value<'t>>) -> Result<Self, ObservationError> {
        let mut pool: HashMap<&'t str, Value<'t>> = HashMap::new();
        let mut observed = Vec::new();
        for (place, value) in values.into_iter().enumerate() {
            if value.kind() != Kind::Object {
                return Err(ObservationError::NotObject { place });
            }
            match value.get("objects") {
                Some(list) if list.kind() == Kind::List => {
                    list.items().for_each(|object| sort_in(object, &mut pool, &mut observed));
                }
                _ => sort_in(value, &mut pool, &mut observed),
            }
        }
        let mut out = Self { entries: Vec::with_capacity(observed.len()), objects: Vec::new() };
        for (place, value) in observed.into_iter().enumerate() {
            out.add(place, value, &pool)?;
        }
        Ok(out)
    }

    /// How many observed-data there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The id of an observed-data, by its place; those of 2.0 may lack one.
    pub fn id(&self, place: usize) -> Option<&'t str> {
        self.entries.get(place).and_then(|entry| entry.id)
    }

    fn add(
        &mut self,
        place: usize,
        value: Value<'t>,
        pool: &HashMap<&'t str, Value<'t>>,
    ) -> Result<(), ObservationError> {
        let from = self.objects.len();
        match (value.get("objects"), value.get("object_refs")) {
            (Some(_), Some(_)) => return Err(ObservationError::BothForms { place }),
            (None, None) if value.get("spec_version").is_some() => {
                return Err(ObservationError::NoObjects { place });
            }
            (None, None) => {}
            (Some(objects), None) => {
                self.objects.extend(objects.members().filter_map(|(name, value)| {
                    let object_type = value.get("type")?.as_str()?;
                    Some(Object { object_type, value, name })
                }));
            }
            (None, Some(refs)) => {
                self.objects.extend(refs.items().filter_map(|name| {
                    let name = name.as_str()?;
                    let value = *pool.get(name)?;
                    let object_type = value.get("type")?.as_str()?;
                    Some(Object { object_type, value, name })
                }));
            }
        }
        let to = self.objects.len();
        if let Some(objects) = self.objects.get_mut(from..).filter(|all| all.len() >= SORTED_FROM) {
            objects.sort_by_key(|object| object.name);
        }
        let time = |property| {
            let text = value.get(property).and_then(Value::as_str);
            text.and_then(Moment::parse).ok_or(ObservationError::Time { place, property })
        };
        let number = value.get("number_observed").and_then(Value::as_i64);
        let number = number.and_then(|number| u64::try_from(number).ok()).filter(|n| *n >= 1);
        self.entries.push(Observed {
            id: value.get("id").and_then(Value::as_str),
            first: time("first_observed")?,
            last: time("last_observed")?,
            number: number.ok_or(ObservationError::Number { place })?,
            from,
            to,
        });
        Ok(())
    }

    pub(super) fn objects(&self, entry: &Observed<'t>) -> &[Object<'t>] {
        self.objects.get(entry.from..entry.to).unwrap_or_default()
    }
}

/// The object that a reference leads to, among those of one observed-data.
pub(super) fn find<'t>(objects: &[Object<'t>], name: &str) -> Option<Value<'t>> {
    if objects.len() < SORTED_FROM {
        return objects.iter().find(|object| object.name == name).map(|object| object.value);
    }
    let at = objects.binary_search_by(|object| object.name.cmp(name)).ok()?;
    objects.get(at).map(|object| object.value)
}

/// An observed-data, or whatever has its own dictionary of objects, is to be matched; the rest is
/// what it may refer to.
fn sort_in<'t>(
    value: Value<'t>,
    pool: &mut HashMap<&'t str, Value<'t>>,
    observed: &mut Vec<Value<'t>>,
) {
    let is_observed = value.get("type").and_then(Value::as_str) == Some("observed-data");
    let is_dictionary = value.get("objects").is_some_and(|objects| objects.kind() == Kind::Object);
    if is_observed || is_dictionary || value.get("number_observed").is_some() {
        observed.push(value);
    } else if let Some(id) = value.get("id").and_then(Value::as_str) {
        pool.insert(id, value);
    }
}
