//! Durable replacement and removal of small files, safe against a power cut.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::killpoint;
use crate::presence::{self, Presence};

/// What a file is called until it is whole.
pub const PARTIAL: &str = "tmp";
/// What a file is called from the moment on that it is to be erased.
const ERASING: &str = "erasing";

/// Puts `bytes` at `path`, whole or not at all: written under another name in the same directory, readable by
/// its owner only, synced, renamed, and the directory synced.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, PRIVATE)
}

/// Likewise, for a file that everybody may read.
pub fn replace_public(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, PUBLIC)
}

/// What the owner of a file may, and everybody else: whatever the umask is.
const PRIVATE: u32 = 0o600;
const PUBLIC: u32 = 0o644;

fn replace_with(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    killpoint::write(path)?;
    let partial = longer(path, PARTIAL);
    let mut file = open_new(&partial, mode)?;
    file.write_all(bytes)?;
    killpoint::step("file.written");
    file.sync_all()?;
    killpoint::step("file.synced");
    std::fs::rename(&partial, path)?;
    killpoint::step("file.renamed");
    sync_parent(path)
}

/// Opens a file that nobody has opened before: a remnant keeps its rights, and in a directory that others write to, a
/// link leads where they want.
fn open_new(path: &Path, mode: u32) -> io::Result<File> {
    Presence::of(std::fs::remove_file(path))?;
    let file = private(&mut OpenOptions::new()).write(true).create_new(true).open(path)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    #[cfg(not(unix))]
    let _ = mode;
    Ok(file)
}

fn longer(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

/// Marks a file as one that is being erased, overwrites it and removes it. Cut short behind the mark,
/// [`finish_erasures`] goes on, and nobody takes what is left for damage. The caller syncs the directory once for all of
/// them.
///
/// # Errors
/// `NotFound` if there is none, and none that is marked; of the disk.
pub fn erase(path: &Path) -> io::Result<()> {
    mark(path)?;
    overwrite(&marked(path))
}

/// Marks a file as one that is being erased, durably. What an earlier erasure of this name left goes first.
///
/// # Errors
/// `NotFound` if there is none; of the disk.
pub fn mark(path: &Path) -> io::Result<()> {
    killpoint::write(path)?;
    let marked = marked(path);
    Presence::of(overwrite(&marked))?;
    std::fs::rename(path, &marked)?;
    killpoint::step("file.marked");
    sync_parent(path)
}

/// What a file is called while it is being erased.
pub fn marked(path: &Path) -> PathBuf {
    longer(path, ERASING)
}

/// Erases what is marked in a directory.
///
/// # Errors
/// Of the disk.
pub fn finish_erasures(directory: &Path) -> io::Result<()> {
    let mut paths = presence::files(directory)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == ERASING));
    paths.iter().map(|path| overwrite(path)).fold(Ok(()), io::Result::and) // one failure spares no other file
}

/// Overwrites a file and removes its name.
fn overwrite(path: &Path) -> io::Result<()> {
    killpoint::write(path)?;
    let mut file = OpenOptions::new().write(true).open(path)?;
    let length = file.metadata()?.len();
    io::copy(&mut io::Read::take(io::repeat(0), length), &mut file)?;
    file.sync_all()?;
    killpoint::step("file.overwritten");
    std::fs::remove_file(path)
}

/// Makes a directory, and what leads to it, that only its owner enters.
pub fn create_directory(path: &Path) -> io::Result<()> {
    if presence::stat(path)?.found().is_some_and(|found| found.is_dir()) {
        return Ok(());
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)?;
    sync_parent(path)
}

/// Gives what an administrator's command made at `path` to the owner of `data_dir`, the agent's account.
///
/// # Errors
/// The owner of either cannot be looked up, or that of `path` not be changed.
#[cfg(unix)]
pub fn give(path: &Path, data_dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};

    let owner = std::fs::metadata(data_dir)?;
    if std::fs::metadata(path)?.uid() == owner.uid() {
        return Ok(());
    }
    chown(path, Some(owner.uid()), Some(owner.gid()))
}

