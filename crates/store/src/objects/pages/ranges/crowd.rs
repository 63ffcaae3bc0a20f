//! Classes that are too many for ranges of their own (decision 0024).
//!
//! An object may bear a marking of its own, and then there is a class for nearly each of them. Whoever
//! sees all of them is shown the table of SQLite in the order of its dates; for anybody else, and on
//! PostgreSQL, whose tables have no order, each class is looked into.

use std::collections::BTreeMap;

use super::{Asked, Lists, ids, numbers, of_types};
use crate::{
    Error,
    objects::{Class, Collection, Page},
    params,
    tx::Tx,
};

/// Rows of other types or editions that a walk goes past before classes are looked into one by one instead.
const PASSED_MAX: usize = 10_000;

/// How classes are read that are too many for ranges of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// One by one, so that nothing hidden is met.
    Each,
    /// In the order of dates, which the table of SQLite lies in: for whom nothing is hidden.
    Walk {
        /// Up to this date.
        until: Option<i64>,
    },
}

/// The date up to which a walk may go where most of what it meets may be of another type or
/// edition; none where it may go to the end.
pub(super) fn walk_end(
    tx: &Tx<'_>,
    collection: &Collection,
    page: &Page,
) -> Result<Option<i64>, Error> {
    if page.types.is_empty() && page.specs.is_empty() {
        return Ok(None);
    }
    let after = page.after.unwrap_or(i64::MIN);
    let sql = "/* walk_end */ SELECT date_added FROM entry WHERE collection = ? AND date_added > ?
               ORDER BY date_added LIMIT 1 OFFSET ?";
    tx.query_opt(sql, params![collection.row, after, PASSED_MAX], |row| row.get(0))
}

impl Asked<'_> {
    /// Ranges that classes share: of one edition, because the same is to be probed in each.
    pub(super) fn crowd(
        &self,
        classes: &[&Class],
        lists: &Lists,
        is_postgres: bool,
        ranges: &mut Vec<String>,
    ) {
        let mut editions: BTreeMap<&str, Vec<&Class>> = BTreeMap::new();
        for class in classes {
            editions.entry(&class.spec).or_default().push(class);
        }
        for classes in editions.values() {
            self.of_told(classes, lists, ranges);
            self.of_keys(classes, lists, ranges);
            match self.way {
                Way::Each if is_postgres => self.each_lateral(classes, &lists.types, ranges),
                Way::Each => self.each(classes, &lists.types, ranges),
                Way::Walk { .. } => {}
            }
        }
        if matches!(self.way, Way::Walk { .. }) && !self.states().is_empty() {
            ranges.push(self.walk(editions.values(), &lists.types));
        }
    }

    /// The table in the order of its dates, past what is old or of another type, by editions
    /// (`+` keeps other indexes out: they would sort).
    fn walk<'c>(
        &self,
        editions: impl Iterator<Item = &'c Vec<&'c Class>>,
        types: &[String],
    ) -> String {
        let mut ways = Vec::new();
        for classes in editions {
            let Some(class) = classes.first() else { continue };
            let of = self.is_of("+e.class", &ids(classes));
            for state in self.states() {
                let probe = self.probe_if_mixed(class, state);
                ways.push(format!("(+e.state = {state}{of}{probe})"));
            }
        }
        let types = of_types(types).replace("e.type", "+e.type");
        self.range("", "", &format!(" AND ({}){types}", ways.join(" OR ")))
    }

    /// The next entries of each of these classes of one edition, as SQLite says it.
    fn each(&self, classes: &[&Class], types: &[String], ranges: &mut Vec<String>) {
        let Some(class) = classes.first() else { return };
        let (columns, limit, numbers) = (self.columns, self.limit(), numbers(&ids(classes)));
        let index = if types.is_empty() { "entry_class" } else { "entry_type" };
        for state in self.states() {
            let rest = format!("{}{}", of_types(types), self.probe_if_mixed(class, state));
            ranges.push(format!(
                "SELECT {columns} FROM json_each('[{numbers}]') k CROSS JOIN entry e
                 WHERE e.collection = ?1 AND e.date_added IN (SELECT e.date_added
                   FROM entry e INDEXED BY {index}
                   WHERE e.collection = ?1 AND e.class = k.value AND e.state = {state}
                   AND e.date_added > ?2{rest} ORDER BY e.date_added LIMIT {limit})"
            ));
        }
    }

    /// The same as PostgreSQL says it.
    fn each_lateral(&self, classes: &[&Class], types: &[String], ranges: &mut Vec<String>) {
        let Some(class) = classes.first() else { return };
        let (columns, limit, numbers) = (self.columns, self.limit(), numbers(&ids(classes)));
        for state in self.states() {
            let rest = format!("{}{}", of_types(types), self.probe_if_mixed(class, state));
            ranges.push(format!(
                "SELECT {columns} FROM unnest(CAST('{{{numbers}}}' AS BIGINT[])) AS k (id)
                 CROSS JOIN LATERAL (SELECT * FROM entry e
                   WHERE e.collection = ?1 AND e.class = k.id AND e.state = {state}
                   AND e.date_added > ?2{rest} ORDER BY e.date_added LIMIT {limit}) e"
            ));
        }
    }

    /// Versions asked for by key, of classes of one edition.
    fn of_keys(&self, classes: &[&Class], lists: &Lists, ranges: &mut Vec<String>) {
        let Some(class) = classes.first().filter(|_| !lists.keys.is_empty()) else { return };
        let (of, keys) = (self.is_of("e.class", &ids(classes)), lists.keys.join(", "));
        let fixed = format!("e.version_key IN ({keys}){of}");
        ranges.push(self.range("entry_version", &fixed, &self.rest(class, &lists.types)));
    }
}
