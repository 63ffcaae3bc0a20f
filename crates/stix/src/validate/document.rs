//! The walk through a document: a bundle, an envelope, a list of objects, one object.

use std::{fmt::Write as _, rc::Rc};

use super::{Options, Report, Sink, bundle::Members, judge::Judge, object::Context};
use crate::{
    Head, Spec, limits,
    split::{Shell, objects_of, shell},
    tree::{Arena, Fault, Kind, Tree, Value, utf8},
};

/// How one top-level object fared.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Its id, where it has one that can be read.
    pub id: Option<String>,
    /// What was found, counted.
    pub report: Report,
    /// What keeps it from being judged as STIX at all: not JSON, no `type`, no `id` at the top.
    pub unreadable: Option<&'static str>,
}

/// Validates a whole document and hands each finding to the caller, in the order of the document.
///
/// *Shape*: a bundle, a TAXII envelope, one object, or a list of these. What is no JSON, has no
/// `type` or is too large is a finding as well.
pub fn validate(document: &[u8], options: &Options<'_>, sink: Sink<'_>) -> Report {
    let mut total = Report::default();
    validate_each(document, options, sink, &mut |outcome| {
        total.objects += outcome.report.objects;
        total.errors += outcome.report.errors;
        total.warnings += outcome.report.warnings;
        total.notes += outcome.report.notes;
        total.uncounted += outcome.report.uncounted;
    });
    total
}

/// As [`validate`], but tells how each member of a list fared when it is done; of any other
/// document once.
pub fn validate_each(
    document: &[u8],
    options: &Options<'_>,
    sink: Sink<'_>,
    done: &mut dyn FnMut(Outcome),
) {
    let mut walk = Walk { judge: Judge::new(options), arena: Arena::default(), document, text: "" };
    match utf8(document) {
        Ok(text) => {
            walk.text = text;
            walk.walk(sink, done);
        }
        Err(fault) => {
            walk.fail(fault, 0, sink);
            done(walk.outcome(None));
        }
    }
}

struct Walk<'a, 'o> {
    judge: Judge<'o>,
    arena: Arena,
    document: &'a [u8],
    /// The same, once it is known to be UTF-8.
    text: &'a str,
}

