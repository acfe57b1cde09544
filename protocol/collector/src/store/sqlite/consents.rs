//! Ledger entries, stored exactly as received.

use crate::store::engine::{Connection, OptionalRow, Row};
use protocol::ledger::{self, Entry};
use protocol::period::Kept as KeptFor;
use protocol::{CaseId, DeviceId, Digest, Purpose};

use super::device::{self, Device};
use super::rows::{self, Word, micros};
use super::terms;
use super::tx::Tx;
use crate::failure::Failure;
use crate::store::Store;
use crate::store::folder::Folder;
use crate::store::replay::{self, Entry as Again};
use crate::store::rules::consent::{self, Line, Refused};
use crate::store::rules::decide::Standing;
use crate::store::rules::limits::Reached;
use crate::store::rules::retention;
use crate::store::rules::sums::{Column, sum};
use crate::store::rules::terms::Comes;
use protocol::bundle::Announcement;
use protocol::ledger::EventKind;
use time::OffsetDateTime;

/// What became of an entry that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is on the disk; `expected` was to come next: one behind the newest that was known.
    Now { expected: u64 },
    /// It was there before; `expected` was to come next before it: one behind the newest that is known below it.
    Before { expected: u64 },
    /// The device has sent more than is kept.
    Full(Reached),
    /// The device may not come.
    NotServed(Standing),
}

/// An entry as the table has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) n: i64,
    pub(crate) line: Line,
    pub(crate) class: KeptFor,
    pub(crate) received: i64,
}

impl Store {
    /// Keeps a ledger entry of an enrolled device, whose line was checked.
    pub(crate) fn put_consent(
        &self,
        device: DeviceId,
        line: &str,
        entry: &Entry,
        now: OffsetDateTime,
    ) -> Result<Kept, Failure> {
        let (text, now) = (line.to_owned(), micros(now));
        let line = Line::new(ledger::line_hash(line), entry);
        let class = kept_of(entry)?;
        // What closes a consent is done on a full disk too, and never comes back with a lost log.
        let ends = !matches!(line.kind, EventKind::Granted | EventKind::Released);
        self.write(ends, move |tx| {
            let Some(mut device) = device::find(tx, device)? else {
                return Ok(Kept::NotServed(Standing::Unknown));
            };
            if device.standing != Standing::Active {
                return Ok(Kept::NotServed(device.standing));
            }
            let known = load(tx, &device)?;
            if known.iter().any(|known| known.line.hash == line.hash) {
                let below = known.iter().map(|known| known.line.index).filter(|index| *index < line.index);
                let expected = below.max().map_or(0, |below| below.saturating_add(1));
                return Ok(Kept::Before { expected });
            }
            let used = device.used.on(rows::day(now));
            if let Err(reached) = used.allows_request().and_then(|()| used.allows_line(device.lines)) {
                return Ok(Kept::Full(reached));
            }
            device.used = used;
            let newest = known.iter().map(|known| known.line.index).max();
            let expected = newest.map_or(0, |newest| newest.saturating_add(1));
            add(tx, &mut device, &line, class, &text, now)?;
            device::save(tx, &mut device)?;
            tx.at(now);
            if ends {
                tx.truncate_after();
            }
            Ok(Kept::Now { expected })
        })
    }

    /// Keeps a ledger entry that a restored store lost, whatever the vendor thinks of the device.
    pub(crate) fn put_consent_again(
        &self,
        device: DeviceId,
        line: &str,
        entry: &Entry,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let (text, now) = (line.to_owned(), micros(now));
        let (line, class) = (Line::new(ledger::line_hash(line), entry), kept_of(entry)?);
        self.write(true, move |tx| {
            let mut device = device::enrolled(tx, device)?;
            if load(tx, &device)?.iter().any(|known| known.line.hash == line.hash) {
                return Ok(());
            }
            add(tx, &mut device, &line, class, &text, now)?;
            device::save(tx, &mut device)?;
            tx.at(now);
            tx.truncate_after();
            Ok(())
        })
    }

    /// Whether a bundle of this device may rest on its announced consents, at this moment.
    pub(crate) fn allows_bundle(
        &self,
        device: DeviceId,
        announced: &Announcement,
        now: OffsetDateTime,
    ) -> Result<Result<(), Refused>, Failure> {
        let now = micros(now);
        self.read(|sql| {
            let device = device::enrolled(sql, device)?;
            allows_bundle(sql, &self.folder, &device, announced, now)
        })
    }

