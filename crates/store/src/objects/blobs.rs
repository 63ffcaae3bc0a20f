//! Bodies: bytes as received, written once however many collections hold them.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;

use super::{Collection, NewObject, classes::id_hash};
use crate::{
    Error, params,
    tx::{Given, Kind, ToColumn as _, Tx, Value},
};

/// What is known of an object before its body is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presence {
    /// No collection holds it.
    Nowhere,
    /// Some collection holds a version of it.
    Somewhere,
    /// This collection holds this version.
    Here,
}

/// The row of each body, one for each digest; `presence` tells nothing of a place whose body is not
/// to be kept.
pub(super) fn keep<'o>(
    tx: &Tx<'_>,
    collection: &Collection,
    objects: &[&'o NewObject],
    presence: impl Fn(usize) -> Option<Presence>,
) -> Result<Vec<Option<i64>>, Error> {
    let missing = |rows: &HashMap<[u8; 32], i64>, least: Presence| {
        let mut told = HashSet::new();
        let mut is_missing = |(place, object): (usize, &&'o NewObject)| {
            let digest = object.digest.0;
            let is = presence(place) >= Some(least) && !rows.contains_key(&digest);
            (is && told.insert(digest)).then_some(*object)
        };
        objects.iter().enumerate().filter_map(&mut is_missing).collect::<Vec<_>>()
    };
    let mut rows = HashMap::with_capacity(objects.len());
    rows.extend(kept(tx, &missing(&rows, Presence::Somewhere))?);
    rows.extend(kept_apart(tx, collection, &missing(&rows, Presence::Here))?);
    // In their order, so that whoever reads a page finds them side by side.
    let new = missing(&rows, Presence::Nowhere);
    let mut given = Given::new(&[("digest", Kind::Bytes), ("body", Kind::Bytes)]);
    for object in &new {
        given.push([object.digest.0.to_column(), object.body.to_column()]);
    }
    let sql = "/* blobs::keep */ INSERT OR FAIL INTO blob (digest, body) SELECT g.digest, g.body
               FROM {given} RETURNING digest, row";
    rows.extend(tx.query_given(sql, &[], &given, digest_and_row)?);
    let row = |(place, object): (usize, &&NewObject)| {
        presence(place).and_then(|_| rows.get(&object.digest.0).copied())
    };
    Ok(objects.iter().enumerate().map(row).collect())
}

/// The rows of bodies that are here with the same version of the same object, in any collection.
///
/// An index by digest would find them too, and each new body would write a page of it that no other
/// is on; what is asked here lies where the new entry goes.
fn kept(tx: &Tx<'_>, objects: &[&NewObject]) -> Result<Vec<([u8; 32], i64)>, Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("hash", Kind::Int), ("id", Kind::Bytes), ("key", Kind::Bytes), ("digest", Kind::Bytes)];
    // From one collection that holds the object to the next, however many versions each holds.
    // Rows are compared for the reason that `put::held` gives, and nothing is joined: PostgreSQL would
    // begin with whatever looks smallest while the tables are empty, and read all bodies ever after.
    const ROWS: &str = "/* kept */ SELECT g.digest AS digest, (
         WITH RECURSIVE at (place) AS (
           SELECT (SELECT e.collection FROM entry e INDEXED BY entry_object
                   WHERE (e.id_hash, e.collection) >= (g.hash, 0) AND e.id_hash <= g.hash
                   ORDER BY e.id_hash, e.collection, e.version_key LIMIT 1)
           UNION ALL
           SELECT (SELECT e.collection FROM entry e INDEXED BY entry_object
                   WHERE (e.id_hash, e.collection) > (g.hash, at.place) AND e.id_hash <= g.hash
                   ORDER BY e.id_hash, e.collection, e.version_key LIMIT 1)
           FROM at WHERE at.place IS NOT NULL)
         SELECT found.row FROM (SELECT (
             SELECT e.row FROM entry e INDEXED BY entry_object
             WHERE (e.id_hash, e.collection, e.version_key) >= (g.hash, at.place, g.key)
             AND (e.id_hash, e.collection, e.version_key) <= (g.hash, at.place, g.key)
             AND e.id = g.id AND (SELECT b.digest FROM blob b WHERE b.row = e.row) = g.digest
             LIMIT 1) AS row FROM at WHERE at.place IS NOT NULL) AS found
         WHERE found.row IS NOT NULL LIMIT 1) AS row
         FROM {given}";
    let mut given = Given::new(COLUMNS);
    for object in objects {
        let hash = Value::Int(id_hash(&object.id));
        let (id, key) = (object.id.to_column(), object.version_key.to_column());
        given.push([hash, id, key, object.digest.0.to_column()]);
    }
    let mut rows = Vec::new();
    tx.each_given(ROWS, &[], &given, |row| {
        if row.get::<Option<i64>>("row")?.is_some() {
            rows.push(digest_and_row(row)?);
        }
        Ok(())
    })?;
    Ok(rows)
}

