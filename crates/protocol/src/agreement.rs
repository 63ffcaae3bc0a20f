//! The agreement: a text that people sign, parameters that machines apply, and the decision.
//!
//! The bytes of the text are what is signed; their SHA-256 is the agreement's id. Between two
//! lines `+++` stand the parameters in TOML, so that what machines apply is part of what people
//! read and sign. [`decide`] is pure and names the article that decided; [`Permit`] can be made
//! only here, and `store` asks for one before anything leaves or enters.

use std::{collections::BTreeSet, fmt::Write as _};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use stix::Tlp;

use crate::terms::{
    AgreementId, Digest, Direction, NodeName, Precedence, StatementType, Status, Timestamp, Topic,
    limits,
};

/// Why a text is no agreement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Longer than [`limits::AGREEMENT_LEN_MAX`].
    #[error("AGR-1: the text is longer than {} bytes", limits::AGREEMENT_LEN_MAX)]
    TooLarge,
    /// Not UTF-8.
    #[error("AGR-2: the text is not UTF-8")]
    Encoding,
    /// No parameters between two lines `+++`.
    #[error("AGR-3: no parameters: two lines `+++` with the parameters between them are expected")]
    NoParameters,
    /// The parameters do not read as TOML of the expected shape.
    #[error("AGR-4: line {line}: {problem}")]
    Parameter {
        /// Line of the text, from 1.
        line: usize,
        /// What is wrong, in the TOML reader's words.
        problem: String,
    },
    /// The parameters read, yet contradict one another.
    #[error("AGR-5: {0}")]
    Contradiction(&'static str),
}

/// Who lets a release go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseRule {
    /// The drafter's submission releases.
    OnSubmit,
    /// A releaser who did not draft it confirms.
    SecondPerson,
}

/// What may flow under one topic, and how.
#[derive(Debug, Clone)]
pub struct TopicTerms {
    /// The compartment.
    pub topic: Topic,
    /// Which way it flows.
    pub direction: Direction,
    /// The highest marking that may cross.
    pub ceiling: Tlp,
    /// The precedences that may be used.
    pub precedence: Vec<Precedence>,
    /// Who lets a release go.
    pub release: ReleaseRule,
    /// How long the recipient may keep it, in days.
    pub retention_days: u32,
}

/// An agreement that was read, not yet one that is in force.
#[derive(Debug, Clone)]
pub struct Agreement {
    id: AgreementId,
    text: Vec<u8>,
    title: String,
    parties: Vec<NodeName>,
    from: Timestamp,
    until: Option<Timestamp>,
    precedence: Precedence,
    topics: Vec<TopicTerms>,
    supersedes: Option<AgreementId>,
    policy_digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    version: u32,
    title: String,
    parties: Vec<NodeName>,
    from: Timestamp,
    until: Option<Timestamp>,
    supersedes: Option<AgreementId>,
    #[serde(default)]
    defaults: Defaults,
    topic: Vec<TopicParameters>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Defaults {
    precedence: Option<Precedence>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TopicParameters {
    name: Topic,
    direction: Direction,
    ceiling: Tlp,
    #[serde(default)]
    precedence: Vec<Precedence>,
    #[serde(default = "second_person")]
    release: ReleaseRule,
    #[serde(default = "five_years")]
    retention_days: u32,
}

fn second_person() -> ReleaseRule {
    ReleaseRule::SecondPerson
}

fn five_years() -> u32 {
    1_825
}

impl Agreement {
    /// Reads a text.
    ///
    /// *Errors*: rules AGR-1 to AGR-5, with the line where one can be named.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        if text.len() > limits::AGREEMENT_LEN_MAX {
            return Err(Error::TooLarge);
        }
        let words = std::str::from_utf8(text).map_err(|_| Error::Encoding)?;
        let (first_line, parameters) = parameters_of(words)?;
        let read: Parameters = toml::from_str(parameters).map_err(|problem| {
            let offset = problem.span().map_or(0, |span| span.start);
            let lines = parameters.get(..offset).map_or(0, |before| before.matches('\n').count());
            Error::Parameter {
                line: first_line + lines,
                problem: first_sentence(problem.message()),
            }
        })?;
        read.check()?;
        let id = AgreementId(Digest(Sha256::digest(text).into()));
        Ok(read.into_agreement(id, text))
    }

