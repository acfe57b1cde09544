//! Making the table, and seeing whether what it was made of has changed.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use protocol::Digest;
use provenance::{Builder, Entry};
use ring::digest::{Context, SHA256};

use super::lists::{self, ListError};
use super::{FOLDER, RECORD, Record, Refusal, Source, TABLE, Unprotected, folder};
use crate::config::Config;
use crate::{durable, presence};
use deidentify::child::{Failure, Parser};
use deidentify::files::{Found, Known, Order, Outlet, Reason, Said, Take};
use regular::Identity;

/// Why there is no new table.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A folder of `[kathea] program` is not read.
    #[error("{0}")]
    Folder(Unprotected),
    /// A list of the vendor does not count.
    #[error("{0}")]
    List(ListError),
    /// The process that reads files can't be started or confined.
    #[error(
        "the process that reads the programs can't be started or confined ({0}): nothing was changed; install the agent \
         again, and tell the vendor if that does not help"
    )]
    Child(io::ErrorKind),
    /// The table or its record cannot be kept or read.
    #[error("{0} cannot be read or kept now ({1}): check its rights and the space")]
    Disk(PathBuf, io::ErrorKind),
    /// Neither a folder nor a list is there to make a table of.
    #[error(
        "there is nothing to make a table of: name the program's folders in `program` under [kathea], or add a list of \
         the vendor with `kathea-agent provenance add`"
    )]
    Nothing,
}

/// Makes the table of `config` anew; `program` is this program, which reads files in a process of its own.
///
/// # Errors
/// [`BuildError`], after which the table that was there still counts.
pub fn build(config: &Config, program: &Path) -> Result<Record, BuildError> {
    let mut builder = Builder::default();
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for named in &config.kathea.program {
        files.extend(folder::programs(named).map_err(BuildError::Folder)?);
        let whole = named.canonicalize().map_err(|e| BuildError::Disk(named.clone(), e.kind()))?;
        builder.add(Entry::Folder(&whole.to_string_lossy()));
        folders.push(whole);
    }
    let lists = lists::all(&config.data_dir, &config.vendor.keys, &mut |entry| builder.add(entry));
    let lists = lists.map_err(BuildError::List)?;
    if folders.is_empty() && lists.is_empty() {
        return Err(BuildError::Nothing);
    }
    let found = |path: &PathBuf| Found {
        path: path.into(),
        listed: Identity::ANY,
        refused: None,
        take: Take::Literals,
    };
    let mut order = Order {
        // Nothing of a case is read, so nothing is mapped under this key.
        key: [0; 32],
        files: files.iter().map(found).collect(),
        contexts: Vec::new(),
        typed: Vec::new(),
        own: Vec::new(),
        known: Known::default(),
        done: 0,
    };
    let mut reading =
        Reading { builder, files: &files, at: 0, held: Vec::new(), read: Vec::new(), refused: Vec::new() };
    Parser::new(program).run(&mut order, &mut reading).map_err(|failure| match failure {
        Failure::Child(kind) => BuildError::Child(kind),
        Failure::Outlet(e) => BuildError::Disk(config.data_dir.clone(), e.kind()),
        Failure::Case(_) => BuildError::Child(io::ErrorKind::Unsupported),
    })?;
    let Reading { builder, read, refused, .. } = reading;
    let sources = read.into_iter().map(source).collect::<Result<Vec<_>, _>>()?;
    let bytes = builder.to_bytes();
    let record = Record {
        bytes: bytes.len() as u64,
        sha256: Digest::of(&bytes),
        literals: builder.literals() as u64,
        words: builder.words() as u64,
        left_out: builder.left_out(),
        folders,
        files: sources,
        refused,
        lists,
    };
    let kept = |path: PathBuf, bytes: &[u8]| {
        durable::replace_public(&path, bytes).map_err(|e| BuildError::Disk(path, e.kind()))
    };
    let folder = config.data_dir.join(FOLDER);
    fs::create_dir_all(&folder)
        .and_then(|()| give(&folder, &config.data_dir))
        .map_err(|e| BuildError::Disk(folder.clone(), e.kind()))?;
    kept(folder.join(TABLE), &bytes)?;
    let text = serde_json::to_vec_pretty(&record)
        .map_err(|_| BuildError::Disk(folder.clone(), io::ErrorKind::InvalidData))?;
    // Between the two a table counts for nothing: its digest is in the record.
    kept(folder.join(RECORD), &text)?;
    Ok(record)
}

/// The service makes the table anew in a folder that an administrator's command made.
#[cfg(unix)]
fn give(folder: &Path, data_dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};

    let (owner, own) = (fs::metadata(data_dir)?, fs::metadata(folder)?);
    if own.uid() == owner.uid() {
        return Ok(());
    }
    chown(folder, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(not(unix))]
