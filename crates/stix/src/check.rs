//! The MUSTs of ids, timestamps and the common properties, and the marking that holds.

use crate::{
    Finding, Head, HeadError, Spec, Tlp, compare_timestamps,
    finding::escaped,
    head::{RawHead, string, strings},
    id::{is_id, is_marking_id, is_type_name},
    is_timestamp, limits,
    split::{OBJECT_TOO_DEEP, scan_value},
    time::fraction_len,
    tree::Tree,
};

/// An object that no reader could use: nothing of it may be kept as an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rule} at `{pointer}`: {problem}")]
pub struct Refused {
    rule: &'static str,
    pointer: String,
    problem: String,
}

impl Refused {
    pub(crate) fn new(rule: &'static str, pointer: &str, problem: impl Into<String>) -> Self {
        Self { rule, pointer: pointer.to_owned(), problem: problem.into() }
    }

    /// The rule's id.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// JSON pointer from the object's root.
    pub fn pointer(&self) -> &str {
        &self.pointer
    }

    /// What is wrong, in our words; what stood there is escaped.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

/// What is known of an object that can be kept.
#[derive(Debug, Clone)]
pub struct Checked<'a> {
    /// Its head.
    pub head: Head<'a>,
    /// What is wrong with it, in the order of the checks.
    pub findings: Vec<Finding>,
    /// The most restrictive marking on it; an unresolvable marking counts as the strictest.
    pub tlp: Option<Tlp>,
}

/// Checks one object's bytes. `resolve` tells the TLP label of a marking definition, if it is one
/// that is at hand and is a TLP marking.
///
/// *Errors*: [`Refused`] when there is no usable type, id or version: what no reader could use.
pub fn check<'a>(
    object: &'a [u8],
    resolve: &dyn Fn(&str) -> Marking,
) -> Result<Checked<'a>, Refused> {
    if object.len() > limits::OBJECT_LEN_MAX {
        return Err(Refused::new("LIMIT-2", "", "more than 16 MiB"));
    }
    if let Err((offset, problem)) = scan_value(object, limits::OBJECT_DEPTH_MAX) {
        let rule = if problem == OBJECT_TOO_DEEP { "LIMIT-3" } else { "JSON-1" };
        return Err(Refused::new(rule, "", format!("{problem} at byte {offset}")));
    }
    let head = Head::parse(object).map_err(|error| match error {
        HeadError::NotObject => Refused::new("STIX-8.1-02", "", "a JSON object is expected"),
        HeadError::Doubled => Refused::new("JSON-2", "", "a property stands twice"),
    })?;
    refuse_unusable(&head)?;
    let mut findings = Vec::new();
    check_common(&head, &mut findings);
    let tlp = marking_of(&head, resolve);
    Ok(Checked { head, findings, tlp })
}

/// What a marking reference leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marking {
    /// A TLP label.
    Tlp(Tlp),
    /// A statement: it restricts nothing.
    Statement,
    /// A marking of another scheme (ACS, IEP, CUI, one of a community's own): for those who belong
    /// to it.
    Other,
    /// Nothing that is at hand.
    Unknown,
}

impl Marking {
    /// What a marking definition stands for, from its bytes.
    pub fn of_definition(object: &[u8]) -> Self {
        if let Some(tlp) = Tlp::of_marking_definition(object) {
            return Self::Tlp(tlp);
        }
        let tree = Tree::read(object).ok();
        let kind = tree.as_ref().and_then(|tree| tree.root().get("definition_type")?.as_str());
        if kind == Some("statement") { Self::Statement } else { Self::Other }
    }
}

fn marking_of(head: &Head<'_>, resolve: &dyn Fn(&str) -> Marking) -> Option<Tlp> {
    let refs = head.object_marking_refs.iter().chain(&head.granular_marking_refs);
    strictest(refs.map(AsRef::as_ref), resolve)
}

/// The most restrictive of several markings; none where nothing restricts.
pub(crate) fn strictest<'i>(
    refs: impl Iterator<Item = &'i str>,
    resolve: &dyn Fn(&str) -> Marking,
) -> Option<Tlp> {
    refs.filter_map(|id| match Tlp::of_marking_id(id) {
        Some(tlp) => Some(tlp),
        None => match resolve(id) {
            Marking::Tlp(tlp) => Some(tlp),
            Marking::Statement | Marking::Other => None,
            Marking::Unknown => Some(Tlp::Red),
        },
    })
    .max()
}

fn refuse_unusable(head: &Head<'_>) -> Result<(), Refused> {
    refuse_names(&head.type_, &head.id)?;
    for (name, raw) in [("modified", head.raw.modified), ("created", head.raw.created)] {
        let Some(raw) = raw else { continue };
        refuse_time(name, string(raw).as_deref(), raw.get())?;
    }
    Ok(())
}

