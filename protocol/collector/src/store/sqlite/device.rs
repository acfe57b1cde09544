//! The row of a device.

use crate::store::engine::{Connection, Fetched, OptionalRow, Row, Statement};
use protocol::{DeviceId, Digest};

use super::Listed;
use super::rows::{self, Word};
use super::tx::{self, Tx};
use crate::failure::Failure;
use crate::store::rules::decide::Standing;
use crate::store::rules::limits::Used;
use crate::store::rules::sums::{Column, sum};

/// All that is kept of one device in its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    /// Its number here; 0 before it has one.
    pub(crate) no: i64,
    pub(crate) id: DeviceId,
    /// Raw Ed25519 key.
    pub(crate) key: Vec<u8>,
    /// When it came first.
    pub(crate) enrolled: i64,
    /// End of the newest certificate.
    pub(crate) not_after: i64,
    pub(crate) standing: Standing,
    /// When its owner took it out of use.
    pub(crate) retired: Option<i64>,
    /// Ledger entries.
    pub(crate) lines: i64,
    /// Privacy requests.
    pub(crate) requests: i64,
    /// The newest ledger entry.
    pub(crate) head: Option<(u64, Digest)>,
    /// Last time that it sent something.
    pub(crate) seen: i64,
    /// Version of the agent that said so in its last batch.
    pub(crate) agent: String,
    pub(crate) used: Used,
}

const COLUMNS: &str = "no, id, key, enrolled, not_after, standing, retired, lines, requests, streams, head_index, head, \
                       seen, agent, bytes, day, day_requests, day_lines, sum";

/// The device with this id, if it was ever enrolled.
pub(crate) fn find(sql: &Connection, id: DeviceId) -> Result<Option<Device>, Failure> {
    one(sql, &format!("SELECT {COLUMNS} FROM device WHERE id = ?1"), id)
}

/// The same without the index, which damage may have taken the device out of: for enrolment, where a device that
/// is not found gets a second row and loses its history.
pub(crate) fn find_in_table(sql: &Connection, id: DeviceId) -> Result<Option<Device>, Failure> {
    one(sql, &format!("SELECT {COLUMNS} FROM device NOT INDEXED WHERE id = ?1"), id)
}

fn one(sql: &Connection, statement: &str, id: DeviceId) -> Result<Option<Device>, Failure> {
    let row = sql.prepare_cached(statement)?.query_row([id.to_bytes()], read).optional()?;
    row.map(|row| row.checked()).transpose()
}

/// The device that must be there for a command of an operator.
pub(crate) fn enrolled(sql: &Connection, id: DeviceId) -> Result<Device, Failure> {
    find(sql, id)?.ok_or_else(|| Failure::new(format!("device {id} is not enrolled; `devices` lists them")))
}

/// The device with this number; an error if it is damaged or gone: none is ever taken out.
pub(crate) fn numbered(sql: &Connection, no: i64) -> Result<Device, Failure> {
    let mut statement = sql.prepare_cached(&format!("SELECT {COLUMNS} FROM device WHERE no = ?1"))?;
    by_number(&mut statement, no)
}

fn by_number(statement: &mut Statement<'_>, no: i64) -> Result<Device, Failure> {
    let gone =
        |what: &str| Failure::damaged(format!("device number {no} {what}; `verify` says what is lost"));
    let row = statement.query_row([no], read).optional();
    row.map_err(|_| gone("cannot be read"))?.ok_or_else(|| gone("is gone"))?.checked()
}

/// The highest number that a device was given.
pub(crate) fn last(sql: &Connection) -> Result<i64, Failure> {
    Ok(sql.given("device")?.max(tx::state(sql)?.devices))
}

