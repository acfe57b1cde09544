//! Bundles: sealing after consent, export to a file, retry.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use log::info;
use protocol::stick::Stick;
use protocol::{CaseId, Digest, Purpose};

use super::super::refusal::Refusal;
use super::job::{DuringScan, Work, busy};
use super::upload::announcement;
use super::{Cases, no_bundle, no_draft, note_failed};
use crate::agent::Trouble;
use crate::agent::cx::Cx;
use crate::api::support::{Bundled, Piece, Sending};
use crate::consent::permit::{SupportCase, SupportScanData};
use crate::consent::{Flag, notice};
use crate::limits;
use crate::request::{Refused, Reply};
use crate::support::bundle::{BundleError, Recipients, SealedFile, Sealing};
use crate::support::draft::Draft;
use crate::support::record::{Bundle, State};

/// A draft that somebody said yes to, and what that yes is about.
pub(in crate::agent) struct Wanted {
    draft: Draft,
    case: CaseId,
    /// Of its manifest: what was shown.
    pub(in crate::agent) digest: Digest,
    /// What has to be granted before it is sealed.
    pub(in crate::agent) flags: Vec<Flag>,
    recipients: Recipients,
}

impl Cases {
    /// What a yes to the draft `id` is asked for, if `yes` repeats what was shown and nothing else runs.
    pub(in crate::agent) fn wanted(&self, cx: &Cx<'_>, id: &str, yes: &str) -> Result<Wanted, Reply> {
        let Some(kept) = self.drafts.find(id) else { return Err(no_draft()) };
        let (case, digest) = (kept.case.clone(), kept.digest);
        if self.jobs.is_working() {
            return Err(busy());
        }
        if !notice::repeats(yes, digest) {
            return Err(Reply::refused(Refused::NotAllowed, Refusal::OtherDigest));
        }
        let recipients = Recipients::parse(&cx.config.support.recipients)
            .map_err(|e| Reply::refused(Refused::Usage, e))?;
        let failed = |e: BundleError| Reply::refused(Refused::Failed, e);
        let damaged = |_| failed(BundleError::Damaged);
        let draft = self.drafts.get(id, cx.vault).map_err(damaged)?;
        let has_scans = draft.manifest().map_err(damaged)?.purposes.contains(&Purpose::SupportScanData);
        self.queue.prepare().map_err(|e| failed(e.into()))?;
        let mut flags = vec![Flag::SupportCase(case.clone())];
        flags.extend(has_scans.then(|| Flag::SupportScanData(case.clone())));
        Ok(Wanted { draft, case, digest, flags, recipients })
    }

    /// Seals what was wanted, under the permits that stand now.
    pub(in crate::agent) fn seal(&mut self, cx: &Cx<'_>, wanted: Wanted) -> Reply {
        let Wanted { draft, case, recipients, .. } = wanted;
        let path = self.queue.path(draft.id());
        let sealing =
            cx.registry.permit_case::<SupportCase>(&case, cx.now).ok_or(BundleError::Withdrawn).and_then(
                |permit| {
                    let scan_data = cx.registry.permit_case::<SupportScanData>(&case, cx.now);
                    Sealing::new(draft, recipients, &permit, scan_data.as_ref())
                },
            );
        let sealing = match sealing {
            Ok(sealing) => sealing,
            Err(e) => return Reply::refused(Refused::Failed, e),
        };
        self.jobs.start(cx, DuringScan::GoesOn, move |watch| {
            let sealed = sealing.run(&path, watch);
            Work::Sealed(Box::new(sealing), sealed)
        })
    }

    /// The sealed file is whole: its record makes it a bundle, if the yes still stands, and the draft goes.
    pub(super) fn keep_bundle(
        &mut self,
        cx: &mut Cx<'_>,
        sealing: &Sealing,
        sealed: SealedFile,
    ) -> Result<Bundled, Trouble> {
        let now = cx.now;
        self.shown = None;
        let draft = sealing.draft();
        let case = draft.case().clone();
        let purposes = sealing.purposes().to_vec();
        let permit = |purpose: &Purpose| match purpose {
            Purpose::SupportScanData => {
                cx.registry.permit_case::<SupportScanData>(&case, now).map(|permit| permit.entry())
            }
            _ => cx.registry.permit_case::<SupportCase>(&case, now).map(|permit| permit.entry()),
        };
        let consents = purposes.iter().map(permit).collect::<Option<Vec<_>>>();
        let Some(consents) = consents else {
            let _ = std::fs::remove_file(self.queue.path(draft.id()));
            return Err(Trouble::NoPermit);
        };
        let bundle = Bundle::queued(draft, purposes, consents, sealed, now);
        let id = bundle.id.clone();
        let body = Bundled {
            case,
            bundle: id.clone(),
            size: bundle.size,
            sha256: bundle.sha256,
            digest: bundle.manifest,
        };
        self.queue.add(bundle, cx.vault, now)?;
        self.drafts.discard(cx.vault, |kept| kept.draft == id)?;
        info!("support: a bundle of {} bytes was sealed", sealed.size);
        Ok(body)
    }

    /// A piece of a sealed file, which nobody here can read; with the first, the consent that goes beside it.
    pub(in crate::agent) fn export(&self, cx: &Cx<'_>, id: &str, offset: u64) -> Reply {
        let Some(bundle) = self.queue.find(id) else { return no_bundle() };
        if bundle.state == State::Sent {
            return Reply::refused(Refused::Failed, Refusal::FileErased);
        }
        let read = || {
            let mut file = File::open(self.queue.path(id))?;
            file.seek(SeekFrom::Start(offset))?;
            let mut piece = Vec::new();
            file.take(limits::PIECE as u64).read_to_end(&mut piece).map(|_| piece)
        };
        match read() {
            Ok(piece) => {
                let consent = (offset == 0).then(|| carried(cx, bundle)).flatten();
                Reply::done(Piece { consent, ..Piece::of(&piece, offset, bundle.size) })
            }
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e)),
        }
    }

    /// Sends a bundle that failed once more. Only a device that is enrolled can.
    pub(in crate::agent) fn send_again(&mut self, cx: &mut Cx<'_>, id: &str, is_enrolled: bool) -> Reply {
        let Some(bundle) = self.queue.find(id) else { return no_bundle() };
        let state = bundle.state;
        match state {
            State::Sent => Reply::refused(Refused::Failed, Refusal::HasIt),
            _ if !is_enrolled => Reply::refused(Refused::Failed, Refusal::NotEnrolled),
            State::Failed => match self.queue.restart(id, cx.vault, cx.now) {
                Ok(()) => {
                    note_failed(&self.queue, cx.health, cx.elapsed);
                    Reply::done(Sending { bundle: id.to_owned(), state: State::Queued })
                }
                Err(e) => Reply::refused(Refused::Failed, e),
            },
            State::Queued | State::Sending => Reply::done(Sending { bundle: id.to_owned(), state }),
        }
    }
}

/// What a collector that never met this device needs beside a sealed file: its announcement and the ledger entries of the
/// case, signed.
fn carried(cx: &Cx<'_>, bundle: &Bundle) -> Option<String> {
    let key = cx.vault.device_key();
    let of_case =
        cx.registry.entries().filter(|(_, entry)| entry.processing.case.as_ref() == Some(&bundle.case));
    let lines = of_case.map(|(line, _)| line.to_owned()).collect();
    let stick = Stick::new(key.public_key(), announcement(bundle), lines, |bytes| key.sign(bytes));
    serde_json::to_string(&stick).ok()
}
