//! One object, read once: whether it can be kept, what a store must know of it, everything that
//! is wrong with it.
//!
//! What a node does with each object that it is handed: [`crate::check`] and [`super::validate`]
//! in one pass over one tree, whose buffers serve the next object too.

use super::{Options, Report, Sink, judge::Judge, object::Context};
use crate::{
    Spec,
    check::{Marking, Refused, refuse_names, refuse_time, strictest},
    limits,
    tlp::Tlp,
    tree::{Arena, Fault, Kind, Tree, Value, utf8},
};

/// What is known of an object that can be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// `id`.
    pub id: String,
    /// `type`.
    pub type_: String,
    /// `modified`, else `created`, as written; none for objects without versions.
    pub version: Option<String>,
    /// The edition it is written in, and was checked by.
    pub spec: Spec,
    /// The most restrictive label on it; a marking that cannot be resolved counts as the strictest.
    pub tlp: Option<Tlp>,
    /// Every marking on it that is no TLP label by its id, object markings first.
    pub markings: Vec<String>,
    /// How it fared.
    pub report: Report,
}

/// Examines objects one after another.
///
/// ```
/// use stix::{Examiner, Marking, Options};
/// let options = Options::default();
/// let mut examiner = Examiner::new(&options);
/// let lamp = br#"{"type":"mutex","id":"mutex--5d1b7c2e-0f3a-5e7a-9c35-1f7be0d4a921"}"#;
/// let mut rules = Vec::new();
/// let known = examiner.examine(lamp, &|_| Marking::Unknown, &mut |finding| rules.push(finding.rule));
/// assert_eq!(known.unwrap().type_, "mutex");
/// assert_eq!(rules, ["STIX-3.1-14"], "its name is missing");
/// assert!(examiner.examine(b"[]", &|_| Marking::Unknown, &mut |_| {}).is_err());
/// ```
pub struct Examiner<'o> {
    judge: Judge<'o>,
    arena: Arena,
}

impl<'o> Examiner<'o> {
    /// An examiner under these options; what holds between objects (doubled ids, ends of
    /// relationships) is not asked, because objects come and go one by one.
    pub fn new(options: &'o Options<'o>) -> Self {
        Self { judge: Judge::new(options), arena: Arena::default() }
    }

    /// Examines one object's bytes and hands out each finding, in the order of the text; pointers
    /// and offsets are those of the object. `resolve` as for [`crate::check`].
    ///
    /// *Errors*: [`Refused`] when nothing of it may be kept as an object: no JSON, beyond a limit,
    /// a property of the head twice, no usable type, id or version.
    pub fn examine(
        &mut self,
        object: &[u8],
        resolve: &dyn Fn(&str) -> Marking,
        sink: Sink<'_>,
    ) -> Result<Examined, Refused> {
        if object.len() > limits::OBJECT_LEN_MAX {
            return Err(Refused::new("LIMIT-2", "", "more than 16 MiB"));
        }
        let text = utf8(object).map_err(refused)?;
        let tree = self.arena.read(text).map_err(refused)?;
        let examined = self.judge_tree(&tree, object, resolve, sink);
        self.arena = tree.into_arena();
        examined
    }

