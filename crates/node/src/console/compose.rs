//! Composing a release: partner and topic, objects pasted or uploaded, findings beside the text,
//! and what the agreement would say, before anything is kept.

use askama::Template;
use axum::{
    extract::{Multipart, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use bytes::Bytes;
use exchange::{
    preview::{self, Examined, Intent, Preview},
    release,
    rights::Work,
};
use protocol::{
    agreement::{Agreement, Decision, ReleaseRule, TopicTerms},
    terms::{AgreementId, NodeName, Precedence, Role, Status, Topic, Treatment},
};
use store::AgreementState;
use uuid::Uuid;

use super::{
    form::Upload,
    frame::{Answer, Frame, Menu, Person, Trouble, page, page_as},
    items::{self, FindingRow},
    look::{self, Piece},
    query::Query,
};
use crate::{
    desk::{Shared, now},
    problem::Problem,
};

/// Objects whose findings one page shows.
const SHOWN: usize = 100;
/// Findings of one object that one page shows.
const FINDINGS: usize = 20;
/// Bytes of a text that goes into the field; a larger one was a file and stays one.
const TEXT_LEN_MAX: usize = 2 * 1024 * 1024;

/// A way out: one topic of an agreement in force that flows from here.
struct WayOut {
    value: String,
    to: String,
    agreement: String,
    terms: TopicTerms,
    default: Precedence,
}

impl WayOut {
    fn ceiling(&self) -> Piece {
        look::tlp(Some(self.terms.ceiling))
    }

    fn releaser(&self) -> &'static str {
        match self.terms.release {
            ReleaseRule::OnSubmit => "the drafter alone",
            ReleaseRule::SecondPerson => "a second person",
        }
    }
}

async fn ways(desk: &Shared) -> Result<Vec<WayOut>, Problem> {
    let me = desk.service.name();
    let mut found = Vec::new();
    for row in desk.service.store().agreements().await? {
        if row.state != AgreementState::InForce {
            continue;
        }
        let Ok(agreement) = Agreement::parse(&row.text) else { continue };
        let to: Vec<NodeName> = agreement.others(me);
        for terms in agreement.topics().iter().filter(|terms| agreement.flows_from(terms, me)) {
            found.push(WayOut {
                value: format!("{} {}", row.id, terms.topic),
                to: items::named(&to),
                agreement: row.title.clone(),
                terms: terms.clone(),
                default: agreement.precedence(),
            });
        }
    }
    Ok(found)
}

/// What was typed, kept whatever happens to it.
#[derive(Default)]
struct Typed {
    csrf: String,
    way: String,
    precedence: String,
    status: String,
    text: String,
    note: String,
    file: Option<Bytes>,
    file_name: String,
}

impl Typed {
    async fn read(mut form: Multipart) -> Result<Self, Problem> {
        let malformed = |_| {
            let remedy = "load the page again; a document may have up to 20 MiB";
            Problem::new(StatusCode::BAD_REQUEST, "API-400", "the form does not read", remedy)
        };
        let mut typed = Self::default();
        while let Some(field) = form.next_field().await.map_err(malformed)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                typed.file_name = field.file_name().unwrap_or_default().to_owned();
                let bytes = field.bytes().await.map_err(malformed)?;
                typed.file = Some(bytes).filter(|bytes| !bytes.is_empty());
                continue;
            }
            let text = field.text().await.map_err(malformed)?;
            match name.as_str() {
                "csrf" => typed.csrf = text,
                "way" => typed.way = text,
                "precedence" => typed.precedence = text,
                "status" => typed.status = text,
                "text" => typed.text = text,
                "note" => typed.note = text,
                _ => {}
            }
        }
        typed.take_in_file();
        Ok(typed)
    }

    /// A file of a size that a field can hold becomes the text, so that it stays when the form
    /// comes back.
    fn take_in_file(&mut self) {
        let small = self.file.take_if(|file| file.len() <= TEXT_LEN_MAX);
        match small.map(|file| String::from_utf8(file.to_vec())) {
            Some(Ok(text)) => self.text = text,
            Some(Err(error)) => self.file = Some(Bytes::from(error.into_bytes())),
            None => {}
        }
    }

    fn document(&self) -> Bytes {
        self.file.clone().unwrap_or_else(|| Bytes::copy_from_slice(self.text.as_bytes()))
    }

    fn intent(&self, ways: &[WayOut], person: &Person) -> Result<Intent, Problem> {
        let chosen = ways.iter().find(|way| way.value == self.way);
        let way = chosen.ok_or_else(|| {
            let message = "no partner and topic are chosen";
            let remedy = "choose to whom and under which topic it goes";
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "ART-3", message, remedy)
        })?;
        let (agreement, topic) = way.value.split_once(' ').unwrap_or_default();
        let wrong = |_| Problem::from(store::Error::NotFound);
        let agreement: AgreementId = agreement.parse().map_err(wrong)?;
        let topic: Topic = topic.parse().map_err(wrong)?;
        Ok(Intent {
            agreement,
            topic,
            precedence: self.precedence.parse().unwrap_or(way.default),
            status: self.status.parse().unwrap_or(Status::Actual),
            account: person.name().to_owned(),
        })
    }
}

