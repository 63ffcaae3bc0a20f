//! Markings of an object: read, asked for, added, removed, set, cleared.
//!
//! On the whole object they are its `object_marking_refs`; on parts of it, named by selectors,
//! its `granular_markings`, each a marking definition or a language. A change gives a new version.
//! What a marking means is the room of [`definition`].
//!.
//!
//! *Source*: STIX 2.1 section 7.2.

pub mod definition;
mod granular;
pub(crate) mod scheme;
pub mod selector;

use std::collections::BTreeSet;

pub use definition::of;
use granular::Granular;

use crate::{
    edit::strings_json,
    tree::{Kind, Value},
    versioning,
};

/// Why a marking could not be read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A selector that selects nothing.
    #[error("the selector `{0}` selects nothing of the object (7.2.3.1)")]
    Selector(String),
    /// No selector at all where some are needed.
    #[error("a list of selectors may not be empty (7.2.3)")]
    NoSelector,
    /// The markings that were named do not stand there.
    #[error("the object does not have these markings")]
    NotFound,
    /// `object_marking_refs` or `granular_markings` cannot be read.
    #[error("`{0}` is not as section 7.2 describes it")]
    Malformed(&'static str),
    /// No new version can be made.
    #[error(transparent)]
    Version(#[from] versioning::Error),
}

/// How far a question about parts of an object reaches.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// Markings of what the part lies in count too, and those of the whole object.
    pub inherited: bool,
    /// Markings of what lies in the part count too.
    pub descendants: bool,
    /// Marking definitions count.
    pub marking_ref: bool,
    /// Languages count.
    pub lang: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self { inherited: false, descendants: false, marking_ref: true, lang: true }
    }
}

impl Reach {
    fn covers(self, marked: &str, asked: &str) -> bool {
        asked == marked
            || (self.inherited && selector::lies_in(asked, marked))
            || (self.descendants && selector::lies_in(marked, asked))
    }
}

/// The markings of the whole object, or of its selected parts: each once, without order.
///
/// ```
/// let tree = stix::tree::Tree::read(br#"{"type":"x-lamp","hue":"red",
///   "granular_markings":[{"selectors":["hue"],"lang":"en"}]}"#).unwrap();
/// let found = stix::markings::get(tree.root(), Some(&["hue"]), Default::default()).unwrap();
/// assert!(found.contains("en"));
/// ```
pub fn get<'t>(
    object: Value<'t>,
    selectors: Option<&[&str]>,
    reach: Reach,
) -> Result<BTreeSet<&'t str>, Error> {
    let Some(selectors) = selectors else { return object_markings(object) };
    let mut found = granular_markings(object, selectors, reach)?;
    if reach.inherited {
        found.extend(object_markings(object)?);
    }
    Ok(found)
}

/// Whether the whole object, or its selected parts, have any marking, or those that are named: on
/// the whole object any of them, on parts all of them.
///
/// With `inherited` an object that has markings of its own counts as marked whatever is asked for,
/// and so do parts with markings of their own: as python-stix2 answers.
pub fn is_marked(
    object: Value<'_>,
    named: &[&str],
    selectors: Option<&[&str]>,
    reach: Reach,
) -> Result<bool, Error> {
    let on_object = object_markings(object)?;
    let Some(selectors) = selectors else {
        let any = named.iter().any(|marking| on_object.contains(marking));
        return Ok(if named.is_empty() { !on_object.is_empty() } else { any });
    };
    let reach = Reach { marking_ref: true, lang: true, ..reach };
    let found = granular_markings(object, selectors, reach)?;
    let mut marked = match named {
        [] => !found.is_empty(),
        named => named.iter().all(|marking| found.contains(marking)),
    };
    if reach.inherited {
        let own = granular_markings(object, selectors, Reach::default())?;
        marked = marked || !own.is_empty() || !on_object.is_empty();
    }
    Ok(marked)
}

/// Adds markings to the whole object or to its selected parts.
pub fn add(
    object: Value<'_>,
    markings: &[&str],
    selectors: Option<&[&str]>,
    now: &str,
) -> Result<String, Error> {
    let Some(selectors) = selectors else {
        let mut all = object_markings(object)?;
        all.extend(markings);
        return with_object_markings(object, all, now);
    };
    selector::check(object, selectors)?;
    let mut all = granular::read(object)?;
    all.extend(granular::of(markings, selectors));
    with_granular(object, &all, now)
}

