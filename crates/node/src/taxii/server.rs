//! What a server tells of itself: discovery, API roots, collections (4.1, 4.2, 5.1, 5.2).

use axum::http::StatusCode;
use exchange::rights::{Root, Usable};
use serde::Serialize;
use stix::Tlp;
use store::{Flow, Sight};
use uuid::Uuid;

use super::{CONTENT_LEN_MAX, Fault, MEDIA_TYPE, Visit, answer::Answer};
use crate::config::PublicUrl;

pub(super) const STIX_2_0: &str = "application/stix+json;version=2.0";
pub(super) const STIX_2_1: &str = "application/stix+json;version=2.1";

/// 4.1.1
#[derive(Serialize)]
struct Discovery<'a> {
    title: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<&'a String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    api_roots: &'a [String],
}

/// The roots that this account may use, relative, or absolute where the outside address is known.
pub(super) fn discovery(visit: &Visit<'_>) -> Result<Answer, Fault> {
    let base = visit.desk.config.public_url.as_ref().map_or("", PublicUrl::base);
    let roots = visit.view.roots.iter();
    let api_roots: Vec<_> = roots.map(|root| format!("{base}/{}/", root.name)).collect();
    let title = visit.desk.config.name.short();
    let body = Discovery { title: &title, default: api_roots.first(), api_roots: &api_roots };
    Ok(Answer::json(StatusCode::OK, &body)?.tagged())
}

/// 4.2.1
#[derive(Serialize)]
struct RootResource<'a> {
    title: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    versions: [&'a str; 1],
    max_content_length: usize,
}

pub(super) fn root(root: &Root) -> Result<Answer, Fault> {
    // Collections of an agreement are described by it; those of the service's own by themselves.
    let mut all = root.collections.iter().map(|usable| &usable.collection);
    let described = all.find(|one| matches!(one.flow, Flow::Incoming | Flow::Outgoing));
    let description = described.map_or("", |one| one.description.as_str());
    let title = if description.is_empty() { &root.name } else { description };
    let body = RootResource {
        // OpenCTI's connector picks collections by `<root title>.<collection title>`.
        title: title.replace('.', " "),
        description,
        versions: [MEDIA_TYPE],
        max_content_length: CONTENT_LEN_MAX,
    };
    Ok(Answer::json(StatusCode::OK, &body)?.tagged())
}

/// 5.2.1
#[derive(Serialize)]
struct Resource<'a> {
    id: Uuid,
    title: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    alias: &'a str,
    can_read: bool,
    can_write: bool,
    media_types: [&'a str; 2],
    /// Ours (cti-taxii2 #120): the collections that feed this one, as far as the account may read
    /// them.
    #[serde(rename = "x_detente_aggregates", skip_serializing_if = "<[_]>::is_empty")]
    aggregates: &'a [Uuid],
}

fn resource(usable: &Usable) -> Resource<'_> {
    let Usable { collection, may } = usable;
    Resource {
        id: collection.id,
        title: collection.title.replace('.', " "),
        description: &collection.description,
        alias: &collection.alias,
        can_read: may.read,
        can_write: may.write,
        media_types: [STIX_2_1, STIX_2_0],
        aggregates: &collection.sources,
    }
}

/// 5.1.1
#[derive(Serialize)]
struct Collections<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    collections: Vec<Resource<'a>>,
}

pub(super) fn collections(root: &Root) -> Result<Answer, Fault> {
    let collections = root.collections.iter().map(resource).collect();
    Ok(Answer::json(StatusCode::OK, &Collections { collections })?.tagged())
}

pub(super) fn collection(usable: &Usable) -> Result<Answer, Fault> {
    Ok(Answer::json(StatusCode::OK, &resource(usable))?.tagged())
}

/// Which markings a caller may see. Objects count by all their markings together: those whose
/// labels all stand here and whose communities are all the caller's are shown; a statement hides
/// nothing, and what does not resolve counts as the strictest label.
#[derive(Serialize)]
struct Markings<'a> {
    ceiling: &'a str,
    /// Marking definitions of the labels up to the ceiling, and of the caller's communities.
    markings: Vec<&'a str>,
    /// The caller belongs to every community, present and to come.
    every_community: bool,
}

pub(super) fn markings(sight: &Sight) -> Result<Answer, Fault> {
    let labels = Tlp::ALL.iter().filter(|label| **label <= sight.ceiling);
    let mut markings: Vec<&str> = labels.flat_map(|label| label.published()).collect();
    markings.extend(sight.communities.iter().flatten().map(String::as_str));
    let body = Markings {
        ceiling: sight.ceiling.label(),
        markings,
        every_community: sight.communities.is_none(),
    };
    Ok(Answer::json(StatusCode::OK, &body)?.tagged())
}