    /// Its id: SHA-256 of its bytes.
    pub fn id(&self) -> AgreementId {
        self.id
    }

    /// The bytes that people sign.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// Its title.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Its parties, in the order of the text.
    pub fn parties(&self) -> &[NodeName] {
        &self.parties
    }

    /// Its topics, in the order of the text.
    pub fn topics(&self) -> &[TopicTerms] {
        &self.topics
    }

    /// The terms of one topic.
    pub fn topic(&self, topic: &Topic) -> Option<&TopicTerms> {
        self.topics.iter().find(|terms| terms.topic == *topic)
    }

    /// The precedence of a release that names none.
    pub fn precedence(&self) -> Precedence {
        self.precedence
    }

    /// From when it holds, and until when.
    pub fn term(&self) -> (Timestamp, Option<Timestamp>) {
        (self.from, self.until)
    }

    /// The agreement of the same parties whose place it takes.
    pub fn supersedes(&self) -> Option<AgreementId> {
        self.supersedes
    }

    /// The parties other than `me`.
    pub fn others(&self, me: &NodeName) -> Vec<NodeName> {
        self.parties.iter().filter(|party| *party != me).cloned().collect()
    }

    /// Whether `sender` may send under these terms at all.
    pub fn flows_from(&self, terms: &TopicTerms, sender: &NodeName) -> bool {
        let first = self.parties.first() == Some(sender);
        match terms.direction {
            Direction::Both => self.parties.contains(sender),
            Direction::FirstToSecond => first,
            Direction::SecondToFirst => !first && self.parties.contains(sender),
        }
    }
}

/// The text between the two lines `+++`, and the line on which it begins.
fn parameters_of(text: &str) -> Result<(usize, &str), Error> {
    let mut offset = 0;
    let mut start = None;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let next = offset + line.len();
        if line.trim_end() == "+++" {
            match start {
                None => start = Some((index + 2, next)),
                Some((first_line, from)) => {
                    return text
                        .get(from..offset)
                        .map(|t| (first_line, t))
                        .ok_or(Error::NoParameters);
                }
            }
        }
        offset = next;
    }
    Err(Error::NoParameters)
}

fn first_sentence(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}

impl Parameters {
    fn check(&self) -> Result<(), Error> {
        let parties: BTreeSet<_> = self.parties.iter().collect();
        let topics: BTreeSet<_> = self.topic.iter().map(|topic| &topic.name).collect();
        let contradiction = if self.version != 1 {
            "`version` must be 1"
        } else if self.title.trim().is_empty() || self.title.len() > 200 {
            "`title` must have 1 to 200 bytes"
        } else if parties.len() < 2 || parties.len() != self.parties.len() {
            "`parties` must name at least two, each once"
        } else if self.topic.is_empty() || topics.len() != self.topic.len() {
            "at least one `[[topic]]`, each named once, is expected"
        } else if self.until.is_some_and(|until| until <= self.from) {
            "`until` must be later than `from`"
        } else if self.parties.len() > 2
            && self.topic.iter().any(|topic| topic.direction != Direction::Both)
        {
            "with more than two parties every `direction` must be `both`"
        } else {
            return Ok(());
        };
        Err(Error::Contradiction(contradiction))
    }

    fn into_agreement(self, id: AgreementId, text: &[u8]) -> Agreement {
        let topics: Vec<_> = self.topic.into_iter().map(TopicParameters::into_terms).collect();
        let mut agreement = Agreement {
            id,
            text: text.to_vec(),
            title: self.title,
            parties: self.parties,
            from: self.from,
            until: self.until,
            precedence: self.defaults.precedence.unwrap_or(Precedence::Routine),
            topics,
            supersedes: self.supersedes,
            policy_digest: Digest::ZERO,
        };
        agreement.policy_digest = Digest(Sha256::digest(agreement.rules_text()).into());
        agreement
    }
}

impl TopicParameters {
    fn into_terms(self) -> TopicTerms {
        let precedence =
            if self.precedence.is_empty() { Precedence::ALL.to_vec() } else { self.precedence };
        TopicTerms {
            topic: self.name,
            direction: self.direction,
            ceiling: self.ceiling,
            precedence,
            release: self.release,
            retention_days: self.retention_days,
        }
    }
}

