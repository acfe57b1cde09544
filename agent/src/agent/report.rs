//! What `status` says.

use serde_json::{Value, json};

use super::{Agent, Trouble};
use crate::deidentify::clean::{Payload, Tray};
use crate::presence;
use crate::spool::Spool;

impl Agent {
    /// The body of `status --json`.
    pub(super) fn status(&self, now: i64) -> Value {
        let disk_bytes = self.disk_bytes();
        let unread = disk_bytes.as_ref().err().map(ToString::to_string);
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "device": self.vault.device(),
            "enrolled": self.dispatch.is_enrolled(),
            "service": if self.running { "running" } else { "stopped" },
            "policy": {"id": self.book.policy().id(), "version": self.book.policy().version()},
            "consent": self.flags(now),
            "ends": self.ends(),
            "cases": self.cases(now),
            "waiting": {
                Tray::Open.as_str(): waiting(&self.open),
                Tray::Usage.as_str(): waiting(&self.usage),
                Tray::Requests.as_str(): waiting(&self.requests),
            },
            "sent": self.tally.acknowledged(),
            "dropped": self.tally.dropped(),
            "requests": self.tickets.all(),
            "bundles": self.bundles(),
            "wishes": self.shown_wishes(now),
            "keys": self.protector.as_str(),
            "busy": self.is_busy(),
            "disk_bytes": disk_bytes.ok(),
            "problems": self.all_problems(now).into_iter().chain(unread).collect::<Vec<_>>(),
        })
    }

    fn all_problems(&self, now: i64) -> Vec<String> {
        let mut problems: Vec<String> = self.problems.0.values().cloned().collect();
        match presence::is_there(&super::decommission::begun(&self.config.data_dir)) {
            Ok(false) => {}
            Ok(true) => problems.push(
                "this device is being taken out of use: only the last message to the vendor waits".to_owned(),
            ),
            Err(e) => problems.push(Trouble::from(e).to_string()),
        }
        problems.extend(self.kept_problem(now).map(str::to_owned));
        problems.extend(self.set_aside_problem());
        problems.extend(self.book.problems(now));
        problems.extend(self.dispatch.problems());
        problems
    }
}

fn waiting<P: Payload>(tray: &Spool<P>) -> Value {
    let waiting = tray.waiting();
    json!({"records": waiting.records, "bytes": waiting.bytes})
}
