//! A contact that a person asked for: now, and while a case is open again every half minute, an hour at most. It carries
//! nothing; the answer's head brings what the vendor asks for.

use std::time::Duration;

use super::super::cx::Cx;
use super::transfer::{About, Transfer};
use crate::consent::permit::SupportCase;
use crate::limits;
use crate::ship::pace::Reply;
use crate::ship::routes;

/// The contacts that persons asked for.
#[derive(Debug, Default)]
pub(in crate::agent) struct Contacts {
    asked: Option<Asked>,
    answered: u64,
}

/// What a person asked for, in time since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Asked {
    next: Duration,
    until: Duration,
}

impl Asked {
    /// What is left of it after a contact at `elapsed`.
    fn after(self, elapsed: Duration, is_case_open: bool) -> Option<Self> {
        let next = elapsed + limits::CONTACT_EVERY;
        (is_case_open && next <= self.until).then_some(Self { next, ..self })
    }
}

impl Contacts {
    /// A person asks for a contact.
    pub(in crate::agent) fn ask(&mut self, elapsed: Duration) {
        self.asked = Some(Asked { next: elapsed, until: elapsed + limits::CONTACT_FOR });
    }

    /// When the next one is due, since the start. None without a grant for anything, however it was asked for.
    pub(super) fn due(&mut self, cx: &Cx<'_>) -> Option<Duration> {
        self.asked = self.asked.filter(|_| cx.may_send());
        self.asked.map(|asked| asked.next)
    }

    /// The collector answered, or not: one that has no time now, or cannot be reached, is not asked again.
    pub(in crate::agent) fn contacted(&mut self, cx: &Cx<'_>, reply: &Reply) {
        let is_welcome = matches!(reply, Reply::Welcome);
        let registry = cx.registry;
        let is_case_open =
            registry.cases().iter().any(|case| registry.permit_case::<SupportCase>(case, cx.now).is_some());
        self.asked =
            self.asked.filter(|_| is_welcome).and_then(|asked| asked.after(cx.elapsed, is_case_open));
        if is_welcome {
            self.answered += 1;
        }
    }

    /// How many were answered since the start.
    pub(in crate::agent) fn answered(&self) -> u64 {
        self.answered
    }
}

/// It carries nothing.
pub(super) fn contact() -> Transfer {
    Transfer { exchange: routes::capabilities(), about: About::Contact }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_is_repeated_while_a_case_is_open_and_no_longer_than_an_hour() {
        let start = Duration::from_secs(1000);
        let asked = Asked { next: start, until: start + limits::CONTACT_FOR };
        assert_eq!(asked.after(start, false), None, "once");
        let mut left = Some(asked);
        let mut contacts = 0;
        while let Some(asked) = left {
            contacts += 1;
            assert!(asked.next <= asked.until);
            left = asked.after(asked.next, true);
        }
        assert_eq!(contacts, 121, "every half minute for an hour, both ends");
    }
}
