//! Rows of a collector's store, of either engine, looked at and changed as time would change them.

use std::path::Path;

use rusqlite::types::{Value, ValueRef};

use crate::{engine, rows};

/// Runs a statement; how many rows it was about.
pub(crate) fn execute(data: &Path, statement: &str) -> usize {
    match engine::url(data) {
        None => rows::open(data).execute(statement, []).unwrap(),
        Some(url) => {
            postgres(&url, async |sql| sql.execute(&translated(statement), &[]).await.unwrap() as usize)
        }
    }
}

/// The one number that a statement asks for.
pub(crate) fn number(data: &Path, statement: &str) -> i64 {
    match engine::url(data) {
        None => rows::open(data).query_row(statement, [], |row| row.get(0)).unwrap(),
        Some(url) => postgres(&url, async |sql| sql.query_one(statement, &[]).await.unwrap().get(0)),
    }
}

/// Sets columns of the rows of `table` that `condition` is true of, and their sums to what these then are.
pub(crate) fn set(data: &Path, table: &str, columns: &str, condition: &str) {
    let Some(url) = engine::url(data) else { return rows::set(data, table, columns, condition) };
    let changed = execute(data, &format!("UPDATE {table} SET {columns} WHERE {condition}"));
    assert!(changed > 0, "{table}: {condition}");
    let all = postgres(&url, async |sql| {
        let found = sql.query(&format!("SELECT * FROM {table}"), &[]).await.unwrap();
        found.iter().map(|row| (0..row.len()).map(|at| value(row, at)).collect()).collect::<Vec<Vec<_>>>()
    });
    for values in all {
        let Some((Value::Blob(stored), columns)) = values.split_last() else { panic!("{table} has no sum") };
        let columns: Vec<_> = columns.iter().map(ValueRef::from).collect();
        let stored: String = stored.iter().map(|byte| format!("{byte:02x}")).collect();
        let right = rows::sum(table, &columns);
        execute(data, &format!("UPDATE {table} SET sum = x'{right}' WHERE sum = x'{stored}'"));
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

fn value(row: &tokio_postgres::Row, at: usize) -> Value {
    let found = match row.columns()[at].type_().name() {
        "int8" => row.get::<_, Option<i64>>(at).map(Value::Integer),
        "text" => row.get::<_, Option<String>>(at).map(Value::Text),
        "bytea" => row.get::<_, Option<Vec<u8>>>(at).map(Value::Blob),
        other => panic!("no table has a {other}"),
    };
    found.unwrap_or(Value::Null)
}
