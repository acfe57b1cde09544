//! Erasing envelopes: their numbers stay reserved, and their links stay in the chain.

use std::collections::BTreeMap;

use crate::store::engine::{self, Connection, OptionalRow};
use protocol::{Digest, Epoch, Purpose};

use super::batches::read_ranges;
use super::device::{self, Device};
use super::rows::Word;
use super::streams::{self, Name, Stream};
use super::tx::Tx;
use super::versions;
use crate::failure::{Cause, Failure};

/// Envelopes that one transaction takes out: so many that the log stays small.
pub(crate) const STEP: usize = 500;

/// What was taken out, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Records.
    pub(crate) records: u64,
    /// When the oldest of them came.
    pub(crate) oldest: Option<i64>,
    /// Some of them were not sealed, or are sealed under a key that is still needed: backups have them readable.
    pub(crate) is_readable: bool,
}

impl Taken {
    /// Adds what another step took.
    pub(crate) fn add(&mut self, other: Self) {
        self.records += other.records;
        self.is_readable |= other.is_readable;
        self.oldest = match (self.oldest, other.oldest) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
}

/// The columns of an envelope that taking it out needs.
struct Row {
    place: i64,
    name: Name,
    n: i64,
    link: Digest,
    taken: Taken,
    bytes: i64,
}

/// The places of the next envelopes of a device for a purpose that came until then, microseconds.
pub(crate) fn next_of(
    sql: &Connection,
    device: i64,
    purpose: Purpose,
    class: Option<i64>,
    until: i64,
) -> Result<Vec<i64>, Failure> {
    let statement = "SELECT place FROM envelope WHERE device = ?1 AND purpose = ?2 AND received <= ?4 \
                     AND (CAST(?5 AS BIGINT) IS NULL OR class = ?5) ORDER BY epoch, lo LIMIT ?3";
    let mut statement = sql.prepare_cached(statement)?;
    Ok(statement.query_map((device, purpose.place(), STEP as i64, until, class), |row| row.get(0))?)
}

/// Takes the envelopes of these places out. Those that are gone already are not counted.
pub(crate) fn take_out(tx: &Tx<'_>, places: &[i64]) -> Result<Taken, Failure> {
    let mut rows = Vec::with_capacity(places.len());
    for &place in places {
        match read(tx, place) {
            Ok(row) => rows.extend(row),
            // What is too damaged to say whose it is goes all the same.
            Err(failure) if failure.cause() == Cause::Damaged => {
                tx.remove("DELETE FROM envelope WHERE place = ?1", [place])?;
                versions::erase(tx, place)?;
            }
            Err(failure) => return Err(failure),
        }
    }
    rows.sort_by_key(|row| (row.name, row.n));
    let (mut taken, mut bytes) = (Taken::default(), BTreeMap::<i64, i64>::new());
    let mut current: Option<(Name, Option<Stream>)> = None;
    for row in rows {
        if current.as_ref().is_none_or(|(name, _)| *name != row.name) {
            end(tx, current.take())?;
            // Of a damaged stream the envelopes go too; its row stays, and `verify` names it.
            current = Some((row.name, streams::find(tx, row.name).unwrap_or(None)));
        }
        tx.remove("DELETE FROM envelope WHERE place = ?1", [row.place])?;
        versions::erase(tx, row.place)?;
        let key = (
            row.name.device,
            row.name.purpose.place(),
            row.name.epoch.to_bytes(),
            row.n,
            row.link.to_bytes(),
        );
        match &mut current {
            Some((_, Some(stream))) if row.n == stream.base_n + 1 => {
                (stream.base_n, stream.base_chain) = (row.n, row.link);
            }
            _ => tx.put("REPLACE INTO gone VALUES(?1, ?2, ?3, ?4, ?5)", key, row.link)?,
        }
        taken.add(row.taken);
        *bytes.entry(row.name.device).or_default() += row.bytes;
    }
    end(tx, current)?;
    for (no, bytes) in bytes {
        // A damaged device is not counted down; what it sent goes all the same.
        if let Ok(Some(mut device)) = by_number(tx, no) {
            device.used.bytes = (device.used.bytes - bytes).max(0);
            device::save(tx, &mut device)?;
        }
    }
    tx.truncate_after();
    Ok(taken)
}

fn by_number(sql: &Connection, no: i64) -> Result<Option<Device>, Failure> {
    device::find(sql, device::id_of(sql, no)?)
}

/// Moves the base of a stream over what was taken out behind it before, and writes its row.
fn end(tx: &Tx<'_>, stream: Option<(Name, Option<Stream>)>) -> Result<(), Failure> {
    let Some((name, Some(mut stream))) = stream else { return Ok(()) };
    let (device, purpose, epoch) = (name.device, name.purpose.place(), name.epoch.to_bytes());
    loop {
        let statement = "SELECT chain FROM gone WHERE device = ?1 AND purpose = ?2 AND epoch = ?3 AND n = ?4";
        let key = (device, purpose, epoch, stream.base_n + 1);
        let next = tx.prepare_cached(statement)?.query_row(key, |row| row.get(0)).optional()?;
        let Some(link) = next else { break };
        stream.base_n += 1;
        stream.base_chain = Digest::from_bytes(link);
        let statement = "DELETE FROM gone WHERE device = ?1 AND purpose = ?2 AND epoch = ?3 AND n = ?4";
        tx.remove(statement, (device, purpose, epoch, stream.base_n))?;
    }
    streams::save(tx, name, &stream)
}

fn read(sql: &Connection, place: i64) -> Result<Option<Row>, Failure> {
    let statement = "SELECT device, purpose, epoch, n, chain, received, fresh, length(body), seal FROM envelope \
                     WHERE place = ?1";
    let read = |row: &engine::Row<'_>| {
        let (device, purpose, epoch): (i64, i64, [u8; 16]) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (received, fresh): (i64, String) = (row.get(5)?, row.get(6)?);
        let (bytes, seal): (i64, Option<i64>) = (row.get(7)?, row.get(8)?);
        Ok((device, purpose, epoch, row.get(3)?, row.get(4)?, received, fresh, (bytes, seal)))
    };
    let found = sql.prepare_cached(statement)?.query_row([place], read).optional()?;
    let Some((device, purpose, epoch, n, link, received, fresh, (bytes, seal))) = found else {
        return Ok(None);
    };
    let name = Name { device, purpose: Purpose::at(purpose)?, epoch: Epoch::from_bytes(epoch) };
    let taken = Taken { records: count(&fresh), oldest: Some(received), is_readable: seal.is_none() };
    Ok(Some(Row { place, name, n, link: Digest::from_bytes(link), taken, bytes }))
}