fn give(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

fn source(path: PathBuf) -> Result<Source, BuildError> {
    let digested = digest(&path);
    let (bytes, sha256) = digested.map_err(|e| BuildError::Disk(path.clone(), e.kind()))?;
    Ok(Source { path, bytes, sha256 })
}

fn digest(path: &Path) -> io::Result<(u64, Digest)> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Context::new(&SHA256), vec![0; 64 << 10]);
    let mut bytes = 0;
    loop {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        hash.update(buffer.get(..length).unwrap_or_default());
        bytes += length as u64;
    }
    let mut digest = [0; 32];
    digest.copy_from_slice(hash.finish().as_ref());
    Ok((bytes, Digest::from_bytes(digest)))
}

/// What has changed since a table was built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The table's file is not the one that was built.
    Table,
    /// A program changed.
    Changed(PathBuf),
    /// A program that was not there.
    New(PathBuf),
    /// A program that is gone.
    Gone(PathBuf),
    /// The configuration names other folders.
    Folders,
    /// Other lists are there.
    Lists,
}

/// What has changed since the table of `record` was built; nothing, if it still fits.
///
/// # Errors
/// [`BuildError`] if the program may not be read any more.
pub fn changes(config: &Config, record: &Record) -> Result<Vec<Change>, BuildError> {
    let mut changes = Vec::new();
    let path = config.data_dir.join(FOLDER).join(TABLE);
    let table = presence::read(&path).map_err(|e| BuildError::Disk(path, e.kind()))?.found();
    if table.is_none_or(|bytes| Digest::of(&bytes) != record.sha256) {
        changes.push(Change::Table);
    }
    let (mut folders, mut files) = (Vec::new(), Vec::new());
    for named in &config.kathea.program {
        files.extend(folder::programs(named).map_err(BuildError::Folder)?);
        folders.push(named.canonicalize().map_err(|e| BuildError::Disk(named.clone(), e.kind()))?);
    }
    if folders != record.folders {
        changes.push(Change::Folders);
    }
    let refused = |path: &PathBuf| record.refused.iter().any(|refusal| refusal.path == *path);
    for path in &files {
        match record.files.iter().find(|source| source.path == *path) {
            Some(known) => {
                let (bytes, sha256) = digest(path).map_err(|e| BuildError::Disk(path.clone(), e.kind()))?;
                if (bytes, sha256) != (known.bytes, known.sha256) {
                    changes.push(Change::Changed(path.clone()));
                }
            }
            // What is no program was looked at and is not listed.
            None if !refused(path) && is_program(path) => changes.push(Change::New(path.clone())),
            None => {}
        }
    }
    let gone = record.files.iter().filter(|source| !files.contains(&source.path));
    changes.extend(gone.map(|source| Change::Gone(source.path.clone())));
    let lists = lists::all(&config.data_dir, &config.vendor.keys, &mut |_| {}).map_err(BuildError::List)?;
    if lists != record.lists {
        changes.push(Change::Lists);
    }
    Ok(changes)
}

/// Whether a file begins like a program or a catalogue.
fn is_program(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok()
        && (magic.starts_with(b"MZ")
            || [*b"\x7fELF", [0xde, 0x12, 0x04, 0x95], [0x95, 0x04, 0x12, 0xde]].contains(&magic))
}

/// What comes back from the process that reads the programs.
struct Reading<'a> {
    builder: Builder,
    files: &'a [PathBuf],
    at: usize,
    /// A part of an entry.
    held: Vec<u8>,
    read: Vec<PathBuf>,
    refused: Vec<Refusal>,
}

impl Write for Reading<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend(bytes);
        let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n') else { return Ok(bytes.len()) };
        let rest = self.held.split_off(end + 1);
        let lines = std::mem::replace(&mut self.held, rest);
        let entries = String::from_utf8_lossy(&lines);
        for entry in entries.lines().filter_map(Entry::parse) {
            // A folder is the configuration's to say.
            if !matches!(entry, Entry::Folder(_)) {
                self.builder.add(entry);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet for Reading<'_> {
    fn say(&mut self, said: Said) -> io::Result<()> {
        let Said::Finished(outcome) = said else { return Ok(()) };
        let path = self.files.get(self.at).ok_or(io::ErrorKind::InvalidData)?.clone();
        self.at += 1;
        self.held.clear();
        match outcome {
            Ok(_) => {
                // A log names the file that a message comes from.
                if let Some(name) = path.file_stem() {
                    self.builder.add(Entry::Literal(&name.to_string_lossy()));
                }
                self.read.push(path);
            }
            Err((_, Reason::OtherFormat | Reason::Empty)) => {}
            Err((_, reason)) => self.refused.push(Refusal { path, reason: reason.as_str().to_owned() }),
        }
        Ok(())
    }
}
