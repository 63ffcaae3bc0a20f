//! Growing a store to any size, past the door: the node is stopped, and the transaction that its
//! door ends in, `Store::add_objects`, is given large batches. What is stored is what posting the
//! same objects would have stored, but for the status of each request, which tells one line.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use protocol::{secrets, terms::Timestamp};
use store::{AddObjects, Collection, NewObject, Store};

use super::{replica, server::Server};

/// Replicas of the corpus in one transaction: about 100,000 objects, so that pages of the indexes
/// are written once for many of them.
const REPLICAS: usize = 4;
/// Memory for pages while filling; an index of random keys wants to be held.
const CACHE_KIB: u32 = 1 << 20;

/// Fills the store of a server that is stopped with replicas, up to `size` objects.
pub(super) async fn fill(server: &Server, objects: &[Vec<u8>], size: usize) -> Result<()> {
    let store = server.open_store(store::Options { cache_kib: CACHE_KIB, ..Default::default() })?;
    let collections = store.collections().await?;
    let is_ours = |found: &&Collection| found.alias == server.target.collection;
    let collection = collections.iter().find(is_ours).context("no such collection")?;
    let heads = heads(objects)?;
    let numbers: Vec<u32> = (0..u32::try_from(size.div_ceil(objects.len()))?).collect();
    let mut left = size;
    let mut batches = numbers.chunks(REPLICAS).map(|numbers| {
        let batch: Vec<_> = numbers
            .iter()
            .flat_map(|n| objects.iter().zip(&heads).map(move |(object, head)| (*n, object, head)))
            .take(left)
            .map(|(n, object, head)| new_object(&replica::of(object, n), head))
            .collect();
        left -= batch.len();
        batch
    });
    let mut next = batches.next();
    while let Some(batch) = next {
        let adding = tokio::spawn(add(store.clone(), collection.clone(), batch));
        // The next batch is made while this one is written.
        next = tokio::task::block_in_place(|| batches.next());
        adding.await??;
    }
    store.close();
    Ok(())
}

async fn add(store: Store, collection: Collection, batch: Vec<NewObject>) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let now = Timestamp::from_ms(i64::try_from(now)?);
    let add = AddObjects {
        collection,
        account: "operator".to_owned(),
        objects: batch.into_iter().zip(0..).map(|(object, place)| (place, object)).collect(),
        failures: Vec::new(),
        held: Vec::new(),
        now,
        release: None,
        status_id: store::status_id(now, uuid::Uuid::new_v4()),
    };
    store.add_objects(add).await?;
    Ok(())
}

/// What all replicas of an object share.
struct Head {
    type_: String,
    version: Option<String>,
    version_key: String,
    spec: String,
    tlp: Option<stix::Tlp>,
}

/// Heads of the corpus, judged as the node judges them.
fn heads(objects: &[Vec<u8>]) -> Result<Vec<Head>> {
    let unresolved = |_: &str| stix::Marking::Other;
    objects
        .iter()
        .map(|object| {
            let checked = stix::check(object, &unresolved)?;
            let version = checked.head.version().map(str::to_owned);
            Ok(Head {
                type_: checked.head.type_.clone().into_owned(),
                version_key: version.as_deref().map(stix::version_key).unwrap_or_default(),
                version,
                spec: checked.head.spec().as_str().to_owned(),
                tlp: checked.tlp,
            })
        })
        .collect()
}

fn new_object(body: &[u8], head: &Head) -> NewObject {
    let id = stix::Head::parse(body).map(|head| head.id.into_owned()).unwrap_or_default();
    NewObject {
        digest: secrets::sha256(body),
        body: Bytes::copy_from_slice(body),
        id,
        type_: head.type_.clone(),
        version: head.version.clone(),
        version_key: head.version_key.clone(),
        spec: head.spec.clone(),
        tlp: head.tlp,
        communities: Vec::new(),
        findings: Vec::new(),
        marking: None,
        awaits: Vec::new(),
    }
}
