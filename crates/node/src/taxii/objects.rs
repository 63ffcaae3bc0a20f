//! Pages of a collection: envelopes, manifests, versions (5.3 to 5.8).

use axum::http::StatusCode;
use serde::Serialize;
use store::{Collection, DeleteObject, Entry, Joined, Pages, Versions};

use super::{
    Fault, Visit,
    answer::Answer,
    negotiate,
    query::{self, Asked, Kind},
};
use crate::desk::now;

impl Visit<'_> {
    fn asked(&self, kind: Kind, collection: &Collection) -> Result<Asked, Fault> {
        let raw = self.parts.uri.query();
        Asked::parse(raw, kind, &self.desk.cursor_keys, &collection.id, &self.view.sight)
    }

    async fn page(&self, collection: &Collection, asked: &Asked) -> Result<Pages, Fault> {
        Ok(self.desk.service.store().page(collection, &asked.page).await?)
    }

    /// The bodies of a page, with room in front for the head of an envelope.
    async fn joined(&self, collection: &Collection, asked: &Asked) -> Result<Joined, Fault> {
        Ok(self.desk.service.store().joined(collection, &asked.page, HEAD_ROOM).await?)
    }

    /// The cursor of the next page, where another object follows now.
    fn next(&self, collection: &Collection, asked: &Asked, pages: &Pages) -> Option<String> {
        let last = pages.entries.last().filter(|_| pages.more)?;
        Some(asked.next(&self.desk.cursor_keys, &collection.id, last.date_added))
    }

    /// Whether a version that is asked for is here at all, whatever the position.
    async fn is_here(&self, collection: &Collection, asked: &Asked) -> Result<bool, Fault> {
        let mut page = asked.page.clone();
        (page.after, page.limit, page.with_bodies) = (None, 1, false);
        page.specs.clear();
        let found = self.desk.service.store().page(collection, &page).await?;
        Ok(!found.entries.is_empty())
    }
}

/// First and last date of a page; where it is empty, the position that was asked from, so that
/// whoever goes on from there misses nothing (3.2, cti-taxii2 #117).
fn dates(asked: &Asked, pages: &Pages) -> (i64, i64) {
    match (pages.entries.first(), pages.entries.last()) {
        (Some(first), Some(last)) => (first.date_added, last.date_added),
        _ => (asked.position(), asked.position()),
    }
}

/// 5.4
pub(super) async fn list(visit: &Visit<'_>, collection: &Collection) -> Result<Answer, Fault> {
    let asked = visit.asked(Kind::Objects, collection)?;
    let joined = visit.joined(collection, &asked).await?;
    Ok(envelope(visit, collection, &asked, joined))
}

/// 5.6
pub(super) async fn one(
    visit: &Visit<'_>,
    collection: &Collection,
    id: &str,
) -> Result<Answer, Fault> {
    let mut asked = visit.asked(Kind::Object, collection)?;
    asked.page.ids = vec![id.to_owned()];
    let joined = visit.joined(collection, &asked).await?;
    if joined.dates.is_none() && !visit.is_here(collection, &asked).await? {
        return Err(Fault::not_found("object"));
    }
    let alone = joined.dates.filter(|(first, last)| first == last && !joined.more);
    let answer = envelope(visit, collection, &asked, joined);
    Ok(match alone {
        Some((date, _)) => answer.tagged_by_entry(date),
        None => answer.tagged(),
    })
}

/// Bytes of an envelope before its first object, at most: `next` is a cursor of fixed length.
const HEAD_ROOM: usize = 256;

/// `{"more":true,"next":…,"objects":[…]}` in one buffer, bodies as received (3.7): the head is
/// written into the room before them, so that they are copied once.
fn envelope(visit: &Visit<'_>, collection: &Collection, asked: &Asked, joined: Joined) -> Answer {
    let Some((first, last)) = joined.dates else {
        let position = asked.position();
        return Answer::new(StatusCode::OK, b"{}".to_vec()).dated((position, position));
    };
    let mut head = b"{".to_vec();
    if joined.more {
        let next = asked.next(&visit.desk.cursor_keys, &collection.id, last);
        head.extend_from_slice(b"\"more\":true,\"next\":\"");
        head.extend_from_slice(next.as_bytes());
        head.extend_from_slice(b"\",");
    }
    head.extend_from_slice(b"\"objects\":[");
    let mut body = joined.bodies;
    // Cheap where it fits, and right where it would not.
    body.splice(..HEAD_ROOM.min(body.len()), head);
    body.extend_from_slice(b"]}");
    Answer::new(StatusCode::OK, body).dated((first, last))
}

