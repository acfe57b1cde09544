//! The vendor's answer to a request to see what it holds: the key that it is sealed for, and the file as it comes part by
//! part. What of it the clinic is shown is in `shown.rs`.
//!
//! `data_dir/vendor-answer` holds `identity` (the age identity, sealed under a key of its own in the vault), `{sha256}.part`
//! while the file comes, and `{sha256}.age` when it is whole. It stays sealed here: only a clinic's request opens it, and
//! 30 days after it came it is erased.

mod shown;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use log::{info, warn};
use protocol::answer::{KEPT_DAYS, PART, SealedAnswer};
use protocol::{DeviceId, Digest};
use ring::aead::NONCE_LEN;
use time::OffsetDateTime;

use crate::consent::tickets::{Ticket, Tickets};
use crate::presence::{self, Presence};
use crate::ship::exchange::{Exchange, Outcome};
use crate::ship::routes;
use crate::texts::{Said, Text};
use crate::vault::Vault;
use crate::vault::data_key::KeyId;
use crate::{durable, limits};
use shown::NotShown;

/// The folder in `data_dir`.
pub(super) const DIR: &str = "vendor-answer";
/// Names the key of the identity in the vault.
const COMPARTMENT: &str = "vendor-answer";
const HEAD: &[u8; 5] = b"KVAI\x01";
/// How long an answer lies here, in seconds: as long as at the vendor.
const KEPT: i64 = KEPT_DAYS * 24 * 3600;

/// A part that is on its way.
pub(super) struct Fetch {
    ticket: String,
    sealed: SealedAnswer,
    part: u64,
}

/// How far the file is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Come {
    /// So many parts are here.
    Parts(u64),
    Whole,
    /// All of it came, and it was not what was announced: fetched anew, at this time since the start.
    Other(Duration),
    /// The vendor has it no longer.
    Gone,
}

/// The answer, and the key for the next one.
pub(super) struct VendorAnswer {
    dir: PathBuf,
    /// How far the file of this digest is, as far as it was looked at since the start.
    known: Option<(Digest, Come)>,
}

impl Fetch {
    /// Bytes that have to come.
    pub(super) fn length(&self) -> u64 {
        self.sealed.length(self.part)
    }
}

impl VendorAnswer {
    /// Of this `data_dir`. Nothing is read yet.
    pub(super) fn new(data_dir: &Path) -> Self {
        Self { dir: data_dir.join(DIR), known: None }
    }

    /// Whom an answer is sealed for. The identity is made where there is none that opens.
    pub(super) fn recipient(&self, vault: &mut Vault, now: i64) -> io::Result<String> {
        if let Some(identity) = self.identity(vault)? {
            return Ok(identity.to_public().to_string());
        }
        durable::create_directory(&self.dir)?;
        let identity = Identity::generate();
        let mut text = identity.to_string().expose_secret().as_bytes().to_vec();
        let device = vault.device();
        let (key, random) = vault.sealing_key(COMPARTMENT, now).map_err(io::Error::other)?;
        let mut bytes = [HEAD.as_slice(), &key.id().0].concat();
        let nonce = key
            .seal(&context(&bytes, device), &mut text, random)
            .map_err(|_| io::Error::other("the key of the vendor's answer cannot be sealed"))?;
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(&text);
        durable::replace(&self.dir.join("identity"), &bytes)?;
        Ok(identity.to_public().to_string())
    }

    fn identity(&self, vault: &Vault) -> io::Result<Option<Identity>> {
        let Presence::Found(bytes) = presence::read(&self.dir.join("identity"))? else { return Ok(None) };
        Ok(opened(&bytes, vault))
    }

    /// Erases the key, and with it whatever was sealed for it, and the files.
    pub(super) fn erase(&mut self, vault: &mut Vault) -> io::Result<()> {
        // Made before the key, and gone after it.
        if !presence::is_there(&self.dir)? {
            return Ok(());
        }
        vault.shred(COMPARTMENT)?;
        self.known = None;
        Presence::of(fs::remove_dir_all(&self.dir))?;
        durable::sync_parent(&self.dir)
    }

    /// The next part to fetch.
    pub(super) fn next(
        &mut self,
        tickets: &Tickets,
        elapsed: Duration,
    ) -> io::Result<Option<(Fetch, Exchange)>> {
        let Some((ticket, sealed)) = answered(tickets) else { return Ok(None) };
        if !sealed.is_bounded() {
            return Ok(None);
        }
        let part = match self.come(sealed)? {
            Come::Parts(part) => part,
            Come::Other(again) if again <= elapsed => 0,
            Come::Other(_) | Come::Whole | Come::Gone => return Ok(None),
        };
        let fetch = Fetch { ticket: ticket.ticket.clone(), sealed, part };
        Ok(routes::answer_part(&fetch.ticket, part).map(|exchange| (fetch, exchange)))
    }

    /// When something is fetched again, since the start.
    pub(super) fn due(&self, elapsed: Duration) -> Option<Duration> {
        match self.known {
            Some((_, Come::Other(again))) if again > elapsed => Some(again),
            _ => None,
        }
    }

