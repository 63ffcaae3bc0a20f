//! Classes: who may see an object follows from its edition, its label and its communities alone.
//!
//! Each distinct set is a class, and every page is made of the ranges of the classes that its
//! reader may see. So a hidden object is never walked, and nobody can count, page over or time it.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex},
};

use protocol::secrets;
use stix::Tlp;

use super::{Collection, Flow};
use crate::{
    Error, Store, params,
    postgres::Lines,
    rows,
    store::lock,
    tx::{Row, ToColumn as _, Tx},
};

/// A class of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// Its number, for ranges.
    pub(crate) id: i64,
    /// In an aggregate: the collection that the entry came from; 0 elsewhere.
    pub(crate) source: i64,
    /// The classes of the entries before it that hold the same version: in an aggregate those from
    /// other sources, elsewhere those of who saw it before its marking was known. Whoever sees one
    /// of them does not see this one too.
    pub(crate) unless: Vec<i64>,
    /// Whom it is seen by among those who may: who could see it before its marking was known.
    pub(crate) among: Among,
    /// Edition: `2.0` or `2.1`.
    pub spec: String,
    /// The label that holds; none where the object bears none.
    pub tlp: Option<Tlp>,
    /// The communities that it is kept to, in order; none: everybody below the ceiling.
    pub communities: Vec<String>,
}

/// What else an account must be able to see in order to see something; everybody can by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Among {
    pub(crate) tlp: Option<Tlp>,
    pub(crate) communities: Vec<String>,
}

impl Among {
    /// Those of these who could see a class, as far as that is more than they are told by its label
    /// now: an account that sees the label sees up to `tlp` and belongs to `communities`.
    pub(super) fn who_saw(class: &Class, tlp: Option<Tlp>, communities: &[String]) -> Self {
        let all = class.communities.iter().chain(&class.among.communities);
        let more: BTreeSet<&String> = all.filter(|one| !communities.contains(one)).collect();
        Self {
            tlp: class.tlp.max(class.among.tlp).filter(|saw| Some(*saw) > tlp),
            communities: more.into_iter().cloned().collect(),
        }
    }

    pub(super) fn is_everybody(&self) -> bool {
        *self == Self::default()
    }
}

/// Whom something is for that is kept outside of collections, in a release or apart.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Audience {
    /// The marking that holds.
    pub tlp: Option<Tlp>,
    /// The communities that it is kept to; none where an older build kept it, and nobody knows.
    #[serde(skip)]
    pub communities: Option<Vec<String>>,
}

impl Audience {
    /// Of a row with `tlp` and `communities`.
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, Error> {
        let communities: Option<String> = row.get("communities")?;
        let communities = communities.map(|all| rows::communities(&all));
        Ok(Self { tlp: rows::tlp(row, "tlp")?, communities })
    }
}

/// What a reader may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// The strictest label.
    pub ceiling: Tlp,
    /// The communities that the reader belongs to; `None` is all of them.
    pub communities: Option<BTreeSet<String>>,
    /// The collections that the reader may read, where those are not all: an aggregate shows no
    /// more than its sources do.
    pub(crate) sources: Option<BTreeSet<i64>>,
}

impl Default for Sight {
    /// Everything: the service's own eyes.
    fn default() -> Self {
        Self::new(Tlp::Red, None)
    }
}

impl Sight {
    /// Up to a label, of these communities (`None` is all of them), in every collection.
    pub fn new(ceiling: Tlp, communities: Option<BTreeSet<String>>) -> Self {
        Self { ceiling, communities, sources: None }
    }

    /// Whether the reader belongs to an audience. Where nobody knows the communities it may be kept to
    /// one, so whoever is kept to some does not see it.
    pub fn is_in(&self, audience: &Audience) -> bool {
        match &audience.communities {
            Some(communities) => self.sees_object(audience.tlp, communities),
            None => self.communities.is_none() && self.sees_object(audience.tlp, &[]),
        }
    }

    /// Whether an object with this label, kept to these communities, is seen.
    pub fn sees_object(&self, tlp: Option<Tlp>, communities: &[String]) -> bool {
        let belongs = |mine: &BTreeSet<String>| communities.iter().all(|c| mine.contains(c));
        tlp.is_none_or(|tlp| tlp <= self.ceiling) && self.communities.as_ref().is_none_or(belongs)
    }

    /// Whether objects of a class are seen, as far as the class alone tells.
    pub(super) fn sees(&self, class: &Class) -> bool {
        self.sees_object(class.tlp, &class.communities)
            && self.sees_object(class.among.tlp, &class.among.communities)
            && (class.source == 0
                || self.sources.as_ref().is_none_or(|mine| mine.contains(&class.source)))
    }

