//! Pieces of a draft or a bundle from the agent, written as the caller: the clinic's own copy, a file for a stick.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use agent::api::support::{Drafted, List, Piece};
use agent::config::Config;
use agent::consent::Policy;
use agent::harmless;
use agent::plain::{self, Part};
use agent::request::SupportRequest;
use agent::support::check::in_danish;
use agent::support::manifest::{self, Manifest};
use agent::support::page::Preview;
use protocol::{Digest, stick};
use serde::Serialize;

use super::wait::Bar;
use crate::exit::{self, Exit, Failure};
use crate::print;
use crate::reach::{Line, not_understood};
use crate::texts::refusal::Refusal;
use crate::texts::say;
use crate::texts::support::Say;

/// The text of one file of a draft, piece by piece.
struct Pieces<'l, 'm, 'c> {
    line: &'l RefCell<&'m mut Line<'c>>,
    draft: String,
    file: String,
    offset: u64,
    piece: io::Cursor<Vec<u8>>,
    is_over: bool,
}

impl Read for Pieces<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || self.is_over {
                return Ok(read);
            }
            let piece = piece(&mut self.line.borrow_mut(), &self.draft, &self.file, &mut self.offset);
            let (piece, is_over) = piece.map_err(|_| io::Error::from(ErrorKind::ConnectionAborted))?;
            (self.piece, self.is_over) = (io::Cursor::new(piece), is_over);
        }
    }
}

/// The piece at `offset` of a file of a draft, which moves on; true if it is the last.
fn piece(line: &mut Line<'_>, draft: &str, file: &str, offset: &mut u64) -> Result<(Vec<u8>, bool), Failure> {
    let show = SupportRequest::Show { draft: draft.to_owned(), file: file.to_owned(), offset: *offset };
    let body: Piece = line.support(show)?;
    let piece = body.decoded().ok_or_else(not_understood)?;
    *offset += piece.len() as u64;
    let is_over = piece.is_empty() || *offset >= body.bytes;
    Ok((piece, is_over))
}

/// Writes a file of a draft to `out`.
pub(super) fn show(line: &mut Line<'_>, draft: &str, file: &str, out: &mut dyn Write) -> Result<(), Failure> {
    let mut offset = 0;
    loop {
        let (piece, is_over) = piece(line, draft, file, &mut offset)?;
        match out.write_all(&piece) {
            Err(e) if e.kind() == ErrorKind::BrokenPipe => return Ok(()),
            Err(e) => return Err(Failure::failed(say(Refusal::NotWritten { why: e.kind() }))),
            Ok(()) => {}
        }
        if is_over {
            return out.flush().or(Ok(()));
        }
    }
}

/// The clinic's own copy of a draft: `manifest.json`, whose digest is checked, and `preview.html`.
pub(super) fn preview(
    line: &mut Line<'_>,
    config: &Config,
    made: &Drafted,
    dir: &Path,
) -> Result<(), Failure> {
    let draft = made.draft.as_str();
    let mut stored = Vec::new();
    show(line, draft, manifest::FILE, &mut stored)?;
    let digest = Digest::of(&stored);
    let manifest = Manifest::parse(&stored).map_err(Failure::failed)?;
    if made.digest != digest {
        return Err(Failure::failed(say(Say::DamagedDraft)));
    }
    make_folder(dir)?;
    let unwritten = |e: io::Error| {
        Failure::failed(say(Refusal::UnwritableFolder { path: dir.to_owned(), why: e.kind() }))
    };
    let text = String::from_utf8(stored).map_err(|_| not_understood())?;
    plain::write(&dir.join(manifest::FILE), &text).map_err(unwritten)?;
    let mut page = Part::new(&dir.join("preview.html")).map_err(unwritten)?;
    write_page(line, config, draft, (&manifest, digest), &mut page).map_err(unwritten)?;
    page.keep().map_err(unwritten)
}

