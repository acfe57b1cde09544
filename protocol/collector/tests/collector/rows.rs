//! Rows of a collector's database, changed as time or damage would change them. The sums are computed here from the
//! schema's description, not by the program's code.

use std::path::Path;

use protocol::{DeviceId, Digest};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use crate::engine;

/// The database of a data directory.
pub(crate) fn open(data: &Path) -> Connection {
    let sql = Connection::open(data.join("collector.db")).unwrap();
    sql.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    sql
}

/// Runs a statement on the store of a data directory, of either engine; how many rows it was about.
pub(crate) fn execute(data: &Path, statement: &str) -> usize {
    match engine::url(data) {
        None => open(data).execute(statement, []).unwrap(),
        Some(url) => {
            postgres(&url, async |sql| sql.execute(&translated(statement), &[]).await.unwrap() as usize)
        }
    }
}

/// The one number that a statement asks for.
pub(crate) fn number(data: &Path, statement: &str) -> i64 {
    match engine::url(data) {
        None => open(data).query_row(statement, [], |row| row.get(0)).unwrap(),
        Some(url) => postgres(&url, async |sql| sql.query_one(statement, &[]).await.unwrap().get(0)),
    }
}

/// PostgreSQL has another word for bytes.
fn translated(statement: &str) -> String {
    statement.replace("x'", "'\\x")
}

fn postgres<T>(url: &str, work: impl AsyncFnOnce(&tokio_postgres::Client) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        work(&client).await
    })
}

/// A value of a column.
enum Cell {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// Sets columns of the rows of `table` that `condition` is true of, and their sums to what these then are.
pub(crate) fn set(data: &Path, table: &str, columns: &str, condition: &str) {
    let rows = execute(data, &format!("UPDATE {table} SET {columns} WHERE {condition}"));
    assert!(rows > 0, "{table}: {condition}");
    for cells in all(data, table) {
        let (Some(Cell::Bytes(stored)), right) = (cells.last(), sum(table, &cells[..cells.len() - 1])) else {
            panic!("{table} has no sum")
        };
        let stored: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        execute(data, &format!("UPDATE {table} SET sum = x'{right}' WHERE sum = x'{stored}'"));
    }
}

/// Every row of a table.
fn all(data: &Path, table: &str) -> Vec<Vec<Cell>> {
    let statement = format!("SELECT * FROM {table}");
    let Some(url) = engine::url(data) else {
        let sql = open(data);
        let mut statement = sql.prepare(&statement).unwrap();
        let count = statement.column_count();
        assert_eq!(statement.column_name(count - 1).unwrap(), "sum");
        let mut found = statement.query([]).unwrap();
        let mut rows = Vec::new();
        while let Some(row) = found.next().unwrap() {
            rows.push((0..count).map(|at| cell(row.get_ref(at).unwrap())).collect());
        }
        return rows;
    };
    postgres(&url, async |sql| {
        let rows = sql.query(&statement, &[]).await.unwrap();
        rows.iter().map(|row| (0..row.len()).map(|at| cell_of(row, at)).collect()).collect()
    })
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(value) => Cell::Int(value),
        ValueRef::Text(value) => Cell::Text(String::from_utf8(value.to_vec()).unwrap()),
        ValueRef::Blob(value) => Cell::Bytes(value.to_vec()),
        ValueRef::Real(_) => panic!("no table has a real number"),
    }
}

fn cell_of(row: &tokio_postgres::Row, at: usize) -> Cell {
    let found = match row.columns()[at].type_().name() {
        "int8" => row.get::<_, Option<i64>>(at).map(Cell::Int),
        "text" => row.get::<_, Option<String>>(at).map(Cell::Text),
        "bytea" => row.get::<_, Option<Vec<u8>>>(at).map(Cell::Bytes),
        other => panic!("no table has a {other}"),
    };
    found.unwrap_or(Cell::Null)
}

fn sum(table: &str, columns: &[Cell]) -> Digest {
    let mut bytes = Vec::new();
    let mut add = |tag: u8, value: &[u8]| {
        bytes.push(tag);
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        bytes.extend_from_slice(value);
    };
    add(b'T', table.as_bytes());
    for column in columns {
        match column {
            Cell::Null => add(b'n', &[]),
            Cell::Int(value) => add(b'i', &value.to_le_bytes()),
            Cell::Text(value) => add(b't', value.as_bytes()),
            Cell::Bytes(value) => add(b'b', value),
        }
    }
    Digest::of(&bytes)
}

/// The condition that a row is a device's.
pub(crate) fn of(device: DeviceId) -> String {
    format!("device = (SELECT no FROM device WHERE id = x'{device}')")
}

/// A time so many days ago, as the tables have it.
pub(crate) fn days_ago(days: i64) -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    now.as_micros() as i64 - days * 86_400_000_000
}
