//! When a commit comes, and when the bytes on the disk are measured after it: that is to walk every queue's directories.

/// Bytes of a whole file in the outbox that do not wait for more: some five hundred lines.
pub const OUTBOX_ENOUGH: u64 = 64 << 10;

/// Bytes below the quota from which on each commit measures: many times what is committed between two looks, with what
/// sled writes beside it and leaves to be collected.
pub const QUOTA_MARGIN: u64 = 32 << 20;

/// Commits between two looks, while the quota is farther.
pub const QUOTA_COMMITS: u32 = 64;

/// Bytes of sealed records between two looks, likewise.
pub const QUOTA_SEALED: u64 = 1 << 20;
