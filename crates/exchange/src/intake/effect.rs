//! What an opened statement does here: our own agreement decides, items are checked, and the
//! effect is written down for the store's one transaction.

use std::sync::Arc;

use bytes::Bytes;
use protocol::{
    agreement::{self, Agreement, Decision, Facts, Permit},
    header::Header,
    keys::KeyStatement,
    statement::{Item, ItemKind, Opened, Verified},
    terms::{AgreementId, NodeName, Outcome, Precedence, StatementType, Timestamp},
};
use stix::Tlp;
use store::{InEffect, NewObject, ReceiptLine, Received};

use super::{Reading, ReceiptBody, receipt::ItemEntry};
use crate::{
    Failure, Service, accord,
    recall::{AnswerBody, RecallBody},
    submit,
};

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
    now: Timestamp,
) -> Result<Reading, Failure> {
    let kind = opened.kind();
    let conclusion = conclude(service, &opened, kind, now).await?;
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
    kind: StatementType,
    now: Timestamp,
) -> Result<Conclusion, Failure> {
    let objects = Objects::of(service, opened).await?;
    let under = opened.verified().address().agreement;
    let agreement = if under == AgreementId::FOUNDING {
        None
    } else {
        match service.agreement_in_force(&under).await? {
            Some(agreement) => Some(agreement),
            None => return Ok(Conclusion::refused("agreement-unknown")),
        }
    };
    let permit = match decide(service, agreement.as_deref(), opened, kind, &objects, now).await? {
        Decision::Permit(permit) => permit,
        Decision::Refuse(refusal) => return Ok(Conclusion::refused(&refusal.rule)),
        Decision::NeedsSecondPerson { rule } => return Ok(Conclusion::refused(&rule)),
    };
    match kind {
        StatementType::Release => Ok(objects.conclude(opened, permit)),
        StatementType::Receipt => Ok(receipts(opened.header(), permit)),
        StatementType::Recall => Ok(recall(opened.header(), permit)),
        StatementType::RecallAnswer => Ok(recall_answer(opened.header(), permit)),
        StatementType::Agreement => agreement_signed(service, opened, permit),
        StatementType::Keys => keys(service, opened, permit).await,
    }
}

async fn decide(
    service: &Service,
    agreement: Option<&Agreement>,
    opened: &Opened,
    kind: StatementType,
    objects: &Objects,
    now: Timestamp,
) -> Result<Decision, Failure> {
    let Some(agreement) = agreement else {
        let verified = crate::partner::is_verified(service, opened.verified().from()).await?;
        return Ok(agreement::decide_founding(kind, verified));
    };
    let header = opened.header();
    let facts = Facts {
        kind,
        sender: opened.verified().from(),
        recipients: std::slice::from_ref(service.name()),
        topic: header.topic.as_ref(),
        precedence: header.precedence,
        status: header.status,
        highest: objects.highest,
        drafted_by: header.signed_by.as_deref(),
        released_by: header.released_by.as_deref(),
        // The term is judged by the sender's signed time: a statement that was sent in time does
        // not turn unlawful because the link was down.
        now: opened.verified().time().min(now),
    };
    Ok(agreement::decide(agreement, &facts))
}

/// The STIX objects among a statement's items, each checked under our own limits.
struct Objects {
    kept: Vec<(u32, NewObject)>,
    refused: Vec<ItemEntry>,
    with_findings: bool,
    highest: Option<(usize, Tlp)>,
}

impl Objects {
    async fn of(service: &Service, opened: &Opened) -> Result<Self, Failure> {
        let slices: Vec<&[u8]> =
            opened.items().iter().filter_map(stix_bytes).map(|bytes| bytes.as_ref()).collect();
        let markings = submit::markings(service, &slices).await?;
        let mut objects =
            Self { kept: Vec::new(), refused: Vec::new(), with_findings: false, highest: None };
        for (index, item) in opened.items().iter().enumerate() {
            let Some(bytes) = stix_bytes(item) else { continue };
            let place = u32::try_from(index).unwrap_or(u32::MAX);
            match submit::new_object(bytes, bytes, &markings) {
                Ok(object) => objects.keep(index, place, object),
                Err(refused) => objects.refused.push(ItemEntry {
                    index: place,
                    code: refused.rule().to_owned(),
                    place: refused.pointer().to_owned(),
                }),
            }
        }
        Ok(objects)
    }

    fn keep(&mut self, index: usize, place: u32, object: NewObject) {
        self.with_findings |= object.findings.is_some();
        if let Some(tlp) = object.tlp
            && self.highest.is_none_or(|(_, highest)| tlp > highest)
        {
            self.highest = Some((index, tlp));
        }
        self.kept.push((place, object));
    }

    fn conclude(self, opened: &Opened, permit: Permit) -> Conclusion {
        let Some(topic) = opened.header().topic.clone() else {
            return Conclusion::refused("ART-3");
        };
        let outcome = if self.with_findings || !self.refused.is_empty() {
            Outcome::TakenInWithFindings
        } else {
            Outcome::TakenIn
        };
        let code = (!self.refused.is_empty()).then(|| "item-refused".to_owned());
        let effect = InEffect::Objects { topic, objects: self.kept };
        Conclusion { outcome, code, items: self.refused, effect, permit: Some(permit) }
    }
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

/// The partner's signature under an agreement: its text is the one item.
fn agreement_signed(
    service: &Service,
    opened: &Opened,
    permit: Permit,
) -> Result<Conclusion, Failure> {
    let text = opened.items().iter().find_map(|item| match item {
        Item::Data { kind: ItemKind::Text, data } => Some(data.clone()),
        _ => None,
    });
    let Some(text) = text else { return Ok(Conclusion::refused("header-mismatch")) };
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
    };
    Ok(Conclusion::taken(permit, effect))
}

/// The partner's next key statement, signed by the keys that we hold.
async fn keys(service: &Service, opened: &Opened, permit: Permit) -> Result<Conclusion, Failure> {
    let note = opened.items().iter().find_map(|item| match item {
        Item::Data { kind: ItemKind::Text, data } => Some(data.clone()),
        _ => None,
    });
    let Some(note) = note else { return Ok(Conclusion::refused("header-mismatch")) };
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
    let effect = InEffect::Keys { epoch: next.epoch(), note };
    Ok(Conclusion::taken(permit, effect))
}
