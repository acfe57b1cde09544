//! The private key that opens support bundles: made by `init`, never read by the collector, and not on its machine
//! for long.

use std::fs;
use std::path::{Path, PathBuf};

use age::secrecy::ExposeSecret;

use crate::disk::{self, Access};
use crate::failure::Failure;

/// What every age identity of this kind has in its file.
const MARK: &str = "AGE-SECRET-KEY-";
/// Bytes of a file that is looked into: an identity is a line.
const LONGEST: u64 = 64 << 10;

/// Where the identity goes if nothing was said: beside the data directory, under its name.
pub(crate) fn beside(data: &Path) -> PathBuf {
    let name = data.file_name().map(|name| name.to_string_lossy().into_owned());
    data.with_file_name(format!("{}-age-identity.txt", name.as_deref().unwrap_or("collector")))
}

/// Makes a new identity in `file`, which must not exist. Returns its public key.
pub(crate) fn make_age_identity(file: &Path) -> Result<String, Failure> {
    if file.try_exists().map_err(Failure::at(file))? {
        return Err(Failure::new(format!(
            "{} is there already; a key is never overwritten: name another with --age-identity",
            file.display()
        )));
    }
    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let secret = identity.to_string();
    let text = format!("# public key: {recipient}\n{}\n", secret.expose_secret());
    disk::write(file, text.as_bytes(), Access::Private)?;
    Ok(recipient)
}

/// An identity beside the bundles that it opens would make their sealing worthless: whoever copies the directory
/// reads them all.
pub(crate) fn refuse_age_identity(data: &Path) -> Result<(), Failure> {
    for name in disk::names(data)? {
        let path = data.join(&name);
        let about = fs::metadata(&path).map_err(Failure::at(&path))?;
        if !about.is_file() || about.len() > LONGEST {
            continue;
        }
        let bytes = fs::read(&path).map_err(Failure::at(&path))?;
        if bytes.windows(MARK.len()).any(|part| part.eq_ignore_ascii_case(MARK.as_bytes())) {
            return Err(Failure::new(format!(
                "{} holds an age identity, which opens every support bundle here; \
                 move it to a machine that is not a server, then start again",
                path.display()
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_under_any_name_is_found_and_other_files_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("collector");
        fs::create_dir(&data).unwrap();
        fs::create_dir(data.join("devices")).unwrap();
        fs::write(data.join("ca-key.pem"), "-----BEGIN PRIVATE KEY-----\n").unwrap();
        fs::write(data.join("large"), vec![b'A'; 100 << 10]).unwrap();
        assert!(refuse_age_identity(&data).is_ok());
        let identity = data.join("notes");
        make_age_identity(&identity).unwrap();
        let error = refuse_age_identity(&data).unwrap_err().to_string();
        assert!(error.contains("notes") && !error.contains(MARK), "{error}");
        fs::rename(&identity, beside(&data)).unwrap();
        assert!(refuse_age_identity(&data).is_ok());
        assert_eq!(beside(&data), dir.path().join("collector-age-identity.txt"));
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("identity");
        let recipient = make_age_identity(&file).unwrap();
        assert!(fs::read_to_string(&file).unwrap().contains(&recipient));
        let before = fs::read(&file).unwrap();
        assert!(make_age_identity(&file).unwrap_err().to_string().contains("there already"));
        assert_eq!(fs::read(&file).unwrap(), before);
    }
}