/// Hands `each` every device, by its number; a damaged one as the sentence that names it. One after the other, so that
/// a damaged page hides only the devices that are on it.
pub(crate) fn all(
    sql: &Connection,
    mut each: impl FnMut(Listed<Device>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = sql.prepare_cached(&format!("SELECT {COLUMNS} FROM device WHERE no = ?1"))?;
    (1..=last(sql)?).try_for_each(|no| each(by_number(&mut statement, no)))
}

/// Adds a device, or writes what has changed of one.
pub(crate) fn save(tx: &Tx<'_>, device: &mut Device) -> Result<(), Failure> {
    if device.no == 0 {
        let statement = "INSERT INTO device(id, key, enrolled, not_after, standing, lines, requests, streams, \
                         seen, agent, bytes, day, day_requests, day_lines, sum) \
                         VALUES(?1, ?2, 0, 0, 0, 0, 0, 0, 0, '', 0, 0, 0, 0, zeroblob(32)) RETURNING no";
        // PostgreSQL's sequences have holes where a transaction was undone, and every number is of a device.
        let counted = "INSERT INTO device(no, id, key, enrolled, not_after, standing, lines, requests, streams, \
                       seen, agent, bytes, day, day_requests, day_lines, sum) \
                       SELECT coalesce(max(no), 0) + 1, ?1, ?2, 0, 0, 0, 0, 0, 0, 0, '', 0, 0, 0, 0, '' FROM device \
                       RETURNING no";
        let statement = if tx.is_postgres() { counted } else { statement };
        let params = (device.id.to_bytes(), &device.key);
        device.no = tx.prepare_cached(statement)?.query_row(params, |row| row.get(0))?;
        tx.state.borrow_mut().devices += 1;
    }
    let sum = device.sum();
    let statement = "UPDATE device SET enrolled = ?2, not_after = ?3, standing = ?4, retired = ?5, lines = ?6, \
                     requests = ?7, streams = ?8, head_index = ?9, head = ?10, seen = ?11, agent = ?12, bytes = ?13, \
                     day = ?14, day_requests = ?15, day_lines = ?16, sum = ?17, key = ?18 WHERE no = ?1";
    let (index, head) = device.head.unzip();
    let used = device.used;
    let params = (
        device.no,
        device.enrolled,
        device.not_after,
        device.standing.place(),
        device.retired,
        device.lines,
        device.requests,
        used.streams,
        index.map(rows::number),
        head.map(Digest::to_bytes),
        device.seen,
        &device.agent,
        used.bytes,
        used.day,
        used.requests,
        used.lines,
        sum.to_bytes(),
        &device.key,
    );
    tx.put(statement, params, sum)
}

impl Device {
    /// A device that was not here before.
    pub(crate) fn new(key: &[u8], now: i64) -> Self {
        Self {
            no: 0,
            id: DeviceId::of_public_key(key),
            key: key.to_owned(),
            enrolled: now,
            not_after: now,
            standing: Standing::Active,
            retired: None,
            lines: 0,
            requests: 0,
            head: None,
            seen: now,
            agent: String::new(),
            used: Used::default(),
        }
    }

    /// A device that is only known by what came on a stick: no route serves it, and no renewal, before a token enrols it.
    pub(crate) fn never_enrolled(key: &[u8], now: i64) -> Self {
        Self { standing: Standing::Unknown, not_after: 0, ..Self::new(key, now) }
    }

    fn sum(&self) -> Digest {
        let (index, head) = self.head.unzip();
        let head = head.map(Digest::to_bytes);
        let used = self.used;
        sum(
            "device",
            &[
                Column::Int(self.no),
                Column::Bytes(&self.id.to_bytes()),
                Column::Bytes(&self.key),
                Column::Int(self.enrolled),
                Column::Int(self.not_after),
                Column::Int(self.standing.place()),
                Column::Maybe(self.retired),
                Column::Int(self.lines),
                Column::Int(self.requests),
                Column::Int(used.streams),
                Column::Maybe(index.map(rows::number)),
                Column::MaybeBytes(head.as_ref().map(<[u8; 32]>::as_slice)),
                Column::Int(self.seen),
                Column::Text(&self.agent),
                Column::Int(used.bytes),
                Column::Int(used.day),
                Column::Int(used.requests),
                Column::Int(used.lines),
            ],
        )
    }
}

/// A row whose sum was not looked at yet.
struct Unchecked {
    device: Device,
    standing: i64,
    sum: [u8; 32],
}

impl Unchecked {
    fn checked(mut self) -> Result<Device, Failure> {
        let (no, id) = (self.device.no, self.device.id);
        let what = || format!("the row of device {id} (number {no})");
        self.device.standing = Standing::at(self.standing)
            .map_err(|_| Failure::damaged(format!("{} is damaged; `verify` says what is lost", what())))?;
        rows::check(self.sum, self.device.sum(), what)?;
        Ok(self.device)
    }
}

fn read(row: &Row<'_>) -> Fetched<Unchecked> {
    let (index, head): (Option<i64>, Option<[u8; 32]>) = (row.get(10)?, row.get(11)?);
    let device = Device {
        no: row.get(0)?,
        id: DeviceId::from_bytes(row.get(1)?),
        key: row.get(2)?,
        enrolled: row.get(3)?,
        not_after: row.get(4)?,
        standing: Standing::Unknown,
        retired: row.get(6)?,
        lines: row.get(7)?,
        requests: row.get(8)?,
        head: index.zip(head).map(|(index, head)| (rows::seq(index), Digest::from_bytes(head))),
        seen: row.get(12)?,
        agent: row.get(13)?,
        used: Used {
            streams: row.get(9)?,
            bytes: row.get(14)?,
            day: row.get(15)?,
            requests: row.get(16)?,
            lines: row.get(17)?,
        },
    };
    Ok(Unchecked { device, standing: row.get(5)?, sum: row.get(18)? })
}

/// The id of the device with this number.
pub(crate) fn id_of(sql: &Connection, no: i64) -> Result<DeviceId, Failure> {
    let id = sql
        .prepare_cached("SELECT id FROM device WHERE no = ?1")?
        .query_row([no], |row| row.get(0))
        .optional()?;
    let lost = || Failure::damaged(format!("device number {no} is not there; `verify` says what is lost"));
    id.map(DeviceId::from_bytes).ok_or_else(lost)
}
