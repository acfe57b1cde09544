//! What the cheap look at pages and indexes finds, beside SQLite's `quick_check` and `integrity_check`. `DAMAGES` says how
//! many pages and bits are damaged, `SEED` repeats a run.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use time::OffsetDateTime;

use super::super::verify_streams;
use super::*;
use crate::store::keystore::places::Settings;
use crate::store::place::Place;
use crate::store::testing::{Random, copy, granted, put};

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
const PAGE: usize = 4096;

/// The data directory of a store that was ended: six devices, forty batches each.
fn stored() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).unwrap();
    let devices: Vec<_> = (0..6).map(|number| granted(&store, number, NOW)).collect();
    for index in 0..40 {
        for device in &devices {
            put(&store, *device, index, NOW);
        }
    }
    drop(store);
    Connection::open(dir.path().join("collector.db"))
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    dir
}

fn open(data: &Path) -> Result<Store, Failure> {
    Store::open(data, &Place::Embedded, &Settings::default())
}

/// Who complains of a damaged copy.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    /// SQLite's quick check.
    quick: bool,
    /// SQLite's whole check.
    whole: bool,
    /// The look at pages and indexes.
    pages: bool,
    /// The chains of the streams.
    chains: bool,
}

/// `None` if the store does not even open.
fn after(stored: &Path, damage: impl FnOnce(&Path)) -> Option<Said> {
    let dir = tempfile::tempdir().unwrap();
    copy(stored, dir.path());
    damage(&dir.path().join("collector.db"));
    let store = open(dir.path()).ok()?;
    let mut said = Said::default();
    let seen = verify_streams::all(&store, &mut |_| {
        said.chains = true;
        Ok(())
    });
    // What cannot be read at all is damage that everybody sees.
    let Ok(seen) = seen else { return Some(Said { quick: true, whole: true, pages: true, chains: true }) };
    said.pages = !store.pages_are_whole(&seen).unwrap_or(false);
    said.whole = !store.check().is_ok_and(|damages| damages.is_empty());
    let quick = store.read(|sql| Ok(says_ok(sql.sqlite()?, "PRAGMA quick_check")?));
    said.quick = !quick.unwrap_or(false);
    Some(said)
}

/// Changes rows of `envelope` while one of its indexes is hidden from SQLite, which so forgets to change it.
fn behind(path: &Path, index: &str, before: &str, hidden: &str) {
    let sql = || {
        let sql = Connection::open(path).unwrap();
        sql.execute_batch("PRAGMA writable_schema = ON").unwrap();
        sql
    };
    sql().execute_batch(before).unwrap();
    let one = sql();
    let schema = "SELECT tbl_name, rootpage, sql FROM sqlite_schema WHERE name = ?1";
    let (table, page, text): (String, i64, String) =
        one.query_row(schema, [index], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    one.execute("DELETE FROM sqlite_schema WHERE name = ?1", [index]).unwrap();
    drop(one);
    let one = sql();
    one.execute_batch(hidden).unwrap();
    one.execute("INSERT INTO sqlite_schema VALUES('index', ?1, ?2, ?3, ?4)", (index, table, page, text))
        .unwrap();
    drop(one);
    sql().query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

#[test]
fn an_index_that_lacks_repeats_or_moves_a_row_is_seen_as_sqlite_sees_it() {
    let stored = stored();
    let whole = after(stored.path(), |_| {}).unwrap();
    assert_eq!(whole, Said::default(), "a whole store is whole");
    let (away, back) = (
        "CREATE TABLE away AS SELECT * FROM envelope WHERE place = 77; DELETE FROM envelope WHERE place = 77",
        "INSERT INTO envelope SELECT * FROM away; DROP TABLE away",
    );
    let more = "INSERT INTO envelope SELECT -1, device, purpose, epoch, n, lo, hi, fresh, received, consent, class, \
                digest, content, seal, chain, body FROM envelope WHERE place = 77";
    let cases = [
        // Of what each statement says, quick_check only sees that the numbers of rows differ.
        (true, "lacks a row", away, back),
        (true, "has one that is gone", more, "DELETE FROM envelope WHERE place = -1"),
        (
            false,
            "has another number and class",
            "UPDATE envelope SET lo = lo + 1, class = class + 1 WHERE place = 77",
            "UPDATE envelope SET lo = lo - 1, class = class - 1 WHERE place = 77",
        ),
        (
            false,
            "has another place",
            "UPDATE envelope SET place = -1 WHERE place = 77",
            "UPDATE envelope SET place = 77 WHERE place = -1",
        ),
    ];
    for index in ["envelope_stream", "envelope_age"] {
        for (quick, what, before, hidden) in cases {
            let said = after(stored.path(), |path| behind(path, index, before, hidden)).unwrap();
            let expected = Said { quick, whole: true, pages: true, chains: false };
            assert_eq!(said, expected, "{index} {what}: the chains see nothing");
        }
    }
}

#[test]
fn an_index_out_of_order_is_seen_wherever_sqlite_sees_it() {
    let stored = stored();
    let bytes = fs::read(stored.path().join("collector.db")).unwrap();
    let mut seen = 0;
    for (number, page) in bytes.chunks(PAGE).enumerate() {
        // A leaf of an index with two cells or more; their places begin eight bytes behind.
        if page[0] != 0x0a || u16::from_be_bytes([page[3], page[4]]) < 2 {
            continue;
        }
        let said = after(stored.path(), |path| {
            let mut bytes = bytes.clone();
            bytes[number * PAGE + 8..][..4].rotate_left(2);
            fs::write(path, bytes).unwrap();
        });
        let Some(said) = said else { continue };
        assert!(said.pages || !said.whole, "page {}: {said:?}", number + 1);
        seen += u32::from(said.pages);
    }
    assert!(seen > 6, "{seen} pages of indexes were turned round");
}

#[test]
fn flipped_bits_and_zeroed_pages_are_seen_wherever_sqlite_sees_them() {
    let stored = stored();
    let whole = fs::read(stored.path().join("collector.db")).unwrap();
    let mut random = Random::seeded();
    let rounds = std::env::var("DAMAGES").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(60);
    let (mut quick, mut check, mut pages, mut chains, mut closed) = (0, 0, 0, 0, 0);
    for round in 0..rounds {
        let mut bytes = whole.clone();
        let at = 100 + random.below(bytes.len() as u64 - 100) as usize;
        if round % 3 == 0 {
            bytes[at / PAGE * PAGE..][..PAGE].fill(0);
        } else {
            bytes[at] ^= 1 << random.below(8);
        }
        let Some(said) = after(stored.path(), |path| fs::write(path, bytes).unwrap()) else {
            closed += 1;
            continue;
        };
        assert!(said.pages || !said.whole, "byte {at}, round {round}: {said:?}");
        quick += u32::from(said.quick);
        check += u32::from(said.whole);
        pages += u32::from(said.pages);
        chains += u32::from(said.chains);
    }
    println!(
        "{rounds} damages: {closed} not opened; of the others quick_check {quick}, integrity_check {check}, pages and \
         indexes {pages}, chains {chains}"
    );
    assert!(check > 0, "the damages hit something");
}
