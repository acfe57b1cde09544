//! Requests of the clinic to the vendor: their queue, and the tickets of the accepted ones.

use std::collections::BTreeSet;
use std::ops::Range;

use log::warn;
use protocol::{Digest, Reason};

use super::Trouble;
use super::clock::Watched;
use super::cx::Cx;
use super::usage::{looked_into, mended, retire_all};
use super::vendor_answer::VendorAnswer;
use crate::consent::news::News;
use crate::consent::permit::RIGHTS;
use crate::consent::state::to_text;
use crate::consent::tickets::Tickets;
use crate::consent::vendor_request::VendorRequest;
use crate::seal::payload::Clean;
use crate::seal::record::Sealed;
use crate::ship::exchange::{Exchange, Outcome};
use crate::ship::pace::Fate;
use crate::ship::routes;
use crate::spool::{Spool, SpoolError};
use crate::{killpoint, limits};

/// The oldest request that may leave.
pub(super) struct Next {
    pub(super) numbers: Range<u64>,
    pub(super) request: VendorRequest,
    pub(super) exchange: Exchange,
}

/// Requests to the vendor, sealed until they leave.
pub(super) struct Requests {
    queue: Spool<VendorRequest>,
    /// What the vendor took, asked about until it is done.
    pub(super) tickets: Tickets,
    /// What the vendor says of itself.
    pub(super) news: News,
    /// What the vendor answered to a request to see what it holds.
    pub(super) answer: VendorAnswer,
    /// Ledger lines that were sent again since the start: once each, whatever the vendor says that it knows.
    repeated: BTreeSet<Digest>,
}

impl Requests {
    pub(super) fn new(
        queue: Spool<VendorRequest>,
        tickets: Tickets,
        news: News,
        answer: VendorAnswer,
    ) -> Self {
        Self { queue, tickets, news, answer, repeated: BTreeSet::new() }
    }

    /// What waits.
    pub(super) fn waiting(&self) -> crate::spool::Waiting {
        self.queue.waiting()
    }

    /// Bytes on the disk.
    ///
    /// # Errors
    /// The file system cannot answer now.
    pub(super) fn disk_bytes(&self) -> Result<u64, SpoolError> {
        self.queue.disk_bytes()
    }

    /// A page from this number on, for the clinic to see.
    pub(super) fn page(&mut self, cx: &mut Cx<'_>, from: u64) -> Result<Vec<Sealed<VendorRequest>>, Trouble> {
        self.open(cx)?;
        Ok(self.queue.oldest(from, limits::EXPORT_ITEMS, limits::PAGE_BYTES)?)
    }

    /// Makes the queue ready to be read and put, where a start only saw what waits.
    fn open(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        if self.queue.is_seen() {
            cx.note_losses(&looked_into(&mut self.queue, cx.vault)?)?;
        }
        Ok(())
    }

    /// Queues a request.
    pub(super) fn put(&mut self, cx: &mut Cx<'_>, request: VendorRequest) -> Result<(), Trouble> {
        self.put_all(cx, [request])
    }

    /// Queues requests in this order, all of them durably or none. One that waits already is not queued again: anybody may
    /// say no again and again.
    pub(super) fn put_all(
        &mut self,
        cx: &mut Cx<'_>,
        requests: impl IntoIterator<Item = VendorRequest>,
    ) -> Result<(), Trouble> {
        // A whole look may give out other numbers.
        self.open(cx)?;
        let (mut sealed, mut position) = (Vec::new(), self.queue.position());
        for request in requests {
            if self.waits(cx, |waiting| *waiting == request)? {
                continue;
            }
            let permit = cx.registry.rights();
            sealed.push(Sealed::new(&Clean::from(request), position, &[], &permit, cx.vault, cx.now)?);
            position.number += 1;
            position.seq += 1;
        }
        Ok(self.queue.put(&sealed)?)
    }

    /// The vendor has that line: it is not repeated.
    pub(super) fn has(&mut self, entry: Digest) {
        self.repeated.insert(entry);
    }

    /// Queues the lines that the vendor has lost, whose newest line is number `newest`.
    pub(super) fn repeat_forgotten(&mut self, cx: &mut Cx<'_>, newest: Option<u64>) -> Result<(), Trouble> {
        for entry in cx.registry.forgotten(newest) {
            if self.repeated.insert(entry) {
                self.put(cx, VendorRequest::Consent(entry))?;
            }
        }
        Ok(())
    }

