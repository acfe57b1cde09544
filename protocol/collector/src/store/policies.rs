//! The texts of policies that an operator put beside the store.

use std::fs;

use protocol::{Digest, Purpose, policy};

use super::folder::Folder;
use crate::disk;
use crate::failure::Failure;

/// What is wrong with the policies there, a sentence each: such a text allows nothing, and its operator should know why.
pub(crate) fn flaws(folder: &Folder) -> Result<Vec<String>, Failure> {
    let dir = folder.texts()?.join("policies");
    let mut out = Vec::new();
    for name in disk::names(&dir)? {
        let path = dir.join(&name);
        let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
        if !Purpose::ALL.iter().any(|purpose| policy::kept(&text, *purpose).is_some()) {
            out.push(format!(
                "{}: it says of no purpose in a known way how long it is kept (`vendor_retention`), so nothing is \
                 accepted under it; correct it and start again",
                path.display()
            ));
        }
    }
    Ok(out)
}

/// The text of this digest among the policies.
pub(crate) fn text(folder: &Folder, sha256: Digest) -> Result<Option<String>, Failure> {
    let dir = folder.texts()?.join("policies");
    for name in disk::names(&dir)? {
        let path = dir.join(name);
        let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
        if Digest::of(text.as_bytes()) == sha256 {
            return Ok(Some(text));
        }
    }
    Ok(None)
}
