//! Rows of a collector's database, changed as time or damage would change them. The sums are computed here from the
//! schema's description, not by the program's code.

use std::path::Path;

use protocol::{DeviceId, Digest};
use rusqlite::Connection;
use rusqlite::types::ValueRef;

/// The database of a data directory.
pub(crate) fn open(data: &Path) -> Connection {
    let sql = Connection::open(data.join("collector.db")).unwrap();
    sql.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    sql
}

/// Sets columns of the rows of `table` that `condition` is true of, and their sums to what these then are.
pub(crate) fn set(data: &Path, table: &str, columns: &str, condition: &str) {
    let sql = open(data);
    let rows = sql.execute(&format!("UPDATE {table} SET {columns} WHERE {condition}"), []).unwrap();
    assert!(rows > 0, "{table}: {condition}");
    let mut statement = sql.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let count = statement.column_count();
    assert_eq!(statement.column_name(count - 1).unwrap(), "sum");
    let mut found = statement.query([]).unwrap();
    let mut sums = Vec::new();
    while let Some(row) = found.next().unwrap() {
        let columns: Vec<_> = (0..count).map(|at| row.get_ref(at).unwrap()).collect();
        let stored = columns[count - 1].as_blob().unwrap().to_vec();
        sums.push((stored, sum(table, &columns[..count - 1]).to_bytes()));
    }
    for (stored, right) in sums {
        sql.execute(&format!("UPDATE {table} SET sum = ?2 WHERE sum = ?1"), (stored, right)).unwrap();
    }
}

/// The sum of a row: of its table and its columns.
pub(crate) fn sum(table: &str, columns: &[ValueRef<'_>]) -> Digest {
    let mut bytes = Vec::new();
    let mut add = |tag: u8, value: &[u8]| {
        bytes.push(tag);
        bytes.extend_from_slice(&(value.len() as u64).to_le_bytes());
        bytes.extend_from_slice(value);
    };
    add(b'T', table.as_bytes());
    for column in columns {
        match column {
            ValueRef::Null => add(b'n', &[]),
            ValueRef::Integer(value) => add(b'i', &value.to_le_bytes()),
            ValueRef::Text(value) => add(b't', value),
            ValueRef::Blob(value) => add(b'b', value),
            ValueRef::Real(_) => panic!("no table has a real number"),
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
