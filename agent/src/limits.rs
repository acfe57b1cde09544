//! All limits, each with its reason.

use std::time::Duration;

use protocol::envelope::MAX_RECORDS;

mod commit;
mod pages;
mod support;

pub use commit::*;
pub use pages::*;
pub use support::*;

// Collect

/// Bytes of one line of the outbox or the socket. The longest that the catalog allows is below 1 KiB.
pub const LINE: usize = 8 << 10;

/// Lines that are taken in between two commits: at 200,000 lines/s a commit every 0.1 s, and the memory of a
/// group stays at a few MB whatever the burst.
pub const GROUP_LINES: usize = 20_000;

/// Files that are taken in between two commits: their cursors travel in one sealed record.
pub const GROUP_FILES: usize = 40;

/// Files that one look into the outbox remembers, some forty bytes each, so at most 3 MiB; the rest waits for the next look,
/// which asks the file system about each of them again.
pub const OUTBOX_FILES: usize = 50_000;

/// Files that are removed unread, and things that are no files that are counted, in one turn.
pub const UNREAD_FILES: usize = 12_000;

/// Bytes of one file of the outbox that is read: some six million lines, more than a full queue holds.
pub const OUTBOX_FILE: u64 = 1 << 30;

/// Bytes that are read of the outbox in one turn of the loop: twice what [`GROUP_LINES`] usual lines have. A line without
/// end is passed over at some 1 GB/s.
pub const TURN_BYTES: u64 = 8 << 20;

/// How long lines are taken in before answers, a withdrawal and a stop have their turn. With the commit that follows a
/// turn stays below a quarter of a second.
pub const TURN_TIME: Duration = Duration::from_millis(100);

/// Sealed records that are opened in one turn to see whether they are too old; of 400, half a million
/// events, it took some 0.2 s.
pub const TURN_EXPIRED: usize = 100;

/// Lines between two looks at the clock: some 0.1 ms.
pub const TURN_LOOK: usize = 64;

/// Attributes of one line: three times what the catalog's longest event has.
pub const LINE_ATTRIBUTES: usize = 48;

/// Seconds without a change after which a file that does not end in a line feed is taken as complete.
pub const OUTBOX_SETTLED: i64 = 60;

/// 1 January 2026: no release of this program is older, so no clock that is right shows less.
pub const FIRST_RELEASE: i64 = 1_767_225_600;

/// Days before the first entry of the catalog ends, from which `doctor` warns: time for the vendor to release another.
pub const CATALOG_WARNING_DAYS: i64 = 60;

/// Seconds that an event's time may be ahead of the agent's clock: a wrong time zone, and a day.
pub const CLOCK_AHEAD: i64 = 48 * 3600;

// Collect: the local socket

/// Connections at a time of Kathea, of administrators, of the consent group, and of everybody else, each: one or two,
/// and a few more in case some hang.
pub const CONNECTIONS: usize = 32;

/// Beyond these, for accounts that have none yet, one each: every account may say no.
pub const CONNECTIONS_RESERVED: usize = 16;

/// Of one account at a time, so that no account keeps the others out.
pub const CONNECTIONS_OF_ONE: usize = 8;

/// Looks at the lock of the data directory before another holder counts as a second agent: `status` and other commands
/// that work on the data directly hold it for a moment.
pub const LOCK_LOOKS: u32 = 100;

/// Between two of these looks: five seconds in all.
pub const LOCK_LOOK: Duration = Duration::from_millis(50);

/// Until `status` goes on without an answer of Kathea's folders: a disk that sleeps needs seconds, and comes with the next.
pub const FOLDERS_LOOK: Duration = Duration::from_millis(500);

/// Until a line that began must be whole and an answer be read: a local program needs milliseconds.
pub const SOCKET_SLOW: Duration = Duration::from_secs(5);

/// A stranger's connection without a line; Kathea and administrators may keep theirs open all day.
pub const SOCKET_IDLE: Duration = Duration::from_secs(60);

/// Until a request is answered: a withdrawal takes a second, an enrolment over a bad line some twenty.
pub const SOCKET_ANSWER: Duration = Duration::from_secs(60);

/// Bytes of an answer that the command line reads; the longest are the receipts of a ledger of [`LEDGER`] bytes, each
/// as it was signed, as JSON and in words of two languages.
pub const ANSWER: u64 = 4 * LEDGER;

/// After an accept that failed, mostly for want of file descriptors, so that it does not spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_secs(1);

/// Lines of one account in a second: hundreds of times what a busy Kathea says; one that says more is broken.
pub const SOCKET_LINES: u32 = 10_000;

/// Of an account that may only look at the flags and say no: a dialog's every click is below it.
pub const SOCKET_LINES_STRANGER: u32 = 20;

/// Between two looks at a named pipe that is taken, or from which nothing came yet.
pub const PIPE_POLL: Duration = Duration::from_millis(5);

// Doctor

