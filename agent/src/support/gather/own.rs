//! What the agent says of the workstation and of itself: numbers and words of closed lists, no text of anybody.

use std::path::PathBuf;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::Looking;
use super::basket::Plan;
use crate::collect::device as workstation;
use crate::config::Protector;
use crate::ordered::ordered;

/// Memory, space, versions.
pub(super) fn device(looking: &Looking<'_>) -> Plan {
    let now = OffsetDateTime::from_unix_timestamp(looking.site.now).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let scans = looking.site.config.kathea.scans.first().map(PathBuf::as_path);
    let lines = workstation::happenings(scans, now);
    let lines: Vec<Value> = lines.iter().filter_map(|line| serde_json::from_slice(line).ok()).collect();
    Plan::document("device", &Value::Array(lines))
}

/// The body of `status`, without what other cases are about.
pub(super) fn status(looking: &Looking<'_>) -> Plan {
    const KEPT: &[&str] = &[
        "version",
        "enrolled",
        "service",
        "policy",
        "consent",
        "waiting",
        "sent",
        "dropped",
        "keys",
        "disk_bytes",
    ];
    let kept = KEPT.iter().map(|key| ((*key).to_owned(), looking.site.status[*key].clone()));
    let problems = looking.site.status["problems"].as_array().map_or(0, Vec::len);
    let status: serde_json::Map<String, Value> =
        ordered(kept.chain([("problems".to_owned(), json!(problems))]));
    Plan::document("status", &Value::Object(status))
}

/// The configuration without paths, addresses and names of accounts.
pub(super) fn configuration(looking: &Looking<'_>) -> Plan {
    let config = &looking.site.config;
    let protector = match config.keys.protector {
        Protector::Auto => "auto",
        Protector::Dpapi => "dpapi",
        Protector::Systemd => "systemd",
        Protector::File => "file",
    };
    let document = json!({
        "language": config.language.as_str(),
        "kathea": {
            "logs": config.kathea.logs.len(),
            "scans": config.kathea.scans.len(),
            "user_named": !config.kathea.user.is_empty(),
        },
        "collector": {"proxy": config.collector.proxy.is_some()},
        "consent": {"group_named": !config.consent.group.is_empty(), "forbid": config.consent.forbid},
        "ship": {"interval_s": config.ship.interval.as_secs(), "rate": config.ship.rate},
        "spool": {"quota": config.spool.quota},
        "support": {"recipients": config.support.recipients.len()},
        "keys": {"protector": protector},
    });
    Plan::document("configuration", &document)
}
