//! Errors of consent: why an answer was not accepted.

use std::fmt;
use std::io;

use crate::presence::Why;

/// Why an answer was not taken. Each says what to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsentError {
    /// The policy does not ask for it.
    NotOffered,
    /// The administrator's no.
    Forbidden,
    /// Scan data of a case without a yes to the case.
    NeedsCase,
    /// The digest is not that of the notice.
    NotShown,
    /// The clock can't be right.
    Clock,
    /// The ledger can't be trusted.
    Untrusted,
    /// An earlier withdrawal is not finished.
    Withdrawing,
    /// There is a yes, which only a withdrawal ends.
    Granted,
    /// There is nothing to restrict.
    NoYes,
    /// There is nothing to release.
    NotRestricted,
    /// The ledger can't be read now.
    Unreadable(io::ErrorKind),
    /// The ledger can't be written.
    Ledger(io::ErrorKind),
}

impl ConsentError {
    /// Whether consent or policy stands against it, and not a failure.
    pub const fn is_refusal(self) -> bool {
        !matches!(self, Self::Ledger(_) | Self::Clock)
    }
}

impl fmt::Display for ConsentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered => f.write_str("the policy does not offer this purpose: there is nothing to answer"),
            Self::Forbidden => f.write_str(
                "the administrator forbids it: `forbid = true` under [consent] in the configuration must go first",
            ),
            Self::NeedsCase => {
                f.write_str("scan data belongs to a support case: say yes to `support_case` of this case first")
            }
            Self::NotShown => f.write_str(
                "the digest is not that of the notice: read it with `consent show` and repeat its digest",
            ),
            Self::Clock => {
                f.write_str("the clock is outside the policy's period of validity: set the clock and answer again")
            }
            Self::Untrusted => f.write_str(
                "the consent ledger cannot be trusted (`consent verify` says why): `consent withdraw` erases what \
                 waits under it and begins a new one; then answer again",
            ),
            Self::Withdrawing => {
                f.write_str("an earlier withdrawal is still running: answer again when it is done")
            }
            Self::Granted => f.write_str("consent is granted: withdraw it with `consent withdraw`"),
            Self::NoYes => f.write_str("there is no consent, so nothing is kept that could be restricted"),
            Self::NotRestricted => f.write_str("processing is not restricted: there is nothing to release"),
            Self::Unreadable(why) => write!(
                f,
                "the consent registry cannot be read now ({}): nothing was changed, and nothing is allowed meanwhile; \
                 check the disk, and answer again",
                Why(*why)
            ),
            Self::Ledger(why) => write!(
                f,
                "the answer could not be written down ({}): check the rights and the space of data_dir, and \
                 answer again",
                Why(*why)
            ),
        }
    }
}

impl std::error::Error for ConsentError {}
