//! The state of a flag: a pure function of the ledger's lines, the policy and the time.

use std::fmt;

use protocol::ledger::EventKind;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::chain::Line;
use super::flag::Flag;
use super::policy::Policy;
use crate::limits;

/// What may be done for a purpose. Only [`State::Granted`] opens anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The controller's policy does not ask for it.
    NotOffered,
    /// Nobody answered, or the answer can't be trusted.
    Unset,
    /// Yes, under the current policy.
    Granted,
    /// No.
    Denied,
    /// Not any more.
    Withdrawn,
    /// Keep, but neither use nor send (GDPR art. 18).
    Restricted,
    /// Yes, but to another policy.
    StalePolicy,
    /// Yes, but its period is over, or the clock says it has not begun.
    Expired,
}

impl State {
    /// Its word in `status` and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotOffered => "not_offered",
            Self::Unset => "unset",
            Self::Granted => "granted",
            Self::Denied => "denied",
            Self::Withdrawn => "withdrawn",
            Self::Restricted => "restricted",
            Self::StalePolicy => "stale_policy",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the lines say about one purpose.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer<'a> {
    /// The newest event.
    pub(super) last: &'a Line,
    /// The yes that stands, or that a withdrawal is still ending.
    pub(super) grant: Option<&'a Line>,
    /// The first of the unbroken series of yeses that the grant stands in: what happened since is covered.
    pub(super) since: Option<&'a Line>,
    /// The withdrawal that is not closed.
    pub(super) withdrawing: Option<&'a Line>,
}

/// The answer under `flag`; `None` if nobody gave one.
pub(super) fn answer<'a>(lines: &'a [Line], flag: &Flag) -> Option<Answer<'a>> {
    let about = |line: &&Line| {
        let asked = &line.entry.processing;
        asked.purpose == flag.purpose() && asked.case.as_ref() == flag.case()
    };
    lines.iter().filter(about).fold(None, |before: Option<Answer<'_>>, line| {
        let now = Answer { last: line, grant: None, since: None, withdrawing: None };
        let kept = before.map_or(now, |before| Answer { last: line, ..before });
        Some(match line.entry.event.kind {
            EventKind::Granted => {
                let since = before.and_then(|before| before.since.filter(|_| renews(before, line)));
                Answer { grant: Some(line), since: since.or(Some(line)), ..now }
            }
            EventKind::Withdrawn => Answer { withdrawing: Some(line), ..kept },
            EventKind::Closed => now,
            EventKind::Denied => Answer { withdrawing: kept.withdrawing, ..now },
            EventKind::Restricted | EventKind::Released | EventKind::Expired => kept,
        })
    })
}

/// Whether this yes follows one that stood until then, to the same policy: nothing was kept in between that
/// nobody allowed.
fn renews(before: Answer<'_>, line: &Line) -> bool {
    let policy = |line: &Line| line.entry.processing.policy_sha256;
    let stood = matches!(before.last.entry.event.kind, EventKind::Granted | EventKind::Released);
    let at = from_text(&line.entry.event.at);
    stood
        && before
            .grant
            .is_some_and(|grant| policy(grant) == policy(line) && at.is_some_and(|at| is_within(grant, at)))
}

/// The state that follows from an answer, under `policy`, at `now` (seconds since 1970).
pub(super) fn state(answer: Option<Answer<'_>>, policy: &Policy, now: i64) -> State {
    let Some(answer) = answer else { return State::Unset };
    match answer.last.entry.event.kind {
        EventKind::Withdrawn | EventKind::Closed => State::Withdrawn,
        EventKind::Denied => State::Denied,
        EventKind::Restricted => State::Restricted,
        EventKind::Expired => State::Expired,
        EventKind::Granted | EventKind::Released => match answer.grant {
            None => State::Unset,
            Some(grant) if !policy.continues(grant.entry.processing.policy_sha256) => State::StalePolicy,
            Some(grant) if is_within(grant, now) => State::Granted,
            Some(_) => State::Expired,
        },
    }
}

/// Whether `now` lies in a grant's life. A clock far behind the grant is wrong; what it would open, nobody knows.
fn is_within(grant: &Line, now: i64) -> bool {
    let event = &grant.entry.event;
    let until = event.until.as_deref().and_then(from_text);
    let life = from_text(&event.at).zip(until);
    life.is_some_and(|(from, until)| now >= from.saturating_sub(limits::CLOCK_BEHIND) && now < until)
}

/// RFC 3339 in UTC; times outside the years 1970 to 9999 are moved to the nearest inside.
pub(crate) fn to_text(now: i64) -> String {
    const LAST: i64 = 253_402_300_799; // 9999-12-31T23:59:59Z
    OffsetDateTime::from_unix_timestamp(now.clamp(0, LAST))
        .ok()
        .and_then(|time| time.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Seconds since 1970 of an RFC 3339 time.
pub(crate) fn from_text(text: &str) -> Option<i64> {
    OffsetDateTime::parse(text, &Rfc3339).ok().map(OffsetDateTime::unix_timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_cannot_be_is_written_as_the_nearest_that_can() {
        assert_eq!(to_text(i64::MIN), "1970-01-01T00:00:00Z");
        assert_eq!(to_text(i64::MAX), "9999-12-31T23:59:59Z");
        assert_eq!(from_text("yesterday"), None);
    }
}
