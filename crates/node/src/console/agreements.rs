//! Agreements: drafted from a form or a text, read whole, signed by the press of one button that
//! says what it does.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect},
};
use bytes::Bytes;
use exchange::accord;
use protocol::{
    agreement::{Agreement, DraftText, ReleaseRule, TopicTerms, draft_text},
    terms::{AgreementId, Direction, NodeName, Precedence, Role, Topic},
};
use serde::Deserialize;
use stix::Tlp;
use store::{AgreementRow, AgreementState, PartnerState};

use super::{
    form::Form,
    frame::{Answer, At, Frame, Menu, Person, Trouble, page, page_as},
    items,
    look::{self, Piece},
    standing,
};
use crate::{
    desk::{Shared, now, rng},
    problem::Problem,
};

struct Line {
    path: String,
    title: String,
    with: String,
    state: Piece,
    since: Option<Piece>,
}

#[derive(Template)]
#[template(path = "agreements.html")]
struct AgreementsPage {
    frame: Frame,
    rows: Vec<Line>,
    partners: Vec<(NodeName, PartnerState)>,
    ceilings: Vec<&'static str>,
    trouble: Option<Trouble>,
    typed: Typed,
    administers: bool,
}

/// A form, or a whole text.
#[derive(Deserialize, Default)]
pub(super) struct Typed {
    csrf: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    partner: String,
    #[serde(default)]
    topics: String,
    #[serde(default)]
    direction: String,
    #[serde(default)]
    ceiling: String,
    #[serde(default)]
    release: String,
    #[serde(default)]
    retention: String,
    #[serde(default)]
    text: String,
}

pub(super) async fn list(State(desk): State<Shared>, person: Person) -> Answer {
    Ok(page(&build_list(&desk, &person, None, Typed::default()).await?))
}

async fn build_list(
    desk: &Shared,
    person: &Person,
    trouble: Option<Trouble>,
    typed: Typed,
) -> Result<AgreementsPage, Problem> {
    let store = desk.service.store();
    let line = |row: AgreementRow| Line {
        path: format!("/agreements/{}", row.id),
        with: with(desk, &row.parties),
        state: look::agreement_state(row.state),
        since: row.in_force_since.map(look::time),
        title: row.title,
    };
    let partners = store.partners().await?;
    Ok(AgreementsPage {
        frame: person.frame(desk, Menu::Partners),
        rows: store.agreements().await?.into_iter().map(line).collect(),
        partners: partners.into_iter().map(|partner| (partner.name, partner.state)).collect(),
        ceilings: Tlp::ALL.iter().map(|tlp| tlp.label()).collect(),
        trouble,
        typed,
        administers: person.is(Role::Administrator),
    })
}

pub(super) fn with(desk: &Shared, parties: &[NodeName]) -> String {
    let others: Vec<_> =
        parties.iter().filter(|party| *party != desk.service.name()).cloned().collect();
    items::named(&others)
}

pub(super) async fn draft(
    State(desk): State<Shared>,
    person: Person,
    Form(form): Form<Typed>,
) -> Answer {
    person.check(&form.csrf)?;
    match drafted(&desk, &person, &form).await {
        Ok(id) => Ok(Redirect::to(&format!("/agreements/{id}")).into_response()),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let built = build_list(&desk, &person, trouble, form).await?;
            Ok(page_as(problem.status(), &built))
        }
    }
}

async fn drafted(desk: &Shared, person: &Person, form: &Typed) -> Result<AgreementId, Problem> {
    person.0.must_be(Role::Administrator)?;
    let text = match form.text.trim() {
        "" => written(desk.service.name(), form)?,
        // A browser sends line ends as CRLF; what is signed is the same text on both sides.
        _ => form.text.replace("\r\n", "\n"),
    };
    let drafted = accord::draft(&desk.service, Bytes::from(text), person.name(), now()).await?;
    Ok(drafted.id())
}

/// The text that a form stands for.
fn written(me: &NodeName, form: &Typed) -> Result<String, Problem> {
    let wrong = |message: &str, remedy: &str| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "AGR-2", message, remedy)
    };
    if form.title.trim().is_empty() {
        return Err(wrong("an agreement needs a title", "name what it is about"));
    }
    let partner: NodeName = form
        .partner
        .parse()
        .map_err(|_| wrong("no partner is chosen", "choose the partner, or meet it first"))?;
    let ceiling: Tlp = form
        .ceiling
        .parse()
        .map_err(|_| wrong("no ceiling is chosen", "choose the highest marking that may cross"))?;
    let release = match form.release.as_str() {
        "on-submit" => ReleaseRule::OnSubmit,
        _ => ReleaseRule::SecondPerson,
    };
    let retention_days = form.retention.trim().parse().unwrap_or(1_825);
    let terms = |word: &str| {
        let topic: Topic = word.parse().map_err(|_| {
            wrong("a topic cannot be read", "use lower-case letters, digits and hyphens")
        })?;
        Ok(TopicTerms {
            topic,
            direction: form.direction.parse().unwrap_or(Direction::Both),
            ceiling,
            precedence: Precedence::ALL.to_vec(),
            release,
            retention_days,
        })
    };
    let words = form.topics.split([' ', ',', '\n', '\r']).filter(|word| !word.is_empty());
    let topics = words.map(terms).collect::<Result<Vec<_>, Problem>>()?;
    if topics.is_empty() {
        return Err(wrong("no topic is named", "name at least one, such as counter-terrorism"));
    }
    let parties = [me.clone(), partner];
    let text = DraftText {
        title: form.title.trim(),
        parties: &parties,
        from: now(),
        until: None,
        topics: &topics,
    };
    Ok(draft_text(&text))
}