/// How an agreement that was once in force stands at the deciding node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Releases flow.
    InForce,
    /// A party has suspended it.
    Suspended,
    /// A party has ended it.
    Ended,
    /// Another has taken its place: what was signed before then still passes.
    Superseded {
        /// Since when.
        since: Timestamp,
    },
}

/// What is known about a statement when it is decided on.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Its type.
    pub kind: StatementType,
    /// Who sends it.
    pub sender: &'a NodeName,
    /// Who is to have it.
    pub recipients: &'a [NodeName],
    /// Under which topic; recalls and receipts need none.
    pub topic: Option<&'a Topic>,
    /// With which precedence.
    pub precedence: Precedence,
    /// Whether it is meant.
    pub status: Status,
    /// The highest marking among its items and the index of the item that bears it.
    pub highest: Option<(usize, Tlp)>,
    /// Who drafted it.
    pub drafted_by: Option<&'a str>,
    /// Who released it, when a second person did.
    pub released_by: Option<&'a str>,
    /// How the agreement stands.
    pub standing: Standing,
    /// When.
    pub now: Timestamp,
}

/// Proof that an article permits a statement. Only this module makes one.
#[derive(Debug, Clone)]
pub struct Permit {
    agreement: AgreementId,
    rules: Vec<String>,
    policy_digest: Digest,
}

impl Permit {
    /// Under which agreement.
    pub fn agreement(&self) -> AgreementId {
        self.agreement
    }

    /// The articles that permit it.
    pub fn rules(&self) -> &[String] {
        &self.rules
    }

    /// Digest of the rendered rules that were asked.
    pub fn policy_digest(&self) -> Digest {
        self.policy_digest
    }
}

/// Why an article forbids a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The article, such as `ART-4`.
    pub rule: String,
    /// What it says, in plain words.
    pub message: String,
    /// What can be done.
    pub remedy: String,
    /// The item that offends, where one does.
    pub item: Option<usize>,
}

/// What the agreement says.
#[derive(Debug, Clone)]
pub enum Decision {
    /// It may go.
    Permit(Permit),
    /// A releaser who did not draft it must confirm.
    NeedsSecondPerson {
        /// The article that asks for it.
        rule: String,
    },
    /// It may not.
    Refuse(Refusal),
}

/// Decides whether the agreement permits a statement, at its sender and again at its recipient.
///
/// *Source*: architecture, the way of a release, steps 4 and 11.
pub fn decide(agreement: &Agreement, facts: &Facts<'_>) -> Decision {
    match agreement.examine(facts) {
        Ok(Some(rule)) => Decision::NeedsSecondPerson { rule },
        Ok(None) => Decision::Permit(Permit {
            agreement: agreement.id,
            rules: agreement.permitting(facts),
            policy_digest: agreement.policy_digest,
        }),
        Err(refusal) => Decision::Refuse(refusal),
    }
}

/// Decides under the built-in founding rules: key statements, agreements and their receipts, and
/// only with a partner whose fingerprint two people have compared.
///
/// *Source*: statement format, section 2.7.
pub fn decide_founding(kind: StatementType, partner_verified: bool) -> Decision {
    let allowed =
        matches!(kind, StatementType::Keys | StatementType::Agreement | StatementType::Receipt);
    if !allowed {
        return Decision::Refuse(refusal(
            "FND-1",
            format!("a {kind} needs an agreement in force"),
            "sign an agreement with this partner first",
        ));
    }
    if !partner_verified {
        return Decision::Refuse(refusal(
            "FND-2",
            "the partner's fingerprint has not been compared by two people".to_owned(),
            "compare the fingerprint with the partner, then confirm it",
        ));
    }
    Decision::Permit(Permit {
        agreement: AgreementId::FOUNDING,
        rules: vec!["FND-1".to_owned(), "FND-2".to_owned()],
        policy_digest: Digest(Sha256::digest(b"detente/founding/v1").into()),
    })
}

fn refusal(rule: &str, message: String, remedy: &str) -> Refusal {
    Refusal { rule: rule.to_owned(), message, remedy: remedy.to_owned(), item: None }
}

