//! What an opened statement does here: our own agreement decides, items are checked, and the
//! effect is written down for the store's one transaction.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{
    agreement::{self, Agreement, Decision, Facts, Permit, Standing},
    findings::{FindingsPolicy, Found},
    header::Header,
    keys::{KeyStatement, Revocation},
    statement::{Item, ItemKind, Opened, Verified},
    terms::{AgreementId, NodeName, Outcome, Precedence, StatementType, Timestamp},
};
use stix::{Level, Tlp};
use store::{InEffect, NewObject, ReceiptLine, Received};

use super::{Reading, ReceiptBody, receipt::ItemEntry};
use crate::{
    Failure, Service,
    accord::{self, StandingBody},
    acknowledgement::AcknowledgementBody,
    examine::{Examine, Examined, Markings},
    recall::{AnswerBody, RecallBody},
};

/// Characters of an officer's id that are kept.
const OFFICER_LEN_MAX: usize = 100;

/// What is known of a statement that could not be opened: enough to count its number.
pub(super) fn unopened(verified: &Verified) -> Received {
    let address = verified.address();
    Received {
        agreement: address.agreement,
        number: address.number,
        prev: address.prev,
        type_: None,
        topic: None,
        precedence: Precedence::Routine,
        header: Bytes::new(),
        manifest: verified.envelope().manifest.clone(),
        seed: None,
        commitments: Vec::new(),
        re: Vec::new(),
        bytes: verified.envelope().payload.len(),
    }
}

fn received(opened: &Opened) -> Received {
    let header = opened.header();
    Received {
        type_: Some(opened.kind()),
        topic: header.topic.clone(),
        precedence: header.precedence,
        header: opened.header_bytes().clone(),
        seed: Some(*opened.seed()),
        commitments: opened.item_commitments().to_vec(),
        re: header.re.clone(),
        ..unopened(opened.verified())
    }
}

/// What was concluded of one statement.
struct Conclusion {
    outcome: Outcome,
    code: Option<String>,
    items: Vec<ItemEntry>,
    effect: InEffect,
    permit: Option<Permit>,
}

impl Conclusion {
    fn taken(permit: Permit, effect: InEffect) -> Self {
        let outcome = Outcome::TakenIn;
        Self { outcome, code: None, items: Vec::new(), effect, permit: Some(permit) }
    }

    fn refused(code: &str) -> Self {
        Self {
            outcome: Outcome::Refused,
            code: Some(code.to_owned()),
            items: Vec::new(),
            effect: InEffect::None,
            permit: None,
        }
    }
}

/// Decides on an opened statement and prepares its effect.
pub(super) async fn read_opened(
    service: &Service,
    opened: Opened,
    envelope: &Bytes,
    now: Timestamp,
) -> Result<Reading, Failure> {
    let kind = opened.kind();
    let conclusion = conclude(service, &opened, envelope, now).await?;
    Ok(Reading {
        agreement: opened.verified().address().agreement,
        precedence: opened.header().precedence,
        received: Some(received(&opened)),
        permit: conclusion.permit.map(Arc::new),
        outcome: conclusion.outcome,
        code: conclusion.code,
        items: conclusion.items,
        effect: conclusion.effect,
        receipted: kind != StatementType::Receipt,
    })
}

async fn conclude(
    service: &Service,
    opened: &Opened,
    envelope: &Bytes,
    now: Timestamp,
) -> Result<Conclusion, Failure> {
    let kind = opened.kind();
    let objects = Objects::of(service, opened).await?;
    let permit = match permit(service, opened, &objects, now).await? {
        Ok(permit) => permit,
        Err(code) => return Ok(Conclusion::refused(&code)),
    };
    match kind {
        StatementType::Release => Ok(objects.conclude(opened, permit, envelope)),
        StatementType::Receipt => Ok(receipts(opened.header(), permit)),
        StatementType::Recall => Ok(recall(opened.header(), permit)),
        StatementType::RecallAnswer => Ok(recall_answer(opened.header(), permit)),
        StatementType::Acknowledgement => acknowledgement(service, opened, permit).await,
        StatementType::Agreement => agreement_statement(service, opened, permit).await,
        StatementType::Keys => keys(service, opened, permit).await,
    }
}

