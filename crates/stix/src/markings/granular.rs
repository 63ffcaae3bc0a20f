//! Granular markings taken apart: one marking on one selector each.

use std::collections::{BTreeMap, BTreeSet};

use super::{Error, Reach};
use crate::{
    edit::strings_json,
    jcs,
    tree::{Kind, Value},
    types,
};

/// One marking on one selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Granular<'t> {
    pub(super) selector: &'t str,
    /// Id of a marking definition, or a language.
    pub(super) marking: &'t str,
    is_lang: bool,
}

impl Granular<'_> {
    /// Whether markings of its kind count.
    pub(super) fn counts(&self, reach: Reach) -> bool {
        if self.is_lang { reach.lang } else { reach.marking_ref }
    }
}

/// The `granular_markings` of an object, taken apart.
pub(super) fn read(object: Value<'_>) -> Result<Vec<Granular<'_>>, Error> {
    let malformed = || Error::Malformed("granular_markings");
    let all = object.get("granular_markings").filter(|all| all.kind() != Kind::Null);
    let Some(all) = all else { return Ok(Vec::new()) };
    if all.kind() != Kind::List {
        return Err(malformed());
    }
    let mut found = Vec::new();
    for entry in all.items() {
        let selectors = entry.get("selectors").filter(|list| list.kind() == Kind::List);
        let selectors = selectors.ok_or_else(malformed)?;
        for (key, is_lang) in [("marking_ref", false), ("lang", true)] {
            let Some(marking) = entry.get(key).filter(|value| value.kind() != Kind::Null) else {
                continue;
            };
            let marking = marking.as_str().ok_or_else(malformed)?;
            for selector in selectors.items() {
                let selector = selector.as_str().ok_or_else(malformed)?;
                found.push(Granular { selector, marking, is_lang });
            }
        }
    }
    Ok(found)
}

/// Each marking on each selector. What is no id of a marking definition is a language.
pub(super) fn of<'t>(
    markings: &'t [&'t str],
    selectors: &'t [&'t str],
) -> impl Iterator<Item = Granular<'t>> {
    markings.iter().flat_map(|marking| {
        let is_lang = types::type_of_id(marking) != "marking-definition";
        selectors.iter().map(move |selector| Granular { selector, marking, is_lang })
    })
}

/// The `granular_markings` as JSON, one entry a marking; `null` when there are none.
pub(super) fn print(all: &[Granular<'_>]) -> String {
    let mut by_marking: BTreeMap<(bool, &str), BTreeSet<&str>> = BTreeMap::new();
    for one in all {
        by_marking.entry((one.is_lang, one.marking)).or_default().insert(one.selector);
    }
    if by_marking.is_empty() {
        return "null".to_owned();
    }
    let mut out = "[".to_owned();
    for ((is_lang, marking), selectors) in by_marking {
        if out.len() > 1 {
            out.push(',');
        }
        out.push_str(if is_lang { "{\"lang\":" } else { "{\"marking_ref\":" });
        jcs::write_string(marking, &mut out);
        out.push_str(",\"selectors\":");
        out.push_str(&strings_json(selectors));
        out.push('}');
    }
    out.push(']');
    out
}