    /// Those of some classes, in the order of their numbers, that the reader sees.
    ///
    /// *Proof*: of the entries that hold one version in a collection exactly one is seen, if any
    /// is: each names those before it, and a class is younger than those that it names.
    pub(crate) fn seen<'c>(&self, classes: impl IntoIterator<Item = &'c Class>) -> Vec<&'c Class> {
        let mut seen: Vec<&Class> = Vec::new();
        for class in classes.into_iter().filter(|class| self.sees(class)) {
            if !class.unless.iter().any(|other| of_number(&seen, *other).is_some()) {
                seen.push(class);
            }
        }
        seen
    }
}

/// The class of a number, among some in the order of their numbers.
pub(super) fn of_number<'c>(classes: &[&'c Class], number: i64) -> Option<&'c Class> {
    let place = classes.binary_search_by_key(&number, |class| class.id).ok()?;
    classes.get(place).copied()
}

impl Store {
    /// Every class that there is, in the order in which they came.
    pub async fn classes(&self) -> Result<Vec<Class>, Error> {
        self.read(all)
    }
}

/// The classes as they were read last.
///
/// A class never changes nor goes, and its number is above those of all that were committed before
/// it. So whoever is told the newest number, by the statement that reads a page or in its snapshot,
/// knows whether these are all there are.
#[derive(Default)]
pub(crate) struct KeptClasses(Mutex<Arc<Known>>);

/// Classes up to a number, each kind in the order of their numbers.
#[derive(Default)]
pub(super) struct Known {
    /// The newest of all.
    pub(super) newest: i64,
    /// Of entries where they were put.
    pub(super) own: Vec<Class>,
    /// Of entries that aggregates hold.
    fed: Vec<Class>,
}

impl Known {
    fn new(all: Vec<Class>) -> Self {
        let newest = all.last().map_or(0, |class| class.id);
        let (own, fed) = all.into_iter().partition(|class| class.source == 0);
        Self { newest, own, fed }
    }

    /// Those that entries of a collection may have.
    pub(super) fn of(&self, collection: &Collection, tx: &Tx<'_>) -> Result<Vec<&Class>, Error> {
        if collection.flow != Flow::Aggregate {
            return Ok(self.own.iter().collect());
        }
        let sql = "/* Known::of */ SELECT source FROM feed WHERE collection = ?";
        let sources = tx.query(sql, params![collection.row], |row| row.get::<i64>(0))?;
        Ok(self.fed.iter().filter(|class| sources.contains(&class.source)).collect())
    }
}

impl Store {
    /// What is known of the classes.
    pub(super) fn known_classes(&self) -> Arc<Known> {
        Arc::clone(&lock(&self.kept_classes().0))
    }

    /// All classes that there are in a snapshot.
    pub(super) fn classes_in(&self, tx: &Tx<'_>) -> Result<Arc<Known>, Error> {
        let sql = "/* classes_in */ SELECT max(id) FROM class";
        let newest = tx.query_one(sql, &[], |row| row.get::<Option<i64>>(0))?;
        let known = self.known_classes();
        if newest.unwrap_or(0) == known.newest { Ok(known) } else { Ok(self.keep(all(tx)?)) }
    }

    /// The classes with those that entries were found to have.
    pub(super) async fn classes_with(
        &self,
        lines: &Lines,
        mut found: impl Iterator<Item = i64>,
    ) -> Result<Arc<Known>, Error> {
        let known = self.known_classes();
        let is_known = |id: i64| known.own.binary_search_by_key(&id, |class| class.id).is_ok();
        if found.all(is_known) { Ok(known) } else { self.learn_classes(lines).await }
    }

    /// Reads the classes anew.
    pub(super) async fn learn_classes(&self, lines: &Lines) -> Result<Arc<Known>, Error> {
        let rows = lines.ask("/* learn_classes */ SELECT * FROM class ORDER BY id", &[]).await?;
        let all = rows.iter().map(|row| read(&Row::postgres(row)));
        Ok(self.keep(all.collect::<Result<_, _>>()?))
    }

    /// Keeps what was read, unless somebody has read more by now.
    fn keep(&self, all: Vec<Class>) -> Arc<Known> {
        let known = Arc::new(Known::new(all));
        let mut kept = lock(&self.kept_classes().0);
        if kept.newest < known.newest {
            kept.clone_from(&known);
        }
        known
    }
}

pub(super) fn read(row: &Row<'_>) -> Result<Class, Error> {
    let tlp: i64 = row.get("tlp")?;
    let communities: String = row.get("communities")?;
    let among: String = row.get("among_communities")?;
    let unless: String = row.get("unless")?;
    let unless = unless.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    Ok(Class {
        id: row.get("id")?,
        source: row.get("source")?,
        unless: unless.map_err(|_| Error::Corrupt("a class"))?,
        among: Among { tlp: label(row.get("among_tlp")?), communities: rows::communities(&among) },
        spec: row.get("spec")?,
        tlp: label(tlp),
        communities: rows::communities(&communities),
    })
}

