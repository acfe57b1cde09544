//! What every step sees.

use std::path::PathBuf;

use protocol::DeviceId;

use super::dates::Dates;
use super::kathea::Source;
use super::listing::File;
use super::own::StatusDocument;
use crate::config::Config;
use crate::support::manifest::PolicyName;
use crate::support::pseudonyms::Pseudonyms;

/// What the gathering knows of this workstation before it looks.
#[derive(Debug)]
pub struct Site {
    /// Roots of logs and scans, and where the draft goes.
    pub config: Config,
    /// This program, which reads files from outside in a process of its own.
    pub program: PathBuf,
    /// The agent's status, as far as a bundle says it.
    pub status: StatusDocument,
    /// The workstation.
    pub device: DeviceId,
    /// The policy under which the clinic is asked.
    pub policy: PolicyName,
    /// Of an earlier bundle of the case.
    pub pseudonyms: Option<Pseudonyms>,
    /// Seconds since 1970.
    pub now: i64,
    /// The draft's name.
    pub id: String,
}

/// What every step sees.
pub(super) struct Looking<'a> {
    pub(super) site: &'a Site,
    /// The files of the chosen scans, the newest first.
    pub(super) chosen: Vec<File>,
    /// Motion traces that lie where the scans do.
    pub(super) traces: Vec<File>,
    /// What lies where logs are.
    pub(super) beside: Vec<Source>,
    /// From when to when logs are read, in seconds since 1970.
    pub(super) window: (i64, i64),
    /// The dates of the case as they leave.
    pub(super) dates: Dates,
    /// Whether all whom a log of the window can mention are learned.
    pub(super) is_all_learned: bool,
}
