//! What one object's checks share: the options, the place in the document, where findings go.

use std::{borrow::Cow, ops::Range};

use super::{
    FINDINGS_PER_OBJECT_MAX, Options, Report, Sink,
    checks::check_of,
    seen::{Key, Set},
};
use crate::{
    Finding, FindingKind, Level, Spec,
    finding::escape_into,
    markings::scheme::Body,
    tree::{Fault, Kind, Pointers, Tree, Value},
};

/// A finding whose texts are not written yet: most callers look at one finding at a time, so all of
/// them share the buffers of one.
struct Draft {
    /// Where it stands in the object's text: its pointer is made from it, in order, so that no part
    /// of the tree is walked twice.
    place: usize,
    /// Where it stands in the document.
    offset: usize,
    rule: &'static str,
    level: Level,
    clause: &'static str,
    /// Whether the object's id was known.
    is_named: bool,
    found: Found,
    expected: Cow<'static, str>,
    /// The name of [`FindingKind::Custom`] is empty here: it stands in `name`.
    kind: FindingKind,
    name: Range<usize>,
}

/// A rule and the clause that has it.
type Rule = (&'static str, &'static str);

/// What a draft shows.
enum Found {
    Nothing,
    /// A value of the tree at hand, by its place there.
    Value(u32),
    /// A stretch of [`Judge::texts`].
    Text(Range<usize>),
}

/// Judges one object: collects its findings until they are handed out in order.
pub(super) struct Judge<'o> {
    pub(super) options: &'o Options<'o>,
    pub(super) report: Report,
    /// Findings of the object at hand, told in the order of their places when all are made.
    drafts: Vec<Draft>,
    /// Texts of these drafts that stand nowhere in the tree.
    texts: String,
    /// The finding that is handed out: one for the whole document, so that its texts are written
    /// into the same buffers again and again.
    finding: Finding,
    /// The buffer of [`FindingKind::Custom`], while the finding is of another kind.
    spare: String,
    /// Byte offset of the object in the document.
    base: usize,
    /// JSON pointer of the object in the document.
    prefix: String,
    /// Id of the object.
    id: String,
    /// The same, as its findings show it: escaped once, where there are any.
    shown_id: String,
    /// The edition it is checked by.
    pub(super) spec: Spec,
    unhanded: usize,
    /// From which offset on how many bytes lack in the text: the objects of a bundle's frame.
    pub(super) gap: (usize, usize),
    /// What keeps the document from being judged as STIX.
    pub(super) unreadable: Option<&'static str>,
    /// The marking scheme whose body is looked at: its rule is that of every finding.
    pub(super) scheme: Option<&'static Body>,
    key: Key,
    /// Patterns of the document with which nothing is wrong.
    sound_patterns: Set,
}

impl<'o> Judge<'o> {
    pub(super) fn new(options: &'o Options<'o>) -> Self {
        Self {
            options,
            report: Report::default(),
            drafts: Vec::new(),
            texts: String::new(),
            finding: Finding::error("", "", String::new(), "", ""),
            spare: String::new(),
            base: 0,
            prefix: String::new(),
            id: String::new(),
            shown_id: String::new(),
            spec: Spec::V21,
            unhanded: 0,
            gap: (usize::MAX, 0),
            unreadable: None,
            scheme: None,
            key: Key::default(),
            sound_patterns: Set::default(),
        }
    }

    /// Turns to the next object.
    pub(super) fn begin(&mut self, base: usize, prefix: &str) {
        self.base = base;
        self.prefix.clear();
        self.prefix.push_str(prefix);
        self.id.clear();
        self.texts.clear();
        self.unhanded = 0;
        self.spec = Spec::V21;
    }

    pub(super) fn name(&mut self, id: &str) {
        self.id.clear();
        self.id.push_str(id);
    }