/// What our own agreement says, or the code of its refusal.
pub(super) async fn permit(
    service: &Service,
    opened: &Opened,
    objects: &Objects,
    now: Timestamp,
) -> Result<Result<Permit, String>, Failure> {
    let under = opened.verified().address().agreement;
    let decision = if under == AgreementId::FOUNDING {
        let verified = crate::partner::is_verified(service, opened.verified().from()).await?;
        agreement::decide_founding(opened.kind(), verified)
    } else {
        match service.agreement(&under).await? {
            Some((agreement, standing)) => {
                agreement::decide(&agreement, &facts(service, opened, objects, standing, now))
            }
            None => return Ok(Err("agreement-unknown".to_owned())),
        }
    };
    Ok(match decision {
        Decision::Permit(permit) => Ok(permit),
        Decision::Refuse(refusal) => Err(refusal.rule),
        Decision::NeedsSecondPerson { rule } => Err(rule),
    })
}

fn facts<'a>(
    service: &'a Service,
    opened: &'a Opened,
    objects: &Objects,
    standing: Standing,
    now: Timestamp,
) -> Facts<'a> {
    let header = opened.header();
    Facts {
        kind: opened.kind(),
        sender: opened.verified().from(),
        recipients: std::slice::from_ref(service.name()),
        topic: header.topic.as_ref(),
        precedence: header.precedence,
        status: header.status,
        highest: objects.highest,
        drafted_by: header.signed_by.as_deref(),
        released_by: header.released_by.as_deref(),
        standing,
        // The term is judged by the sender's signed time: a statement that was sent in time does
        // not turn unlawful because the link was down.
        now: opened.verified().time().min(now),
    }
}

/// The STIX objects among a statement's items, each examined under our policy for its sender.
#[derive(Default)]
pub(super) struct Objects {
    /// What is taken.
    pub(super) kept: Vec<(u32, NewObject)>,
    /// What stands apart.
    pub(super) held: Vec<(u32, NewObject)>,
    /// What the sender is told: items that are refused, held, or taken though they break a MUST.
    pub(super) items: Vec<ItemEntry>,
    refused: usize,
    highest: Option<(usize, Tlp)>,
}

impl Objects {
    pub(super) async fn of(service: &Service, opened: &Opened) -> Result<Self, Failure> {
        if opened.kind() != StatementType::Release {
            return Ok(Self::default());
        }
        let partner = service.store().partner(opened.verified().from()).await?;
        let differs = partner.and_then(|partner| partner.policy);
        Self::under(service, opened, &service.intake_policy(differs.as_ref())).await
    }

    /// As a person lets them in: nothing is held any more, and what is found stays beside them.
    pub(super) async fn by_hand(service: &Service, opened: &Opened) -> Result<Self, Failure> {
        Self::under(service, opened, &FindingsPolicy::at_submit()).await
    }

    async fn under(
        service: &Service,
        opened: &Opened,
        policy: &FindingsPolicy,
    ) -> Result<Self, Failure> {
        let slices: Vec<&[u8]> =
            opened.items().iter().filter_map(stix_bytes).map(|bytes| bytes.as_ref()).collect();
        let mut objects = Self::default();
        let markings = Markings::known(service).await?.with(&slices);
        let options = stix::Options::default();
        let mut examine = Examine::new(&options, &markings, policy);
        for (index, item) in opened.items().iter().enumerate() {
            let Some(bytes) = stix_bytes(item) else { continue };
            objects.put(index, examine.object(bytes, bytes));
        }
        Ok(objects)
    }

