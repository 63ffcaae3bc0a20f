//! Whether anything came since a date: what pollers ask most, and mostly nothing did. A page is a
//! plan of many parts to PostgreSQL, this is a look into an index for each range, and many pollers
//! share it.

use super::{
    ranges,
    shared::{Question, Shared},
};
use crate::{
    Error, Store,
    postgres::Lines,
    tx::{Row, Value},
};

/// Whether a poller finds anything.
pub(crate) struct Anything {
    collection: i64,
    after: i64,
    /// Class and state of what it may find: nothing that it does not see is looked at.
    ranges: Vec<(i64, i64)>,
}

/// What is told of it.
pub(crate) struct News {
    /// Something came that may be for this poller.
    pub(super) is_any: bool,
    /// The number of the newest class.
    pub(super) newest: i64,
}

impl Anything {
    /// What a page would find, where that can be told so.
    pub(super) fn of(asked: &ranges::Asked<'_>, collection: i64) -> Option<Self> {
        let (after, ranges) = (asked.after()?, asked.class_and_state()?);
        Some(Self { collection, after, ranges })
    }
}

impl Question for Anything {
    type Answer = News;

    fn queue(store: &Store) -> &Shared<Self> {
        store.news()
    }

    async fn ask(lines: &Lines, all: &[Self]) -> Result<Vec<News>, Error> {
        // Columns that are unnested side by side are streamed; as one table, PostgreSQL would keep each.
        const SQL: &str = "/* news */ SELECT CAST(-1 AS BIGINT) AS n, max(id) AS newest FROM class
            UNION ALL SELECT g.n, 0
            FROM (SELECT unnest(CAST(?1 AS BIGINT[])) AS n, unnest(CAST(?2 AS BIGINT[])) AS collection,
                    unnest(CAST(?3 AS BIGINT[])) AS class, unnest(CAST(?4 AS BIGINT[])) AS state,
                    unnest(CAST(?5 AS BIGINT[])) AS after) AS g
            WHERE (SELECT e.date_added FROM entry e
              WHERE e.collection = g.collection AND e.class = g.class AND e.state = g.state
              AND e.date_added > g.after ORDER BY e.date_added LIMIT 1) IS NOT NULL";
        let mut columns: [Vec<Option<i64>>; 5] = Default::default();
        for (n, one) in (0..).zip(all) {
            for (class, state) in &one.ranges {
                let row = [n, one.collection, *class, *state, one.after];
                columns.iter_mut().zip(row).for_each(|(column, value)| column.push(Some(value)));
            }
        }
        let values = columns.each_ref().map(|column| Value::Ints(column.as_slice()));
        let (mut newest, mut found) = (0, vec![false; all.len()]);
        for row in &lines.ask(SQL, &values).await? {
            let row = Row::postgres(row);
            match usize::try_from(row.get::<i64>(0)?).ok().and_then(|n| found.get_mut(n)) {
                Some(is_any) => *is_any = true,
                None => newest = row.get::<Option<i64>>(1)?.unwrap_or(0),
            }
        }
        Ok(found.into_iter().map(|is_any| News { is_any, newest }).collect())
    }
}
