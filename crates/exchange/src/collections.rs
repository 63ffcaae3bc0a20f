//! Collections: making and changing them, and what they owe to each other and to what came late.
//! Objects whose marking is known now are dated anew, and aggregates follow their sources.

use protocol::{terms::Timestamp, words::plural};
use store::{Collection, CollectionChange, Flow, NewCollection};

use crate::{
    Failure, Service, Step,
    examine::{self, Markings},
};

/// Objects of one step: bounds how long the writer is busy with it.
const BATCH: usize = 1_000;

/// Dates anew what waited for a marking definition or what an older build classed otherwise, and
/// feeds aggregates.
///
/// *Atomicity*: a transaction for each; each may run twice.
pub async fn step(service: &Service, now: Timestamp) -> Result<Step, Failure> {
    let reread = reread(service, now).await?;
    let redated = redate(service, now).await?;
    let fed = service.store().feed(BATCH, now).await?;
    Ok(Step::of(reread + redated + fed))
}

/// Reads again what was here before this build; nothing, mostly, since it happens once.
async fn reread(service: &Service, now: Timestamp) -> Result<usize, Failure> {
    let store = service.store();
    let Some(mut old) = store.reread(u32::try_from(BATCH).unwrap_or(u32::MAX)).await? else {
        return Ok(0);
    };
    let entries = std::mem::take(&mut old.entries);
    let count = entries.len();
    let changed = examine::changed(entries, &Markings::here(service).await?);
    if !changed.is_empty() {
        store.redate(changed, now).await?;
    }
    store.reread_done(&old).await?;
    Ok(count.max(1))
}

/// Reads again, with the markings that are here now, the objects whose definitions have come.
async fn redate(service: &Service, now: Timestamp) -> Result<usize, Failure> {
    let store = service.store();
    let waiting = store.awaiting(u32::try_from(BATCH).unwrap_or(u32::MAX)).await?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let entries = examine::again(waiting, &Markings::here(service).await?);
    let count = entries.len();
    store.redate(entries, now).await?;
    Ok(count)
}

/// Characters of a title, and of a description.
const TITLE_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 2_000;
/// Days that a collection can be told to keep things: more is for good.
const RETENTION_MAX_DAYS: u32 = 36_500;

/// Makes a collection.
///
/// *Errors*: `COL-2`, `COL-6` and `COL-11`; [`store::Error::State`] where alias or title are taken.
pub async fn create(
    service: &Service,
    new: NewCollection,
    actor: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    check_title(&new.title)?;
    check_retention(new.retention_days)?;
    check_sources(&new.sources)?;
    Ok(service.store().create_collection(new, actor.to_owned(), now).await?)
}

/// Changes what a collection says of itself, how long it keeps things, and for an aggregate what it
/// is fed from.
///
/// *Errors*: `COL-2`, `COL-6` to `COL-13`; [`store::Error::State`].
pub async fn change(
    service: &Service,
    collection: Collection,
    (change, sources): (CollectionChange, Option<Vec<Collection>>),
    older: Older,
    actor: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    if let Some(title) = &change.title {
        check_title(title)?;
        let all = service.store().collections().await?;
        let taken = |one: &Collection| {
            one.root == collection.root && one.title == *title && one.id != collection.id
        };
        if all.iter().any(taken) {
            return Err(store::Error::State(
                "there is a collection of that title",
                "take another title, or use that collection",
            )
            .into());
        }
    }
    if change.description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_MAX) {
        let remedy = "say it in 2,000 characters";
        return Err(Failure::forbidden("COL-7", "the description is too long", remedy));
    }
    if let Some(days) = change.retention_days {
        check_retention(days)?;
        check_agreed(service, &collection, days).await?;
        check_older(service, &collection, days.filter(|_| older == Older::Ask), now).await?;
    }
    if change.policy.is_some() && matches!(collection.flow, Flow::Incoming | Flow::Aggregate) {
        let problem = "nobody submits to this collection, so its objects are treated elsewhere";
        let remedy = "change the partner's policy, or that of the collections that feed it";
        return Err(Failure::forbidden("COL-10", problem, remedy));
    }
    let store = service.store();
    if let Some(sources) = sources {
        if sources.is_empty() {
            let remedy = "name at least one, or revoke the rights to it";
            return Err(Failure::forbidden("COL-9", "an aggregate without a source", remedy));
        }
        if collection.flow != Flow::Aggregate {
            let remedy = "make an aggregate, a collection that is fed from others from the start";
            return Err(Failure::forbidden("COL-12", "only an aggregate is fed", remedy));
        }
        check_sources(&sources)?;
        store.set_sources(collection.clone(), sources, actor.to_owned(), now).await?;
    }
    if change != CollectionChange::default() {
        store.change_collection(collection, change, actor.to_owned(), now).await?;
    }
    Ok(())
}

