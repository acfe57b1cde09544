//! Invitations: the support bundles that the vendor asks a clinic for, sent to the device with its next response.
//! Nothing but a word and a number of a list goes out.

use crate::store::engine::Connection;
use protocol::bundle::Invitation;
use protocol::{CaseId, CaseReason, DeviceId, Digest};
use time::{Duration, OffsetDateTime};

use super::device;
use super::rows::{Word, micros};
use super::tx::Tx;
use crate::failure::Failure;
use crate::store::Store;
use crate::store::rules::sums::{Column, sum};

/// An invitation that nobody heeded for so long is over.
const LIFE: Duration = Duration::days(30);
/// Invitations in one response, so that they fit into its header.
const MAX_LISTED: i64 = 8;

impl Store {
    /// Asks the clinic of a device for a bundle.
    pub(crate) fn invite(
        &self,
        device: DeviceId,
        case: CaseId,
        reason: CaseReason,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        let now = micros(now);
        self.write(false, move |tx| {
            let device = device::enrolled(tx, device)?;
            let sum = row_sum(device.no, case.as_str(), reason.place(), now);
            let params = (device.no, case.as_str(), reason.place(), now, sum.to_bytes());
            tx.at(now);
            tx.put("REPLACE INTO invitation VALUES(?1, ?2, ?3, ?4, ?5)", params, sum)
        })
    }
}

/// What is asked of a device now. A damaged invitation is not sent; `verify` names it.
pub(crate) fn of(sql: &Connection, device: i64, now: i64) -> Result<Vec<Invitation>, Failure> {
    let statement = "SELECT kase, reason, asked, sum FROM invitation WHERE device = ?1 AND asked > ?2 ORDER BY kase \
                     LIMIT ?3";
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query((device, over(now), MAX_LISTED))?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let (case, reason, asked): (String, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_whole = row.get::<[u8; 32]>(3)? == row_sum(device, &case, reason, asked).to_bytes();
        if is_whole && let (Ok(case), Ok(reason)) = (case.parse(), CaseReason::at(reason)) {
            out.push(Invitation { case, reason });
        }
    }
    Ok(out)
}

/// What was asked then or before is over.
pub(crate) fn over(now: i64) -> i64 {
    now.saturating_sub(i64::try_from(LIFE.whole_microseconds()).unwrap_or(i64::MAX))
}

/// Forgets the invitations of a device, of one case or of all; how many.
pub(crate) fn remove(tx: &Tx<'_>, device: i64, case: Option<&CaseId>) -> Result<u64, Failure> {
    let statement = "DELETE FROM invitation WHERE device = ?1 AND (CAST(?2 AS TEXT) IS NULL OR kase = ?2)";
    tx.remove(statement, (device, case.map(CaseId::as_str)))
}

/// The sum of a row.
pub(crate) fn row_sum(device: i64, case: &str, reason: i64, asked: i64) -> Digest {
    sum("invitation", &[Column::Int(device), Column::Text(case), Column::Int(reason), Column::Int(asked)])
}