/// One object with what was found on it.
struct ObjectRow {
    place: usize,
    type_: String,
    name: Option<Piece>,
    tlp: Piece,
    refused: Option<(String, String, String)>,
    stands_apart: bool,
    is_refused: bool,
    findings: Vec<FindingRow>,
}

impl ObjectRow {
    fn of(object: &Examined) -> Self {
        Self {
            place: object.place,
            type_: object.head.as_ref().map_or("unreadable", |(_, type_)| type_).to_owned(),
            name: items::subject(&object.body).map(|name| look::quoted(&name)),
            tlp: look::tlp(object.tlp),
            refused: object.refused.clone(),
            findings: object.findings.iter().take(FINDINGS).map(FindingRow::of).collect(),
            stands_apart: object.treatment == Treatment::Quarantine,
            is_refused: object.treatment == Treatment::Refuse,
        }
    }

    fn is_told(&self) -> bool {
        self.refused.is_some() || !self.findings.is_empty()
    }
}

/// What stands beside the text.
struct Looked {
    objects: usize,
    kept: usize,
    told: Vec<ObjectRow>,
    cut: bool,
    decision: Piece,
    explained: String,
}

impl Looked {
    fn of(preview: &Preview, way: &WayOut) -> Self {
        let (decision, explained) = decided(preview.decision.as_ref(), way);
        let rows: Vec<_> = preview.objects.iter().map(ObjectRow::of).collect();
        let stays = |row: &&ObjectRow| row.refused.is_some() || row.stands_apart || row.is_refused;
        let kept = rows.len() - rows.iter().filter(stays).count();
        let mut told: Vec<_> = rows.into_iter().filter(ObjectRow::is_told).collect();
        let cut = told.len() > SHOWN;
        told.truncate(SHOWN);
        Self { objects: preview.objects.len(), kept, told, cut, decision, explained }
    }
}

fn decided(decision: Option<&Decision>, way: &WayOut) -> (Piece, String) {
    match decision {
        Some(Decision::Permit(permit)) => (
            look::good("leaves as soon as it is sent"),
            format!("{} permits it; nobody else is asked.", permit.rules().join(", ")),
        ),
        Some(Decision::NeedsSecondPerson { rule }) => (
            look::attention("waits for a releaser"),
            format!("{rule} asks for a second person before it leaves for {}.", way.to),
        ),
        Some(Decision::Refuse(refusal)) => {
            let item = refusal.item.map(|item| format!(" Object {item}.")).unwrap_or_default();
            (
                look::bad("would be refused"),
                format!(
                    "{}: {}.{item} What helps: {}.",
                    refusal.rule, refusal.message, refusal.remedy
                ),
            )
        }
        None => (look::bad("would be refused"), "The agreement is not in force.".to_owned()),
    }
}

#[derive(Template)]
#[template(path = "compose.html")]
struct ComposePage {
    frame: Frame,
    ways: Vec<WayOut>,
    typed: Typed,
    trouble: Option<Trouble>,
    looked: Option<Looked>,
    large: Option<String>,
}

impl ComposePage {
    /// The terms of the way that is chosen, or of the only one.
    fn chosen(&self) -> Option<&WayOut> {
        self.ways.iter().find(|way| way.value == self.typed.way)
    }

    fn is_chosen(&self, way: &WayOut) -> bool {
        way.value == self.typed.way
    }

    fn precedences(&self) -> Vec<(Piece, &'static str, bool)> {
        let here = self.typed.precedence.parse().ok();
        let default = here.or_else(|| self.chosen().map(|way| way.default));
        let default = default.unwrap_or(Precedence::Routine);
        let look = |word: &Precedence| (look::precedence(*word), word.word(), *word == default);
        Precedence::ALL.iter().map(look).collect()
    }

    fn statuses(&self) -> Vec<(&'static str, bool)> {
        let here = self.typed.status.parse().unwrap_or(Status::Actual);
        Status::ALL.iter().map(|status| (status.word(), *status == here)).collect()
    }
}