/// On Windows a file has the rights of its folder.
///
/// # Errors
/// None.
#[cfg(not(unix))]
pub fn give(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Makes the names in the directory of `path` durable. Windows keeps them with the file itself.
pub fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) => {
            killpoint::write(directory)?;
            File::open(directory)?.sync_all()
        }
        _ => Ok(()),
    }
}

/// The options, for a file that only its owner reads.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// A private file that is not whole yet. Dropped, it is gone.
#[derive(Debug)]
pub struct Partial {
    path: PathBuf,
    is_kept: bool,
}

impl Partial {
    /// An empty one at `path`, open to be written.
    ///
    /// # Errors
    /// Whatever keeps it from being opened.
    pub fn create(path: PathBuf) -> io::Result<(Self, File)> {
        let file = open_new(&path, PRIVATE)?;
        Ok((Self { path, is_kept: false }, file))
    }

    /// Gives it the name that it has when it is whole.
    ///
    /// # Errors
    /// Whatever keeps it from being renamed.
    pub fn keep_as(mut self, path: &Path) -> io::Result<()> {
        std::fs::rename(&self.path, path)?;
        self.is_kept = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("inner").join("file");
        create_directory(path.parent().unwrap()).unwrap();
        replace(&path, b"one").unwrap();
        replace(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        #[cfg(unix)]
        assert_eq!(
            std::os::unix::fs::PermissionsExt::mode(&path.metadata().unwrap().permissions()) & 0o777,
            0o600
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_somebody_put_in_the_way_is_neither_followed_nor_are_its_rights_taken_over() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let dir = tempfile::tempdir().unwrap();
        let (path, theirs) = (dir.path().join("file"), dir.path().join("theirs"));
        std::fs::write(&theirs, b"as it was").unwrap();
        symlink(&theirs, dir.path().join("file.tmp")).unwrap();
        replace_public(&path, b"ours").unwrap();
        assert_eq!(
            (std::fs::read(&theirs).unwrap(), std::fs::read(&path).unwrap()),
            (b"as it was".to_vec(), b"ours".to_vec())
        );
        std::fs::set_permissions(&theirs, std::fs::Permissions::from_mode(0o666)).unwrap();
        Partial::create(theirs.clone()).unwrap().0.keep_as(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_erased_is_overwritten_before_it_is_unlinked() {
        let dir = tempfile::tempdir().unwrap();
        let (path, second_name) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&path, b"secret").unwrap();
        std::fs::hard_link(&path, &second_name).unwrap();
        erase(&path).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
        assert_eq!(std::fs::read(&second_name).unwrap(), [0; 6]);
        assert_eq!(erase(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn an_erasure_that_is_cut_short_leaves_a_mark_and_is_finished() {
        for cut in 0.. {
            let dir = tempfile::tempdir().unwrap();
            let (path, second_name) = (dir.path().join("file"), dir.path().join("link"));
            std::fs::write(&path, b"secret").unwrap();
            std::fs::hard_link(&path, &second_name).unwrap();
            let is_cut = killpoint::cut(cut, || erase(&path).unwrap());
            assert!(!path.exists(), "at step {cut} nothing has its name any more");
            assert_eq!(marked(&path).exists(), is_cut, "step {cut}");
            finish_erasures(dir.path()).unwrap();
            assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
            assert_eq!(std::fs::read(&second_name).unwrap(), [0; 6]);
            if !is_cut {
                assert_eq!(cut, 2, "steps");
                break;
            }
        }
    }

    #[test]
    fn a_second_file_of_the_name_spares_not_what_is_left_of_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let (path, first) = (dir.path().join("file"), dir.path().join("first"));
        std::fs::write(&path, b"secret").unwrap();
        std::fs::hard_link(&path, &first).unwrap();
        mark(&path).unwrap();
        std::fs::write(&path, b"another").unwrap();
        erase(&path).unwrap();
        assert_eq!(std::fs::read(&first).unwrap(), [0; 6]);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
