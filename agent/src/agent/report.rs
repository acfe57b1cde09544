//! What `status` says.

use serde_json::{Value, json};

use super::Agent;
use crate::deidentify::clean::Tray;
use crate::spool::Waiting;

impl Agent {
    /// The body of `status --json`.
    pub(super) fn status(&self, now: i64) -> Value {
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "device": self.vault.device(),
            "enrolled": self.uplink.is_enrolled(),
            "service": if self.running { "running" } else { "stopped" },
            "policy": {"id": self.book.policy().id(), "version": self.book.policy().version()},
            "consent": self.flags(now),
            "ends": self.ends(),
            "cases": self.cases(now),
            "waiting": {
                Tray::Open.as_str(): waiting(self.usage.waiting_open()),
                Tray::Usage.as_str(): waiting(self.usage.waiting_usage()),
                Tray::Requests.as_str(): waiting(self.requests.waiting()),
            },
            "sent": self.tally.acknowledged(),
            "dropped": self.tally.dropped(),
            "requests": self.requests.tickets.all(),
            "bundles": self.bundles(),
            "wishes": self.shown_wishes(now),
            "keys": self.protector.as_str(),
            "busy": self.is_busy(),
            "disk_bytes": self.usage.disk_bytes() + self.requests.disk_bytes(),
            "problems": self.all_problems(now),
        })
    }

    fn all_problems(&self, now: i64) -> Vec<String> {
        let mut problems: Vec<String> = self.health.problems().cloned().collect();
        if super::decommission::begun(&self.config.data_dir).exists() {
            problems.push(
                "this device is being taken out of use: only the last message to the vendor waits".to_owned(),
            );
        }
        problems.extend(self.book.problems(now));
        problems.extend(self.uplink.problems());
        problems
    }
}

fn waiting(waiting: Waiting) -> Value {
    json!({"records": waiting.records, "bytes": waiting.bytes})
}
