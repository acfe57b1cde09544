//! All that outlives a power cut, as a directory of files.
//!
//! ```text
//! lock                                 held while serving
//! tokens/<sha256>[.used]               one-time enrolment tokens
//! devices/<id>/device.json             key and newest certificate
//!              revoked, retired        markers
//!              consents.log            ledger entries
//!              <purpose>.log           batches
//!              requests/<id>.json      privacy requests, and <id>.done
//!              bundles/                support bundles on their way
//!              wishes/<case>.json      support bundles that are asked for
//! bundles/                             support bundles that are whole
//! ```
//!
//! What is answered with a success was synced before. A distributed engine would replace this module
//! behind the surface of [`Store`]; the command line uses the files beside a running server, which
//! therefore looks at tokens and markers anew at each request.

pub(crate) mod alter;
mod book;
pub(crate) mod bundles;
pub(crate) mod device;
mod index;
pub(crate) mod log;
mod ranges;
pub(crate) mod requests;
pub(crate) mod stream;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tokens;
pub(crate) mod uploads;
pub(crate) mod wishes;

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use protocol::ledger::Entry;
use protocol::reply::{PrivacyReply, PrivacyRequest, TicketState};
use protocol::{Batch, DeviceId, Digest, Purpose, Wish};
use time::OffsetDateTime;

use book::Book;
pub(crate) use book::{Kept, Refused};
use device::{Enrolment, Standing};
pub(crate) use index::Verdict;
use requests::{Kind, Ticket};
use stream::Stream;
use tokens::Redeemed;

use crate::disk;
use crate::failure::Failure;

/// The store of a serving collector. There is one at a time for a data directory.
pub(crate) struct Store {
    data: PathBuf,
    devices: Mutex<HashMap<DeviceId, Arc<Mutex<Option<Device>>>>>,
    _lock: File,
}

/// What is kept in memory of a device that came since the start. Its requests wait for each other.
struct Device {
    dir: PathBuf,
    /// How often something had been taken out when it was read.
    altered: u64,
    book: Book,
    streams: BTreeMap<Purpose, Stream>,
}

impl Store {
    /// Opens the store of a data directory that `init` made.
    pub(crate) fn open(data: &Path) -> Result<Self, Failure> {
        let path = data.join("lock");
        let lock = File::create(&path).map_err(Failure::at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { data: data.to_owned(), devices: Mutex::default(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::new(format!("{} is being served already; stop that first", data.display())))
            }
            Err(TryLockError::Error(error)) => Err(Failure::at(&path)(error)),
        }
    }

    /// Whether something can be written and synced at this moment.
    pub(crate) fn ready(&self) -> Result<(), Failure> {
        disk::write(&self.data.join("ready"), b"", disk::Access::Private)
    }

    /// Uses an enrolment token up.
    pub(crate) fn redeem(&self, token: &str, now: OffsetDateTime) -> Result<Redeemed, Failure> {
        tokens::redeem(&self.data, token, now)
    }

    /// Whether a device may come, at this moment.
    pub(crate) fn standing(&self, device: DeviceId) -> Result<Standing, Failure> {
        device::standing(&device::dir(&self.data, device))
    }

    /// What enrolment left, if the device was ever enrolled.
    pub(crate) fn enrolment(&self, device: DeviceId) -> Result<Option<Enrolment>, Failure> {
        device::enrolment(&device::dir(&self.data, device))
    }

    /// Remembers a new certificate for the device of `public_key`.
    pub(crate) fn enrol(
        &self,
        public_key: &[u8],
        not_after: OffsetDateTime,
        now: OffsetDateTime,
    ) -> Result<(), Failure> {
        device::enrol(&self.data, public_key, not_after, now)
    }

    /// Keeps a ledger entry of an enrolled device, whose line was checked.
    pub(crate) fn put_consent(
        &self,
        device: DeviceId,
        line: &str,
        entry: Entry,
        now: OffsetDateTime,
    ) -> Result<Kept, Failure> {
        self.with(device, |device| device.book.put(line, entry, now))
    }

    /// Index and hash of the newest ledger entry that is known of an enrolled device.
    pub(crate) fn ledger_head(&self, device: DeviceId) -> Result<Option<(u64, Digest)>, Failure> {
        self.with(device, |device| Ok(device.book.head()))
    }

    /// The bundles that are asked of a device now.
    pub(crate) fn wishes(&self, device: DeviceId, now: OffsetDateTime) -> Result<Vec<Wish>, Failure> {
        wishes::of(&self.data, device, now)
    }

