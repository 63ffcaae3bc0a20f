//! The ranges of a page that is not asked for by id, and the one statement that merges them.

use super::{
    super::{
        classes::of_number,
        versions::{FIRST, LAST},
    },
    Class, Collection, MIXED, Page, Place, Versions,
};
use crate::{
    Error,
    tx::{Tx, Value},
};

mod crowd;

use crowd::{Way, walk_end};

/// Ranges of one statement: SQLite takes 500 parts. Beyond, classes share theirs.
const RANGES_MAX: usize = 400;
/// Ranges that are looked into before a page is read, at most.
const LOOKS_MAX: usize = 64;

/// The entries in the order of their dates, one more than the page holds.
pub(in crate::objects) fn read(
    tx: &Tx<'_>,
    collection: &Collection,
    page: &Page,
    classes: &[&Class],
    seen: &[&Class],
) -> Result<Vec<Place>, Error> {
    let mut asked = Asked::new(page, classes, seen);
    if !tx.is_postgres() && asked.is_crowded() && asked.is_open() {
        asked.way = Way::Walk { until: walk_end(tx, collection, page)? };
        let places = asked.places(tx, collection)?;
        if places.len() > page.limit || asked.way == (Way::Walk { until: None }) {
            return Ok(places);
        }
        asked.way = Way::Each;
    }
    asked.places(tx, collection)
}

/// The columns of a place, and what stands for them where there is none.
const PLACE: &str = "e.date_added, e.row, e.size";
const NO_PLACE: &str = "CAST(0 AS BIGINT), CAST(0 AS BIGINT)";
/// The same with what a manifest tells.
const TOLD: &str = "e.date_added, e.row, e.size, e.id, e.version, e.type, e.class, e.findings";
const NOTHING_TOLD: &str = "CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(NULL AS BYTEA), \
     CAST(NULL AS BYTEA), CAST(NULL AS BYTEA), CAST(0 AS BIGINT), CAST(NULL AS BYTEA) AS findings";

/// The last date that the store gave, as [`crate::objects::Clock`] keeps it.
const LAST_DATE: &str = "SELECT CAST(CAST('x' || encode(value, 'hex') AS BIT(64)) AS BIGINT) \
     FROM meta WHERE key = 'objects.last_date'";

/// What a page asks of classes, as far as ranges go.
pub(super) struct Asked<'p> {
    page: &'p Page,
    /// All that entries of the collection may have.
    classes: &'p [&'p Class],
    seen: &'p [&'p Class],
    columns: &'static str,
    way: Way,
}

/// Places of the values of lists.
struct Lists {
    types: Vec<String>,
    keys: Vec<String>,
    told: Vec<String>,
}

