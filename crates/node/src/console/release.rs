//! One release: as it left, how far it came, who did what, what proves it; and what a person may do
//! with it now: release, return, recall.

use askama::Template;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use exchange::{preview, recall, release as use_case, rights::Work, waiting};
use protocol::{
    agreement::{Agreement, Decision},
    terms::{NodeName, Precedence, RecallReason, Role},
};
use serde::Deserialize;
use store::{Release, ReleaseState, Store};
use uuid::Uuid;

use super::{
    evidence::Proof,
    form::Form,
    frame::{Answer, At, Frame, Menu, Person, Trouble, page, page_as},
    items::{self, ITEMS, ItemRow},
    look::{self, Piece},
    query::Query,
    way::{self, Mark},
};
use crate::{
    desk::{Shared, now},
    problem::Problem,
};

/// Facts at the top of a release's pages.
pub(super) struct Summary {
    pub(super) id: Uuid,
    pub(super) id_piece: Piece,
    pub(super) title: String,
    pub(super) to: String,
    pub(super) topic: String,
    pub(super) precedence: Piece,
    pub(super) status: Piece,
    pub(super) state: Piece,
    pub(super) group: String,
    pub(super) created: Piece,
    pub(super) bytes: String,
    pub(super) agreement: (String, String),
    pub(super) rules: String,
    pub(super) drafted_by: String,
    pub(super) released_by: Option<String>,
    pub(super) note: Option<Piece>,
    pub(super) message: Option<Piece>,
}

struct Loaded {
    release: Release,
    to: Vec<NodeName>,
    summary: Summary,
}

async fn load(desk: &Shared, person: &Person, id: Uuid) -> Result<Loaded, Problem> {
    let store = desk.service.store();
    let mut release = store.release(id).await?.ok_or(store::Error::NotFound)?;
    person.view(desk).await?.redact(&mut release);
    let row = store.agreement(&release.agreement).await?.ok_or(store::Error::NotFound)?;
    let me = desk.service.name();
    let to: Vec<_> = row.parties.iter().filter(|party| *party != me).cloned().collect();
    let objects = look::plural(release.items.into(), "object", "objects");
    let title = format!("{objects} for {}", items::named(&to));
    let summary = Summary {
        id,
        id_piece: look::id(&id.to_string()),
        title,
        to: items::named(&to),
        topic: release.topic.to_string(),
        precedence: look::precedence(release.precedence),
        status: look::status(release.status),
        state: look::release_state(release.state),
        group: look::date_time_group(release.created),
        created: look::time(release.created),
        bytes: look::bytes(release.bytes),
        agreement: (row.title, format!("/agreements/{}", row.id)),
        rules: release.rule.clone().unwrap_or_default(),
        drafted_by: release.drafted_by.clone(),
        released_by: release.released_by.clone(),
        note: release.note.as_deref().map(look::quoted),
        message: release.message.as_deref().map(look::plain),
    };
    Ok(Loaded { release, to, summary })
}

