//! A bundle: exactly the bytes of a draft, as tar, gzip and age, which `age -d | tar -xz` opens at the vendor's.
//!
//! It streams: no file of it is ever in plain on the disk, and a few blocks are in memory. `manifest.json` is the
//! first file, so that its digest is the first thing that can be checked.
//! The files' times are the manifest's `made`, which is moved as all dates of the case.

use std::fmt;
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use age::Encryptor;
use age::x25519::Recipient;
use protocol::{Digest, Purpose};
use ring::digest::{Context, SHA256};
use tar::{Builder, Header};

use super::cause::Cause;
use super::draft::{self, Draft, Span};
use super::gzip::gzip;
use super::manifest::{self, Manifest};
use super::watch::Watch;
use crate::consent::permit::{Lease, Permit, SupportCase, SupportScanData};
use crate::consent::state::from_text;
use crate::durable::{self, Partial};
use crate::limits;

/// Who can open a bundle: the vendor's public keys.
#[derive(Clone)]
pub struct Recipients(Vec<Recipient>);

impl Recipients {
    /// The keys of `[support] recipients`.
    ///
    /// # Errors
    /// There is none, or one that is no key; its number from 1.
    pub fn parse(texts: &[String]) -> Result<Self, BundleError> {
        let parse =
            |(at, text): (usize, &String)| text.trim().parse().map_err(|_| BundleError::BadRecipient(at + 1));
        let keys = texts.iter().enumerate().map(parse).collect::<Result<Vec<Recipient>, _>>()?;
        if keys.is_empty() { Err(BundleError::NoRecipient) } else { Ok(Self(keys)) }
    }
}

/// Why there is no bundle.
#[derive(Debug, PartialEq, Eq)]
pub enum BundleError {
    /// Nobody could open it.
    NoRecipient,
    /// This one is no public key; its number from 1.
    BadRecipient(usize),
    /// There are scans in it, and nobody said yes to them.
    NoPermit,
    /// The yes was taken back meanwhile.
    Withdrawn,
    /// The draft is damaged.
    Damaged,
    /// The disk refused.
    Disk(io::ErrorKind),
    /// Somebody stopped it.
    Stopped,
}

crate::texts! { BundleError {
    Self::NoRecipient =>
        "no key is configured that could open the bundle: put the vendor's public key into [support] recipients",
        "der er ikke angivet en nøgle, som kan åbne pakken: skriv leverandørens offentlige nøgle i [support] recipients";
    Self::BadRecipient(number) =>
        "number {number} of [support] recipients is not a public key: a key begins with age1 and has 62 letters and \
         digits",
        "nummer {number} i [support] recipients er ikke en offentlig nøgle: en nøgle begynder med age1 og har 62 bogstaver \
         og cifre", number;
    Self::NoPermit =>
        "it contains scans without consent: create it again from its draft",
        "den indeholder optagelser uden samtykke: lav den igen ud fra udkastet";
    Self::Withdrawn =>
        "consent was withdrawn: nothing was sealed",
        "samtykket er tilbagekaldt: intet er forseglet";
    Self::Damaged =>
        "the draft is damaged: discard it and collect again",
        "udkastet er beskadiget: kassér det, og indsaml igen";
    Self::Disk(io::ErrorKind::StorageFull) =>
        "the disk is full: nothing was sealed, the draft is kept; free some disk space and try again",
        "disken er fuld: intet er forseglet, udkastet er bevaret; frigør plads, og prøv igen";
    Self::Disk(why) =>
        "the bundle cannot be written ({why}): check the space and the rights of data_dir",
        "pakken kan ikke skrives ({why}): kontrollér plads og rettigheder i data_dir", why;
    Self::Stopped => "sealing was stopped: the draft is kept", "forseglingen blev stoppet: udkastet er bevaret";
} }

impl std::error::Error for BundleError {}

impl From<io::Error> for BundleError {
    fn from(e: io::Error) -> Self {
        match Cause::of(&e) {
            Some(Cause::Stopped) => Self::Stopped,
            Some(Cause::Damaged) => Self::Damaged,
            Some(Cause::Withdrawn) => Self::Withdrawn,
            Some(Cause::ShareOver | Cause::Personal) | None => Self::Disk(e.kind()),
        }
    }
}