/// 5.3.1; `next` as in an envelope, which has it in 3.7: taxii2-client's `as_pages` goes on by it.
#[derive(Serialize)]
struct Manifest<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    objects: Vec<Record<'a>>,
}

#[derive(Serialize)]
struct Record<'a> {
    id: &'a str,
    date_added: String,
    version: String,
    media_type: &'static str,
}

impl<'a> Record<'a> {
    fn of(entry: &'a Entry) -> Self {
        Self {
            id: &entry.id,
            date_added: query::date(entry.date_added),
            version: version(entry),
            media_type: media_type(&entry.spec),
        }
    }
}

/// 5.3
pub(super) async fn manifest(visit: &Visit<'_>, collection: &Collection) -> Result<Answer, Fault> {
    let asked = visit.asked(Kind::Manifest, collection)?;
    let pages = visit.page(collection, &asked).await?;
    let manifest = Manifest {
        more: pages.more,
        next: visit.next(collection, &asked, &pages),
        objects: pages.entries.iter().map(Record::of).collect(),
    };
    Ok(Answer::json(StatusCode::OK, &manifest)?.dated(dates(&asked, &pages)))
}

fn version(entry: &Entry) -> String {
    entry.version.clone().unwrap_or_else(|| query::date(entry.date_added))
}

fn media_type(spec: &str) -> &'static str {
    match spec {
        "2.0" => super::server::STIX_2_0,
        _ => super::server::STIX_2_1,
    }
}

fn missing() -> Fault {
    Fault::not_found("object or version")
}

/// 5.7: without `match[version]` every version goes; `last` would uncover an older one.
pub(super) async fn delete(
    visit: &Visit<'_>,
    collection: &Collection,
    id: &str,
) -> Result<Answer, Fault> {
    let mut asked = visit.asked(Kind::Delete, collection)?;
    asked.page.ids = vec![id.to_owned()];
    if let Err(fault) = negotiate::check_conditions(&visit.parts.method, &visit.parts.headers) {
        // What is not here is 404 whatever the conditions.
        let is_here = visit.is_here(collection, &asked).await?;
        return Err(if is_here { fault } else { missing() });
    }
    let delete = DeleteObject {
        collection: collection.clone(),
        id: id.to_owned(),
        specs: asked.page.specs,
        versions: asked.page.versions,
        sight: visit.view.sight.clone(),
        account: visit.account.name.clone(),
        why: "deleted over TAXII".to_owned(),
        now: now(),
    };
    match visit.desk.service.store().delete_object(delete).await? {
        0 => Err(missing()),
        _ => Ok(Answer::new(StatusCode::OK, Vec::new())),
    }
}

/// 5.8.1
#[derive(Serialize)]
struct VersionList {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    more: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    versions: Vec<String>,
}

/// 5.8
pub(super) async fn versions(
    visit: &Visit<'_>,
    collection: &Collection,
    id: &str,
) -> Result<Answer, Fault> {
    let mut asked = visit.asked(Kind::Versions, collection)?;
    asked.page.ids = vec![id.to_owned()];
    asked.page.versions = Versions::All;
    let pages = visit.page(collection, &asked).await?;
    if pages.entries.is_empty() && !visit.is_here(collection, &asked).await? {
        return Err(Fault::not_found("object"));
    }
    let list = VersionList {
        more: pages.more,
        next: visit.next(collection, &asked, &pages),
        versions: pages.entries.iter().map(version).collect(),
    };
    Ok(Answer::json(StatusCode::OK, &list)?.dated(dates(&asked, &pages)))
}
