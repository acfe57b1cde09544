//! The periods of a privacy request: until when it is to be answered, until when an erasure can be taken back, and
//! what may then be erased.

use protocol::Purpose;
use protocol::period::months_later;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::retention::DAY;

/// How long a clinic can take an erasure back. It is carried out after that.
pub(crate) const REVOCABLE: i64 = 14 * DAY;

/// Something that is kept although its erasure was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Until then, microseconds since 1970.
    pub(crate) until: i64,
    pub(crate) purposes: Vec<Purpose>,
}

/// What is known of an erasure that was asked for. Times are microseconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Erasure {
    pub(crate) received: i64,
    /// Everything was erased.
    pub(crate) is_done: bool,
    /// The clinic took it back.
    pub(crate) is_revoked: bool,
    /// It was carried out but for what is held.
    pub(crate) is_done_in_part: bool,
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) held: Option<Held>,
}

/// What is to be done about an erasure now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing any more.
    Nothing,
    /// Nothing before this time.
    Wait(i64),
    /// Erase these; `kept` is held.
    Erase { purposes: Vec<Purpose>, kept: Vec<Purpose> },
}

/// Decides about one erasure. `at_once`: the clinic asked not to wait.
pub(crate) fn next(erasure: &Erasure, at_once: bool, now: i64) -> Next {
    if erasure.is_done || erasure.is_revoked {
        return Next::Nothing;
    }
    let revocable = erasure.received.saturating_add(REVOCABLE);
    if now < revocable && !at_once {
        return Next::Wait(revocable);
    }
    let held = erasure.held.as_ref().filter(|held| now < held.until);
    let is_held = |purpose: &Purpose| held.is_some_and(|held| held.purposes.contains(purpose));
    let (kept, purposes): (Vec<_>, Vec<_>) = erasure.purposes.iter().copied().partition(is_held);
    match held {
        Some(held) if erasure.is_done_in_part => Next::Wait(held.until),
        _ => Next::Erase { purposes, kept },
    }
}

/// Whether an erasure can be taken back.
pub(crate) fn is_revocable(erasure: &Erasure, now: i64) -> bool {
    !erasure.is_done
        && !erasure.is_revoked
        && !erasure.is_done_in_part
        && now < erasure.received.saturating_add(REVOCABLE)
}

/// Days before now that a request may say it was first received: longer than any is open.
const FIRST: i64 = 92 * DAY;

/// When an erasure counts as received, microseconds since 1970: when it was `first`, by an earlier answer to a request
/// that is sent again, unless that cannot be.
pub(crate) fn received(first: Option<&str>, now: i64) -> i64 {
    let first = first.and_then(|first| OffsetDateTime::parse(first, &Rfc3339).ok());
    let first = first.and_then(|first| i64::try_from(first.unix_timestamp_nanos() / 1000).ok());
    first.filter(|first| (now - FIRST..=now).contains(first)).unwrap_or(now)
}

/// When a request is to be answered: a month after it came, three where that was extended (GDPR art. 12(3)).
pub(crate) fn due(received: OffsetDateTime, is_extended: bool) -> OffsetDateTime {
    months_later(received, if is_extended { 3 } else { 1 }).unwrap_or(received)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 20_000 * DAY;
    const CASE: [Purpose; 2] = [Purpose::SupportCase, Purpose::SupportScanData];

    fn asked() -> Erasure {
        Erasure {
            received: NOW,
            is_done: false,
            is_revoked: false,
            is_done_in_part: false,
            purposes: Purpose::ALL.to_vec(),
            held: None,
        }
    }

    #[test]
    fn nothing_is_erased_within_fourteen_days_unless_the_clinic_asks() {
        let all = Next::Erase { purposes: Purpose::ALL.to_vec(), kept: Vec::new() };
        assert_eq!(next(&asked(), false, NOW + REVOCABLE - 1), Next::Wait(NOW + REVOCABLE));
        assert_eq!(next(&asked(), false, NOW + REVOCABLE), all);
        assert_eq!(next(&asked(), true, NOW), all);
        for over in [Erasure { is_done: true, ..asked() }, Erasure { is_revoked: true, ..asked() }] {
            assert_eq!(next(&over, true, NOW + 90 * DAY), Next::Nothing);
            assert!(!is_revocable(&over, NOW));
        }
        assert!(is_revocable(&asked(), NOW) && !is_revocable(&asked(), NOW + REVOCABLE));
    }

    #[test]
    fn what_is_held_stays_and_goes_when_the_hold_is_over() {
        let held = Some(Held { until: NOW + 100 * DAY, purposes: CASE.to_vec() });
        let asked = Erasure { held, ..asked() };
        let usage = vec![Purpose::UsageStatistics];
        let part = Next::Erase { purposes: usage, kept: CASE.to_vec() };
        assert_eq!(next(&asked, false, NOW + 20 * DAY), part);
        let asked = Erasure { is_done_in_part: true, ..asked };
        assert_eq!(next(&asked, false, NOW + 21 * DAY), Next::Wait(NOW + 100 * DAY));
        assert!(!is_revocable(&asked, NOW), "what is gone can't be taken back");
        let rest = Next::Erase { purposes: Purpose::ALL.to_vec(), kept: Vec::new() };
        assert_eq!(next(&asked, false, NOW + 100 * DAY), rest);
    }

    #[test]
    fn a_request_that_is_sent_again_was_received_when_it_first_was() {
        let text = |at: i64| {
            super::super::super::rfc3339(OffsetDateTime::from_unix_timestamp(at / 1_000_000).unwrap())
        };
        for days in [0, 3, 91] {
            assert_eq!(received(Some(&text(NOW - days * DAY)), NOW), NOW - days * DAY);
        }
        for cannot_be in [text(NOW + DAY), text(NOW - 93 * DAY), "yesterday".to_owned()] {
            assert_eq!(received(Some(&cannot_be), NOW), NOW);
        }
        assert_eq!(received(None, NOW), NOW);
    }

    #[test]
    fn a_month_is_a_month_of_the_calendar() {
        let at = |text: &str| OffsetDateTime::parse(text, &Rfc3339).unwrap();
        for (received, month, quarter) in [
            ("2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z", "2026-04-30T10:00:00Z"),
            ("2027-11-29T00:00:00Z", "2027-12-29T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("2026-12-15T00:00:00Z", "2027-01-15T00:00:00Z", "2027-03-15T00:00:00Z"),
        ] {
            assert_eq!((due(at(received), false), due(at(received), true)), (at(month), at(quarter)));
        }
    }
}
