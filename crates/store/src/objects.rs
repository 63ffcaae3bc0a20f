//! Collections and their objects: bodies as received, entries in the order in which they became
//! visible, duplicates and conflicts told apart.

use bytes::Bytes;
use protocol::{
    findings::{FindingsChange, Found},
    secrets,
    terms::{AgreementId, Digest, Timestamp, Topic},
};

use stix::{Marking, Tlp};
use uuid::Uuid;

use crate::{
    Error, Store, TopicSpec, Work, params, rows,
    tx::{Given, Kind, Row, ToColumn as _, Tx, Value},
};

mod add;
mod awaiting;
mod blobs;
mod classes;
mod clock;
mod delete;
mod feed;
mod manage;
mod markings;
mod pages;
mod put;
mod reread;
mod retire;
mod status;
mod told;
mod versions;

pub use add::{AddObjects, Added};
pub(crate) use add::{Made, add};
pub use awaiting::Awaiting;
pub use classes::{Audience, Class, Sight};
pub(crate) use classes::{KeptClasses, all as all_classes, id_hash};
pub(crate) use clock::{Clock, LastDate, keep_last_date};
pub use delete::DeleteObject;
pub(crate) use delete::{Doomed, withdraw};
pub use manage::{CollectionChange, NewCollection};
pub(crate) use markings::KeptMarkings;
pub(crate) use pages::{Anything, KeptBodies, Shared, Wanted};
pub use pages::{Entry, Joined, Page, Pages};
pub(crate) use put::{Outcome, put};
pub use reread::{Old, Reread};
pub use status::{Status, status_id};
pub(crate) use status::{change as change_status, forget as forget_statuses};
pub use versions::Versions;

rows::words!(
    /// Which way a collection's objects go.
    Flow {
        /// This service's own.
        Local = "local",
        /// What is posted becomes a draft for release.
        Outgoing = "outgoing",
        /// What a partner released.
        Incoming = "incoming",
        /// What other collections hold; nothing is added to it by itself.
        Aggregate = "aggregate",
    }
);

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    /// Row, for joins.
    pub(crate) row: i64,
    /// UUIDv4.
    pub id: Uuid,
    /// API root.
    pub root: String,
    /// Readable name in addresses.
    pub alias: String,
    /// Title.
    pub title: String,
    /// Description.
    pub description: String,
    /// The agreement it belongs to.
    pub agreement: Option<AgreementId>,
    /// The topic it belongs to.
    pub topic: Option<Topic>,
    /// Which way its objects go.
    pub flow: Flow,
    /// Days that an object stays; for good where none are said.
    pub retention_days: Option<u32>,
    /// What an aggregate is fed from.
    pub sources: Vec<Uuid>,
    /// In what its policy for findings differs from the node's own.
    pub policy: Option<FindingsChange>,
}

/// An object that was checked and is to be kept.
#[derive(Debug, Clone)]
pub struct NewObject {
    /// Its bytes, as received.
    pub body: Bytes,
    /// Their digest.
    pub digest: Digest,
    /// Its id.
    pub id: String,
    /// Its type.
    pub type_: String,
    /// Its version, as written.
    pub version: Option<String>,
    /// The version in byte order.
    pub version_key: String,
    /// `2.0` or `2.1`.
    pub spec: String,
    /// The marking that holds.
    pub tlp: Option<Tlp>,
    /// The communities that it is kept to, in order; none: everybody below the ceiling.
    pub communities: Vec<String>,
    /// What was found in it.
    pub findings: Vec<Found>,
    /// For a marking definition: what it stands for.
    pub marking: Option<Marking>,
    /// The marking definitions that it names and that are not here: until they come it counts as
    /// the strictest.
    pub awaits: Vec<String>,
}

/// What became of one object of a request.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Line {
    /// Its place in the request.
    pub place: u32,
    /// Whether it was kept.
    pub ok: bool,
    /// Its id, as sent.
    pub id: String,
    /// Its version, as sent.
    pub version: String,
    /// What is to be said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Whether it stands apart until a person decides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
    /// What was found in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Found>,
}

impl Line {
    /// The line of an object that stands apart.
    fn held(place: u32, object: &NewObject) -> Self {
        Self {
            place,
            ok: false,
            id: object.id.clone(),
            version: object.version.clone().unwrap_or_default(),
            message: None,
            held: true,
            findings: object.findings.clone(),
        }
    }
}

pub(crate) fn read_collection(row: &Row<'_>) -> Result<Collection, Error> {
    Ok(Collection {
        row: row.get("row")?,
        id: rows::term_opt(row, "id")?.ok_or(Error::Corrupt("a collection"))?,
        root: row.get("root")?,
        alias: row.get("alias")?,
        title: row.get("title")?,
        description: row.get("description")?,
        agreement: rows::term_opt(row, "agreement")?,
        topic: rows::term_opt(row, "topic")?,
        flow: rows::term(row, "flow")?,
        retention_days: row.get("retention_days")?,
        sources: Vec::new(),
        policy: rows::policy(row)?,
    })
}

