//! How much the collector keeps of one device, and takes from it in one day. A device beyond a limit is
//! refused; nothing of any other device is.

/// Ledger entries of one device: several a week for thirty years.
pub(crate) const LINES: i64 = 10_000;
/// Ledger entries of one device in one day.
pub(crate) const LINES_A_DAY: i64 = 1_000;
/// Requests of one device in one day that the store had to answer by writing.
pub(crate) const REQUESTS_A_DAY: i64 = 100_000;
/// Privacy requests of one device: each is kept for ever.
pub(crate) const PRIVACY_REQUESTS: i64 = 1_000;
/// Bytes of envelopes of one device.
pub(crate) const BYTES: i64 = 1 << 30;
/// Streams of one device, each an epoch of a purpose: ten starts a day for thirty years.
pub(crate) const STREAMS: i64 = 1 << 17;
/// Ranges and gaps of one epoch. One request loads at most so many of each: half a MiB.
pub(crate) const SPANS: i64 = 1 << 14;
/// Largest sequence number: SQL has no unsigned integer.
pub(crate) const SEQ: u64 = i64::MAX as u64 - 1;

/// What a device used up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// Bytes of envelopes that are held.
    pub(crate) bytes: i64,
    /// Streams.
    pub(crate) streams: i64,
    /// Days since 1970 that the next two are counts of.
    pub(crate) day: i64,
    /// Requests of that day.
    pub(crate) requests: i64,
    /// Ledger entries of that day.
    pub(crate) lines: i64,
}

/// A limit that a device reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    /// It may come again on another day.
    Today,
    /// Nothing more of this kind is kept.
    ForGood,
}

impl Used {
    /// The counts as of `day`, one request later.
    pub(crate) fn on(self, day: i64) -> Self {
        // A clock that went back does not open a new day.
        if day > self.day {
            return Self { day, requests: 1, lines: 0, ..self };
        }
        Self { requests: self.requests.saturating_add(1), ..self }
    }

    /// Whether the device may make this request.
    pub(crate) fn allows_request(&self) -> Result<(), Reached> {
        if self.requests > REQUESTS_A_DAY { Err(Reached::Today) } else { Ok(()) }
    }

    /// Whether the device, of which `known` ledger entries are kept, may add one.
    pub(crate) fn allows_line(&self, known: i64) -> Result<(), Reached> {
        if known >= LINES {
            Err(Reached::ForGood)
        } else if self.lines >= LINES_A_DAY {
            Err(Reached::Today)
        } else {
            Ok(())
        }
    }

    /// Whether the device may add an envelope of `bytes`.
    pub(crate) fn allows_bytes(&self, bytes: i64) -> Result<(), Reached> {
        if self.bytes.saturating_add(bytes) > BYTES { Err(Reached::ForGood) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_and_a_clock_that_goes_back_opens_none() {
        let used = Used { day: 10, requests: REQUESTS_A_DAY - 1, lines: LINES_A_DAY, ..Used::default() };
        assert_eq!(used.on(10).allows_request(), Ok(()));
        assert_eq!(used.on(10).on(10).allows_request(), Err(Reached::Today));
        assert_eq!(used.on(10).on(9).allows_request(), Err(Reached::Today));
        assert_eq!(used.on(11).allows_request(), Ok(()));
        assert_eq!(used.on(10).allows_line(5), Err(Reached::Today));
        assert_eq!(used.on(11).allows_line(5), Ok(()));
        assert_eq!(used.on(11).allows_line(LINES), Err(Reached::ForGood));
        assert_eq!(Used { bytes: BYTES, ..used }.allows_bytes(1), Err(Reached::ForGood));
        assert_eq!(Used { bytes: i64::MAX, ..used }.allows_bytes(i64::MAX), Err(Reached::ForGood));
    }
}
