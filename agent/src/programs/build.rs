//! Making the table.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use protocol::Digest;
use provenance::{Builder, Entry};
use ring::digest::{Context, SHA256};

use super::folder::{self, Unprotected};
use super::installed::{Installed, InstalledError};
use super::lists::{self, ListError};
use super::record::{FOLDER, RECORD, Record, Refusal, Source, TABLE};
use super::stamp::Stamp;
use crate::config::Config;
use crate::durable;
use deidentify::child::{Failure, Parser};
use deidentify::files::{Found, Known, Order, Outlet, Reason, Said, Take};
use regular::Identity;

/// Of a program that no list of the installer has.
const NOT_INSTALLED: &str = "not_installed";

/// Why there is no new table.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A folder of `[kathea] program` is not read.
    #[error("{0}")]
    Folder(Unprotected),
    /// A list of the vendor does not count.
    #[error("{0}")]
    List(ListError),
    /// A list of the installer does not count.
    #[error("{0}")]
    Installed(InstalledError),
    /// Programs are there, and no list of the installer has any of them.
    #[error(
        "none of the {0} programs below the folders of `program` under [kathea] is on the installer's list: install the \
         program again, or ask the vendor for its installed.sha256 with the signature beside it"
    )]
    NotInstalled(usize),
    /// The process that reads files can't be started or confined.
    #[error(
        "the process that reads the programs can't be started or confined ({0}): nothing was changed; install the agent \
         again, and tell the vendor if that does not help"
    )]
    Child(io::ErrorKind),
    /// What was read may be another content than the one whose digest was taken.
    #[error(
        "{0} was changed while it was read: nothing was changed; wait until the program is installed and try again"
    )]
    Changing(PathBuf),
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

/// Makes the table of `config` anew; `program` is this program, which reads files in a process of its own; `now` is in seconds
/// since 1970.
///
/// # Errors
/// [`BuildError`], after which the table that was there still counts.
pub fn build(config: &Config, program: &Path, now: i64) -> Result<Record, BuildError> {
    let mut builder = Builder::default();
    let (mut folders, mut sources, mut seen, mut refused, mut installed) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for named in &config.kathea.program {
        let programs = folder::programs(named).map_err(BuildError::Folder)?;
        let list = Installed::of(named, &config.vendor.keys).map_err(BuildError::Installed)?;
        for path in programs.into_iter().filter(|path| is_program(path)) {
            let (source, metadata) = source(path, now)?;
            if list.has(source.sha256) {
                sources.push(source);
                seen.push(metadata);
            } else {
                refused.push(Refusal { path: source.path, reason: NOT_INSTALLED.to_owned() });
            }
        }
        let whole = named.canonicalize().map_err(|e| BuildError::Disk(named.clone(), e.kind()))?;
        builder.add(Entry::Folder(&whole.to_string_lossy()));
        folders.push(whole);
        installed.push(list.list);
    }
    let lists = lists::all(&config.data_dir, &config.vendor.keys, &mut |entry| builder.add(entry));
    let lists = lists.map_err(BuildError::List)?;
    if sources.is_empty() && lists.is_empty() {
        return Err(if refused.is_empty() {
            BuildError::Nothing
        } else {
            BuildError::NotInstalled(refused.len())
        });
    }
    let found = |(source, seen): (&Source, &Metadata)| Found {
        path: (&source.path).into(),
        listed: Identity::of(seen),
        refused: None,
        take: Take::Literals,
    };
    let mut order = Order {
        // Nothing of a case is read, so nothing is mapped under this key.
        key: [0; 32],
        files: sources.iter().zip(&seen).map(found).collect(),
        contexts: Vec::new(),
        typed: Vec::new(),
        own: Vec::new(),
        known: Known::default(),
        done: 0,
    };
    let mut reading = Reading { builder, files: sources, at: 0, held: Vec::new(), read: Vec::new(), refused };
    Parser::new(program).run(&mut order, &mut reading).map_err(|failure| match failure {
        Failure::Child(kind) => BuildError::Child(kind),
        Failure::Outlet(e) => BuildError::Disk(config.data_dir.clone(), e.kind()),
        Failure::Case(_) => BuildError::Child(io::ErrorKind::Unsupported),
    })?;
    let Reading { builder, files, read, refused, .. } = reading;
    for (source, seen) in files.iter().zip(&seen) {
        let replaced =
            |refusal: &Refusal| refusal.path == source.path && refusal.reason == Reason::Replaced.as_str();
        if refused.iter().any(replaced) || !is_still(source, seen)? {
            return Err(BuildError::Changing(source.path.clone()));
        }
    }
    let bytes = builder.to_bytes();
    let record = Record {
        bytes: bytes.len() as u64,
        sha256: Digest::of(&bytes),
        literals: builder.literals() as u64,
        words: builder.words() as u64,
        left_out: builder.left_out(),
        folders,
        files: read,
        refused,
        lists,
        installed: Some(installed),
    };
    let kept = |path: PathBuf, bytes: &[u8]| {
        durable::replace_public(&path, bytes).map_err(|e| BuildError::Disk(path, e.kind()))
    };
    let folder = config.data_dir.join(FOLDER);
    fs::create_dir_all(&folder)
        // The service makes the table anew in a folder that an administrator's command made.
        .and_then(|()| durable::give(&folder, &config.data_dir))
        .map_err(|e| BuildError::Disk(folder.clone(), e.kind()))?;
    kept(folder.join(TABLE), &bytes)?;
    let text = serde_json::to_vec_pretty(&record)
        .map_err(|_| BuildError::Disk(folder.clone(), io::ErrorKind::InvalidData))?;
    // Between the two a table counts for nothing: its digest is in the record.
    kept(folder.join(RECORD), &text)?;
    Ok(record)
}

