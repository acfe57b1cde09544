//! Opens a bundle: age, gzip, tar, manifest. The manifest comes first and bounds all that follows: a file that it does not
//! list, or one of another length or digest, ends the reading.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use age::x25519::Identity;
use data_encoding::HEXLOWER;
use flate2::read::GzDecoder;
use protocol::Digest;
use ring::digest::{Context, SHA256};

use crate::failure::Failure;
use crate::folder::Folder;
use crate::manifest::{self, Manifest, is_plain};

/// Bytes of a file of keys.
const KEYS: u64 = 64 << 10;
/// Bytes that are copied at a time.
const PIECE: usize = 64 << 10;

/// What was opened and checked.
pub(crate) struct Opened {
    pub(crate) manifest: Manifest,
    /// SHA-256 of the stored bytes of the manifest: what the clinic agreed to.
    pub(crate) digest: Digest,
}

/// The private keys in a file, as `age-keygen` and `kathea-collector init` write them.
pub(crate) fn identities(path: &Path) -> Result<Vec<Identity>, Failure> {
    let mut text = String::new();
    let file = File::open(path).map_err(Failure::at(path))?;
    file.take(KEYS).read_to_string(&mut text).map_err(Failure::at(path))?;
    let keys: Vec<Identity> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.trim().parse().ok())
        .collect();
    if keys.is_empty() {
        return Err(Failure::usage(format!(
            "{} holds no age identity: name the file that `kathea-collector init` wrote, a line of which begins with \
             AGE-SECRET-KEY-1",
            path.display()
        )));
    }
    Ok(keys)
}

/// SHA-256 of a file, as the collector files it.
pub(crate) fn digest_of(path: &Path) -> Result<Digest, Failure> {
    let mut hash = Context::new(&SHA256);
    let mut file = File::open(path).map_err(Failure::at(path))?;
    let mut piece = vec![0; PIECE];
    loop {
        let read = file.read(&mut piece).map_err(Failure::at(path))?;
        if read == 0 {
            return Ok(digest(hash));
        }
        hash.update(piece.get(..read).unwrap_or_default());
    }
}

/// Opens the bundle in `path` into `folder`.
pub(crate) fn open(path: &Path, keys: &[Identity], folder: &Folder) -> Result<Opened, Failure> {
    let file = File::open(path).map_err(Failure::at(path))?;
    let sealed = BufReader::with_capacity(PIECE, file);
    let opened = age::Decryptor::new_buffered(sealed).map_err(|_| {
        Failure::new(format!(
            "{} is no sealed bundle, or its head is damaged: fetch it again",
            path.display()
        ))
    })?;
    let keys = keys.iter().map(|key| key as &dyn age::Identity);
    let opened = opened.decrypt(keys).map_err(|error| match error {
        age::DecryptError::NoMatchingKeys => Failure::new(format!(
            "no key in the file of --identity opens {}: it was sealed for another recipient",
            path.display()
        )),
        _ => Failure::new(format!("{} is damaged: fetch it again", path.display())),
    })?;
    let mut tar = tar::Archive::new(GzDecoder::new(opened));
    // Raw: what the library makes of long names and sparse files it reads whole into memory. An agent writes neither.
    let mut entries = tar.entries().map_err(|error| unreadable(&error))?.raw(true);
    let mut next = || entries.next().transpose().map_err(|error| unreadable(&error));
    let Some(mut first) = next()?.filter(|entry| is_file(entry, manifest::FILE)) else {
        return Err(Failure::new("the bundle does not begin with manifest.json: it is hostile or damaged"));
    };
    let mut stored = Vec::new();
    first.by_ref().take(manifest::MOST + 1).read_to_end(&mut stored).map_err(|error| unreadable(&error))?;
    if stored.len() as u64 > manifest::MOST {
        return Err(Failure::new(
            "the manifest is longer than an agent writes: the bundle is hostile or damaged",
        ));
    }
    let manifest = Manifest::parse(&stored)?;
    folder.write(manifest::FILE, &stored)?;
    for listed in &manifest.files {
        let name = &listed.name;
        let Some(entry) = next()? else {
            return Err(Failure::new(format!("the bundle ends before {name}: it was cut; fetch it again")));
        };
        if !is_plain(name) || !is_file(&entry, name) {
            return Err(Failure::new(format!(
                "something else stands in the place of {name}: what the clinic agreed to was changed"
            )));
        }
        let mut out = folder.file(name)?;
        let (bytes, digest) = copy(&mut entry.take(listed.bytes + 1), &mut out)?;
        if (bytes, digest) != (listed.bytes, listed.sha256) {
            return Err(Failure::new(format!(
                "{name} is not the file of the manifest: what the clinic agreed to was changed"
            )));
        }
    }
    if next()?.is_some() {
        return Err(Failure::new("the bundle has a file that the manifest does not list: it was changed"));
    }
    Ok(Opened { manifest, digest: Digest::of(&stored) })
}

/// Whether an entry is the ordinary file of this name.
fn is_file(entry: &tar::Entry<'_, impl Read>, name: &str) -> bool {
    entry.header().entry_type() == tar::EntryType::Regular && entry.path_bytes().as_ref() == name.as_bytes()
}

/// What a folder of an earlier opening holds, if it is as it was.
pub(crate) fn opened_before(folder: &Path) -> Result<Opened, Failure> {
    let stored = read(folder, manifest::FILE, manifest::MOST)?;
    let manifest = Manifest::parse(&stored)?;
    for listed in &manifest.files {
        let path = folder.join(&listed.name);
        if digest_of(&path)? != listed.sha256 {
            return Err(Failure::new(format!("{} was changed: open the bundle again", path.display())));
        }
    }
    Ok(Opened { manifest, digest: Digest::of(&stored) })
}

/// A file of an opened bundle, of `most` bytes.
pub(crate) fn read(folder: &Path, name: &str, most: u64) -> Result<Vec<u8>, Failure> {
    let path = folder.join(name);
    if fs::symlink_metadata(&path).map_err(Failure::at(&path))?.is_symlink() {
        return Err(Failure::new(format!("{} is a link: open the bundle again", path.display())));
    }
    let mut bytes = Vec::new();
    File::open(&path)
        .map_err(Failure::at(&path))?
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(Failure::at(&path))?;
    Ok(bytes)
}

fn copy(from: &mut impl Read, to: &mut File) -> Result<(u64, Digest), Failure> {
    let (mut hash, mut bytes, mut piece) = (Context::new(&SHA256), 0, vec![0; PIECE]);
    loop {
        let read = from.read(&mut piece).map_err(|error| unreadable(&error))?;
        let Some(part) = piece.get(..read).filter(|part| !part.is_empty()) else {
            return Ok((bytes, digest(hash)));
        };
        to.write_all(part)
            .map_err(|error| Failure::new(format!("a file cannot be written ({})", error.kind())))?;
        hash.update(part);
        bytes += read as u64;
    }
}

/// What age, gzip and tar say of bytes that are not theirs quotes them, so only the kind is said.
fn unreadable(error: &io::Error) -> Failure {
    Failure::new(match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
            "the bundle was cut, damaged or changed: fetch it again".to_owned()
        }
        kind => format!("the bundle cannot be read ({kind})"),
    })
}

fn digest(hash: Context) -> Digest {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hash.finish().as_ref());
    Digest::from_bytes(bytes)
}

/// Digits of a digest that a page shows.
pub(crate) fn short(digest: Digest) -> String {
    let mut text = HEXLOWER.encode(&digest.to_bytes());
    text.truncate(16);
    text
}
