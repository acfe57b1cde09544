//! When the disk is measured for the quota: to measure is to walk every queue's directories.

use crate::limits;

/// How much lay on the disk when that was last measured.
#[derive(Debug, Default)]
pub(super) struct Measured {
    held: Option<u64>,
    commits: u32,
    /// Bytes of sealed records since.
    sealed: u64,
}

impl Measured {
    /// So much lies there.
    pub(super) fn of(held: u64) -> Self {
        Self { held: Some(held), ..Self::default() }
    }

    /// So many bytes of sealed records were committed.
    pub(super) fn committed(&mut self, sealed: usize) {
        self.commits += 1;
        self.sealed += sealed as u64;
    }

    /// Whether what was committed since may have brought the disk to `quota`.
    pub(super) fn is_due(&self, quota: u64) -> bool {
        self.held.is_none_or(|held| held.saturating_add(limits::QUOTA_MARGIN) > quota)
            || self.commits >= limits::QUOTA_COMMITS
            || self.sealed >= limits::QUOTA_SEALED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_measured_before_what_was_committed_can_reach_the_quota() {
        let quota = 64 << 20;
        let far = || Measured::of(1 << 20);
        assert!(Measured::default().is_due(quota), "nothing is known");
        assert!(!far().is_due(quota) && far().is_due(limits::LEAST_QUOTA));
        let mut near = Measured::of(quota - limits::QUOTA_MARGIN);
        assert!(!near.is_due(quota));
        near.held = near.held.map(|held| held + 1);
        assert!(near.is_due(quota));
        let (mut often, mut much) = (far(), far());
        (0..limits::QUOTA_COMMITS).for_each(|_| often.committed(1));
        much.committed(limits::QUOTA_SEALED as usize);
        assert!(often.is_due(quota) && much.is_due(quota));
    }
}
