//! A transaction over either database: one way to say a statement, bind values and read rows.
//!
//! Statements are written once, in SQL that both databases speak: `ON CONFLICT`, `RETURNING`,
//! `FILTER (WHERE …)`, integers for flags. Places are `?` in order, or `?1`, `?2`. What only one
//! of them understands is mended in one place, [`crate::postgres::translate`].

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use bytes::Bytes;
use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::{
    Error,
    objects::LastDate,
    postgres::Session,
    work::{Left, Work},
};

/// An open transaction, or a reader's snapshot.
pub(crate) struct Tx<'a> {
    back: Back<'a>,
    left: Cell<Left>,
    group: Option<&'a Group>,
}

/// What the jobs of one commit share.
#[derive(Default)]
pub(crate) struct Group {
    /// The last date, as far as it is known without asking.
    pub(crate) last_date: Cell<Option<LastDate>>,
}

enum Back<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a Session),
}

/// A row of an answer.
pub(crate) struct Row<'a>(Source<'a>);

enum Source<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a ::postgres::Row),
}

/// A value as it is bound or read; nothing is copied.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// A number or a flag.
    Int(i64),
    /// Text of ours.
    Text(&'a str),
    /// Bytes, and text from outside.
    Bytes(&'a [u8]),
    /// A column of numbers for [`Given`], on PostgreSQL alone.
    Ints(&'a [Option<i64>]),
    /// A column of bytes for [`Given`], on PostgreSQL alone.
    Many(&'a [Option<&'a [u8]>]),
}

impl<'a> Row<'a> {
    pub(crate) fn postgres(row: &'a ::postgres::Row) -> Self {
        Self(Source::Postgres(row))
    }
}

impl<'a> Tx<'a> {
    pub(crate) fn sqlite(connection: &'a rusqlite::Connection) -> Self {
        Self { back: Back::Sqlite(connection), left: Cell::default(), group: None }
    }

    pub(crate) fn postgres(session: &'a Session) -> Self {
        Self { back: Back::Postgres(session), left: Cell::default(), group: None }
    }

    /// The same as a part of a group.
    pub(crate) fn of_group(self, group: &'a Group) -> Self {
        Self { group: Some(group), ..self }
    }

    /// What it shares with the other jobs of its commit; none for a reader.
    pub(crate) fn group(&self) -> Option<&'a Group> {
        self.group
    }

    /// The commit of this transaction leaves something to do.
    pub(crate) fn leave(&self, work: Work) {
        self.left.set(self.left.get().with(work));
    }

    /// What it leaves so far.
    pub(crate) fn left(&self) -> Left {
        self.left.get()
    }

    /// Runs a statement; how many rows it changed.
    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, Error> {
        match self.back {
            Back::Sqlite(connection) => {
                let bound = rusqlite::params_from_iter(values);
                Ok(connection.prepare_cached(sql)?.execute(bound)?)
            }
            Back::Postgres(session) => session.execute(sql, values),
        }
    }

    /// Reads rows until `read` says that it has enough, with `false`.
    pub(crate) fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        match self.back {
            Back::Sqlite(connection) => {
                let mut statement = connection.prepare_cached(sql)?;
                let mut rows = statement.query(rusqlite::params_from_iter(values))?;
                while let Some(row) = rows.next()? {
                    if !read(&Row(Source::Sqlite(row)))? {
                        break;
                    }
                }
                Ok(())
            }
            Back::Postgres(session) => {
                session.each(sql, values, |row| read(&Row(Source::Postgres(row))))
            }
        }
    }

    /// Every row.
    pub(crate) fn query<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        self.each(sql, values, |row| {
            found.push(read(row)?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// The first row, where there is one.
    pub(crate) fn query_opt<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let mut found = None;
        self.each(sql, values, |row| {
            found = Some(read(row)?);
            Ok(false)
        })?;
        Ok(found)
    }

    /// The first row.
    ///
    /// *Errors*: [`Error::NotFound`] where there is none.
    pub(crate) fn query_one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.query_opt(sql, values, read)?.ok_or(Error::NotFound)
    }

    /// The key of the row that the last INSERT made; SQLite alone tells.
    pub(crate) fn last_row(&self) -> Option<i64> {
        match self.back {
            Back::Sqlite(connection) => Some(connection.last_insert_rowid()),
            Back::Postgres(_) => None,
        }
    }

    /// Whether it is PostgreSQL: for what cannot be said the same way over both.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.back, Back::Postgres(_))
    }

    /// Runs `work` in one snapshot: its statements see what was committed at one moment.
    pub(crate) fn snapshot<T>(&self, work: impl Fn(&Self) -> Result<T, Error>) -> Result<T, Error> {
        self.batch("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let result = work(self);
        // It only read: how it ends is the same.
        self.batch("ROLLBACK", "ROLLBACK")?;
        result
    }

    fn batch(&self, sqlite: &str, postgres: &str) -> Result<(), Error> {
        match self.back {
            Back::Sqlite(connection) => {
                connection.prepare_cached(sqlite)?.execute([])?;
                Ok(())
            }
            Back::Postgres(session) => session.batch(postgres),
        }
    }

    /// Whether there is a row.
    pub(crate) fn exists(&self, sql: &str, values: &[Value<'_>]) -> Result<bool, Error> {
        Ok(self.query_opt(sql, values, |_| Ok(()))?.is_some())
    }
}

/// What a column of given rows holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Numbers.
    Int,
    /// Text of ours.
    Text,
    /// Bytes, and text from outside.
    Bytes,
}

