//! Taking out what was stored, by the command line and beside a running server.
//!
//! A file lock in the device's directory keeps both apart; a counter beside it tells the server that what it
//! remembers of the device is no longer so. Both work for a device that never comes again.

use std::fs::File;
use std::path::Path;

use protocol::{Batch, DeviceId, Purpose};

use super::log::{self, Frame};
use super::{device, stream_path};
use crate::disk::{self, Access};
use crate::failure::Failure;

const LOCK: &str = "lock";
const ALTERED: &str = "altered";

/// Holds the device's files until it is dropped.
pub(crate) fn hold(dir: &Path) -> Result<File, Failure> {
    let path = dir.join(LOCK);
    File::create(&path).and_then(|file| file.lock().map(|()| file)).map_err(Failure::at(&path))
}

/// How often something was taken out.
pub(crate) fn count(dir: &Path) -> Result<u64, Failure> {
    let text = disk::read(&dir.join(ALTERED))?.unwrap_or_default();
    Ok(String::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// What was taken out, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Records.
    pub(crate) records: u64,
    /// When the oldest of them came, seconds since 1970.
    pub(crate) oldest: Option<i64>,
}

/// Takes out of a stream what `goes`; with `dry_run` only counts it. The file is replaced as a whole: a cut leaves
/// the old one or the new one.
pub(crate) fn take_out(
    data: &Path,
    device: DeviceId,
    purpose: Purpose,
    dry_run: bool,
    goes: impl Fn(&Frame) -> bool,
) -> Result<Taken, Failure> {
    let dir = device::dir(data, device);
    let path = stream_path(&dir, purpose);
    if !path.exists() {
        return Ok(Taken::default());
    }
    let _held = hold(&dir)?;
    let (mut kept, mut taken) = (Vec::new(), Taken::default());
    log::read(&path, |frame| {
        if goes(&frame) {
            let at = frame.received_at.unix_timestamp();
            taken.oldest = Some(taken.oldest.map_or(at, |oldest| oldest.min(at)));
            taken.records += Batch::decode(&frame.payload).map_or(0, |batch| batch.records.len() as u64);
        } else if !dry_run {
            kept.extend(log::frame(frame.received_at, &frame.payload));
        }
        Ok(())
    })?;
    if !dry_run && taken.oldest.is_some() {
        let next = count(&dir)? + 1;
        disk::write(&dir.join(ALTERED), next.to_string().as_bytes(), Access::Private)?;
        disk::write(&path, &kept, Access::Private)?;
    }
    Ok(taken)
}
