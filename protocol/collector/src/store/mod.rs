//! All that outlives a power cut, as a directory of files.
//!
//! ```text
//! lock                             held while serving
//! tokens/<sha256>[.used]           one-time enrolment tokens
//! devices/<id>/device.json         key and newest certificate
//!              revoked, retired    markers
//! ```
//!
//! Everything that is answered with a success was synced before. A distributed engine would replace
//! this module behind the surface of [`Store`]; the command line uses the files beside a running
//! server, which therefore looks at them again at each request.

pub(crate) mod device;
pub(crate) mod tokens;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use protocol::DeviceId;
use time::OffsetDateTime;

use crate::failure::Failure;
use device::{Enrolment, Standing};
use tokens::Redeemed;

/// The store of a serving collector. There is one at a time for a data directory.
pub(crate) struct Store {
    data: PathBuf,
    _lock: File,
}

impl Store {
    /// Opens the store of a data directory that `init` made.
    pub(crate) fn open(data: &Path) -> Result<Self, Failure> {
        let path = data.join("lock");
        let lock = File::create(&path).map_err(Failure::at(&path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { data: data.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::new(format!("{} is being served already; stop that first", data.display())))
            }
            Err(TryLockError::Error(error)) => Err(Failure::at(&path)(error)),
        }
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
}
