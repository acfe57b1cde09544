//! A support bundle: what the vendor needs for one case, seen by the clinic before it leaves.
//!
//! ```text
//! manifest  what a bundle says of itself; its digest is what the clinic says yes to
//! page      the same for the person who says it, in a browser
//! queue     the sealed bundles that wait, and how far each is
//! record    what is known of one, under the key of its case
//! ```

pub mod manifest;
pub mod page;
pub mod queue;
pub mod record;
