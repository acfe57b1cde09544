//! The ballast: reserved disk space that is released when the disk is full.
//!
//! sled cannot be opened without some free space, so on a full disk what waits could not even be drained.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::PathBuf;

use crate::{durable, killpoint, limits, presence};

/// A file of zeros, fully written (not sparse), shared by the queues.
#[derive(Debug)]
pub(super) struct Ballast(PathBuf);

impl Ballast {
    pub(super) fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Creates it if it is absent. An error means that the disk has space for draining only.
    pub(super) fn load(&self) -> io::Result<()> {
        if presence::stat(&self.0)?.found().is_some_and(|meta| meta.len() == limits::BALLAST as u64) {
            return Ok(());
        }
        self.write().inspect_err(|_| {
            self.release();
        })
    }

    fn write(&self) -> io::Result<()> {
        if let Some(spool) = self.0.parent() {
            durable::create_directory(spool)?;
        }
        killpoint::write(&self.0)?;
        let mut file = File::create(&self.0)?;
        let zeros = [0; 64 << 10];
        for _ in 0..limits::BALLAST / zeros.len() {
            file.write_all(&zeros)?;
        }
        file.sync_all()
    }

    /// Releases the space. False if there was none.
    pub(super) fn release(&self) -> bool {
        fs::remove_file(&self.0).is_ok()
    }
}
