//! A case: what all its files share, so that they still fit each other and fit no other case's.
//!
//! Everything here follows from one random key that stays on this computer. A bare hash of an identifier could
//! be guessed by hashing candidates (DICOM PS3.15 E.1.1); under a key that is forgotten with the case it cannot.

use std::fmt;

use data_encoding::HEXLOWER;
use ring::hmac;
use time::{Date, Duration, Month};
use zeroize::Zeroizing;

/// Weeks by which dates move back, at most: ten years.
const MOST_WEEKS: u64 = 520;
/// Root of DICOM's own registered identifiers (PS3.6 Annex A): they name formats, never an object.
const WELL_KNOWN: &str = "1.2.840.10008.";
/// Digits of a component of a registered identifier; more would leave room for somebody's number.
const WELL_KNOWN_DIGITS: usize = 5;

/// One case. Its key is wiped on drop.
pub struct Case {
    key: Zeroizing<[u8; 32]>,
    shift: Duration,
}

impl Case {
    /// The case with this key, which has to be random and of this case alone. Another `draw` moves its dates by
    /// other weeks, should the first fall on somebody's birthday.
    pub fn new(key: Zeroizing<[u8; 32]>, draw: u32) -> Self {
        let mut case = Self { key, shift: Duration::ZERO };
        let drawn = case.number("shift", &draw.to_string()) as u64;
        case.shift = Duration::weeks(1 + (drawn % MOST_WEEKS) as i64);
        case
    }

    /// The case's UID in the place of `uid`: `2.25.` and 128 bits (PS3.5 B.2). Well-known ones stay.
    pub fn uid(&self, uid: &str) -> String {
        if is_well_known(uid) {
            return uid.to_owned();
        }
        format!("2.25.{}", self.number("uid", uid))
    }

    /// What stands for an identifier, so that two patients of the case can be told apart: `P-` and 8 hex digits.
    pub fn pseudonym(&self, identifier: &str) -> String {
        let tag = self.tag("pseudonym", identifier);
        format!("P-{}", HEXLOWER.encode(tag.as_ref().get(..4).unwrap_or_default()))
    }

    /// By how much every date of the case moves back: whole weeks, so that the weekday survives.
    pub fn shift(&self) -> Duration {
        self.shift
    }

    /// A civil date, moved; `None` if there is no such day.
    pub fn shift_date(&self, year: i32, month: u8, day: u8) -> Option<(i32, u8, u8)> {
        let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
        let (year, month, day) = date.checked_sub(self.shift)?.to_calendar_date();
        Some((year, month.into(), day))
    }

    fn number(&self, purpose: &str, content: &str) -> u128 {
        let tag = self.tag(purpose, content);
        tag.as_ref().iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
    }

    /// HMAC-SHA-256 (RFC 2104); ring's expanded key lives only during the call.
    fn tag(&self, purpose: &str, content: &str) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.key.as_ref()));
        context.update(purpose.as_bytes());
        context.update(b"\0");
        context.update(content.as_bytes());
        context.sign()
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Case(..)")
    }
}

/// Whether DICOM registered it; what merely begins like that may hold anything.
pub(super) fn is_well_known(uid: &str) -> bool {
    uid.strip_prefix(WELL_KNOWN).is_some_and(|rest| {
        rest.split('.').all(|part| {
            (1..=WELL_KNOWN_DIGITS).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(byte: u8) -> Case {
        Case::new(Zeroizing::new([byte; 32]), 0)
    }

    #[test]
    fn a_case_maps_alike_and_two_cases_do_not() {
        let uid = "1.2.826.0.1.3680043.8.498.1";
        assert_eq!(case(1).uid(uid), case(1).uid(uid));
        assert_ne!(case(1).uid(uid), case(2).uid(uid));
        assert_ne!(case(1).uid(uid), case(1).uid("1.2.826.0.1.3680043.8.498.2"));
        assert_ne!(case(1).pseudonym("010180-1234"), case(2).pseudonym("010180-1234"));
        assert_eq!(case(1).pseudonym("010180-1234").len(), 10);
    }

    #[test]
    fn a_uid_is_well_formed_and_only_a_registered_one_stays() {
        let uid = case(3).uid("not a uid");
        assert!(uid.starts_with("2.25.") && uid.len() <= 44, "{uid}");
        assert_eq!(case(3).uid("1.2.840.10008.1.2.1"), "1.2.840.10008.1.2.1");
        for planted in ["1.2.840.10008.HANSEN", "1.2.840.10008.0101801234", "1.2.840.10008.", "1.2.840.10008"]
        {
            assert!(case(3).uid(planted).starts_with("2.25."), "{planted}");
        }
    }

    #[test]
    fn dates_go_back_by_the_same_whole_weeks() {
        for byte in 0..=255 {
            let case = case(byte);
            let weeks = case.shift().whole_weeks();
            assert!((1..=520).contains(&weeks) && case.shift() == Duration::weeks(weeks));
            let before = Date::from_calendar_date(2026, Month::November, 22).unwrap();
            let (year, month, day) = case.shift_date(2026, 11, 22).unwrap();
            let after = Date::from_calendar_date(year, month.try_into().unwrap(), day).unwrap();
            assert_eq!(before - after, case.shift());
            assert_eq!(before.weekday(), after.weekday());
        }
        assert_eq!(case(0).shift_date(2026, 2, 30), None);
        assert_eq!(case(0).shift_date(-9999, 1, 1), None);
    }

    #[test]
    fn another_draw_moves_dates_elsewhere_and_nothing_else() {
        let drawn = |draw| Case::new(Zeroizing::new([9; 32]), draw);
        let shifts: std::collections::BTreeSet<_> = (0..20).map(|draw| drawn(draw).shift()).collect();
        assert!(shifts.len() > 15, "{shifts:?}");
        assert_eq!(
            (drawn(0).uid("1.2.3"), drawn(0).pseudonym("x")),
            (drawn(1).uid("1.2.3"), drawn(1).pseudonym("x"))
        );
    }

    #[test]
    fn a_case_prints_nothing() {
        assert_eq!(format!("{:?}", case(7)), "Case(..)");
    }
}