/// What there is to know of a file of the program, its digest among it, and what the file system said before that was taken.
pub(super) fn source(path: PathBuf, now: i64) -> Result<(Source, Metadata), BuildError> {
    let digested = digest(&path);
    let (seen, bytes, sha256) = digested.map_err(|e| BuildError::Disk(path.clone(), e.kind()))?;
    let stamp = Stamp::of(&seen).filter(|stamp| stamp.is_settled(now));
    Ok((Source { path, bytes, sha256, stamp }, seen))
}

/// Whether a file that the child read is the one whose digest was taken, and was not written meanwhile: its stamp tells also
/// of what was put back. Without stamps only the digest tells, and what was put back does not show.
fn is_still(source: &Source, seen: &Metadata) -> Result<bool, BuildError> {
    let unreadable = |e: io::Error| BuildError::Disk(source.path.clone(), e.kind());
    match Stamp::of(seen) {
        Some(stamp) => Ok(Stamp::of(&fs::metadata(&source.path).map_err(unreadable)?) == Some(stamp)),
        None => Ok(self::source(source.path.clone(), 0)?.0.sha256 == source.sha256),
    }
}

fn digest(path: &Path) -> io::Result<(Metadata, u64, Digest)> {
    let (mut file, mut hash, mut buffer) = (File::open(path)?, Context::new(&SHA256), vec![0; 64 << 10]);
    // Before the first byte: what is written after it is a change.
    let (seen, mut bytes) = (file.metadata()?, 0);
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
    Ok((seen, bytes, Digest::from_bytes(digest)))
}

/// Whether a file begins like a program or a catalogue.
pub(super) fn is_program(path: &Path) -> bool {
    let mut magic = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut magic));
    read.is_ok()
        && (magic.starts_with(b"MZ")
            || [*b"\x7fELF", [0xde, 0x12, 0x04, 0x95], [0x95, 0x04, 0x12, 0xde]].contains(&magic))
}

/// What comes back from the process that reads the programs.
struct Reading {
    builder: Builder,
    files: Vec<Source>,
    at: usize,
    /// A part of an entry.
    held: Vec<u8>,
    read: Vec<Source>,
    refused: Vec<Refusal>,
}

impl Write for Reading {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.held.extend(bytes);
        let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n') else { return Ok(bytes.len()) };
        let rest = self.held.split_off(end + 1);
        let lines = std::mem::replace(&mut self.held, rest);
        let entries = String::from_utf8_lossy(&lines);
        for entry in entries.lines().filter_map(Entry::parse) {
            // A folder is the configuration's to say, and a shape the vendor's.
            if matches!(entry, Entry::Literal(_) | Entry::Word(_)) {
                self.builder.add(entry);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Outlet for Reading {
    fn say(&mut self, said: Said) -> io::Result<()> {
        let Said::Finished(outcome) = said else { return Ok(()) };
        let source = self.files.get(self.at).ok_or(io::ErrorKind::InvalidData)?.clone();
        self.at += 1;
        self.held.clear();
        match outcome {
            Ok(_) => {
                // A log names the file that a message comes from.
                if let Some(name) = source.path.file_stem() {
                    self.builder.add(Entry::Literal(&name.to_string_lossy()));
                }
                self.read.push(source);
            }
            Err((_, Reason::OtherFormat | Reason::Empty)) => {}
            Err((_, reason)) => {
                self.refused.push(Refusal { path: source.path, reason: reason.as_str().to_owned() });
            }
        }
        Ok(())
    }
}