pub(super) async fn show(State(desk): State<Shared>, person: Person, query: Query) -> Answer {
    let typed = match query.get("from", |text| text.parse().ok())? {
        // A draft that is corrected: its text comes back.
        Some(id) => corrected(&desk, &person, id).await?,
        None => Typed::default(),
    };
    Ok(page(&build(&desk, &person, typed, None).await?))
}

async fn corrected(desk: &Shared, person: &Person, id: Uuid) -> Result<Typed, Problem> {
    let store = desk.service.store();
    let release = store.release(id).await?.ok_or(store::Error::NotFound)?;
    let mut typed = Typed {
        way: format!("{} {}", release.agreement, release.topic),
        precedence: release.precedence.word().to_owned(),
        status: release.status.word().to_owned(),
        note: release.note.unwrap_or_default(),
        ..Typed::default()
    };
    let view = person.view(desk).await?;
    let may_read = view.may(Work::Send, &release.agreement, &release.topic)
        && store.audiences(id).await?.iter().all(|audience| view.sight.is_in(audience));
    if may_read && release.bytes <= TEXT_LEN_MAX as u64 {
        let items = store.release_items(id).await?;
        let bodies: Vec<_> =
            items.iter().map(|item| String::from_utf8_lossy(&item.body).into_owned()).collect();
        typed.text = format!("{{\"objects\": [\n{}\n]}}", bodies.join(",\n"));
    }
    Ok(typed)
}

async fn build(
    desk: &Shared,
    person: &Person,
    mut typed: Typed,
    trouble: Option<Trouble>,
) -> Result<ComposePage, Problem> {
    let ways = ways(desk).await?;
    if let ([only], true) = (ways.as_slice(), typed.way.is_empty()) {
        typed.way = only.value.clone();
    }
    let mut trouble = trouble;
    let document = typed.document();
    let way = ways.iter().find(|way| way.value == typed.way);
    let mut looked = None;
    if let (Some(way), false) = (way, document.trim_ascii().is_empty()) {
        let intent = typed.intent(&ways, person)?;
        match preview::examine(&desk.service, &document, &intent, now()).await {
            Ok(preview) => looked = Some(Looked::of(&preview, way)),
            Err(error) => {
                trouble = trouble.or_else(|| Some(Trouble::from(&Problem::from(error))));
            }
        }
    }
    let large = typed.file.as_ref().map(|file| {
        format!("{}, {}", typed.file_name, look::bytes(file.len().try_into().unwrap_or(u64::MAX)))
    });
    Ok(ComposePage {
        frame: person.frame(desk, Menu::Compose),
        ways,
        typed,
        trouble,
        looked,
        large,
    })
}

/// Looks at what was typed; keeps nothing.
pub(super) async fn check(
    State(desk): State<Shared>,
    person: Person,
    Upload(form): Upload,
) -> Answer {
    let typed = Typed::read(form).await?;
    person.check(&typed.csrf)?;
    Ok(page(&build(&desk, &person, typed, None).await?))
}

/// Drafts it.
pub(super) async fn send(
    State(desk): State<Shared>,
    person: Person,
    Upload(form): Upload,
) -> Answer {
    let typed = Typed::read(form).await?;
    person.check(&typed.csrf)?;
    match draft(&desk, &person, &typed).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            Ok(page_as(problem.status(), &build(&desk, &person, typed, trouble).await?))
        }
    }
}

async fn draft(desk: &Shared, person: &Person, typed: &Typed) -> Result<Response, Problem> {
    person.0.must_be(Role::Drafter)?;
    let intent = typed.intent(&ways(desk).await?, person)?;
    let request = release::DraftRequest {
        agreement: intent.agreement,
        topic: intent.topic,
        precedence: Some(intent.precedence),
        status: intent.status,
        body: typed.document(),
        note: Some(typed.note.trim().to_owned()).filter(|note| !note.is_empty()),
        status_id: store::status_id(now(), Uuid::new_v4()),
    };
    let added = release::draft(&desk.service, request, &person.0.account, now()).await?;
    let Some(id) = added.release else {
        let refused = added.lines.iter().find(|line| !line.ok);
        let (message, remedy) = match refused {
            Some(_) => ("no object of it can be kept", "look at the findings beside the text"),
            None => ("every object of it has left before, byte for byte", "change it, or leave it"),
        };
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "REL-3", message, remedy));
    };
    Ok(Redirect::to(&format!("/releases/{id}")).into_response())
}
