//! Data on standard output: one JSON object a line (NDJSON).

use std::io::{self, BufWriter, StdoutLock, Write};

use age::Encryptor;
use age::stream::StreamWriter;
use age::x25519::Recipient;
use protocol::answer::MAX;
use serde::Serialize;

use crate::failure::{Cause, Failure};

/// Standard output, as lines of JSON.
pub(crate) struct Lines(Out);

/// How they leave.
enum Out {
    Plain(BufWriter<StdoutLock<'static>>),
    Sealed(Box<StreamWriter<BufWriter<StdoutLock<'static>>>>),
    /// Held in memory, for the store.
    Held(Box<StreamWriter<Bounded>>),
}

/// What is held in memory, up to a bound.
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len().saturating_add(bytes.len()) as u64 > MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Takes standard output for the rest of the command.
    pub(crate) fn stdout() -> Self {
        Self(Out::Plain(BufWriter::with_capacity(1 << 16, io::stdout().lock())))
    }

    /// The same, sealed with age for whoever has the key of this recipient.
    pub(crate) fn sealed(to: &Recipient) -> Result<Self, Failure> {
        let out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
        Ok(Self(Out::Sealed(Box::new(encryptor(to)?.wrap_output(out).map_err(unwritable)?))))
    }

    /// The same in memory, as [`Self::end_held`] gives it.
    pub(crate) fn held(to: &Recipient) -> Result<Self, Failure> {
        Ok(Self(Out::Held(Box::new(encryptor(to)?.wrap_output(Bounded(Vec::new())).map_err(unheld)?))))
    }

    /// Writes one line.
    pub(crate) fn put(&mut self, line: &impl Serialize) -> Result<(), Failure> {
        let out: &mut dyn Write = match &mut self.0 {
            Out::Plain(out) => out,
            Out::Sealed(out) => out,
            Out::Held(out) => {
                serde_json::to_writer(&mut *out, line).map_err(io::Error::from).map_err(unheld)?;
                return out.write_all(b"\n").map_err(unheld);
            }
        };
        serde_json::to_writer(&mut *out, line).map_err(io::Error::from).map_err(unwritable)?;
        out.write_all(b"\n").map_err(unwritable)
    }

    /// Writes what is still in memory.
    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.0 {
            Out::Plain(mut out) => out.flush(),
            Out::Sealed(out) => out.finish().and_then(|mut out| out.flush()),
            Out::Held(out) => out.finish().map(drop),
        }
        .map_err(unwritable)
    }

    /// What was held in memory; nothing of lines that went to standard output.
    pub(crate) fn end_held(self) -> Result<Vec<u8>, Failure> {
        match self.0 {
            Out::Held(out) => out.finish().map(|Bounded(bytes)| bytes).map_err(unheld),
            _ => self.end().map(|()| Vec::new()),
        }
    }
}

fn encryptor(to: &Recipient) -> Result<Encryptor, Failure> {
    let encryptor = Encryptor::with_recipients(std::iter::once(to as &dyn age::Recipient));
    encryptor.map_err(|error| Failure::new(format!("the recipient: {error}")))
}

fn unheld(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::FileTooLarge => {
            Failure::new("the answer is larger than 64 MiB; hand it over: `access DEVICE --seal-to`")
        }
        kind => Failure::new(format!("the answer cannot be sealed: {kind}")),
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
