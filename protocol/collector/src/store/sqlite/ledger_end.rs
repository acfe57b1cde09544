//! Takes out ledger entries that prove nothing any more. The device's row keeps the place and the hash of the newest
//! entry: it stands for what was removed, so a restored old copy of the device is found as before.

use std::collections::BTreeMap;

use crate::store::engine::{Connection, OptionalRow};
use protocol::ledger::Entry;
use protocol::{CaseId, DeviceId, Digest, Purpose, policy};
use time::OffsetDateTime;

use super::bundles;
use super::consents::{self, Stored};
use super::device::{self, Device};
use super::rows::{Word, micros};
use super::{terms, uploads};
use crate::failure::Failure;
use crate::store::folder::Folder;
use crate::store::rules::ledger_end::{self, Kept};
use crate::store::{Store, policies};

impl Store {
    /// How many ledger entries of each device are over. Devices whose rows are damaged are left out: `verify` names them.
    pub(crate) fn answers_over(&self, now: OffsetDateTime) -> Result<Vec<(DeviceId, u64)>, Failure> {
        let mut out = Vec::new();
        let mut periods = Periods::of(&self.folder);
        self.read(|sql| {
            device::all(sql, |device| {
                let Ok(device) = device else { return Ok(()) };
                let over = over_of(sql, &mut periods, &device, micros(now))?;
                let count = over.iter().filter(|(_, is_over)| *is_over).count() as u64;
                if count > 0 {
                    out.push((device.id, count));
                }
                Ok(())
            })
        })?;
        Ok(out)
    }

    /// Takes out the entries of a device that are over; how many.
    pub(crate) fn end_answers(&self, device: DeviceId, now: OffsetDateTime) -> Result<u64, Failure> {
        let device = self.read(|sql| device::enrolled(sql, device))?;
        let planned = self.read(|sql| over_of(sql, &mut Periods::of(&self.folder), &device, micros(now)))?;
        let going: Vec<Digest> =
            planned.into_iter().filter(|(_, over)| *over).map(|(stored, _)| stored.line.hash).collect();
        let (id, folder) = (device.id, self.folder.clone());
        self.write(true, move |tx| {
            let mut device = device::enrolled(tx, id)?;
            // Something may have come meanwhile.
            let still = over_of(tx, &mut Periods::of(&folder), &device, micros(now))?;
            let kept: Vec<Stored> = still
                .into_iter()
                .filter(|(stored, over)| !(*over && going.contains(&stored.line.hash)))
                .map(|(stored, _)| stored)
                .collect();
            let gone = device.lines - kept.len() as i64;
            if gone > 0 {
                consents::keep_only(tx, device.no, kept)?;
                device.lines -= gone;
                device::save(tx, &mut device)?;
                tx.truncate_after();
            }
            Ok(gone as u64)
        })
    }
}

/// For how long policies keep answers. Each text is read once, however many entries of a fleet are about it.
struct Periods<'a> {
    folder: &'a Folder,
    days: BTreeMap<Digest, Option<u32>>,
}

impl<'a> Periods<'a> {
    fn of(folder: &'a Folder) -> Self {
        Self { folder, days: BTreeMap::new() }
    }

    /// Days, as `policy::answers_kept` says them; `None`: the policy is not known here.
    fn days(&mut self, sha256: Digest) -> Result<Option<u32>, Failure> {
        if let Some(days) = self.days.get(&sha256) {
            return Ok(*days);
        }
        let text = match policy::text_of(sha256) {
            Some(text) => Some(text.to_owned()),
            None => policies::text(self.folder, sha256)?,
        };
        let days = text.as_deref().and_then(policy::answers_kept);
        self.days.insert(sha256, days);
        Ok(days)
    }
}

fn over_of(
    sql: &Connection,
    periods: &mut Periods<'_>,
    device: &Device,
    now: i64,
) -> Result<Vec<(Stored, bool)>, Failure> {
    let stored = consents::load(sql, device)?;
    let mut entries = Vec::with_capacity(stored.len());
    for (n, of) in stored.iter().enumerate() {
        let entry = terms::entry(sql, device, n, of.line.hash)?;
        entries.push(kept(periods, of, &entry)?);
    }
    let held = bundles::of(sql, device)?;
    let announced = uploads::of(sql, device)?;
    let mut failed = None;
    let over = ledger_end::over(
        &entries,
        |purpose, case| {
            let of_case = |of: Option<&CaseId>| case.is_some() && (of.is_none() || of == case);
            held.iter().any(|bundle| of_case(bundle.case.as_ref()))
                || announced.iter().any(|(said, _)| of_case(Some(&said.case)))
                || has_batches(sql, device, purpose).unwrap_or_else(|failure| {
                    failed = Some(failure);
                    true
                })
        },
        now,
    );
    match failed {
        Some(failure) => Err(failure),
        None => Ok(stored.into_iter().zip(over).collect()),
    }
}

fn kept(periods: &mut Periods<'_>, stored: &Stored, entry: &Entry) -> Result<Kept, Failure> {
    Ok(Kept {
        index: stored.line.index,
        purpose: stored.line.purpose,
        case: stored.line.case.clone(),
        kind: stored.line.kind,
        received: stored.received,
        until: terms::until(entry),
        days: periods.days(entry.processing.policy_sha256)?,
    })
}

/// Whether a batch of the device is held for this purpose.
pub(crate) fn has_batches(sql: &Connection, device: &Device, purpose: Purpose) -> Result<bool, Failure> {
    let statement = "SELECT 1 FROM envelope WHERE device = ?1 AND purpose = ?2 LIMIT 1";
    let found = sql.prepare_cached(statement)?.query_row((device.no, purpose.place()), |_| Ok(()));
    Ok(found.optional()?.is_some())
}
