//! One connection of either engine, with the few calls that the store's SQL needs. Statements are written once, with
//! `?1` for a parameter; what PostgreSQL says in other words is in `postgres::dialect`.

mod value;

use rusqlite::CachedStatement;

use super::postgres::Lane;
use crate::failure::Failure;
pub(crate) use value::{Column, Owned, Params, Value};

/// A connection; it belongs to one thread at a time.
pub(crate) enum Connection {
    /// To the database file.
    Sqlite(rusqlite::Connection),
    /// To a PostgreSQL server.
    Postgres(Box<Lane>),
}

/// Why a statement gave no value.
#[derive(Debug)]
pub(crate) enum Error {
    /// SQLite says why.
    Sqlite(rusqlite::Error),
    /// PostgreSQL says why, or did not answer.
    Postgres(Failure),
    /// There is no such row.
    NoRow,
    /// A column has a value that is not of its type.
    Column,
}

/// What a statement gave.
pub(crate) type Fetched<T> = Result<T, Error>;

/// A prepared statement.
pub(crate) enum Statement<'a> {
    Sqlite(CachedStatement<'a>),
    Postgres(&'a Lane, tokio_postgres::Statement),
}

/// Rows, one after the other.
pub(crate) enum Rows<'a> {
    Sqlite(rusqlite::Rows<'a>),
    Postgres(std::vec::IntoIter<tokio_postgres::Row>, Option<tokio_postgres::Row>),
}

/// One row.
pub(crate) enum Row<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// For a row that may be missing.
pub(crate) trait OptionalRow<T> {
    /// `None` if there is no such row.
    fn optional(self) -> Fetched<Option<T>>;
}

impl<T> OptionalRow<T> for Fetched<T> {
    fn optional(self) -> Fetched<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Connection {
    /// Prepares a statement, once for each connection.
    pub(crate) fn prepare_cached(&self, statement: &str) -> Fetched<Statement<'_>> {
        Ok(match self {
            Self::Sqlite(sql) => Statement::Sqlite(sql.prepare_cached(statement)?),
            Self::Postgres(lane) => Statement::Postgres(lane, lane.prepare(statement)?),
        })
    }

    /// The first row of a statement.
    pub(crate) fn query_row<T>(
        &self,
        statement: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Fetched<T>,
    ) -> Fetched<T> {
        self.prepare_cached(statement)?.query_row(params, read)
    }

    /// Runs a statement; how many rows it was about.
    pub(crate) fn execute(&self, statement: &str, params: impl Params) -> Fetched<usize> {
        self.prepare_cached(statement)?.execute(params)
    }

    /// Begins a transaction that only reads, and sees one moment.
    pub(crate) fn begin_reading(&self) -> Result<(), Failure> {
        match self {
            Self::Sqlite(sql) => Ok(sql.execute_batch("BEGIN")?),
            Self::Postgres(lane) => lane.begin_reading(),
        }
    }

    /// Ends it.
    pub(crate) fn end_reading(&self) -> Result<(), Failure> {
        match self {
            Self::Sqlite(sql) => Ok(sql.execute_batch("ROLLBACK")?),
            Self::Postgres(lane) => lane.undo(),
        }
    }

    /// The highest number that a row of `envelope` or `device` was ever given.
    pub(crate) fn given(&self, table: &str) -> Fetched<i64> {
        match self {
            // Not the largest number that is left: what was erased at the end had one too.
            Self::Sqlite(_) => {
                let statement = "SELECT seq FROM sqlite_sequence WHERE name = ?1";
                Ok(self.query_row(statement, [table], |row| row.get(0)).optional()?.unwrap_or(0))
            }
            Self::Postgres(_) if table == "envelope" => {
                let statement =
                    "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM envelope_place_seq";
                self.query_row(statement, (), |row| row.get(0))
            }
            Self::Postgres(_) => {
                self.query_row(&format!("SELECT coalesce(max(no), 0) FROM {table}"), (), |row| row.get(0))
            }
        }
    }

    /// The database file's connection, for what only SQLite has.
    pub(crate) fn sqlite(&self) -> Result<&rusqlite::Connection, Failure> {
        match self {
            Self::Sqlite(sql) => Ok(sql),
            Self::Postgres(_) => Err(Failure::new("the store is in PostgreSQL, which has no database file")),
        }
    }

    /// The connection to PostgreSQL, for what only it has.
    pub(crate) fn postgres(&self) -> Result<&Lane, Failure> {
        match self {
            Self::Postgres(lane) => Ok(lane),
            Self::Sqlite(_) => Err(Failure::new("the store is a database file, and not in PostgreSQL")),
        }
    }

    /// Whether PostgreSQL is behind it.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }
}

impl Statement<'_> {
    /// The first row.
    pub(crate) fn query_row<T>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> Fetched<T>,
    ) -> Fetched<T> {
        let mut rows = self.query(params)?;
        let row = rows.next()?.ok_or(Error::NoRow)?;
        read(&row)
    }

    /// Every row.
    pub(crate) fn query(&mut self, params: impl Params) -> Fetched<Rows<'_>> {
        let values = params.values();
        Ok(match self {
            Self::Sqlite(statement) => {
                Rows::Sqlite(statement.query(rusqlite::params_from_iter(values.iter()))?)
            }
            Self::Postgres(lane, statement) => {
                Rows::Postgres(lane.query(statement, &values)?.into_iter(), None)
            }
        })
    }

    /// What `read` makes of every row.
    pub(crate) fn query_map<T>(
        &mut self,
        params: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Fetched<T>,
    ) -> Fetched<Vec<T>> {
        let (mut rows, mut out) = (self.query(params)?, Vec::new());
        while let Some(row) = rows.next()? {
            out.push(read(&row)?);
        }
        Ok(out)
    }

    /// Runs it; how many rows it was about.
    pub(crate) fn execute(&mut self, params: impl Params) -> Fetched<usize> {
        let values = params.values();
        match self {
            Self::Sqlite(statement) => Ok(statement.execute(rusqlite::params_from_iter(values.iter()))?),
            Self::Postgres(lane, statement) => lane.execute(statement, &values),
        }
    }

    /// Runs it, of a transaction that writes. That it failed may be said by a later statement, or by the end of that.
    pub(crate) fn send(&mut self, params: impl Params) -> Fetched<()> {
        let values = params.values();
        match self {
            Self::Sqlite(statement) => {
                statement.execute(rusqlite::params_from_iter(values.iter()))?;
                Ok(())
            }
            Self::Postgres(lane, statement) => lane.send(statement, &values),
        }
    }

    /// Columns of a row.
    pub(crate) fn column_count(&self) -> usize {
        match self {
            Self::Sqlite(statement) => statement.column_count(),
            Self::Postgres(_, statement) => statement.columns().len(),
        }
    }
}

