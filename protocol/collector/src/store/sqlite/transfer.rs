//! `store copy`: everything of one store into an empty one, of either engine, while neither is served. Page by page, each
//! a transaction that also says how far it came, so that a cut costs one page; at the end both are read and compared.

use std::sync::Arc;

use protocol::Digest;
use ring::digest::{Context, SHA256};
use serde::Serialize;
use time::OffsetDateTime;

use super::tx::meta;
use super::tx::{State, state};
use crate::audit::{Deed, Note};
use crate::failure::Failure;
use crate::store::engine::{Connection, Owned, Params, Row, Value};
use crate::store::{Store, micros, whole};

/// Tables, and the column whose numbers make their pages; those without one are small.
const TABLES: [(&str, Option<&str>); 21] = [
    ("token", None),
    ("device", Some("no")),
    ("label", Some("device")),
    ("ledger", Some("device")),
    ("line", Some("device")),
    ("stream", Some("device")),
    ("held", Some("device")),
    ("gap", Some("device")),
    ("envelope", Some("place")),
    ("gone", Some("device")),
    ("version", Some("device")),
    ("request", Some("device")),
    ("invitation", Some("device")),
    ("upload", Some("device")),
    ("bundle", None),
    ("audit", Some("place")),
    ("finding", Some("place")),
    ("answer", Some("device")),
    ("reached", Some("device")),
    ("response", Some("device")),
    ("part", Some("device")),
];
/// Numbers of one page.
const PAGE: i64 = 200;
/// The row of `meta` that says how far a copy came; while it is there the store is not served.
const COPYING: &str = "copying";
/// Rows of `meta` that are of the data and not of the place where it is.
const META: [&str; 5] = ["life", "retained", "verified", "keys", "log"];

/// What a copy came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Compared {
    /// Rows of all tables, on both sides.
    rows: u64,
    /// Over all of them, in whatever order an engine gives them.
    digest: String,
    devices: i64,
    envelopes: u64,
    bundles: i64,
}

/// A row as it is written.
struct Copied(Vec<Owned>);

impl Copied {
    fn read(row: &Row<'_>, columns: usize) -> Result<Self, Failure> {
        let value = |at| Ok(Owned::of(&row.value(at)?));
        (0..columns).map(value).collect::<Result<_, Failure>>().map(Self)
    }
}

impl Params for Copied {
    fn values(&self) -> Vec<Value<'_>> {
        self.0.iter().map(Owned::value).collect()
    }
}

/// Refuses to serve a store that a copy did not finish.
pub(crate) fn refuse_unfinished(store: &Store) -> Result<(), Failure> {
    if store.read(|sql| meta(sql, COPYING))?.is_none() {
        return Ok(());
    }
    Err(Failure::new("a `store copy` into this store was not finished: run it again"))
}

/// Copies a store into another one that is empty, or that an earlier run of this began to fill.
pub(crate) fn copy(from: &Store, to: &Store, now: OffsetDateTime) -> Result<Compared, Failure> {
    let (mut table, mut after) = begun(to)?;
    while let Some((name, by)) = TABLES.get(table) {
        match by {
            Some(by) => {
                let last = from.read(|sql| last(sql, name, by))?;
                while after < last {
                    let until = last.min(after + PAGE);
                    page(from, to, (table, name), Some((by, after, until)))?;
                    after = until;
                }
            }
            None => page(from, to, (table, name), None)?,
        }
        (table, after) = (table + 1, 0);
    }
    let state = from.read(state)?;
    let given = from.read(|sql| Ok(sql.given("envelope")?))?;
    let kept = META.map(|name| from.read(|sql| meta(sql, name)).map(|value| (name, value)));
    let kept = kept.into_iter().collect::<Result<Vec<_>, _>>()?;
    to.write(false, move |tx| {
        for (name, value) in &kept {
            if let Some(value) = value {
                tx.execute("REPLACE INTO meta(name, value) VALUES(?1, ?2)", (*name, value))?;
            }
        }
        tx.set_given(given)?;
        let mut own = tx.state.borrow_mut();
        *own = State { seen: own.seen, ..state.clone() };
        tx.touch();
        Ok(())
    })?;
    bundles(from, to, micros(now))?;
    let (one, other) = (look(from)?, look(to)?);
    if one != other {
        return Err(Failure::damaged(
            "the copy is not what it is a copy of; empty the new place, and run `store copy` again",
        ));
    }
    to.write(false, |tx| {
        tx.execute("DELETE FROM meta WHERE name = ?1", [COPYING])?;
        tx.touch();
        Ok(())
    })?;
    for store in [from, to] {
        store.note(Note::new(Deed::Copy, one.rows), now)?;
    }
    Ok(one)
}

/// Where to go on: the number of a table, and the last number that is there.
fn begun(to: &Store) -> Result<(usize, i64), Failure> {
    let Some(text) = to.read(|sql| meta(sql, COPYING))? else {
        // The name of its key store is all that an empty one has.
        if to.read(state)?.seen.commits <= i64::from(to.sealed_with()?.is_some()) {
            return Ok((0, 0));
        }
        return Err(Failure::new("the place to copy to has a store already: name an empty one"));
    };
    let place =
        text.split_once(' ').and_then(|(table, after)| Some((table.parse().ok()?, after.parse().ok()?)));
    place.ok_or_else(|| Failure::damaged("how far the copy came is damaged: begin again in an empty place"))
}

