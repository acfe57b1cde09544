//! What a device confirmed that it holds: its newest use receipt, and notices.

use crate::store::engine::{Connection, OptionalRow};
use protocol::{DeviceId, Digest};
use time::OffsetDateTime;

use super::device;
use super::rows::{self, micros};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::rules::sums::{Column, sum};

/// What it confirmed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Number of its newest receipt.
    pub(crate) receipts: u64,
    /// Numbers of its notices, ascending.
    pub(crate) notices: Vec<u64>,
}

impl Store {
    /// Keeps what a device confirmed. Nothing is written where that is known.
    pub(crate) fn keep_reached(
        &self,
        id: DeviceId,
        reached: Reached,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        if self.reached(id)? == reached {
            return Ok(());
        }
        let now = micros(now);
        self.write(false, move |tx| {
            let device = device::enrolled(tx, id)?.no;
            let (receipts, notices) = (rows::number(reached.receipts), joined(&reached.notices));
            let sum = row_sum(device, receipts, &notices, now);
            let params = (device, receipts, notices, now, sum.to_bytes());
            tx.put("REPLACE INTO reached VALUES(?1, ?2, ?3, ?4, ?5)", params, sum)
        })
    }

    /// What a device confirmed; nothing of one that never did.
    pub(crate) fn reached(&self, id: DeviceId) -> Result<Reached, Failure> {
        self.read(|sql| match device::find(sql, id)? {
            Some(device) => of(sql, device.no),
            None => Ok(Reached::default()),
        })
    }
}

fn of(sql: &Connection, device: i64) -> Result<Reached, Failure> {
    let mut statement =
        sql.prepare_cached("SELECT receipts, notices, at, sum FROM reached WHERE device = ?1")?;
    let found = statement.query_row([device], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let Some((receipts, notices, at, stored)) = found.optional()? else { return Ok(Reached::default()) };
    let notices: String = notices;
    rows::check(stored, row_sum(device, receipts, &notices, at), || {
        format!("what device number {device} confirmed")
    })?;
    let notices = notices.split(',').filter_map(|number| number.parse().ok()).collect();
    Ok(Reached { receipts: rows::seq(receipts), notices })
}

fn joined(numbers: &[u64]) -> String {
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    numbers.join(",")
}

fn row_sum(device: i64, receipts: i64, notices: &str, at: i64) -> Digest {
    sum("reached", &[Column::Int(device), Column::Int(receipts), Column::Text(notices), Column::Int(at)])
}
