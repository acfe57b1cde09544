//! What lies in the raw bytes of a spool, and what the keys that are left still open of it.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use agent::seal::record::{MAGIC, Sealed};
use agent::usage::validation::Usage;
use agent::vault::{Protector, Vault};

use super::workstation::Workstation;

/// A directory with all that is below it.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target)
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// How many records in the raw bytes below `dir`, old segments included, any key of the workstation still opens.
pub(crate) fn readable(dir: &Path, workstation: &Workstation) -> usize {
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs().cast_signed();
    let Ok((vault, _)) = Vault::open(&workstation.data(), &Protector::File, now) else { return 0 };
    below(dir, &vault)
}

fn below(dir: &Path, vault: &Vault) -> usize {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| {
            if entry.path().is_dir() {
                below(&entry.path(), vault)
            } else {
                within(&fs::read(entry.path()).unwrap(), vault)
            }
        })
        .sum()
}

fn within(bytes: &[u8], vault: &Vault) -> usize {
    let starts =
        bytes.iter().enumerate().filter(|(at, byte)| **byte == MAGIC[0] && bytes[*at..].starts_with(MAGIC));
    let sealed = starts.filter_map(|(at, _)| {
        Sealed::<Usage>::from_bytes(&bytes[at..at + Sealed::<Usage>::measure(&bytes[at..])?])
    });
    sealed.filter(|sealed| sealed.verifies(vault)).count()
}