impl<'a> Walk<'a, '_> {
    fn walk(&mut self, sink: Sink<'_>, done: &mut dyn FnMut(Outcome)) {
        if self.text.starts_with('\u{feff}') {
            self.fail(Fault { rule: "JSON-5", offset: 0, problem: "a byte order mark" }, 0, sink);
        }
        match shell(self.document) {
            Err(fault) => {
                self.fail(fault, 0, sink);
                done(self.outcome(None));
            }
            Ok(Shell::List(items)) => {
                for (place, item) in items.iter().enumerate() {
                    let members = objects_of(item);
                    let id = self.top(item, members, &format!("/{place}"), sink);
                    done(self.outcome(id));
                }
            }
            Ok(Shell::One(whole, members)) => {
                let id = self.top(whole, members, "", sink);
                done(self.outcome(id));
            }
        }
    }

    fn outcome(&mut self, id: Option<String>) -> Outcome {
        let unreadable = self.judge.unreadable.take();
        Outcome { id, report: std::mem::take(&mut self.judge.report), unreadable }
    }

    /// One object that stands in no other: a bundle is opened, an envelope too.
    fn top(
        &mut self,
        whole: &'a [u8],
        members: Option<Vec<&'a [u8]>>,
        prefix: &str,
        sink: Sink<'_>,
    ) -> Option<String> {
        match members {
            Some(members) => self.bundle(whole, members, prefix, sink),
            None => self.single(whole, prefix, sink),
        }
    }

    fn single(&mut self, bytes: &'a [u8], prefix: &str, sink: Sink<'_>) -> Option<String> {
        let (text, base) = self.part(bytes);
        let mut id = None;
        self.tree(text, base, prefix, sink, |judge, tree| {
            let Some(ctx) = judge.context(tree.root()) else { return };
            judge.top(ctx.root);
            judge.spec = single_spec(judge.options.version, ctx.root);
            judge.object(&ctx);
            id = Some(judge.id().to_owned());
        });
        self.judge.report.objects += 1;
        id.filter(|id| !id.is_empty())
    }

    fn bundle(
        &mut self,
        whole: &'a [u8],
        members: Vec<&'a [u8]>,
        prefix: &str,
        sink: Sink<'_>,
    ) -> Option<String> {
        let members = Rc::<[&'a [u8]]>::from(members);
        let mut table = Members::new(self.judge.options, Rc::clone(&members));
        let id = self.frame(whole, &members, prefix, &mut table, sink);
        let mut pointer = String::new();
        for (place, bytes) in members.iter().enumerate() {
            pointer.clear();
            // Writing to a string cannot fail.
            let _ = write!(pointer, "{prefix}/objects/{place}");
            let (text, base) = self.part(bytes);
            self.tree(text, base, &pointer, sink, |judge, tree| {
                let Some(ctx) = judge.context(tree.root()) else { return };
                if ctx.type_name == "bundle" {
                    judge.error("STIX-8.1-02", ctx.root, "a STIX object; a bundle is none");
                    return;
                }
                judge.spec = table.spec_of(judge.options.version, ctx.root);
                judge.object(&ctx);
                table.judge(judge, &ctx);
            });
            self.judge.report.objects += 1;
        }
        id
    }

    /// The bundle without its objects; a number stands in their place.
    fn frame(
        &mut self,
        whole: &'a [u8],
        members: &[&'a [u8]],
        prefix: &str,
        table: &mut Members<'a>,
        sink: Sink<'_>,
    ) -> Option<String> {
        let (text, base) = self.part(whole);
        let (frame, gap) = hollow(text, members);
        let mut id = None;
        self.judge.gap = gap;
        self.tree(&frame, base, prefix, sink, |judge, tree| {
            let root = tree.root();
            table.frame(root);
            if root.get("type").is_none() && root.get("id").is_none() {
                // A TAXII envelope: not an object of STIX.
                judge.unreadable.get_or_insert("an envelope");
                return;
            }
            let Some(ctx) = judge.context(root) else { return };
            judge.top(root);
            judge.spec = single_spec(judge.options.version, root);
            judge.object(&ctx);
            table.version(judge, root);
            id = Some(judge.id().to_owned());
        });
        id.filter(|id| !id.is_empty())
    }

    /// Reads a tree, tells its faults, runs the checks, hands out the findings in order.
    fn tree(
        &mut self,
        text: &str,
        base: usize,
        prefix: &str,
        sink: Sink<'_>,
        checks: impl FnOnce(&mut Judge<'_>, &Tree<'_>),
    ) {
        self.judge.begin(base, prefix);
        if text.len() > limits::OBJECT_LEN_MAX {
            let problem = "an object of more than 16 MiB";
            self.name(text);
            self.judge.fault(Fault { rule: "LIMIT-2", offset: 0, problem }, text.as_bytes());
            self.judge.end(None, sink);
            return;
        }
        match self.arena.read(text) {
            Err(fault) => {
                self.name(text);
                self.judge.fault(fault, text.as_bytes());
                self.judge.end(None, sink);
            }
            Ok(tree) => {
                for fault in tree.faults() {
                    self.judge.name_of(tree.root());
                    self.judge.fault(*fault, text.as_bytes());
                }
                checks(&mut self.judge, &tree);
                self.judge.end(Some(&tree), sink);
                self.arena = tree.into_arena();
            }
        }
    }

    /// Tells the judge the id of an object that no tree holds, where its head can be read.
    fn name(&mut self, text: &str) {
        if let Ok(head) = Head::parse(text.as_bytes()) {
            self.judge.name(&head.id);
        }
    }

    fn fail(&mut self, fault: Fault, base: usize, sink: Sink<'_>) {
        if fault.rule != "JSON-5" {
            self.judge.unreadable = Some("not JSON");
        }
        self.judge.begin(base, "");
        self.judge.fault(fault, self.document);
        self.judge.end(None, sink);
    }

    /// A slice of the document as text, and where it begins there.
    fn part(&self, part: &'a [u8]) -> (&'a str, usize) {
        let base = (part.as_ptr() as usize).saturating_sub(self.document.as_ptr() as usize);
        // INVARIANT: a value begins and ends in ASCII.
        (self.text.get(base..base + part.len()).unwrap_or_default(), base)
    }
}

impl Judge<'_> {
    /// The object's `type`, or a finding that it has none.
    fn context<'t>(&mut self, root: Value<'t>) -> Option<Context<'t>> {
        if root.kind() != Kind::Object {
            self.unreadable.get_or_insert("a value that is no object");
            self.error("STIX-8.1-02", root, "a STIX object");
            return None;
        }
        let Some(value) = root.get("type") else {
            self.unreadable.get_or_insert("an object without `type`");
            self.name_of(root);
            self.missing("type", root, "3.2");
            return None;
        };
        let name = self.text(value)?;
        Some(Context::new(root, name))
    }

    /// What a top-level object must have to be one.
    fn top(&mut self, root: Value<'_>) {
        if root.get("id").is_none() {
            self.unreadable.get_or_insert("an object without `id`");
        }
    }
}

/// The edition of an object outside a bundle: the option, its `spec_version`, else 2.1.
fn single_spec(option: Option<Spec>, root: Value<'_>) -> Spec {
    option.unwrap_or(match root.get("spec_version").and_then(Value::as_str) {
        Some("2.0") => Spec::V20,
        _ => Spec::V21,
    })
}

/// The text of a bundle with one number in place of its objects, and where how many bytes lack.
fn hollow(whole: &str, members: &[&[u8]]) -> (String, (usize, usize)) {
    let start = whole.as_ptr() as usize;
    let (Some(first), Some(last)) = (members.first(), members.last()) else {
        return (whole.to_owned(), (usize::MAX, 0));
    };
    let from = (first.as_ptr() as usize).saturating_sub(start);
    let to = (last.as_ptr() as usize).saturating_sub(start) + last.len();
    let (before, behind) = (whole.get(..from), whole.get(to..));
    let frame = [before.unwrap_or_default(), "0", behind.unwrap_or_default()].concat();
    (frame, (from, to.saturating_sub(from + 1)))
}