    fn judge_tree(
        &mut self,
        tree: &Tree<'_>,
        object: &[u8],
        resolve: &dyn Fn(&str) -> Marking,
        sink: Sink<'_>,
    ) -> Result<Examined, Refused> {
        let head = TreeHead::of(tree.root())?;
        let (type_, id) = (head.text(Part::Type), head.text(Part::Id));
        refuse_names(type_, id)?;
        for (name, part) in [("modified", Part::Modified), ("created", Part::Created)] {
            if let Some(value) = head.get(part) {
                refuse_time(name, value.as_str(), value.source())?;
            }
        }
        let spec = head.spec();
        self.judge.begin(0, "");
        for fault in tree.faults() {
            self.judge.name(id);
            self.judge.fault(*fault, object);
        }
        self.judge.spec = spec;
        if type_ == "bundle" {
            self.judge.name(id);
            self.judge.error("STIX-8.1-02", tree.root(), "a STIX object; a bundle is none");
        } else {
            self.judge.object(&Context::new(tree.root(), type_));
        }
        self.judge.end(Some(tree), sink);
        let refs = head.markings();
        Ok(Examined {
            id: id.to_owned(),
            type_: type_.to_owned(),
            version: head.version().map(str::to_owned),
            spec,
            tlp: strictest(refs.iter().copied(), resolve),
            markings: (refs.iter().filter(|id| Tlp::of_marking_id(id).is_none()))
                .map(|id| (*id).to_owned())
                .collect(),
            report: std::mem::take(&mut self.judge.report),
        })
    }
}

fn refused(fault: Fault) -> Refused {
    Refused::new(fault.rule, "", format!("{} at byte {}", fault.problem, fault.offset))
}

/// Properties of the head: none may stand twice, since readers differ on which of the two holds.
const HEAD: [&str; 13] = [
    "type",
    "id",
    "created",
    "modified",
    "spec_version",
    "object_marking_refs",
    "granular_markings",
    "created_by_ref",
    "revoked",
    "confidence",
    "lang",
    "labels",
    "external_references",
];

/// The places in [`HEAD`] that are asked for.
#[derive(Clone, Copy)]
enum Part {
    Type,
    Id,
    Created,
    Modified,
    SpecVersion,
    ObjectMarkings,
    GranularMarkings,
}

/// The head of an object, found in one walk over its members.
struct TreeHead<'t> {
    parts: [Option<Value<'t>>; HEAD.len()],
}

impl<'t> TreeHead<'t> {
    fn of(root: Value<'t>) -> Result<Self, Refused> {
        if root.kind() != Kind::Object {
            return Err(Refused::new("STIX-8.1-02", "", "a JSON object is expected"));
        }
        let mut head = Self { parts: [None; HEAD.len()] };
        for (key, value) in root.members() {
            let place = HEAD.iter().position(|name| *name == key);
            let Some(part) = place.and_then(|place| head.parts.get_mut(place)) else { continue };
            if part.replace(value).is_some() {
                return Err(Refused::new("JSON-2", "", "a property stands twice"));
            }
        }
        Ok(head)
    }

