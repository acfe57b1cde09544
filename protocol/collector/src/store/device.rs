//! Who a device is and whether it may come: `devices/<id>/device.json` and two markers beside it.
//!
//! `revoked` is made by the command line and `retired` by a decommissioning; they are looked for at
//! each request, so that they count at once and on connections that are already open.

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use protocol::DeviceId;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::disk::{self, Access};
use crate::failure::Failure;

const DEVICES: &str = "devices";
const ENROLMENT: &str = "device.json";
const REVOKED: &str = "revoked";
const RETIRED: &str = "retired";

/// What enrolment and each renewal leave behind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Enrolment {
    /// Raw Ed25519 key, hexadecimal.
    public_key: String,
    /// When, RFC 3339.
    pub(crate) enrolled_at: String,
    /// End of the newest certificate, RFC 3339.
    pub(crate) not_after: String,
}

impl Enrolment {
    /// The raw Ed25519 key; empty, and so the key of nobody, if the file was tampered with.
    pub(crate) fn public_key(&self) -> Vec<u8> {
        HEXLOWER.decode(self.public_key.as_bytes()).unwrap_or_default()
    }
}

/// Whether a device may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Standing {
    /// Never enrolled here.
    Unknown,
    /// Welcome.
    Active,
    /// Refused by the vendor.
    Revoked,
    /// Decommissioned by its owner.
    Retired,
}

/// The directory of all that is known of one device.
pub(crate) fn dir(data: &Path, device: DeviceId) -> PathBuf {
    data.join(DEVICES).join(device.to_string())
}

/// Every device that was ever enrolled, sorted.
pub(crate) fn all(data: &Path) -> Result<Vec<DeviceId>, Failure> {
    Ok(disk::names(&data.join(DEVICES))?.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Whether a device may come, at this moment.
pub(crate) fn standing(dir: &Path) -> Result<Standing, Failure> {
    // A marker that can't be looked for is an error, not an absence.
    for (name, standing) in
        [(REVOKED, Standing::Revoked), (RETIRED, Standing::Retired), (ENROLMENT, Standing::Active)]
    {
        if dir.join(name).try_exists().map_err(Failure::at(dir))? {
            return Ok(standing);
        }
    }
    Ok(Standing::Unknown)
}

/// What enrolment left, if the device was ever enrolled.
pub(crate) fn enrolment(dir: &Path) -> Result<Option<Enrolment>, Failure> {
    disk::read_json(&dir.join(ENROLMENT))
}

/// Remembers a new certificate for a device, which is enrolled from now on if it was not.
pub(crate) fn enrol(
    data: &Path,
    public_key: &[u8],
    not_after: OffsetDateTime,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    let dir = dir(data, DeviceId::of_public_key(public_key));
    let enrolled_at = match enrolment(&dir)? {
        Some(before) => before.enrolled_at,
        None => rfc3339(now),
    };
    let enrolment =
        Enrolment { public_key: HEXLOWER.encode(public_key), enrolled_at, not_after: rfc3339(not_after) };
    let json = serde_json::to_vec(&enrolment).map_err(|_| Failure::new("the device has no JSON form"))?;
    disk::make_dir(&data.join(DEVICES))?;
    disk::make_dir(&dir)?;
    disk::write(&dir.join(ENROLMENT), &json, Access::Private)
}

/// Refuses the device from its next request on.
pub(crate) fn revoke(dir: &Path, now: OffsetDateTime) -> Result<(), Failure> {
    disk::write(&dir.join(REVOKED), rfc3339(now).as_bytes(), Access::Private)
}

/// Takes no more data from the device.
pub(crate) fn retire(dir: &Path, now: OffsetDateTime) -> Result<(), Failure> {
    disk::write(&dir.join(RETIRED), rfc3339(now).as_bytes(), Access::Private)
}

/// When the device was taken out of use, if it was.
pub(crate) fn retired_at(dir: &Path) -> Result<Option<OffsetDateTime>, Failure> {
    let text = disk::read(&dir.join(RETIRED))?.and_then(|bytes| String::from_utf8(bytes).ok());
    Ok(text.and_then(|text| OffsetDateTime::parse(&text, &Rfc3339).ok()))
}

/// A time to the second, as every file and answer has it.
pub(crate) fn rfc3339(time: OffsetDateTime) -> String {
    // Fails only for years that no clock shows.
    time.truncate_to_second().format(&Rfc3339).unwrap_or_default()
}
