//! Uploads in progress: announced bundles. Their bytes are files (`store::files`).

use crate::store::engine::{Connection, OptionalRow, Row};
use protocol::bundle::Announcement;
use protocol::{DeviceId, Digest};
use time::{Duration, OffsetDateTime};

use super::device::{self, Device};
use super::rows::{self, micros};
use super::tx::Tx;
use super::{bundles, consents, invitations};
use crate::failure::Failure;
use crate::store::Store;
use crate::store::files::{self, Part};
use crate::store::keystore::headers::Kept;
use crate::store::rules::consent;
use crate::store::rules::sums::{Column, sum};

/// Bytes of one bundle: several times the largest that a week of logs makes.
pub(crate) const MAX_BUNDLE: u64 = 4 << 30;
/// Bytes of all that one device announced: sixteen of the largest.
const MAX_OF_DEVICE: u64 = 16 * MAX_BUNDLE;
/// Announcements of one device.
const MAX_UPLOADS: usize = 1000;
/// What was not finished within the longest life of a case never will be.
const ABANDONED: Duration = Duration::days(30);

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
    /// Takes an announcement. It is on the disk when this returns.
    pub(crate) fn announce(
        &self,
        device: DeviceId,
        announcement: &Announcement,
        now: OffsetDateTime,
    ) -> Result<Announced, Failure> {
        let (announcement, now) = (announcement.clone(), micros(now));
        self.write(false, move |tx| {
            let device = device::enrolled(tx, device)?;
            let uploads = of(tx, &device)?;
            let before =
                uploads.iter().find(|upload| upload.0.sha256 == announcement.sha256).map(|(said, _)| said);
            if before == Some(&announcement) {
                return Ok(Announced::Before);
            }
            let held = bundles::find(tx, announcement.sha256)?.map(|bundle| bundle.size);
            let size = before.map(|before| before.size).or(held);
            if size.is_some_and(|size| size != announcement.size) {
                return Ok(Announced::Conflict);
            }
            let live = uploads.iter().filter(|(_, touched)| *touched >= abandoned(now));
            let bytes = live.clone().fold(announcement.size, |sum, (said, _)| sum.saturating_add(said.size));
            if before.is_none() && (bytes > MAX_OF_DEVICE || live.count() >= MAX_UPLOADS) {
                return Ok(Announced::Full);
            }
            save(tx, device.no, &announcement, now)?;
            tx.at(now);
            Ok(if before.is_some() { Announced::Before } else { Announced::Now })
        })
    }

    /// What the device announced under this digest.
    pub(crate) fn announced(
        &self,
        device: DeviceId,
        sha256: Digest,
    ) -> Result<Option<Announcement>, Failure> {
        self.read(|sql| {
            let Some(device) = device::find(sql, device)? else { return Ok(None) };
            find(sql, device.no, sha256)
        })
    }

    /// How many bytes of an announced bundle outlive a power cut: all, if it came another way.
    pub(crate) fn offset(&self, device: DeviceId, announced: &Announcement) -> Result<u64, Failure> {
        files::offset(&self.folder, device, announced)
    }

    /// The file that takes the next bytes, standing at `offset`, its end.
    pub(crate) fn part_at(&self, device: DeviceId, sha256: Digest, offset: u64) -> Result<Part, Failure> {
        Part::at(&self.folder, device, sha256, offset)
    }

    /// Whether an upload is still wanted to which a chunk was added; otherwise the chunk goes too. It was erased meanwhile,
    /// and what another front adds to objects has no directory that goes with them.
    pub(crate) fn is_still_announced(&self, device: DeviceId, sha256: Digest) -> Result<bool, Failure> {
        let is_wanted = self.announced(device, sha256)?.is_some();
        if !is_wanted {
            files::remove_part(&self.folder, device, sha256)?;
        }
        Ok(is_wanted)
    }

    /// Files a bundle whose bytes all came, if they are those that were announced and the yes to them still stands;
    /// `false` if not. Reads the whole file.
    pub(crate) fn complete(
        &self,
        device: DeviceId,
        announced: &Announcement,
        now: OffsetDateTime,
    ) -> Result<bool, Failure> {
        let (said, now) = (announced.clone(), micros(now));
        if !files::complete((&self.folder, &self.keys), device, announced, now)? {
            return Ok(false);
        }
        let (is_filed, is_known) = self.write(false, move |tx| {
            let device = device::enrolled(tx, device)?;
            // While the file was read, its owner may have had it erased or taken the yes back.
            let is_announced = find(tx, device.no, said.sha256)?.as_ref() == Some(&said);
            // Nor is one acknowledged that nobody could open.
            let has_header = matches!(tx.keys.header(said.sha256)?, Kept::Header(_));
            let lines = consents::lines(tx, &device)?;
            if !is_announced
                || !has_header
                || consent::allows_case(&lines, &said.consents, &said.case).is_err()
            {
                return Ok((false, bundles::find(tx, said.sha256)?.is_some()));
            }
            bundles::take(tx, &device, &said, now)?;
            save(tx, device.no, &said, now)?;
            invitations::remove(tx, device.no, Some(&said.case))?;
            tx.at(now);
            Ok((true, true))
        })?;
        if !is_known {
            self.remove_bytes(announced.sha256)?;
        }
        Ok(is_filed)
    }
}

