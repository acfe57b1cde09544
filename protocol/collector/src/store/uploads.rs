//! Bundles on their way: what a device announced, and the bytes that came so far.
//!
//! ```text
//! devices/<id>/bundles/<sha256>.json   the announcement; it stays when the bundle is whole
//! devices/<id>/bundles/<sha256>.part   the bytes that came so far
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use protocol::bundle::Announcement;
use protocol::{DeviceId, Digest};
use time::{Duration, OffsetDateTime};

use super::book::Refused;
use super::{Store, bundles, device, wishes};
use crate::disk::{self, Access};
use crate::failure::Failure;

/// Bytes of one bundle: several times the largest that a week of logs makes.
pub(crate) const MAX_BUNDLE: u64 = 4 << 30;
/// Bytes of all that one device announced: sixteen of the largest.
const MAX_OF_DEVICE: u64 = 16 * MAX_BUNDLE;
/// What was not finished within the longest life of a case never will be.
const ABANDONED: Duration = Duration::days(30);
const DIR: &str = "bundles";

/// What became of an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Announced {
    /// It is on the disk.
    Now,
    /// It was there before.
    Before,
    /// Another size was announced for the same digest.
    Conflict,
    /// The device has announced more than is kept.
    Full,
}

impl Store {
    /// Whether a bundle of this device may rest on its announced consents, at this moment.
    pub(crate) fn allows_bundle(
        &self,
        device: DeviceId,
        announced: &Announcement,
    ) -> Result<Result<(), Refused>, Failure> {
        self.with(device, |device| Ok(device.book.allows_case(&announced.consents, &announced.case)))
    }

    /// Takes an announcement. It is on the disk when this returns.
    pub(crate) fn announce(
        &self,
        device: DeviceId,
        announcement: &Announcement,
        now: OffsetDateTime,
    ) -> Result<Announced, Failure> {
        let dir = self.uploads(device);
        disk::make_dir(&dir)?;
        let before = self.announced(device, announcement.sha256)?;
        if before.as_ref() == Some(announcement) {
            return Ok(Announced::Before);
        }
        let held = bundles::filed(&self.data, announcement.sha256)?.map(|filed| filed.size);
        if before.as_ref().map(|before| before.size).or(held).is_some_and(|size| size != announcement.size) {
            return Ok(Announced::Conflict);
        }
        forget_abandoned(&dir, now)?;
        if before.is_none() && announced_bytes(&dir)?.saturating_add(announcement.size) > MAX_OF_DEVICE {
            return Ok(Announced::Full);
        }
        let json =
            serde_json::to_vec(announcement).map_err(|_| Failure::new("the bundle has no JSON form"))?;
        disk::write(&dir.join(format!("{}.json", announcement.sha256)), &json, Access::Private)?;
        Ok(if before.is_some() { Announced::Before } else { Announced::Now })
    }

    /// What the device announced under this digest.
    pub(crate) fn announced(
        &self,
        device: DeviceId,
        sha256: Digest,
    ) -> Result<Option<Announcement>, Failure> {
        disk::read_json(&self.uploads(device).join(format!("{sha256}.json")))
    }

