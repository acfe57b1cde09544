//! The reserve: disk space for what must work on a full disk: withdrawal, revocation, erasure.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Bytes: the log of the largest transaction that erases, several times.
const SIZE: usize = 16 << 20;

/// A file that is given up when the disk is full.
pub(crate) struct Reserve(PathBuf);

impl Reserve {
    /// In a data directory.
    pub(crate) fn of(data: &Path) -> Self {
        Self(data.join("reserve"))
    }

    /// Releases the reserve.
    pub(crate) fn release(&self) {
        match fs::remove_file(&self.0) {
            Ok(()) => {
                log::warn!("the disk is full: the reserve of 16 MiB was released; free some disk space")
            }
            Err(error) => log::error!("the disk is full, and there is no reserve: {}", error.kind()),
        }
    }

    /// Creates the reserve again if the disk has space. Written, not only declared: a sparse file reserves nothing.
    pub(crate) fn refill(&self) {
        if fs::metadata(&self.0).is_ok_and(|file| file.len() == SIZE as u64) {
            return;
        }
        let written = File::create(&self.0).and_then(|mut file| {
            // Bytes that no file system compresses or leaves out.
            let mut block = vec![0; 1 << 16];
            let mut word = 0x9e37_79b9_7f4a_7c15_u64;
            for eight in block.chunks_exact_mut(8) {
                word ^= word << 13;
                word ^= word >> 7;
                word ^= word << 17;
                eight.copy_from_slice(&word.to_le_bytes());
            }
            (0..SIZE / block.len()).try_for_each(|_| file.write_all(&block))
        });
        if written.is_err() {
            // Half a reserve would be what fills the disk.
            let _ = fs::remove_file(&self.0);
            log::warn!("the disk has no space for the store's reserve of 16 MiB; free some disk space");
        }
    }
}