    fn get(&self, part: Part) -> Option<Value<'t>> {
        self.parts.get(part as usize).copied().flatten()
    }

    fn text(&self, part: Part) -> &'t str {
        self.get(part).and_then(Value::as_str).unwrap_or_default()
    }

    fn version(&self) -> Option<&'t str> {
        [Part::Modified, Part::Created].into_iter().find_map(|part| self.get(part)?.as_str())
    }

    /// As [`crate::Head::spec`].
    fn spec(&self) -> Spec {
        match self.get(Part::SpecVersion).and_then(Value::as_str) {
            Some("2.0") => Spec::V20,
            None if self.get(Part::Created).is_some() => Spec::V20,
            _ => Spec::V21,
        }
    }

    fn markings(&self) -> Vec<&'t str> {
        let whole = self.get(Part::ObjectMarkings).into_iter().flat_map(Value::items);
        let parts = self.get(Part::GranularMarkings).into_iter().flat_map(Value::items);
        let parts = parts.filter_map(|marking| marking.get("marking_ref"));
        whole.chain(parts).filter_map(Value::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check;

    const ID: &str = "tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";
    const GREEN: &str = "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb";
    const OWN: &str = "marking-definition--11111111-1111-4111-8111-111111111111";

    fn object(properties: &str) -> String {
        format!(
            r#"{{"type":"tool","id":"{ID}","spec_version":"2.1","name":"lamp",
            "created":"2031-01-01T00:00:00.000Z","modified":"2031-01-01T00:00:00.000Z"{properties}}}"#
        )
    }

    fn examine(object: &str) -> Result<(Examined, Vec<&'static str>), Refused> {
        let options = Options::default();
        let (mut rules, unknown) = (Vec::new(), |_: &str| Marking::Unknown);
        let mut examiner = Examiner::new(&options);
        // What was examined before leaves no trace.
        let _ = examiner.examine(br#"{"type":"tool","id":7,"x":[1"#, &unknown, &mut |_| {});
        let mut sink = |finding: &crate::Finding| rules.push(finding.rule);
        examiner.examine(object.as_bytes(), &unknown, &mut sink).map(|known| (known, rules))
    }

    #[test]
    fn object_in_order_is_known_and_has_no_finding() {
        let (known, rules) = examine(&object("")).unwrap();
        assert_eq!((known.id.as_str(), known.type_.as_str()), (ID, "tool"));
        assert_eq!(known.version.as_deref(), Some("2031-01-01T00:00:00.000Z"));
        assert_eq!((known.spec, known.tlp, rules.len()), (Spec::V21, None, 0));
        assert!(known.report.is_valid());
    }

    #[test]
    fn each_level_is_found_and_counted() {
        let (known, rules) = examine(&object(r#","tool_types":["lamp"],"revoked":1"#)).unwrap();
        assert_eq!(rules, ["222", "STIX-2.2-01"]);
        assert_eq!((known.report.errors, known.report.warnings), (1, 1));
    }

    /// What `check` refuses is refused here by the same rule at the same place, and nothing else.
    #[test]
    fn examiner_refuses_what_check_refuses() {
        let deep = object(&format!(r#","x":{}1{}"#, "[".repeat(300), "]".repeat(300)));
        let marked = object(&format!(r#","object_marking_refs":["{GREEN}"],"confidence":400"#));
        let cases = [
            "[]",
            "{}",
            "7",
            "",
            r#"{"type":"tool"}"#,
            r#"{"type":"tool","id":7}"#,
            r#"{"type":"tool","id":"tool--7"}"#,
            r#"{"type":7,"id":"tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"}"#,
            r#"{"type":"tool","id":"tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921"}"#,
            &object(r#","x":1"#).replace("2.1", "2.0"),
            &object(r#","id":"x""#),
            &object(r#","labels":["a"],"labels":["a"]"#),
            &object(r#","x":1,"x":1"#),
            &object("").replace("2031-01-01T00:00:00.000Z\",\"mod", "yesterday\",\"mod"),
            &object("").replace("\"modified\":\"2031", "\"modified\":\"x"),
            &object("").replace(r#""created":"2031-01-01T00:00:00.000Z""#, r#""created":5"#),
            &object("}"),
            &marked,
            &deep,
        ];
        for case in cases {
            let checked = check(case.as_bytes(), &|_| Marking::Unknown);
            match (checked, examine(case)) {
                (Ok(checked), Ok((known, _))) => {
                    assert_eq!(checked.head.id, known.id);
                    assert_eq!(checked.head.version(), known.version.as_deref());
                    assert_eq!((checked.head.spec(), checked.tlp), (known.spec, known.tlp));
                }
                (Err(checked), Err(examined)) => {
                    assert_eq!(checked.rule(), examined.rule(), "{case}");
                    assert_eq!(checked.pointer(), examined.pointer(), "{case}");
                }
                (checked, examined) => panic!("{case}: {checked:?}, {examined:?}"),
            }
        }
    }

    #[test]
    fn markings_are_told_without_those_that_are_labels_by_id() {
        let text = object(&format!(
            r#","object_marking_refs":["{GREEN}"],
            "granular_markings":[{{"marking_ref":"{OWN}","selectors":["name"]}}]"#
        ));
        let (known, _) = examine(&text).unwrap();
        assert_eq!(known.markings, [OWN]);
        assert_eq!(known.tlp, Some(Tlp::Red), "what does not resolve is the strictest");
    }
}
