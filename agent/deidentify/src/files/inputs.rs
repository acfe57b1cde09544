//! Listing of the given paths, with the kind of each file. Opens only regular files.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use walkdir::WalkDir;

use crate::check::Finding;
use crate::dicom;
use crate::text::decode;
use regular::{self, Identity, Refused};

/// Kind of a file, recognised by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// DICOM, with or without its preamble.
    Dicom,
    /// A log, or any other text.
    Text,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// None of these.
    Other,
}

impl Format {
    /// The kind in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dicom => "dicom",
            Self::Text => "text",
            Self::Json => "json",
            Self::Xml => "xml",
            Self::Other => "other",
        }
    }

    /// The ending of the output.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::Dicom | Self::Json => "json",
            Self::Xml => "xml",
            Self::Text | Self::Other => "log",
        }
    }
}

/// Why a file is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// A symbolic link: where it leads was not named.
    SymbolicLink,
    /// A device, a pipe, a socket.
    NotAFile,
    /// It may not be read.
    Denied,
    /// There is nothing of that name.
    Missing,
    /// Its folder or its disk can't be read.
    Unreadable,
    /// Another file has taken its name since it was listed.
    Replaced,
    /// It has no bytes.
    Empty,
    /// An archive, an image, a program, a database: neither DICOM nor text, JSON, XML.
    OtherFormat,
    /// Not one line of it could be decoded.
    NoText,
    /// It brought the process down that reads it: more memory or time than any file needs.
    Fatal,
    /// DICOM, but none that can be trusted.
    Dicom(dicom::Refused),
    /// It looks like a program and is damaged.
    DamagedProgram,
    /// A program of more than 2 GiB.
    ProgramTooLarge,
    /// What came of it would have named somebody, and that could not be cut out.
    Quarantined(Finding),
}

impl Reason {
    /// The reason in a report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SymbolicLink => "symbolic_link",
            Self::NotAFile => "not_a_file",
            Self::Denied => "no_permission",
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Replaced => "replaced",
            Self::Empty => "empty",
            Self::OtherFormat => "other_format",
            Self::NoText => "no_text",
            Self::Fatal => "fatal",
            Self::Dicom(refused) => refused.as_str(),
            Self::DamagedProgram => "damaged_program",
            Self::ProgramTooLarge => "program_too_large",
            Self::Quarantined(_) => "quarantined",
        }
    }
}

impl From<io::Error> for Reason {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::PermissionDenied => Self::Denied,
            ErrorKind::NotFound => Self::Missing,
            _ => Self::Unreadable,
        }
    }
}

/// A file to be read.
#[derive(Debug)]
pub(super) struct Input {
    /// Where it was listed.
    pub(super) found: Found,
    /// What it is, or why it is not looked into.
    pub(super) format: Result<Format, Reason>,
}

impl Input {
    /// What was found, looked at; the file, if there is one to open.
    pub(super) fn new(found: Found, file: Opened) -> (Self, Option<File>) {
        let (format, file) = match (found.refused, file) {
            (Some(reason), _) | (None, Err(reason)) => (Err(reason), None),
            (None, Ok(None)) => (Ok(Format::Json), None),
            (None, Ok(Some(file))) if found.take == Take::Literals => (Ok(Format::Other), Some(file)),
            (None, Ok(Some(file))) => {
                let head = head(&file).map_err(Reason::from);
                (head.and_then(|head| sniff(&head, Path::new(&found.path))), Some(file))
            }
        };
        (Self { found, format }, file)
    }
}

impl From<Refused> for Reason {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Link => Self::SymbolicLink,
            Refused::Kind => Self::NotAFile,
            Refused::Replaced => Self::Replaced,
            Refused::System(error) => error.into(),
        }
    }
}

/// What of a file is taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Take {
    /// All of it.
    #[default]
    Whole,
    /// Of a log the lines between two times, in seconds since 1970.
    Window {
        /// When the file was last written.
        modified: i64,
        /// From here on.
        start: i64,
        /// Up to here.
        end: i64,
    },
    /// The lines that are numbers and nothing else.
    Numbers,
    /// Of a program its literals and names, as entries of a table: nothing of it goes into an output.
    Literals,
    /// No file: these bytes, which this program wrote and which are searched like every other.
    Given(Vec<u8>),
}

/// A file under the paths that were named, or what stands in its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Where it lies.
    pub path: OsString,
    /// The file that was listed under this name.
    pub listed: Identity,
    /// Why it is not opened.
    pub refused: Option<Reason>,
    /// What of it is taken.
    pub take: Take,
}

/// The open file of what was found; none where there is none to open, and else why it was not opened.
pub type Opened = Result<Option<File>, Reason>;

impl Found {
    /// Whether there is a file to open.
    pub fn is_opened(&self) -> bool {
        self.refused.is_none() && !matches!(self.take, Take::Given(_))
    }

    /// Opens the file that was listed, and no other.
    pub fn open(&self) -> Opened {
        match self.is_opened() {
            true => Ok(Some(regular::open(Path::new(&self.path), self.listed)?)),
            false => Ok(None),
        }
    }
}

