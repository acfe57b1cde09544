//! The cases subsystem: drafts, what runs for a case, bundles and their upload, and what the end of a case erases.

pub(super) mod bundle;
mod draft;
mod job;
pub(super) mod upload;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use protocol::{CaseId, Digest, Purpose, Reason};

use super::Trouble;
use super::clock::Watched;
use super::cx::Cx;
use super::health::{Cause, Health, Subject};
use super::refusal::Refusal;
use crate::api::support::{BundleRow, Discarded, DraftRow, Found, FoundScan, List, Scans};
use crate::consent::permit::RIGHTS;
use crate::consent::receipt::Erased;
use crate::consent::state::to_text;
use crate::consent::{Flag, Registry, State};
use crate::request::{Refused, Reply};
use crate::support::bundle::BundleError;
use crate::support::draft::ScanFile;
use crate::support::drafts::{Drafts, Kept};
use crate::support::gather::GatherError;
use crate::support::queue::Queue;
use crate::support::record::{Bundle, State as Sealed};
use crate::texts::{Said, Text};
use crate::vault::Vault;
use draft::Shown;
use job::{Jobs, Work};
use upload::Sending;

/// The support cases of this workstation.
pub(super) struct Cases {
    pub(super) queue: Queue,
    pub(super) drafts: Drafts,
    pub(super) jobs: Jobs,
    /// The draft that was shown last, for a page asks for thousands of its files.
    shown: Option<Shown>,
    /// The bundle that is being sent.
    sending: Option<Sending>,
    /// When bundles that the disk did not give are tried again, since the start.
    unread: BTreeMap<String, Duration>,
}

impl Cases {
    /// Opens what is there; `wake` is called whenever a job is over. Returns how many bundles were lost with their keys.
    pub(super) fn open(
        data: &Path,
        vault: &mut Vault,
        wake: Arc<dyn Fn() + Send + Sync>,
    ) -> io::Result<(Self, usize)> {
        let (queue, lost) = Queue::open(data, vault)?;
        let drafts = Drafts::open(data, vault)?;
        let (jobs, unread) = (Jobs::new(wake), BTreeMap::new());
        Ok((Self { queue, drafts, jobs, shown: None, sending: None, unread }, lost))
    }

    /// Whether something is gathered or sealed now.
    pub(super) fn is_working(&self) -> bool {
        self.jobs.is_working()
    }

    /// While a scan runs the job waits, unless somebody said otherwise.
    pub(super) fn hold_job(&self, cx: &Cx<'_>) {
        self.jobs.hold(cx);
    }

    /// Takes what the job left, if it is over.
    pub(super) fn finish_job(&mut self, cx: &mut Cx<'_>) {
        let Some(work) = self.jobs.take_over() else { return };
        let failed = |what: Said| Reply::refused(Refused::Failed, what);
        let reply = match work {
            Some(Work::Listed(Ok(scans))) => Reply::done(Scans { scans }),
            Some(Work::Listed(Err(e))) => failed(e.said()),
            Some(Work::Gathered(Ok(made))) => {
                let (draft, key) = *made;
                self.keep_draft(cx, &draft, key)
            }
            Some(Work::Gathered(Err(e @ GatherError::Personal(..)))) => Reply::refused(Refused::Personal, e),
            Some(Work::Gathered(Err(e))) => failed(e.said()),
            Some(Work::Sealed(sealing, Ok(sealed))) => match self.keep_bundle(cx, &sealing, sealed) {
                Ok(body) => Reply::done(body),
                Err(Trouble::NoPermit) => Reply::refused(Refused::NotAllowed, BundleError::Withdrawn),
                Err(trouble) => failed(trouble.said()),
            },
            Some(Work::Sealed(_, Err(BundleError::Withdrawn))) => {
                Reply::refused(Refused::NotAllowed, BundleError::Withdrawn)
            }
            Some(Work::Sealed(_, Err(e))) => failed(e.said()),
            None => failed(Refusal::WorkEnded.said()),
        };
        self.jobs.conclude(reply);
    }

    /// Drafts and bundles.
    pub(super) fn list(&self) -> List {
        let row = |kept: &Kept| DraftRow {
            draft: kept.draft.clone(),
            case: kept.case.clone(),
            digest: kept.digest,
            files: kept.files,
            bytes: kept.bytes,
            made: to_text(kept.made_at),
            ends: to_text(kept.ends_at()),
        };
        List { drafts: self.drafts.kept().iter().map(row).collect(), bundles: self.bundles() }
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
        self.queue.bundles().iter().map(row).collect()
    }

    /// Which files of this workstation the scan `name` of its drafts and bundles is.
    pub(super) fn find(&self, cx: &Cx<'_>, name: &str) -> Reply {
        let mut scans = Vec::new();
        let mut add = |id: &str, case: &CaseId, files: &[ScanFile]| {
            scans.extend(files.iter().filter(|file| is_named(&file.name, name)).map(|file| FoundScan {
                id: id.to_owned(),
                case: case.clone(),
                name: file.name.clone(),
                path: file.path.clone(),
                at: to_text(file.at),
            }));
        };
        for kept in self.drafts.kept() {
            match self.drafts.get(&kept.draft, cx.vault) {
                Ok(draft) => add(draft.id(), draft.case(), draft.scans()),
                Err(e) => return Reply::refused(Refused::Failed, Trouble::from(e)),
            }
        }
        self.queue.bundles().iter().for_each(|bundle| add(&bundle.id, &bundle.case, bundle.scans()));
        if scans.is_empty() {
            return Reply::refused(Refused::Usage, Refusal::NoSuchScan);
        }
        Reply::done(Found { scans })
    }