/// Refuses an object whose type or id no reader could use.
pub(crate) fn refuse_names(type_: &str, id: &str) -> Result<(), Refused> {
    if type_.is_empty() {
        return Err(Refused::new("STIX-3.1-14", "/type", "no usable `type`"));
    }
    if type_.len() > limits::TYPE_LEN_MAX {
        return Err(Refused::new("STIX-3.1-05", "/type", "a type of more than 250 bytes"));
    }
    if id.is_empty() {
        return Err(Refused::new("STIX-2.9-01", "/id", "no usable `id`"));
    }
    if id.len() > limits::ID_LEN_MAX || !is_id(id) {
        let problem = format!("`{}` is not type--UUID", escaped(id));
        return Err(Refused::new("STIX-2.9-01", "/id", problem));
    }
    Ok(())
}

/// Refuses a version that is no timestamp; `source` is what stands there.
pub(crate) fn refuse_time(name: &str, text: Option<&str>, source: &str) -> Result<(), Refused> {
    if text.is_some_and(is_timestamp) {
        return Ok(());
    }
    let problem = format!("`{}` is no timestamp", escaped(source));
    Err(Refused::new("STIX-2.16.1-01", &format!("/{name}"), problem))
}

fn check_common(head: &Head<'_>, findings: &mut Vec<Finding>) {
    let mut add = |finding: Finding| findings.push(finding);
    if !is_type_name(&head.type_) {
        add(Finding::error("STIX-3.1-05", "3.1", "/type", &head.type_, "3 to 250 of a-z, 0-9, -"));
    }
    if head.id.split_once("--").is_some_and(|(prefix, _)| prefix != head.type_) {
        add(Finding::error("STIX-2.9-01", "2.9", "/id", &head.id, "the object's own type"));
    }
    if let Some(spec) = &head.spec_version
        && !matches!(spec.as_ref(), "2.0" | "2.1")
    {
        add(Finding::error("STIX-3.2-02", "3.2", "/spec_version", spec, "2.0 or 2.1"));
    }
    check_versions(head, &mut add);
    check_types(&head.raw, &mut add);
    check_references(head, &mut add);
}

fn check_versions(head: &Head<'_>, add: &mut dyn FnMut(Finding)) {
    if head.spec() == Spec::V21 {
        let versions = [
            ("/created", "STIX-3.2-03", &head.created),
            ("/modified", "STIX-3.2-05", &head.modified),
        ];
        for (name, rule, value) in versions {
            if let Some(text) = value
                && fraction_len(text) < 3
            {
                add(Finding::error(rule, "3.2", name, text, "at least three digits"));
            }
        }
    }
    if let (Some(created), Some(modified)) = (&head.created, &head.modified)
        && compare_timestamps(created, modified).is_gt()
    {
        add(Finding::error("STIX-3.2-06", "3.2", "/modified", modified, "not before created"));
    }
}

/// The common properties have the types that section 3.2 gives them, and no list is empty.
fn check_types(raw: &RawHead<'_>, add: &mut dyn FnMut(Finding)) {
    if let Some(value) = raw.revoked
        && !matches!(value.get(), "true" | "false")
    {
        add(Finding::error("STIX-2.2-01", "2.2", "/revoked", value.get(), "true or false"));
    }
    if let Some(value) = raw.confidence
        && !value.get().parse::<u8>().is_ok_and(|number| number <= 100)
    {
        add(Finding::error("STIX-3.2-10", "3.2", "/confidence", value.get(), "0 to 100"));
    }
    for (name, value) in [("/lang", raw.lang), ("/spec_version", raw.spec_version)] {
        if let Some(value) = value
            && string(value).is_none()
        {
            add(Finding::error("STIX-12.1-03", "2.15", name, value.get(), "a string"));
        }
    }
    let lists = [("/labels", raw.labels), ("/object_marking_refs", raw.object_marking_refs)];
    for (name, value) in lists {
        if let Some(value) = value
            && strings(value).is_none_or(|list| list.is_empty())
        {
            add(Finding::error("STIX-2.12-03", "2.11", name, value.get(), "a list of strings"));
        }
    }
    let lists = [
        ("/external_references", raw.external_references),
        ("/granular_markings", raw.granular_markings),
    ];
    for (name, value) in lists {
        if let Some(value) = value
            && (!value.get().starts_with('[') || value.get().replace([' ', '\n'], "") == "[]")
        {
            add(Finding::error("STIX-2.12-03", "2.11", name, value.get(), "a list, not empty"));
        }
    }
}

