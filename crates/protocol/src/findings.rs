//! Dirty data: what becomes of an object in which the standard's rules find something.
//!
//! Real data breaks rules, and a node that refused it would be of no use; one that took it without
//! a word would be of less. So a service says, for what its own people submit and for each
//! partner, how each level of finding is treated, with exceptions by rule. What cannot be kept at
//! all (no usable type, id or version) is refused whatever a policy says, since there is nothing to
//! keep.
//!
//! What a person says is a change of what holds otherwise, written as a line or as an object:
//!
//! ```
//! # use protocol::findings::{FindingsChange, FindingsPolicy, Treatment};
//! let change: FindingsChange = "error=refuse 103=accept".parse().unwrap();
//! let same = serde_json::from_str(r#"{"error":"refuse","rules":{"103":"accept"}}"#).unwrap();
//! assert_eq!(change, same);
//! let policy = FindingsPolicy::at_intake().with(&change);
//! assert_eq!(policy.warning, Treatment::AcceptWithFindings);
//! ```

use std::{borrow::Cow, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use stix::{Finding, Level};

pub use crate::terms::Treatment;

/// Exceptions that one policy may have.
const RULES_MAX: usize = 200;
/// Rules of which one object keeps what was found.
const FOUND_MAX: usize = 32;

/// Why a policy could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No `name=treatment`.
    #[error("a policy is written as `error=quarantine warning=accept 103=refuse`")]
    Form,
    /// No such treatment.
    #[error("a treatment is one of: accept, accept-with-findings, quarantine, refuse")]
    Treatment,
    /// No level, no check and no rule's id.
    #[error("no rule of that name: error, warning, note, a check's number or name, or a rule's id")]
    Rule,
    /// Too many exceptions.
    #[error("a policy has at most 200 exceptions")]
    Many,
}

/// A rule that findings name, by its id: `STIX-2.9-06`, `JSON-2`, `103`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Rule(String);

impl Rule {
    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Rule {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Rule {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl FromStr for Rule {
    type Err = Error;

    /// A check goes by its number or its name; findings name it by its number.
    fn from_str(text: &str) -> Result<Self, Error> {
        let check = stix::validate::CHECKS.iter().find(|check| check.name == text);
        if let Some(check) = check {
            return Ok(Self(check.rule.to_owned()));
        }
        let is_check = stix::validate::CHECKS.iter().any(|check| check.rule == text);
        let families = ["STIX-", "STIX20-", "JSON-", "LIMIT-"];
        let numbered = families.iter().find_map(|family| text.strip_prefix(family));
        let is_number = numbered.is_some_and(|number| {
            number.len() <= 24
                && number.ends_with(|c: char| c.is_ascii_digit())
                && number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'S'))
        });
        if is_check || is_number { Ok(Self(text.to_owned())) } else { Err(Error::Rule) }
    }
}

/// How each level of finding is treated, with exceptions by rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FindingsPolicy {
    /// A MUST is violated.
    pub error: Treatment,
    /// A SHOULD is violated.
    pub warning: Treatment,
    /// Neither.
    pub note: Treatment,
    /// What holds for single rules instead, graver or milder.
    pub rules: BTreeMap<Rule, Treatment>,
}

impl FindingsPolicy {
    /// The default at the desk: whoever submits is told everything, and nothing is lost.
    ///
    /// *Source*: STIX design, section 9.
    pub fn at_submit() -> Self {
        Self {
            error: Treatment::AcceptWithFindings,
            warning: Treatment::AcceptWithFindings,
            note: Treatment::Accept,
            rules: BTreeMap::new(),
        }
    }

    /// The default at intake: an object that breaks a MUST stands apart, its neighbours come in.
    ///
    /// *Source*: STIX design, section 9.
    pub fn at_intake() -> Self {
        Self { error: Treatment::Quarantine, ..Self::at_submit() }
    }

    /// This policy but for what a change names.
    #[must_use]
    pub fn with(mut self, change: &FindingsChange) -> Self {
        let FindingsChange { error, warning, note, rules } = change;
        self.error = error.unwrap_or(self.error);
        self.warning = warning.unwrap_or(self.warning);
        self.note = note.unwrap_or(self.note);
        for (rule, treatment) in rules {
            match treatment {
                Some(treatment) => self.rules.insert(rule.clone(), *treatment),
                None => self.rules.remove(rule),
            };
        }
        self
    }