    /// What came of a part.
    pub(super) fn took(&mut self, fetch: &Fetch, outcome: &Outcome, elapsed: Duration) -> io::Result<()> {
        let Fetch { sealed, part, .. } = *fetch;
        let Ok(answer) = outcome else { return Ok(()) };
        if answer.status == 404 {
            self.known = Some((sealed.sha256, Come::Gone));
            return Ok(());
        }
        if !routes::is_part(answer, fetch.length()) {
            return Ok(());
        }
        self.known = None;
        let path = self.path(sealed, "part");
        durable::create_directory(&self.dir)?;
        let mut options = OpenOptions::new();
        let mut file = durable::private(options.write(true).create(true).truncate(false)).open(&path)?;
        if file.metadata()?.len() < part * PART {
            return Ok(());
        }
        // What a cut left behind the last whole part goes.
        file.set_len(part * PART)?;
        file.seek(SeekFrom::End(0))?;
        file.write_all(&answer.body)?;
        if sealed.length(part + 1) > 0 {
            self.known = Some((sealed.sha256, Come::Parts(part + 1)));
            return Ok(());
        }
        file.sync_all()?;
        drop(file);
        if digest(&path)? != sealed.sha256 {
            fs::remove_file(&path)?;
            self.known = Some((sealed.sha256, Come::Other(elapsed + limits::TICKET_EVERY)));
            warn!("the vendor's answer is not the file that it announced: it is fetched again in a day");
            return Ok(());
        }
        for other in presence::files(&self.dir)? {
            if other != path && other.extension().is_some() {
                fs::remove_file(&other)?;
            }
        }
        fs::rename(&path, self.path(sealed, "age"))?;
        durable::sync_parent(&path)?;
        self.known = Some((sealed.sha256, Come::Whole));
        info!("the vendor's answer is here, sealed: `privacy export --from-vendor` shows it");
        Ok(())
    }

    /// Whether an answer is here or on its way.
    pub(super) fn is_expected(&self, tickets: &Tickets) -> bool {
        answered(tickets).is_some()
    }

    /// Erases an answer that came [`KEPT`] seconds ago, by a clock that last leapt at `leapt`; its ticket names it no
    /// longer. True if there was one.
    pub(super) fn end(&mut self, tickets: &mut Tickets, now: i64, leapt: i64) -> io::Result<bool> {
        let Some((_, sealed)) = answered(tickets) else { return Ok(false) };
        let path = self.path(sealed, "age");
        let Presence::Found(file) = presence::stat(&path)? else { return Ok(false) };
        let came = OffsetDateTime::from(file.modified()?).unix_timestamp();
        if now - came.max(leapt) < KEPT {
            return Ok(false);
        }
        // Before the ticket: behind a cut between the two it is fetched again, and ends again.
        fs::remove_file(&path)?;
        durable::sync_parent(&path)?;
        self.known = None;
        tickets.forget_answers()?;
        Ok(true)
    }

    /// What the clinic should know.
    pub(super) fn problem(&self, tickets: &Tickets) -> Option<Said> {
        let (_, sealed) = answered(tickets)?;
        match self.known {
            _ if !sealed.is_bounded() => Some(NotShown::TooLarge.said()),
            Some((_, Come::Other(_))) => Some(NotShown::Damaged.said()),
            Some((_, Come::Gone)) => Some(NotShown::Gone.said()),
            _ => None,
        }
    }

    /// How far the file is, by the disk where that is not known.
    fn come(&mut self, sealed: SealedAnswer) -> io::Result<Come> {
        if let Some((digest, come)) = self.known
            && digest == sealed.sha256
        {
            return Ok(come);
        }
        let come = match presence::stat(&self.path(sealed, "age"))? {
            Presence::Found(_) => Come::Whole,
            Presence::Absent => match presence::stat(&self.path(sealed, "part"))? {
                // One that was never compared begins again.
                Presence::Found(part) if part.len() < sealed.size => Come::Parts(part.len() / PART),
                _ => Come::Parts(0),
            },
        };
        self.known = Some((sealed.sha256, come));
        Ok(come)
    }

    fn path(&self, sealed: SealedAnswer, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", sealed.sha256))
    }
}

/// The newest request to see what is held whose answer can be fetched.
fn answered(tickets: &Tickets) -> Option<(&Ticket, SealedAnswer)> {
    tickets.all().iter().rev().find_map(|ticket| Some((ticket, ticket.sealed?)))
}

fn context(head: &[u8], device: DeviceId) -> Vec<u8> {
    [head, device.to_string().as_bytes()].concat()
}

fn opened(bytes: &[u8], vault: &Vault) -> Option<Identity> {
    let (head, rest) = bytes.split_at_checked(HEAD.len() + 8)?;
    let id = KeyId(*head.strip_prefix(HEAD.as_slice())?.first_chunk()?);
    let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
    let text =
        vault.opening_key(COMPARTMENT, id)?.open(*nonce, &context(head, vault.device()), sealed).ok()?;
    std::str::from_utf8(&text).ok()?.parse().ok()
}

fn digest(path: &Path) -> io::Result<Digest> {
    let (mut file, mut hash) = (File::open(path)?, ring::digest::Context::new(&ring::digest::SHA256));
    let mut bytes = vec![0; limits::CHUNK];
    loop {
        match file.read(&mut bytes)? {
            0 => break,
            count => hash.update(bytes.get(..count).unwrap_or_default()),
        }
    }
    let digest: [u8; 32] = hash.finish().as_ref().try_into().map_err(|_| io::ErrorKind::InvalidData)?;
    Ok(Digest::from_bytes(digest))
}

#[cfg(test)]
mod tests;
