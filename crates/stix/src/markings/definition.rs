//! What a marking means: TLP 1.0 and 2.0, statements, ACS 3.0a, IEP 2.0, CUI.
//!
//! A marking that is not understood is never taken for unmarked: it is shown, and counts as the
//! most restrictive.

use std::fmt;

use super::{
    Error, Reach, granular, object_markings,
    scheme::{self, Marking},
};
use crate::{
    Tlp,
    parse::{self, Unreadable},
    tree::Value,
};

/// The scheme that a marking belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Traffic light protocol, either version.
    Tlp,
    /// A statement in words.
    Statement,
    /// ISA access control specification 3.0a.
    Acs,
    /// FIRST information exchange policy 2.0.
    Iep,
    /// Controlled unclassified information.
    Cui,
    /// A language, not a restriction.
    Language,
    /// A definition that is at hand, of a scheme that is not known here.
    Other,
    /// A definition that is not at hand.
    Absent,
}

/// What a marking means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// Its scheme.
    pub scheme: Scheme,
    /// The label that it comes to; the strictest for a marking that is not understood, none for a
    /// statement, a language and the schemes that have none.
    pub tlp: Option<Tlp>,
    /// The marking in words, one line.
    pub words: String,
    /// What about its definition is not as its scheme says.
    pub problem: Option<Unreadable>,
}

impl Meaning {
    fn new(scheme: Scheme, tlp: Option<Tlp>, words: impl Into<String>) -> Self {
        Self { scheme, tlp, words: words.into(), problem: None }
    }

    /// Reads a marking definition.
    ///
    /// *Source*: STIX 2.1 section 7.2.1; the extension definitions of the schemes.
    pub fn of_definition(definition: Value<'_>) -> Self {
        let extension = |scheme: &scheme::Body| definition.path(&["extensions", scheme.key]);
        if let Some(tlp) = Tlp::of_marking_definition(definition.raw()) {
            return Self::new(Scheme::Tlp, Some(tlp), tlp.label());
        }
        if let Some(statement) = definition.path(&["definition", "statement"]) {
            let words = format!("statement: {}", one_line(&text_of(statement)));
            return Self::new(Scheme::Statement, None, words);
        }
        if let Some(body) = extension(&scheme::ACS) {
            let problem = problem(&scheme::ACS, definition, body);
            return Self { problem, ..Self::new(Scheme::Acs, None, acs_words(body)) };
        }
        if let Some(body) = extension(&scheme::IEP) {
            // A colour that is none is the strictest.
            let colour = body.get("tlp").and_then(Value::as_str).and_then(|text| text.parse().ok());
            let tlp = Some(colour.unwrap_or(Tlp::Red));
            let problem = problem(&scheme::IEP, definition, body);
            return Self { problem, ..Self::new(Scheme::Iep, tlp, iep_words(body, tlp)) };
        }
        if let Some(body) = extension(&scheme::CUI) {
            let problem = problem(&scheme::CUI, definition, body);
            return Self { problem, ..Self::new(Scheme::Cui, None, cui_words(body)) };
        }
        let kind = definition.get("definition_type").or_else(|| definition.get("name"));
        let kind = kind.map_or_else(|| "no name".into(), text_of);
        let words = format!("a marking of another scheme ({})", one_line(&kind));
        Self::new(Scheme::Other, Some(Tlp::Red), words)
    }
}

/// A marking on an object: on all of it or on what a selector selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective<'t> {
    /// The selector; none for the whole object.
    pub selector: Option<&'t str>,
    /// Id of the marking definition, or the language.
    pub marking: &'t str,
    /// What it means.
    pub meaning: Meaning,
}

impl fmt::Display for Effective<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.selector {
            Some(selector) => write!(f, "{selector}: {}", self.meaning.words),
            None => f.write_str(&self.meaning.words),
        }
    }
}

/// Every marking on an object and what it means. `resolve` gives a marking definition by its id
/// where it is at hand; the published ones of TLP are known without.
///
/// ```
/// let object = stix::tree::Tree::read(br#"{"type":"tool","object_marking_refs":
///   ["marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003"]}"#).unwrap();
/// let markings = stix::markings::of(object.root(), &|_| None).unwrap();
/// assert_eq!(markings[0].to_string(), "TLP:AMBER+STRICT");
/// ```
///
/// *Source*: STIX 2.1 section 7.2.
pub fn of<'t, 'd>(
    object: Value<'t>,
    resolve: &dyn Fn(&str) -> Option<Value<'d>>,
) -> Result<Vec<Effective<'t>>, Error> {
    let meaning = |id: &str| match (resolve(id), Tlp::of_marking_id(id)) {
        (_, Some(tlp)) => Meaning::new(Scheme::Tlp, Some(tlp), tlp.label()),
        (Some(definition), None) => Meaning::of_definition(definition),
        (None, None) => {
            let words = format!("unknown marking {}", one_line(id));
            Meaning::new(Scheme::Absent, Some(Tlp::Red), words)
        }
    };
    let on_object = object_markings(object)?.into_iter();
    let mut all: Vec<Effective<'t>> = on_object
        .map(|marking| Effective { selector: None, marking, meaning: meaning(marking) })
        .collect();
    let only_refs = Reach { lang: false, ..Reach::default() };
    for one in granular::read(object)? {
        let meaning = if one.counts(only_refs) {
            meaning(one.marking)
        } else {
            Meaning::new(Scheme::Language, None, format!("language {}", one_line(one.marking)))
        };
        all.push(Effective { selector: Some(one.selector), marking: one.marking, meaning });
    }
    Ok(all)
}

