//! The ranges of a page that is not asked for by id, and the one statement that merges them.

use std::collections::BTreeMap;

use super::{Class, Collection, MIXED, Page, Place, Versions};
use crate::{
    Error,
    tx::{Tx, Value},
};

/// Ranges of one statement: SQLite takes 500 parts. Beyond, classes share theirs.
const RANGES_MAX: usize = 400;

/// The entries in the order of their dates, one more than the page holds.
pub(in crate::objects) fn read(
    tx: &Tx<'_>,
    collection: &Collection,
    page: &Page,
    classes: &[Class],
    seen: &[&Class],
) -> Result<Vec<Place>, Error> {
    let asked = Asked::new(page, classes, seen);
    let Some((merged, values)) = asked.merged(collection, tx.is_postgres()) else {
        return Ok(Vec::new());
    };
    tx.query(&format!("/* page */ {merged}"), &values, Place::read)
}

/// The same as one statement for PostgreSQL, and its values; with what a manifest tells behind each
/// place, where no bodies are asked for. Its first row is the number of the newest class: nothing is
/// left out where `classes` reach up to it.
pub(super) fn beside_newest<'p>(
    collection: &Collection,
    page: &'p Page,
    classes: &[Class],
    seen: &'p [&'p Class],
) -> (String, Vec<Value<'p>>) {
    let (columns, none) = if page.with_bodies { (PLACE, NO_PLACE) } else { (TOLD, NOTHING_TOLD) };
    let newest = format!("/* page */ SELECT max(id), {none} FROM class");
    let asked = Asked { columns, ..Asked::new(page, classes, seen) };
    match asked.merged(collection, true) {
        Some((merged, values)) => (format!("{newest} UNION ALL ({merged})"), values),
        None => (newest, Vec::new()),
    }
}

/// The columns of a place, and what stands for them where there is none.
const PLACE: &str = "e.date_added, e.row, e.size";
const NO_PLACE: &str = "CAST(0 AS BIGINT), CAST(0 AS BIGINT)";
/// The same with what a manifest tells.
const TOLD: &str = "e.date_added, e.row, e.size, e.id, e.version, e.type, e.class, e.findings";
const NOTHING_TOLD: &str = "CAST(0 AS BIGINT), CAST(0 AS BIGINT), CAST(NULL AS BYTEA), \
     CAST(NULL AS BYTEA), CAST(NULL AS BYTEA), CAST(0 AS BIGINT), CAST(NULL AS BYTEA) AS findings";

struct Asked<'p> {
    page: &'p Page,
    seen: &'p [&'p Class],
    everything: bool,
    columns: &'static str,
}