/// What a second person is asked.
struct Choice {
    says: String,
    /// What was found in what is to be released.
    found: Option<(Piece, String)>,
    article: String,
    /// Why this person cannot decide, where that is so.
    why_not: Option<&'static str>,
    asks_password: bool,
    precedences: Vec<(&'static str, bool)>,
    reason: String,
    returning: bool,
    /// It can only be returned: whoever releases it sees all of it.
    unseen: bool,
}

#[derive(Template)]
#[template(path = "release.html")]
struct ReleasePage {
    frame: Frame,
    summary: Summary,
    next: String,
    settling: bool,
    clock: Option<Piece>,
    trouble: Option<Trouble>,
    choice: Option<Choice>,
    may_recall: bool,
    may_correct: bool,
    items: Vec<ItemRow>,
    hidden: bool,
    /// Some items are not for this account.
    unseen: bool,
    from: u32,
    more: Option<u32>,
    passages: Vec<way::PassageRow>,
    recalls: Vec<way::RecallRow>,
    marks: Vec<Mark>,
    proof: Option<Proof>,
}

pub(super) async fn show(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
    query: Query,
) -> Answer {
    Ok(page(&build(&desk, &person, id, items::from(&query)?, None).await?))
}

/// The page again, with what was refused and what was typed.
async fn again(
    desk: &Shared,
    person: &Person,
    id: Uuid,
    problem: &Problem,
    form: Decided,
) -> Result<Response, Problem> {
    let trouble = Some(Trouble::from(problem));
    let mut built = build(desk, person, id, 0, trouble).await?;
    if let Some(choice) = &mut built.choice {
        choice.returning = form.decision == "return";
        choice.reason = form.reason;
    }
    Ok(page_as(problem.status(), &built))
}

async fn build(
    desk: &Shared,
    person: &Person,
    id: Uuid,
    from: u32,
    trouble: Option<Trouble>,
) -> Result<ReleasePage, Problem> {
    let store = desk.service.store();
    let Loaded { release, to, summary } = load(desk, person, id).await?;
    let mut heads = store.items_from(id, from, ITEMS + 1).await?;
    let view = person.view(desk).await?;
    let hidden = !view.may(Work::Send, &release.agreement, &release.topic);
    let more = items::cut(&mut heads);
    heads.retain(|head| !hidden && view.sight.is_in(&head.audience));
    let waits = release.state == ReleaseState::AwaitingRelease;
    let due = release.created.plus_ms(waiting::clock_ms(release.precedence));
    let unseen = !hidden && !store.audiences(id).await?.iter().all(|one| view.sight.is_in(one));
    let choice = match waits {
        true => Some(choice(desk, person, (&release, hidden), unseen, &to).await?),
        false => None,
    };
    let returned = [ReleaseState::Returned, ReleaseState::Refused, ReleaseState::RefusedByPartner];
    let holds = release.statement.is_some()
        && !matches!(release.state, ReleaseState::RefusedByPartner | ReleaseState::Recalled);
    let (passages, proof) = match &release.statement {
        Some(statement) => {
            (way::passages(&desk.service, statement).await?, Proof::of(store, statement).await?)
        }
        None => (Vec::new(), None),
    };
    let recalls = recalls(store, id).await?;
    let open_recall = recalls.iter().any(|recall| recall.is_open);
    Ok(ReleasePage {
        frame: person.frame(desk, Menu::Releases),
        next: next(&release, &to),
        settling: is_settling(&release) || open_recall,
        clock: waits.then(|| look::clock(due, now())),
        trouble,
        choice,
        may_recall: holds && !hidden && person.is(Role::Releaser),
        may_correct: returned.contains(&release.state)
            && person.is(Role::Drafter)
            && view.may(Work::Draft, &release.agreement, &release.topic),
        items: heads.iter().map(ItemRow::of).collect(),
        hidden,
        unseen,
        from,
        more,
        passages,
        recalls,
        marks: way::marks(store, Some(id), release.statement).await?,
        proof,
        summary,
    })
}

async fn recalls(store: &Store, id: Uuid) -> Result<Vec<way::RecallRow>, Problem> {
    Ok(store.recalls_of(id).await?.iter().map(way::RecallRow::of).collect())
}

/// A state that goes on without anybody's doing.
fn is_settling(release: &Release) -> bool {
    let states = [ReleaseState::Drafted, ReleaseState::Sealed, ReleaseState::Delivered];
    states.contains(&release.state)
}

/// What happens next, and who must act.
fn next(release: &Release, to: &[NodeName]) -> String {
    let to = items::named(to);
    match release.state {
        ReleaseState::Drafted => "The agreement is being asked.".to_owned(),
        ReleaseState::AwaitingRelease => {
            format!("A releaser other than {} decides.", release.drafted_by)
        }
        ReleaseState::Refused => {
            "Nothing left here. The drafter corrects it or leaves it.".to_owned()
        }
        ReleaseState::Returned => format!("{} corrects it or leaves it.", release.drafted_by),
        ReleaseState::Sealed => format!("It leaves as soon as {to} can be reached."),
        ReleaseState::Delivered => format!("{to} has it; the signed receipt is awaited."),
        ReleaseState::TakenIn => format!("Nothing more: {to} has taken it in."),
        ReleaseState::TakenInWithFindings => {
            format!("{to} has taken it in and found something; look at the receipt.")
        }
        ReleaseState::Quarantined => format!("{to} holds it apart until a person there decides."),
        ReleaseState::RefusedByPartner => {
            "The partner refused it. The drafter corrects it or leaves it.".to_owned()
        }
        ReleaseState::Recalled => {
            "It is recalled; the answer stands below once it is here.".to_owned()
        }
    }
}

async fn choice(
    desk: &Shared,
    person: &Person,
    (release, hidden): (&Release, bool),
    unseen: bool,
    to: &[NodeName],
) -> Result<Choice, Problem> {
    let store = desk.service.store();
    let highest = store.highest_marking(release.id).await?;
    let decided = preview::decision(&desk.service, release, Some(person.name()), now()).await?;
    let article = match decided {
        Some(Decision::Permit(permit)) => format!("Permitted by {}.", permit.rules().join(", ")),
        Some(Decision::Refuse(refusal)) => {
            format!("{} forbids it: {}.", refusal.rule, refusal.message)
        }
        Some(Decision::NeedsSecondPerson { rule }) => {
            format!("{rule} asks for a releaser who did not draft it.")
        }
        None => "The agreement is not in force.".to_owned(),
    };
    let allowed = allowed(desk, release).await?;
    let why_not = match () {
        () if release.drafted_by == person.name() => Some("you drafted it"),
        () if !person.is(Role::Releaser) => Some("it asks for the role releaser"),
        () if hidden => Some("it asks for access to its topic"),
        () => None,
    };
    Ok(Choice {
        says: format!(
            "{} will be sealed for {} with {}. Once it has left it cannot be taken back, only recalled.",
            look::plural(release.items.into(), "object", "objects"),
            items::named(to),
            items::marked(highest)
        ),
        found: found(&store.item_rows(release.id).await?),
        article,
        why_not,
        asks_password: !person.is_confirmed(),
        unseen,
        precedences: allowed
            .into_iter()
            .map(|word| (word.word(), word == release.precedence))
            .collect(),
        reason: String::new(),
        returning: false,
    })
}

/// What was found in the items of a draft: how many break a MUST, how many only a SHOULD.
fn found(rows: &[store::ItemRow]) -> Option<(Piece, String)> {
    let gravest = |row: &store::ItemRow| row.findings.iter().map(|found| found.level).max();
    let of = |level| rows.iter().filter(|row| gravest(row) == Some(level)).count() as u64;
    let (errors, warnings) = (of(stix::Level::Error), of(stix::Level::Warning));
    let level = match (errors, warnings) {
        (0, 0) => return None,
        (0, _) => stix::Level::Warning,
        _ => stix::Level::Error,
    };
    let objects = |count| look::plural(count, "object breaks", "objects break");
    let told = match (errors, warnings) {
        (0, warnings) => format!("{} a SHOULD.", objects(warnings)),
        (errors, 0) => format!("{} a MUST.", objects(errors)),
        (errors, warnings) => {
            format!("{} a MUST, {} only a SHOULD.", objects(errors), objects(warnings))
        }
    };
    Some((items::level(level), told))
}

/// The precedences that the agreement names for a release's topic.
async fn allowed(desk: &Shared, release: &Release) -> Result<Vec<Precedence>, Problem> {
    let row = desk.service.store().agreement(&release.agreement).await?;
    let agreement = row.and_then(|row| Agreement::parse(&row.text).ok());
    let terms = agreement.as_ref().and_then(|agreement| agreement.topic(&release.topic));
    Ok(terms.map_or_else(|| vec![release.precedence], |terms| terms.precedence.clone()))
}

/// What the second person sends.
#[derive(Deserialize)]
pub(super) struct Decided {
    csrf: String,
    decision: String,
    #[serde(default)]
    precedence: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
pub(super) struct Anew {
    csrf: String,
}

/// Drafts the same items once more.
pub(super) async fn draft_again(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
    Form(form): Form<Anew>,
) -> Answer {
    person.check(&form.csrf)?;
    let new = Uuid::new_v4();
    match use_case::again(&desk.service, id, new, &person.0.account, now()).await {
        Ok(()) => Ok(Redirect::to(&format!("/releases/{new}")).into_response()),
        Err(failure) => {
            let problem = Problem::from(failure);
            let built = build(&desk, &person, id, 0, Some(Trouble::from(&problem))).await?;
            Ok(page_as(problem.status(), &built))
        }
    }
}

pub(super) async fn decide(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
    Form(form): Form<Decided>,
) -> Answer {
    person.check(&form.csrf)?;
    match apply(&desk, &person, id, &form).await {
        Ok(()) => Ok(Redirect::to(&format!("/releases/{id}")).into_response()),
        Err(problem) => Ok(again(&desk, &person, id, &problem, form).await?),
    }
}

async fn apply(desk: &Shared, person: &Person, id: Uuid, form: &Decided) -> Result<(), Problem> {
    let (service, officer) = (&desk.service, &person.0.account);
    if form.decision == "return" {
        if form.reason.trim().is_empty() {
            let message = "a return needs its reason";
            let remedy = "say in a line what the drafter should change";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "REL-2", message, remedy));
        }
        use_case::send_back(service, id, officer, form.reason.trim(), now()).await?;
        return Ok(());
    }
    person.confirm(desk, &form.password).await?;
    let precedence = form.precedence.parse().ok();
    use_case::approve(service, id, officer, precedence, now()).await?;
    Ok(())
}

