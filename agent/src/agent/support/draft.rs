//! Drafts: gathered here or elsewhere, shown, never sent.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use data_encoding::HEXLOWER;
use log::info;
use protocol::CaseId;
use ring::rand::SecureRandom;
use zeroize::Zeroizing;

use super::job::Work;
use super::no_draft;
use crate::agent::{Agent, Trouble};
use crate::api::support::{Drafted, Elsewhere, Piece};
use crate::durable;
use crate::limits;
use crate::request::{Refused, Reply};
use crate::support::bundle::BundleError;
use crate::support::draft::{Draft, Span};
use crate::support::gather::{self, Site, Wish};
use crate::support::manifest::{self, PolicyName};
use crate::support::record::Pseudonyms;
use crate::vault::data_key::{DataKey, KeyId};

impl Agent {
    pub(super) fn start_list(&mut self) -> Reply {
        let (roots, random) = (self.config.kathea.scans.clone(), self.random.clone());
        match std::env::current_exe() {
            Ok(program) => self.start_job(true, move |watch| {
                Work::Listed(gather::list_scans(&roots, &program, &random, watch))
            }),
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e).to_string()),
        }
    }

    pub(super) fn start_gathering(&mut self, wish: &Wish, now: i64) -> Reply {
        if self.running && !wish.named_paths().all(|path| self.is_below_roots(path)) {
            return Reply::refused(
                Refused::NotAllowed,
                "the service reads only below [kathea] logs and scans: name a path there, or let an account read it \
                 that may, as root or the agent's",
            );
        }
        let site = match self.site(&wish.case, now) {
            Ok(site) => site,
            Err(e) => return Reply::refused(Refused::Failed, Trouble::from(e).to_string()),
        };
        let (wish, random) = (wish.clone(), self.random.clone());
        self.start_job(wish.now, move |watch| {
            Work::Gathered(gather::run(&site, &wish, random, watch).map(Box::new))
        })
    }

    /// Whether links and all lead below a folder of the configuration.
    fn is_below_roots(&self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else { return false };
        let roots = self.config.kathea.logs.iter().chain(&self.config.kathea.scans);
        path.is_absolute()
            && roots.filter_map(|root| root.canonicalize().ok()).any(|root| path.starts_with(root))
    }

    fn site(&self, case: &CaseId, now: i64) -> io::Result<Site> {
        let mut id = [0; 4];
        self.random.fill(&mut id).map_err(|_| io::ErrorKind::Other)?;
        Ok(Site {
            config: self.config.clone(),
            program: std::env::current_exe()?,
            status: self.status(now).document(),
            device: self.vault.device(),
            policy: PolicyName {
                id: self.book.policy().id().to_owned(),
                version: self.book.policy().version().to_owned(),
            },
            pseudonyms: self.pseudonyms(case),
            now,
            id: HEXLOWER.encode(&id),
        })
    }

    /// Of the case's bundles, or of a draft of it that is still there.
    fn pseudonyms(&self, case: &CaseId) -> Option<Pseudonyms> {
        self.support.queue.pseudonyms(case).or_else(|| {
            let kept = self.support.drafts.kept().iter().rev().find(|kept| kept.case == *case)?;
            let draft = self.support.drafts.get(&kept.draft, &self.vault).ok()?;
            Some(draft.pseudonyms().clone())
        })
    }

    /// What a command line needs that gathers as its own caller, from paths that the service may not open.
    pub(super) fn begin_elsewhere(&self, case: &CaseId, now: i64) -> Reply {
        let folder = durable::create_directory(&self.config.data_dir.join("drafts"));
        match folder.and_then(|()| self.site(case, now)) {
            Ok(site) => Reply::done(Elsewhere {
                draft: site.id,
                device: site.device,
                policy: self.policy_shown(),
                status: self.status(now),
                pseudonyms: site.pseudonyms,
            }),
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e).to_string()),
        }
    }

    /// Takes in a draft that such a command line made. An administrator's: what he may read here he may read anyway.
    pub(super) fn adopt(&mut self, id: &str, key: &str, now: i64) -> Reply {
        let bytes = HEXLOWER.decode(key.as_bytes()).map(Zeroizing::new);
        let key = bytes.ok().and_then(|bytes| <[u8; 32]>::try_from(bytes.as_slice()).ok());
        let is_name = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let (Some(key), true) = (key, is_name) else {
            return Reply::refused(Refused::Usage, "a draft is adopted by its name and its key");
        };
        let mut name = [0; 8];
        let made = self.random.fill(&mut name).map_err(|_| io::ErrorKind::Other.into()).and_then(|()| {
            let key = DataKey::new(KeyId(name), Zeroizing::new(key));
            Draft::open(&self.config.data_dir, id, key.copy()).map(|draft| (draft, key))
        });
        match made {
            Ok((draft, key)) => self.keep_draft(&draft, key, now),
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e).to_string()),
        }
    }

    pub(super) fn keep_draft(&mut self, draft: &Draft, key: DataKey, now: i64) -> Reply {
        let kept = self.support.drafts.add(draft, key, &mut self.vault, now).and_then(|()| draft.manifest());
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
            Err(e) => Reply::refused(Refused::Failed, Trouble::from(e).to_string()),
        }
    }

    /// A piece of a file of a draft, for the clinic's own eyes.
    pub(super) fn show_file(&mut self, id: &str, name: &str, offset: u64) -> Reply {
        if self.support.drafts.find(id).is_none() {
            return no_draft();
        }
        if self.support.shown.as_ref().is_none_or(|shown| shown.draft.id() != id) {
            let opened = self.support.drafts.get(id, &self.vault).and_then(Shown::new);
            match opened {
                Ok(shown) => self.support.shown = Some(shown),
                Err(e) => return Reply::refused(Refused::Failed, BundleError::from(e).to_string()),
            }
        }
        let shown = self.support.shown.as_ref();
        let Some((draft, span)) = shown.and_then(|shown| Some((&shown.draft, *shown.files.get(name)?)))
        else {
            return Reply::refused(
                Refused::Usage,
                "there is no such file in the draft: `support show DRAFT manifest.json` lists them",
            );
        };
        let offset = offset.min(span.bytes);
        match draft.piece(span, offset, limits::PIECE) {
            Ok(piece) => Reply::done(Piece::of(&piece, offset, span.bytes)),
            Err(e) => Reply::refused(Refused::Failed, BundleError::from(e).to_string()),
        }
    }
}

/// An open draft, and where its files lie.
pub(super) struct Shown {
    draft: Draft,
    files: BTreeMap<String, Span>,
}

impl Shown {
    fn new(draft: Draft) -> io::Result<Self> {
        let named = draft.manifest()?.files.into_iter().map(|file| file.name);
        let mut files: BTreeMap<String, Span> = named.zip(draft.files().iter().copied()).collect();
        files.insert(manifest::FILE.to_owned(), draft.manifest_span());
        Ok(Self { draft, files })
    }
}
