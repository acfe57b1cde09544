//! Complete bundles: their rows. Their bytes are files (`store::files`).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::store::engine::{Connection, OptionalRow, Row};
use protocol::bundle::{Announcement, receipt};
use protocol::{CaseId, DeviceId, Digest};
use serde::Serialize;

use super::device::Device;
use super::rows;
use super::tx::Tx;
use super::{Listed, device};
use crate::failure::{Cause, Failure};
use crate::store::keystore::headers::Kept;
use crate::store::rules::sums::{Column, sum};
use crate::store::{Store, files, whole};

/// The row of a whole bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bundle {
    pub(crate) sha256: Digest,
    /// Number of the device; unknown if it came on a stick and the device has not said so yet.
    pub(crate) device: Option<i64>,
    /// For which case; likewise.
    pub(crate) case: Option<CaseId>,
    /// Digest of the manifest that the clinic said yes to; likewise.
    pub(crate) manifest: Option<Digest>,
    pub(crate) size: u64,
    pub(crate) received: i64,
}

/// What is reported of a complete bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Filed {
    /// From whom, if that is known.
    pub(crate) device: Option<DeviceId>,
    /// For which case, likewise.
    pub(crate) case: Option<CaseId>,
    /// Digest of the manifest that the clinic said yes to, likewise.
    pub(crate) manifest_sha256: Option<Digest>,
    /// Bytes.
    pub(crate) size: u64,
    /// When it was whole, RFC 3339.
    pub(crate) received_at: String,
}

const COLUMNS: &str = "sha256, device, kase, manifest, size, received, sum";

impl Store {
    /// Hands `each` every whole bundle and the absolute path of its file or the address of its object; a damaged one as its sentence.
    pub(crate) fn bundles(
        &self,
        mut each: impl FnMut(Listed<(Digest, Filed, PathBuf)>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.read(|sql| {
            let mut rows = Vec::new();
            all(sql, |bundle| {
                rows.push(bundle);
                Ok(())
            })?;
            // After the rows: a bundle's bytes are there before its row.
            let here: BTreeSet<Digest> =
                files::names(&self.folder)?.1.iter().filter_map(|name| files::bundle_of(name)).collect();
            rows.into_iter().try_for_each(|bundle| {
                let listed = bundle.and_then(|bundle| {
                    let path = files::address(&self.folder, bundle.sha256)?;
                    if !here.contains(&bundle.sha256) {
                        return Err(Failure::damaged(format!("{} is gone", path.display())));
                    }
                    let device = bundle.device.map(|no| device::id_of(sql, no)).transpose()?;
                    let filed = Filed {
                        device,
                        case: bundle.case,
                        manifest_sha256: bundle.manifest,
                        size: bundle.size,
                        received_at: rows::text(bundle.received),
                    };
                    Ok((bundle.sha256, filed, path))
                });
                each(listed)
            })
        })
    }
}

impl Store {
    /// Copies the whole bundle of this number to a new file. One whose processing is restricted stays.
    pub(crate) fn copy_bundle(&self, id: &str, to: &Path) -> Result<(), Failure> {
        let mut found = None;
        self.bundles(|bundle| {
            found = found.take().or(bundle.ok().filter(|(sha256, ..)| receipt(*sha256) == *id));
            Ok(())
        })?;
        let (sha256, filed, _) = found
            .ok_or_else(|| Failure::new("there is no whole bundle with this number; `bundles` lists them"))?;
        if let Some(device) = filed.device
            && self.hidden(device)?.hides_bundle(filed.case.as_ref())
        {
            return Err(Failure::new("the processing of this bundle is restricted"));
        }
        whole::take_out((&self.folder, &self.keys), (sha256, filed.size), to)
    }
}

impl Store {
    /// Removes the bytes of a whole bundle, and destroys its header.
    pub(crate) fn remove_bytes(&self, sha256: Digest) -> Result<(), Failure> {
        files::remove_whole(&self.folder, sha256)?;
        self.keys.destroy_header(sha256)
    }

    /// Whether a backup may have a bundle readable once its header is destroyed: one that was made when the bundle had it.
    pub(crate) fn is_readable_elsewhere(&self, bundle: &Bundle) -> Result<bool, Failure> {
        match self.keys.header(bundle.sha256) {
            Ok(Kept::Header(header)) => Ok(header.made > bundle.received),
            Ok(Kept::Destroyed) => Ok(false),
            Ok(Kept::Missing) => Ok(true),
            // A damaged one opens nothing here, and nobody knows what a backup has.
            Err(failure) if failure.cause() == Cause::Damaged => Ok(true),
            Err(failure) => Err(failure),
        }
    }

    /// Takes out the bundles whose headers were destroyed: an older backup had them. How many.
    pub(crate) fn take_out_erased(&self) -> Result<u64, Failure> {
        let mut erased = Vec::new();
        for (sha256, _) in self.rows()? {
            match self.keys.header(sha256) {
                Ok(Kept::Destroyed) => erased.push(sha256),
                Ok(Kept::Header(_) | Kept::Missing) => {}
                // One damaged header stops nothing for the others; `verify` names it.
                Err(failure) if failure.cause() == Cause::Damaged => log::error!("{failure}"),
                Err(failure) => return Err(failure),
            }
        }
        self.remove_bundles(&erased)
    }

