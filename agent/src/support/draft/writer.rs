//! A draft is written once, from its first file to its index.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use protocol::CaseId;
use ring::digest::{Context, SHA256};
use ring::rand::SystemRandom;

use super::frames::aad;
use super::{Draft, INDEX, Index, LeftOut, MAGIC, NONCE, ScanFile, Span, damaged, digest, path, refused};
use crate::durable;
use crate::limits;
use crate::support::pseudonyms::Pseudonyms;
use crate::vault::data_key::DataKey;

/// A draft that is being made: `begin`, bytes, `end`, for each file. Dropped before it is finished, it is gone.
pub struct Writer {
    id: String,
    path: PathBuf,
    out: BufWriter<File>,
    key: DataKey,
    random: SystemRandom,
    at: u64,
    /// The number of the next file. None is used twice, also where a file was forgotten.
    next: u32,
    filling: Option<Filling>,
    files: Vec<Span>,
    left_out: Vec<LeftOut>,
    scans: Vec<ScanFile>,
    is_finished: bool,
}

/// The file that is being written.
struct Filling {
    number: u32,
    start: u64,
    frame: Vec<u8>,
    frames: u32,
    bytes: u64,
    hash: Context,
}

impl Writer {
    /// Begins the draft `id` below `data_dir`, under a key of its own.
    ///
    /// # Errors
    /// Of the disk, or if the system has no randomness.
    pub fn create(data_dir: &Path, id: &str, random: SystemRandom) -> io::Result<Self> {
        let path = path(data_dir, id);
        if let Some(dir) = path.parent() {
            durable::create_directory(dir)?;
        }
        let key = DataKey::generate(&random).map_err(|_| refused())?;
        let file = durable::private(OpenOptions::new().write(true).create_new(true)).open(&path)?;
        let mut writer = Self {
            id: id.to_owned(),
            path,
            out: BufWriter::with_capacity(limits::DRAFT_FRAME, file),
            key,
            random,
            at: MAGIC.len() as u64,
            next: 0,
            filling: None,
            files: Vec::new(),
            left_out: Vec::new(),
            scans: Vec::new(),
            is_finished: false,
        };
        writer.out.write_all(MAGIC)?;
        Ok(writer)
    }

    /// Notes a file that was left out; of many, the first.
    pub fn leave_out(&mut self, file: LeftOut) {
        if self.left_out.len() < limits::LEFT_OUT {
            self.left_out.push(file);
        }
    }

    /// Notes which file a scan of the bundle is; of many, the first.
    pub fn note_scan(&mut self, scan: ScanFile) {
        if self.scans.len() < limits::SCANS_NOTED {
            self.scans.push(scan);
        }
    }

    /// Begins the next file.
    pub fn begin(&mut self) {
        let number = self.next;
        self.next += 1;
        self.fill(number);
    }

    /// Forgets the file that was begun.
    pub fn forget(&mut self) {
        self.filling = None;
    }

    /// Seals what is left of the file that was begun, and says where it lies.
    ///
    /// # Errors
    /// Of the disk; [`Cause::Damaged`](crate::support::cause::Cause) if none was begun.
    pub fn end(&mut self) -> io::Result<Span> {
        self.seal(true)?;
        let Filling { number, start, bytes, hash, .. } = self.filling.take().ok_or_else(damaged)?;
        let span = Span { number, start, bytes, sha256: digest(hash) };
        self.files.push(span);
        Ok(span)
    }

    /// Adds a whole file before all others.
    ///
    /// # Errors
    /// Of the disk.
    pub fn put_first(&mut self, text: &[u8]) -> io::Result<Span> {
        self.begin();
        self.write_all(text)?;
        let span = self.end()?;
        self.files.rotate_right(1);
        Ok(span)
    }

    /// Bytes on the disk so far.
    pub fn disk_bytes(&self) -> u64 {
        self.at
    }

    /// Seals manifest and index, syncs, and gives the draft with the key that opens it.
    ///
    /// # Errors
    /// Of the disk; nothing is left then.
    pub fn finish(
        mut self,
        case: CaseId,
        made_at: i64,
        pseudonyms: Pseudonyms,
        stored_manifest: &[u8],
    ) -> io::Result<(Draft, DataKey)> {
        let files = self.files.clone();
        self.begin();
        self.write_all(stored_manifest)?;
        let manifest = self.end()?;
        let left_out = std::mem::take(&mut self.left_out);
        let scans = std::mem::take(&mut self.scans);
        let index = Index { case, made_at, pseudonyms, manifest, files, left_out, scans };
        let text = serde_json::to_vec(&index).map_err(|_| damaged())?;
        let start = self.at;
        self.fill(INDEX);
        self.write_all(&text)?;
        self.end()?;
        self.out.write_all(&start.to_le_bytes())?;
        self.out.flush()?;
        self.out.get_ref().sync_all()?;
        durable::sync_parent(&self.path)?;
        self.is_finished = true;
        let draft = Draft { id: self.id.clone(), path: self.path.clone(), key: self.key.copy(), index };
        Ok((draft, self.key.copy()))
    }

    fn fill(&mut self, number: u32) {
        let (start, frame) = (self.at, Vec::with_capacity(limits::DRAFT_FRAME));
        self.filling =
            Some(Filling { number, start, frame, frames: 0, bytes: 0, hash: Context::new(&SHA256) });
    }

    fn seal(&mut self, is_last: bool) -> io::Result<()> {
        let filling = self.filling.as_mut().ok_or_else(damaged)?;
        let aad = aad(&self.id, filling.number, filling.frames, is_last);
        let nonce = self.key.seal(&aad, &mut filling.frame, &self.random).map_err(|_| refused())?;
        self.out.write_all(&nonce)?;
        self.out.write_all(&filling.frame)?;
        self.at += (NONCE + filling.frame.len()) as u64;
        filling.frames += 1;
        filling.frame.clear();
        Ok(())
    }
}

impl Write for Writer {
    /// Bytes of the file that was begun.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_full = self.filling.as_ref().is_some_and(|file| file.frame.len() == limits::DRAFT_FRAME);
        if is_full && !bytes.is_empty() {
            self.seal(false)?;
        }
        let filling = self.filling.as_mut().ok_or_else(damaged)?;
        let free = limits::DRAFT_FRAME - filling.frame.len();
        let (taken, _) = bytes.split_at_checked(free).unwrap_or((bytes, &[]));
        filling.frame.extend_from_slice(taken);
        filling.hash.update(taken);
        filling.bytes += taken.len() as u64;
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if !self.is_finished {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