fn text_of(value: Value<'_>) -> String {
    value.as_str().unwrap_or_else(|| value.source()).to_owned()
}

/// What stands in others' data, safe on one line of a terminal: at most 80 characters.
fn one_line(text: &str) -> String {
    let mut line = crate::finding::escaped(text);
    if text.chars().nth(80).is_some() {
        line.push('…');
    }
    line
}

/// The texts of a list, joined.
fn listed(body: Value<'_>, name: &str, between: &str) -> String {
    let items = body.get(name).into_iter().flat_map(Value::items);
    items.map(|item| one_line(&text_of(item))).collect::<Vec<_>>().join(between)
}

fn named(body: Value<'_>, name: &str) -> String {
    body.get(name).map_or_else(|| "?".to_owned(), |value| one_line(&text_of(value)))
}

/// The first thing about a body that is not as its scheme says.
fn problem(scheme: &scheme::Body, definition: Value<'_>, body: Value<'_>) -> Option<Unreadable> {
    let mut first = parse::read_as(scheme.table(), body).err();
    scheme.check(Marking { definition, body }, &mut |at, expected| {
        first.get_or_insert_with(|| Unreadable {
            pointer: at.tree().pointer(at.offset()),
            problem: format!("expected {expected}"),
        });
    });
    first
}

fn acs_words(body: Value<'_>) -> String {
    let mut parts = Vec::new();
    if let Some(controls) = body.get("control_set") {
        parts.push(named(controls, "classification"));
        for (name, _) in controls.members().filter(|(name, _)| *name != "classification") {
            parts.push(format!(
                "{} {}",
                one_line(&name.replace('_', " ")),
                listed(controls, name, " ")
            ));
        }
    }
    let policy = named(body, "policy_reference");
    let default = |name: &str| match policy.split_once(name) {
        Some((_, rest)) if rest.starts_with("permit") => "permit",
        Some((_, rest)) if rest.starts_with("deny") => "deny",
        _ => "?",
    };
    parts.push(format!("by default {} use", default("privdefault=")));
    parts.push(format!("{} sharing", default("sharedefault=")));
    for rule in body.get("access_privilege").into_iter().flat_map(Value::items) {
        let scope = rule.get("privilege_scope").into_iter().flat_map(Value::members);
        let scope: Vec<_> = scope.map(|(name, _)| one_line(&name.replace('_', " "))).collect();
        let (effect, action) = (named(rule, "rule_effect"), named(rule, "privilege_action"));
        parts.push(format!("{effect} {action} by {}", scope.join(" ")));
    }
    for rule in body.get("further_sharing").into_iter().flat_map(Value::items) {
        let effect = named(rule, "rule_effect");
        parts.push(format!("{effect} sharing with {}", listed(rule, "sharing_scope", " ")));
    }
    parts.push(format!("custodian {}", named(body, "responsible_entity_custodian")));
    format!("ACS 3.0a: {}", parts.join("; "))
}

fn iep_words(body: Value<'_>, tlp: Option<Tlp>) -> String {
    let tlp = tlp.map_or("no label", Tlp::label);
    let part = |name: &str| format!("{} {}", name.replace('_', " "), named(body, name));
    let parts: Vec<_> = [
        "permitted_actions",
        "encrypt_in_transit",
        "affected_party_notifications",
        "provider_attribution",
        "unmodified_resale",
    ]
    .into_iter()
    .map(part)
    .collect();
    format!("IEP 2.0: {tlp}; {}", parts.join("; "))
}

