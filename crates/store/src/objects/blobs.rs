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

/// The row of a body that an entry holds of one version of an object, given as `g` with `hash`, `id`
/// and `key`, where the entry `e` fits.
///
/// It goes from one collection that holds the object to the next, however many versions each holds.
/// Rows are compared for the reason that `put::held` gives, and nothing is joined: PostgreSQL would
/// begin with whatever looks smallest while the tables are empty, and read all bodies ever after.
macro_rules! held {
    ($fits:literal) => {
        concat!(
            "(WITH RECURSIVE at (place) AS (
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
                  AND e.id = g.id AND ",
            $fits,
            " LIMIT 1) AS row FROM at WHERE at.place IS NOT NULL) AS found
              WHERE found.row IS NOT NULL LIMIT 1)"
        )
    };
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
    rows.extend(insert(tx, &new)?);
    let row = |(place, object): (usize, &&NewObject)| {
        presence(place).and_then(|_| rows.get(&object.digest.0).copied())
    };
    Ok(objects.iter().enumerate().map(row).collect())
}

/// The rows of new bodies.
fn insert(tx: &Tx<'_>, objects: &[&NewObject]) -> Result<Vec<([u8; 32], i64)>, Error> {
    let mut rows = Vec::with_capacity(objects.len());
    if !tx.is_postgres() {
        // SQLite keeps what RETURNING says in a table of its own until the statement ends.
        let sql = "/* blobs::insert */ INSERT OR FAIL INTO blob (digest, body) VALUES (?, ?)";
        for object in objects {
            tx.execute(sql, params![object.digest.0, object.body])?;
            rows.extend(tx.last_row().map(|row| (object.digest.0, row)));
        }
        return Ok(rows);
    }
    let mut given = Given::new(&[("digest", Kind::Bytes), ("body", Kind::Bytes)]);
    for object in objects {
        given.push([object.digest.0.to_column(), object.body.to_column()]);
    }
    let sql = "/* blobs::insert */ INSERT INTO blob (digest, body) SELECT g.digest, g.body
               FROM {given} RETURNING digest, row";
    tx.query_given(sql, &[], &given, digest_and_row)
}

/// The rows of bodies that are here with the same version of the same object, in any collection.
///
/// An index by digest would find them too, and each new body would write a page of it that no other
/// is on; what is asked here lies where the new entry goes.
fn kept(tx: &Tx<'_>, objects: &[&NewObject]) -> Result<Vec<([u8; 32], i64)>, Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("hash", Kind::Int), ("id", Kind::Bytes), ("key", Kind::Bytes), ("digest", Kind::Bytes)];
    const ROWS: &str = concat!(
        "/* kept */ SELECT g.digest AS digest, ",
        held!("(SELECT b.digest FROM blob b WHERE b.row = e.row) = g.digest"),
        " AS row FROM {given}"
    );
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

/// A body, and the version of an object that it is of.
pub(super) struct Body<'a> {
    pub(super) row: i64,
    pub(super) id: &'a str,
    pub(super) version_key: &'a str,
}

/// Lets go of bodies that nothing holds any more: no entry, no other content of a version, and no
/// release of ours.
pub(super) fn let_go<'b>(tx: &Tx<'_>, bodies: impl Iterator<Item = Body<'b>>) -> Result<(), Error> {
    const COLUMNS: &[(&str, Kind)] =
        &[("row", Kind::Int), ("hash", Kind::Int), ("id", Kind::Bytes), ("key", Kind::Bytes)];
    const FREE: &str = concat!(
        "/* let_go */ SELECT g.row FROM {given} WHERE ",
        held!("e.row = g.row"),
        " IS NULL
          AND (SELECT i.row FROM release_item i WHERE i.row = g.row LIMIT 1) IS NULL
          AND (SELECT c.row FROM conflict c WHERE c.row = g.row LIMIT 1) IS NULL"
    );
    let mut given = Given::new(COLUMNS);
    for Body { row, id, version_key } in bodies {
        let hash = Value::Int(id_hash(id));
        given.push([Value::Int(row), hash, id.to_column(), version_key.to_column()]);
    }
    let free = tx.query_given(FREE, &[], &given, |row| row.get::<i64>(0))?;
    let mut given = Given::new(&[("row", Kind::Int)]);
    free.iter().for_each(|row| given.push([Value::Int(*row)]));
    let sql = "/* let_go */ DELETE FROM blob WHERE row IN (SELECT g.row FROM {given})";
    tx.execute_given(sql, &[], &given).map(drop)
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