    /// Erases a draft or a bundle.
    pub(super) fn discard(&mut self, cx: &mut Cx<'_>, id: &str) -> Reply {
        self.shown = None;
        let drafts = self.drafts.discard(cx.vault, |kept| kept.draft == id);
        let discarded = drafts.and_then(|drafts| Ok((drafts, self.queue.remove(id)?)));
        note_failed(&self.queue, cx.health, cx.elapsed);
        match discarded {
            Ok((0, false)) => Reply::refused(Refused::Usage, Refusal::NoDraftOrBundle),
            Ok((drafts, bundle)) => {
                Reply::done(Discarded { drafts: drafts as u64, bundles: u64::from(bundle) })
            }
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e)),
        }
    }

    /// Every draft goes, and what is being gathered for another.
    pub(super) fn discard_drafts(&mut self, cx: &mut Cx<'_>) -> io::Result<()> {
        self.jobs.stop();
        self.shown = None;
        self.drafts.discard(cx.vault, |_| true).map(drop)
    }

    /// Erases a case, or its scan data alone, because of the ledger's line `entry`: what waits is counted, then its keys go,
    /// then itself. May be repeated after a crash.
    pub(super) fn erase(
        &mut self,
        cx: &mut Cx<'_>,
        (case, purpose): (&CaseId, Purpose),
        compartment: &str,
        entry: Digest,
    ) -> Result<Erased, Trouble> {
        let records = self.queue.waiting(case, purpose);
        let keys = cx.shred(compartment, records, Reason::Withdrawn, entry)?;
        self.purge(cx, case, purpose)?;
        Ok(Erased { keys, records })
    }

    /// Erases every case. They may be known only from lines that nobody can read any more: the new ledger begins without any.
    pub(super) fn erase_all(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        self.discard_drafts(cx)?;
        let cases: Vec<CaseId> = self.queue.bundles().iter().map(|held| held.case.clone()).collect();
        cx.vault.shred_all_but(&[RIGHTS, &Flag::UsageStatistics.compartment()])?;
        for case in cases {
            let gone = self.purge(cx, &case, Purpose::SupportCase)?;
            cx.counters.drop(Reason::Withdrawn, gone);
        }
        Ok(cx.counters.save()?)
    }

    /// What lies on the disk for a case that may not be sent any more; says how many bundles that were.
    pub(super) fn purge(&mut self, cx: &mut Cx<'_>, case: &CaseId, purpose: Purpose) -> Result<u64, Trouble> {
        self.shown = None;
        self.drafts.discard(cx.vault, |kept| kept.case == *case)?;
        let gone = self.queue.remove_case(case, purpose)?;
        note_failed(&self.queue, cx.health, cx.elapsed);
        Ok(gone as u64)
    }

    /// Erases drafts after a day, and what belongs to a case whose yes ran out, with its key.
    pub(super) fn expire(&mut self, cx: &mut Cx<'_>) -> Result<(), Trouble> {
        let now = cx.now;
        if self.drafts.kept().iter().any(|kept| kept.is_over(now)) {
            self.shown = None;
        }
        self.drafts.discard(cx.vault, |kept| kept.is_over(now))?;
        let cases: Vec<CaseId> = self.queue.bundles().iter().map(|held| held.case.clone()).collect();
        for case in cases {
            let flag = Flag::SupportCase(case.clone());
            // Neither another policy nor the administrator's no lets it stay longer than the yes would have.
            let is_over = match cx.registry.state(&flag, now) {
                // By a clock that is behind it has not begun, and is not over.
                State::Expired => cx.registry.is_past(&flag, now),
                State::StalePolicy | State::NotOffered | State::Denied if cx.registry.is_trusted() => {
                    cx.registry.granted_until(&flag).is_some_and(|end| end <= now)
                }
                _ => false,
            };
            if is_over && (cx.registry.was_ended(&flag) || Watched::now(cx).is_steady()) {
                cx.vault.shred(&flag.compartment())?;
                let gone = self.purge(cx, &case, Purpose::SupportCase)?;
                cx.counters.drop(Reason::Expired, gone);
                cx.counters.save()?;
            }
        }
        Ok(())
    }

    /// The next time after `now`, in seconds since 1970, at which something of a case is over. What is over already and
    /// still there, because it is restricted or could not be erased, is no reason to wake.
    pub(super) fn next_end(&self, registry: &Registry, now: i64) -> Option<i64> {
        let drafts = self.drafts.kept().iter().map(Kept::ends_at);
        let bundles = self.queue.bundles().iter();
        let cases = bundles.filter_map(|held| registry.granted_until(&Flag::SupportCase(held.case.clone())));
        drafts.chain(cases).filter(|end| *end > now).min()
    }
}

/// Raises that a bundle failed, unless it is said already, and clears it when there is none any more.
pub(super) fn note_failed(queue: &Queue, health: &mut Health, elapsed: Duration) {
    match queue.bundles().iter().find(|bundle| bundle.state == Sealed::Failed) {
        None => health.clear(Subject::Bundle),
        Some(_) if health.is_raised(Subject::Bundle) => {}
        Some(Bundle { id, .. }) => {
            health.raise(Subject::Bundle, &Cause::BundleFailed { id: id.clone() }, elapsed);
        }
    }
}

fn no_draft() -> Reply {
    Reply::refused(Refused::Usage, Refusal::NoDraft)
}

fn no_bundle() -> Reply {
    Reply::refused(Refused::Usage, Refusal::NoBundle)
}

/// Whether `name`, as somebody reads it on the telephone, is that of the file `whole` of a bundle.
fn is_named(whole: &str, name: &str) -> bool {
    let stem = |text: &str| {
        let last = text.rsplit('/').next().unwrap_or(text);
        last.split('.').next().unwrap_or(last).to_ascii_lowercase()
    };
    stem(whole) == stem(name.trim())
}
