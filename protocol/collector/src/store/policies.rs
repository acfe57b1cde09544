//! The texts of policies that an operator put beside the store.

use std::fs;

use protocol::Digest;

use super::folder::Folder;
use crate::disk;
use crate::failure::Failure;

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
