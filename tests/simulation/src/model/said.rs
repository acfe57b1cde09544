//! A file that Kathea wrote, and what may become of it.

use super::{AHEAD, Seen};
use crate::world::DAY;

/// A file that Kathea wrote. All its events happened at one moment.
#[derive(Clone, Debug)]
pub struct Said {
    /// Its name.
    pub name: String,
    /// When it was written, in true time.
    pub written: i64,
    /// The same by the workstation's clock: what its events say.
    pub at: i64,
    /// Its errors of the X1, each once.
    pub errors: Vec<u64>,
    /// Its uses of features, by feature.
    pub uses: Vec<u64>,
    /// A yes covered it when it was written, or since a release, and nobody said no since: it may have been taken in under that yes, and removed
    /// later, where the disk failed between the two.
    pub is_covered: bool,
    /// What was counted as erased before that yes ended: what was taken in under it is counted there, and the file goes
    /// with it.
    pub erased_after: Option<u64>,
}

impl Said {
    /// Its events.
    pub fn lines(&self) -> u64 {
        (self.errors.len() + self.uses.len()) as u64
    }

    /// The policy lets nothing of then wait on the device, and there is a grant under which it is looked at.
    pub(super) fn is_overdue(&self, seen: &Seen<'_>) -> bool {
        seen.granted.is_some() && seen.wall - self.at >= seen.on_device.0 * DAY
    }

    /// One queue may have its part and the disk have failed behind that: what is read again after a no, under a later yes or
    /// when the clock was set back is counted as refused.
    pub(super) fn may_be_refused_in_part(&self, seen: &Seen<'_>) -> bool {
        let precedes = seen.granted.is_some_and(|granted| self.at < granted);
        let is_ahead = self.at > seen.wall + AHEAD;
        self.erased_after.is_some() || self.is_covered && (precedes || is_ahead)
    }
}