impl Agreement {
    /// `Ok(Some(rule))` when a second person must confirm by that rule.
    fn examine(&self, facts: &Facts<'_>) -> Result<Option<String>, Refusal> {
        self.examine_parties(facts)?;
        self.examine_term(facts)?;
        if facts.kind != StatementType::Release {
            // RULE ART-8: receipts, acknowledgements, recalls and their answers always pass.
            return match facts.kind {
                StatementType::Receipt
                | StatementType::Acknowledgement
                | StatementType::Recall
                | StatementType::RecallAnswer => Ok(None),
                kind => Err(refusal(
                    "ART-8",
                    format!("a {kind} does not travel under this agreement"),
                    "send it under the founding rules",
                )),
            };
        }
        let (place, terms) = self.examine_topic(facts)?;
        self.examine_marking(terms, facts)?;
        examine_precedence(terms, facts)?;
        Ok(examine_release(place, terms, facts))
    }

    fn examine_parties(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        let all_known = self.parties.contains(facts.sender)
            && !facts.recipients.is_empty()
            && facts.recipients.iter().all(|name| self.parties.contains(name));
        if all_known && !facts.recipients.contains(facts.sender) {
            return Ok(());
        }
        Err(refusal(
            "ART-1",
            "sender or recipient is not a party of this agreement".to_owned(),
            "choose an agreement to which all of them are parties",
        ))
    }

    fn examine_term(&self, facts: &Facts<'_>) -> Result<(), Refusal> {
        // Receipts and recalls outlive the agreement: duties do not end with it.
        if facts.kind != StatementType::Release {
            return Ok(());
        }
        let stopped = match facts.standing {
            Standing::InForce => None,
            Standing::Suspended => {
                Some(("suspended", "wait until the party that did it resumes it"))
            }
            Standing::Ended => Some(("ended", "sign another agreement with this partner")),
            Standing::Superseded { since } if facts.now < since => None,
            Standing::Superseded { .. } => {
                Some(("superseded", "release under the agreement that took its place"))
            }
        };
        if let Some((word, remedy)) = stopped {
            return Err(refusal("ART-2", format!("the agreement is {word}"), remedy));
        }
        if facts.now < self.from {
            let message = format!("the agreement holds from {} on", self.from);
            return Err(refusal("ART-2", message, "wait, or check this machine's clock"));
        }
        match self.until.filter(|until| facts.now >= *until) {
            None => Ok(()),
            Some(until) => Err(refusal(
                "ART-2",
                format!("the agreement ended at {until}"),
                "sign its successor with the partner",
            )),
        }
    }

    fn examine_topic(&self, facts: &Facts<'_>) -> Result<(usize, &TopicTerms), Refusal> {
        let found = facts.topic.and_then(|topic| {
            self.topics.iter().enumerate().find(|(_, terms)| terms.topic == *topic)
        });
        let Some((place, terms)) = found else {
            return Err(refusal(
                "ART-3",
                "no article names this topic".to_owned(),
                "choose a topic that the agreement names",
            ));
        };
        if self.flows_from(terms, facts.sender) {
            return Ok((place + 1, terms));
        }
        Err(refusal(
            &format!("ART-3.{}", place + 1),
            format!("under topic {} nothing flows in this direction", terms.topic),
            "choose a topic that flows from you to the partner",
        ))
    }

    fn examine_marking(&self, terms: &TopicTerms, facts: &Facts<'_>) -> Result<(), Refusal> {
        match facts.highest {
            Some((item, tlp)) if tlp > terms.ceiling => Err(Refusal {
                rule: "ART-4".to_owned(),
                message: format!(
                    "item {item} is marked {tlp}, above the ceiling {} of topic {}",
                    terms.ceiling, terms.topic
                ),
                remedy: "leave the item out, or release a sanitised version".to_owned(),
                item: Some(item),
            }),
            _ => Ok(()),
        }
    }

    fn permitting(&self, facts: &Facts<'_>) -> Vec<String> {
        let place = self.topics.iter().position(|terms| Some(&terms.topic) == facts.topic);
        match (facts.kind, place) {
            (StatementType::Release, Some(place)) => {
                let topic = format!("ART-3.{}", place + 1);
                ["ART-1", "ART-2", &topic, "ART-4", "ART-5", "ART-6"].map(str::to_owned).to_vec()
            }
            _ => vec!["ART-1".to_owned(), "ART-8".to_owned()],
        }
    }

