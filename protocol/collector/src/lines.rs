//! Data on standard output: one JSON object a line (NDJSON).

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::failure::Failure;

/// Standard output, as lines of JSON.
pub(crate) struct Lines(BufWriter<StdoutLock<'static>>);

impl Lines {
    /// Takes standard output for the rest of the command.
    pub(crate) fn stdout() -> Self {
        Self(BufWriter::with_capacity(1 << 16, io::stdout().lock()))
    }

    /// Writes one line.
    pub(crate) fn put(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.0, line).map_err(io::Error::from).map_err(unwritable)?;
        self.0.write_all(b"\n").map_err(unwritable)
    }

    /// Writes what is still in memory.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.0.flush().map_err(unwritable)
    }
}

fn unwritable(error: io::Error) -> Failure {
    Failure::new(format!("cannot write to standard output: {}", error.kind()))
}
