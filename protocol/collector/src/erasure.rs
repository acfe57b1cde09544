//! The end of data: erased for its owner, or because the period of its class is over.

use std::path::Path;

use protocol::{Batch, CaseId, DeviceId, Purpose, Retention};
use serde::Serialize;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::audit::{self, Deed, Note};
use crate::failure::Failure;
use crate::lines::Lines;
use crate::store::alter::{self, Taken};
use crate::store::bundles::{self, Filed};
use crate::store::device;
use crate::store::log::Frame;
use crate::store::{uploads, wishes};

/// What `erase` did, for the one who asked.
#[derive(Serialize)]
struct Erased {
    device: DeviceId,
    purpose: Purpose,
    records: u64,
    bundles: u64,
    /// Bundles of which a part had come.
    parts: u64,
    wishes: u64,
    /// Exports since the oldest of them came: copies that nothing here can reach.
    copies: Vec<Copy>,
}

#[derive(Serialize)]
struct Copy {
    at: String,
    who: String,
}

#[derive(Serialize)]
struct Over {
    device: DeviceId,
    purpose: Purpose,
    records: u64,
    bundles: u64,
    parts: u64,
    wishes: u64,
    dry_run: bool,
}

/// Erases what was sent by a device for these purposes, of one case or of all. The ledger entries stay: they prove
/// that it was allowed while it was here.
pub(crate) fn erase(
    data: &Path,
    device: DeviceId,
    purposes: &[Purpose],
    case: Option<&CaseId>,
    now: OffsetDateTime,
    lines: &mut Lines,
) -> Result<(), Failure> {
    for &purpose in purposes {
        // A stream's records are of no case.
        let Taken { records, oldest } = alter::take_out(data, device, purpose, false, |_| case.is_none())?;
        let is_its = |filed: &Filed| {
            purpose != Purpose::UsageStatistics
                && filed.device == Some(device)
                && case.is_none_or(|case| filed.case.as_ref() == Some(case))
        };
        let bundles = bundles::remove(data, false, is_its)?;
        let (parts, wishes) = match purpose {
            Purpose::UsageStatistics => (0, 0),
            Purpose::SupportCase | Purpose::SupportScanData => {
                let is_its = |of: &CaseId| case.is_none_or(|case| case == of);
                let parts = uploads::remove(data, device, false, |announced| is_its(&announced.case))?;
                (parts, wishes::remove(data, device, false, |of, _| is_its(of))?)
            }
        };
        let (device_of, purpose_of) = (Some(device), Some(purpose));
        let erased = Note::new(Deed::Erase, records + bundles + parts + wishes);
        audit::note(
            data,
            Note { device: device_of, purpose: purpose_of, case: case.cloned(), ..erased },
            now,
        )?;
        let copies = oldest.map_or(Ok(Vec::new()), |oldest| copies(data, oldest))?;
        lines.put(&Erased { device, purpose, records, bundles, parts, wishes, copies })?;
    }
    Ok(())
}

/// The exports since `oldest` came, in seconds since 1970.
fn copies(data: &Path, oldest: i64) -> Result<Vec<Copy>, Failure> {
    let since = OffsetDateTime::from_unix_timestamp(oldest).map(device::rfc3339).unwrap_or_default();
    let lines = audit::lines(data)?.into_iter().map(|(line, _)| line);
    let exports = lines.filter(|line| line.deed == Deed::Export && line.at >= since);
    Ok(exports.map(|line| Copy { at: line.at, who: line.who }).collect())
}

/// Erases what is kept longer than its class allows; with `dry_run` only says what would go.
pub(crate) fn retention(
    data: &Path,
    dry_run: bool,
    now: OffsetDateTime,
    lines: &mut Lines,
) -> Result<(), Failure> {
    for device in device::all(data)? {
        let began = Beginnings::of(data, device)?;
        for &purpose in Purpose::ALL {
            let is_over = |frame: &Frame| {
                let batch = Batch::decode(&frame.payload);
                batch.is_ok_and(|batch| began.is_over(batch.header.retention, frame.received_at, now))
            };
            let Taken { records, .. } = alter::take_out(data, device, purpose, dry_run, is_over)?;
            let class = began.class(purpose);
            let bundles = match purpose {
                Purpose::SupportCase => bundles::remove(data, dry_run, |filed| {
                    let received_at = OffsetDateTime::parse(&filed.received_at, &Rfc3339);
                    filed.device == Some(device) && received_at.is_ok_and(|at| began.is_over(class, at, now))
                })?,
                _ => 0,
            };
            let (parts, wishes) = match purpose {
                Purpose::SupportCase => (
                    uploads::remove_abandoned(data, device, dry_run, now)?,
                    wishes::remove_unheeded(data, device, dry_run, now)?,
                ),
                _ => (0, 0),
            };
            let all = records + bundles + parts + wishes;
            if all == 0 {
                continue;
            }
            if !dry_run {
                let note = Note::new(Deed::Retention, all);
                audit::note(data, Note { device: Some(device), purpose: Some(purpose), ..note }, now)?;
            }
            lines.put(&Over { device, purpose, records, bundles, parts, wishes, dry_run })?;
        }
    }
    Ok(())
}

/// The events of one device that periods start from.
struct Beginnings {
    decommissioned: Option<OffsetDateTime>,
    last_contact: Option<OffsetDateTime>,
    classes: Vec<(Purpose, Retention)>,
}

impl Beginnings {
    fn of(data: &Path, device: DeviceId) -> Result<Self, Failure> {
        let filed = bundles::all(data)?.into_iter().map(|(_, filed, _)| filed);
        let contacts = filed.filter(|filed| filed.device == Some(device));
        let contacts = contacts.filter_map(|filed| OffsetDateTime::parse(&filed.received_at, &Rfc3339).ok());
        let entries = crate::proof::entries(data, device)?;
        Ok(Self {
            decommissioned: device::retired_at(&device::dir(data, device))?,
            last_contact: contacts.max(),
            classes: entries
                .into_iter()
                .map(|(_, entry)| (entry.processing.purpose, entry.processing.retention))
                .collect(),
        })
    }

    /// The class that the newest consent to `purpose` names.
    fn class(&self, purpose: Purpose) -> Retention {
        let newest = self.classes.iter().rev().find(|(asked, _)| *asked == purpose);
        newest.map_or(Retention::SupportDecommission10Years, |(_, class)| *class)
    }

    fn is_over(&self, class: Retention, received_at: OffsetDateTime, now: OffsetDateTime) -> bool {
        let (began, days) = match class {
            Retention::Usage24Months => (Some(received_at), 731),
            Retention::Analytics14Months => (Some(received_at), 427),
            Retention::SupportDecommission10Years => (self.decommissioned, 3653),
            Retention::Contact2Years => (self.last_contact.max(Some(received_at)), 731),
        };
        began.and_then(|began| began.checked_add(Duration::days(days))).is_some_and(|end| end <= now)
    }
}
