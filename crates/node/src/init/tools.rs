//! Accounts for tools that differ in rights, and what to paste into each tool.

use std::{fmt::Write as _, net::SocketAddr};

use anyhow::{Context, Result};
use exchange::Service;
use protocol::{
    secrets,
    terms::{Role, Timestamp},
};
use serde_json::{Value, json};
use store::Collection;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{desk::rng, taxii::MEDIA_TYPE};

/// Reads everywhere.
const READER: &str = "reader";
/// Writes to the first collection, and reads nothing.
const FEEDER: &str = "feeder";

/// What `init` made for tools. The passwords are kept nowhere.
pub struct Made {
    /// The first collection.
    pub collection: Uuid,
    reader: Zeroizing<String>,
    feeder: Zeroizing<String>,
}

pub(super) async fn make(service: &Service, id: Uuid, time: Timestamp) -> Result<Made> {
    let all = service.store().collections().await?;
    let place = all.into_iter().find(|one| one.id == id).context("the collection is gone")?;
    let reader = account(service, READER, Role::Reader, None, time).await?;
    let feeder = account(service, FEEDER, Role::Drafter, Some(place), time).await?;
    Ok(Made { collection: id, reader, feeder })
}

/// An account with a password of its own; it writes only, where a place is named.
async fn account(
    service: &Service,
    name: &str,
    role: Role,
    place: Option<Collection>,
    time: Timestamp,
) -> Result<Zeroizing<String>> {
    let (store, by, name) = (service.store(), "init".to_owned(), name.to_owned());
    let (password, _) = secrets::token(&mut rng());
    let hash = secrets::hash_password(&password, &mut rng());
    store.create_account(name.clone(), vec![role], hash, by.clone(), time).await?;
    if place.is_some() {
        store.grant(name.clone(), None, (false, false), by.clone(), time).await?;
        store.grant(name, place, (false, true), by, time).await?;
    }
    Ok(password)
}

impl Made {
    /// The same for programs.
    pub fn json(&self) -> Value {
        json!({
            "collection": self.collection,
            "accounts": [
                { "name": READER, "password": *self.reader, "may": "read every collection" },
                { "name": FEEDER, "password": *self.feeder, "may": "write to this collection" },
            ],
        })
    }

    /// What to paste into which tool.
    pub fn words(&self, desk: SocketAddr) -> String {
        let (base, id) = (format!("http://{desk}"), self.collection);
        let (reader, feeder) = (self.reader.as_str(), self.feeder.as_str());
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\nTAXII 2.1, for your tools (the passwords are shown once and kept nowhere):\n\n  \
             discovery   {base}/taxii2/\n  API root    {base}/local/\n  collection  {id}\n  \
             reads       {READER}  {reader}\n  writes      {FEEDER}  {feeder}\n\n\
             OpenCTI, Data > Ingestion > TAXII feeds: URL {base}/local/, TAXII 2.1, collection {id}, \
             basic user and password of {READER}\n\
             MISP, action module taxii_push: api_root {base}/local/, collection {id}, {FEEDER}\n\
             Sentinel, Elastic, QRadar: API root {base}/local/, collection {id}, {READER}\n\
             taxii2-client: Collection(\"{base}/local/collections/{id}/\", user=\"{READER}\", \
             password=\"{reader}\")\n\
             curl: curl -u {READER}:{reader} -H 'Accept: {MEDIA_TYPE}' \
             {base}/local/collections/{id}/objects/\n",
        );
        text
    }
}
