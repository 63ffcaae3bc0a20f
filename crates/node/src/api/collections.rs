//! Collections: which there are, who may use them, and what accounts may see.

use std::collections::BTreeSet;

use axum::extract::State;
use exchange::collections::{self as use_case, Older};
use protocol::{
    findings::FindingsChange,
    terms::{Role, Topic},
};
use serde::Deserialize;
use serde_json::{Value, json};
use store::{Collection, CollectionChange, Rights, Sight};
use uuid::Uuid;

use super::{
    Answer, Endpoint, absent,
    accounts::named,
    done,
    extract::{Json, Path},
    findings::{changed, present},
    list, malformed,
};
use crate::{
    auth::Caller,
    desk::{Shared, now},
    problem::Problem,
    taxii,
};

/// The root of the service's own collections, where none is named.
const LOCAL: &str = "local";

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/collections", collections)
            .gives("Every collection that the asking account may use", "CollectionList"),
        Endpoint::post("/collections", create)
            .by(&[Role::Administrator])
            .takes("NewCollection")
            .gives("Make a collection of the service's own", "CollectionList"),
        Endpoint::get("/collections/{id}", show)
            .by(&[Role::Administrator])
            .gives("A collection: what is in it, who may use it", "CollectionView"),
        Endpoint::patch("/collections/{id}", change)
            .by(&[Role::Administrator])
            .takes("CollectionChange")
            .gives("Change its words, how long it keeps things, what feeds it", "CollectionView"),
        Endpoint::post("/collections/grant", grant)
            .by(&[Role::Administrator])
            .takes("Grant")
            .gives("Say where an account may use its roles; neither takes it away", "Granted"),
        Endpoint::post("/accounts/{name}/sight", see)
            .by(&[Role::Administrator])
            .takes("Sight")
            .gives("Say what an account may see", "Granted"),
    ]
}

fn resource(collection: &Collection, may: Rights) -> Value {
    json!({
        "id": collection.id,
        "root": collection.root,
        "alias": collection.alias,
        "title": collection.title,
        "description": collection.description,
        "flow": collection.flow,
        "retention_days": collection.retention_days,
        "sources": collection.sources,
        "can_read": may.read,
        "can_write": may.write,
    })
}

async fn collections(State(desk): State<Shared>, caller: Caller) -> Answer {
    let view = desk.register.view(desk.service.store(), &caller.account).await?;
    let usable = view.roots.iter().flat_map(|root| &root.collections);
    let all: Vec<_> = usable.map(|usable| resource(&usable.collection, usable.may)).collect();
    done(list("collections", all))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCollection {
    alias: Topic,
    title: Option<String>,
    root: Option<Topic>,
    retention_days: Option<u32>,
    /// Ids or addresses; an aggregate where any stand.
    #[serde(default)]
    sources: Vec<String>,
}

async fn create(
    State(desk): State<Shared>,
    caller: Caller,
    Json(new): Json<NewCollection>,
) -> Answer {
    let root = new.root.as_ref().map_or(LOCAL, Topic::as_str).to_owned();
    let is_ours = !root.starts_with("agreement-");
    if !is_ours || taxii::RESERVED_ROOTS.contains(&root.as_str()) {
        return Err(malformed("COL-1", "an API root of that name is the node's own"));
    }
    let new = store::NewCollection {
        id: Uuid::new_v4(),
        root,
        title: new.title.unwrap_or_else(|| new.alias.to_string()),
        alias: new.alias.to_string(),
        retention_days: new.retention_days,
        sources: find_all(&desk, &new.sources).await?,
    };
    use_case::create(&desk.service, new, &caller.account.name, now()).await?;
    collections(State(desk), caller).await
}

/// What is named stays as it is said; what is not stays as it was.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    title: Option<String>,
    description: Option<String>,
    /// 0 is for good.
    retention_days: Option<u32>,
    /// What is older than that goes at once; else nothing is changed where anything is.
    #[serde(default)]
    delete_older: bool,
    sources: Option<Vec<String>>,
    /// Null: the node's own policy again.
    #[serde(default, deserialize_with = "present")]
    findings: Option<Option<FindingsChange>>,
}

