//! One connection to PostgreSQL with its prepared statements.

use std::{cell::RefCell, collections::HashMap, error::Error as StdError};

use bytes::BytesMut;
use postgres::{
    Client, Row, Statement,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use super::{Place, translate::translate};
use crate::{Error, tx::Value};

/// Prepared statements kept by a connection.
pub(super) const STATEMENTS_MAX: usize = 512;

/// Every statement here goes along indexes, whatever the statistics say on the day it is planned:
/// a plan that walks, sorts or compiles is wrong for all of them, and a plan that was made once
/// holds.
pub(super) const SETTINGS: &str = "SET jit = off; SET max_parallel_workers_per_gather = 0; \
                        SET enable_seqscan = off; SET enable_bitmapscan = off; \
                        SET enable_hashjoin = off; SET enable_mergejoin = off; \
                        SET plan_cache_mode = force_generic_plan";

/// A connection.
pub(crate) struct Session {
    client: RefCell<Client>,
    statements: RefCell<HashMap<String, Statement>>,
}

impl Session {
    pub(crate) fn connect(place: &Place) -> Result<Self, Error> {
        let mut client = place.connect()?;
        client.batch_execute(SETTINGS)?;
        Ok(Self { client: RefCell::new(client), statements: RefCell::default() })
    }

    /// The process of the server that works for this connection.
    pub(crate) fn process(&self) -> Result<i32, Error> {
        let row = self.client.borrow_mut().query_one("SELECT pg_backend_pid()", &[])?;
        Ok(row.try_get(0)?)
    }

    /// Whether the server hung up.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.borrow().is_closed()
    }

    /// Statements without values, in one turn.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Error> {
        Ok(self.client.borrow_mut().batch_execute(sql)?)
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, Error> {
        let statement = self.prepare(sql)?;
        let bound = bind(values);
        let changed = self.client.borrow_mut().execute(&statement, &bound);
        Ok(usize::try_from(self.noted(changed)?).unwrap_or(usize::MAX))
    }

    pub(crate) fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut read: impl FnMut(&Row) -> Result<bool, Error>,
    ) -> Result<(), Error> {
        let statement = self.prepare(sql)?;
        let bound = bind(values);
        let rows = self.client.borrow_mut().query(&statement, &bound);
        for row in &self.noted(rows)? {
            if !read(row)? {
                break;
            }
        }
        Ok(())
    }

    fn prepare(&self, sql: &str) -> Result<Statement, Error> {
        let mut statements = self.statements.borrow_mut();
        if let Some(statement) = statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.client.borrow_mut().prepare(&translate(sql))?;
        if statements.len() >= STATEMENTS_MAX {
            statements.clear();
        }
        statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// A newer process may have migrated: then what was prepared no longer fits.
    fn noted<T>(&self, result: Result<T, postgres::Error>) -> Result<T, Error> {
        result.map_err(|error| {
            let error = Error::from(error);
            if matches!(error, Error::Again) {
                self.statements.borrow_mut().clear();
            }
            error
        })
    }
}

pub(super) fn bind<'v>(values: &'v [Value<'_>]) -> Vec<&'v (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

type Boxed = Box<dyn StdError + Sync + Send>;

impl ToSql for Value<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Boxed> {
        match *self {
            Self::Null => return Ok(IsNull::Yes),
            Self::Int(number) if *kind == Type::BOOL => (number != 0).to_sql(kind, out)?,
            Self::Int(number) if *kind == Type::INT2 => i16::try_from(number)?.to_sql(kind, out)?,
            Self::Int(number) if *kind == Type::INT4 => i32::try_from(number)?.to_sql(kind, out)?,
            Self::Int(number) => number.to_sql(kind, out)?,
            // Text from outside lies in columns of bytes: `text` does not take U+0000.
            Self::Text(text) => text.as_bytes().to_sql(kind, out)?,
            Self::Bytes(bytes) => bytes.to_sql(kind, out)?,
            Self::Ints(numbers) => numbers.to_sql(kind, out)?,
            Self::Many(bytes) => bytes.to_sql(kind, out)?,
        };
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> Result<Self, Boxed> {
        match *kind {
            Type::INT8 => Ok(Self::Int(i64::from_sql(kind, raw)?)),
            Type::INT4 => Ok(Self::Int(i32::from_sql(kind, raw)?.into())),
            Type::INT2 => Ok(Self::Int(i16::from_sql(kind, raw)?.into())),
            Type::BOOL => Ok(Self::Int(bool::from_sql(kind, raw)?.into())),
            Type::BYTEA => Ok(Self::Bytes(raw)),
            Type::TEXT | Type::VARCHAR | Type::NAME => Ok(Self::Text(std::str::from_utf8(raw)?)),
            _ => Err(format!("a column of type {kind}").into()),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Boxed> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
