//! A copy of everything that another machine needs to go on: the database, the bundles, the authority and the
//! server's keys. It is a directory; `manifest.json` is written last and names every file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use protocol::Digest;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::keystore::places::{self, Settings};
use super::place::Place;
use super::replay::Replayed;
use super::sqlite::copy::{self, Copied};
use super::sqlite::rows::rfc3339;
use super::{Store, files, keystore, whole};
use crate::audit::{Deed, Note};
use crate::disk::{self, Access};
use crate::failure::Failure;
use crate::sign::USE_KEY;

const MANIFEST: &str = "manifest.json";
const DATABASE: &str = "collector.db";
const POLICIES: &str = "policies";
/// Of a data directory, beside database and bundles. The key that opens bundles is not among them.
const KEYS: [&str; 6] = ["ca.pem", "ca-key.pem", "server.pem", "server-key.pem", "agent.toml", USE_KEY];

/// What a backup is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// 1.
    format: u32,
    /// Id of the store.
    store: String,
    /// Its last commit.
    commits: i64,
    /// Devices that were ever enrolled.
    devices: i64,
    /// Whole bundles.
    bundles: u64,
    /// When it was made, RFC 3339.
    at: String,
    files: Vec<Listed>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Listed {
    name: String,
    size: u64,
    sha256: Digest,
}

/// What a command says of a backup.
#[derive(Serialize)]
pub(crate) struct Summary {
    store: String,
    commits: i64,
    devices: i64,
    bundles: u64,
    at: String,
    bytes: u64,
}

impl Manifest {
    /// What a command says of it.
    pub(crate) fn summary(&self) -> Summary {
        Summary {
            store: self.store.clone(),
            commits: self.commits,
            devices: self.devices,
            bundles: self.bundles,
            at: self.at.clone(),
            bytes: self.files.iter().map(|file| file.size).sum(),
        }
    }
}

/// Writes a backup to the directory `to`, which must not be there or be empty. Others go on meanwhile.
pub(crate) fn write(store: &Store, to: &Path, now: OffsetDateTime) -> Result<Manifest, Failure> {
    make_empty(to)?;
    store.copy_database(&to.join(DATABASE))?;
    private(&to.join(DATABASE))?;
    let Copied { store: id, commits, devices, bundles: filed } = copy::look(to)?;
    let mut list = vec![listed(to, DATABASE)?];
    let (data, mut bundles) = (store.data(), 0);
    disk::make_dir(&to.join("bundles"))?;
    for (sha256, size) in filed {
        let name = format!("bundles/{sha256}.age");
        let copied = copy_file(&files::whole(data, sha256), &to.join(&name));
        match copied {
            Ok(copied) if whole::is_copy(&store.keys, copied, sha256, size)? => {
                bundles += 1;
                list.push(Listed { name, size, sha256: copied.0 });
            }
            // Erased since the database was copied, or damaged: `verify` tells which.
            Ok(_) => log::warn!("bundle {sha256} is damaged and not in the backup; run `verify`"),
            Err(_) => log::warn!("bundle {sha256} cannot be read and is not in the backup; run `verify`"),
        }
    }
    for name in KEYS {
        if files::exists(&data.join(name))? {
            copy_file(&data.join(name), &to.join(name))?;
            list.push(listed(to, name)?);
        }
    }
    let policies = disk::names(&data.join(POLICIES))?;
    if !policies.is_empty() {
        disk::make_dir(&to.join(POLICIES))?;
    }
    for name in policies {
        let name = format!("{POLICIES}/{name}");
        copy_file(&data.join(&name), &to.join(&name))?;
        list.push(listed(to, &name)?);
    }
    let manifest =
        Manifest { format: 1, store: id, commits, devices, bundles, at: rfc3339(now), files: list };
    let json =
        serde_json::to_vec_pretty(&manifest).map_err(|_| Failure::new("the manifest has no JSON form"))?;
    disk::write(&to.join(MANIFEST), &json, Access::Private)?;
    store.note(Note::new(Deed::Backup, bundles), now)?;
    Ok(manifest)
}

/// What a restored store needs that no backup has.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside<'a> {
    /// The key store, or its backup, which is put to its place; none: it is there.
    pub(crate) keys: Option<&'a Path>,
    /// What opens it, likewise.
    pub(crate) seal_key: Option<&'a Path>,
    /// The log of what has to be done again is lost: go on without.
    pub(crate) is_without_log: bool,
}

/// Makes `data`, which must not be there or be empty, the collector that the backup `from` is of, and does again what
/// the log has since then.
pub(crate) fn restore(
    from: &Path,
    data: &Path,
    settings: &Settings,
    beside: Beside<'_>,
    now: OffsetDateTime,
) -> Result<(Manifest, Replayed), Failure> {
    let path = from.join(MANIFEST);
    let text = fs::read(&path).map_err(|_| {
        Failure::new(format!("{} is no backup: it has no {MANIFEST}, which is written last", from.display()))
    })?;
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| Failure::unreadable(&path))?;
    if manifest.format != 1 {
        return Err(Failure::new(format!(
            "{} is of a later kathea-collector; install that one",
            path.display()
        )));
    }
    make_empty(data)?;
    let seal_key = beside.seal_key.map(|key| seal_key(key, data)).transpose()?.flatten();
    for file in &manifest.files {
        let (source, target) = (from.join(plain(&file.name)?), data.join(plain(&file.name)?));
        if let Some(parent) = target.parent() {
            disk::make_dir(parent)?;
        }
        if copy_file(&source, &target)? != (file.sha256, file.size) {
            return Err(Failure::damaged(format!(
                "{} of the backup is damaged; take another backup, and remove {}",
                file.name,
                data.display()
            )));
        }
    }
    copy::revive(data)?;
    if let Some((key, target)) = seal_key {
        copy_file(key, &target)?;
    }
    if let Some(keys) = beside.keys {
        keystore::backup::put_back(keys, &settings.places(data, None)?)?;
    }
    let replayed = go_on(data, settings, beside.is_without_log, now);
    let replayed = replayed.map_err(|failure| {
        Failure::new(format!(
            "{failure}; nothing is served of it: remove {} and restore again",
            data.display()
        ))
    })?;
    if replayed.records > 0 {
        copy::rewrite(data)?;
    }
    Ok((manifest, replayed))
}