    fn put(&mut self, index: usize, examined: Examined) {
        let place = u32::try_from(index).unwrap_or(u32::MAX);
        match examined {
            Examined::Taken(object) => {
                self.mark(index, object.tlp);
                let error = object.findings.iter().find(|found| found.level == Level::Error);
                if let Some(found) = error {
                    self.items.push(told(place, found, Outcome::TakenInWithFindings));
                }
                self.kept.push((place, object));
            }
            Examined::Held(object) => {
                self.mark(index, object.tlp);
                let gravest = object.findings.iter().max_by_key(|found| found.level);
                if let Some(found) = gravest {
                    self.items.push(told(place, found, Outcome::Quarantined));
                }
                self.held.push((place, object));
            }
            Examined::Refused(refused) => {
                self.mark(index, refused.tlp);
                self.refused += 1;
                self.items.push(ItemEntry {
                    index: place,
                    outcome: Outcome::Refused,
                    code: refused.rule,
                    place: refused.place,
                });
            }
        }
    }

    /// What the policy refuses counts too: the agreement decides on what was sent.
    fn mark(&mut self, index: usize, tlp: Option<Tlp>) {
        if let Some(tlp) = tlp
            && self.highest.is_none_or(|(_, highest)| tlp > highest)
        {
            self.highest = Some((index, tlp));
        }
    }

    /// What the statement comes to: the gravest that became of any of its objects, but that a
    /// refused object does not refuse its neighbours. SHOULDs are our own business.
    pub(super) fn outcome(&self) -> (Outcome, Option<String>) {
        let code = |code: &str| Some(code.to_owned());
        if !self.held.is_empty() {
            return (Outcome::Quarantined, code("item-quarantined"));
        }
        if self.refused > 0 {
            let outcome = match self.kept.is_empty() {
                true => Outcome::Refused,
                false => Outcome::TakenInWithFindings,
            };
            return (outcome, code("item-refused"));
        }
        match self.items.is_empty() {
            true => (Outcome::TakenIn, None),
            false => (Outcome::TakenInWithFindings, None),
        }
    }

    fn conclude(self, opened: &Opened, permit: Permit, envelope: &Bytes) -> Conclusion {
        let Some(topic) = opened.header().topic.clone() else {
            return Conclusion::refused("ART-3");
        };
        let (outcome, code) = self.outcome();
        let Self { kept, held, items, .. } = self;
        let apart = (!held.is_empty()).then(|| (envelope.clone(), held));
        let effect = InEffect::Objects { topic, objects: kept, apart };
        Conclusion { outcome, code, items, effect, permit: Some(permit) }
    }
}

pub(super) fn told(index: u32, found: &Found, outcome: Outcome) -> ItemEntry {
    ItemEntry { index, outcome, code: found.rule.to_string(), place: found.place.clone() }
}

fn stix_bytes(item: &Item) -> Option<&Bytes> {
    match item {
        Item::Data { kind: ItemKind::Stix, data } => Some(data),
        _ => None,
    }
}

/// The parameters of a statement type, from its header.
fn body<T: serde::de::DeserializeOwned>(header: &Header) -> Option<T> {
    header.body.clone().and_then(|value| serde_json::from_value(value).ok())
}

fn receipts(header: &Header, permit: Permit) -> Conclusion {
    let Some(body) = body::<ReceiptBody>(header) else {
        return Conclusion::refused("header-mismatch");
    };
    let lines = body.statements.into_iter().map(|entry| ReceiptLine {
        statement: entry.id,
        outcome: entry.outcome,
        code: entry.code,
    });
    Conclusion::taken(permit, InEffect::Receipts(lines.collect()))
}

fn recall(header: &Header, permit: Permit) -> Conclusion {
    let Some(body) = body::<RecallBody>(header) else {
        return Conclusion::refused("header-mismatch");
    };
    let effect = InEffect::Recall { target: body.release, items: body.items, reason: body.reason };
    Conclusion::taken(permit, effect)
}

fn recall_answer(header: &Header, permit: Permit) -> Conclusion {
    let Some(body) = body::<AnswerBody>(header) else {
        return Conclusion::refused("header-mismatch");
    };
    let (recall, answer) = (body.recall, body.answer);
    let detail = serde_json::to_string(&body).unwrap_or_default();
    Conclusion::taken(permit, InEffect::RecallAnswer { recall, answer, detail })
}

