//! Drafts: collected here or by the command line, shown, never sent.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER;
use log::info;
use protocol::CaseId;
use ring::rand::SecureRandom;
use zeroize::Zeroizing;

use super::super::refusal::Refusal;
use super::job::{DuringScan, Work};
use super::{Cases, no_draft};
use crate::agent::Trouble;
use crate::agent::cx::Cx;
use crate::api::status::{Service, Status};
use crate::api::support::{Drafted, Elsewhere, Piece};
use crate::config::Config;
use crate::durable;
use crate::limits;
use crate::request::{Refused, Reply};
use crate::support::bundle::BundleError;
use crate::support::draft::{Draft, Span};
use crate::support::gather::{self, CaseRequest, Site};
use crate::support::manifest::{self, PolicyName};
use crate::support::pseudonyms::Pseudonyms;
use crate::vault::data_key::{DataKey, KeyId};

impl Cases {
    /// Starts to list the scans.
    pub(in crate::agent) fn start_list(&mut self, cx: &Cx<'_>) -> Reply {
        let (roots, random) = (cx.config.kathea.scans.clone(), cx.random.clone());
        match std::env::current_exe() {
            Ok(program) => self.jobs.start(cx, DuringScan::GoesOn, move |watch| {
                Work::Listed(gather::list_scans(&roots, &program, &random, watch))
            }),
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e)),
        }
    }

    /// Starts to gather what `case_request` asks for; `status` is what the draft says of the agent.
    pub(in crate::agent) fn start_gathering(
        &mut self,
        cx: &Cx<'_>,
        case_request: &CaseRequest,
        status: &Status,
    ) -> Reply {
        if status.service == Service::Running
            && !case_request.named_paths().all(|path| is_below_roots(cx.config, path))
        {
            return Reply::refused(Refused::NotAllowed, Refusal::OutsideRoots);
        }
        let site = match self.site(cx, &case_request.case, status) {
            Ok(site) => site,
            Err(e) => return Reply::refused(Refused::Failed, Trouble::from(e)),
        };
        let (case_request, random) = (case_request.clone(), cx.random.clone());
        let during_scan = if case_request.now { DuringScan::GoesOn } else { DuringScan::Waits };
        self.jobs.start(cx, during_scan, move |watch| {
            Work::Gathered(gather::run(&site, &case_request, random, watch).map(Box::new))
        })
    }

    fn site(&self, cx: &Cx<'_>, case: &CaseId, status: &Status) -> io::Result<Site> {
        let mut id = [0; 4];
        cx.random.fill(&mut id).map_err(|_| no_randomness())?;
        Ok(Site {
            config: cx.config.clone(),
            program: std::env::current_exe()?,
            status: status.document(),
            device: cx.vault.device(),
            policy: PolicyName {
                id: cx.registry.policy().id().to_owned(),
                version: cx.registry.policy().version().to_owned(),
            },
            pseudonyms: self.pseudonyms(cx, case),
            now: cx.now,
            id: HEXLOWER.encode(&id),
        })
    }

    /// Of the case's bundles, or of a draft of it that is still there.
    fn pseudonyms(&self, cx: &Cx<'_>, case: &CaseId) -> Option<Pseudonyms> {
        self.queue.pseudonyms(case).or_else(|| {
            let kept = self.drafts.kept().iter().rev().find(|kept| kept.case == *case)?;
            let draft = self.drafts.get(&kept.draft, cx.vault).ok()?;
            Some(draft.pseudonyms().clone())
        })
    }

    /// What a command line needs that gathers as its own caller, from paths that the service may not open.
    pub(in crate::agent) fn begin_elsewhere(&self, cx: &Cx<'_>, case: &CaseId, status: Status) -> Reply {
        let folder = durable::create_directory(&cx.config.data_dir.join("drafts"));
        match folder.and_then(|()| self.site(cx, case, &status)) {
            Ok(site) => Reply::done(Elsewhere {
                draft: site.id,
                device: site.device,
                policy: status.policy.clone(),
                status,
                pseudonyms: site.pseudonyms,
            }),
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e)),
        }
    }

    /// Takes in a draft that such a command line made. An administrator's: what he may read here he may read anyway.
    pub(in crate::agent) fn adopt(&mut self, cx: &mut Cx<'_>, id: &str, key: &str) -> Reply {
        let bytes = HEXLOWER.decode(key.as_bytes()).map(Zeroizing::new);
        let key = bytes.ok().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        let is_name = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (Some(key), true) = (key, is_name) else {
            return Reply::refused(Refused::Usage, Refusal::NotAdopted);
        };
        let mut name = [0; 8];
        let made = cx.random.fill(&mut name).map_err(|_| no_randomness()).and_then(|()| {
            let key = DataKey::new(KeyId(name), Zeroizing::new(key));
            Draft::open(&cx.config.data_dir, id, key.copy()).map(|draft| (draft, key))
        });
        match made {
            Ok((draft, key)) => self.keep_draft(cx, &draft, key),
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e)),
        }
    }

    pub(super) fn keep_draft(&mut self, cx: &mut Cx<'_>, draft: &Draft, key: DataKey) -> Reply {
        let kept = self.drafts.add(draft, key, cx.vault, cx.now).and_then(|()| draft.manifest());
        match kept {
            Ok(manifest) => {
                info!("support: a draft was made");
                Reply::done(Drafted {
                    case: draft.case().clone(),
                    draft: draft.id().to_owned(),
                    digest: draft.digest(),
                    files: manifest.files.len() as u64,
                    bytes: manifest.total_bytes(),
                    persons_learned: manifest.persons_learned,
                    left_out: draft.left_out().to_vec(),
                })
            }
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e)),
        }
    }

    /// A piece of a file of a draft, for the clinic's own eyes.
    pub(in crate::agent) fn show_file(&mut self, cx: &Cx<'_>, id: &str, name: &str, offset: u64) -> Reply {
        if self.drafts.find(id).is_none() {
            return no_draft();
        }
        if self.shown.as_ref().is_none_or(|shown| shown.draft.id() != id) {
            let opened = self.drafts.get(id, cx.vault).and_then(Shown::new);
            match opened {
                Ok(shown) => self.shown = Some(shown),
                Err(e) => return Reply::refused(Refused::Failed, BundleError::from(e)),
            }
        }
        let shown = self.shown.as_ref();
        let Some((draft, span)) = shown.and_then(|shown| Some((&shown.draft, *shown.files.get(name)?)))
        else {
            return Reply::refused(Refused::Usage, Refusal::NoSuchFile);
        };
        let offset = offset.min(span.bytes);
        match draft.piece(span, offset, limits::PIECE) {
            Ok(piece) => Reply::done(Piece::of(&piece, offset, span.bytes)),
            Err(e) => Reply::refused(Refused::Failed, BundleError::from(e)),
        }
    }
}

/// Whether links and all lead below a folder of the configuration.
fn is_below_roots(config: &Config, path: &Path) -> bool {
    let Ok(path) = path.canonicalize() else { return false };
    let roots = config.kathea.logs.iter().chain(&config.kathea.scans);
    path.is_absolute() && roots.filter_map(|root| root.canonicalize().ok()).any(|root| path.starts_with(root))
}

fn no_randomness() -> io::Error {
    io::Error::other("the system gives no random numbers")
}

/// An open draft, and where its files lie.
pub(super) struct Shown {
    draft: Draft,
    files: BTreeMap<String, Span>,
}

impl Shown {
    fn new(draft: Draft) -> io::Result<Self> {
        let named = draft.manifest()?.files.into_iter().map(|file| file.name);
        // To collect it would bring a sort of its own into the program, 3 kB.
        let mut files = BTreeMap::new();
        files.extend(named.zip(draft.files().iter().copied()));
        files.insert(manifest::FILE.to_owned(), draft.manifest_span());
        Ok(Self { draft, files })
    }
}