fn last(sql: &Connection, table: &str, by: &str) -> Result<i64, Failure> {
    let statement = format!("SELECT coalesce(max({by}), 0) FROM {table}");
    Ok(sql.query_row(&statement, (), |row| row.get(0))?)
}

/// Copies the rows of one page, in place of what an earlier run left of it.
fn page(
    from: &Store,
    to: &Store,
    (table, name): (usize, &'static str),
    by: Option<(&'static str, i64, i64)>,
) -> Result<(), Failure> {
    let rows = from.read(|sql| rows(sql, name, by))?;
    let rows = Arc::new(rows);
    to.write(false, move |tx| {
        match by {
            Some((by, after, until)) => {
                let statement = format!("DELETE FROM {name} WHERE {by} > ?1 AND {by} <= ?2");
                tx.execute(&statement, (after, until))?;
            }
            None => drop(tx.execute(&format!("DELETE FROM {name}"), ())?),
        }
        for row in rows.iter() {
            let places: Vec<String> = (1..=row.0.len()).map(|at| format!("?{at}")).collect();
            tx.prepare_cached(&format!("INSERT INTO {name} VALUES({})", places.join(", ")))?.send(row)?;
        }
        let (table, until) = by.map_or((table + 1, 0), |(_, _, until)| (table, until));
        tx.execute("REPLACE INTO meta(name, value) VALUES(?1, ?2)", (COPYING, format!("{table} {until}")))?;
        tx.touch();
        Ok(())
    })
}

fn rows(sql: &Connection, table: &str, by: Option<(&'static str, i64, i64)>) -> Result<Vec<Copied>, Failure> {
    let (by, after, until) = by.unwrap_or(("1", 0, 1));
    let statement = format!("SELECT * FROM {table} WHERE {by} > ?1 AND {by} <= ?2");
    let mut statement = sql.prepare_cached(&statement)?;
    let columns = statement.column_count();
    let (mut found, mut out) = (statement.query((after, until))?, Vec::new());
    while let Some(row) = found.next()? {
        out.push(Copied::read(&row, columns)?);
    }
    Ok(out)
}

/// The files of bundles. One that is not what was received stays behind, and costs nothing but itself.
fn bundles(from: &Store, to: &Store, now: i64) -> Result<(), Failure> {
    let mut held = Vec::new();
    from.bundles(|bundle| {
        // A damaged one is damaged there too, and `verify` names it on both sides.
        if let Ok((sha256, filed, _)) = bundle {
            held.push((sha256, filed.size));
        }
        Ok(())
    })?;
    for (sha256, size) in held {
        if whole::is_whole((&to.folder, &to.keys), sha256, size)? {
            continue;
        }
        if !whole::is_whole((&from.folder, &from.keys), sha256, size)? {
            log::warn!("bundle {sha256} is gone or damaged and its file is not in the copy; run `verify`");
            continue;
        }
        whole::copy(&from.folder, (&to.folder, &to.keys), (sha256, size), now)?;
    }
    Ok(())
}

/// Counts and digest of everything.
fn look(store: &Store) -> Result<Compared, Failure> {
    let (mut count, mut envelopes, mut sum) = (0, 0, [0_u64; 4]);
    for (table, by) in TABLES {
        let last = match by {
            Some(by) => store.read(|sql| last(sql, table, by))?,
            None => 1,
        };
        let mut after = 0;
        while after < last {
            let until = last.min(after + PAGE);
            let page = by.map(|by| (by, after, until));
            for row in store.read(|sql| rows(sql, table, page))? {
                count += 1;
                envelopes += u64::from(table == "envelope");
                add(&mut sum, row.digest(table));
            }
            after = until;
        }
    }
    let state = store.read(state)?;
    add(&mut sum, state.audit_chain);
    let digest = sum.map(|part| format!("{part:016x}")).concat();
    Ok(Compared { rows: count, digest, devices: state.devices, envelopes, bundles: state.bundles })
}

/// Adds a row's digest to a sum that is the same in whatever order the rows come.
fn add(sum: &mut [u64; 4], digest: Digest) {
    let bytes = digest.to_bytes();
    for (part, eight) in sum.iter_mut().zip(bytes.chunks_exact(8)) {
        *part = eight.try_into().map_or(*part, |eight| part.wrapping_add(u64::from_le_bytes(eight)));
    }
}

impl Copied {
    fn digest(&self, table: &str) -> Digest {
        let mut context = Context::new(&SHA256);
        let mut add = |tag: u8, bytes: &[u8]| {
            context.update(&[tag]);
            context.update(&(bytes.len() as u64).to_le_bytes());
            context.update(bytes);
        };
        add(b'T', table.as_bytes());
        for value in self.values() {
            match value {
                Value::Null => add(b'n', &[]),
                Value::Int(value) => add(b'i', &value.to_le_bytes()),
                Value::Text(value) => add(b't', value.as_bytes()),
                Value::Bytes(value) => add(b'b', value),
            }
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        Digest::from_bytes(digest)
    }
}