    /// What the rules need of every ledger entry that the device sent.
    pub(crate) fn ledger(&self, device: DeviceId) -> Result<Vec<Line>, Failure> {
        self.read(|sql| device::find(sql, device)?.map_or(Ok(Vec::new()), |device| lines(sql, &device)))
    }

    /// Every ledger entry that the device sent, as it came.
    pub(crate) fn entries(&self, device: DeviceId) -> Result<Vec<(String, Entry)>, Failure> {
        self.read(|sql| {
            let Some(device) = device::find(sql, device)? else { return Ok(Vec::new()) };
            let mut statement =
                sql.prepare_cached("SELECT n, text FROM line WHERE device = ?1 ORDER BY n")?;
            let mut found = statement.query([device.no])?;
            let mut out = Vec::new();
            while let Some(row) = found.next()? {
                let (n, line): (i64, String) = (row.get(0)?, row.get(1)?);
                let entry = ledger::read_line(&line, &device.key).map_err(|_| damaged(&device, n))?;
                out.push((line, entry));
            }
            Ok(out)
        })
    }
}

/// Whether a bundle of this device may rest on its announced consents at `now`.
pub(crate) fn allows_bundle(
    sql: &Connection,
    folder: &Folder,
    device: &Device,
    announced: &Announcement,
    now: i64,
) -> Result<Result<(), Refused>, Failure> {
    let lines = lines(sql, device)?;
    if let Err(refused) = consent::allows_case(&lines, &announced.consents, &announced.case) {
        return Ok(Err(refused));
    }
    let comes = Comes::Bundle(announced.manifest_sha256);
    for &consent in &announced.consents {
        let covers = terms::cover(sql, folder, device, &lines, consent, comes, now)?;
        if covers.is_err() {
            return Ok(covers);
        }
    }
    Ok(Ok(()))
}

/// What the rules need of all entries of a device. An entry that is damaged or gone is an error: without it a
/// consent could seem to stand that was ended.
pub(crate) fn lines(sql: &Connection, device: &Device) -> Result<Vec<Line>, Failure> {
    Ok(load(sql, device)?.into_iter().map(|stored| stored.line).collect())
}

/// All entries of a device, in the order they came.
pub(crate) fn load(sql: &Connection, device: &Device) -> Result<Vec<Stored>, Failure> {
    let statement = "SELECT n, hash, idx, purpose, kase, kind, class, ended, received, sum FROM ledger \
                     WHERE device = ?1 ORDER BY n";
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query([device.no])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let n = out.len() as i64;
        let stored = read(&row, device.no).map_err(|_| damaged(device, n))?;
        if stored.n != n {
            return Err(damaged(device, n));
        }
        out.push(stored);
    }
    if out.len() as i64 == device.lines { Ok(out) } else { Err(damaged(device, out.len() as i64)) }
}

/// The entry of a device that came at this place.
pub(crate) fn nth(sql: &Connection, device: &Device, n: usize) -> Result<Stored, Failure> {
    let statement = "SELECT n, hash, idx, purpose, kase, kind, class, ended, received, sum FROM ledger \
                     WHERE device = ?1 AND n = ?2";
    let mut statement = sql.prepare_cached(statement)?;
    let found = statement.query_row((device.no, n as i64), |row| Ok(read(row, device.no))).optional()?;
    found.and_then(Result::ok).ok_or_else(|| damaged(device, n as i64))
}

fn read(row: &Row<'_>, device: i64) -> Result<Stored, Failure> {
    let case: Option<String> = row.get(4)?;
    let case = case.map(|case| case.parse::<CaseId>()).transpose();
    let stored = Stored {
        n: row.get(0)?,
        line: Line {
            hash: Digest::from_bytes(row.get(1)?),
            index: rows::seq(row.get(2)?),
            purpose: Purpose::at(row.get(3)?)?,
            case: case.map_err(|_| Failure::damaged("a ledger entry is damaged"))?,
            kind: EventKind::at(row.get(5)?)?,
            is_ended: row.get::<i64>(7)? != 0,
        },
        class: retention::kept(row.get(6)?).ok_or_else(|| Failure::damaged("a ledger entry is damaged"))?,
        received: row.get(8)?,
    };
    rows::check(row.get(9)?, stored.sum(device), || "a ledger entry".to_owned())?;
    Ok(stored)
}

