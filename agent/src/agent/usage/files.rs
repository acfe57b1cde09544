//! The files of the outbox: which are complete, what is counted of those that are not read, and their removal.

use log::warn;
use protocol::Reason;

use super::super::Trouble;
use super::super::cx::Cx;
use super::super::health::{Cause, Subject};
use crate::collect::outbox::{self, Files, Listing, Source};
use crate::limits;

/// The complete files that are read. One that is too large stays where it is, unread and counted once: a person can
/// split it.
pub(super) fn look_for_lines(cx: &mut Cx<'_>) -> Result<Files, Trouble> {
    let Listing { sources, too_large, .. } = look(cx)?;
    if too_large.is_empty() {
        return Ok(sources);
    }
    let what = Cause::OutboxLarge { count: too_large.len(), mib: limits::OUTBOX_FILE >> 20 };
    for id in too_large.map(|source| source.id()) {
        if cx.counters.cursor(id) == 0 {
            warn!("{what}");
            cx.counters.drop(Reason::TooLong, 1);
            cx.counters.advance(id, 1);
        }
    }
    cx.raise(Subject::OutboxLarge, &what);
    cx.counters.save()?;
    Ok(sources)
}

/// The complete files, and a count for each thing that only looks like one.
pub(super) fn look(cx: &mut Cx<'_>) -> Result<Listing, Trouble> {
    [Subject::OutboxRemoval, Subject::OutboxUnread, Subject::OutboxLarge]
        .iter()
        .for_each(|subject| cx.health.clear(*subject));
    let listing = outbox::list(&cx.config.kathea.outbox, cx.now)?;
    for id in listing.not_files.iter().copied() {
        if cx.counters.cursor(id) == 0 {
            cx.counters.drop(Reason::NotAFile, 1);
            cx.counters.advance(id, 1);
            warn!("the outbox contains an entry named *.ndjson that is not a regular file: remove it");
        }
    }
    cx.counters.save()?;
    Ok(listing)
}

/// Removes files; gives the ids of those that went.
pub(in crate::agent) fn remove<'a>(
    cx: &mut Cx<'_>,
    sources: impl IntoIterator<Item = &'a Source>,
) -> Vec<[u8; 16]> {
    let (mut gone, mut refused) = (Vec::new(), None);
    for source in sources {
        match source.remove() {
            Ok(()) => gone.push(source.id()),
            Err(e) => refused = Some(e.kind()),
        }
    }
    if let Some(kind) = refused {
        let what = Cause::OutboxRemoval { why: kind };
        warn!("{what}");
        cx.raise(Subject::OutboxRemoval, &what);
    }
    gone
}
