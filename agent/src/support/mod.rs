//! A support bundle: what the vendor needs for one case, seen by the clinic before it leaves.
//!
//! ```text
//! gather    the list of what is looked for, and the loop that looks: everything cleaned, nothing sent
//! draft     what was gathered, sealed under a key of its own until the clinic has seen it
//! drafts    the drafts of this workstation, a day at most
//! check     what is wrong with the workstation, and what to do
//! summary   README.txt and summary.json, the first files that the vendor reads
//! manifest  what a bundle says of itself; its digest is what the clinic says yes to
//! page      the same for the person who says it, in a browser
//! bundle    a draft that may leave: tar, gzip and age to the vendor's keys
//! gzip      its compression, on two threads
//! queue     the sealed bundles that wait, and how far each is
//! record    what is known of one, under the key of its case
//! pseudonyms the key from which the pseudonyms of a case follow
//! watch     how far a job is, and who may stop it
//! ```

pub mod bundle;
pub mod cause;
pub mod check;
pub mod draft;
pub mod drafts;
pub mod gather;
mod gzip;
pub mod manifest;
pub mod page;
pub mod pseudonyms;
pub mod queue;
pub mod record;
pub mod summary;
pub mod watch;