    /// Whether a request waits that is `wanted`.
    pub(super) fn waits(
        &mut self,
        cx: &mut Cx<'_>,
        wanted: impl Fn(&VendorRequest) -> bool,
    ) -> Result<bool, Trouble> {
        self.open(cx)?;
        let (rights, mut from) = (cx.registry.rights(), 0);
        loop {
            let page = self.queue.oldest(from, limits::PAGE_ITEMS, limits::PAGE_BYTES)?;
            let Some(last) = page.last() else { return Ok(false) };
            from = last.numbers().end;
            let is_wanted = |sealed: &Sealed<VendorRequest>| {
                sealed.open(&rights, cx.vault).is_ok_and(|clean| wanted(clean.get()))
            };
            if page.iter().any(is_wanted) {
                return Ok(true);
            }
        }
    }

    /// The oldest request that may leave. A consent that no longer stands has nothing to allow, and is let go; what waits
    /// for a key that was set aside goes on waiting.
    pub(super) fn next(&mut self, cx: &mut Cx<'_>) -> Result<Option<Next>, Trouble> {
        self.open(cx)?;
        let mut from = 0;
        while let Some(sealed) = self.queue.oldest(from, 1, limits::SEALED)?.pop() {
            from = sealed.numbers().end;
            let opened = sealed.open(&cx.registry.rights(), cx.vault);
            let exchange = match opened.as_ref().map(|clean| clean.get()) {
                Ok(VendorRequest::Consent(entry)) => {
                    cx.registry.sendable_line(*entry, cx.now).map(routes::consent)
                }
                Ok(VendorRequest::Privacy { kind, request }) => Some(routes::privacy(*kind, request)),
                Err(_) => None,
            };
            match (opened, exchange) {
                (Ok(clean), Some(exchange)) => {
                    return Ok(Some(Next {
                        numbers: sealed.numbers(),
                        request: clean.into_inner(),
                        exchange,
                    }));
                }
                (Ok(clean), None) if may_leave_later(cx, clean.get()) => {}
                (Ok(_), None) => self.queue.settle([sealed.numbers()])?,
                (Err(_), _) if cx.vault.is_set_aside(sealed.key()) => {}
                (Err(_), _) => {
                    let lost = self.queue.abandon([sealed.numbers()], Reason::Damaged)?;
                    cx.counters.drop(Reason::Damaged, lost);
                }
            }
        }
        Ok(None)
    }

    /// Erases the vendor's answer where it was kept for long enough. True if there was one.
    pub(super) fn end_answer(&mut self, now: i64, leapt: i64) -> Result<bool, Trouble> {
        Ok(self.answer.end(&mut self.tickets, now, leapt)?)
    }

    /// The vendor answered the request of these numbers: its ticket is kept, and it waits no longer where `fate` says so.
    pub(super) fn answered(
        &mut self,
        cx: &Cx<'_>,
        numbers: Range<u64>,
        request: &VendorRequest,
        outcome: &Outcome,
        fate: &Fate,
    ) -> Result<(), Trouble> {
        if let VendorRequest::Privacy { kind, request } = request
            && let (_, Some(taken)) = routes::privacy_taken(outcome)
        {
            self.tickets.taken(*kind, request, taken, to_text(cx.now))?;
        }
        if let Fate::Settle { .. } = fate {
            // The ticket is durable before the request is gone: between the two it would be asked twice, never lost.
            killpoint::step("request.answered");
            self.queue.settle([numbers])?;
        }
        Ok(())
    }

    /// Erases what waits.
    pub(super) fn purge(&mut self) -> Result<(), Trouble> {
        Ok(self.queue.purge()?)
    }

    /// After an error whose outcome is open, the queue looks at its files again.
    pub(super) fn mend(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        match mended(&mut self.queue, cx.vault)? {
            Some(recovery) => cx.note_losses(&recovery),
            None => Ok(()),
        }
    }

    /// Between two drains: closes what is half open, and lets old keys go with the last request.
    pub(super) fn rest(&mut self, cx: &mut Cx<'_>) {
        self.queue.rest();
        if self.queue.waiting().records == 0
            && let Err(e) = retire_all(cx.vault, RIGHTS)
        {
            warn!("an old key file cannot be erased ({}): check the rights of data_dir", e.kind());
        }
    }
}

/// Whether a consent may leave once the clock or the registry is not in doubt any more.
fn may_leave_later(cx: &Cx<'_>, request: &VendorRequest) -> bool {
    let is_steady = || Watched::now(cx).is_steady();
    matches!(request, VendorRequest::Consent(entry) if cx.registry.is_undecided(*entry, cx.now, is_steady()))
}