fn write_page(
    line: &mut Line<'_>,
    config: &Config,
    draft: &str,
    (manifest, digest): (&Manifest, Digest),
    out: &mut Part,
) -> io::Result<()> {
    let policy = Policy::configured(config).map_err(|_| ErrorKind::InvalidInput)?;
    let checks_in_danish = &in_danish(&manifest.checks);
    let language = config.language;
    let page = Preview { manifest, digest, draft, policy: &policy, checks_in_danish, language };
    let line = RefCell::new(line);
    page.write(out, |entry| {
        let (draft, file) = (draft.to_owned(), entry.name.clone());
        Ok(Pieces { line: &line, draft, file, offset: 0, piece: io::Cursor::default(), is_over: false })
    })
}

fn make_folder(dir: &Path) -> Result<(), Failure> {
    std::path::absolute(dir)
        .and_then(|dir| agent::durable::create_directory(&dir))
        .map_err(|e| Failure::failed(say(Refusal::NoNewFolder { path: dir.to_owned(), why: e.kind() })))
}

/// The answer for programs.
#[derive(Serialize)]
struct Exported<'a> {
    bundle: &'a str,
    bytes: u64,
    sha256: &'a str,
    /// The file with the clinic's consent; absent from a service that wrote none.
    #[serde(skip_serializing_if = "Option::is_none")]
    consent: Option<String>,
}

/// Where the consent to an exported bundle goes.
pub(crate) fn consent_path(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(stick::ENDING);
    beside.into()
}

/// Writes the sealed file of a bundle to `path`, and checks what arrived there.
pub(super) fn export(line: &mut Line<'_>, id: &str, path: &Path, json: bool) -> Result<Exit, Failure> {
    let list: List = line.support(SupportRequest::List)?;
    let bundle = list.bundles.into_iter().find(|bundle| bundle.id == id);
    let unwritten = |e: io::Error| Failure::failed(exit::unwritable(path, e.kind()));
    let mut part = Part::new(path).map_err(unwritten)?;
    let mut bar = Bar::new();
    let mut hash = ring::digest::Context::new(&ring::digest::SHA256);
    let (mut offset, mut consent) = (0, None);
    loop {
        let body: Piece = line.support(SupportRequest::Export { bundle: id.to_owned(), offset })?;
        let (piece, bytes) = (body.decoded().ok_or_else(not_understood)?, body.bytes);
        consent = body.consent.or(consent);
        hash.update(&piece);
        part.write_all(&piece).map_err(unwritten)?;
        offset += piece.len() as u64;
        bar.show("writing", offset, bytes, false);
        if offset >= bytes || piece.is_empty() {
            break;
        }
    }
    drop(bar);
    let written = data_encoding::HEXLOWER.encode(hash.finish().as_ref());
    if bundle.is_none_or(|bundle| bundle.sha256.to_string() != written) {
        return Err(Failure::failed(say(Say::DamagedBundle)));
    }
    part.keep().map_err(unwritten)?;
    let beside = consent_path(path);
    if let Some(consent) = &consent {
        let unwritten = |e: io::Error| Failure::failed(exit::unwritable(&beside, e.kind()));
        let mut part = Part::new(&beside).map_err(unwritten)?;
        part.write_all(consent.as_bytes()).and_then(|()| part.keep()).map_err(unwritten)?;
    }
    let consent = consent.map(|_| harmless::path(&beside).to_string());
    let exported = Exported { bundle: id, bytes: offset, sha256: &written, consent };
    print::answer(&exported, json, || {
        let (path, size) = (path.to_owned(), print::bytes(offset));
        print::words(&say(Say::Exported { path, size, sha256: written.clone() }));
        if exported.consent.is_some() {
            print::words(&say(Say::ConsentBeside { path: beside.clone() }));
        }
        Ok(())
    })
}

/// What is to be typed for a yes, once the pages in `dir` were read.
pub(super) fn how_to_say_yes(made: &Drafted, dir: &str) -> String {
    let digits: String = made.digest.to_string().chars().take(16).collect();
    say(Say::HowToAnswer { dir: dir.to_owned(), draft: made.draft.clone(), digits })
}
