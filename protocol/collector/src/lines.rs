//! Data on standard output: one JSON object a line (NDJSON).

use std::io::{self, BufWriter, StdoutLock, Write};

use age::Encryptor;
use age::stream::StreamWriter;
use age::x25519::Recipient;
use serde::Serialize;

use crate::failure::{Cause, Failure};

/// Standard output, as lines of JSON.
pub(crate) struct Lines(Out);

/// How they leave.
enum Out {
    Plain(BufWriter<StdoutLock<'static>>),
    Sealed(Box<StreamWriter<BufWriter<StdoutLock<'static>>>>),
}

impl Lines {
    /// Takes standard output for the rest of the command.
    pub(crate) fn stdout() -> Self {
        Self(Out::Plain(BufWriter::with_capacity(1 << 16, io::stdout().lock())))
    }

    /// The same, sealed with age for whoever has the key of this recipient.
    pub(crate) fn sealed(to: &Recipient) -> Result<Self, Failure> {
        let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        let recipients = std::iter::once(to as &dyn age::Recipient);
        let encryptor = Encryptor::with_recipients(recipients);
        let encryptor = encryptor.map_err(|error| Failure::new(format!("the recipient: {error}")))?;
        Ok(Self(Out::Sealed(Box::new(encryptor.wrap_output(out).map_err(unwritable)?))))
    }

    /// Writes one line.
    pub(crate) fn put(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let out: &mut dyn Write = match &mut self.0 {
            Out::Plain(out) => out,
            Out::Sealed(out) => out,
        };
        serde_json::to_writer(&mut *out, line).map_err(io::Error::from).map_err(unwritable)?;
        out.write_all(b"\n").map_err(unwritable)
    }

    /// Writes what is still in memory.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.0 {
            Out::Plain(mut out) => out.flush(),
            Out::Sealed(out) => out.finish().and_then(|mut out| out.flush()),
        }
        .map_err(unwritable)
    }
}

fn unwritable(error: io::Error) -> Failure {
    Failure::new(format!("cannot write to standard output: {}", error.kind()))
}

/// Whether all of a list could be read. What could not is named on standard error and does not stop the rest.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    damaged: u64,
}

impl Whole {
    /// One of the list, or `None` if it is damaged.
    pub(crate) fn pass<T>(&mut self, one: Result<T, Failure>) -> Option<T> {
        match one {
            Ok(one) => Some(one),
            Err(failure) => {
                self.damaged += 1;
                let _ = writeln!(io::stderr(), "kathea-collector: {failure}");
                None
            }
        }
    }

    /// Says on standard error how many batches were left out because their processing is restricted.
    pub(crate) fn restricted(&self, batches: u64) {
        if batches > 0 {
            let _ = writeln!(
                io::stderr(),
                "kathea-collector: {batches} batches are left out: their processing is restricted; `devices` names whose"
            );
        }
    }

    /// What the command ends with: done, or done in part.
    pub(crate) fn end(&self, what: &str) -> Result<(), Failure> {
        match self.damaged {
            0 => Ok(()),
            damaged => Err(Failure::partial(format!(
                "{damaged} {what} could not be read, as named above; `verify` says what is lost"
            ))),
        }
    }
}

/// The exit code that a failure means: 3 for what was done in part.
pub(crate) fn exit_code(failure: &Failure) -> u8 {
    if failure.cause() == Cause::Partial { 3 } else { 1 }
}
