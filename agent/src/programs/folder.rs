//! Which folders may be read: those that only an administrator can write.
//!
//! Whoever can write a program's file decides which words stay in a log, so one writable place spoils all of it.

use std::io;
use std::path::{Path, PathBuf};

use walkdir::WalkDir;

/// Files of one program, at most; a large application has some thousand.
const FILES: usize = 50_000;

/// Why a folder is not read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unprotected {
    /// This place can be written by accounts that are no administrators.
    #[error(
        "{0} can be written without being an administrator: whoever writes there decides which words stay in a log. \
         Correct its rights or owner, or take its folder out of `program` under [kathea]"
    )]
    Writable(PathBuf),
    /// This place cannot be looked at now.
    #[error("{0} cannot be looked at now ({1}): check `program` under [kathea]")]
    Unreadable(PathBuf, io::ErrorKind),
    /// The folder holds more files than any program.
    #[error(
        "{0} holds more than {FILES} files: name the folder of the program itself in `program` under [kathea]"
    )]
    TooMany(PathBuf),
}

/// The files below `folder` that may be programs or catalogues, in order, if nobody but an administrator can write the
/// folder, what leads to it, and what lies in it. Links are not followed.
pub(super) fn programs(folder: &Path) -> Result<Vec<PathBuf>, Unprotected> {
    let unreadable = |path: &Path, kind| Unprotected::Unreadable(path.to_owned(), kind);
    let whole = folder.canonicalize().map_err(|e| unreadable(folder, e.kind()))?;
    for above in whole.ancestors().skip(1) {
        let is_safe = rights::only_administrators(above, true).map_err(|e| unreadable(above, e.kind()))?;
        if !is_safe {
            return Err(Unprotected::Writable(above.to_owned()));
        }
    }
    let mut found = Vec::new();
    for (count, entry) in WalkDir::new(&whole).follow_links(false).sort_by_file_name().into_iter().enumerate()
    {
        let entry = entry.map_err(|e| {
            let path = e.path().unwrap_or(&whole).to_owned();
            Unprotected::Unreadable(path, e.into_io_error().map_or(io::ErrorKind::Other, |e| e.kind()))
        })?;
        if count >= FILES {
            return Err(Unprotected::TooMany(whole));
        }
        if entry.file_type().is_symlink() {
            continue;
        }
        let path = entry.path();
        let is_safe = rights::only_administrators(path, false).map_err(|e| unreadable(path, e.kind()))?;
        if !is_safe {
            return Err(Unprotected::Writable(path.to_owned()));
        }
        if entry.file_type().is_file() && may_be_program(path) {
            found.push(path.to_owned());
        }
    }
    Ok(found)
}

/// Whether a file is called like a program, a library or a catalogue. Settings, JSON and XML are never looked into: they
/// may name the licensee, demo patients or the last user.
fn may_be_program(path: &Path) -> bool {
    const ENDINGS: &[&str] = &["exe", "dll", "so", "mo", "mui", "ocx", "bin"];
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    name.contains(".so.")
        || match name.rsplit_once('.') {
            Some((_, ending)) => ENDINGS.contains(&ending),
            None => true,
        }
}

#[cfg(unix)]
mod rights {
    use std::fs;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    /// Group and others may write.
    const WRITABLE: u32 = 0o022;
    /// In such a folder only the owner of a file renames or removes it.
    const STICKY: u32 = 0o1000;

    /// Whether the place is root's, and nobody else writes it. Of a folder above it is enough that nobody else can put
    /// another one in the place of what lies in it.
    pub(super) fn only_administrators(path: &Path, is_above: bool) -> io::Result<bool> {
        let found = fs::symlink_metadata(path)?;
        let is_closed = found.mode() & WRITABLE == 0 || is_above && found.mode() & STICKY != 0;
        Ok(found.uid() == 0 && is_closed)
    }
}

#[cfg(not(unix))]
mod rights {
    use std::env;
    use std::io;
    use std::path::Path;

    /// Below the folders for programs Windows lets administrators write alone; other places have no rule to rely on.
    pub(super) fn only_administrators(path: &Path, is_above: bool) -> io::Result<bool> {
        let roots = ["ProgramFiles", "ProgramFiles(x86)", "ProgramW6432"];
        let below = roots.iter().filter_map(env::var_os).any(|root| {
            let root = Path::new(&root).canonicalize();
            root.is_ok_and(|root| path.starts_with(root))
        });
        Ok(below || is_above)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_known_by_their_names() {
        for name in
            ["Kathea.exe", "x1sdk.dll", "libusb-1.0.so.0.4.0", "kathea", "da/kathea.mo", "K.resources.DLL"]
        {
            assert!(may_be_program(Path::new(name)), "{name}");
        }
        for name in ["appsettings.json", "licence.xml", "kathea.ini", "demo.dcm", "users.db"] {
            assert!(!may_be_program(Path::new(name)), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_writable_place_is_refused_and_named() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt;

        if !test_support::peer::is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("kathea/bin");
        fs::create_dir_all(&inner).unwrap();
        let file = inner.join("kathea");
        fs::write(&file, "x").unwrap();
        let folder = dir.path().join("kathea");
        let mode = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
        for (path, closed) in [(dir.path(), 0o755), (&*folder, 0o755), (&inner, 0o755), (&file, 0o644)] {
            mode(path, closed);
        }
        assert_eq!(programs(&folder).unwrap(), std::slice::from_ref(&file));
        for (path, open, closed) in [(&file, 0o664, 0o644), (&inner, 0o757, 0o755), (&folder, 0o777, 0o755)] {
            mode(path, open);
            assert_eq!(programs(&folder), Err(Unprotected::Writable(path.clone())));
            mode(path, closed);
        }
        mode(dir.path(), 0o777);
        assert_eq!(programs(&folder), Err(Unprotected::Writable(dir.path().canonicalize().unwrap())));
        mode(dir.path(), 0o1777);
        assert!(programs(&folder).is_ok());
        std::os::unix::fs::chown(&file, Some(12345), None).unwrap();
        assert_eq!(programs(&folder), Err(Unprotected::Writable(file)));
        let absent = programs(&dir.path().join("absent"));
        assert!(matches!(absent, Err(Unprotected::Unreadable(_, io::ErrorKind::NotFound))));
    }
}