fn check_references(head: &Head<'_>, add: &mut dyn FnMut(Finding)) {
    if let Some(raw) = head.raw.created_by_ref {
        let by = head.created_by_ref.as_deref().unwrap_or(raw.get());
        if !(is_id(by) && by.starts_with("identity--")) {
            add(Finding::error("STIX-12.1-03", "3.2", "/created_by_ref", by, "id of an identity"));
        }
    }
    for (place, id) in head.object_marking_refs.iter().enumerate() {
        if !is_marking_id(id) {
            let pointer = format!("/object_marking_refs/{place}");
            let expected = "id of a marking-definition";
            add(Finding::error("STIX-12.1-03", "3.2", pointer, id, expected));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";

    fn object(properties: &str) -> String {
        format!(r#"{{"type":"tool","id":"{ID}","spec_version":"2.1"{properties}}}"#)
    }

    fn rules(object: &str) -> Vec<(&'static str, String)> {
        let checked = check(object.as_bytes(), &|_| Marking::Unknown).unwrap();
        checked.findings.into_iter().map(|finding| (finding.rule, finding.pointer)).collect()
    }

    fn refused(object: &str) -> &'static str {
        check(object.as_bytes(), &|_| Marking::Unknown).unwrap_err().rule
    }

    #[test]
    fn object_in_order_has_no_finding() {
        let sound = r#","created":"2031-01-01T00:00:00.000Z","modified":"2031-01-01T00:00:00.000Z",
            "revoked":false,"confidence":100,"labels":["lamp"],"lang":"en""#;
        assert_eq!(rules(&object(sound)), []);
    }

    #[test]
    fn object_without_usable_type_id_or_version_is_refused() {
        assert_eq!(refused("[]"), "STIX-8.1-02");
        assert_eq!(refused("{}"), "STIX-3.1-14");
        assert_eq!(refused(r#"{"type":"tool"}"#), "STIX-2.9-01");
        assert_eq!(refused(r#"{"type":"tool","id":7}"#), "STIX-2.9-01");
        assert_eq!(refused(r#"{"type":"tool","id":"tool--7"}"#), "STIX-2.9-01");
        assert_eq!(refused(&object(r#","modified":"yesterday""#)), "STIX-2.16.1-01");
        assert_eq!(refused(&object(r#","created":5"#)), "STIX-2.16.1-01");
        assert_eq!(refused(&object(r#","id":"x""#)), "JSON-2");
        let deep = object(&format!(r#","x":{}1{}"#, "[".repeat(300), "]".repeat(300)));
        assert_eq!(refused(&deep), "LIMIT-3");
    }

    #[test]
    fn each_violation_is_found_at_its_place() {
        let cases = [
            (r#","created":"2031-01-01T00:00:00Z""#, "STIX-3.2-03", "/created"),
            (r#","revoked":1"#, "STIX-2.2-01", "/revoked"),
            (r#","confidence":101"#, "STIX-3.2-10", "/confidence"),
            (r#","labels":[]"#, "STIX-2.12-03", "/labels"),
            (r#","lang":5"#, "STIX-12.1-03", "/lang"),
            (r#","external_references":[ ]"#, "STIX-2.12-03", "/external_references"),
            (r#","created_by_ref":"tool--x""#, "STIX-12.1-03", "/created_by_ref"),
            (r#","object_marking_refs":["tool--x"]"#, "STIX-12.1-03", "/object_marking_refs/0"),
            (
                r#","created":"2031-01-02T00:00:00.000Z","modified":"2031-01-01T00:00:00.000Z""#,
                "STIX-3.2-06",
                "/modified",
            ),
        ];
        for (properties, rule, pointer) in cases {
            assert_eq!(rules(&object(properties)), [(rule, pointer.to_owned())], "{properties}");
        }
        let foreign = format!(r#"{{"type":"malware","id":"{ID}"}}"#);
        assert_eq!(rules(&foreign), [("STIX-2.9-01", "/id".to_owned())]);
    }

    #[test]
    fn several_markings_the_most_restrictive_holds_and_an_unknown_one_is_it() {
        let green = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
        let own = "marking-definition--11111111-1111-4111-8111-111111111111";
        let text = object(&format!(r#","object_marking_refs":["{green}","{own}"]"#));
        let tlp = |marking| check(text.as_bytes(), &|_| marking).unwrap().tlp;
        assert_eq!(tlp(Marking::Other), Some(Tlp::Green));
        assert_eq!(tlp(Marking::Tlp(Tlp::Amber)), Some(Tlp::Amber));
        assert_eq!(tlp(Marking::Unknown), Some(Tlp::Red));
        let granular = object(&format!(
            r#","granular_markings":[{{"marking_ref":"{green}","selectors":["name"]}}]"#
        ));
        let checked = check(granular.as_bytes(), &|_| Marking::Other).unwrap();
        assert_eq!(checked.tlp, Some(Tlp::Green));
    }
}
