//! Verification that all acknowledged data is present and unchanged: what is lost, of which device, since when.

use crate::store::engine::{Connection, OptionalRow, Row};
use protocol::Digest;
use time::OffsetDateTime;

use super::device::{self, Device};
use super::finding::{Finding, Tell};
use super::rows::{self, micros};
use super::tx::{self, meta};
use super::verify_rows as by_row;
use super::verify_streams::{self as by_stream, Seals};
use super::witness;
use super::{Agreement, agreement, audit, bundles, id};
use crate::failure::Failure;
use crate::heads;
use crate::store::keystore::Found;
use crate::store::{Store, files, whole};

impl Store {
    /// Looks at everything and tells what is not as it was acknowledged; how many findings. Others go on meanwhile.
    pub(crate) fn verify(
        &self,
        now: OffsetDateTime,
        mut tell: impl FnMut(Finding) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let since =
            self.read(|sql| meta(sql, "verified"))?.and_then(|text| text.parse().ok()).map(rows::text);
        let mut count = 0;
        let mut tell = |finding: Finding| {
            count += 1;
            tell(Finding { since: since.clone(), ..finding })
        };
        // The witness first: the database is never behind it but by a loss.
        let said = witness::read(self.data());
        self.read(|sql| whole_store(sql, said, &mut tell))?;
        let last = self.read(device::last)?;
        for no in 1..=last {
            self.read(|sql| one_device(sql, no, &mut tell))?;
        }
        let seen = by_stream::all(self, &mut tell)?;
        seals(self, &seen.seals, &mut tell)?;
        // An index that misses a row would let an erasure miss it.
        if !self.pages_are_whole(&seen)? {
            for damage in self.check()? {
                tell(Finding::new(format!("the database: {damage}")))?;
            }
        }
        self.verify_bundles(&mut tell)?;
        for what in heads::check(self)? {
            tell(Finding::new(what))?;
        }
        if count == 0 {
            let now = micros(now).to_string();
            self.write(false, move |tx| {
                tx.prepare_cached("REPLACE INTO meta(name, value) VALUES('verified', ?1)")?
                    .execute([&now])?;
                Ok(())
            })?;
        }
        Ok(count)
    }

    /// When everything was last known to be whole.
    pub(crate) fn verified(&self) -> Result<Option<i64>, Failure> {
        Ok(self.read(|sql| meta(sql, "verified"))?.and_then(|text| text.parse().ok()))
    }

    fn verify_bundles(&self, tell: Tell<'_>) -> Result<(), Failure> {
        let mut rows = Vec::new();
        self.read(|sql| {
            bundles::all(sql, |bundle| {
                match bundle {
                    Ok(bundle) => {
                        rows.push((bundle.device.and_then(|no| device::id_of(sql, no).ok()), bundle))
                    }
                    Err(failure) => tell(Finding::new(failure.to_string()))?,
                }
                Ok(())
            })
        })?;
        for (device, bundle) in &rows {
            let sha256 = bundle.sha256;
            let what = match whole::flaw((&self.folder, &self.keys), sha256, bundle.size) {
                Ok(None) => continue,
                Ok(Some(what)) => what,
                Err(failure) => format!("bundle {sha256} cannot be read: {failure}"),
            };
            // Erased meanwhile: no finding.
            if self.read(|sql| bundles::find(sql, sha256)).is_ok_and(|found| found.is_none()) {
                continue;
            }
            tell(Finding { device: *device, ..Finding::new(what) })?;
        }
        for name in files::names(&self.folder)?.1 {
            let Some(sha256) = files::bundle_of(&name) else { continue };
            if rows.iter().any(|(_, row)| row.sha256 == sha256) {
                continue;
            }
            // One that comes whole at this moment has no row yet, but was announced or is being imported.
            let is_known = self.read(|sql| {
                let announced = "SELECT 1 FROM upload WHERE sha256 = ?1";
                let announced =
                    sql.query_row(announced, [sha256.to_bytes()], |_| Ok(())).optional()?.is_some();
                Ok(announced || bundles::find(sql, sha256)?.is_some())
            })?;
            if !is_known {
                tell(Finding::new(format!("bundle {sha256} has a file, and what is known of it is gone")))?;
            }
        }
        Ok(())
    }
}

