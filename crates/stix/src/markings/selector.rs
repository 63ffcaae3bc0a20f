//! Selectors of granular markings: `a.[0].b`, what they select, and which lies in which.

use super::Error;
use crate::{
    parse,
    tree::{Kind, Value},
};

/// What a selector selects; none when nothing stands there. A value that is false, zero or an empty
/// text stands there too; null and an empty list, which no property may be, do not.
///
/// ```
/// let tree = stix::tree::Tree::read(br#"{"hashes":{"MD5":"a"},"labels":["x","x"]}"#).unwrap();
/// let select = |text| stix::markings::selector::select(tree.root(), text).is_some();
/// assert!(select("hashes.MD5") && select("labels.[1]") && !select("labels.[2]"));
/// ```
///
/// *Source*: STIX 2.1 section 7.2.3.1.
pub fn select<'t>(value: Value<'t>, selector: &str) -> Option<Value<'t>> {
    step(value, selector).filter(|selected| parse::is_present(*selected))
}

fn step<'t>(value: Value<'t>, selector: &str) -> Option<Value<'t>> {
    match value.kind() {
        // A key may hold a dot in dirty data, so keys are tried, not split off.
        Kind::Object => value.members().find_map(|(key, member)| {
            let rest = selector.strip_prefix(key)?;
            if rest.is_empty() { Some(member) } else { step(member, rest.strip_prefix('.')?) }
        }),
        Kind::List => {
            let (place, rest) = selector.strip_prefix('[')?.split_once(']')?;
            let number: usize = place.parse().ok()?;
            // One spelling of a place: `[0]`, not `[00]` or `[+0]`.
            if number.to_string() != place {
                return None;
            }
            let item = value.items().nth(number)?;
            if rest.is_empty() { Some(item) } else { step(item, rest.strip_prefix('.')?) }
        }
        _ => None,
    }
}

/// Whether what one selector selects lies in what another selects.
pub fn lies_in(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.starts_with('.'))
}

/// There are selectors, and each selects something.
pub(super) fn check(object: Value<'_>, selectors: &[&str]) -> Result<(), Error> {
    if selectors.is_empty() {
        return Err(Error::NoSelector);
    }
    match selectors.iter().find(|selector| select(object, selector).is_none()) {
        Some(selector) => Err(Error::Selector((*selector).to_owned())),
        None => Ok(()),
    }
}