/// What is to become of objects that are older than a collection is to keep them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Older {
    /// Nothing is changed where there are any.
    Ask,
    /// They go at once.
    Delete,
}

impl Older {
    /// Deleted where somebody asked for that, by the box of a form or a word of the API.
    pub fn deleted_if(asked: bool) -> Self {
        if asked { Self::Delete } else { Self::Ask }
    }
}

/// Objects that are counted before somebody is asked whether they are to go.
const OLDER_MAX: usize = 10_000;

/// A slip of the hand must not delete what nothing brings back.
async fn check_older(
    service: &Service,
    collection: &Collection,
    days: Option<u32>,
    now: Timestamp,
) -> Result<(), Failure> {
    let Some(days) = days else { return Ok(()) };
    let count = match service.store().older(collection, days, OLDER_MAX, now).await? {
        0 => return Ok(()),
        OLDER_MAX => plural(OLDER_MAX as u64, "object is", "objects or more are"),
        count => plural(count as u64, "object is", "objects are"),
    };
    let days = plural(days.into(), "day", "days");
    Err(Failure::forbidden(
        "COL-13",
        format!("{count} older than {days} and would be deleted within seconds, for good"),
        "keep things for more days, or say that the older go too: by the box of the form, \
         --delete-older, or `delete_older`",
    ))
}

fn check_title(title: &str) -> Result<(), Failure> {
    let count = title.chars().count();
    // OpenCTI's connector splits `<root title>.<collection title>` at dots.
    if title.trim().is_empty() || title.contains('.') || count > TITLE_MAX {
        let remedy = "choose another";
        return Err(Failure::forbidden(
            "COL-2",
            "a title has 1 to 200 characters and no dot",
            remedy,
        ));
    }
    Ok(())
}

fn check_sources(sources: &[Collection]) -> Result<(), Failure> {
    let Some(other) = sources.iter().find(|source| source.flow == Flow::Aggregate) else {
        return Ok(());
    };
    Err(Failure::forbidden(
        "COL-11",
        format!("{}/{} is an aggregate, and none is fed from another", other.root, other.alias),
        "name the collections that feed that one",
    ))
}

fn check_retention(days: Option<u32>) -> Result<(), Failure> {
    if days.is_none_or(|days| (1..=RETENTION_MAX_DAYS).contains(&days)) {
        return Ok(());
    }
    let remedy = "say 1 to 36,500 days, or for good";
    Err(Failure::forbidden("COL-6", "no collection keeps things that long or that short", remedy))
}

/// Article 7: what a partner released is kept no longer than is agreed.
async fn check_agreed(
    service: &Service,
    collection: &Collection,
    days: Option<u32>,
) -> Result<(), Failure> {
    let (Flow::Incoming, Some(id), Some(topic)) =
        (collection.flow, collection.agreement, &collection.topic)
    else {
        return Ok(());
    };
    let agreement = service.agreement(&id).await?;
    let terms = agreement.as_ref().and_then(|(agreement, _)| agreement.topic(topic));
    let Some(agreed) = terms.map(|terms| terms.retention_days) else { return Ok(()) };
    if days.is_some_and(|days| days <= agreed) {
        return Ok(());
    }
    Err(Failure::forbidden(
        "COL-8",
        format!("article 7 of its agreement lets it keep things for {agreed} days at most"),
        "say fewer days",
    ))
}
