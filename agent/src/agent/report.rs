//! The reply to `status`.

use super::clock::usage_standing;
use super::consents::Shown;
use super::health::{Cause, Subject, problem};
use super::usage::set_aside_problem;
use super::{Agent, Trouble};
use crate::api::status::{Queues, Status, Waiting};
use crate::consent::Standing;
use crate::consent::state::to_text;
use crate::texts::{Said, Text};
use crate::{presence, spool, workstation};

impl Agent {
    /// The body of `status --json`.
    pub(super) fn status(&self, now: i64) -> Status {
        let disk_bytes =
            self.usage.disk_bytes().and_then(|usage| Ok(usage + self.consents.requests.disk_bytes()?));
        let unread = disk_bytes.as_ref().err().map(|e| problem(Subject::DiskUse, &e.said()));
        let problems: Vec<Said> = self.all_problems(now).into_iter().chain(unread).collect();
        let shown = Shown { registry: &self.registry, now };
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            device: self.vault.device(),
            enrolled: self.uplink.is_enrolled(),
            service: self.service,
            policy: shown.policy(),
            consent: shown.flags(),
            ends: shown.ends(),
            cases: shown.cases(),
            waiting: Queues {
                open: waiting(self.usage.waiting_open()),
                usage: waiting(self.usage.waiting_usage()),
                requests: waiting(self.consents.requests.waiting()),
            },
            sent: self.counters.acknowledged().clone(),
            dropped: self.counters.dropped().clone(),
            requests: self.consents.requests.tickets.all().to_vec(),
            bundles: self.cases.bundles(),
            invitations: self.uplink.invitations.shown(&self.registry, now),
            notices: self.consents.requests.news.kept().standing(now),
            contacts: self.uplink.contacts.answered(),
            keys: (&self.protector).into(),
            busy: self.is_busy(),
            disk_bytes: disk_bytes.ok(),
            problems: problems.iter().map(Said::to_string).collect(),
            problem_texts: problems,
        }
    }

    fn all_problems(&self, now: i64) -> Vec<Said> {
        let raised = self.health.problems(self.since_start()).map(|(subject, what)| problem(subject, what));
        let looked_at = self.looked_at(now).into_iter().map(|(subject, what)| problem(subject, &what));
        raised.chain(looked_at).collect()
    }

    /// Problems that nobody raises, because a look tells whether they are there.
    fn looked_at(&self, now: i64) -> Vec<(Subject, Said)> {
        let mut problems = Vec::new();
        let mut add = |subject, what: Said| problems.push((subject, what));
        match presence::is_there(&super::decommission::begun(&self.config.data_dir)) {
            Ok(false) => {}
            Ok(true) => add(Subject::Leaving, Cause::Leaving.said()),
            Err(e) => add(Subject::Leaving, Trouble::from(e).said()),
        }
        match workstation::is_of_this_machine(&self.config.data_dir) {
            Ok(Some(false)) => add(Subject::Copied, Cause::Copied.said()),
            Ok(_) => {}
            Err(e) => add(Subject::Copied, Trouble::from(e).said()),
        }
        if let Standing::Kept(kept) = usage_standing(&self.config, &self.registry, now) {
            add(Subject::Kept, kept.said());
        }
        set_aside_problem(&self.vault).into_iter().for_each(|what| add(Subject::KeysSetAside, what));
        let unread = self.folders.problems(&self.config.kathea);
        unread.into_iter().for_each(|what| add(Subject::FoldersUnread, what));
        self.registry.problems(now).into_iter().for_each(|what| add(Subject::Registry, what));
        let tickets = self.consents.requests.tickets.problems(&to_text(now));
        tickets.into_iter().for_each(|what| add(Subject::Tickets, what));
        self.consents.requests.news.problems(now).into_iter().for_each(|what| add(Subject::News, what));
        let answer = self.consents.requests.answer.problem(&self.consents.requests.tickets);
        answer.into_iter().for_each(|what| add(Subject::Tickets, what));
        self.uplink.problems().into_iter().for_each(|what| add(Subject::Uplink, what));
        if self.uplink.is_unenrolled() && self.has_something_to_send() {
            add(Subject::NotEnrolled, Cause::NotEnrolled.said());
        }
        problems
    }

    fn has_something_to_send(&self) -> bool {
        let records = self.usage.waiting_usage().records + self.consents.requests.waiting().records;
        records > 0 || self.cases.queue.next(|_| true).is_some()
    }
}

fn waiting(waiting: spool::Waiting) -> Waiting {
    Waiting { records: waiting.records, bytes: waiting.bytes }
}