    /// How a finding of a rule is treated.
    pub fn treatment(&self, rule: &str, level: Level) -> Treatment {
        if let Some(exception) = self.rules.get(rule) {
            return *exception;
        }
        match level {
            Level::Error => self.error,
            Level::Warning => self.warning,
            Level::Note => self.note,
        }
    }
}

impl fmt::Display for FindingsPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error={} warning={} note={}", self.error, self.warning, self.note)?;
        self.rules.iter().try_for_each(|(rule, held)| write!(f, " {}={held}", rule.as_str()))
    }
}

/// In what one policy differs from another: what a person says, and what is kept for a partner or
/// a collection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FindingsChange {
    /// A MUST is violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Treatment>,
    /// A SHOULD is violated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Treatment>,
    /// Neither.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Treatment>,
    /// What holds for single rules; none: what holds for their level.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "exceptions")]
    pub rules: BTreeMap<Rule, Option<Treatment>>,
}

/// Exceptions, as many as one policy may have.
fn exceptions<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<Rule, Option<Treatment>>, D::Error> {
    let rules: BTreeMap<Rule, Option<Treatment>> = BTreeMap::deserialize(from)?;
    if rules.len() > RULES_MAX { Err(serde::de::Error::custom(Error::Many)) } else { Ok(rules) }
}

impl FindingsChange {
    /// This change and then another: what both name is as the later says.
    ///
    /// *Errors*: [`Error::Many`].
    pub fn then(mut self, later: Self) -> Result<Self, Error> {
        self.error = later.error.or(self.error);
        self.warning = later.warning.or(self.warning);
        self.note = later.note.or(self.note);
        self.rules.extend(later.rules);
        if self.rules.len() > RULES_MAX { Err(Error::Many) } else { Ok(self) }
    }
}

impl FromStr for FindingsChange {
    type Err = Error;

    /// `error=quarantine warning=accept 103=refuse`; `103=default` takes an exception back.
    fn from_str(text: &str) -> Result<Self, Error> {
        let mut change = Self::default();
        for word in text.split([' ', ',']).filter(|word| !word.is_empty()) {
            let (name, treatment) = word.split_once('=').ok_or(Error::Form)?;
            let read = || treatment.parse().map_err(|_| Error::Treatment);
            match name {
                "error" => change.error = Some(read()?),
                "warning" => change.warning = Some(read()?),
                "note" => change.note = Some(read()?),
                rule => {
                    let held = if treatment == "default" { None } else { Some(read()?) };
                    change.rules.insert(rule.parse()?, held);
                }
            }
        }
        if change.rules.len() > RULES_MAX { Err(Error::Many) } else { Ok(change) }
    }
}

/// What one rule found in one object.
///
/// *Shape*: small enough to be kept beside every object; the rest follows from the object's bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The rule's id.
    pub rule: Cow<'static, str>,
    /// How grave.
    pub level: Level,
    /// The first place, a JSON pointer as it may be shown.
    #[serde(default, rename = "pointer")]
    pub place: String,
    /// At how many places.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: u32,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_one(count: &u32) -> bool {
    *count == 1
}

impl fmt::Display for Found {
    /// `STIX-2.9-06 at /id`, `401 at /x_lamp and 3 more places`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.place.is_empty() { "its top" } else { &self.place };
        write!(f, "{} at {place}", self.rule)?;
        match self.count {
            0 | 1 => Ok(()),
            2 => f.write_str(" and one more place"),
            count => write!(f, " and {} more places", count - 1),
        }
    }
}

/// What a policy makes of one object: filled finding by finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    treatment: Treatment,
    found: Vec<Found>,
    decided: Option<usize>,
    /// Rules that found something and are not kept, because there are too many.
    left_out: u32,
}

impl Default for Verdict {
    fn default() -> Self {
        Self { treatment: Treatment::Accept, found: Vec::new(), decided: None, left_out: 0 }
    }
}