/// Between this computer's clock and the collector's before it is worth a warning.
pub const CLOCK_OFF: Duration = Duration::from_secs(300);

// Spool

/// Bytes of one sealed record. Above 16 KiB sled 0.34 leaks blob files; a leaf holds up to 16 values and a
/// page should stay below 128 KiB (measured).
pub const SEALED: usize = 7 << 10;

/// Bytes of content in it: what the header, a group's cursors and the tag leave.
pub const SEALED_CONTENT: usize = SEALED - 82 - 24 * GROUP_FILES;

/// Pieces of the journal of one period after which they are folded into one.
pub const JOURNAL_PIECES: usize = 64;

/// Bytes of a generation's file at which the next one begins: bounds what damage can cost, and sled's memory
/// and growth, which follow the size of its file (measured: 9 to 10 MB of RSS at 7 MB).
pub const GENERATION: u64 = 8 << 20;

/// Bytes that `[spool] quota` allows at least: space is freed by dropping the oldest segment whole, and with less than two
/// the one that is written to goes again and again (measured: 740,000 of 800,000 events at 3 MiB).
pub const LEAST_QUOTA: u64 = 2 * GENERATION;

/// Bytes that are kept free for draining: with 2 MiB sled 0.34 opens on a full disk, with 1 it does not.
pub const BALLAST: usize = 4 << 20;

/// Bytes of records that are looked at together when a generation is merged: some 40 full ones.
pub const MERGE_PAGE: usize = 256 << 10;

/// Mean bytes of a record below which a closed generation is worth merging: half of a full one.
pub const MERGE_BELOW: u64 = SEALED as u64 / 2;

/// Likewise mean records: half of what a batch holds. A thousand events that resemble each other take 3 KB, and no
/// merge puts more of them into one record.
pub const MERGE_BELOW_RECORDS: u64 = MAX_RECORDS as u64 / 2;

/// Bytes that sled may cache of one generation. Only a hint: sled holds about the size of its file.
pub const SLED_CACHE: u64 = 1 << 20;

/// How long to wait for sled's threads to let go of a file that was closed: measured 1 ms at most.
pub const SLED_RELEASE: Duration = Duration::from_secs(2);

// Vault

/// Seconds until new records get a new data key: 30 days, so that what one stolen key opens stays bounded.
pub const KEY_AGE: u64 = 30 * 86_400;

/// Records under one data key: a quarter of what random 96-bit nonces allow (NIST SP 800-38D, 8.3: 2^32).
pub const KEY_RECORDS: usize = 1 << 30;

/// Bytes of a small file, of the agent's or one that people write, that are read: the longest is a table of literals.
pub const SMALL_FILE: u64 = 16 << 20;

// Consent

/// Bytes of the ledger that are read: a line is about 2 KiB, a clinic writes a few in a year.
pub const LEDGER: u64 = 4 << 20;

/// Seconds that the clock may be behind a grant before it closes: what setting it right may take away.
pub const CLOCK_BEHIND: i64 = 86_400;

/// Seconds before the end of a yes from which on somebody is reminded: a month has a day for it.
pub const REMIND: i64 = 30 * 86_400;

/// Seconds after a no before it is worth asking again: half a year.
pub const ASK_AGAIN: i64 = 183 * 86_400;

/// Days that usage under a yes that is over is kept for the next yes, where the policy does not say.
pub const KEPT_AFTER: u32 = 30;

// Ship: the pace

/// First pause after a failure: long enough for a socket to be gone, short enough for a flapping cable.
pub const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// Longest pause after failures: with jitter over its upper two thirds, at most three requests an hour.
pub const LAST_BACKOFF: Duration = Duration::from_secs(3600);

/// Longest pause that a collector may ask for: a wrong Retry-After must not silence a device for ever.
pub const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Longest random time that is added to a Retry-After: half of it, so that a fleet asked to wait 120 s comes back over a minute.
pub const RETRY_SPREAD: Duration = Duration::from_secs(3600);

/// Over how long the first drains after a start are spread: a chain's workstations go on at eight together.
pub const START_SPREAD: Duration = Duration::from_secs(600);

/// Between two questions whether a collector that refused the device takes it again.
pub const PROBE_EVERY: Duration = Duration::from_secs(24 * 3600);

/// After a renewal that failed, before the next; a third of the certificate's life is left for it.
pub const RENEW_AGAIN: Duration = Duration::from_secs(3600);

/// After the collector said once that the device is retired, until it is asked again.
pub const RETIRED_AGAIN: Duration = Duration::from_secs(3600);

/// Records refused alone, or batches refused whole, one after the other, after which the collector and not the record is suspected.
pub const REFUSALS_IN_A_ROW: u32 = 3;

/// Uploads of the consent entry before one batch: once because it is not there, once because it was lost.
pub const CONSENT_TRIES: u32 = 2;

// Ship: one exchange

