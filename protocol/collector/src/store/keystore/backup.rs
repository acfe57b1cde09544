//! Copies of the key store: its own backups, which are kept a week, and the one that a restored collector goes on with.

use std::fs;
use std::path::Path;

use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};

use super::headers::BUNDLES;
use super::places::Places;
use super::{CHECK, DEVICES, KeyStore};
use crate::disk::{self, Access};
use crate::failure::Failure;

/// How long a backup of the key store is kept: what was erased before is then unreadable in every copy.
pub(crate) const KEPT: Duration = Duration::days(7);
/// The name of a backup says when it was made.
const NAME: &[time::format_description::BorrowedFormatItem<'_>] =
    format_description!("[year][month][day]T[hour][minute][second]Z");
const LOG: &str = "log";
const CREDENTIAL: &str = "credential";

/// Writes a backup of the key store and its log into the folder `to`, and removes those that are a week old. Its name,
/// and how many went. What opens the keys is not in it.
pub(crate) fn write(keys: &KeyStore, to: &Path, now: OffsetDateTime) -> Result<(String, u64), Failure> {
    if keys.name()?.is_none() {
        return Err(keys.gone());
    }
    disk::make_dir(to)?;
    let name = now.format(NAME).map_err(|_| Failure::new("this machine's clock says no date"))?;
    let target = to.join(&name);
    copy_keys(&keys.directory, &target)?;
    // The log last: it says what became of the keys meanwhile.
    copy_file(keys.log.path(), &target.join(LOG))?;
    copy_file(&keys.directory.join(CHECK), &target.join(CHECK))?;
    let mut removed = 0;
    for name in disk::names(to)? {
        let made = PrimitiveDateTime::parse(&name, NAME);
        if made.is_ok_and(|made| made.assume_utc() <= now - KEPT) {
            fs::remove_dir_all(to.join(&name)).map_err(Failure::at(&to.join(&name)))?;
            removed += 1;
        }
    }
    Ok((name, removed))
}

/// Puts a copy of a key store, or one that another data directory had, to its place; nothing is overwritten.
pub(crate) fn put_back(from: &Path, places: &Places) -> Result<(), Failure> {
    if !from.join(CHECK).is_file() {
        return Err(Failure::new(format!("{} is no key store: it has no file {CHECK}", from.display())));
    }
    if places.directory.join(CHECK).exists() {
        return Err(Failure::new(format!(
            "{} is a key store already; nothing is overwritten: leave out --keys to go on with it",
            places.directory.display()
        )));
    }
    copy_keys(from, &places.directory)?;
    for (name, target) in [(LOG, places.log.clone()), (CREDENTIAL, places.directory.join(CREDENTIAL))] {
        if !target.exists() {
            copy_file(&from.join(name), &target)?;
        }
    }
    copy_file(&from.join(CHECK), &places.directory.join(CHECK))
}

/// The same for a copied store, unless both have one key store.
pub(crate) fn share(from: &KeyStore, to: &KeyStore) -> Result<(), Failure> {
    let (one, other) = (from.name()?, to.name()?);
    if one == other {
        return Ok(());
    }
    if other.is_some() {
        return Err(Failure::new(format!(
            "{} is the key store of another collector: name an empty place with keys.directory",
            to.directory.display()
        )));
    }
    copy_keys(&from.directory, &to.directory)?;
    copy_file(from.log.path(), to.log.path())?;
    if to.credential.is_beside_its_keys() {
        copy_file(from.credential.file(), to.credential.file())?;
    }
    copy_file(&from.directory.join(CHECK), &to.directory.join(CHECK))
}

fn copy_keys(from: &Path, to: &Path) -> Result<(), Failure> {
    disk::make_dir(to)?;
    for folder in [DEVICES, BUNDLES] {
        let (from, to) = (from.join(folder), to.join(folder));
        disk::make_dir(&to)?;
        for name in disk::names(&from)? {
            copy_file(&from.join(&name), &to.join(&name))?;
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> Result<(), Failure> {
    match disk::read(from)? {
        Some(bytes) => disk::write(to, &bytes, Access::Private),
        None => Ok(()),
    }
}