/// As a banner has it: control, categories, disseminations.
fn cui_words(body: Value<'_>) -> String {
    let mut words = named(body, "control");
    for name in ["categories", "disseminations"] {
        let list = listed(body, name, "/");
        if !list.is_empty() {
            words.push_str("//");
            words.push_str(&list);
        }
    }
    for name in ["required_statements", "supplemental_administrative"] {
        let list = listed(body, name, "; ");
        if !list.is_empty() {
            words.push_str(" - ");
            words.push_str(&list);
        }
    }
    format!("CUI: {words}, designated by {}", named(body, "designator_ref"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Tree;

    fn meaning(more: &str) -> Meaning {
        let text = format!(r#"{{"type":"marking-definition","id":"x",{more}}}"#);
        Meaning::of_definition(Tree::read(text.as_bytes()).unwrap().root())
    }

    fn extension(scheme: &scheme::Body, body: &str) -> Meaning {
        let key = scheme.key;
        meaning(&format!(
            r#""name":"a","external_references":[{{"source_name":"a","description":"b"}}],
            "extensions":{{"{key}":{{"extension_type":"property-extension",{body}}}}}"#
        ))
    }

    const CONTROLS: &str = r#""identifier":"isa:guide.1","create_date_time":"2031-05-04T10:00:00Z",
        "responsible_entity_custodian":"USA.DHS","control_set":{"classification":"U",
        "formal_determination":["PUBREL"]}"#;

    #[test]
    fn acs_is_read_checked_and_shown() {
        let policy = r#""policy_reference":"urn:isa:policy:acs:ns:v3.0?privdefault=permit&sharedefault=deny""#;
        let rule = r#""access_privilege":[{"privilege_action":"CISAUSES","rule_effect":"deny",
            "privilege_scope":{"entity":["ALL"]}}]"#;
        let found = extension(&scheme::ACS, &format!("{CONTROLS},{policy},{rule}"));
        assert_eq!((found.scheme, found.tlp, found.problem), (Scheme::Acs, None, None));
        assert_eq!(
            found.words,
            "ACS 3.0a: U; formal determination PUBREL; by default permit use; deny sharing; \
             deny CISAUSES by entity; custodian USA.DHS"
        );
        for wrong in [
            format!("{CONTROLS},{}", policy.replace("permit", "perhaps")),
            CONTROLS.to_owned(),
            format!("{},{policy}", CONTROLS.replace("PUBREL", "PUB")),
            format!("{CONTROLS},{policy},{}", rule.replace("entity", "lamp")),
        ] {
            assert!(extension(&scheme::ACS, &wrong).problem.is_some(), "{wrong}");
        }
    }

    #[test]
    fn iep_has_the_label_of_its_colour() {
        let body = r#""encrypt_in_transit":"may","permitted_actions":"none","tlp":"amber",
            "affected_party_notifications":"may","provider_attribution":"must-not",
            "unmodified_resale":"must-not","iep_id":"0224bfdf-ea3a-49c3-96f6-66d908bb1845",
            "iep_version":2.0,"description":"x","start_date":"2031-05-04T10:00:00Z""#;
        let found = extension(&scheme::IEP, body);
        assert_eq!((found.tlp, found.problem.clone()), (Some(Tlp::Amber), None));
        assert!(found.words.starts_with("IEP 2.0: TLP:AMBER; permitted actions none;"));
        let odd = extension(&scheme::IEP, &body.replace("amber", "purple"));
        assert_eq!(odd.tlp, Some(Tlp::Red));
        assert!(odd.problem.is_some());
    }

    #[test]
    fn cui_is_shown_as_its_banner() {
        let body = r#""control":"CUI","categories":["SP-SSEL","SBIZ"],"disseminations":["NOFORN"],
            "designator_ref":"identity--c069bb9f-158a-405d-92b4-858a2536df9a""#;
        let found = extension(&scheme::CUI, body);
        assert_eq!(found.problem, None);
        assert!(
            found.words.starts_with("CUI: CUI//SP-SSEL/SBIZ//NOFORN, designated by identity--")
        );
        assert!(extension(&scheme::CUI, &body.replace("identity--", "tool--")).problem.is_some());
    }

    #[test]
    fn marking_that_is_not_understood_is_the_strictest() {
        let other = meaning(r#""definition_type":"lamp","definition":{"lamp":1}"#);
        assert_eq!((other.scheme, other.tlp), (Scheme::Other, Some(Tlp::Red)));
        let words = meaning(r#""definition_type":"statement","definition":{"statement":"a\nb"}"#);
        assert_eq!((words.tlp, words.words.as_str()), (None, "statement: a\\u{a}b"));
    }

    #[test]
    fn markings_of_an_object_stand_with_their_place() {
        let text = br#"{"type":"tool","name":"a","object_marking_refs":["marking-definition--1"],
            "granular_markings":[{"selectors":["name"],"lang":"en"},{"selectors":["name"],
            "marking_ref":"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed"}]}"#;
        let tree = Tree::read(text).unwrap();
        let found = of(tree.root(), &|_| None).unwrap();
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        let expected =
            ["unknown marking marking-definition--1", "name: language en", "name: TLP:RED"];
        assert_eq!(shown, expected);
    }
}
