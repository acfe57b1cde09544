//! The end of a device's requests and label: when nothing else of it is held, and everything that was asked was answered
//! long enough ago.

use protocol::{DeviceId, Purpose};
use time::OffsetDateTime;

use super::device::{self, Device};
use super::ledger_end::has_batches;
use super::rows::micros;
use super::{answers, bundles, requests, uploads};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::engine::Connection;
use crate::store::rules::retention::DAY;

/// Days for which a request and its certificate prove what was asked and done.
const KEPT: i64 = 366;

impl Store {
    /// How many requests of each device are over. Devices whose rows are damaged are left out: `verify` names them.
    pub(crate) fn requests_over(&self, now: OffsetDateTime) -> Result<Vec<(DeviceId, u64)>, Failure> {
        let mut out = Vec::new();
        self.read(|sql| {
            device::all(sql, |device| {
                let Ok(device) = device else { return Ok(()) };
                if are_over(sql, &device, micros(now))? {
                    out.push((device.id, device.requests.max(0) as u64));
                }
                Ok(())
            })
        })?;
        Ok(out)
    }

    /// Takes out the requests of a device that are over, and its label; how many requests.
    pub(crate) fn end_requests(&self, device: DeviceId, now: OffsetDateTime) -> Result<u64, Failure> {
        self.write(true, move |tx| {
            let mut device = device::enrolled(tx, device)?;
            // Something may have come meanwhile.
            if !are_over(tx, &device, micros(now))? {
                return Ok(0);
            }
            let count = device.requests;
            for table in ["request", "answer", "response", "part", "label", "reached"] {
                tx.remove(&format!("DELETE FROM {table} WHERE device = ?1"), [device.no])?;
            }
            device.requests = 0;
            device::save(tx, &mut device)?;
            tx.truncate_after();
            Ok(count.max(0) as u64)
        })
    }
}

fn are_over(sql: &Connection, device: &Device, now: i64) -> Result<bool, Failure> {
    if device.requests == 0 || device.lines > 0 {
        return Ok(false);
    }
    for n in 0..device.requests {
        let row = requests::numbered(sql, device, n)?;
        let closed = row.done.max(answers::find(sql, device.no, n)?.revoked);
        if closed.is_none_or(|closed| closed > now.saturating_sub(KEPT * DAY)) {
            return Ok(false);
        }
    }
    for &purpose in Purpose::ALL {
        if has_batches(sql, device, purpose)? {
            return Ok(false);
        }
    }
    Ok(bundles::of(sql, device)?.is_empty() && uploads::of(sql, device)?.is_empty())
}
