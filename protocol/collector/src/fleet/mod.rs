//! The fleet as its operators see it: who came, who is silent, what is owed, what is held. No single record, and no
//! name of a person.

pub(crate) mod errors;
pub(crate) mod gauges;
mod look;
pub(crate) mod page;

use std::collections::BTreeMap;

pub(crate) use look::{Glance, devices};
use protocol::{CaseId, DeviceId};
use time::{Duration, OffsetDateTime};

/// A device that sent nothing for so long is silent: a holiday is shorter.
pub(crate) const SILENT: Duration = Duration::days(14);

/// Everything that is shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fleet {
    pub(crate) devices: Vec<Device>,
    pub(crate) requests: Vec<Request>,
    /// By case; none: the device has not said yet which.
    pub(crate) bundles: BTreeMap<Option<CaseId>, Bundles>,
    /// Rows that could not be read, each as the sentence that names it.
    pub(crate) damaged: Vec<String>,
    pub(crate) bytes: Bytes,
    /// When a backup was last written.
    pub(crate) last_backup: Option<OffsetDateTime>,
    /// When everything was last known to be whole.
    pub(crate) last_verification: Option<OffsetDateTime>,
    /// When retention was last carried out.
    pub(crate) last_retention: Option<OffsetDateTime>,
    pub(crate) errors: Reported,
}

/// Firmware and code; none: one of the pairs beyond the limit.
pub(crate) type Pair = Option<(String, u16)>;

/// Error codes of the last 30 days, by firmware.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reported {
    /// Most frequent first.
    pub(crate) rows: Vec<(Pair, u64)>,
    /// What was received up to then is counted.
    pub(crate) counted_to: Option<OffsetDateTime>,
    /// Envelopes that could not be read.
    pub(crate) is_whole: bool,
}

/// On the disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bytes {
    /// With its log.
    pub(crate) database: u64,
    /// The write-ahead log alone.
    pub(crate) log: u64,
    pub(crate) bundles: u64,
}

/// One device.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) label: Option<String>,
    pub(crate) standing: Standing,
    /// Version of the agent; empty before it sent anything.
    pub(crate) agent: String,
    pub(crate) last_contact: OffsetDateTime,
    /// Records.
    pub(crate) held: u64,
    pub(crate) lost: u64,
    pub(crate) missing: u64,
    pub(crate) fork: bool,
}

/// Whether a device may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    Active,
    /// Never enrolled: it is known by a bundle that came on a stick.
    Unknown,
    Revoked,
    Retired,
}

/// A privacy request that is open.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) ticket: String,
    pub(crate) device: DeviceId,
    pub(crate) kind: &'static str,
    pub(crate) received: OffsetDateTime,
    /// When it has to be answered.
    pub(crate) due: OffsetDateTime,
}

/// Bundles of one case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bundles {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    pub(crate) last: Option<OffsetDateTime>,
}

/// Figures of the whole fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) active: u64,
    pub(crate) revoked: u64,
    pub(crate) retired: u64,
    pub(crate) silent: u64,
    pub(crate) missing: u64,
    pub(crate) forks: u64,
}

impl Standing {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Retired => "retired",
        }
    }
}

impl Device {
    /// Whether an active device has sent nothing for long. Why is not known here.
    pub(crate) fn is_silent(&self, now: OffsetDateTime) -> bool {
        self.standing == Standing::Active && now - self.last_contact > SILENT
    }

    /// The label, or the id.
    pub(crate) fn name(&self) -> String {
        self.label.clone().unwrap_or_else(|| self.id.to_string())
    }
}

impl Fleet {
    /// Adds everything up.
    pub(crate) fn totals(&self, now: OffsetDateTime) -> Totals {
        let mut totals = Totals::default();
        for device in &self.devices {
            match device.standing {
                Standing::Active => totals.active += 1,
                Standing::Revoked => totals.revoked += 1,
                Standing::Retired => totals.retired += 1,
                Standing::Unknown => {}
            }
            totals.silent += u64::from(device.is_silent(now));
            totals.missing = totals.missing.saturating_add(device.missing);
            totals.forks += u64::from(device.fork);
        }
        totals
    }

    /// Seconds since the oldest open request came; 0 if there is none.
    pub(crate) fn oldest_request(&self, now: OffsetDateTime) -> i64 {
        let oldest = self.requests.iter().map(|request| request.received).min();
        oldest.map_or(0, |received| (now - received).whole_seconds().max(0))
    }
}