/// What was touched before is abandoned.
pub(crate) fn abandoned(now: i64) -> i64 {
    now.saturating_sub(i64::try_from(ABANDONED.whole_microseconds()).unwrap_or(i64::MAX))
}

/// What a device announced, and when something came of it last. A damaged announcement is not reported; its
/// device announces it again, and `verify` names it.
pub(crate) fn of(sql: &Connection, device: &Device) -> Result<Vec<(Announcement, i64)>, Failure> {
    let statement = "SELECT sha256, announcement, touched, sum FROM upload WHERE device = ?1";
    let mut statement = sql.prepare_cached(statement)?;
    let mut found = statement.query([device.no])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        let (sha256, text, touched): ([u8; 32], String, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let is_whole = row.get::<[u8; 32]>(3)? == row_sum(device.no, sha256, &text, touched).to_bytes();
        if is_whole && let Ok(announcement) = serde_json::from_str(&text) {
            out.push((announcement, touched));
        }
    }
    Ok(out)
}

fn find(sql: &Connection, device: i64, sha256: Digest) -> Result<Option<Announcement>, Failure> {
    let statement = "SELECT announcement, touched, sum FROM upload WHERE device = ?1 AND sha256 = ?2";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found = sql.prepare_cached(statement)?.query_row((device, sha256.to_bytes()), read).optional()?;
    let Some((text, touched, stored)): Option<(String, i64, _)> = found else { return Ok(None) };
    let what = || format!("the announcement of bundle {sha256}");
    rows::check(stored, row_sum(device, sha256.to_bytes(), &text, touched), what)?;
    serde_json::from_str(&text).map(Some).map_err(|_| Failure::damaged(format!("{} is damaged", what())))
}

fn save(tx: &Tx<'_>, device: i64, announcement: &Announcement, now: i64) -> Result<(), Failure> {
    let text =
        serde_json::to_string(announcement).map_err(|_| Failure::new("the bundle has no JSON form"))?;
    let sha256 = announcement.sha256.to_bytes();
    let sum = row_sum(device, sha256, &text, now);
    tx.put("REPLACE INTO upload VALUES(?1, ?2, ?3, ?4, ?5)", (device, sha256, text, now, sum.to_bytes()), sum)
}

/// The sum of a row.
pub(crate) fn row_sum(device: i64, sha256: [u8; 32], announcement: &str, touched: i64) -> Digest {
    let columns =
        [Column::Int(device), Column::Bytes(&sha256), Column::Text(announcement), Column::Int(touched)];
    sum("upload", &columns)
}