    /// Stores a batch of an enrolled device, whose bytes are `envelope`, if its consent stands.
    pub(crate) fn put_batch(
        &self,
        device: DeviceId,
        batch: &Batch,
        envelope: &[u8],
        now: OffsetDateTime,
    ) -> Result<Result<Verdict, Refused>, Failure> {
        let purpose = batch.header.purpose;
        self.with(device, |device| match device.book.allows(batch.header.consent, purpose) {
            Ok(()) => device.stream(purpose)?.put(batch, envelope, now).map(Ok),
            Err(refused) => Ok(Err(refused)),
        })
    }

    /// Keeps a privacy request of an enrolled device and does at once what can't wait: takes no more
    /// after a withdrawal, or at all after a decommissioning. `None` if its id is another request's.
    pub(crate) fn put_request(
        &self,
        ticket: &Ticket,
        kind: Kind,
        request: &PrivacyRequest,
        now: OffsetDateTime,
    ) -> Result<Option<PrivacyReply>, Failure> {
        self.with(ticket.device, |device| {
            match requests::read(&self.data, ticket)? {
                Some(kept) if kept.kind != kind || kept.request != *request => return Ok(None),
                Some(_) => {}
                None => {
                    let known_entries = device.book.len();
                    let received_at = device::rfc3339(now);
                    let kept = requests::Kept { kind, request: request.clone(), received_at, known_entries };
                    requests::keep(&self.data, ticket, &kept)?;
                    device.heed(&kept);
                }
            }
            if kind.is_carried_out_at_once() && requests::state(&self.data, ticket)? == TicketState::Open {
                requests::finish(&self.data, ticket, now)?;
            }
            // Also when the request comes again: the first may have been cut here.
            if kind == Kind::Decommission {
                device::retire(&device.dir, now)?;
            }
            self.ticket(ticket).map(Some)
        })
    }

    /// How far a request is; `None` if there is no such request.
    pub(crate) fn request_state(&self, ticket: &Ticket) -> Result<Option<PrivacyReply>, Failure> {
        match requests::read(&self.data, ticket)? {
            Some(_) => self.ticket(ticket).map(Some),
            None => Ok(None),
        }
    }

    fn ticket(&self, ticket: &Ticket) -> Result<PrivacyReply, Failure> {
        let state = requests::state(&self.data, ticket)?;
        Ok(PrivacyReply { ticket: ticket.to_string(), state })
    }

    /// Runs `work` on a device, which is read first if it did not come since the start.
    fn with<T>(
        &self,
        id: DeviceId,
        work: impl FnOnce(&mut Device) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let device = lock(&self.devices)?.entry(id).or_default().clone();
        let mut device = lock(&device)?;
        let dir = device::dir(&self.data, id);
        let _held = alter::hold(&dir)?;
        // The command line took something out meanwhile: what is in memory is no longer so.
        let altered = alter::count(&dir)?;
        if device.as_ref().is_some_and(|device| device.altered != altered) {
            *device = None;
        }
        match &mut *device {
            Some(device) => work(device),
            none => work(none.insert(Device::read(&self.data, id, altered)?)),
        }
    }
}

impl Device {
    fn read(data: &Path, id: DeviceId, altered: u64) -> Result<Self, Failure> {
        let dir = device::dir(data, id);
        let Some(enrolment) = device::enrolment(&dir)? else {
            return Err(Failure::new(format!("device {id} is not enrolled")));
        };
        let book = Book::open(&dir.join("consents.log"), &enrolment.public_key())?;
        let mut device = Self { dir, altered, book, streams: BTreeMap::new() };
        for (_, kept) in requests::all(data, id)? {
            device.heed(&kept);
        }
        Ok(device)
    }

    fn heed(&mut self, kept: &requests::Kept) {
        if kept.kind == Kind::Withdraw {
            let request = &kept.request;
            self.book.withdraw(&request.purposes, request.case.as_ref(), kept.known_entries);
        }
    }

    fn stream(&mut self, purpose: Purpose) -> Result<&mut Stream, Failure> {
        use std::collections::btree_map::Entry;
        match self.streams.entry(purpose) {
            Entry::Occupied(entry) => Ok(entry.into_mut()),
            Entry::Vacant(entry) => Ok(entry.insert(Stream::open(&stream_path(&self.dir, purpose))?)),
        }
    }
}

/// The log of a stream in its device's directory.
pub(crate) fn stream_path(dir: &Path, purpose: Purpose) -> PathBuf {
    dir.join(purpose.as_str()).with_extension("log")
}

/// Whoever panicked with the lock held left something half-done that only a restart can judge.
fn lock<T>(mutex: &Mutex<T>) -> Result<MutexGuard<'_, T>, Failure> {
    mutex.lock().map_err(|_| Failure::new("a request ended half-way; restart the collector"))
}
