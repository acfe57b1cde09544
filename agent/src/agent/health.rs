//! What is wrong now, for `status`, and what the loop does about it.

use std::collections::BTreeMap;
use std::time::Duration;

use log::warn;

use super::Trouble;
use crate::limits;
use crate::spool::SpoolError;

/// Problems, one sentence for each subject.
#[derive(Debug, Default)]
pub(super) struct Health {
    problems: BTreeMap<&'static str, String>,
    /// Something failed: what is due waits until then, since the start.
    quiet_until: Duration,
    /// The store cannot go on in this process: it ends, and the service manager starts it again.
    is_poisoned: bool,
}

impl Health {
    /// Raises a problem, in place of what was said of its subject before.
    pub(super) fn note(&mut self, subject: &'static str, what: impl Into<String>) {
        self.problems.insert(subject, what.into());
    }

    /// Clears a problem.
    pub(super) fn solved(&mut self, subject: &str) {
        self.problems.remove(subject);
    }

    /// Whether a problem of this subject is raised.
    pub(super) fn is_raised(&self, subject: &str) -> bool {
        self.problems.contains_key(subject)
    }

    /// Raises what failed `elapsed` after the start; what is due waits for a moment.
    pub(super) fn trouble(&mut self, subject: &'static str, trouble: &Trouble, elapsed: Duration) {
        warn!("{trouble}");
        self.quiet_until = elapsed + limits::TROUBLE_PAUSE;
        self.is_poisoned |= matches!(trouble, Trouble::Spool(SpoolError::Poisoned));
        self.note(subject, trouble.to_string());
    }

    /// Every problem, in the order of their subjects.
    pub(super) fn problems(&self) -> impl Iterator<Item = &String> {
        self.problems.values()
    }

    /// Nothing that is due is tried before, since the start.
    pub(super) const fn quiet_until(&self) -> Duration {
        self.quiet_until
    }

    /// Whether the process has to end.
    pub(super) const fn is_poisoned(&self) -> bool {
        self.is_poisoned
    }
}
