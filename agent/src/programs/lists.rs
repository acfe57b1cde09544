//! Lists of the vendor, for words that are not on this disk: a controller's firmware, another language.
//!
//! ```text
//! kathea-words-1 x1-firmware 7
//! Lrail 24V=%.2f 48V=%.2f 12V=%.2f temp=%.1fC
//! Wbrownout
//! SX1-######
//! ```
//!
//! The first line names the list and its number, each further one is an entry: `L` and a literal, `W` and a word, `S` and the
//! shape of a serial number, in which `#` is any digit and `@` any capital. The file counts with a signature of a key that the
//! configuration trusts for `word_list`. A list with a lower number than the one that is there is refused.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::Digest;
use protocol::signature::{Context, Refused, Signature, TrustedKeys};
use provenance::Entry;

use super::record::{FOLDER, ListName};
use crate::{durable, presence};

/// The folder below that of the table.
const LISTS: &str = "lists";
/// The first word of a list.
const FORMAT: &str = "kathea-words-1";
/// Bytes of a list, at most.
const BYTES: usize = 4 << 20;
/// Characters of a list's name.
const NAME: usize = 32;

/// Why a list does not count.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListError {
    /// It cannot be read or kept now.
    #[error("{0} cannot be read or kept now ({1})")]
    Disk(PathBuf, io::ErrorKind),
    /// Nobody who is trusted signed it.
    #[error("the list does not count: {0}")]
    Unsigned(Refused),
    /// What stands beside it is no signature.
    #[error("the list does not count: its signature file holds no signature")]
    NoSignature,
    /// It is signed and no list: the number of the line that is wrong.
    #[error("line {0} of the list is not understood: ask the vendor for a list that this version reads")]
    Malformed(usize),
    /// It is older than the one that is there.
    #[error("the list {name} {number} is older than {name} {kept}, which is there: nothing was changed")]
    Older {
        /// The list.
        name: String,
        /// Its number.
        number: u64,
        /// The number of the one that is there.
        kept: u64,
    },
    /// Two lists have the same name and number.
    #[error("another list {0} of the same number is there: ask the vendor for one with a higher number")]
    Ambiguous(String),
}

/// Takes in the list in `bytes` with its signature.
///
/// # Errors
/// [`ListError`], after which the list that was there still counts.
pub fn add(
    data_dir: &Path,
    keys: &TrustedKeys,
    bytes: &[u8],
    signature: &str,
) -> Result<ListName, ListError> {
    let name = verified(keys, bytes, signature)?;
    let folder = folder(data_dir);
    if let Some(kept) = read(&folder, &name.name)? {
        let kept_name = verified(keys, &kept.0, &kept.1)?;
        if kept_name.number > name.number {
            return Err(ListError::Older { name: name.name, number: name.number, kept: kept_name.number });
        }
        if kept_name.number == name.number && kept.0 != bytes {
            return Err(ListError::Ambiguous(name.name));
        }
    }
    let disk = |path: &Path| {
        let path = path.to_owned();
        move |e: io::Error| ListError::Disk(path, e.kind())
    };
    fs::create_dir_all(&folder).map_err(disk(&folder))?;
    // One file: a signature beside another list would make neither count.
    let path = folder.join(&name.name);
    let mut both = signature.trim().as_bytes().to_vec();
    both.push(b'\n');
    both.extend(bytes);
    durable::replace_public(&path, &both).map_err(disk(&path))?;
    Ok(name)
}

/// Hands the entries of every list to `take`; returns the lists.
///
/// # Errors
/// [`ListError`] of the first that does not count any more.
pub(super) fn all(
    data_dir: &Path,
    keys: &TrustedKeys,
    take: &mut dyn FnMut(Entry<'_>),
) -> Result<Vec<ListName>, ListError> {
    let folder = folder(data_dir);
    let failed = |e: io::Error| ListError::Disk(folder.clone(), e.kind());
    let Some(listing) = presence::Presence::of(fs::read_dir(&folder)).map_err(failed)?.found() else {
        return Ok(Vec::new());
    };
    let names = listing.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>();
    let mut found = Vec::new();
    for name in names.map_err(failed)? {
        let Some(name) = name.to_str().filter(|name| is_name(name)) else { continue };
        let Some((bytes, signature)) = read(&folder, name)? else { continue };
        found.push(verified(keys, &bytes, &signature)?);
        let text = std::str::from_utf8(&bytes).unwrap_or_default();
        text.lines().skip(1).filter_map(entry).for_each(&mut *take);
    }
    found.sort_unstable();
    Ok(found)
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join(FOLDER).join(LISTS)
}

/// A list that is there, and its signature.
fn read(folder: &Path, name: &str) -> Result<Option<(Vec<u8>, String)>, ListError> {
    let path = folder.join(name);
    let found = presence::read(&path).map_err(|e| ListError::Disk(path, e.kind()))?.found();
    let Some(both) = found else { return Ok(None) };
    let end = both.iter().position(|byte| *byte == b'\n').ok_or(ListError::NoSignature)?;
    let signature = both.get(..end).map(String::from_utf8_lossy).unwrap_or_default().into_owned();
    Ok(Some((both.get(end + 1..).unwrap_or_default().to_vec(), signature)))
}

/// Looks into a list only after its signature was found good.
fn verified(keys: &TrustedKeys, bytes: &[u8], signature: &str) -> Result<ListName, ListError> {
    let signature: Signature = signature.trim().parse().map_err(|_| ListError::NoSignature)?;
    keys.verify(Context::WordList, Digest::of(bytes), &signature).map_err(ListError::Unsigned)?;
    parse(bytes)
}

/// Reads a list, whoever signed it; returns its name.
///
/// # Errors
/// [`ListError::Malformed`] with the first line that is not understood.
pub fn parse(bytes: &[u8]) -> Result<ListName, ListError> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.len() <= BYTES);
    let text = text.ok_or(ListError::Malformed(1))?;
    let name = text.lines().next().and_then(head).ok_or(ListError::Malformed(1))?;
    match text.lines().skip(1).position(|line| entry(line).is_none()) {
        Some(at) => Err(ListError::Malformed(at + 2)),
        None => Ok(name),
    }
}