/// Rows that one statement is run over: it names them `{given}` where a table could stand, and
/// their columns `g.name`. SQLite runs it once for each row, PostgreSQL once for all of them; a
/// statement that ends with `{in order}` answers in the order of the column `n` over both.
pub(crate) struct Given<'a> {
    columns: &'static [(&'static str, Kind)],
    values: Vec<Value<'a>>,
}

impl<'a> Given<'a> {
    pub(crate) fn new(columns: &'static [(&'static str, Kind)]) -> Self {
        Self { columns, values: Vec::new() }
    }

    /// One more row: a value for each column, in order.
    pub(crate) fn push<const N: usize>(&mut self, row: [Value<'a>; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row has a value for each column");
        self.values.extend(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    fn rows(&self) -> impl Iterator<Item = &[Value<'a>]> {
        self.values.chunks_exact(self.columns.len().max(1))
    }

    fn column(&self, place: usize) -> impl Iterator<Item = Value<'a>> {
        self.values.iter().copied().skip(place).step_by(self.columns.len().max(1))
    }

    /// The statement for SQLite, where `fixed` values come before those of a row: written once for
    /// each thread, because writing it costs as much as a short one takes.
    fn for_each(&self, sql: &str, fixed: usize) -> Rc<str> {
        thread_local! {
            static WRITTEN: RefCell<HashMap<String, Rc<str>>> = RefCell::default();
        }
        WRITTEN.with_borrow_mut(|written| match written.get(sql) {
            Some(whole) => {
                debug_assert_eq!(**whole, self.write_for_each(sql, fixed), "one shape for a text");
                Rc::clone(whole)
            }
            None => {
                let whole = Rc::<str>::from(self.write_for_each(sql, fixed));
                written.insert(sql.to_owned(), Rc::clone(&whole));
                whole
            }
        })
    }

    fn write_for_each(&self, sql: &str, fixed: usize) -> String {
        let place = |(place, (name, _)): (usize, &(&str, Kind))| {
            format!("?{} AS {name}", fixed + place + 1)
        };
        let columns: Vec<_> = self.columns.iter().enumerate().map(place).collect();
        let given = format!("(SELECT {}) AS g", columns.join(", "));
        sql.replace("{given}", &given).replace("{in order}", "")
    }

    /// The statement for PostgreSQL, where each column is one value.
    fn for_all(&self, sql: &str, fixed: usize) -> String {
        let place = |(place, (_, kind)): (usize, &(&str, Kind))| match kind {
            Kind::Int => format!("CAST(?{} AS BIGINT[])", fixed + place + 1),
            Kind::Text => format!("CAST(?{} AS TEXT[])", fixed + place + 1),
            Kind::Bytes => format!("CAST(?{} AS BYTEA[])", fixed + place + 1),
        };
        let columns: Vec<_> = self.columns.iter().enumerate().map(place).collect();
        let names: Vec<_> = self.columns.iter().map(|(name, _)| *name).collect();
        let given = format!("unnest({}) AS g ({})", columns.join(", "), names.join(", "));
        sql.replace("{given}", &given).replace("{in order}", "ORDER BY g.n")
    }
}

/// The columns of given rows, each as one value for PostgreSQL.
enum Arrays<'a> {
    Ints(Vec<Option<i64>>),
    Many(Vec<Option<&'a [u8]>>),
}

impl Given<'_> {
    fn arrays(&self) -> Vec<Arrays<'_>> {
        let array = |(place, (_, kind)): (usize, &(&str, Kind))| match kind {
            Kind::Int => Arrays::Ints(
                self.column(place)
                    .map(|value| if let Value::Int(number) = value { Some(number) } else { None })
                    .collect(),
            ),
            Kind::Text | Kind::Bytes => {
                Arrays::Many(self.column(place).map(Value::bytes).collect())
            }
        };
        self.columns.iter().enumerate().map(array).collect()
    }
}

