//! Limits of a support case: what is read, how much fits, how long it may take.

use std::time::Duration;

/// Bytes of text in one frame of a draft: what is held and sealed at a time.
pub const DRAFT_FRAME: usize = 64 << 10;

/// Seconds that a draft is kept: the clinic decides within a day, or it is gathered anew.
pub const DRAFT_LIFE: i64 = 24 * 3600;

/// Bytes of a draft or a bundle in one answer: as base64 it stays below [`super::ANSWER`].
pub const PIECE: usize = 512 << 10;

/// How often work that waits for a scan's end looks, should its wake-up be lost.
pub const HELD_LOOK: Duration = Duration::from_secs(5);

/// Bytes of a draft's index: some 150 for each of [`SUPPORT_FILES`].
pub const DRAFT_INDEX: u64 = 8 << 20;

/// Files that a draft names as left out: who reads more of them calls the vendor.
pub const LEFT_OUT: usize = 100;

/// Files of one bundle: a scan of 1,000 slices, its logs and the rest, ten times.
pub const SUPPORT_FILES: usize = 20_000;

/// Bytes of one bundle, compressed some tenth of it: at 64 KiB/s that is an hour's upload for each 2 GiB.
pub const SUPPORT_BYTES: u64 = 4 << 30;

/// Seconds of logs before the first and after the last scan: a cold start and an export fit.
pub const LOGS_AROUND: i64 = 2 * 3600;

/// Seconds that `--since` may reach back: a week, so that "it began last Monday" is covered.
pub const SINCE: i64 = 7 * 86_400;

/// A window that ended at least so many seconds ago counts as past. Dates move by whole weeks: for a later end the time
/// of the upload gives the number of weeks away.
pub const PRESENT: i64 = 7 * 86_400;

/// Error codes that a summary lists, those that came most often.
pub const SUMMARY_ERRORS: usize = 50;

/// Scan files of a bundle whose paths are noted for `support find`: some 150 bytes each, in a record that is written again
/// with each chunk that is sent.
pub const SCANS_NOTED: usize = 1000;

/// Seconds before the window whose patients a log can mention: who was scanned within a year is looked at again.
pub const LEARN_BACK: i64 = 365 * 86_400;

/// Files that identifiers are learned from beside the chosen scans: 40 a day for a year are 10,000, and a scan that is
/// stored in slices counts as one. Each header is read, and learned from where it says something new.
pub const LEARN_FILES: usize = 100_000;

/// Runs of files below the roots of scans that are listed, 300 bytes each: of a scan in slices one.
pub const SCAN_ENTRIES: usize = 200_000;

/// Files of the chosen scans: ten scans of 1,000 slices.
pub const SCAN_FILES: usize = 10_000;

/// Seconds between two slices of a run: a computer writes them one after the other.
pub const SLICES_WRITTEN: i64 = 60;

/// Seconds between two slices of one scan.
pub const SLICES_APART: i64 = 3600;

/// Scans that a list to pick from shows: a day's.
pub const SCANS_SHOWN: usize = 40;

/// Levels below a folder of logs.
pub const LOG_DEPTH: usize = 6;

/// How long a gathering may take: the patient waits, and what is not there by then is listed as cut.
pub const GATHER: Duration = Duration::from_secs(900);

/// How long one step of it may take once names are learned: a talkative log does not cost the scans their turn.
pub const STEP: Duration = Duration::from_secs(300);

/// Bytes that one step may add, for the same reason: four talkative logs.
pub const STEP_BYTES: u64 = 1 << 30;

/// Logs of one kind.
pub const LOGS: usize = 200;

/// Files below a folder of logs.
pub const LOG_ENTRIES: usize = 10_000;