impl Store {
    /// Every collection, in constant order.
    pub async fn collections(&self) -> Result<Vec<Collection>, Error> {
        self.read(|tx| {
            let sql = "/* collections */ SELECT * FROM collection ORDER BY row";
            let mut all = tx.query(sql, &[], read_collection)?;
            feed::name_sources(tx, &mut all)?;
            Ok(all)
        })
    }

    /// The body of an object that is here, by id: the newest version.
    pub async fn body_of(&self, id: &str) -> Result<Option<Bytes>, Error> {
        self.read(|tx| {
            let sql = "/* body_of */ SELECT b.body FROM entry e JOIN blob b ON b.row = e.row
                       WHERE e.id_hash = ? AND e.id = ? ORDER BY e.version_key DESC LIMIT 1";
            tx.query_opt(sql, params![id_hash(id), id], |row| row.get(0))
        })
    }
}

/// What was found in bodies, by their places; each is told by its row and the id of its object.
pub(crate) fn findings<'b>(
    tx: &Tx<'_>,
    bodies: impl Iterator<Item = (i64, &'b str)>,
) -> Result<Vec<(usize, Vec<Found>)>, Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("n", Kind::Int), ("row", Kind::Int), ("hash", Kind::Int), ("id", Kind::Bytes)];
    let mut given = Given::new(COLUMNS);
    for (n, (row, id)) in bodies.enumerate() {
        given.push([Value::count(n), Value::Int(row), Value::Int(id_hash(id)), id.to_column()]);
    }
    let sql = "/* findings */ SELECT g.n,
               (SELECT e.findings FROM entry e INDEXED BY entry_object
                WHERE (e.id_hash, e.collection) >= (g.hash, 0) AND e.id_hash <= g.hash
                AND e.id = g.id AND e.row = g.row AND e.findings IS NOT NULL LIMIT 1) AS findings
               FROM {given}";
    tx.query_given(sql, &[], &given, |row| Ok((row.get("n")?, rows::found(row, "findings")?)))
}

impl Outcome {
    pub(crate) fn line(self, place: u32, object: &NewObject) -> Line {
        let message = match self {
            Self::New { .. } | Self::Same => None,
            Self::Conflict => {
                Some("another content of this version is here; both are kept, the first is served")
            }
            Self::Recalled => Some("recalled by the partner that released it"),
        };
        Line {
            place,
            ok: !matches!(self, Self::Recalled),
            id: object.id.clone(),
            version: object.version.clone().unwrap_or_default(),
            message: message.map(str::to_owned),
            held: false,
            findings: object.findings.clone(),
        }
    }
}

/// The collections of an agreement's topics.
pub(crate) fn open_topics(
    tx: &Tx<'_>,
    agreement: AgreementId,
    title: &str,
    topics: &[TopicSpec],
    now: Timestamp,
) -> Result<(), Error> {
    let key = agreement.to_string();
    let root = format!("agreement-{}", key.get(..12).unwrap_or(&key));
    tx.leave(Work::Register);
    for spec in topics {
        for (wanted, flow) in [(spec.outgoing, Flow::Outgoing), (spec.incoming, Flow::Incoming)] {
            if !wanted {
                continue;
            }
            let alias = format!("{}-{flow}", spec.topic);
            let seed = secrets::sha256(format!("{key}/{alias}").as_bytes());
            let bytes = seed.0.first_chunk::<16>().copied().unwrap_or_default();
            // An id that follows from the agreement is the same after a restore.
            let id = uuid::Builder::from_random_bytes(bytes).into_uuid();
            tx.execute(
                "/* open_topics */ INSERT INTO collection
                 (id, root, alias, title, description, agreement, topic, flow, created,
                  retention_days) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                params![
                    id.to_string(),
                    root,
                    alias,
                    format!("{} {flow}", spec.topic),
                    title,
                    key,
                    spec.topic.as_str(),
                    flow.word(),
                    now.as_ms(),
                    // Article 7: the recipient keeps what it received no longer than is agreed.
                    spec.retention_days.filter(|_| flow == Flow::Incoming)
                ],
            )?;
        }
    }
    Ok(())
}

/// The incoming collection of a topic.
pub(crate) fn incoming(
    tx: &Tx<'_>,
    agreement: AgreementId,
    topic: &Topic,
) -> Result<Option<Collection>, Error> {
    let sql = "/* incoming */ SELECT * FROM collection
               WHERE agreement = ? AND topic = ? AND flow = 'incoming'";
    tx.query_opt(sql, params![agreement.to_string(), topic.as_str()], read_collection)
}