/// Bytes handed to the connection at a time, and of ureq's buffers (its own default is 128 KiB each): a
/// quarter of a second at the shipped rate, so that a withdrawal is seen between two of them.
pub const CHUNK: usize = 16 << 10;

/// Bytes of an answer's body; a batch's longest acknowledgement is below 48 KiB.
pub const REPLY: u64 = 64 << 10;

/// Finding the collector's address.
pub const RESOLVE: Duration = Duration::from_secs(5);

/// Connecting: 10 s for TCP and 15 s for TLS, which ureq counts as one phase.
pub const CONNECT: Duration = Duration::from_secs(25);

/// From the last byte of a batch to the head of its answer: the collector syncs in between.
pub const REPLY_HEAD: Duration = Duration::from_secs(60);

/// The body of an answer.
pub const REPLY_BODY: Duration = Duration::from_secs(30);

/// One exchange, beside what the rate needs for its body: whatever the phases do, it has an end.
pub const EXCHANGE: Duration = Duration::from_secs(120);

// Ship: a bundle

/// How long one chunk of a bundle should take: what a cut costs at most, and how long others wait for their turn.
pub const PART_TIME: Duration = Duration::from_secs(10);

/// Bytes of the smallest chunk of a bundle: some 300 bytes of heads on each are nothing beside it.
pub const SMALLEST_PART: u64 = 64 << 10;

/// Bytes of the name that a server gives to an upload.
pub const UPLOAD_PATH: usize = 1 << 10;

// The run loop

/// How long a file in the outbox waits for more, below [`OUTBOX_ENOUGH`]: a commit for some costs as little as for one.
pub const OUTBOX_DELAY: Duration = Duration::from_secs(2);

/// How often the outbox is looked into while there is a grant, should the system's notice of a file be lost.
pub const OUTBOX_SWEEP: Duration = Duration::from_secs(15 * 60);

/// Likewise while what Kathea reports is kept there: what waits goes on within a minute of the clock being right.
pub const KEPT_SWEEP: Duration = Duration::from_secs(60);

/// Bytes of a file of the outbox in which the ends of its events are counted when it goes unread; a remainder counts as
/// one event.
pub const OUTBOX_COUNTED: u64 = 64 << 20;

/// A bundle whose file the disk does not give now is tried again.
pub const BUNDLE_AGAIN: Duration = Duration::from_secs(15 * 60);

/// After something failed, mostly for want of space, before it is tried again of itself: what is due stays due, and
/// would otherwise be tried without end.
pub const TROUBLE_PAUSE: Duration = Duration::from_secs(15);

/// For how long `status` shows what was lost or damaged: it happened and is over, and whoever looks within a day of work
/// sees it. The counts keep it for ever.
pub const LOSS_SHOWN: Duration = Duration::from_secs(24 * 3600);

/// How often the workstation is inspected: its state is reported per day.
pub const DEVICE_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Seconds that the wall's clock may go on between two looks; further is a leap. Clinics close for weeks.
pub const CLOCK_LEAP: i64 = 45 * 24 * 3600;

/// Seconds that it has to go on without a leap before anything is dropped for its age.
pub const CLOCK_STEADY: i64 = 7 * 24 * 3600;

/// Use receipts that a device keeps: at most one for each working day of a year and a half.
pub const RECEIPTS: usize = 400;

/// Notices that a device keeps.
pub const NOTICES: usize = 8;

/// Bytes of the header that says what news there is: a number and 16 digits.
pub const NEWS_OFFER: usize = 40;

/// Questions about the same news: more than what a device keeps needs, whatever the collector answers.
pub const NEWS_QUESTIONS: u32 = 40;

/// How long it is shown that the vendor contradicted itself, in seconds: a month.
pub const FLAWS_SHOWN: i64 = 30 * 24 * 3600;

/// How often the vendor is asked how far an open request is.
pub const TICKET_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Between two contacts that a person asked for while a case is open: within a call the vendor's request is seen.
pub const CONTACT_EVERY: Duration = Duration::from_secs(30);

/// Characters of the description of a case: what a person reads in a preview, and what fits into a line of the socket.
pub const DESCRIPTION: usize = 1000;

/// How long a contact that a person asked for is repeated: a call.
pub const CONTACT_FOR: Duration = Duration::from_secs(3600);

/// Sealed records in one answer of an export: with their text some 200 kB.
pub const EXPORT_ITEMS: usize = 8;

/// How long "a scan runs" holds without being renewed: a Kathea that died does not stop the agent for ever.
pub const BUSY_LEASE: Duration = Duration::from_secs(5 * 60);

/// Lines of the local socket that are answered together, with one commit, so that none waits for long.
pub const SOCKET_GROUP: usize = 256;

/// Sealed records that are read at a time: a thousand single events make one batch.
pub const PAGE_ITEMS: usize = 1000;

/// Bytes that are read at a time.
pub const PAGE_BYTES: usize = 64 << 10;