impl<'p> Asked<'p> {
    pub(super) fn new(page: &'p Page, classes: &'p [&'p Class], seen: &'p [&'p Class]) -> Self {
        Self { page, classes, seen, columns: PLACE, way: Way::Each }
    }

    /// The same as one statement for PostgreSQL, and its values; with what a manifest tells behind
    /// each place, where no bodies are asked for. Its first row is the number of the newest class:
    /// nothing is left out where `classes` reach up to it.
    pub(super) fn beside_newest(mut self, collection: &Collection) -> (String, Vec<Value<'p>>) {
        let (columns, none) =
            if self.page.with_bodies { (PLACE, NO_PLACE) } else { (TOLD, NOTHING_TOLD) };
        self.columns = columns;
        let newest = format!("/* page */ SELECT max(id), {none} FROM class");
        match self.merged(collection, true) {
            // Who sees everything may know that nothing at all came: no class is looked into then.
            Some((merged, values)) if self.is_crowded() && self.is_open() => {
                let merged = format!("SELECT * FROM ({merged}) AS found WHERE ({LAST_DATE}) > ?2");
                (format!("{newest} UNION ALL ({merged})"), values)
            }
            Some((merged, values)) => (format!("{newest} UNION ALL ({merged})"), values),
            None => (newest, Vec::new()),
        }
    }

    /// The date after which something is asked for.
    pub(super) fn after(&self) -> Option<i64> {
        self.page.after
    }

    /// Class and state of every entry that may fit; nothing where keys tell of them, or where they
    /// are too many to look into each.
    pub(super) fn class_and_state(&self) -> Option<Vec<(i64, i64)>> {
        let versions = &self.page.versions;
        let (states, classes) = (self.states(), self.wanted().map(|class| class.id));
        let is_told = versions.keys().is_empty() && versions.told().is_empty();
        let of_class = |class| states.iter().map(move |state| (class, *state));
        let ranges: Vec<_> = classes.flat_map(of_class).take(LOOKS_MAX + 1).collect();
        (is_told && ranges.len() <= LOOKS_MAX).then_some(ranges)
    }

    fn places(&self, tx: &Tx<'_>, collection: &Collection) -> Result<Vec<Place>, Error> {
        match self.merged(collection, tx.is_postgres()) {
            Some((merged, values)) => {
                tx.query(&format!("/* page */ {merged}"), &values, Place::read)
            }
            None => Ok(Vec::new()),
        }
    }

    /// The statement that merges the ranges, and its values; none where nothing can fit.
    fn merged(
        &self,
        collection: &Collection,
        is_postgres: bool,
    ) -> Option<(String, Vec<Value<'p>>)> {
        let (ranges, values) = self.ranges(collection, is_postgres);
        if ranges.is_empty() {
            return None;
        }
        let limit = self.limit();
        // SQLite merges the ranges as they are; PostgreSQL would sort all of them, unless each is
        // cut on its own, which SQLite would sort.
        let cut = |range: &String| match is_postgres && ranges.len() > 1 {
            true => format!("({range} ORDER BY date_added LIMIT {limit})"),
            false => range.clone(),
        };
        let ranges = ranges.iter().map(cut).collect::<Vec<_>>().join("\nUNION ALL ");
        Some((format!("{ranges} ORDER BY date_added LIMIT {limit}"), values))
    }

    /// One more than the page holds.
    fn limit(&self) -> usize {
        self.page.limit.saturating_add(1)
    }

    /// Those of the classes seen whose edition is asked for.
    fn wanted(&self) -> impl Iterator<Item = &'p Class> {
        self.seen.iter().copied().filter(|class| self.wants(class))
    }

    /// Whether the classes are too many for ranges of their own.
    fn is_crowded(&self) -> bool {
        let of_each = self.states().len() + self.page.versions.keys().len() + 1;
        self.wanted().count() * of_each > RANGES_MAX
    }

    /// Whether nothing is hidden: what is not seen is shown by another entry.
    fn is_open(&self) -> bool {
        let is_beside = |class: &Class| !class.unless.is_empty() && self.page.sight.sees(class);
        self.classes
            .iter()
            .all(|class| of_number(self.seen, class.id).is_some() || is_beside(class))
    }

    /// The statement's parts and its values. The text follows from which filters there are and
    /// from numbers of classes, never from what anybody wrote.
    fn ranges(&self, collection: &Collection, is_postgres: bool) -> (Vec<String>, Vec<Value<'p>>) {
        let page = self.page;
        let after = page.after.unwrap_or(i64::MIN);
        let mut values = vec![Value::Int(collection.row), Value::Int(after)];
        let lists = Lists {
            types: bind(&page.types, &mut values),
            keys: bind(page.versions.keys(), &mut values),
            told: bind(page.versions.told(), &mut values),
        };
        let classes: Vec<&Class> = self.wanted().collect();
        let mut ranges = Vec::new();
        if !is_postgres && page.versions.all() && self.is_whole(&classes) {
            ranges.push(self.range("", "", ""));
        } else if self.is_crowded() {
            self.crowd(&classes, &lists, is_postgres, &mut ranges);
        } else {
            self.few(&classes, &lists, &mut ranges);
        }
        (ranges, values)
    }

    /// Ranges for each class.
    fn few(&self, classes: &[&Class], lists: &Lists, ranges: &mut Vec<String>) {
        let room = RANGES_MAX - (lists.keys.len() + 1) * classes.len();
        for class in classes {
            self.of_told(&[class], lists, ranges);
            self.by_state(class, &lists.types, room, ranges);
            for key in &lists.keys {
                let fixed = format!("e.version_key = {key} AND e.class = {}", class.id);
                ranges.push(self.range("entry_version", &fixed, &self.rest(class, &lists.types)));
            }
        }
    }

    fn range(&self, index: &str, fixed: &str, rest: &str) -> String {
        let hint = if index.is_empty() { String::new() } else { format!(" INDEXED BY {index}") };
        let and = if fixed.is_empty() { "" } else { " AND " };
        let columns = self.columns;
        let until = match self.way {
            Way::Walk { until: Some(date) } => format!(" AND e.date_added <= {date}"),
            _ => String::new(),
        };
        format!(
            "SELECT {columns} FROM entry e{hint}
             WHERE e.collection = ?1{and}{fixed} AND e.date_added > ?2{until}{rest}"
        )
    }

    /// That a class is one of these, in the order of their numbers: said by them or by the others
    /// that entries here may have, whichever are fewer; nothing where there are no others.
    fn is_of(&self, column: &str, classes: &[i64]) -> String {
        let others = self.classes.iter().map(|class| class.id);
        let others: Vec<i64> =
            others.filter(|other| classes.binary_search(other).is_err()).collect();
        match others.len() {
            0 => String::new(),
            len if len < classes.len() => format!(" AND {column} NOT IN ({})", numbers(&others)),
            _ => format!(" AND {column} IN ({})", numbers(classes)),
        }
    }

    fn wants(&self, class: &Class) -> bool {
        self.page.specs.is_empty() || self.page.specs.contains(&class.spec)
    }

    /// Whether nothing is hidden, filtered or to be probed: the table itself is the range.
    fn is_whole(&self, wanted: &[&Class]) -> bool {
        let mut specs = wanted.iter().map(|class| &class.spec);
        let first = specs.next();
        wanted.len() == self.classes.len()
            && self.page.types.is_empty()
            && (!self.page.specs.is_empty() || specs.all(|spec| Some(spec) == first))
    }

    /// Entries without a version of their own, by what they are told by; of classes of one edition.
    fn of_told(&self, classes: &[&Class], lists: &Lists, ranges: &mut Vec<String>) {
        let Some(class) = classes.first().filter(|_| !lists.told.is_empty()) else { return };
        let (of, told) = (self.is_of("e.class", &ids(classes)), lists.told.join(", "));
        let fixed = format!("e.version_key = '' AND e.version IN ({told}){of}");
        ranges.push(self.range("entry_told", &fixed, &self.rest(class, &lists.types)));
    }

    /// The states that entries of these versions may have.
    fn states(&self) -> Vec<i64> {
        (0..8).filter(|state| self.page.versions.wants(*state)).collect()
    }

    /// What has to be asked of an entry in this state besides.
    fn probe_if_mixed(&self, class: &Class, state: i64) -> String {
        if state & MIXED == 0 { String::new() } else { self.probe(class, state) }
    }

    /// First, last or all versions of a class: a range for each type and state, where there is
    /// room for so many.
    fn by_state(&self, class: &Class, types: &[String], room: usize, ranges: &mut Vec<String>) {
        let states = self.states();
        let many = states.len() * types.len() * self.seen.len() > room;
        for state in states {
            let probe = self.probe_if_mixed(class, state);
            let fixed = format!("e.class = {} AND e.state = {state}", class.id);
            if types.is_empty() || many {
                let rest = format!("{}{probe}", of_types(types));
                ranges.push(self.range("entry_class", &fixed, &rest));
                continue;
            }
            for kind in types {
                let fixed = format!("e.type = {kind} AND {fixed}");
                ranges.push(self.range("entry_type", &fixed, &probe));
            }
        }
    }

    /// What else holds for versions asked for by key: what another range shows is left out.
    fn rest(&self, class: &Class, types: &[String]) -> String {
        let shown: Vec<String> = self.states().iter().map(i64::to_string).collect();
        let edition = self.newer_edition_is_absent(class);
        let mut rest = of_types(types);
        if !shown.is_empty() {
            // A mixed entry that another range leaves out by its probe is shown by its key.
            let plain = format!("e.state NOT IN ({})", shown.join(", "));
            let probed: Vec<String> = (4..8)
                .filter(|state| self.page.versions.wants(*state))
                .map(|state| {
                    format!("(e.state = {state} AND NOT (true{}))", self.probe(class, state))
                })
                .collect();
            rest += &format!(" AND ({})", [vec![plain], probed].concat().join(" OR "));
        }
        if !edition.is_empty() {
            rest += &format!(" AND (e.state < {MIXED} OR (true{edition}))");
        }
        rest
    }

    /// Editions above that of a class, among those that count.
    fn newer_editions(&self, class: &Class) -> Vec<i64> {
        if !self.page.specs.is_empty() {
            return Vec::new();
        }
        self.seen.iter().filter(|seen| seen.spec > class.spec).map(|seen| seen.id).collect()
    }

    fn newer_edition_is_absent(&self, class: &Class) -> String {
        let newer = self.newer_editions(class);
        if newer.is_empty() { String::new() } else { self.absent(&newer, "") }
    }

    /// Looks among the versions of the object in other classes that count.
    fn probe(&self, class: &Class, state: i64) -> String {
        let versions = &self.page.versions;
        let counts = |other: &&Class| !self.page.specs.is_empty() || other.spec == class.spec;
        let rivals: Vec<i64> = self.wanted().filter(counts).map(|class| class.id).collect();
        let mut ways = Vec::new();
        if versions.first() && state & FIRST != 0 {
            let first = self.absent(&rivals, " AND o.version_key < e.version_key");
            ways.push(format!("(true{first})"));
        }
        if versions.last() && state & LAST != 0 {
            let last = self.absent(&rivals, " AND o.version_key > e.version_key");
            ways.push(format!("(true{last})"));
        }
        let edition = self.newer_edition_is_absent(class);
        match versions {
            Versions::All => edition,
            _ => format!(" AND ({}){edition}", ways.join(" OR ")),
        }
    }

    /// No version of the same object lies in these classes.
    fn absent(&self, classes: &[i64], which: &str) -> String {
        let of = self.is_of("o.class", classes);
        format!(
            " AND NOT EXISTS (SELECT 1 FROM entry o INDEXED BY entry_object
               WHERE o.id_hash = e.id_hash AND o.collection = e.collection AND o.id = e.id{of}{which})"
        )
    }
}

fn ids(classes: &[&Class]) -> Vec<i64> {
    classes.iter().map(|class| class.id).collect()
}

fn numbers(of: &[i64]) -> String {
    of.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

fn of_types(types: &[String]) -> String {
    if types.is_empty() { String::new() } else { format!(" AND e.type IN ({})", types.join(", ")) }
}

/// Binds texts; the place of each.
fn bind<'p>(texts: &'p [String], values: &mut Vec<Value<'p>>) -> Vec<String> {
    let mut texts: Vec<&String> = texts.iter().collect();
    texts.sort_unstable();
    texts.dedup();
    let place = |text: &'p String| {
        values.push(Value::Text(text));
        format!("?{}", values.len())
    };
    texts.into_iter().map(place).collect()
}
