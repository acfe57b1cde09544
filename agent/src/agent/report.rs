//! What `status` says.

use super::Agent;
use crate::api::status::{Policy, Queues, Service, Status, Waiting};
use crate::deidentify::clean::Payload;
use crate::spool::Spool;

impl Agent {
    /// The body of `status --json`.
    pub(super) fn status(&self, now: i64) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: self.vault.device(),
            enrolled: self.dispatch.is_enrolled(),
            service: if self.running { Service::Running } else { Service::Stopped },
            policy: self.policy_shown(),
            consent: self.flags(now),
            ends: self.ends(),
            cases: self.cases(now),
            waiting: Queues {
                open: waiting(&self.open),
                usage: waiting(&self.usage),
                requests: waiting(&self.requests),
            },
            sent: self.tally.acknowledged().clone(),
            dropped: self.tally.dropped().clone(),
            requests: self.tickets.all().to_vec(),
            bundles: self.bundles(),
            wishes: self.shown_wishes(now),
            keys: (&self.protector).into(),
            busy: self.is_busy(),
            disk_bytes: self.disk_bytes(),
            problems: self.all_problems(now),
        }
    }

    /// The policy by its name.
    pub(super) fn policy_shown(&self) -> Policy {
        let policy = self.book.policy();
        Policy { id: policy.id().to_owned(), version: policy.version().to_owned() }
    }

    fn all_problems(&self, now: i64) -> Vec<String> {
        let mut problems: Vec<String> = self.problems.0.values().cloned().collect();
        if super::decommission::begun(&self.config.data_dir).exists() {
            problems.push(
                "this device is being taken out of use: only the last message to the vendor waits".to_owned(),
            );
        }
        problems.extend(self.book.problems(now));
        problems.extend(self.dispatch.problems());
        problems
    }
}

fn waiting<P: Payload>(queue: &Spool<P>) -> Waiting {
    let waiting = queue.waiting();
    Waiting { records: waiting.records, bytes: waiting.bytes }
}