fn damaged(device: &Device, n: i64) -> Failure {
    let id = device.id;
    Failure::damaged(format!(
        "ledger entry {n} of device {id} is damaged or gone: no data is accepted under its consents"
    ))
}

/// How long what an entry allows is kept, as a line says it that was read.
pub(crate) fn kept_of(entry: &Entry) -> Result<KeptFor, Failure> {
    entry.processing.kept().ok_or_else(|| Failure::new("the ledger entry does not say how long it is kept"))
}

/// Adds an entry that is not known yet; whoever calls writes the device's row.
pub(crate) fn add(
    tx: &Tx<'_>,
    device: &mut Device,
    line: &Line,
    class: KeptFor,
    text: &str,
    now: i64,
) -> Result<(), Failure> {
    if replay::is_kept(line.kind) {
        tx.again(&Again::Line { device: device.id, line: text.to_owned(), at: now })?;
    }
    let stored = Stored { n: device.lines, line: line.clone(), class, received: now };
    insert(tx, device.no, &stored, text)?;
    device.used.lines += 1;
    device.lines += 1;
    device.head = Some(consent::head(device.head, line));
    device.seen = device.seen.max(now);
    Ok(())
}

fn insert(tx: &Tx<'_>, device: i64, stored: &Stored, text: &str) -> Result<(), Failure> {
    write(tx, "INSERT INTO ledger VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)", device, stored)?;
    let params = (device, stored.n, text);
    tx.put("INSERT INTO line VALUES(?1, ?2, ?3)", params, stored.line.hash)
}

fn write(tx: &Tx<'_>, statement: &str, device: i64, stored: &Stored) -> Result<(), Failure> {
    let (line, sum) = (&stored.line, stored.sum(device));
    let params = (
        device,
        stored.n,
        line.hash.to_bytes(),
        rows::number(line.index),
        line.purpose.place(),
        line.case.as_ref().map(CaseId::as_str),
        line.kind.place(),
        retention::number(stored.class),
        i64::from(line.is_ended),
        stored.received,
        sum.to_bytes(),
    );
    tx.put(statement, params, sum)
}

/// Leaves only these entries of a device, numbered anew; whoever calls writes the device's row.
pub(crate) fn keep_only(tx: &Tx<'_>, device: i64, kept: Vec<Stored>) -> Result<(), Failure> {
    let text = "SELECT text FROM line WHERE device = ?1 AND n = ?2";
    let mut texts = Vec::with_capacity(kept.len());
    for stored in &kept {
        texts.push(tx.prepare_cached(text)?.query_row((device, stored.n), |row| row.get::<String>(0))?);
    }
    tx.remove("DELETE FROM ledger WHERE device = ?1", [device])?;
    tx.remove("DELETE FROM line WHERE device = ?1", [device])?;
    for (n, (stored, text)) in kept.into_iter().zip(texts).enumerate() {
        insert(tx, device, &Stored { n: n as i64, ..stored }, &text)?;
    }
    Ok(())
}

/// Ends the entries that a withdrawal request for these purposes, of one case or of all, is about.
pub(crate) fn withdraw(
    tx: &Tx<'_>,
    device: &Device,
    purposes: &[Purpose],
    case: Option<&CaseId>,
) -> Result<(), Failure> {
    for mut stored in load(tx, device)? {
        if !stored.line.is_ended && stored.line.is_withdrawn_by(purposes, case) {
            stored.line.is_ended = true;
            let statement = "REPLACE INTO ledger VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
            write(tx, statement, device.no, &stored)?;
        }
    }
    Ok(())
}

impl Stored {
    fn sum(&self, device: i64) -> Digest {
        let line = &self.line;
        sum(
            "ledger",
            &[
                Column::Int(device),
                Column::Int(self.n),
                Column::Bytes(&line.hash.to_bytes()),
                Column::Int(rows::number(line.index)),
                Column::Int(line.purpose.place()),
                Column::MaybeText(line.case.as_ref().map(CaseId::as_str)),
                Column::Int(line.kind.place()),
                Column::Int(retention::number(self.class)),
                Column::Int(i64::from(line.is_ended)),
                Column::Int(self.received),
            ],
        )
    }
}