fn head(line: &str) -> Option<ListName> {
    let mut words = line.split(' ');
    let (format, name, number) = (words.next()?, words.next()?, words.next()?);
    let is_head = format == FORMAT && is_name(name) && words.next().is_none();
    is_head.then_some(())?;
    Some(ListName { name: name.to_owned(), number: number.parse().ok()? })
}

fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=NAME).contains(&name.len()) && name.bytes().all(allowed)
}

/// A folder is the installation's to say.
fn entry(line: &str) -> Option<Entry<'_>> {
    Entry::parse(line).filter(|entry| !matches!(entry, Entry::Folder(_)))
}

#[cfg(test)]
mod tests {
    use protocol::signature::{PublicKey, TrustedKey};
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn signed(text: &str, seed: u8, context: Context) -> (TrustedKeys, String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let key = PublicKey::from_bytes(pair.public_key().as_ref().try_into().unwrap());
        let content = Digest::of(text.as_bytes());
        let signature = Signature::new(context, key, content, |text| pair.sign(text).as_ref().to_vec());
        (TrustedKeys::new(vec![TrustedKey { key, signs: vec![context] }]), signature.unwrap().to_string())
    }

    fn list(number: u64, word: &str) -> String {
        format!("kathea-words-1 x1-firmware {number}\nLrail 24V=%.2f temp=%.1fC\nW{word}\n")
    }

    fn words(data_dir: &Path, keys: &TrustedKeys) -> Result<Vec<String>, ListError> {
        let mut words = Vec::new();
        all(data_dir, keys, &mut |entry| {
            if let Entry::Word(word) = entry {
                words.push(word.to_owned());
            }
        })?;
        Ok(words)
    }

    #[test]
    fn a_newer_list_takes_the_place_of_an_older_one_and_never_the_other_way() {
        let dir = tempfile::tempdir().unwrap();
        let add = |text: &str| {
            let (keys, signature) = signed(text, 7, Context::WordList);
            (add(dir.path(), &keys, text.as_bytes(), &signature), keys)
        };
        let (added, keys) = add(&list(7, "brownout"));
        assert_eq!(added, Ok(ListName { name: "x1-firmware".into(), number: 7 }));
        assert_eq!(words(dir.path(), &keys).unwrap(), ["brownout"]);
        let older = ListError::Older { name: "x1-firmware".into(), number: 6, kept: 7 };
        assert_eq!(add(&list(6, "Hansen")).0, Err(older));
        assert_eq!(add(&list(7, "Hansen")).0, Err(ListError::Ambiguous("x1-firmware".into())));
        assert_eq!(words(dir.path(), &keys).unwrap(), ["brownout"]);
        assert!(add(&list(8, "undervoltage")).0.is_ok());
        assert_eq!(words(dir.path(), &keys).unwrap(), ["undervoltage"]);
    }

    #[test]
    fn what_nobody_trusted_signed_and_what_is_no_list_does_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let text = list(7, "brownout");
        let (keys, signature) = signed(&text, 7, Context::WordList);
        let (others, of_another) = signed(&text, 8, Context::WordList);
        let (releases, as_release) = signed(&text, 7, Context::Release);
        for (keys, text, signature) in [
            (&others, text.as_str(), &signature),
            (&keys, &text, &of_another),
            (&keys, &text, &as_release),
            (&releases, &text, &as_release),
            (&keys, &list(7, "Hansen"), &signature),
            (&TrustedKeys::default(), &text, &signature),
        ] {
            let refused = add(dir.path(), keys, text.as_bytes(), signature);
            assert!(matches!(refused, Err(ListError::Unsigned(_))), "{refused:?}");
        }
        assert_eq!(add(dir.path(), &keys, text.as_bytes(), "kathea"), Err(ListError::NoSignature));
        for (text, line) in [
            ("", 1),
            ("kathea-words-2 x 1\n", 1),
            ("kathea-words-1 ../x 1\n", 1),
            ("kathea-words-1 x one\n", 1),
            ("kathea-words-1 x 1\nWok\nF/opt\n", 3),
            ("kathea-words-1 x 1\n\n", 2),
        ] {
            let (keys, signature) = signed(text, 7, Context::WordList);
            let refused = add(dir.path(), &keys, text.as_bytes(), &signature);
            assert_eq!(refused, Err(ListError::Malformed(line)), "{text}");
        }
        assert_eq!(words(dir.path(), &keys).unwrap(), Vec::<String>::new());
        // A key that is not trusted any more takes its list with it, aloud.
        add(dir.path(), &keys, text.as_bytes(), &signature).unwrap();
        assert!(matches!(words(dir.path(), &others), Err(ListError::Unsigned(_))));
    }
}
