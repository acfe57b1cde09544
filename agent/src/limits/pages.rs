//! Limits of the pages that a clinic reads, and of the checks on them.

// Pages

/// Bytes of `preview.html`: what a browser on a clinic's PC opens without a wait. The rest is read by `support show`.
pub const PREVIEW: u64 = 20_000_000;

/// Bytes of one file that `preview.html` holds; of a longer one it holds the beginning.
pub const PREVIEW_FILE: u64 = 2 << 20;

/// Bytes of the beginning of a longer file: what a person reads before giving up.
pub const PREVIEW_BEGINNING: u64 = 64 << 10;

/// Files that `preview.html` lists by name; of a folder of more, the others are counted.
pub const PREVIEW_FILES: usize = 10_000;

// The privacy report

/// Bytes of what was sent last that are kept to be read: some ten full records, a day or two of a clinic.
pub const SENT_BYTES: usize = 64 << 10;

/// Sealed records of one batch that are looked at for it.
pub const SENT_ITEMS: usize = 256;

// Checks of the workstation: our own numbers, until the X1's manual gives others

/// Bytes free below which the system's volume fails: an update no longer installs.
pub const SYSTEM_FULL: u64 = 2 << 30;

/// Bytes free below which somebody should look.
pub const SYSTEM_LOW: u64 = 10 << 30;

/// Bytes free below which the volume of scans fails: some ten large scans.
pub const SCANS_FULL: u64 = 10 << 30;

/// Bytes free below which somebody should look: a week of scans.
pub const SCANS_LOW: u64 = 50 << 30;

/// Seconds that a log may be ahead of the clock: a file share's clock differs by some.
pub const CLOCK_TURNED: i64 = 600;

/// Days after which a calibration is due.
pub const CALIBRATION_DAYS: u64 = 365;

/// Times an error code comes in the last logs before somebody should look.
pub const ERROR_REPEATED: u64 = 3;

/// Times after which it is no accident.
pub const ERROR_OFTEN: u64 = 10;

/// Resets of the graphics card in a week after which reconstructions fail.
pub const RESETS_OFTEN: u64 = 3;

/// Bytes of the end of each log that are looked through for error codes.
pub const CHECK_LOG: u64 = 1 << 20;

/// Documents that the checks read, the newest: each calibration, constancy test and encoder of a month fits.
pub const CHECK_DOCUMENTS: usize = 100;

/// Logs that are looked through, the newest first.
pub const CHECK_LOGS: usize = 16;

/// Days of sending that are remembered as counts: a quarter's chart.
pub const SENT_DAYS: usize = 92;

/// Sealed batches that the privacy report shows the records of; the export holds all.
pub const REPORT_BATCHES: usize = 1_000;

/// Months of the clinic's own history: two years, so that a month can be compared with the same one of the year before.
pub const HISTORY_MONTHS: u32 = 24;

/// Values of one figure of it, whatever the clock says: three years of days, some 100 KB in all.
pub const HISTORY_DAYS: usize = 1_096;

/// Values of patients that one shown mean of it has at least: no single exposure is shown.
pub const HISTORY_FEWEST: u32 = 3;