/// A draft that may be sealed. Only permits of its case make one.
///
/// ```
/// use agent::consent::permit::{Permit, SupportCase, SupportScanData};
/// use agent::support::bundle::{BundleError, Recipients, Sealing};
/// use agent::support::draft::Draft;
///
/// fn seal(
///     draft: Draft,
///     to: Recipients,
///     case: &Permit<'_, SupportCase>,
///     scans: Option<&Permit<'_, SupportScanData>>,
/// ) -> Result<Sealing, BundleError> {
///     Sealing::new(draft, to, case, scans)
/// }
/// ```
///
/// Usage statistics are another purpose:
///
/// ```compile_fail,E0308
/// use agent::consent::permit::{Permit, SupportScanData, UsageStatistics};
/// use agent::support::bundle::{BundleError, Recipients, Sealing};
/// use agent::support::draft::Draft;
///
/// fn seal(
///     draft: Draft,
///     to: Recipients,
///     case: &Permit<'_, UsageStatistics>,
///     scans: Option<&Permit<'_, SupportScanData>>,
/// ) -> Result<Sealing, BundleError> {
///     Sealing::new(draft, to, case, scans)
/// }
/// ```
pub struct Sealing {
    draft: Draft,
    manifest: Manifest,
    recipients: Recipients,
    leases: Vec<Lease>,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealing({:?})", self.draft)
    }
}

/// The sealed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedFile {
    /// How many.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: Digest,
}

impl Sealing {
    /// What may be sealed under these permits, as long as they stand.
    ///
    /// # Errors
    /// The permits do not cover the draft, or it is damaged.
    pub fn new(
        draft: Draft,
        recipients: Recipients,
        case: &Permit<'_, SupportCase>,
        scans: Option<&Permit<'_, SupportScanData>>,
    ) -> Result<Self, BundleError> {
        let manifest = draft.manifest()?;
        if manifest.purposes.contains(&Purpose::SupportScanData) && scans.is_none() {
            return Err(BundleError::NoPermit);
        }
        let leases = [Some(case.lease()), scans.map(Permit::lease)].into_iter().flatten().collect();
        Ok(Self { draft, manifest, recipients, leases })
    }

    /// What must be allowed, all of it.
    pub fn purposes(&self) -> &[Purpose] {
        &self.manifest.purposes
    }

    /// The draft.
    pub fn draft(&self) -> &Draft {
        &self.draft
    }

    /// Writes the sealed file to `path`, synced.
    ///
    /// # Errors
    /// [`BundleError`]; nothing is left at `path` then.
    pub fn run(&self, path: &Path, watch: &Watch<'_>) -> Result<SealedFile, BundleError> {
        // A withdrawal erases the draft and the part while they are used: whatever fails of that was withdrawn.
        self.write(path, watch).map_err(|e| if self.stands() { e } else { BundleError::Withdrawn })
    }

    fn stands(&self) -> bool {
        self.leases.iter().all(Lease::stands)
    }

    fn write(&self, path: &Path, watch: &Watch<'_>) -> Result<SealedFile, BundleError> {
        watch.begin("sealing", self.manifest.total_bytes());
        let (partial, file) = Partial::create(path.with_extension(durable::PARTIAL))?;
        let out = Hashed {
            out: BufWriter::with_capacity(limits::DRAFT_FRAME, file),
            hash: Context::new(&SHA256),
            size: 0,
        };
        let recipients = self.recipients.0.iter().map(|key| key as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients).map_err(|_| BundleError::NoRecipient)?;
        let encrypted = gzip(encryptor.wrap_output(out)?, |gzip| {
            let mut tar = Builder::new(gzip);
            self.append(&mut tar, manifest::FILE, self.draft.manifest_span(), watch)?;
            for (entry, span) in self.manifest.files.iter().zip(self.draft.files()) {
                self.append(&mut tar, &entry.name, *span, watch)?;
            }
            Ok::<(), BundleError>(tar.finish()?)
        })?;
        let Hashed { mut out, hash, size } = encrypted.finish()?;
        out.flush()?;
        out.get_ref().sync_all()?;
        partial.keep_as(path)?;
        durable::sync_parent(path)?;
        Ok(SealedFile { size, sha256: draft::digest(hash) })
    }

    fn append(
        &self,
        tar: &mut Builder<impl Write>,
        name: &str,
        span: Span,
        watch: &Watch<'_>,
    ) -> Result<(), BundleError> {
        let mut header = Header::new_gnu();
        header.set_size(span.bytes);
        header.set_mode(0o600);
        let made = from_text(&self.manifest.made).unwrap_or(0);
        header.set_mtime(u64::try_from(made).unwrap_or(0));
        let text = Allowed { input: self.draft.read(span)?, leases: &self.leases, watch };
        Ok(tar.append_data(&mut header, name, text)?)
    }
}

/// A text that can be read as long as the yes to it stands.
struct Allowed<'a, R> {
    input: R,
    leases: &'a [Lease],
    watch: &'a Watch<'a>,
}

impl<R: Read> Read for Allowed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if !self.leases.iter().all(Lease::stands) {
            return Err(Cause::Withdrawn.into());
        }
        let read = self.input.read(buffer)?;
        self.watch.go_on(read as u64)?;
        Ok(read)
    }
}

/// Measures what is written.
struct Hashed<W> {
    out: W,
    hash: Context,
    size: u64,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(bytes.get(..written).unwrap_or_default());
        self.size += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
