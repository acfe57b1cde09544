//! Support: what is asked about a case, and what its end erases.

mod bundle;
mod draft;
mod job;
pub(super) mod upload;

use std::io;
use std::path::Path;

use protocol::{CaseId, Purpose, Reason};

use super::clock::Watched;
use super::{Agent, Trouble};
use crate::api::support::{BundleRow, Discarded, DraftRow, List};
use crate::consent::state::to_text;
use crate::consent::{By, Channel, Flag, State};
use crate::request::{Caller, Refused, Reply, SupportRequest};
use crate::support::drafts::{Drafts, Kept};
use crate::support::queue::Queue;
use crate::support::record::Bundle;
use crate::vault::Vault;
use draft::Shown;
use job::Job;
use upload::Sending;

/// The support cases of this workstation.
pub(super) struct Support {
    pub(super) queue: Queue,
    pub(super) drafts: Drafts,
    job: Option<Job>,
    /// What came of the last job.
    last: Option<Reply>,
    /// The draft that was shown last, for a page asks for thousands of its files.
    shown: Option<Shown>,
    /// The bundle that is being sent.
    sending: Option<Sending>,
}

impl Support {
    /// Opens what is there. Returns how many bundles were lost with their keys.
    pub(super) fn open(data: &Path, vault: &mut Vault) -> io::Result<(Self, usize)> {
        let (queue, lost) = Queue::open(data, vault)?;
        let drafts = Drafts::open(data, vault)?;
        Ok((Self { queue, drafts, job: None, last: None, shown: None, sending: None }, lost))
    }

    /// Whether something is gathered or sealed now.
    pub(super) fn is_working(&self) -> bool {
        self.job.is_some()
    }
}

impl Agent {
    /// Answers a request about support. The caller's right was checked.
    pub(super) fn answer_support(&mut self, request: &SupportRequest, caller: Caller, now: i64) -> Reply {
        self.finish_job(now);
        match request {
            SupportRequest::Scans => self.start_list(),
            SupportRequest::Preview { wish } => self.start_gathering(wish, now),
            SupportRequest::Progress => self.progress(),
            SupportRequest::Stop => self.stop_job(),
            SupportRequest::Begin { case } => self.begin_elsewhere(case, now),
            SupportRequest::Adopt { draft, key } => self.adopt(draft, key, now),
            SupportRequest::Show { draft, file, offset } => self.show_file(draft, file, *offset),
            SupportRequest::Create { draft, yes, by, session } => {
                let channel = if caller.kathea && !caller.administrator {
                    Channel::Socket
                } else {
                    Channel::CommandLine
                };
                let by = By { role: Some(*by), channel, session: *session };
                self.start_sealing(draft, yes, by, now)
            }
            SupportRequest::List => Reply::done(self.support_list()),
            SupportRequest::Export { bundle, offset } => self.export(bundle, *offset),
            SupportRequest::Send { bundle } => self.send_again(bundle, now),
            SupportRequest::Discard { id } => self.discard(id),
        }
    }

    fn support_list(&self) -> List {
        let row = |kept: &Kept| DraftRow {
            draft: kept.draft.clone(),
            case: kept.case.clone(),
            digest: kept.digest,
            files: kept.files,
            bytes: kept.bytes,
            made: to_text(kept.made_at),
            ends: to_text(kept.ends_at()),
        };
        List { drafts: self.support.drafts.kept().iter().map(row).collect(), bundles: self.bundles() }
    }

    /// `bundles` of `status`.
    pub(super) fn bundles(&self) -> Vec<BundleRow> {
        let row = |bundle: &Bundle| BundleRow {
            id: bundle.id.clone(),
            case: bundle.case.clone(),
            state: bundle.state,
            size: bundle.size,
            offset: bundle.offset,
            sha256: bundle.sha256,
            sealed: to_text(bundle.sealed_at),
            digest: bundle.manifest,
            receipt: bundle.receipt.clone(),
        };
        self.support.queue.bundles().iter().map(row).collect()
    }

    fn discard(&mut self, id: &str) -> Reply {
        self.support.shown = None;
        let drafts = self.support.drafts.discard(&mut self.vault, |kept| kept.draft == id);
        match drafts.and_then(|drafts| Ok((drafts, self.support.queue.remove(id)?))) {
            Ok((0, false)) => Reply::refused(
                Refused::Usage,
                "there is neither a draft nor a bundle of this name: `support list`",
            ),
            Ok((drafts, bundle)) => {
                Reply::done(Discarded { drafts: drafts as u64, bundles: u64::from(bundle) })
            }
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e).to_string()),
        }
    }

    /// Every draft goes, and what is being gathered for another.
    pub(super) fn discard_drafts(&mut self) -> io::Result<()> {
        self.stop_job();
        self.support.shown = None;
        self.support.drafts.discard(&mut self.vault, |_| true).map(drop)
    }

    /// What lies on the disk for a case that may not be sent any more; says how many bundles that were.
    pub(super) fn purge_case(&mut self, case: &CaseId, purpose: Purpose) -> Result<u64, Trouble> {
        self.support.shown = None;
        self.support.drafts.discard(&mut self.vault, |kept| kept.case == *case)?;
        Ok(self.support.queue.remove_case(case, purpose)? as u64)
    }

    /// Erases drafts after a day, and what belongs to a case whose yes ran out, with its key.
    pub(super) fn expire_support(&mut self, now: i64) -> Result<(), Trouble> {
        if self.support.drafts.kept().iter().any(|kept| kept.is_over(now)) {
            self.support.shown = None;
        }
        self.support.drafts.discard(&mut self.vault, |kept| kept.is_over(now))?;
        let cases: Vec<CaseId> = self.support.queue.bundles().iter().map(|held| held.case.clone()).collect();
        for case in cases {
            let flag = Flag::SupportCase(case.clone());
            // Neither another policy nor the administrator's no lets it stay longer than the yes would have.
            let is_over = match self.book.state(&flag, now) {
                // By a clock that is behind it has not begun, and is not over.
                State::Expired => self.book.is_past(&flag, now),
                State::StalePolicy | State::NotOffered | State::Denied if self.book.is_trusted() => {
                    self.book.granted_until(&flag).is_some_and(|end| end <= now)
                }
                _ => false,
            };
            if is_over && (self.book.was_ended(&flag) || Watched::now(&self.parts().cx).is_steady()) {
                self.vault.shred(&flag.compartment())?;
                let gone = self.purge_case(&case, Purpose::SupportCase)?;
                self.tally.drop(Reason::Expired, gone);
                self.tally.save()?;
            }
        }
        Ok(())
    }

    /// The next time after `now`, in seconds since 1970, at which something of a case is over. What is over already and
    /// still there, because it is restricted or could not be erased, is no reason to wake.
    pub(super) fn support_ends(&self, now: i64) -> Option<i64> {
        let drafts = self.support.drafts.kept().iter().map(Kept::ends_at);
        let bundles = self.support.queue.bundles().iter();
        let cases = bundles.filter_map(|held| self.book.granted_until(&Flag::SupportCase(held.case.clone())));
        drafts.chain(cases).filter(|end| *end > now).min()
    }
}

fn busy() -> Reply {
    Reply::refused(Refused::Busy, "the agent gathers or seals for a case already: wait for it")
}

fn no_draft() -> Reply {
    Reply::refused(
        Refused::Usage,
        "there is no draft of this name; after a day they are erased: `support list`",
    )
}

fn no_bundle() -> Reply {
    Reply::refused(Refused::Usage, "there is no bundle of this name: `support list` shows them")
}
