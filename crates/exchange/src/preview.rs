//! What would happen: objects checked and the agreement asked, with nothing kept and nothing sent.

use bytes::Bytes;
use protocol::{
    agreement::{self, Decision, Facts},
    findings::{FindingsPolicy, Treatment, Verdict},
    terms::{AgreementId, Precedence, StatementType, Status, Timestamp, Topic},
};
use stix::{Finding, Tlp};
use store::Release;

use crate::{
    Failure, Service,
    examine::{Examine, Markings},
    submit::{self, SubmitError},
};

/// What a person is about to draft.
#[derive(Debug, Clone)]
pub struct Intent {
    /// Under which agreement.
    pub agreement: AgreementId,
    /// Under which topic.
    pub topic: Topic,
    /// How fast.
    pub precedence: Precedence,
    /// Whether it is meant.
    pub status: Status,
    /// Who drafts.
    pub account: String,
}

/// One object, looked at.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Its place in the document, from 0.
    pub place: usize,
    /// Its bytes.
    pub body: Bytes,
    /// Its id and type, where it has a head that reads.
    pub head: Option<(String, String)>,
    /// The marking that holds.
    pub tlp: Option<Tlp>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What would become of it.
    pub treatment: Treatment,
    /// Why it would not be kept: rule, place, problem.
    pub refused: Option<(String, String, String)>,
}

/// A whole document, looked at.
#[derive(Debug, Clone)]
pub struct Preview {
    /// Its objects, in order.
    pub objects: Vec<Examined>,
    /// What the agreement would say, where there is one in force.
    pub decision: Option<Decision>,
}

/// Looks at a document as the way out would, and asks the agreement.
///
/// *Errors*: [`SubmitError::Split`] when it is no bundle, envelope or object.
pub async fn examine(
    service: &Service,
    document: &Bytes,
    intent: &Intent,
    now: Timestamp,
) -> Result<Preview, SubmitError> {
    let slices = stix::split(document)?;
    let markings = Markings::here(service).await?.with(&slices);
    let policy = submit::policy_of(service, &intent.agreement, &intent.topic).await?;
    let objects = look_at(document, slices, &markings, &policy);
    let marked = objects.iter().filter_map(|object| Some((object.place, object.tlp?)));
    let highest = marked.max_by_key(|(place, tlp)| (*tlp, std::cmp::Reverse(*place)));
    let decision = ask(service, intent, highest, None, now).await?;
    Ok(Preview { objects, decision })
}

fn look_at(
    document: &Bytes,
    slices: Vec<&[u8]>,
    markings: &Markings,
    policy: &FindingsPolicy,
) -> Vec<Examined> {
    let options = stix::Options::default();
    let mut examine = Examine::new(&options, markings, policy);
    let mut objects = Vec::with_capacity(slices.len());
    for (place, slice) in slices.into_iter().enumerate() {
        let (mut findings, mut verdict) = (Vec::new(), Verdict::default());
        let mut sink = |finding: &Finding| {
            verdict.weigh(finding, policy);
            findings.push(finding.clone());
        };
        let kept = examine.keep(document, slice, &mut sink);
        let body = document.slice_ref(slice);
        objects.push(match kept {
            Ok(object) => Examined {
                place,
                body,
                head: Some((object.id, object.type_)),
                tlp: object.tlp,
                findings,
                treatment: verdict.treatment(),
                refused: None,
            },
            Err(refused) => Examined {
                place,
                body,
                head: None,
                tlp: None,
                findings: Vec::new(),
                treatment: Treatment::Refuse,
                refused: Some((
                    refused.rule().to_owned(),
                    refused.pointer().to_owned(),
                    refused.problem().to_owned(),
                )),
            },
        });
    }
    objects
}

/// What the agreement would say of a draft once this account releases it.
pub async fn decision(
    service: &Service,
    release: &Release,
    released_by: Option<&str>,
    now: Timestamp,
) -> Result<Option<Decision>, Failure> {
    let highest = service.store().highest_marking(release.id).await?;
    let intent = Intent {
        agreement: release.agreement,
        topic: release.topic.clone(),
        precedence: release.precedence,
        status: release.status,
        account: release.drafted_by.clone(),
    };
    ask(service, &intent, highest, released_by, now).await
}

async fn ask(
    service: &Service,
    intent: &Intent,
    highest: Option<(usize, Tlp)>,
    released_by: Option<&str>,
    now: Timestamp,
) -> Result<Option<Decision>, Failure> {
    let Some((agreement, standing)) = service.agreement(&intent.agreement).await? else {
        return Ok(None);
    };
    let to = agreement.others(service.name());
    let facts = Facts {
        kind: StatementType::Release,
        sender: service.name(),
        recipients: &to,
        topic: Some(&intent.topic),
        precedence: intent.precedence,
        status: intent.status,
        highest,
        drafted_by: Some(&intent.account),
        released_by,
        standing,
        now,
    };
    Ok(Some(agreement::decide(&agreement, &facts)))
}