impl<'a> Value<'a> {
    /// A count, as a number of its own.
    pub(crate) fn count(count: usize) -> Self {
        Self::Int(i64::try_from(count).unwrap_or(i64::MAX))
    }

    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Text(text) => Some(text.as_bytes()),
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

/// The values of a statement for PostgreSQL: those that are the same for all rows come first.
fn bound<'v>(fixed: &[Value<'v>], arrays: &'v [Arrays<'_>]) -> Vec<Value<'v>> {
    fixed.iter().copied().chain(arrays.iter().map(Arrays::value)).collect()
}

impl Arrays<'_> {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Ints(numbers) => Value::Ints(numbers),
            Self::Many(bytes) => Value::Many(bytes),
        }
    }
}

impl Tx<'_> {
    /// Reads every row of a statement over given rows.
    pub(crate) fn each_given(
        &self,
        sql: &str,
        fixed: &[Value<'_>],
        given: &Given<'_>,
        mut read: impl FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if given.is_empty() {
            return Ok(());
        }
        match self.back {
            Back::Sqlite(connection) => {
                let sql = given.for_each(sql, fixed.len());
                let mut statement = connection.prepare_cached(&sql)?;
                for row in given.rows() {
                    let bound = rusqlite::params_from_iter(fixed.iter().chain(row));
                    let mut rows = statement.query(bound)?;
                    while let Some(row) = rows.next()? {
                        read(&Row(Source::Sqlite(row)))?;
                    }
                }
                Ok(())
            }
            Back::Postgres(session) => {
                let sql = given.for_all(sql, fixed.len());
                let arrays = given.arrays();
                session.each(&sql, &bound(fixed, &arrays), |row| {
                    read(&Row(Source::Postgres(row)))?;
                    Ok(true)
                })
            }
        }
    }

    /// Every row of a statement over given rows.
    pub(crate) fn query_given<T>(
        &self,
        sql: &str,
        fixed: &[Value<'_>],
        given: &Given<'_>,
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        self.each_given(sql, fixed, given, |row| {
            found.push(read(row)?);
            Ok(())
        })?;
        Ok(found)
    }

    /// Runs a statement over given rows; how many rows it changed.
    pub(crate) fn execute_given(
        &self,
        sql: &str,
        fixed: &[Value<'_>],
        given: &Given<'_>,
    ) -> Result<usize, Error> {
        if given.is_empty() {
            return Ok(0);
        }
        match self.back {
            Back::Sqlite(connection) => {
                let sql = given.for_each(sql, fixed.len());
                let mut statement = connection.prepare_cached(&sql)?;
                let mut changed = 0;
                for row in given.rows() {
                    let bound = rusqlite::params_from_iter(fixed.iter().chain(row));
                    changed += statement.execute(bound)?;
                }
                Ok(changed)
            }
            Back::Postgres(session) => {
                let sql = given.for_all(sql, fixed.len());
                let arrays = given.arrays();
                session.execute(&sql, &bound(fixed, &arrays))
            }
        }
    }
}

impl Row<'_> {
    /// The bytes of a column, where they lie.
    pub(crate) fn with_bytes<T>(
        &self,
        column: impl Column,
        read: impl FnOnce(&[u8]) -> T,
    ) -> Result<T, Error> {
        let bytes = match self.0 {
            Source::Sqlite(row) => column.of_sqlite(row)?.as_bytes_or_null().ok().flatten(),
            Source::Postgres(row) => column.of_postgres(row)?.bytes(),
        };
        bytes.map(read).ok_or(Error::Corrupt("bytes"))
    }

    /// A column, by name or by place from 0.
    pub(crate) fn get<T: FromColumn>(&self, column: impl Column) -> Result<T, Error> {
        match self.0 {
            Source::Sqlite(row) => match column.of_sqlite(row)? {
                ValueRef::Null => T::from_column(Value::Null),
                ValueRef::Integer(number) => T::from_column(Value::Int(number)),
                ValueRef::Real(_) => Err(Error::Corrupt("a number with a fraction")),
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
                    T::from_column(Value::Bytes(bytes))
                }
            },
            Source::Postgres(row) => T::from_column(column.of_postgres(row)?),
        }
    }
}

