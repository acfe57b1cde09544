//! The newest ledger line that the vendor knows, kept where it is ahead of this device's ledger: a restored old copy
//! stays closed after a restart, before it reaches the vendor again.

use std::io;
use std::path::{Path, PathBuf};

use protocol::Digest;

use super::Registry;
use crate::presence::Presence;
use crate::{durable, presence};

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("ledger.vendor")
}

/// Keeps what the vendor said: index and hash of its newest line.
///
/// # Errors
/// It cannot be written.
pub fn keep(data_dir: &Path, index: u64, hash: Digest) -> io::Result<()> {
    durable::replace(&path(data_dir), format!("{index} {hash}\n").as_bytes())
}

/// Closes `registry` if the vendor is known to be ahead of it. What was kept goes once the ledger has moved on behind it.
///
/// # Errors
/// It cannot be read now.
pub fn recall(data_dir: &Path, registry: &mut Registry) -> io::Result<()> {
    let kept = presence::read_text(&path(data_dir))?.found().flatten();
    // A line that was cut names a line that nobody wrote.
    let head = kept.as_deref().and_then(|text| {
        let (index, hash) = text.strip_suffix('\n')?.split_once(' ')?;
        Some((index.parse().ok()?, hash.parse().ok()?))
    });
    match head {
        Some((index, hash)) if !registry.compare_head(index, hash) => Ok(()),
        None if kept.is_none() => Ok(()),
        _ => Presence::of(std::fs::remove_file(path(data_dir))).map(drop),
    }
}
