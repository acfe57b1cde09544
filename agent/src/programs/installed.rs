//! The installer's own list of what belongs to the program, in the folder that `[kathea] program` names.
//!
//! ```text
//! installed.sha256      the lines of `sha256sum`: a digest, two signs, a name
//! installed.sha256.sig  the vendor's signature, of a key that is trusted for `word_list`
//! ```
//!
//! A program, library or catalogue that the list does not have teaches no word, however protected its folder is: an
//! administrator may have put it there. A digest counts wherever below the folder the file lies.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use protocol::Digest;
use protocol::signature::{Context, Refused, Signature, TrustedKeys};

use crate::presence;

/// The list, in the folder itself.
const LIST: &str = "installed.sha256";

/// Why the installer's list does not count.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InstalledError {
    /// It, or its signature, cannot be read now.
    #[error("{0} cannot be read now ({1}): check its rights")]
    Disk(PathBuf, io::ErrorKind),
    /// Nobody who is trusted signed it.
    #[error("{0} does not count: {1}")]
    Unsigned(PathBuf, Refused),
    /// Its signature is not there, or is none.
    #[error("{0} does not count: the vendor's signature is not beside it as {LIST}.sig")]
    NoSignature(PathBuf),
    /// It is signed, and this line of it is none of `sha256sum`.
    #[error("line {1} of {0} is not understood: install the program again")]
    Malformed(PathBuf, usize),
}

/// What the installer put into a folder.
#[derive(Debug, Default)]
pub(super) struct Installed {
    files: BTreeSet<Digest>,
    /// Of the list itself; `None` if there is none.
    pub(super) list: Option<Digest>,
}

impl Installed {
    /// The list of `folder`. Without one nothing counts as installed.
    pub(super) fn of(folder: &Path, keys: &TrustedKeys) -> Result<Self, InstalledError> {
        let path = folder.join(LIST);
        let read = |path: &Path| {
            let found = presence::read(path).map(presence::Presence::found);
            found.map_err(|e| InstalledError::Disk(path.to_owned(), e.kind()))
        };
        let Some(bytes) = read(&path)? else { return Ok(Self::default()) };
        let mut beside = OsString::from(&path);
        beside.push(".sig");
        let signature = read(Path::new(&beside))?.and_then(|bytes| String::from_utf8(bytes).ok());
        let signature = signature.and_then(|text| text.trim().parse::<Signature>().ok());
        let signature = signature.ok_or_else(|| InstalledError::NoSignature(path.clone()))?;
        let list = Digest::of(&bytes);
        keys.verify(Context::WordList, list, &signature)
            .map_err(|refused| InstalledError::Unsigned(path.clone(), refused))?;
        let files = parse(&bytes).map_err(|line| InstalledError::Malformed(path, line))?;
        Ok(Self { files, list: Some(list) })
    }

    /// Whether the installer put a file with this content there.
    pub(super) fn has(&self, digest: Digest) -> bool {
        self.files.contains(&digest)
    }
}

/// Reads a list, whoever signed it: the digests in it.
///
/// # Errors
/// The number of the first line that is not understood.
pub fn parse(bytes: &[u8]) -> Result<BTreeSet<Digest>, usize> {
    let text = std::str::from_utf8(bytes).map_err(|_| 1_usize)?;
    let lines = text.lines().zip(1..);
    lines.map(|(line, number)| entry(line).ok_or(number)).collect()
}

/// `DIGEST  NAME` or `DIGEST *NAME`.
fn entry(line: &str) -> Option<Digest> {
    let (digest, rest) = line.split_at_checked(64)?;
    let name = rest.strip_prefix("  ").or_else(|| rest.strip_prefix(" *"))?;
    digest.parse().ok().filter(|_| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use protocol::signature::{PublicKey, TrustedKey};
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn keys_and_signature(text: &str, seed: u8, context: Context) -> (TrustedKeys, String) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let key = PublicKey::from_bytes(pair.public_key().as_ref().try_into().unwrap());
        let signed = Signature::new(context, key, Digest::of(text.as_bytes()), |text| {
            pair.sign(text).as_ref().to_vec()
        });
        (TrustedKeys::new(vec![TrustedKey { key, signs: vec![context] }]), signed.unwrap().to_string())
    }

    #[test]
    fn only_what_a_signed_list_names_is_installed() {
        let dir = tempfile::tempdir().unwrap();
        let (program, other) = (Digest::of(b"the program"), Digest::of(b"another"));
        let text = format!("{program}  bin/kathea\n{}  *x.dll\n", Digest::of(b"a library"));
        let (keys, signature) = keys_and_signature(&text, 7, Context::WordList);
        let none = Installed::of(dir.path(), &keys).unwrap();
        assert!(!none.has(program) && none.list.is_none());

        let (list, beside) = (dir.path().join(LIST), dir.path().join("installed.sha256.sig"));
        fs::write(&list, &text).unwrap();
        assert_eq!(Installed::of(dir.path(), &keys).unwrap_err(), InstalledError::NoSignature(list.clone()));
        fs::write(&beside, &signature).unwrap();
        let installed = Installed::of(dir.path(), &keys).unwrap();
        assert!(installed.has(program) && !installed.has(other) && installed.list.is_some());

        // Of a key that is not trusted, for something else, of another text.
        let (others, _) = keys_and_signature(&text, 8, Context::WordList);
        let (releases, as_release) = keys_and_signature(&text, 7, Context::Release);
        for (keys, signature) in [(&others, &signature), (&releases, &as_release), (&keys, &as_release)] {
            fs::write(&beside, signature).unwrap();
            let refused = Installed::of(dir.path(), keys);
            assert!(matches!(refused, Err(InstalledError::Unsigned(..))), "{refused:?}");
        }
        fs::write(&beside, &signature).unwrap();
        fs::write(&list, format!("{text}{other}  theirs.dll\n")).unwrap();
        assert!(matches!(Installed::of(dir.path(), &keys), Err(InstalledError::Unsigned(..))));

        // Signed, and no list.
        let words = "kathea-words-1 x1-firmware 7\nWbrownout\n";
        let (keys, signature) = keys_and_signature(words, 7, Context::WordList);
        fs::write(&list, words).unwrap();
        fs::write(&beside, signature).unwrap();
        assert_eq!(Installed::of(dir.path(), &keys).unwrap_err(), InstalledError::Malformed(list, 1));
    }

    #[test]
    fn a_line_is_a_digest_two_signs_and_a_name() {
        let digest = Digest::of(b"x");
        assert_eq!(parse(format!("{digest}  a b\r\n{digest} *c").as_bytes()), Ok([digest].into()));
        assert_eq!(parse(b""), Ok(BTreeSet::new()));
        for (text, line) in [
            (format!("{digest}  a\n\n"), 2),
            (format!("{digest}"), 1),
            (format!("{digest}  "), 1),
            (format!("{digest} a"), 1),
            (format!("{digest}  a\nx{digest}  a"), 2),
            ("æ".repeat(40), 1),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(line), "{text}");
        }
        assert_eq!(parse(&[0xff]), Err(1));
    }
}