/// Every class, in the snapshot that a page is read from.
pub(crate) fn all(tx: &Tx<'_>) -> Result<Vec<Class>, Error> {
    tx.query("/* classes */ SELECT * FROM class ORDER BY id", &[], read)
}

/// The classes that entries of a collection may have.
pub(super) fn of(collection: &Collection, tx: &Tx<'_>) -> Result<Vec<Class>, Error> {
    match collection.flow {
        Flow::Aggregate => fed(collection.row, tx),
        _ => tx.query(
            "/* classes::of */ SELECT * FROM class WHERE source = 0 ORDER BY id",
            &[],
            read,
        ),
    }
}

/// The classes that entries of an aggregate may have.
pub(super) fn fed(aggregate: i64, tx: &Tx<'_>) -> Result<Vec<Class>, Error> {
    let sql = "/* classes::fed */ SELECT k.* FROM feed f JOIN class k ON k.source = f.source
               WHERE f.collection = ? ORDER BY k.id";
    tx.query(sql, params![aggregate], read)
}

/// What makes a class.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Kind<'a> {
    pub(super) spec: Cow<'a, str>,
    pub(super) tlp: Option<Tlp>,
    pub(super) communities: Cow<'a, [String]>,
    pub(super) source: i64,
    pub(super) unless: Vec<i64>,
    pub(super) among: Among,
}

impl<'a> Kind<'a> {
    /// The class of an object where it was put.
    pub(super) fn own(spec: &'a str, tlp: Option<Tlp>, communities: &'a [String]) -> Self {
        let (spec, communities) = (Cow::Borrowed(spec), Cow::Borrowed(communities));
        let (unless, among) = (Vec::new(), Among::default());
        Self { spec, tlp, communities, source: 0, unless, among }
    }

    /// The class of the same object in an aggregate that is fed from `source`.
    pub(super) fn fed(class: &Class, source: i64, unless: Vec<i64>) -> Kind<'static> {
        Kind {
            spec: Cow::Owned(class.spec.clone()),
            tlp: class.tlp,
            communities: Cow::Owned(class.communities.clone()),
            source,
            unless,
            among: class.among.clone(),
        }
    }
}

/// The classes of a batch: asked for once each.
#[derive(Default)]
pub(super) struct Classes<'a> {
    known: HashMap<Kind<'a>, i64>,
}

impl<'a> Classes<'a> {
    /// The number of a class, made if it is the first of its kind.
    pub(super) fn of(&mut self, kind: Kind<'a>, tx: &Tx<'_>) -> Result<i64, Error> {
        if let Some(id) = self.known.get(&kind) {
            return Ok(*id);
        }
        let (tlp, communities) =
            (rank(kind.tlp), rows::communities_column(kind.communities.iter()));
        let unless: Vec<String> = kind.unless.iter().map(i64::to_string).collect();
        let (spec, unless) = (kind.spec.as_ref(), unless.join(" "));
        let (among_tlp, among) =
            (rank(kind.among.tlp), rows::communities_column(&kind.among.communities));
        let values = &[
            spec.to_column(),
            tlp.to_column(),
            communities.to_column(),
            kind.source.to_column(),
            unless.to_column(),
            among_tlp.to_column(),
            among.to_column(),
        ];
        let sql = "/* Classes::of */ SELECT id FROM class WHERE spec = ? AND tlp = ?
                   AND communities = ? AND source = ? AND unless = ?
                   AND among_tlp = ? AND among_communities = ?";
        let held = tx.query_opt(sql, values, |row| row.get(0))?;
        let id = match held {
            Some(id) => id,
            None => {
                let sql = "/* Classes::of */ INSERT INTO class
                           (spec, tlp, communities, source, unless, among_tlp, among_communities)
                           VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id";
                tx.query_one(sql, values, |row| row.get(0))?
            }
        };
        self.known.insert(kind, id);
        Ok(id)
    }
}

/// The label of a rank, as classes have it.
pub(super) fn label(rank: i64) -> Option<Tlp> {
    usize::try_from(rank).ok().and_then(|rank| Tlp::ALL.get(rank).copied())
}

fn rank(tlp: Option<Tlp>) -> i64 {
    tlp.map_or(-1, |tlp| tlp as i64)
}

/// What an id is looked up by: ids are random, and 8 bytes make half the index.
pub(crate) fn id_hash(id: &str) -> i64 {
    let digest = secrets::sha256(id.as_bytes());
    i64::from_be_bytes(digest.0.first_chunk().copied().unwrap_or_default())
}