impl Rows<'_> {
    /// The next row.
    pub(crate) fn next(&mut self) -> Fetched<Option<Row<'_>>> {
        Ok(match self {
            Self::Sqlite(rows) => rows.next()?.map(Row::Sqlite),
            Self::Postgres(rows, current) => {
                *current = rows.next();
                current.as_ref().map(Row::Postgres)
            }
        })
    }
}

impl Row<'_> {
    /// A column.
    pub(crate) fn get<T: Column>(&self, at: usize) -> Fetched<T> {
        T::of(self.value(at)?).ok_or(Error::Column)
    }

    /// A column as it is.
    pub(crate) fn value(&self, at: usize) -> Fetched<Value<'_>> {
        match self {
            Self::Sqlite(row) => Value::of_sqlite(row.get_ref(at)?).ok_or(Error::Column),
            Self::Postgres(row) => row.try_get(at).map_err(|_| Error::Column),
        }
    }

    /// The bytes of a column; `None` if it has no bytes.
    pub(crate) fn bytes(&self, at: usize) -> Option<&[u8]> {
        if let Ok(Value::Bytes(bytes)) = self.value(at) { Some(bytes) } else { None }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Self::NoRow,
            error => Self::Sqlite(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Sqlite(error) => error.into(),
            Error::Postgres(failure) => failure,
            Error::NoRow => Self::damaged("a row of the store is gone; `verify` says what is lost"),
            Error::Column => Self::damaged("a row of the store is damaged; `verify` names it"),
        }
    }
}
