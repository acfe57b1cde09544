//! The two files that mark how far decommissioning is.

use std::io;
use std::path::{Path, PathBuf};

use crate::presence;

/// Where it was decided.
pub(in crate::agent) fn begun(data_dir: &Path) -> PathBuf {
    data_dir.join("decommissioning")
}

/// Where the certificate is.
pub(in crate::agent) fn certificate(data_dir: &Path) -> PathBuf {
    data_dir.join("decommissioned")
}

/// Whether no key may be used any more: the certificate is there, or all that it is made of.
pub(in crate::agent) fn is_final(data_dir: &Path) -> io::Result<bool> {
    let text = presence::read_text(&begun(data_dir))?.found().flatten();
    Ok(text.is_some_and(|text| text.contains('\n')) || presence::is_there(&certificate(data_dir))?)
}
