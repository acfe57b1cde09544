//! What was asked for.

use std::path::PathBuf;

use protocol::{CaseId, CaseReason};
use serde::{Deserialize, Serialize};

use super::listing::File;
use crate::limits;

/// A support case's first words: which, why, which scans, which logs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaseRequest {
    /// The case, as the vendor named it.
    pub case: CaseId,
    /// Why it was opened.
    pub reason: CaseReason,
    /// Whom to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// What happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Contact, description and case leave as they are typed, though a patient's name or number seems to be in them.
    #[serde(default)]
    pub as_typed: bool,
    /// Which scans.
    #[serde(default)]
    pub scans: Selection,
    /// Logs of so many seconds until now; otherwise those around the scans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Files and folders instead of the configuration's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<PathBuf>,
    /// Also while a scan runs.
    #[serde(default)]
    pub now: bool,
}

/// Which scans a case is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// None.
    #[default]
    None,
    /// The newest.
    Last,
    /// Those of the time that `since` says.
    Since,
    /// Those with these keys in a list that was shown.
    Picked(Vec<String>),
    /// Files and folders.
    Paths(Vec<PathBuf>),
}

impl CaseRequest {
    /// Paths that a person named.
    pub fn named_paths(&self) -> impl Iterator<Item = &PathBuf> {
        let scans = match &self.scans {
            Selection::Paths(paths) => paths.as_slice(),
            _ => &[],
        };
        self.logs.iter().chain(scans)
    }

    /// From when to when logs are read, in seconds since 1970: the last hours if a person said so, otherwise some
    /// time before the first scan to some time after the last.
    pub(super) fn window(&self, chosen: &[File], now: i64) -> (i64, i64) {
        if let Some(since) = self.since {
            return (now - i64::try_from(since).unwrap_or(limits::SINCE), now);
        }
        let times = || chosen.iter().map(|file| file.modified);
        match times().min().zip(times().max()) {
            Some((first, last)) => (first - limits::LOGS_AROUND, (last + limits::LOGS_AROUND).min(now)),
            None => (now - limits::LOGS_AROUND, now),
        }
    }
}
