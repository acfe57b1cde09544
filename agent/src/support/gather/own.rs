//! What the agent says of the workstation and of itself: numbers and words of closed lists, no text of anybody.

use std::collections::BTreeMap;
use std::path::PathBuf;

use protocol::{Purpose, Reason};
use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;

use super::looking::Looking;
use super::plan::Plan;
use crate::config::Protector;
use crate::consent::State;
use crate::counters::Sent;
use crate::support::manifest::PolicyName;
use crate::workstation;

/// Memory, space, versions.
pub(super) fn device(looking: &Looking<'_>) -> Plan {
    let moment = looking.dates.moment();
    let now = OffsetDateTime::from_unix_timestamp(moment).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let scans = looking.site.config.kathea.scans.first().map(PathBuf::as_path);
    let lines = workstation::events(scans, now);
    let lines: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect();
    Plan::document("device", &lines)
}

/// `status.json`: the agent's status, without what other cases are about.
#[derive(Clone, Debug, Serialize)]
pub struct StatusDocument {
    /// Of the program.
    pub version: String,
    /// Whether it has a certificate that it can use.
    pub enrolled: bool,
    /// Whether it runs as a service.
    pub service: &'static str,
    /// Under which the clinic is asked.
    pub policy: PolicyName,
    /// The flags that are not asked per case.
    pub consent: BTreeMap<Purpose, State>,
    /// Records and bytes that wait, by queue.
    pub waiting: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// What the collector acknowledged, by purpose.
    pub sent: BTreeMap<String, Sent>,
    /// What was dropped, by reason.
    pub dropped: BTreeMap<Reason, u64>,
    /// What protects the root key.
    pub keys: &'static str,
    /// Of the data directory.
    pub disk_bytes: Option<u64>,
    /// How many problems there are; a sentence might name something.
    pub problems: usize,
}

/// The agent's status.
pub(super) fn status(looking: &Looking<'_>) -> Plan {
    let status = &looking.site.status;
    Plan::document("status", &StatusDocument { sent: looking.dates.sent(&status.sent), ..status.clone() })
}

/// `configuration.json`: the configuration without paths, addresses and names of accounts.
#[derive(Serialize)]
struct ConfigurationDocument {
    language: &'static str,
    kathea: Kathea,
    collector: Collector,
    consent: Consent,
    ship: Ship,
    spool: Spool,
    support: Support,
    keys: Keys,
}

#[derive(Serialize)]
struct Kathea {
    logs: usize,
    scans: usize,
    user_named: bool,
}

#[derive(Serialize)]
struct Collector {
    proxy: bool,
}

#[derive(Serialize)]
struct Consent {
    group_named: bool,
    forbid: bool,
}

#[derive(Serialize)]
struct Ship {
    interval_s: u64,
    rate: u64,
}

#[derive(Serialize)]
struct Spool {
    quota: u64,
}

#[derive(Serialize)]
struct Support {
    recipients: usize,
}

#[derive(Serialize)]
struct Keys {
    protector: &'static str,
}

/// The configuration.
pub(super) fn configuration(looking: &Looking<'_>) -> Plan {
    let config = &looking.site.config;
    let protector = match config.keys.protector {
        Protector::Auto => "auto",
        Protector::Dpapi => "dpapi",
        Protector::Systemd => "systemd",
        Protector::File => "file",
    };
    let document = ConfigurationDocument {
        language: config.language.as_str(),
        kathea: Kathea {
            logs: config.kathea.logs.len(),
            scans: config.kathea.scans.len(),
            user_named: !config.kathea.user.is_empty(),
        },
        collector: Collector { proxy: config.collector.proxy.is_some() },
        consent: Consent { group_named: !config.consent.group.is_empty(), forbid: config.consent.forbid },
        ship: Ship { interval_s: config.ship.interval.as_secs(), rate: config.ship.rate },
        spool: Spool { quota: config.spool.quota },
        support: Support { recipients: config.support.recipients.len() },
        keys: Keys { protector },
    };
    Plan::document("configuration", &document)
}