    /// Moves the headers of bundles to the key store that are not there yet. One that can't be read is left to `verify`.
    pub(crate) fn settle_bundles(&self, now: i64) -> Result<(), Failure> {
        for (sha256, size) in self.rows()? {
            match whole::settle((&self.folder, &self.keys), (sha256, size), now) {
                Ok(false) => {}
                Ok(true) if self.read(|sql| find(sql, sha256))?.is_none() => {
                    // Erased meanwhile.
                    self.remove_bytes(sha256)?;
                }
                Ok(true) => log::info!("the header of bundle {sha256} is in the key store now"),
                Err(failure) => log::warn!("bundle {sha256} keeps its header for now: {failure}"),
            }
        }
        Ok(())
    }

    /// Digest and length of every bundle whose row can be read.
    fn rows(&self) -> Result<Vec<(Digest, u64)>, Failure> {
        let mut rows = Vec::new();
        self.read(|sql| {
            all(sql, |bundle| {
                rows.extend(bundle.ok().map(|bundle| (bundle.sha256, bundle.size)));
                Ok(())
            })
        })?;
        Ok(rows)
    }
}

/// Hands `each` every row, by digest; a damaged one as its sentence.
pub(crate) fn all(
    sql: &Connection,
    mut each: impl FnMut(Listed<Bundle>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut statement = sql.prepare_cached(&format!("SELECT {COLUMNS} FROM bundle ORDER BY sha256"))?;
    let mut found = statement.query(())?;
    loop {
        match found.next() {
            Ok(Some(row)) => each(read(&row))?,
            Ok(None) => return Ok(()),
            Err(error) => return each(Err(error.into())),
        }
    }
}

/// What is known of a whole bundle, if there is one.
pub(crate) fn find(sql: &Connection, sha256: Digest) -> Result<Option<Bundle>, Failure> {
    let mut statement = sql.prepare_cached(&format!("SELECT {COLUMNS} FROM bundle WHERE sha256 = ?1"))?;
    statement.query_row([sha256.to_bytes()], |row| Ok(read(row))).optional()?.transpose()
}

/// The bundles of a device.
pub(crate) fn of(sql: &Connection, device: &Device) -> Result<Vec<Bundle>, Failure> {
    let mut statement = sql.prepare_cached(&format!("SELECT {COLUMNS} FROM bundle WHERE device = ?1"))?;
    let mut found = statement.query([device.no])?;
    let mut out = Vec::new();
    while let Some(row) = found.next()? {
        out.push(read(&row)?);
    }
    Ok(out)
}

/// Files a bundle of a device; says from whom it came if it was imported before.
pub(crate) fn take(tx: &Tx<'_>, device: &Device, said: &Announcement, now: i64) -> Result<(), Failure> {
    let before = find(tx, said.sha256)?;
    if before.as_ref().is_some_and(|before| before.device.is_some()) {
        return Ok(());
    }
    if before.is_none() {
        tx.state.borrow_mut().bundles += 1;
    }
    let bundle = Bundle {
        sha256: said.sha256,
        device: Some(device.no),
        case: Some(said.case.clone()),
        manifest: Some(said.manifest_sha256),
        size: said.size,
        received: before.map_or(now, |before| before.received),
    };
    save(tx, &bundle)
}

/// Forgets a bundle. Its file goes after the commit.
pub(crate) fn remove(tx: &Tx<'_>, sha256: Digest) -> Result<(), Failure> {
    let removed = tx.remove("DELETE FROM bundle WHERE sha256 = ?1", [sha256.to_bytes()])?;
    tx.state.borrow_mut().bundles -= removed as i64;
    Ok(())
}

/// Keeps the row.
pub(crate) fn save(tx: &Tx<'_>, bundle: &Bundle) -> Result<(), Failure> {
    let sum = bundle.sum();
    let params = (
        bundle.sha256.to_bytes(),
        bundle.device,
        bundle.case.as_ref().map(CaseId::as_str),
        bundle.manifest.map(Digest::to_bytes),
        rows::number(bundle.size),
        bundle.received,
        sum.to_bytes(),
    );
    tx.put("REPLACE INTO bundle VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)", params, sum)
}

fn read(row: &Row<'_>) -> Result<Bundle, Failure> {
    let sha256 = Digest::from_bytes(row.get(0)?);
    let damaged = || Failure::damaged(format!("the row of bundle {sha256} is damaged"));
    let case: Option<String> = row.get(2)?;
    let bundle = Bundle {
        sha256,
        device: row.get(1)?,
        case: case.map(|case| case.parse()).transpose().map_err(|_| damaged())?,
        manifest: row.get::<Option<[u8; 32]>>(3)?.map(Digest::from_bytes),
        size: rows::seq(row.get(4)?),
        received: row.get(5)?,
    };
    if row.get::<[u8; 32]>(6)? == bundle.sum().to_bytes() { Ok(bundle) } else { Err(damaged()) }
}

impl Bundle {
    fn sum(&self) -> Digest {
        let manifest = self.manifest.map(Digest::to_bytes);
        sum(
            "bundle",
            &[
                Column::Bytes(&self.sha256.to_bytes()),
                Column::Maybe(self.device),
                Column::MaybeText(self.case.as_ref().map(CaseId::as_str)),
                Column::MaybeBytes(manifest.as_ref().map(<[u8; 32]>::as_slice)),
                Column::Int(rows::number(self.size)),
                Column::Int(self.received),
            ],
        )
    }
}