#[derive(Template)]
#[template(path = "recall.html")]
struct RecallPage {
    frame: Frame,
    summary: Summary,
    trouble: Option<Trouble>,
    reasons: Vec<(&'static str, &'static str, bool)>,
    items: Vec<ItemRow>,
    chosen: Vec<u32>,
    cut: bool,
    asks_password: bool,
}

/// Items that can be chosen one by one on the page of a recall; beyond them it is all or the API.
const CHOICES: u32 = 200;

pub(super) async fn recall_form(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
) -> Answer {
    Ok(page(&recall_page(&desk, &person, id, None, &Recalled::default()).await?))
}

async fn recall_page(
    desk: &Shared,
    person: &Person,
    id: Uuid,
    trouble: Option<Trouble>,
    typed: &Recalled,
) -> Result<RecallPage, Problem> {
    let Loaded { release, summary, .. } = load(desk, person, id).await?;
    let view = person.view(desk).await?;
    let hidden = !view.may(Work::Send, &release.agreement, &release.topic);
    let mut heads = desk.service.store().items_from(id, 0, CHOICES + 1).await?;
    let cut = heads.len() > CHOICES as usize;
    heads.truncate(CHOICES as usize);
    heads.retain(|head| !hidden && view.sight.is_in(&head.audience));
    let reason =
        |reason: &RecallReason| (reason.word(), explained(*reason), typed.reason == reason.word());
    Ok(RecallPage {
        frame: person.frame(desk, Menu::Releases),
        summary,
        trouble,
        reasons: RecallReason::ALL.iter().map(reason).collect(),
        items: heads.iter().map(ItemRow::of).collect(),
        chosen: typed.items(),
        cut,
        asks_password: !person.is_confirmed(),
    })
}