/// The rows of bodies that are kept as another content of a version that is here.
fn kept_apart(
    tx: &Tx<'_>,
    collection: &Collection,
    objects: &[&NewObject],
) -> Result<Vec<([u8; 32], i64)>, Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("id", Kind::Bytes), ("key", Kind::Bytes), ("digest", Kind::Bytes)];
    let mut given = Given::new(COLUMNS);
    for object in objects {
        let (id, key) = (object.id.to_column(), object.version_key.to_column());
        given.push([id, key, object.digest.0.to_column()]);
    }
    let sql = "/* kept_apart */ SELECT g.digest AS digest, x.row AS row FROM {given}
               JOIN conflict x ON x.collection = ?1 AND x.id = g.id AND x.version_key = g.key
               WHERE (SELECT b.digest FROM blob b WHERE b.row = x.row) = g.digest";
    tx.query_given(sql, params![collection.row], &given, digest_and_row)
}

fn digest_and_row(row: &crate::tx::Row<'_>) -> Result<([u8; 32], i64), Error> {
    let digest: Vec<u8> = row.get("digest")?;
    Ok((digest.try_into().map_err(|_| Error::Corrupt("a digest"))?, row.get("row")?))
}

/// Whether a body that is here says what an object says, by RFC 8785.
pub(super) fn is_same(tx: &Tx<'_>, row: i64, object: &NewObject) -> Result<bool, Error> {
    let sql = "/* is_same */ SELECT body FROM blob WHERE row = ?";
    let body: Option<Bytes> = tx.query_opt(sql, params![row], |row| row.get(0))?;
    Ok(body.is_some_and(|body| stix::is_same_object(&body, &object.body)))
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pollster::block_on;
    use protocol::{secrets::sha256, terms::Timestamp};
    use uuid::Uuid;

    use crate::{AddObjects, Collection, NewCollection, NewObject, Options, Store, status_id};

    fn now() -> Timestamp {
        Timestamp::from_ms(1_790_000_000_000)
    }

    fn collection(store: &Store, alias: &str) -> Collection {
        let new = NewCollection::local(Uuid::new_v4(), alias, alias);
        block_on(store.create_collection(new, "test".to_owned(), now())).unwrap();
        let all = block_on(store.collections()).unwrap();
        all.into_iter().find(|found| found.alias == alias).unwrap()
    }

    fn lamp(version: u32, body: &str) -> NewObject {
        let body = Bytes::from(body.to_owned());
        NewObject {
            digest: sha256(&body),
            body,
            id: "tool--1".to_owned(),
            type_: "tool".to_owned(),
            version: None,
            version_key: format!("{version}"),
            spec: "2.1".to_owned(),
            tlp: None,
            communities: Vec::new(),
            findings: Vec::new(),
            marking: None,
            awaits: Vec::new(),
        }
    }

    fn add(store: &Store, collection: &Collection, objects: Vec<NewObject>) {
        let add = AddObjects {
            collection: collection.clone(),
            account: "drafter".to_owned(),
            objects: (0..).zip(objects).collect(),
            held: Vec::new(),
            failures: Vec::new(),
            now: now(),
            release: None,
            status_id: status_id(now(), Uuid::new_v4()),
        };
        assert!(block_on(store.add_objects(add)).unwrap().lines.iter().all(|line| line.ok));
    }

    fn bodies(store: &Store) -> Vec<String> {
        let read = |row: &crate::tx::Row<'_>| row.get(0);
        let sql = "/* test */ SELECT body FROM blob ORDER BY row";
        store.read(|tx| tx.query(sql, &[], read)).unwrap()
    }

    #[test]
    fn body_is_written_once_however_many_collections_hold_it_and_however_often_it_comes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("node.db"), Options::default()).unwrap();
        let [first, second, third] = ["a", "b", "c"].map(|alias| collection(&store, alias));
        add(&store, &first, vec![lamp(1, "{\"a\":1}"), lamp(1, "{\"a\":1}"), lamp(2, "{\"a\":2}")]);
        add(&store, &third, vec![lamp(2, "{\"a\":2}"), lamp(1, "{\"a\":1}")]);
        add(&store, &second, vec![lamp(1, "{\"a\":1}"), lamp(3, "{\"a\":3}")]);
        let all = ["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"];
        assert_eq!(bodies(&store), all);
        add(&store, &second, vec![lamp(1, "{ \"a\": 1.0 }")]);
        assert_eq!(bodies(&store), all, "another spelling of the same leaves no body");
        for _ in 0..2 {
            add(&store, &second, vec![lamp(1, "{\"b\":1}"), lamp(1, "{\"b\":1}")]);
        }
        assert_eq!(bodies(&store), [&all[..], &["{\"b\":1}"]].concat(), "another content, once");
    }
}
