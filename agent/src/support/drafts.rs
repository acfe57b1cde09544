//! The drafts of this workstation: kept a day, erased with their keys.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use protocol::{CaseId, Digest};

use super::draft::{self, Draft};
use crate::durable;
use crate::limits;
use crate::presence::{self, Presence};
use crate::vault::Vault;
use crate::vault::data_key::DataKey;

/// What begins the name of the vault's compartment of a draft.
const COMPARTMENT: &str = "draft-";

/// What a list shows of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub draft: String,
    /// Its case.
    pub case: CaseId,
    /// What a yes repeats.
    pub digest: Digest,
    /// Files, the manifest aside.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// When it was made, in seconds since 1970.
    pub made_at: i64,
}

impl Kept {
    fn of(draft: &Draft) -> Self {
        Self {
            draft: draft.id().to_owned(),
            case: draft.case().clone(),
            digest: draft.digest(),
            files: draft.files().len() as u64,
            bytes: draft.files().iter().map(|file| file.bytes).sum(),
            made_at: draft.made_at(),
        }
    }

    /// When it is erased, in seconds since 1970.
    pub fn ends_at(&self) -> i64 {
        self.made_at.saturating_add(limits::DRAFT_LIFE)
    }

    /// Whether it is to be erased at `now`: also where the clock was set back to long before it was made, and its day
    /// would last for years.
    pub fn is_over(&self, now: i64) -> bool {
        self.ends_at() <= now || now < self.made_at.saturating_sub(limits::CLOCK_BEHIND)
    }
}

/// The drafts, the oldest first.
#[derive(Debug)]
pub struct Drafts {
    data_dir: PathBuf,
    kept: Vec<Kept>,
}

impl Drafts {
    /// Opens what is below `data_dir`; a file without its key, and a key without its file, are erased.
    ///
    /// # Errors
    /// Something cannot be read now: nothing was erased.
    pub fn open(data_dir: &Path, vault: &mut Vault) -> io::Result<Self> {
        let mut drafts = Self { data_dir: data_dir.to_owned(), kept: Vec::new() };
        let dir = data_dir.join("drafts");
        let mut over = Vec::new();
        for path in presence::entries(&dir)? {
            let id = path.file_stem().and_then(|id| id.to_str()).unwrap_or_default();
            let key = vault.newest_key(&compartment(id)).map(DataKey::copy);
            let draft = key.map_or(Ok(None), |key| Draft::open_whole(data_dir, id, key))?;
            match draft {
                Some(draft) if path == draft::path(data_dir, id) => drafts.kept.push(Kept::of(&draft)),
                _ => over.push(path),
            }
        }
        over.iter().try_for_each(fs::remove_file)?;
        drafts.kept.sort_unstable_by(|a, b| (a.made_at, &a.draft).cmp(&(b.made_at, &b.draft)));
        let orphans: Vec<String> = vault
            .compartments()
            .filter(|name| name.strip_prefix(COMPARTMENT).is_some_and(|id| drafts.find(id).is_none()))
            .map(str::to_owned)
            .collect();
        for orphan in orphans {
            vault.shred(&orphan)?;
        }
        Ok(drafts)
    }

    /// All of them.
    pub fn kept(&self) -> &[Kept] {
        &self.kept
    }

    /// The draft of this name.
    pub fn find(&self, id: &str) -> Option<&Kept> {
        self.kept.iter().find(|kept| kept.draft == id)
    }

    /// Takes in a draft that was just made, and its key.
    ///
    /// # Errors
    /// The key could not be kept: the draft is gone.
    pub fn add(&mut self, draft: &Draft, key: DataKey, vault: &mut Vault, now: i64) -> io::Result<()> {
        if let Err(e) = vault.keep(&compartment(draft.id()), key, now) {
            let _ = fs::remove_file(draft::path(&self.data_dir, draft.id()));
            return Err(e);
        }
        self.kept.push(Kept::of(draft));
        Ok(())
    }

    /// Opens a draft, to be read or sealed.
    ///
    /// # Errors
    /// `NotFound` if there is none of this name; otherwise of the disk.
    pub fn get(&self, id: &str, vault: &Vault) -> io::Result<Draft> {
        let key = self.find(id).and_then(|kept| vault.newest_key(&compartment(&kept.draft)));
        Draft::open(&self.data_dir, id, key.ok_or(ErrorKind::NotFound)?.copy())
    }

    /// Erases those that `is_over` names, first their keys; says how many.
    ///
    /// # Errors
    /// Of the disk; what was not erased is still there.
    pub fn discard(&mut self, vault: &mut Vault, is_over: impl Fn(&Kept) -> bool) -> io::Result<usize> {
        let gone: Vec<String> =
            self.kept.iter().filter(|kept| is_over(kept)).map(|kept| kept.draft.clone()).collect();
        for id in &gone {
            vault.shred(&compartment(id))?;
            let path = draft::path(&self.data_dir, id);
            Presence::of(fs::remove_file(&path))?;
            durable::sync_parent(&path)?;
            self.kept.retain(|kept| kept.draft != *id);
        }
        Ok(gone.len())
    }
}

fn compartment(id: &str) -> String {
    format!("{COMPARTMENT}{id}")
}
