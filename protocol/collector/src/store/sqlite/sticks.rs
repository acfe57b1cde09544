//! Bundles that come on a stick, with the consent that came beside them.

use std::path::Path;

use crate::store::engine::OptionalRow;
use protocol::Digest;
use protocol::stick::Carried;
use time::OffsetDateTime;

use super::audit::{self, Deed, Note};
use super::bundles::{self, Bundle};
use super::device::{self, Device};
use super::rows::{self, micros};
use super::tx::Tx;
use super::{consents, invitations};
use crate::failure::Failure;
use crate::store::folder::Folder;
use crate::store::rules::consent::Line;
use crate::store::rules::decide::Standing;
use crate::store::{Store, whole};

impl Store {
    /// Takes a sealed file that came on a stick: once, however often and by whatever way it comes. With the consent that
    /// came beside it, it is filed as a bundle of the wire is, or refused with the reason; without, nobody knows whose it
    /// is until its device announces it.
    pub(crate) fn import(
        &self,
        from: &Path,
        carried: Option<Carried>,
        now: OffsetDateTime,
    ) -> Result<Digest, Failure> {
        let now = micros(now);
        let (sha256, size) = whole::import((&self.folder, &self.keys), from, now)?;
        let folder = self.folder.clone();
        let filed = self.write(false, move |tx| {
            let note = Note::new(Deed::Import, 1);
            let held = bundles::find(tx, sha256)?;
            match &carried {
                _ if held.as_ref().is_some_and(|held| held.device.is_some()) => audit::add(tx, note, now),
                None if held.is_some() => audit::add(tx, note, now),
                None => {
                    let received = now;
                    let bundle = Bundle { sha256, device: None, case: None, manifest: None, size, received };
                    bundles::save(tx, &bundle)?;
                    tx.state.borrow_mut().bundles += 1;
                    audit::add(tx, note, now)
                }
                Some(carried) if (carried.bundle.sha256, carried.bundle.size) != (sha256, size) => {
                    Err(Failure::new(
                        "the consent beside it is of another sealed file: copy both from the stick again",
                    ))
                }
                Some(carried) => {
                    file(tx, &folder, carried, now)?;
                    let (device, case) = (Some(carried.device), Some(carried.bundle.case.clone()));
                    audit::add(tx, Note { device, case, ..note }, now)
                }
            }
        });
        if filed.is_err() && !self.is_known(sha256)? {
            self.remove_bytes(sha256)?;
        }
        filed.map(|()| sha256)
    }

    /// Whether a bundle of this digest is here or on its way.
    fn is_known(&self, sha256: Digest) -> Result<bool, Failure> {
        self.read(|sql| {
            let announced = "SELECT 1 FROM upload WHERE sha256 = ?1";
            let announced = sql.query_row(announced, [sha256.to_bytes()], |_| Ok(())).optional()?.is_some();
            Ok(announced || bundles::find(sql, sha256)?.is_some())
        })
    }
}

/// Takes in the ledger entries, and files the bundle if they allow it. What fails leaves nothing behind.
fn file(tx: &Tx<'_>, folder: &Folder, carried: &Carried, now: i64) -> Result<(), Failure> {
    let id = carried.device;
    let found = device::find(tx, id)?;
    let mut device = found.unwrap_or_else(|| Device::never_enrolled(&carried.public_key, now));
    match device.standing {
        Standing::Active | Standing::Unknown => {}
        Standing::Revoked => return Err(Failure::new(format!("refused: device {id} was revoked"))),
        Standing::Retired => return Err(Failure::new(format!("refused: device {id} is retired"))),
    }
    if device.no == 0 {
        device::save(tx, &mut device)?;
    }
    let known = consents::lines(tx, &device)?;
    device.used = device.used.on(rows::day(now));
    for (text, entry) in &carried.lines {
        let line = Line::new(protocol::ledger::line_hash(text), entry);
        if known.iter().any(|known| known.hash == line.hash) {
            continue;
        }
        if device.used.allows_line(device.lines).is_err() {
            return Err(Failure::new(format!("device {id} has more ledger entries than are kept of one")));
        }
        consents::add(tx, &mut device, &line, consents::kept_of(entry)?, text, now)?;
    }
    device::save(tx, &mut device)?;
    if let Err(refused) = consents::allows_bundle(tx, folder, &device, &carried.bundle, now)? {
        let case = &carried.bundle.case;
        return Err(Failure::new(format!("refused, case {case} of device {id}: {}", refused.sentence())));
    }
    bundles::take(tx, &device, &carried.bundle, now)?;
    invitations::remove(tx, device.no, Some(&carried.bundle.case))?;
    tx.at(now);
    Ok(())
}