/// All files under `paths`, by name; links are not followed, nothing is opened.
pub fn find(paths: &[PathBuf]) -> Vec<Found> {
    let under = |path: &PathBuf| WalkDir::new(path).follow_links(false).sort_by_file_name();
    let mut all = Vec::new();
    for (root, entry) in paths.iter().flat_map(|path| under(path).into_iter().map(move |entry| (path, entry)))
    {
        let mut listed = Identity::ANY;
        let (path, refused) = match entry {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) if entry.file_type().is_symlink() => (entry.into_path(), Some(Reason::SymbolicLink)),
            Ok(entry) if entry.file_type().is_file() => {
                let refused = match entry.metadata() {
                    Ok(metadata) => {
                        listed = Identity::of(&metadata);
                        None
                    }
                    Err(error) => Some(error.into_io_error().map_or(Reason::Unreadable, Reason::from)),
                };
                (entry.into_path(), refused)
            }
            Ok(entry) => (entry.into_path(), Some(Reason::NotAFile)),
            Err(error) => {
                let path = error.path().unwrap_or(root).to_owned();
                (path, Some(error.into_io_error().map_or(Reason::Unreadable, Reason::from)))
            }
        };
        all.push(Found { path: path.into_os_string(), listed, refused, take: Take::Whole });
    }
    all
}

fn head(mut file: &File) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    file.take(4096).read_to_end(&mut head)?;
    file.rewind()?;
    Ok(head)
}

/// What a file is that begins with `head`.
fn sniff(head: &[u8], path: &Path) -> Result<Format, Reason> {
    const MAGIC: &[&[u8]] = &[
        b"PK\x03\x04",
        b"PK\x05\x06",
        b"\x1f\x8b",
        b"BZh",
        b"\xfd7zXZ",
        b"7z\xbc\xaf",
        b"Rar!",
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"\x7fELF",
        b"MZ",
        b"%PDF",
        b"SQLite format 3",
        b"\xd0\xcf\x11\xe0",
        b"RIFF",
        b"age-encryption.org",
    ];
    let is_dicom = head.get(128..132) == Some(b"DICM");
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let first = match decode::utf16(head) {
        Some(encoding) => encoding.decode(head).0.trim_start_matches('\u{feff}').trim_start().bytes().next(),
        None => text.iter().copied().find(|byte| !byte.is_ascii_whitespace()),
    };
    // A data set without preamble begins with a small group in one byte order or the other (PS3.10, section 7.1).
    let bare = matches!(head, [0x02 | 0x08, 0x00, _, 0x00, ..] | [0x00, 0x02 | 0x08, 0x00, _, ..]);
    let named = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("dcm"));
    match first {
        _ if head.is_empty() => Err(Reason::Empty),
        _ if is_dicom => Ok(Format::Dicom),
        _ if MAGIC.iter().any(|magic| head.starts_with(magic)) => Err(Reason::OtherFormat),
        _ if bare || named => Ok(Format::Dicom),
        _ if decode::utf16(head).is_none() && head.contains(&0) => Err(Reason::OtherFormat),
        Some(b'{' | b'[') => Ok(Format::Json),
        Some(b'<') => Ok(Format::Xml),
        _ => Ok(Format::Text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_recognised_by_its_first_bytes() {
        let plain = Path::new("x");
        let mut dicom = vec![0; 128];
        dicom.extend_from_slice(b"DICM");
        assert_eq!(sniff(&dicom, plain), Ok(Format::Dicom));
        assert_eq!(sniff(b"\x08\0\x05\0\x0a\0\0\0", plain), Ok(Format::Dicom));
        assert_eq!(sniff(b" \n{\"a\":1}", plain), Ok(Format::Json));
        assert_eq!(sniff(b"\xef\xbb\xbf<a/>", plain), Ok(Format::Xml));
        assert_eq!(sniff(b"2026-11-21 10:32:11 [INFO] x", plain), Ok(Format::Text));
        assert_eq!(sniff(b"\xff\xfe{\0", plain), Ok(Format::Json));
        assert_eq!(sniff(b"PK\x03\x04", Path::new("x.dcm")), Err(Reason::OtherFormat));
        assert_eq!(sniff(b"\0\x01\x02\x03", plain), Err(Reason::OtherFormat));
        assert_eq!(sniff(b"", plain), Err(Reason::Empty));
    }

    #[cfg(unix)]
    #[test]
    fn links_devices_and_what_is_not_there_are_listed() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("b")).unwrap();
        std::fs::write(dir.path().join("b/x.log"), "x").unwrap();
        std::os::unix::fs::symlink("..", dir.path().join("b/loop")).unwrap();
        let paths = [dir.path().to_owned(), "/dev/null".into(), dir.path().join("absent")];
        let all: Vec<_> = find(&paths).into_iter().map(|found| found.refused).collect();
        let wanted = [Some(Reason::SymbolicLink), None, Some(Reason::NotAFile), Some(Reason::Missing)];
        assert_eq!(all, wanted);
    }
}