    /// Findings from here on are of the object of this id, where it has one.
    pub(super) fn name_of(&mut self, object: Value<'_>) {
        if let Some(id) = object.get("id").and_then(Value::as_str) {
            self.name(id);
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Hands out the findings of the object in the order of the document.
    pub(super) fn end(&mut self, tree: Option<&Tree<'_>>, sink: Sink<'_>) {
        self.gap = (usize::MAX, 0);
        if self.drafts.is_empty() && self.unhanded == 0 {
            return;
        }
        self.shown_id.clear();
        escape_into(&self.id, &mut self.shown_id);
        let mut drafts = std::mem::take(&mut self.drafts);
        drafts.sort_by_key(|draft| draft.place);
        let mut pointers = Pointers::default();
        for draft in drafts.drain(..) {
            let place = draft.place;
            self.render(draft, tree);
            if let Some(tree) = tree {
                pointers.write(tree.root(), place, &mut self.finding.pointer);
            }
            sink(&self.finding);
        }
        self.drafts = drafts;
        if self.unhanded > 0 {
            let expected = format!("{} more findings of this object are not shown", self.unhanded);
            let draft = self.draft(0, of("LIMIT-8"), Level::Note, expected.into());
            self.report.notes += 1;
            self.report.uncounted += self.unhanded;
            self.render(draft, None);
            self.finding.offset = self.base;
            sink(&self.finding);
        }
    }

    /// Writes a draft into the finding that is handed out; its pointer ends at the object.
    fn render(&mut self, draft: Draft, tree: Option<&Tree<'_>>) {
        let finding = &mut self.finding;
        (finding.rule, finding.level, finding.clause) = (draft.rule, draft.level, draft.clause);
        (finding.offset, finding.expected) = (draft.offset, draft.expected);
        finding.object.clear();
        finding.object.push_str(if draft.is_named { &self.shown_id } else { "" });
        finding.pointer.clear();
        finding.pointer.push_str(&self.prefix);
        finding.found.clear();
        match (draft.found, tree) {
            (Found::Value(at), Some(tree)) => {
                escape_into(shown(tree.value(at)), &mut finding.found);
            }
            (Found::Text(range), _) => {
                escape_into(self.texts.get(range).unwrap_or_default(), &mut finding.found);
            }
            _ => {}
        }
        if let FindingKind::Custom(name) = &mut finding.kind {
            self.spare = std::mem::take(name);
        }
        finding.kind = draft.kind;
        if let FindingKind::Custom(name) = &mut finding.kind {
            *name = std::mem::take(&mut self.spare);
            name.clear();
            escape_into(self.texts.get(draft.name).unwrap_or_default(), name);
        }
    }

    /// What a pattern is known by, once it is found sound: its edition is a part of it.
    pub(super) fn pattern_key(&self, pattern: &str, spec: Spec) -> u64 {
        self.key.hash((pattern, spec == Spec::V20, self.spec == Spec::V20))
    }

    pub(super) fn is_sound_pattern(&self, key: u64) -> bool {
        self.sound_patterns.contains(&key)
    }

    pub(super) fn remember_sound_pattern(&mut self, key: u64) {
        self.sound_patterns.insert(key);
    }

    fn true_offset(&self, offset: usize) -> usize {
        if offset > self.gap.0 { offset + self.gap.1 } else { offset }
    }

    fn draft(
        &self,
        place: usize,
        (rule, clause): Rule,
        level: Level,
        expected: Cow<'static, str>,
    ) -> Draft {
        Draft {
            place,
            offset: self.base + self.true_offset(place),
            rule,
            level,
            clause,
            is_named: !self.id.is_empty(),
            found: Found::Nothing,
            expected,
            kind: FindingKind::Plain,
            name: 0..0,
        }
    }

    /// Keeps a text that a draft shows.
    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.texts.len();
        self.texts.push_str(text);
        start..self.texts.len()
    }

    /// Whether one more finding of a level is still shown; counts it either way.
    fn counts(&mut self, level: Level) -> bool {
        self.report.count(level);
        let shown = self.drafts.len() < FINDINGS_PER_OBJECT_MAX;
        self.unhanded += usize::from(!shown);
        shown
    }

    fn put(
        &mut self,
        rule: Rule,
        level: Level,
        at: Value<'_>,
        expected: impl Into<Cow<'static, str>>,
        kind: FindingKind,
    ) -> Option<&mut Draft> {
        // A scheme's text is no part of the standard: what it asks violates no MUST of STIX.
        let (rule, level) = match self.scheme {
            Some(scheme) => ((scheme.rule, scheme.name()), level.min(Level::Warning)),
            None => (rule, level),
        };
        let level = if self.options.strict { level.strict() } else { level };
        if !self.counts(level) {
            return None;
        }
        let mut draft = self.draft(at.offset(), rule, level, expected.into());
        (draft.found, draft.kind) = (Found::Value(at.place()), kind);
        self.drafts.push(draft);
        self.drafts.last_mut()
    }

    /// A MUST is violated at a value.
    pub(super) fn error(
        &mut self,
        rule: &'static str,
        at: Value<'_>,
        expected: impl Into<Cow<'static, str>>,
    ) {
        self.put(of(rule), Level::Error, at, expected, FindingKind::Plain);
    }

    /// A value is not of its type: the MUST is that of section 12.1, the clause the type's.
    pub(super) fn mistyped(&mut self, clause: &'static str, at: Value<'_>, what: &'static str) {
        self.put((CONFORM, clause), Level::Error, at, what, FindingKind::Plain);
    }

    /// A required property is missing.
    pub(super) fn missing(&mut self, name: &'static str, of: Value<'_>, clause: &'static str) {
        let expected = format!("the required property `{name}`");
        let kind = FindingKind::Required(name);
        if let Some(draft) = self.put((REQUIRED, clause), Level::Error, of, expected, kind) {
            draft.found = Found::Nothing;
        }
    }

    /// Two timestamps stand in the wrong order.
    pub(super) fn disorder(
        &mut self,
        rule: &'static str,
        at: Value<'_>,
        later: &'static str,
        earlier: &'static str,
    ) {
        let expected = format!("later than `{earlier}`");
        self.put(of(rule), Level::Error, at, expected, FindingKind::Order(later, earlier));
    }

    /// A SHOULD check fails at a value.
    pub(super) fn warn(
        &mut self,
        number: u16,
        at: Value<'_>,
        expected: impl Into<Cow<'static, str>>,
    ) {
        if self.options.checks.has(number, self.spec)
            && let Some(check) = check_of(number)
        {
            let rule = (check.rule, check.clause);
            self.put(rule, Level::Warning, at, expected, FindingKind::Plain);
        }
    }

    /// Custom content stands outside the extension mechanism.
    pub(super) fn warn_custom(&mut self, name: &str, at: Value<'_>, expected: &'static str) {
        if self.options.checks.has(401, self.spec)
            && let Some(check) = check_of(401)
        {
            let name = self.keep(name);
            let kind = FindingKind::Custom(String::new());
            let rule = (check.rule, check.clause);
            if let Some(draft) = self.put(rule, Level::Warning, at, expected, kind) {
                draft.name = name;
            }
        }
    }

    /// Something that neither a MUST nor a numbered SHOULD decides.
    pub(super) fn remark(
        &mut self,
        rule: &'static str,
        level: Level,
        at: Value<'_>,
        expected: impl Into<Cow<'static, str>>,
    ) {
        self.put(of(rule), level, at, expected, FindingKind::Plain);
    }

    /// A language of three letters.
    pub(super) fn note_language(&mut self, at: Value<'_>) {
        let expected = "an RFC 5646 tag; three letters are ISO 639-2, as in STIX 2.0";
        let kind = FindingKind::ThreeLetterLanguage;
        self.put(of("STIX-6.14.1-03"), Level::Note, at, expected, kind);
    }

    /// A finding at a place inside a text, which has no value of its own.
    pub(super) fn inside(
        &mut self,
        (rule, level): (&'static str, Level),
        at: Value<'_>,
        found: &str,
        expected: impl Into<Cow<'static, str>>,
    ) {
        let found = self.keep(found);
        if let Some(draft) = self.put(of(rule), level, at, expected, FindingKind::Plain) {
            draft.found = Found::Text(found);
        }
    }

    /// A rule of JSON itself is broken.
    pub(super) fn fault(&mut self, fault: Fault, text: &[u8]) {
        let level = if fault.rule == "JSON-7" { Level::Warning } else { Level::Error };
        let level = if self.options.strict { level.strict() } else { level };
        if !self.counts(level) {
            return;
        }
        let end = (fault.offset + 20).min(text.len());
        let here = text.get(fault.offset..end).unwrap_or_default();
        let here = String::from_utf8_lossy(here);
        let expected = format!("JSON without this: {}", fault.problem);
        let mut draft = self.draft(fault.offset, of(fault.rule), level, expected.into());
        (draft.found, draft.kind) =
            (Found::Text(self.keep(&here)), FindingKind::Fault(fault.problem));
        self.drafts.push(draft);
    }
}

/// What stands at a value, as findings show it: of a container only its kind.
fn shown(at: Value<'_>) -> &str {
    match at.kind() {
        Kind::Object | Kind::List if !at.is_empty() => at.kind().name(),
        _ => at.source(),
    }
}

/// MUST of section 3.1: required properties are there.
pub(super) const REQUIRED: &str = "STIX-3.1-14";
/// MUST of section 12.1: every property has its type.
pub(super) const CONFORM: &str = "STIX-12.1-03";

/// A rule with its clause, which its id tells.
fn of(rule: &'static str) -> Rule {
    (rule, clause_of(rule))
}

fn clause_of(rule: &'static str) -> &'static str {
    if let Some(section) = rule.strip_prefix("STIX-") {
        return section.rsplit_once('-').map_or(section, |(clause, _)| clause);
    }
    if let Ok(number) = rule.parse() {
        return check_of(number).map_or("", |check| check.clause);
    }
    match rule {
        "JSON-2" | "JSON-4" | "JSON-6" => "RFC 7493",
        "JSON-3" => "RFC 3629",
        rule if rule.starts_with("JSON") => "RFC 8259",
        rule if rule.starts_with("STIX20") => "STIX 2.0",
        "enforce-refs" => "3.3",
        "interop" => "STIX 2.1 Interoperability",
        "SCHEMA" => "the user's schema",
        _ => "",
    }
}

impl Level {
    /// The level when warnings count as errors.
    fn strict(self) -> Self {
        if self == Self::Warning { Self::Error } else { self }
    }
}
