//! Shared by all tables: words stored as list positions, numbers within SQL's range, verified checksums.

use protocol::ledger::EventKind;
use protocol::rights::PrivacyKind;
use protocol::{CaseReason, Digest, Purpose, Reason};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::failure::Failure;
use crate::store::rules::decide::Standing;

/// A closed list, whose places are what the tables hold: never reordered, new words go to its end.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// The list.
    const LIST: &'static [Self];

    /// The word's place.
    fn place(self) -> i64 {
        Self::LIST.iter().position(|word| *word == self).map_or(-1, |place| place as i64)
    }

    /// The word of a place.
    fn at(place: i64) -> Result<Self, Failure> {
        let word = usize::try_from(place).ok().and_then(|place| Self::LIST.get(place)).copied();
        word.ok_or_else(|| {
            Failure::damaged("a row of the store has a word that there is not; `verify` names it")
        })
    }
}

impl Word for Purpose {
    const LIST: &'static [Self] = Self::ALL;
}

impl Word for Reason {
    const LIST: &'static [Self] = Self::ALL;
}

impl Word for CaseReason {
    const LIST: &'static [Self] = Self::ALL;
}

impl Word for EventKind {
    const LIST: &'static [Self] = &[
        Self::Granted,
        Self::Denied,
        Self::Withdrawn,
        Self::Closed,
        Self::Restricted,
        Self::Released,
        Self::Expired,
    ];
}

impl Word for Standing {
    const LIST: &'static [Self] = &[Self::Unknown, Self::Active, Self::Revoked, Self::Retired];
}

impl Word for PrivacyKind {
    const LIST: &'static [Self] = Self::ALL;
}

/// Checks the sum of a row that was read.
pub(crate) fn check(
    stored: [u8; 32],
    computed: Digest,
    what: impl FnOnce() -> String,
) -> Result<(), Failure> {
    if stored == computed.to_bytes() {
        return Ok(());
    }
    Err(Failure::damaged(format!("{} is damaged; `verify` says what is lost", what())))
}

/// A sequence number as SQL has it. The wire's larger ones are refused before.
pub(crate) fn number(seq: u64) -> i64 {
    i64::try_from(seq).unwrap_or(i64::MAX)
}

/// A sequence number as it was.
pub(crate) fn seq(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// A time as the tables have it.
pub(crate) fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// A time of the tables.
pub(crate) fn time(micros: i64) -> OffsetDateTime {
    // Out of range only by damage, which a sum shows.
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// A time of the tables as every file and answer has it: to the second.
pub(crate) fn text(micros: i64) -> String {
    rfc3339(time(micros))
}

/// A time to the second.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    // Fails only for years that no clock shows.
    time.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}

/// Days since 1970.
pub(crate) fn day(micros: i64) -> i64 {
    micros.div_euclid(86_400_000_000)
}
