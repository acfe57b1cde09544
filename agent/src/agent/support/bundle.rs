//! Bundles: sealed after the yes, copied for a stick, sent again.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use log::info;
use protocol::Purpose;

use super::job::Work;
use super::{busy, no_bundle, no_draft};
use crate::agent::{Agent, Trouble};
use crate::api::support::{Bundled, Piece, Sending};
use crate::consent::permit::{SupportCase, SupportScanData};
use crate::consent::{By, Flag, notice};
use crate::limits;
use crate::request::{Refused, Reply};
use crate::support::bundle::{BundleError, Recipients, SealedFile, Sealing};
use crate::support::record::{Bundle, State};

impl Agent {
    /// The yes, and the work that follows from it.
    pub(super) fn start_sealing(&mut self, id: &str, yes: &str, by: By, now: i64) -> Reply {
        let Some(kept) = self.support.drafts.find(id) else { return no_draft() };
        let (case, digest) = (kept.case.clone(), kept.digest);
        if self.support.job.is_some() {
            return busy();
        }
        if !notice::repeats(yes, digest) {
            return Reply::refused(
                Refused::NotAllowed,
                "that is not this draft's digest: read its preview.html and repeat 16 or more digits of what stands there",
            );
        }
        let recipients = match Recipients::parse(&self.config.support.recipients) {
            Ok(recipients) => recipients,
            Err(e) => return Reply::refused(Refused::Usage, e.to_string()),
        };
        let draft = self.support.drafts.get(id, &self.vault);
        let scans = match draft.as_ref().map_err(|_| ()).and_then(|draft| draft.manifest().map_err(|_| ())) {
            Ok(manifest) => manifest.purposes.contains(&Purpose::SupportScanData),
            Err(()) => return Reply::refused(Refused::Failed, BundleError::Damaged.to_string()),
        };
        let mut flags = vec![Flag::SupportCase(case.clone())];
        flags.extend(scans.then(|| Flag::SupportScanData(case.clone())));
        for flag in &flags {
            match self.grant(flag, yes, Some(digest), by, now) {
                Ok(_) => {}
                Err(Trouble::Consent(e)) if e.is_refusal() => {
                    return Reply::refused(Refused::NotAllowed, e.to_string());
                }
                Err(trouble) => return Reply::refused(Refused::Failed, trouble.to_string()),
            }
        }
        let prepared = self.support.queue.prepare().map_err(BundleError::from);
        let sealing = prepared.and(draft.map_err(BundleError::from)).and_then(|draft| {
            let permit = self.book.permit_case::<SupportCase>(&case, now).ok_or(BundleError::Withdrawn)?;
            let scan_data = self.book.permit_case::<SupportScanData>(&case, now);
            Sealing::new(draft, recipients, &permit, scan_data.as_ref())
        });
        let sealing = match sealing {
            Ok(sealing) => sealing,
            Err(e) => return Reply::refused(Refused::Failed, e.to_string()),
        };
        let path = self.support.queue.path(id);
        self.start_job(true, move |watch| {
            let sealed = sealing.run(&path, watch);
            Work::Sealed(Box::new(sealing), sealed)
        })
    }

    /// The sealed file is whole: its record makes it a bundle, if the yes still stands, and the draft goes.
    pub(super) fn keep_bundle(
        &mut self,
        sealing: &Sealing,
        sealed: SealedFile,
        now: i64,
    ) -> Result<Bundled, Trouble> {
        self.support.shown = None;
        let draft = sealing.draft();
        let case = draft.case().clone();
        let purposes = sealing.purposes().to_vec();
        let permit = |purpose: &Purpose| match purpose {
            Purpose::SupportScanData => {
                self.book.permit_case::<SupportScanData>(&case, now).map(|permit| permit.entry())
            }
            _ => self.book.permit_case::<SupportCase>(&case, now).map(|permit| permit.entry()),
        };
        let consents = purposes.iter().map(permit).collect::<Option<Vec<_>>>();
        let Some(consents) = consents else {
            let _ = std::fs::remove_file(self.support.queue.path(draft.id()));
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
        self.support.queue.add(bundle, &mut self.vault, now)?;
        self.support.drafts.discard(&mut self.vault, |kept| kept.draft == id)?;
        info!("support: a bundle of {} bytes was sealed", sealed.size);
        Ok(body)
    }

    /// A piece of a sealed file, which nobody here can read.
    pub(super) fn export(&self, id: &str, offset: u64) -> Reply {
        let Some(bundle) = self.support.queue.find(id) else { return no_bundle() };
        if bundle.state == State::Sent {
            return Reply::refused(Refused::Failed, "the vendor has this bundle: its file was erased here");
        }
        let read = || {
            let mut file = File::open(self.support.queue.path(id))?;
            file.seek(SeekFrom::Start(offset))?;
            let mut piece = Vec::new();
            file.take(limits::PIECE as u64).read_to_end(&mut piece).map(|_| piece)
        };
        match read() {
            Ok(piece) => Reply::done(Piece::of(&piece, offset, bundle.size)),
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e).to_string()),
        }
    }

    pub(super) fn send_again(&mut self, id: &str, now: i64) -> Reply {
        let Some(bundle) = self.support.queue.find(id) else { return no_bundle() };
        let state = bundle.state;
        match state {
            State::Sent => Reply::refused(Refused::Failed, "the vendor has this bundle already"),
            _ if !self.uplink.is_enrolled() => Reply::refused(
                Refused::Failed,
                "this device is not enrolled: `support export` writes the same sealed file for a stick",
            ),
            State::Failed => match self.support.queue.restart(id, &mut self.vault, now) {
                Ok(()) => Reply::done(Sending { bundle: id.to_owned(), state: State::Queued }),
                Err(e) => Reply::refused(Refused::Failed, e.to_string()),
            },
            State::Queued | State::Sending => Reply::done(Sending { bundle: id.to_owned(), state }),
        }
    }
}