impl Verdict {
    /// Takes a finding into account; what the policy accepts without a word leaves no trace.
    pub fn weigh(&mut self, finding: &Finding, policy: &FindingsPolicy) {
        let treatment = policy.treatment(finding.rule, finding.level);
        if treatment == Treatment::Accept {
            return;
        }
        let graver = treatment > self.treatment;
        let known = self.found.iter().position(|found| found.rule == finding.rule);
        let place = match known {
            Some(place) => {
                if let Some(found) = self.found.get_mut(place) {
                    found.count = found.count.saturating_add(1);
                    found.level = found.level.max(finding.level);
                }
                place
            }
            // What decides is kept, however much was found before it.
            None if self.found.len() < FOUND_MAX || graver => {
                self.found.push(Found {
                    rule: Cow::Borrowed(finding.rule),
                    level: finding.level,
                    place: finding.place(),
                    count: 1,
                });
                self.found.len() - 1
            }
            None => {
                self.left_out = self.left_out.saturating_add(1);
                return;
            }
        };
        if graver {
            (self.treatment, self.decided) = (treatment, Some(place));
        }
    }

    /// What becomes of the object: the gravest treatment that any finding asks for.
    pub fn treatment(&self) -> Treatment {
        self.treatment
    }

    /// What was found, one row a rule, in the order of the object.
    pub fn found(&self) -> &[Found] {
        &self.found
    }

    /// The finding that decided; none where nothing was found.
    pub fn decided_by(&self) -> Option<&Found> {
        self.decided.and_then(|place| self.found.get(place))
    }

    /// Whether a MUST is violated.
    pub fn has_error(&self) -> bool {
        self.found.iter().any(|found| found.level == Level::Error)
    }

    /// What was found as it is kept beside the object; none where nothing was.
    pub fn kept(&self) -> Option<String> {
        (!self.found.is_empty()).then(|| serde_json::to_string(&self.found).unwrap_or_default())
    }
}

