//! What is wrong now: raised where it is met, cleared where its cause is gone, shown by `status` with its remedy.

mod cause;
mod subject;

use std::collections::BTreeMap;
use std::time::Duration;

use log::warn;

pub(super) use cause::{Cause, Unsent, Unwatched};
pub(super) use subject::Subject;

use super::Trouble;
use crate::limits;
use crate::spool::SpoolError;
use crate::texts::{Said, Text};

/// Problems, at most one for each subject.
#[derive(Debug)]
pub(super) struct Health {
    raised: BTreeMap<Subject, Raised>,
    /// Something failed: what is due waits until then, since the start.
    quiet_until: Duration,
    store: Store,
}

/// A problem, and when it was raised, since the start.
#[derive(Debug)]
struct Raised {
    what: Said,
    at: Duration,
}

/// Whether the store can be used in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    Usable,
    /// The process has to end, and the service manager starts it again.
    Poisoned,
}

impl Default for Health {
    fn default() -> Self {
        Self { raised: BTreeMap::new(), quiet_until: Duration::ZERO, store: Store::Usable }
    }
}

impl Health {
    /// Raises a problem at `elapsed` since the start, in place of what was said of its subject before.
    pub(super) fn raise(&mut self, subject: Subject, what: &impl Text, elapsed: Duration) {
        self.raised.insert(subject, Raised { what: what.said(), at: elapsed });
    }

    /// Clears a problem.
    pub(super) fn clear(&mut self, subject: Subject) {
        self.raised.remove(&subject);
    }

    /// Whether a problem of this subject is raised.
    pub(super) fn is_raised(&self, subject: Subject) -> bool {
        self.raised.contains_key(&subject)
    }

    /// Raises what failed `elapsed` after the start; what is due waits for a moment.
    pub(super) fn trouble(&mut self, subject: Subject, trouble: &Trouble, elapsed: Duration) {
        warn!("{trouble}");
        self.quiet_until = elapsed + limits::TROUBLE_PAUSE;
        if matches!(trouble, Trouble::Spool(SpoolError::Poisoned)) {
            self.store = Store::Poisoned;
        }
        self.raise(subject, trouble, elapsed);
    }

    /// Every problem at `elapsed` since the start, in the order of their subjects.
    pub(super) fn problems(&self, elapsed: Duration) -> impl Iterator<Item = (Subject, &Said)> {
        self.raised.iter().filter_map(move |(subject, raised)| {
            let is_shown = subject.shown_for().is_none_or(|span| elapsed.saturating_sub(raised.at) < span);
            is_shown.then_some((*subject, &raised.what))
        })
    }

    /// Nothing that is due is tried before, since the start.
    pub(super) const fn quiet_until(&self) -> Duration {
        self.quiet_until
    }

    /// Whether the store can be used.
    pub(super) const fn store(&self) -> Store {
        self.store
    }
}

/// A problem as `status` shows it: the subject is its key; what is wrong, and what to do about it, are its text.
pub(super) fn problem(subject: Subject, what: &Said) -> Said {
    Said { key: subject.key(), ..what.clone().with_remedy(&subject) }
}

#[cfg(test)]
mod site;
#[cfg(test)]
mod tests;
