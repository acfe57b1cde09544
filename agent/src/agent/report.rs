//! What `status` says.

use super::clock::usage_standing;
use super::usage::set_aside_problem;
use super::{Agent, Trouble};
use crate::api::status::{Policy, Queues, Service, Status, Waiting};
use crate::consent::{Kept, Standing};
use crate::{presence, spool};

impl Agent {
    /// The body of `status --json`.
    pub(super) fn status(&self, now: i64) -> Status {
        let disk_bytes = self.usage.disk_bytes().and_then(|usage| Ok(usage + self.requests.disk_bytes()?));
        let unread = disk_bytes.as_ref().err().map(ToString::to_string);
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: self.vault.device(),
            enrolled: self.uplink.is_enrolled(),
            service: if self.running { Service::Running } else { Service::Stopped },
            policy: self.policy_shown(),
            consent: self.flags(now),
            ends: self.ends(),
            cases: self.cases(now),
            waiting: Queues {
                open: waiting(self.usage.waiting_open()),
                usage: waiting(self.usage.waiting_usage()),
                requests: waiting(self.requests.waiting()),
            },
            sent: self.tally.acknowledged().clone(),
            dropped: self.tally.dropped().clone(),
            requests: self.requests.tickets.all().to_vec(),
            bundles: self.bundles(),
            wishes: self.shown_wishes(now),
            contacts: self.uplink.contacts(),
            keys: (&self.protector).into(),
            busy: self.is_busy(),
            disk_bytes: disk_bytes.ok(),
            problems: self.all_problems(now).into_iter().chain(unread).collect(),
        }
    }

    /// The policy by its name.
    pub(super) fn policy_shown(&self) -> Policy {
        let policy = self.book.policy();
        Policy { id: policy.id().to_owned(), version: policy.version().to_owned() }
    }

    fn all_problems(&self, now: i64) -> Vec<String> {
        let mut problems: Vec<String> = self.health.problems().cloned().collect();
        match presence::is_there(&super::decommission::begun(&self.config.data_dir)) {
            Ok(false) => {}
            Ok(true) => problems.push(
                "this device is being taken out of use: only the last message to the vendor waits".to_owned(),
            ),
            Err(e) => problems.push(Trouble::from(e).to_string()),
        }
        if let Standing::Kept(kept) = usage_standing(&self.config, &self.book, now) {
            problems.push(Kept::problem(kept).to_owned());
        }
        problems.extend(set_aside_problem(&self.vault));
        problems.extend(self.book.problems(now));
        problems.extend(self.uplink.problems());
        problems
    }
}

fn waiting(waiting: spool::Waiting) -> Waiting {
    Waiting { records: waiting.records, bytes: waiting.bytes }
}