impl<'p> Asked<'p> {
    fn new(page: &'p Page, classes: &[Class], seen: &'p [&'p Class]) -> Self {
        Self { page, seen, everything: seen.len() == classes.len(), columns: PLACE }
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
        let limit = self.page.limit.saturating_add(1);
        // SQLite merges the ranges as they are; PostgreSQL would sort all of them, unless each is
        // cut on its own, which SQLite would sort.
        let cut = |range: &String| match is_postgres && ranges.len() > 1 {
            true => format!("({range} ORDER BY date_added LIMIT {limit})"),
            false => range.clone(),
        };
        let ranges = ranges.iter().map(cut).collect::<Vec<_>>().join("\nUNION ALL ");
        Some((format!("{ranges} ORDER BY date_added LIMIT {limit}"), values))
    }

    /// The statement's parts and its values. The text follows from which filters there are and
    /// from numbers of classes, never from what anybody wrote.
    fn ranges(&self, collection: &Collection, is_postgres: bool) -> (Vec<String>, Vec<Value<'p>>) {
        let page = self.page;
        let after = page.after.unwrap_or(i64::MIN);
        let mut values = vec![Value::Int(collection.row), Value::Int(after)];
        let types = bind(&page.types, &mut values);
        let keys = bind(page.versions.keys(), &mut values);
        let told = bind(page.versions.told(), &mut values);
        let classes: Vec<&Class> =
            self.seen.iter().copied().filter(|class| self.wants(class)).collect();
        let mut ranges = Vec::new();
        let is_crowded = classes.len() * (self.states().len() + keys.len() + 1) > RANGES_MAX;
        // The table of SQLite lies in the order of its dates; PostgreSQL has no such order.
        if !is_postgres && page.versions.all() && self.is_whole(&classes) {
            ranges.push(self.range("", "", ""));
            return (ranges, values);
        }
        if is_crowded {
            let mut editions: BTreeMap<&str, Vec<&Class>> = BTreeMap::new();
            for class in classes {
                editions.entry(&class.spec).or_default().push(class);
            }
            for classes in editions.values() {
                self.crowd(classes, &types, is_postgres, &mut ranges);
                self.crowd_of_keys(classes, &types, &keys, &mut ranges);
                self.of_told(classes, &types, &told, &mut ranges);
            }
            return (ranges, values);
        }
        for class in &classes {
            let room = RANGES_MAX - (keys.len() + 1) * classes.len();
            self.of_told(&[class], &types, &told, &mut ranges);
            self.by_state(class, &types, room, &mut ranges);
            for key in &keys {
                let fixed = format!("e.version_key = {key} AND e.class = {}", class.id);
                ranges.push(self.range("entry_version", &fixed, &self.rest(class, &types)));
            }
        }
        (ranges, values)
    }

    fn range(&self, index: &str, fixed: &str, rest: &str) -> String {
        let hint = if index.is_empty() { String::new() } else { format!(" INDEXED BY {index}") };
        let and = if fixed.is_empty() { "" } else { " AND " };
        let columns = self.columns;
        format!(
            "SELECT {columns} FROM entry e{hint}
             WHERE e.collection = ?1{and}{fixed} AND e.date_added > ?2{rest}"
        )
    }

    fn wants(&self, class: &Class) -> bool {
        self.page.specs.is_empty() || self.page.specs.contains(&class.spec)
    }

    /// Whether nothing is hidden, filtered or to be probed: the table itself is the range.
    fn is_whole(&self, classes: &[&Class]) -> bool {
        let one_edition = classes.iter().all(|class| self.newer_editions(class).is_empty());
        self.everything
            && classes.len() == self.seen.len()
            && self.page.types.is_empty()
            && (one_edition || !self.page.specs.is_empty())
    }

    /// Entries without a version of their own, by what they are told by; of classes of one edition.
    fn of_told(
        &self,
        classes: &[&Class],
        types: &[String],
        told: &[String],
        ranges: &mut Vec<String>,
    ) {
        let Some(class) = classes.first().filter(|_| !told.is_empty()) else { return };
        let ids = numbers(classes.iter().map(|class| class.id));
        let told = told.join(", ");
        let fixed = format!("e.version_key = '' AND e.version IN ({told}) AND e.class IN ({ids})");
        ranges.push(self.range("entry_told", &fixed, &self.rest(class, types)));
    }

    /// The states that entries of these versions may have.
    fn states(&self) -> Vec<i64> {
        (0..8).filter(|state| self.page.versions.wants(*state)).collect()
    }

    /// What has to be asked of an entry in this state besides.
    fn probe_if_mixed(&self, class: &Class, state: i64) -> String {
        if state & MIXED == 0 { String::new() } else { self.probe(class, state) }
    }

    /// Classes of one edition that are too many for ranges of their own: the same is to be probed
    /// in each. SQLite walks its table in the order of dates, past what is hidden or old
    /// (`+` keeps other indexes out: they would sort); PostgreSQL looks into each class.
    fn crowd(
        &self,
        classes: &[&Class],
        types: &[String],
        is_postgres: bool,
        ranges: &mut Vec<String>,
    ) {
        let Some(class) = classes.first() else { return };
        let (ids, columns) = (numbers(classes.iter().map(|class| class.id)), self.columns);
        let limit = self.page.limit.saturating_add(1);
        let mut ways = Vec::new();
        for state in self.states() {
            let probe = self.probe_if_mixed(class, state);
            ways.push(format!("(e.state = {state}{probe})"));
            if is_postgres {
                let rest = format!("{}{probe}", of_types(types));
                ranges.push(format!(
                    "SELECT {columns} FROM unnest(CAST('{{{ids}}}' AS BIGINT[])) AS k (id)
                     CROSS JOIN LATERAL (SELECT * FROM entry e
                       WHERE e.collection = ?1 AND e.class = k.id AND e.state = {state}
                       AND e.date_added > ?2{rest} ORDER BY e.date_added LIMIT {limit}) e"
                ));
            }
        }
        if !is_postgres && !ways.is_empty() {
            let types = of_types(types).replace("e.type", "+e.type");
            let rest = format!(" AND +e.class IN ({ids}) AND ({}){types}", ways.join(" OR "));
            ranges.push(self.range("", "", &rest));
        }
    }

    /// Versions asked for by key, of classes of one edition.
    fn crowd_of_keys(
        &self,
        classes: &[&Class],
        types: &[String],
        keys: &[String],
        ranges: &mut Vec<String>,
    ) {
        let Some(class) = classes.first().filter(|_| !keys.is_empty()) else { return };
        let ids = numbers(classes.iter().map(|class| class.id));
        let fixed = format!("e.version_key IN ({}) AND e.class IN ({ids})", keys.join(", "));
        ranges.push(self.range("entry_version", &fixed, &self.rest(class, types)));
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
        if newer.is_empty() { String::new() } else { absent(&newer, "") }
    }

    /// Looks among the versions of the object in other classes that count.
    fn probe(&self, class: &Class, state: i64) -> String {
        let versions = &self.page.versions;
        let rivals: Vec<i64> = self
            .seen
            .iter()
            .filter(|seen| self.wants(seen))
            .filter(|seen| !self.page.specs.is_empty() || seen.spec == class.spec)
            .map(|seen| seen.id)
            .collect();
        let first = absent(&rivals, " AND o.version_key < e.version_key");
        let last = absent(&rivals, " AND o.version_key > e.version_key");
        let mut ways = Vec::new();
        if versions.first() && state & super::super::versions::FIRST != 0 {
            ways.push(format!("(true{first})"));
        }
        if versions.last() && state & super::super::versions::LAST != 0 {
            ways.push(format!("(true{last})"));
        }
        let edition = self.newer_edition_is_absent(class);
        match versions {
            Versions::All => edition,
            _ => format!(" AND ({}){edition}", ways.join(" OR ")),
        }
    }
}

/// No version of the same object lies in these classes.
fn absent(classes: &[i64], which: &str) -> String {
    format!(
        " AND NOT EXISTS (SELECT 1 FROM entry o INDEXED BY entry_object
           WHERE o.id_hash = e.id_hash AND o.collection = e.collection AND o.id = e.id
           AND o.class IN ({}){which})",
        numbers(classes.iter().copied())
    )
}

fn numbers(of: impl Iterator<Item = i64>) -> String {
    of.map(|number| number.to_string()).collect::<Vec<_>>().join(", ")
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