struct Party {
    name: String,
    signed: Option<(Piece, String)>,
}

struct TopicRow {
    topic: String,
    way: &'static str,
    ceiling: Piece,
    precedence: Vec<Piece>,
    release: &'static str,
    retention_days: u32,
}

#[derive(Template)]
#[template(path = "agreement.html")]
struct AgreementPage {
    frame: Frame,
    id: AgreementId,
    id_piece: Piece,
    title: Piece,
    with: String,
    state: Piece,
    next: String,
    parties: Vec<Party>,
    topics: Vec<TopicRow>,
    from: Option<Piece>,
    until: Option<Piece>,
    text: Piece,
    trouble: Option<Trouble>,
    standing: Vec<standing::Party>,
    changes: Vec<(&'static str, &'static str)>,
    may_sign: bool,
    asks_password: bool,
}

pub(super) async fn show(State(desk): State<Shared>, person: Person, At(id): At<String>) -> Answer {
    Ok(page(&build(&desk, &person, &known(&desk, &id).await?, None)))
}

pub(super) async fn known(desk: &Shared, id: &str) -> Result<AgreementRow, Problem> {
    let id: AgreementId = id.parse().map_err(|_| Problem::from(store::Error::NotFound))?;
    Ok(desk.service.store().agreement(&id).await?.ok_or(store::Error::NotFound)?)
}

fn build(
    desk: &Shared,
    person: &Person,
    row: &AgreementRow,
    trouble: Option<Trouble>,
) -> AgreementPage {
    let me = desk.service.name();
    let signed = |name: &NodeName| {
        row.signatures
            .iter()
            .find(|(by, ..)| by == name)
            .map(|(_, statement, at)| (look::time(*at), format!("/statements/{statement}")))
    };
    let parties: Vec<_> = row
        .parties
        .iter()
        .map(|name| Party { name: name.to_string(), signed: signed(name) })
        .collect();
    let open = matches!(row.state, AgreementState::Drafted | AgreementState::Signed);
    let ours = signed(me).is_some();
    let agreement = Agreement::parse(&row.text).ok();
    let with = with(desk, &row.parties);
    let next = match (row.state, ours) {
        (AgreementState::InForce, _) => {
            format!("Topics are open in both nodes; releases to {with} are decided by it.")
        }
        (_, true) if open => format!("{with} reads it and signs the same bytes."),
        (_, false) if open => {
            "An administrator of this node reads it and signs it, or leaves it.".to_owned()
        }
        (AgreementState::Suspended, _) => {
            "No release passes until whoever suspended it resumes it; recalls still do.".to_owned()
        }
        _ => "Nothing is released under it any more; recalls still pass.".to_owned(),
    };
    AgreementPage {
        frame: person.frame(desk, Menu::Partners),
        id: row.id,
        id_piece: look::id(&row.id.to_string()),
        title: look::quoted(&row.title),
        with,
        state: look::agreement_state(row.state),
        next,
        parties,
        topics: agreement.as_ref().map(|agreement| topics(agreement, me)).unwrap_or_default(),
        from: agreement.as_ref().map(|agreement| look::time(agreement.term().0)),
        until: agreement.as_ref().and_then(|agreement| agreement.term().1.map(look::time)),
        text: look::document(&String::from_utf8_lossy(&row.text)),
        trouble,
        standing: standing::parties(row),
        changes: match person.is(Role::Administrator) {
            true => standing::changes(desk, row),
            false => Vec::new(),
        },
        may_sign: open && !ours && person.is(Role::Administrator),
        asks_password: !person.is_confirmed(),
    }
}

fn topics(agreement: &Agreement, me: &NodeName) -> Vec<TopicRow> {
    let others = agreement.others(me);
    let row = |terms: &TopicTerms| {
        let out = agreement.flows_from(terms, me);
        let inn = others.iter().any(|other| agreement.flows_from(terms, other));
        TopicRow {
            topic: terms.topic.to_string(),
            way: match (out, inn) {
                (true, true) => "both ways",
                (true, false) => "from us",
                _ => "to us",
            },
            ceiling: look::tlp(Some(terms.ceiling)),
            precedence: terms.precedence.iter().map(|word| look::precedence(*word)).collect(),
            release: match terms.release {
                ReleaseRule::OnSubmit => "the drafter alone",
                ReleaseRule::SecondPerson => "a second person",
            },
            retention_days: terms.retention_days,
        }
    };
    agreement.topics().iter().map(row).collect()
}

#[derive(Deserialize)]
pub(super) struct Sign {
    csrf: String,
    #[serde(default)]
    password: String,
}

pub(super) async fn sign(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<String>,
    Form(form): Form<Sign>,
) -> Answer {
    person.check(&form.csrf)?;
    let row = known(&desk, &id).await?;
    match signed(&desk, &person, &row.id, &form.password).await {
        Ok(()) => Ok(Redirect::to(&format!("/agreements/{}", row.id)).into_response()),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            Ok(page_as(problem.status(), &build(&desk, &person, &row, trouble)))
        }
    }
}

async fn signed(
    desk: &Shared,
    person: &Person,
    id: &AgreementId,
    password: &str,
) -> Result<(), Problem> {
    person.0.must_be(Role::Administrator)?;
    person.confirm(desk, password).await?;
    Ok(accord::sign(&desk.service, id, person.name(), now(), &mut rng()).await?)
}
