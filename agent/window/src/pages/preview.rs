//! A draft: everything that would leave for a case, and the buttons that send or erase it.

use std::cell::RefCell;
use std::io::{self, ErrorKind, Read};

use agent::api::support::{List, Piece};
use agent::consent::Policy;
use agent::request::{Request, SupportRequest};
use agent::support::bundle::BundleError;
use agent::support::check::in_danish;
use agent::support::manifest::{self, Manifest};
use agent::support::page::Preview;
use agent::texts::Text;
use maud::{Markup, PreEscaped, html};
use protocol::Digest;

use super::parts::{button, not_shown, print_button};
use crate::ask::{Agent, Failure};
use crate::state::Window;
use crate::words::{reason, t, who};

/// A file of a draft, piece by piece.
struct Pieces<'a> {
    agent: &'a Agent,
    draft: &'a str,
    file: String,
    offset: u64,
    piece: io::Cursor<Vec<u8>>,
    is_over: bool,
    failure: &'a RefCell<Option<Failure>>,
}

impl Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || self.is_over {
                return Ok(read);
            }
            let show = SupportRequest::Show {
                draft: self.draft.to_owned(),
                file: self.file.clone(),
                offset: self.offset,
            };
            let asked: Result<Piece, _> = self.agent.ask(&Request::Support(show));
            let piece = asked.map_err(|failure| {
                self.failure.replace(Some(failure));
                io::Error::from(ErrorKind::ConnectionAborted)
            })?;
            let bytes = piece.decoded().ok_or(ErrorKind::InvalidData)?;
            self.offset += bytes.len() as u64;
            self.is_over = bytes.is_empty() || self.offset >= piece.bytes;
            self.piece = io::Cursor::new(bytes);
        }
    }
}

fn read(window: &Window, draft: &str) -> Result<(Digest, Manifest, Markup), Failure> {
    let agent = &window.agent;
    let failure = RefCell::new(None);
    let open = |file: &str| Pieces {
        agent,
        draft,
        file: file.to_owned(),
        offset: 0,
        piece: io::Cursor::default(),
        is_over: false,
        failure: &failure,
    };
    let why = |_| failure.take().unwrap_or(Failure::NotUnderstood);
    let list: List = agent.ask(&Request::Support(SupportRequest::List))?;
    let mut stored = Vec::new();
    open(manifest::FILE).read_to_end(&mut stored).map_err(why)?;
    let digest = Digest::of(&stored);
    let is_whole = list.drafts.iter().any(|row| row.draft == draft && row.digest == digest);
    let damaged = || Failure::Refused(BundleError::Damaged.said());
    let manifest = Manifest::parse(&stored).map_err(|_| damaged())?;
    if !is_whole {
        return Err(damaged());
    }
    let policy = Policy::configured(&window.config).map_err(|e| Failure::Refused(e.to_string().said()))?;
    let checks_in_danish = &in_danish(&manifest.checks);
    let language = window.config.language;
    let page = Preview { manifest: &manifest, digest, draft, policy: &policy, checks_in_danish, language };
    let mut text = Vec::new();
    page.write_sections(&mut text, |entry| Ok(open(&entry.name))).map_err(why)?;
    let text = String::from_utf8(text).map_err(|_| Failure::NotUnderstood)?;
    Ok((digest, manifest, PreEscaped(text)))
}

pub(super) fn page(window: &Window, draft: &str) -> Markup {
    match read(window, draft) {
        Err(why) => not_shown(&t("What would leave", "Hvad der ville blive sendt"), &why),
        Ok((digest, manifest, sections)) => html! {
            h1 { (t(format!("Support case {}", manifest.case), format!("Supportsag {}", manifest.case))) }
            section.card {
                h2 { (t("Your answer", "Jeres svar")) }
                p { (t("This is everything that would leave. Nothing has been sent. A yes covers exactly what this page shows, sealed so that only the vendor's support can open it.",
                       "Dette er alt, hvad der ville blive sendt. Intet er sendt endnu. Et ja gælder præcis det, siden viser, og det forsegles, så kun leverandørens support kan åbne det.")) }
                form data-do="create" {
                    input type="hidden" name="draft" value=(draft);
                    input type="hidden" name="yes" value=(digest.to_string());
                    (who("create"))
                    button { (t("Send", "Send")) }
                }
                div.row {
                    (button("discard", &[("id", draft)], "end", &t("Don't send, and erase it", "Send ikke, og slet den")))
                    (print_button())
                }
            }
            section { dl {
                dt { (t("Reason", "Årsag")) } dd { (reason(manifest.reason)) }
                dt { (t("Contact", "Kontakt")) } dd { (manifest.contact.as_deref().unwrap_or("–")) }
                dt { (t("Description", "Beskrivelse")) } dd.typed { (manifest.description.as_deref().unwrap_or("–")) }
            } }
            (sections)
        },
    }
}