/// What opens the key store, and where it is to be put; `None` if it is there already, as on the machine that lost its data
/// directory.
fn seal_key<'a>(key: &'a Path, data: &Path) -> Result<Option<(&'a Path, PathBuf)>, Failure> {
    let target = places::beside(&fs::canonicalize(data).map_err(Failure::at(data))?);
    // It may lie on a stick, whose file system knows no rights.
    let named = disk::read(key)?
        .ok_or_else(|| Failure::new(format!("{} is not there: correct --seal-key", key.display())))?;
    match disk::read_secret(&target)? {
        None => Ok(Some((key, target))),
        Some(there) if there == named => Ok(None),
        Some(_) => Err(Failure::new(format!(
            "{target} is another seal key than {key}, and is never overwritten: if it is of no collector any more, move it \
             away; if it is the right one, leave out --seal-key",
            target = target.display(),
            key = key.display()
        ))),
    }
}

/// Does again what the log has, with the keys that the database was sealed with.
fn go_on(
    data: &Path,
    settings: &Settings,
    is_without_log: bool,
    now: OffsetDateTime,
) -> Result<Replayed, Failure> {
    let store = Store::beside(data, &Place::Embedded, settings)?;
    if let Some(name) = store.sealed_with()?
        && store.keys.name()?.as_ref() != Some(&name)
    {
        return Err(Failure::new(format!(
            "the records of the backup are sealed, and their key store is not at {}: name it, or its backup, with --keys DIR",
            store.keys.directory().display()
        )));
    }
    if store.behind()?.is_short && !is_without_log {
        return Err(Failure::new(format!(
            "{}, or say --without-log and carry out again by hand what was erased, withdrawn or revoked since",
            store.log_is_gone()
        )));
    }
    store.ready_keys()?;
    let replayed = store.replay()?;
    store.note(Note::new(Deed::Restore, replayed.entries), now)?;
    Ok(replayed)
}

/// Gives the data directory `to` the authority, the keys and the policies of `from`; an error if it has others.
pub(crate) fn share_keys(from: &Path, to: &Path) -> Result<(), Failure> {
    disk::make_dir(to)?;
    let mut names: Vec<String> = KEYS.iter().map(|name| (*name).to_owned()).collect();
    let policies = disk::names(&from.join(POLICIES))?;
    if !policies.is_empty() {
        disk::make_dir(&to.join(POLICIES))?;
    }
    names.extend(policies.into_iter().map(|name| format!("{POLICIES}/{name}")));
    for name in names {
        let (source, target) = (from.join(&name), to.join(&name));
        let Some(bytes) = disk::read(&source)? else { continue };
        match disk::read(&target)? {
            None => disk::write(&target, &bytes, Access::Private)?,
            Some(other) if other == bytes => {}
            Some(_) => {
                return Err(Failure::new(format!(
                    "{} is of another collector; name a directory that is not there or is empty",
                    target.display()
                )));
            }
        }
    }
    Ok(())
}

/// The name of a file of a backup, which stays inside it.
fn plain(name: &str) -> Result<PathBuf, Failure> {
    use std::path::Component;
    let path = PathBuf::from(name);
    let is_plain = path.components().all(|component| matches!(component, Component::Normal(_)));
    if is_plain {
        Ok(path)
    } else {
        Err(Failure::damaged("the backup's manifest names a file outside of it"))
    }
}

/// Makes a directory that must not be there or be empty.
pub(crate) fn make_empty(dir: &Path) -> Result<(), Failure> {
    disk::make_dir(dir)?;
    if disk::names(dir)?.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("{} is not empty; nothing is overwritten: name a new directory", dir.display())))
}

fn listed(dir: &Path, name: &str) -> Result<Listed, Failure> {
    let path = dir.join(name);
    let file = File::open(&path).map_err(Failure::at(&path))?;
    let (sha256, size) = pass(file, io::sink()).map_err(Failure::at(&path))?;
    Ok(Listed { name: name.to_owned(), size, sha256 })
}

/// Copies a file, private and synced; digest and length of what was copied.
fn copy_file(from: &Path, to: &Path) -> Result<(Digest, u64), Failure> {
    let source = File::open(from).map_err(Failure::at(from))?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let target = options.open(to).map_err(Failure::at(to))?;
    let copied = pass(source, &target).map_err(Failure::at(to))?;
    target.sync_all().and_then(|()| disk::sync_parent(to)).map_err(Failure::at(to))?;
    Ok(copied)
}

fn pass(mut from: impl Read, mut to: impl Write) -> io::Result<(Digest, u64)> {
    let (mut context, mut size, mut buffer) = (Context::new(&SHA256), 0, vec![0; 1 << 18]);
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            let mut digest = [0; 32];
            digest.copy_from_slice(context.finish().as_ref());
            return Ok((Digest::from_bytes(digest), size));
        }
        context.update(&buffer[..length]);
        to.write_all(&buffer[..length])?;
        size += length as u64;
    }
}

fn private(path: &Path) -> Result<(), Failure> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(Failure::at(path))?;
    }
    Ok(())
}