    /// The rules as they are applied, one line each: what the `policy` digest of a header covers.
    pub fn rules_text(&self) -> String {
        let mut out = String::from("detente/rules/v1\n");
        let parties: Vec<_> = self.parties.iter().map(NodeName::as_str).collect();
        let until = self.until.map_or("open".to_owned(), |until| until.to_string());
        let _ = writeln!(out, "ART-1 parties {}", parties.join(" "));
        let _ = writeln!(out, "ART-2 from {} until {until}", self.from);
        for (place, terms) in self.topics.iter().enumerate() {
            let words: Vec<_> = terms.precedence.iter().map(|word| word.word()).collect();
            let _ = writeln!(
                out,
                "ART-3.{} topic {} direction {} ceiling {} precedence {} release {:?} retention {}",
                place + 1,
                terms.topic,
                terms.direction,
                terms.ceiling,
                words.join(","),
                terms.release,
                terms.retention_days
            );
        }
        out
    }
}

fn examine_precedence(terms: &TopicTerms, facts: &Facts<'_>) -> Result<(), Refusal> {
    if terms.precedence.contains(&facts.precedence) {
        return Ok(());
    }
    Err(refusal(
        "ART-5",
        format!("precedence {} may not be used under topic {}", facts.precedence, terms.topic),
        "choose a precedence that the agreement names for this topic",
    ))
}

fn examine_release(place: usize, terms: &TopicTerms, facts: &Facts<'_>) -> Option<String> {
    let second = facts.released_by.is_some_and(|releaser| facts.drafted_by != Some(releaser));
    (terms.release == ReleaseRule::SecondPerson && !second).then(|| format!("ART-6.{place}"))
}

/// Writes an agreement's text from its parameters: prose for people, the same facts for machines.
pub fn draft_text(draft: &DraftText<'_>) -> String {
    let parties = |mark: &str| {
        let quoted: Vec<_> = draft.parties.iter().map(|p| format!("{mark}{p}{mark}")).collect();
        quoted
    };
    let mut out = format!(
        "# {}\n\nbetween {}\n\n\
         Article 1. Only the parties named here send and receive under this agreement.\n\
         Article 2. It holds from the instant named below, once every party has signed it.\n\
         Article 3. Each topic is a compartment; it flows only in the direction named.\n\
         Article 4. Nothing marked above a topic's ceiling crosses.\n\
         Article 5. Precedence is speed of service; only those named for a topic are used.\n\
         Article 6. Where a second person is asked for, the releaser is never the drafter.\n\
         Article 7. The recipient keeps what it received no longer than the retention named.\n\
         Article 8. Every statement is receipted. What is recalled is no longer served, and the\n\
         recall is answered.\n\n+++\nversion = 1\ntitle = {:?}\nparties = [{}]\nfrom = \"{}\"\n",
        draft.title,
        parties("").join(" and "),
        draft.title,
        parties("\"").join(", "),
        draft.from,
    );
    if let Some(until) = draft.until {
        let _ = writeln!(out, "until = \"{until}\"");
    }
    for terms in draft.topics {
        let words: Vec<_> = terms.precedence.iter().map(|word| format!("\"{word}\"")).collect();
        let release = match terms.release {
            ReleaseRule::OnSubmit => "on-submit",
            ReleaseRule::SecondPerson => "second-person",
        };
        let _ = write!(
            out,
            "\n[[topic]]\nname = \"{}\"\ndirection = \"{}\"\nceiling = \"{}\"\nprecedence = [{}]\n\
             release = \"{release}\"\nretention_days = {}\n",
            terms.topic,
            terms.direction,
            terms.ceiling,
            words.join(", "),
            terms.retention_days
        );
    }
    out.push_str("+++\n");
    out
}

/// What [`draft_text`] writes down.
#[derive(Debug, Clone)]
pub struct DraftText<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its parties.
    pub parties: &'a [NodeName],
    /// From when it holds.
    pub from: Timestamp,
    /// Until when, if it ends.
    pub until: Option<Timestamp>,
    /// Its topics.
    pub topics: &'a [TopicTerms],
}

#[cfg(test)]
mod tests;