/// How a column is named.
pub(crate) trait Column {
    fn of_sqlite<'r>(&self, row: &'r rusqlite::Row<'_>) -> Result<ValueRef<'r>, Error>;
    fn of_postgres<'r>(&self, row: &'r ::postgres::Row) -> Result<Value<'r>, Error>;
}

impl Column for &str {
    fn of_sqlite<'r>(&self, row: &'r rusqlite::Row<'_>) -> Result<ValueRef<'r>, Error> {
        Ok(row.get_ref(*self)?)
    }

    fn of_postgres<'r>(&self, row: &'r ::postgres::Row) -> Result<Value<'r>, Error> {
        Ok(row.try_get(*self)?)
    }
}

impl Column for usize {
    fn of_sqlite<'r>(&self, row: &'r rusqlite::Row<'_>) -> Result<ValueRef<'r>, Error> {
        Ok(row.get_ref(*self)?)
    }

    fn of_postgres<'r>(&self, row: &'r ::postgres::Row) -> Result<Value<'r>, Error> {
        Ok(row.try_get(*self)?)
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Ints(_) | Self::Many(_) => {
                let why = "SQLite has no columns of many values";
                return Err(rusqlite::Error::ToSqlConversionFailure(why.into()));
            }
        }))
    }
}

/// What can be bound.
pub(crate) trait ToColumn {
    fn to_column(&self) -> Value<'_>;
}

/// What can be read.
pub(crate) trait FromColumn: Sized {
    fn from_column(value: Value<'_>) -> Result<Self, Error>;
}

/// Values in the order of their places.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::tx::ToColumn::to_column(&$value)),*] as &[$crate::tx::Value<'_>]
    };
}
pub(crate) use params;

macro_rules! numbers {
    ($($number:ty),+) => { $(
        impl ToColumn for $number {
            fn to_column(&self) -> Value<'_> {
                // Only a count beyond 2^63 does not fit, and nothing here counts that far.
                Value::Int(i64::try_from(*self).unwrap_or(i64::MAX))
            }
        }
        impl FromColumn for $number {
            fn from_column(value: Value<'_>) -> Result<Self, Error> {
                match value {
                    Value::Int(number) => {
                        number.try_into().map_err(|_| Error::Corrupt("a number out of range"))
                    }
                    _ => Err(Error::Corrupt("a number")),
                }
            }
        }
    )+ };
}
numbers!(i64, u64, u32, u8, usize);

impl ToColumn for bool {
    fn to_column(&self) -> Value<'_> {
        Value::Int(i64::from(*self))
    }
}

impl FromColumn for bool {
    fn from_column(value: Value<'_>) -> Result<Self, Error> {
        i64::from_column(value).map(|number| number != 0)
    }
}

macro_rules! bound_as {
    ($($kind:ty => $variant:ident),+ $(,)?) => { $(
        impl ToColumn for $kind {
            fn to_column(&self) -> Value<'_> {
                Value::$variant(self.as_ref())
            }
        }
    )+ };
}
bound_as!(str => Text, String => Text, [u8] => Bytes, Vec<u8> => Bytes, Bytes => Bytes);

impl<const N: usize> ToColumn for [u8; N] {
    fn to_column(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<T: ToColumn + ?Sized> ToColumn for &T {
    fn to_column(&self) -> Value<'_> {
        (**self).to_column()
    }
}

impl<T: ToColumn> ToColumn for Option<T> {
    fn to_column(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToColumn::to_column)
    }
}

impl FromColumn for String {
    fn from_column(value: Value<'_>) -> Result<Self, Error> {
        match value {
            Value::Text(text) => Ok(text.to_owned()),
            Value::Bytes(bytes) => {
                let text = std::str::from_utf8(bytes).map_err(|_| Error::Corrupt("a text"))?;
                Ok(text.to_owned())
            }
            _ => Err(Error::Corrupt("a text")),
        }
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(value: Value<'_>) -> Result<Self, Error> {
        match value {
            Value::Text(text) => Ok(text.as_bytes().to_vec()),
            Value::Bytes(bytes) => Ok(bytes.to_vec()),
            _ => Err(Error::Corrupt("bytes")),
        }
    }
}

impl FromColumn for Bytes {
    fn from_column(value: Value<'_>) -> Result<Self, Error> {
        Vec::from_column(value).map(Self::from)
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(value: Value<'_>) -> Result<Self, Error> {
        match value {
            Value::Null => Ok(None),
            value => T::from_column(value).map(Some),
        }
    }
}