    /// How many bytes of an announced bundle outlive a power cut: all, if it came another way.
    pub(crate) fn offset(&self, device: DeviceId, announced: &Announcement) -> Result<u64, Failure> {
        if bundles::whole(&self.data, announced.sha256).is_file() {
            return Ok(announced.size);
        }
        let path = self.part(device, announced.sha256);
        match File::open(&path) {
            Ok(file) => file
                .sync_data()
                .and_then(|()| disk::sync_parent(&path))
                .and_then(|()| Ok(file.metadata()?.len().min(announced.size)))
                .map_err(Failure::at(&path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(Failure::at(&path)(error)),
        }
    }

    /// The file that takes the next bytes, standing at `offset`, its end.
    pub(crate) fn part_at(
        &self,
        device: DeviceId,
        announced: &Announcement,
        offset: u64,
    ) -> Result<File, Failure> {
        let path = self.part(device, announced.sha256);
        let mut options = OpenOptions::new();
        options.write(true).create(offset == 0).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let open = || {
            let mut file = options.open(&path)?;
            if file.seek(SeekFrom::End(0))? != offset {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Ok(file)
        };
        open().map_err(Failure::at(&path))
    }

    /// Files a bundle whose bytes all came, if they are those that were announced; `false` if they are not,
    /// and then they are gone: no one can say which of them is wrong.
    pub(crate) fn complete(
        &self,
        device: DeviceId,
        announced: &Announcement,
        now: OffsetDateTime,
    ) -> Result<bool, Failure> {
        let part = self.part(device, announced.sha256);
        let filed = bundles::take(&self.data, &part, device, announced, now)?;
        if filed {
            wishes::fulfilled(&self.data, device, &announced.case)?;
        }
        Ok(filed)
    }

    fn uploads(&self, device: DeviceId) -> PathBuf {
        device::dir(&self.data, device).join(DIR)
    }

    fn part(&self, device: DeviceId, sha256: Digest) -> PathBuf {
        self.uploads(device).join(format!("{sha256}.part"))
    }
}

/// Removes what a device announced and `goes`, with the bytes that came of it; with `dry_run` only counts. Those of
/// which the whole bundle is still here stay, and are not counted: their announcements go with them.
pub(crate) fn remove(
    data: &Path,
    device: DeviceId,
    dry_run: bool,
    goes: impl Fn(&Announcement) -> bool,
) -> Result<u64, Failure> {
    let dir = device::dir(data, device).join(DIR);
    let mut count = 0;
    for name in disk::names(&dir)? {
        let path = dir.join(&name);
        let Some(sha256) = name.strip_suffix(".json").and_then(|name| name.parse::<Digest>().ok()) else {
            continue;
        };
        let announced = disk::read_json::<Announcement>(&path)?;
        if bundles::whole(data, sha256).is_file() || !announced.is_some_and(|announced| goes(&announced)) {
            continue;
        }
        let part = dir.join(format!("{sha256}.part"));
        count += u64::from(part.is_file());
        if !dry_run {
            disk::remove(&part)?;
            disk::remove(&path)?;
            disk::sync_parent(&path).map_err(Failure::at(&path))?;
        }
    }
    Ok(count)
}

/// Removes what a device announced long ago and never finished; with `dry_run` only counts it.
pub(crate) fn remove_abandoned(
    data: &Path,
    device: DeviceId,
    dry_run: bool,
    now: OffsetDateTime,
) -> Result<u64, Failure> {
    let dir = device::dir(data, device).join(DIR);
    remove(data, device, dry_run, |announced| {
        let changed = |ending| dir.join(format!("{}.{ending}", announced.sha256)).metadata()?.modified();
        let newest = [changed("json"), changed("part")].into_iter().flatten().max();
        newest.is_some_and(|newest| now - OffsetDateTime::from(newest) > ABANDONED)
    })
}

/// Removes what was announced long ago and of which nothing came since.
fn forget_abandoned(dir: &Path, now: OffsetDateTime) -> Result<(), Failure> {
    for name in disk::names(dir)? {
        let path = dir.join(&name);
        let Some(announced) = name.strip_suffix(".part").map(|name| dir.join(format!("{name}.json"))) else {
            continue;
        };
        let changed = path.metadata().and_then(|metadata| metadata.modified()).map_err(Failure::at(&path))?;
        if now - OffsetDateTime::from(changed) > ABANDONED {
            disk::remove(&path)?;
            disk::remove(&announced)?;
        }
    }
    Ok(())
}

fn announced_bytes(dir: &Path) -> Result<u64, Failure> {
    let mut bytes = 0u64;
    for name in disk::names(dir)? {
        if name.ends_with(".json")
            && let Some(announced) = disk::read_json::<Announcement>(&dir.join(&name))?
        {
            bytes = bytes.saturating_add(announced.size);
        }
    }
    Ok(bytes)
}
