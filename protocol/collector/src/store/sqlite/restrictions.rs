//! What of a device is hidden from readers, by its ledger and its requests.

use crate::store::engine::Connection;
use protocol::DeviceId;

use super::device::{self, Device};
use super::{consents, requests};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::rules::restriction::Hidden;

impl Store {
    /// What of a device is hidden from readers; nothing of one that was never enrolled.
    pub(crate) fn hidden(&self, device: DeviceId) -> Result<Hidden, Failure> {
        self.read(|sql| device::find(sql, device)?.map_or(Ok(Hidden::default()), |device| of(sql, &device)))
    }
}

/// What of a device is hidden. It is an error if the rows that say so are damaged: then nothing may be shown.
pub(crate) fn of(sql: &Connection, device: &Device) -> Result<Hidden, Failure> {
    let steps = if device.requests == 0 { Vec::new() } else { requests::restrictions(sql, device)? };
    Ok(Hidden::of(&consents::lines(sql, device)?, &steps))
}