/// Reads what was kept beside an object; nothing that is not of this shape is an error.
pub fn kept(text: Option<&str>) -> Vec<Found> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// One sentence for people and tools: the rules with their places, the first few of many.
pub fn told(found: &[Found]) -> String {
    const SHOWN: usize = 4;
    let shown: Vec<_> = found.iter().take(SHOWN).map(Found::to_string).collect();
    let shown = shown.join("; ");
    match found.len().saturating_sub(SHOWN) {
        0 => shown,
        1 => format!("{shown}; and one more rule"),
        more => format!("{shown}; and {more} more rules"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "tool--5d1b7c2e-0f3a-4e7a-9c35-1f7be0d4a921";

    fn at_submit(change: &str) -> FindingsPolicy {
        FindingsPolicy::at_submit().with(&change.parse().unwrap())
    }

    /// Two warnings of one check (401), one of another (222), an error.
    fn verdict(policy: &str) -> Verdict {
        let text = format!(
            r#"{{"type":"tool","id":"{ID}","spec_version":"2.1","name":"lamp","x_a":1,"x_b":2,
            "created":"2031-01-01T00:00:00.000Z","modified":"2031-01-01T00:00:00.000Z",
            "tool_types":["lamp"],"confidence":400}}"#
        );
        let policy = at_submit(policy);
        let options = stix::Options::default();
        let mut verdict = Verdict::default();
        let mut sink = |finding: &Finding| verdict.weigh(finding, &policy);
        let unknown = |_: &str| stix::Marking::Unknown;
        stix::Examiner::new(&options).examine(text.as_bytes(), &unknown, &mut sink).unwrap();
        verdict
    }

    fn rules(verdict: &Verdict) -> Vec<(&str, u32)> {
        verdict.found.iter().map(|found| (found.rule.as_ref(), found.count)).collect()
    }

    #[test]
    fn verdict_is_the_gravest_treatment_and_names_what_decided() {
        let all = verdict("error=quarantine");
        assert_eq!(all.treatment(), Treatment::Quarantine);
        assert_eq!(rules(&all), [("401", 2), ("222", 1), ("STIX-3.2-10", 1)]);
        assert_eq!(all.decided_by().unwrap().place, "/confidence");
        assert!(all.has_error());
        let quiet = verdict("error=accept warning=accept");
        assert_eq!((quiet.treatment(), quiet.kept()), (Treatment::Accept, None));
        assert_eq!(verdict("warning=refuse").treatment(), Treatment::Refuse);
    }

    #[test]
    fn exception_of_a_rule_is_graver_or_milder_than_its_level() {
        let graver = verdict("error=accept tool-types=refuse");
        assert_eq!(graver.treatment(), Treatment::Refuse);
        assert_eq!(graver.decided_by().unwrap().rule, "222");
        let milder = verdict("error=refuse STIX-3.2-10=accept 401=accept");
        assert_eq!(milder.treatment(), Treatment::AcceptWithFindings);
        assert_eq!(rules(&milder), [("222", 1)]);
    }

    #[test]
    fn change_reads_back_and_changes_only_what_it_names() {
        let text = "error=refuse 103=accept STIX-2.9-06=accept";
        let policy = at_submit(text);
        assert_eq!(
            policy.to_string(),
            "error=refuse warning=accept-with-findings note=accept 103=accept STIX-2.9-06=accept"
        );
        let change: FindingsChange = text.parse().unwrap();
        let json = serde_json::to_string(&change).unwrap();
        assert_eq!(serde_json::from_str::<FindingsChange>(&json).unwrap(), change);
        let later = change.then("uuid-check=default warning=accept".parse().unwrap()).unwrap();
        assert_eq!(
            policy.with(&later).to_string(),
            "error=refuse warning=accept note=accept STIX-2.9-06=accept"
        );
    }

    #[test]
    fn change_that_cannot_be_meant_is_refused() {
        let read = |text: &str| text.parse::<FindingsChange>().unwrap_err();
        assert_eq!(read("error"), Error::Form);
        assert_eq!(read("error=drop"), Error::Treatment);
        assert_eq!(read("error=default"), Error::Treatment);
        for rule in ["104", "STIX-x", "STIX-", "../x", "lamps", "STIX-1\u{202e}1", "errors"] {
            assert_eq!(read(&format!("{rule}=accept")), Error::Rule, "{rule}");
        }
        let many: Vec<_> = (0..=200).map(|n| format!("STIX-1-{n}=accept")).collect();
        assert_eq!(read(&many.join(" ")), Error::Many);
        let many: Vec<_> = (0..=200).map(|n| format!(r#""STIX-1-{n}":null"#)).collect();
        let many = format!(r#"{{"rules":{{{}}}}}"#, many.join(","));
        for json in [r#"{"errors":"accept"}"#, r#"{"rules":{"x":null}}"#, r#"{"error":1}"#, &many] {
            assert!(serde_json::from_str::<FindingsChange>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn what_is_kept_reads_back_and_is_told_in_a_sentence() {
        let all = verdict("");
        assert_eq!(kept(all.kept().as_deref()), all.found());
        let told = told(all.found());
        assert_eq!(
            told,
            "401 at /x_a and one more place; 222 at /tool_types/0; STIX-3.2-10 at /confidence"
        );
        // As it was kept before there were policies: one row a finding, with more beside it.
        let old = r#"[{"rule":"STIX-3.2-10","level":"error","pointer":"/confidence","offset":7,
            "found":"400","expected":"0 to 100","clause":"3.2"}]"#;
        assert_eq!(kept(Some(old)), all.found()[2..]);
        assert_eq!(kept(Some("x")), []);
    }

    /// Whatever an object is made of, what is kept beside it stays small.
    #[test]
    fn what_is_kept_of_a_hostile_object_is_bounded() {
        let (policy, mut verdict) = (FindingsPolicy::at_submit(), Verdict::default());
        let key = "\u{202e}x".repeat(100_000);
        let text = format!(r#"{{"type":"tool","id":"{ID}","spec_version":"2.1","{key}":[null]}}"#);
        let (options, unknown) = (stix::Options::default(), |_: &str| stix::Marking::Unknown);
        let mut sink = |finding: &Finding| verdict.weigh(finding, &policy);
        stix::Examiner::new(&options).examine(text.as_bytes(), &unknown, &mut sink).unwrap();
        assert!(verdict.found().len() > 1);
        assert!(verdict.kept().unwrap().len() < 10_000);
    }
}