/// A person at the partner has seen a release.
async fn acknowledgement(
    service: &Service,
    opened: &Opened,
    permit: Permit,
) -> Result<Conclusion, Failure> {
    let header = opened.header();
    let (Some(body), Some(officer)) = (body::<AcknowledgementBody>(header), &header.signed_by)
    else {
        return Ok(Conclusion::refused("header-mismatch"));
    };
    let seen = service.store().statement(&body.release).await?;
    let from = opened.verified().from();
    let went_there = seen.is_some_and(|seen| {
        seen.out && seen.deliveries.iter().any(|delivery| delivery.partner == *from)
    });
    // RULE ACK-2: only who got a release says that it was seen.
    if !went_there {
        return Ok(Conclusion::refused("ACK-2"));
    }
    let effect = InEffect::Acknowledgement {
        of: body.release,
        officer: officer.chars().take(OFFICER_LEN_MAX).collect(),
        at: opened.verified().time(),
    };
    Ok(Conclusion::taken(permit, effect))
}

/// The text among the items, by place.
fn text(opened: &Opened, place: usize) -> Option<Bytes> {
    let mut texts = opened.items().iter().filter_map(|item| match item {
        Item::Data { kind: ItemKind::Text, data } => Some(data.clone()),
        _ => None,
    });
    texts.nth(place)
}

/// The partner's signature under an agreement, whose text is the one item; or, without an item,
/// how it stands to one that was signed.
async fn agreement_statement(
    service: &Service,
    opened: &Opened,
    permit: Permit,
) -> Result<Conclusion, Failure> {
    let Some(text) = text(opened, 0) else {
        return party_standing(service, opened, permit).await;
    };
    let Ok(agreement) = Agreement::parse(&text) else {
        return Ok(Conclusion::refused("agreement-malformed"));
    };
    let parties = agreement.parties();
    if !parties.contains(service.name()) || !parties.contains(opened.verified().from()) {
        return Ok(Conclusion::refused("ART-1"));
    }
    let effect = InEffect::Agreement {
        id: agreement.id(),
        text,
        parties: parties.to_vec(),
        topics: accord::topic_specs(&agreement, service.name()),
        title: agreement.title().to_owned(),
        supersedes: agreement.supersedes(),
    };
    Ok(Conclusion::taken(permit, effect))
}

async fn party_standing(
    service: &Service,
    opened: &Opened,
    permit: Permit,
) -> Result<Conclusion, Failure> {
    let Some(body) = body::<StandingBody>(opened.header()) else {
        return Ok(Conclusion::refused("header-mismatch"));
    };
    let Some(row) = service.store().agreement(&body.agreement).await? else {
        return Ok(Conclusion::refused("agreement-unknown"));
    };
    if !row.parties.contains(opened.verified().from()) {
        return Ok(Conclusion::refused("ART-1"));
    }
    let reason = body.reason.chars().take(accord::REASON_LEN_MAX).collect();
    let effect = InEffect::Standing { id: body.agreement, standing: body.standing, reason };
    Ok(Conclusion::taken(permit, effect))
}

/// The partner's next key statement, signed by the keys that we hold; beside it, perhaps, the
/// revocation of the epoch before, signed by the root.
async fn keys(service: &Service, opened: &Opened, permit: Permit) -> Result<Conclusion, Failure> {
    let Some(note) = text(opened, 0) else { return Ok(Conclusion::refused("header-mismatch")) };
    let Ok(next) = KeyStatement::parse(&note) else {
        return Ok(Conclusion::refused("keys-unknown"));
    };
    let from: &NodeName = opened.verified().from();
    let Some(held) = service.key_statement(from).await? else {
        return Ok(Conclusion::refused("keys-unknown"));
    };
    if next.node() != from || next.check_successor(&held).is_err() {
        return Ok(Conclusion::refused("keys-unknown"));
    }
    let revocation = match text(opened, 1) {
        None => None,
        Some(note) => match Revocation::parse(&note, &held) {
            Ok(read) => Some(store::Revocation { epoch: read.epoch(), size: read.size(), note }),
            Err(_) => return Ok(Conclusion::refused("keys-unknown")),
        },
    };
    let effect = InEffect::Keys { epoch: next.epoch(), note, revocation };
    Ok(Conclusion::taken(permit, effect))
}