fn explained(reason: RecallReason) -> &'static str {
    match reason {
        RecallReason::Wrong => "It is factually wrong",
        RecallReason::Unlawful => "It was held or passed unlawfully",
        RecallReason::ConsentWithdrawn => "A consent it rested on was withdrawn",
        RecallReason::SourceDanger => "A source is in danger: answered first, within 10 minutes",
        RecallReason::Misdirected => "It went to the wrong recipient",
    }
}

/// What the releaser sends; items as `item=3`, many times.
#[derive(Default)]
pub(super) struct Recalled {
    csrf: String,
    reason: String,
    password: String,
    scope: String,
    chosen: Vec<u32>,
}

impl Recalled {
    /// A form whose fields repeat reads as pairs.
    fn read(pairs: Vec<(String, String)>) -> Self {
        let mut form = Self::default();
        for (name, value) in pairs {
            match name.as_str() {
                "csrf" => form.csrf = value,
                "reason" => form.reason = value,
                "password" => form.password = value,
                "scope" => form.scope = value,
                "item" => form.chosen.extend(value.parse::<u32>().ok()),
                _ => {}
            }
        }
        form
    }

    fn items(&self) -> Vec<u32> {
        if self.scope == "some" { self.chosen.clone() } else { Vec::new() }
    }
}

pub(super) async fn recall(
    State(desk): State<Shared>,
    person: Person,
    At(id): At<Uuid>,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Answer {
    let form = Recalled::read(pairs);
    person.check(&form.csrf)?;
    match issue(&desk, &person, id, &form).await {
        Ok(()) => Ok(Redirect::to(&format!("/releases/{id}")).into_response()),
        Err(problem) => {
            let trouble = Some(Trouble::from(&problem));
            let built = recall_page(&desk, &person, id, trouble, &form).await?;
            Ok(page_as(problem.status(), &built))
        }
    }
}

async fn issue(desk: &Shared, person: &Person, id: Uuid, form: &Recalled) -> Result<(), Problem> {
    person.0.must_be(Role::Releaser)?;
    let unprocessable = |rule: &str, message: &str, remedy: &str| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, rule, message, remedy)
    };
    let reason: RecallReason = form.reason.parse().map_err(|_| {
        unprocessable("RCL-4", "a recall needs its reason", "choose the reason that holds")
    })?;
    let items = (form.scope == "some").then(|| form.chosen.clone());
    if items.as_ref().is_some_and(Vec::is_empty) {
        let remedy = "choose at least one item, or recall all of it";
        return Err(unprocessable("RCL-2", "no item is chosen", remedy));
    }
    person.confirm(desk, &form.password).await?;
    recall::issue(&desk.service, id, items, reason, &person.0.account, now()).await?;
    Ok(())
}
