//! Items of a release or statement as rows: what each is called, its marking, whether it is gone.

use protocol::{
    findings::{self, FindingsPolicy, Found, Verdict},
    terms::NodeName,
};
use serde_json::Value;
use stix::{Finding, Level, Tlp};
use store::ItemHead;

use super::{
    frame::Failed,
    look::{self, Piece},
    query::Query,
};

/// Items on one page.
pub(super) const ITEMS: u32 = 50;

/// Where a page of items begins.
pub(super) fn from(query: &Query) -> Result<u32, Failed> {
    Ok(query.get("from", |text| text.parse().ok())?.unwrap_or(0))
}

/// Cuts what was read with one row more than a page has; gives the index of that row.
pub(super) fn cut(heads: &mut Vec<ItemHead>) -> Option<u32> {
    let more = heads.get(ITEMS as usize).map(|head| head.index);
    heads.truncate(ITEMS as usize);
    more
}

/// Characters of a name that a row shows.
const NAME_LEN_MAX: usize = 120;
/// Properties that tell people what an object is, the most telling first.
const TELLING: [&str; 9] =
    ["name", "value", "pattern", "abstract", "content", "path", "key", "user_id", "display_name"];

/// One item.
pub(super) struct ItemRow {
    pub(super) index: u32,
    pub(super) type_: String,
    pub(super) name: Option<Piece>,
    pub(super) id: Piece,
    pub(super) path: String,
    pub(super) tlp: Piece,
    pub(super) gone: bool,
    /// What was found, in a line.
    pub(super) found: Option<(Piece, String)>,
}

impl ItemRow {
    pub(super) fn of(item: &ItemHead) -> Self {
        let name = item.body.as_ref().and_then(|body| subject(body));
        Self {
            index: item.index,
            type_: item.type_.clone(),
            name: name.map(|name| look::quoted(&name)),
            id: look::id(&item.id),
            path: format!("/objects/{}", item.id),
            tlp: look::tlp(item.audience.tlp),
            gone: item.recalled,
            found: item.body.as_ref().and_then(|body| summary_of(body)),
        }
    }
}

/// One finding, in full.
pub(super) struct FindingRow {
    pub(super) rule: &'static str,
    pub(super) level: Piece,
    pub(super) place: String,
    pub(super) found: Option<Piece>,
    pub(super) expected: String,
    pub(super) clause: &'static str,
}

impl FindingRow {
    pub(super) fn of(finding: &Finding) -> Self {
        Self {
            rule: finding.rule,
            level: level(finding.level),
            place: finding.place(),
            found: (!finding.found.is_empty()).then(|| look::quoted(&finding.found)),
            expected: finding.expected.to_string(),
            clause: finding.clause,
        }
    }
}

/// A level as a reader sees it.
pub(super) fn level(level: Level) -> Piece {
    match level {
        Level::Error => look::bad("breaks a MUST"),
        Level::Warning => look::attention("breaks a SHOULD"),
        Level::Note => look::plain("note"),
    }
}

fn summary_of(body: &[u8]) -> Option<(Piece, String)> {
    let (policy, mut verdict) = (FindingsPolicy::at_submit(), Verdict::default());
    exchange::explain(body).iter().for_each(|finding| verdict.weigh(finding, &policy));
    summary(verdict.found())
}

/// What was found in an object, in a line: how grave, which rules, where first.
pub(super) fn summary(found: &[Found]) -> Option<(Piece, String)> {
    let gravest = found.iter().map(|found| found.level).max()?;
    Some((level(gravest), findings::told(found)))
}

/// What an object is called, in its author's words.
pub(super) fn subject(body: &[u8]) -> Option<String> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let relation = || {
        let end = |key: &str| text(key)?.split_once("--").map(|(kind, _)| kind.to_owned());
        Some(format!(
            "{} {} {}",
            end("source_ref")?,
            text("relationship_type")?,
            end("target_ref")?
        ))
    };
    let told = TELLING.iter().find_map(|key| text(key)).map(str::to_owned);
    let told = told.or_else(relation)?;
    Some(told.chars().take(NAME_LEN_MAX).collect())
}

/// A document in lines, when it is JSON; as it stands otherwise.
pub(super) fn pretty(body: &[u8]) -> String {
    let value: Result<Value, _> = serde_json::from_slice(body);
    match value.and_then(|value| serde_json::to_string_pretty(&value)) {
        Ok(text) => text,
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// Names as a sentence has them: `Brevia`, `Brevia and Corvane`.
pub(super) fn named(names: &[NodeName]) -> String {
    let short: Vec<_> = names.iter().map(NodeName::short).collect();
    match short.as_slice() {
        [] => "nobody".to_owned(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// The marking of a release in words, for what a person is about to do.
pub(super) fn marked(highest: Option<(usize, Tlp)>) -> String {
    highest.map_or_else(
        || "no marking on it".to_owned(),
        |(_, tlp)| format!("its highest marking {}", tlp.label()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_called_what_its_author_called_it() {
        let named = |text: &str| subject(text.as_bytes());
        assert_eq!(named(r#"{"name":"Kettle"}"#).as_deref(), Some("Kettle"));
        let relation =
            r#"{"relationship_type":"uses","source_ref":"tool--1","target_ref":"malware--2"}"#;
        assert_eq!(named(relation).as_deref(), Some("tool uses malware"));
        assert_eq!(named(r#"{"name":7}"#), None);
        assert_eq!(named("{"), None);
    }
}