async fn change(
    State(desk): State<Shared>,
    caller: Caller,
    Path(id): Path<String>,
    Json(new): Json<Change>,
) -> Answer {
    let collection = find(&desk, &id).await?;
    let change = CollectionChange {
        title: new.title,
        description: new.description,
        retention_days: new.retention_days.map(|days| (days > 0).then_some(days)),
        policy: changed(collection.policy.clone(), new.findings)?,
    };
    let sources = match &new.sources {
        Some(places) => Some(find_all(&desk, places).await?),
        None => None,
    };
    let (actor, what) = (&caller.account.name, (change, sources));
    let older = Older::deleted_if(new.delete_older);
    use_case::change(&desk.service, collection, what, older, actor, now()).await?;
    show(State(desk), Path(id)).await
}

async fn find_all(desk: &Shared, places: &[String]) -> Result<Vec<Collection>, Problem> {
    let mut found = Vec::with_capacity(places.len());
    for place in places {
        found.push(find(desk, place).await?);
    }
    Ok(found)
}

async fn find(desk: &Shared, place: &str) -> Result<Collection, Problem> {
    let all = desk.service.store().collections().await?;
    let found = all
        .into_iter()
        .find(|one| one.id.to_string() == place || format!("{}/{}", one.root, one.alias) == place);
    found.ok_or_else(|| {
        let message = format!("there is no collection {place:?}");
        absent(&message, "see the list of collections")
    })
}

async fn show(State(desk): State<Shared>, Path(id): Path<String>) -> Answer {
    let collection = find(&desk, &id).await?;
    let store = desk.service.store();
    let counts = store.type_counts(collection.id).await?;
    let types: Vec<_> =
        counts.iter().map(|(name, count)| json!({ "type": name, "count": count })).collect();
    let feeds = store.collections().await?;
    let feeds = feeds.iter().filter(|one| collection.sources.contains(&one.id));
    let fed_from: Vec<_> = feeds.map(|one| format!("{}/{}", one.root, one.alias)).collect();
    let mut access = store.access().await?;
    access.retain(|row| row.collection.is_none_or(|id| id == collection.id));
    done(json!({
        "collection": resource(&collection, Rights::ALL),
        "fed_from": fed_from,
        "findings": desk.service.submit_policy(collection.policy.as_ref()),
        "types": types,
        "access": access,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grant {
    account: String,
    /// Id or address; every collection where none is named.
    collection: Option<String>,
    read: bool,
    write: bool,
}

async fn grant(State(desk): State<Shared>, caller: Caller, Json(grant): Json<Grant>) -> Answer {
    let collection = match &grant.collection {
        Some(place) => Some(find(&desk, place).await?),
        None => None,
    };
    named(&desk, &grant.account).await?;
    let (account, actor) = (grant.account.clone(), caller.account.name);
    let may = Rights { read: grant.read, write: grant.write };
    desk.service.store().grant(account, collection, may, actor, now()).await?;
    done(json!({ "account": grant.account }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSight {
    ceiling: String,
    /// Ids of marking definitions; every community where none are named.
    communities: Option<BTreeSet<String>>,
}

async fn see(
    State(desk): State<Shared>,
    caller: Caller,
    Path(name): Path<String>,
    Json(new): Json<NewSight>,
) -> Answer {
    named(&desk, &name).await?;
    let ceiling = super::parse(&new.ceiling, "ceiling")?;
    if !new.communities.iter().flatten().all(|id| stix::is_marking_id(id)) {
        return Err(malformed("COL-3", "a community is named by the id of its marking definition"));
    }
    let sight = Sight::new(ceiling, new.communities);
    desk.service.store().set_sight(name.clone(), sight, caller.account.name, now()).await?;
    done(json!({ "account": name }))
}