/// Records that an envelope was the first to bring.
pub(crate) fn count(fresh: &str) -> u64 {
    let ranges = read_ranges(fresh).unwrap_or_default();
    ranges.iter().fold(0, |sum: u64, (lo, hi)| sum.saturating_add((hi - lo).saturating_add(1)))
}

/// An envelope that may be kept long enough.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aged {
    pub(crate) place: i64,
    /// Number of the device.
    pub(crate) device: i64,
    pub(crate) purpose: Purpose,
    pub(crate) received: i64,
    pub(crate) records: u64,
}

/// The numbers of the retention classes that envelopes have: one look at the index for each.
pub(crate) fn classes(sql: &Connection) -> Result<Vec<i64>, Failure> {
    let mut statement = sql.prepare_cached("SELECT min(class) FROM envelope WHERE class > ?1")?;
    let (mut out, mut last) = (Vec::new(), -1);
    while let Some(next) = statement.query_row([last], |row| row.get::<Option<i64>>(0))? {
        out.push(next);
        last = next;
    }
    Ok(out)
}

/// Hands `each` the envelopes of this class that came then or before.
pub(crate) fn older(
    sql: &Connection,
    class: i64,
    received: i64,
    mut each: impl FnMut(Aged) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let statement = "SELECT place, device, purpose, received, fresh FROM envelope WHERE class = ?1 AND received <= ?2 \
                     ORDER BY received";
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query((class, received))?;
    while let Some(row) = found.next()? {
        let (purpose, fresh): (i64, String) = (row.get(2)?, row.get(4)?);
        let (place, device, received) = (row.get(0)?, row.get(1)?, row.get(3)?);
        each(Aged { place, device, purpose: Purpose::at(purpose)?, received, records: count(&fresh) })?;
    }
    Ok(())
}