/// What is of no device: the end of the store, its counts, its audit, and what was found before.
fn whole_store(
    sql: &Connection,
    said: Result<Option<witness::Said>, Failure>,
    tell: Tell<'_>,
) -> Result<(), Failure> {
    let state = tx::state(sql)?;
    match said.and_then(|said| agreement(&id(sql)?, state.seen, said.as_ref())) {
        Ok(Agreement::Whole) => {}
        Ok(Agreement::NoWitness) if state.seen.commits == 0 => {}
        // Its replicas are the witness of a store in PostgreSQL.
        _ if sql.is_postgres() => {}
        Ok(Agreement::NoWitness) => tell(Finding::new("the witness file is gone or damaged"))?,
        Ok(Agreement::Behind { commits }) => {
            tell(Finding::new(format!(
                "{commits} commits that were acknowledged are gone from the end of the store"
            )))?;
        }
        Ok(Agreement::Other) => {
            tell(Finding::new("the store is another copy than the one that was served last"))?
        }
        Err(failure) => tell(Finding::new(failure.to_string()))?,
    }
    let mut statement = sql.prepare_cached("SELECT found, what FROM finding ORDER BY place")?;
    let found: Vec<(i64, String)> = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (at, what) in found {
        tell(Finding::new(format!("{what} (found {})", rows::text(at))))?;
    }
    let bundles = sql.query_row("SELECT count(*) FROM bundle", (), |row| row.get::<i64>(0));
    match bundles {
        Ok(bundles) if bundles == state.bundles => {}
        Ok(bundles) => {
            let all = state.bundles;
            tell(Finding::new(format!("{all} bundles were filed, and {bundles} are known")))?;
        }
        Err(error) => tell(Finding::new(Failure::from(error).to_string()))?,
    }
    audit::all(sql, |line| line.map_or_else(|failure| tell(Finding::new(failure.to_string())), |_| Ok(())))
}

/// The rows of one device but its envelopes.
fn one_device(sql: &Connection, no: i64, tell: Tell<'_>) -> Result<(), Failure> {
    let device = match device::numbered(sql, no) {
        Ok(device) => device,
        Err(failure) => {
            // Its other rows may be whole; whose they are, only its id would say.
            let id = device::id_of(sql, no).ok();
            return tell(Finding { device: id, ..Finding::new(failure.to_string()) });
        }
    };
    if device::find(sql, device.id).ok().flatten().map(|found| found.no) != Some(no) {
        tell(Finding::of(device.id, "the index does not find the device; `store check` and restore"))?;
    }
    by_row::tables(sql, &device, tell)?;
    ledger(sql, &device, tell)
}

/// Whether the ledger's lines are those of which the hashes are known.
fn ledger(sql: &Connection, device: &Device, tell: Tell<'_>) -> Result<(), Failure> {
    let statement =
        "SELECT hash, text FROM ledger LEFT JOIN line USING(device, n) WHERE ledger.device = ?1 AND n = ?2";
    let mut statement = sql.prepare_cached(statement)?;
    for n in 0..device.lines {
        let read = |row: &Row<'_>| Ok((row.get::<[u8; 32]>(0)?, row.get::<Option<String>>(1)?));
        let is_whole = statement.query_row((device.no, n), read).is_ok_and(|(hash, text)| {
            text.is_some_and(|text| Digest::of(text.as_bytes()).to_bytes() == hash)
        });
        if !is_whole {
            tell(Finding::of(device.id, format!("ledger entry {n} is gone or was changed")))?;
        }
    }
    Ok(())
}

/// What is sealed under a key that is not there.
fn seals(store: &Store, seals: &Seals, tell: Tell<'_>) -> Result<(), Failure> {
    for (&(device, key), count) in seals {
        // A device whose row is damaged was reported already.
        let Ok(id) = store.read(|sql| device::id_of(sql, device)) else { continue };
        let why = match store.keys.find(id, key) {
            Ok(Found::Key(_) | Found::Destroyed) => continue,
            Ok(Found::Missing) => store.keys.key_is_missing(),
            Err(failure) => failure,
        };
        tell(Finding::of(id, format!("{count} batches cannot be opened: {why}")))?;
    }
    Ok(())
}