/// Removes markings from the whole object or from its selected parts; an object without any stays
/// as it is.
pub fn remove(
    object: Value<'_>,
    markings: &[&str],
    selectors: Option<&[&str]>,
    now: &str,
) -> Result<String, Error> {
    let Some(selectors) = selectors else {
        let mut all = object_markings(object)?;
        if all.is_empty() {
            return Ok(object.source().to_owned());
        }
        if !markings.iter().all(|marking| all.remove(marking)) {
            return Err(Error::NotFound);
        }
        return with_object_markings(object, all, now);
    };
    selector::check(object, selectors)?;
    let mut all = granular::read(object)?;
    if all.is_empty() {
        return Ok(object.source().to_owned());
    }
    let named: Vec<_> = granular::of(markings, selectors).collect();
    if !all.iter().any(|marking| named.contains(marking)) {
        return Err(Error::NotFound);
    }
    all.retain(|marking| !named.contains(marking));
    with_granular(object, &all, now)
}

/// Replaces the markings of the whole object or of its selected parts; `reach` says whether
/// languages, and marking definitions, are replaced.
pub fn set(
    object: Value<'_>,
    markings: &[&str],
    selectors: Option<&[&str]>,
    reach: Reach,
    now: &str,
) -> Result<String, Error> {
    let Some(selectors) = selectors else {
        return with_object_markings(object, markings.iter().copied().collect(), now);
    };
    let mut all = cleared(object, selectors, reach)?;
    all.extend(granular::of(markings, selectors));
    with_granular(object, &all, now)
}

/// Removes every marking of the whole object or of its selected parts; an object without any stays
/// as it is.
pub fn clear(
    object: Value<'_>,
    selectors: Option<&[&str]>,
    reach: Reach,
    now: &str,
) -> Result<String, Error> {
    let Some(selectors) = selectors else {
        if object.get("object_marking_refs").is_none() {
            // Nothing to clear; yet what could have no new version is refused all the same.
            versioning::new_version(object, &[], now)?;
            return Ok(object.source().to_owned());
        }
        return with_object_markings(object, BTreeSet::new(), now);
    };
    let all = cleared(object, selectors, reach)?;
    if granular::read(object)?.is_empty() {
        return Ok(object.source().to_owned());
    }
    with_granular(object, &all, now)
}

/// The granular markings without those of the selected parts.
fn cleared<'t>(
    object: Value<'t>,
    selectors: &[&str],
    reach: Reach,
) -> Result<Vec<Granular<'t>>, Error> {
    selector::check(object, selectors)?;
    let mut all = granular::read(object)?;
    if !all.is_empty() && !all.iter().any(|marking| selectors.contains(&marking.selector)) {
        return Err(Error::NotFound);
    }
    all.retain(|marking| !(selectors.contains(&marking.selector) && marking.counts(reach)));
    Ok(all)
}

fn with_object_markings(
    object: Value<'_>,
    markings: BTreeSet<&str>,
    now: &str,
) -> Result<String, Error> {
    let json = if markings.is_empty() { "null".to_owned() } else { strings_json(markings) };
    Ok(versioning::new_version(object, &[("object_marking_refs", &json)], now)?)
}

fn with_granular(object: Value<'_>, all: &[Granular<'_>], now: &str) -> Result<String, Error> {
    let json = granular::print(all);
    Ok(versioning::new_version(object, &[("granular_markings", &json)], now)?)
}

/// The `object_marking_refs`.
fn object_markings(object: Value<'_>) -> Result<BTreeSet<&str>, Error> {
    let refs = object.get("object_marking_refs").filter(|refs| refs.kind() != Kind::Null);
    let Some(refs) = refs else { return Ok(BTreeSet::new()) };
    let malformed = || Error::Malformed("object_marking_refs");
    if refs.kind() != Kind::List {
        return Err(malformed());
    }
    refs.items().map(|item| item.as_str().ok_or_else(malformed)).collect()
}

fn granular_markings<'t>(
    object: Value<'t>,
    selectors: &[&str],
    reach: Reach,
) -> Result<BTreeSet<&'t str>, Error> {
    selector::check(object, selectors)?;
    let all = granular::read(object)?;
    let covered = all.iter().filter(|marking| {
        selectors.iter().any(|asked| reach.covers(marking.selector, asked)) && marking.counts(reach)
    });
    Ok(covered.map(|marking| marking.marking).collect())
}

#[cfg(test)]
mod tests;
