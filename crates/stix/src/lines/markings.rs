//! `markings`: get, is, add, remove, set, clear.

use serde::Deserialize;

use super::{Answer, Failure, Request, document, objects::Typed};
use crate::markings::{self, Reach};

/// One text or a list of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(texts) => texts.iter().map(String::as_str).collect(),
        }
    }
}

#[derive(Deserialize, Default)]
struct Arguments {
    marking: Option<OneOrMany>,
    selectors: Option<OneOrMany>,
    inherited: Option<bool>,
    descendants: Option<bool>,
    marking_ref: Option<bool>,
    lang: Option<bool>,
}

/// `{"do","object","args","typed"}` gives `value` or `object`.
pub(super) fn markings(request: &Request<'_>, now: &str) -> Result<Answer, Failure> {
    let action: String = request.field("do")?;
    let arguments: Arguments = request.optional("args")?.unwrap_or_default();
    let tree = document("object", request.required("object")?)?;
    let object = tree.root();
    let marking = arguments.marking.as_ref().map(OneOrMany::texts);
    let selectors = arguments.selectors.as_ref().map(OneOrMany::texts);
    let selectors = selectors.as_deref();
    let reach = Reach {
        inherited: arguments.inherited.unwrap_or(false),
        descendants: arguments.descendants.unwrap_or(false),
        marking_ref: arguments.marking_ref.unwrap_or(true),
        lang: arguments.lang.unwrap_or(true),
    };
    let named = || marking.as_deref().ok_or_else(|| Failure::request("`args` needs a `marking`"));
    let changed = match action.as_str() {
        "get" => {
            let found = markings::get(object, selectors, reach).map_err(Failure::refused)?;
            return Ok(Answer::new().field("value", &found));
        }
        "is" => {
            let named = marking.as_deref().unwrap_or_default();
            let found = markings::is_marked(object, named, selectors, reach);
            return Ok(Answer::new().field("value", &found.map_err(Failure::refused)?));
        }
        "add" => markings::add(object, named()?, selectors, now),
        "remove" => markings::remove(object, named()?, selectors, now),
        "set" => markings::set(object, named()?, selectors, reach, now),
        "clear" => markings::clear(object, selectors, reach, now),
        _ => return Err(Failure::request("`do` is one of: get is add remove set clear")),
    };
    let typed = Typed::read(request, object, Some(true))?;
    typed.answer(changed.map_err(Failure::refused)?)
}
