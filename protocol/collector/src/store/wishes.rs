//! The vendor's wishes for a bundle: `devices/<id>/wishes/<case>.json`, made by the command line and told to
//! the device with whatever it is answered next. Nothing but a word and a number of a list goes out.

use std::path::{Path, PathBuf};

use protocol::bundle::Wish;
use protocol::{CaseId, CaseReason, DeviceId};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::device::{self, rfc3339};
use crate::disk::{self, Access};
use crate::failure::Failure;

/// A wish that nobody heeded for so long is over.
const LIFE: Duration = Duration::days(30);
/// Wishes that one answer tells; its head has room for them.
const TOLD: usize = 8;
const DIR: &str = "wishes";

#[derive(Serialize, Deserialize)]
struct Kept {
    reason: CaseReason,
    asked_at: String,
}

/// Asks the clinic of `device` for a bundle.
pub(crate) fn ask(
    data: &Path,
    device: DeviceId,
    case: &CaseId,
    reason: CaseReason,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    let kept = Kept { reason, asked_at: rfc3339(now) };
    let json = serde_json::to_vec(&kept).map_err(|_| Failure::new("the wish has no JSON form"))?;
    disk::make_dir(&dir(data, device))?;
    disk::write(&path(data, device, case), &json, Access::Private)
}

/// What is asked of a device now.
pub(crate) fn of(data: &Path, device: DeviceId, now: OffsetDateTime) -> Result<Vec<Wish>, Failure> {
    let mut out = Vec::new();
    for name in disk::names(&dir(data, device))? {
        let Some(case) = name.strip_suffix(".json").and_then(|case| case.parse::<CaseId>().ok()) else {
            continue;
        };
        let path = path(data, device, &case);
        let Some(Kept { reason, asked_at }) = disk::read_json(&path)? else { continue };
        let asked_at = OffsetDateTime::parse(&asked_at, &Rfc3339);
        if asked_at.is_ok_and(|asked_at| now - asked_at < LIFE) && out.len() < TOLD {
            out.push(Wish { case, reason });
        }
    }
    Ok(out)
}

/// Forgets the wishes that `goes`; with `dry_run` only counts them.
pub(crate) fn remove(
    data: &Path,
    device: DeviceId,
    dry_run: bool,
    goes: impl Fn(&CaseId, Option<OffsetDateTime>) -> bool,
) -> Result<u64, Failure> {
    let mut count = 0;
    for name in disk::names(&dir(data, device))? {
        let Some(case) = name.strip_suffix(".json").and_then(|case| case.parse::<CaseId>().ok()) else {
            continue;
        };
        let path = path(data, device, &case);
        let kept = disk::read_json::<Kept>(&path)?;
        let asked_at = kept.and_then(|kept| OffsetDateTime::parse(&kept.asked_at, &Rfc3339).ok());
        if goes(&case, asked_at) {
            count += 1;
            if !dry_run {
                disk::remove(&path)?;
            }
        }
    }
    Ok(count)
}

/// Forgets the wishes that nobody heeded in time; with `dry_run` only counts them.
pub(crate) fn remove_unheeded(
    data: &Path,
    device: DeviceId,
    dry_run: bool,
    now: OffsetDateTime,
) -> Result<u64, Failure> {
    remove(data, device, dry_run, |_, asked_at| asked_at.is_none_or(|asked_at| now - asked_at >= LIFE))
}

/// The bundle came.
pub(crate) fn fulfilled(data: &Path, device: DeviceId, case: &CaseId) -> Result<(), Failure> {
    disk::remove(&path(data, device, case))
}

fn dir(data: &Path, device: DeviceId) -> PathBuf {
    device::dir(data, device).join(DIR)
}

fn path(data: &Path, device: DeviceId, case: &CaseId) -> PathBuf {
    dir(data, device).join(format!("{case}.json"))
}
