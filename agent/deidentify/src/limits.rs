//! Limits of de-identification: of files, of what they teach, and of the process that reads them.

use std::time::Duration;

// DICOM

/// Bytes that are read of a file at a time: the header of most scans is one or two of them.
pub const DICOM_CHUNK: usize = 8 << 10;

/// Sequences in each other; the deepest objects of the standard have eight.
pub const DICOM_DEPTH: usize = 32;

/// Elements and items of one file: an enhanced volume of 1,000 frames has some 50,000.
pub const DICOM_ELEMENTS: u32 = 1_000_000;

/// Elements of the file meta group, which knows some twenty.
pub const DICOM_META: usize = 256;

/// Bytes that a deflated data set may amount to before its pixel data: ten times the largest header.
pub const DICOM_INFLATED: u64 = 64 << 20;

/// Bytes of a value that is read; numbers and texts of a scan have less.
pub const DICOM_VALUE: usize = 64 << 10;

/// Bytes that are held of one file: 1,000 frames with all their functional groups are about 8 MB with the overhead.
pub const DICOM_KEPT: usize = 16 << 20;

/// Bytes that an attribute or an item takes beside its text.
pub const DICOM_OVERHEAD: usize = 64;

/// Bytes of a UID, and some more for one that is too long (PS3.5 9.1: 64).
pub const DICOM_UID: u64 = 128;

/// Bytes of a short text, four times what LO may have.
pub const DICOM_SHORT: usize = 256;

/// Bytes of a free text that is screened; a description has up to 64, a text up to 1,024 characters.
pub const DICOM_DESCRIPTOR: usize = 8 << 10;

/// Characters of a number in decimal digits, twice what DS may have.
pub const DICOM_DECIMAL: usize = 32;

/// Digits from which on a number could be somebody's: shorter ones are everywhere in a header.
pub const DICOM_TELLING_DIGITS: usize = 6;

/// Changes of one file that a report lists; the rest is counted.
pub const DICOM_CHANGES: usize = 1000;

/// Bytes of identifiers of one file; a header names a dozen.
pub const DICOM_LEARNED: usize = 1 << 20;

// Text

/// Bytes of one line of a log: a stack trace folded into one line fits; what is longer is no line.
pub const TEXT_LINE: usize = 64 << 10;

/// Bytes of a JSON or XML document that is read as one: sidecars are some KiB. What is longer is read as a log.
pub const DOCUMENT: u64 = 4 << 20;

/// Levels of a document; serde_json's own bound is the same.
pub const DOCUMENT_DEPTH: usize = 128;

/// Attributes of one XML element.
pub const DOCUMENT_ATTRIBUTES: usize = 256;

/// Bytes of one word of a log, from blank to blank: a long path; what is longer goes whole.
pub const TEXT_WORD: usize = 512;

/// Bytes of the spellings that are searched for at a time: fifty thousand patients have some 400 each, numbers and
/// short names in every order. With what finds them the process stays below 64 MB.
pub const LEARNED: usize = 24 << 20;

/// Spellings that one file may teach: a list of some two thousand patients. With more it is a list to break the search.
pub const SPELLINGS_OF_ONE: usize = 50_000;

/// Bytes that the end check looks at together, and how many of them it looks at again with the next.
pub const CHECK_WINDOW: usize = 128 << 10;

/// No identifier in any escape is longer.
pub const CHECK_OVERLAP: usize = 4 << 10;

/// Times that the weeks of a case are drawn until no moved date falls on a birthday: with 2,000 birthdays of
/// children and a log of five days one draw in three does. After that a birthday there is taken for a scan's date.
pub const CASE_DRAWS: u32 = 32;

// The process that reads files

/// Bytes that it may map, its program and stacks included: four times what the worst file needs.
pub const CHILD_MEMORY: u64 = 256 << 20;

/// What a parent waits for the child at one file: a log of a gigabyte takes two minutes on the slowest workstation.
pub const CHILD_PATIENCE: Duration = Duration::from_secs(900);

/// Bytes that go through a pipe at a time.
pub const CHILD_CHUNK: usize = 64 << 10;

/// Bytes of one message: a thousand changes, each with a path through 32 sequences.
pub const CHILD_FRAME: usize = 4 << 20;

/// Bytes of an order: a hundred thousand long paths.
pub const CHILD_ORDER: usize = 64 << 20;

/// Processes that one case may bring down before it is given up: nothing that scanners write brings down one.
pub const CHILDREN: usize = 64;

// Windows of logs, and traces

/// Bytes of one log's window: a week of a talkative log. Of more, the end is taken.
pub const LOG_WINDOW: u64 = 256 << 20;

/// Bytes of a log without any time in it: its end.
pub const LOG_UNDATED: u64 = 1 << 20;

/// Bytes of a log that are looked at to find a line with a time.
pub const LOG_LOOK: usize = 128 << 10;

/// Digits before the point from which on a number of a trace could be somebody's: 27 hours are nine in milliseconds.
pub const TRACE_DIGITS: usize = 9;

/// How often the next part is looked at where no line has a time: a dump of 8 MiB is passed over.
pub const LOG_LOOKS: u64 = 64;

/// Bytes of a motion trace: an hour at 1,000 lines a second would be four times as much.
pub const MOTION_BYTES: u64 = 64 << 20;
