//! What headers say, each as it would leave, so that no name can be in it.

use std::io::{self, Write};
use std::path::Path;

use ring::rand::SystemRandom;

use super::failure::GatherError;
use crate::support::cause::{Cause, StopOr};
use crate::support::pseudonyms::Pseudonyms;
use deidentify::child::Parser;
use deidentify::dicom::DataSet;
use deidentify::files::{Found, Known, Order, Outlet, Said};

/// What `say` takes from the header of each of `files`; of one that is refused it is asked about an empty header.
///
/// # Errors
/// [`GatherError`].
pub(super) fn read<T>(
    files: Vec<Found>,
    say: fn(&DataSet) -> T,
    program: &Path,
    random: &SystemRandom,
) -> Result<Vec<T>, GatherError> {
    let key = *Pseudonyms::draw(random)?.0;
    let mut headers = Headers { say, most: files.len(), now: Vec::new(), all: Vec::new() };
    let mut order = Order {
        key,
        files,
        contexts: Vec::new(),
        typed: Vec::new(),
        own: Vec::new(),
        known: Known::default(),
        done: 0,
    };
    Parser::new(program).run(&mut order, &mut headers).map_err(StopOr::from)?;
    Ok(headers.all)
}

struct Headers<T> {
    say: fn(&DataSet) -> T,
    most: usize,
    now: Vec<u8>,
    all: Vec<T>,
}

impl<T> Write for Headers<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A file may have taken over the process that reads it.
        if self.now.len() + bytes.len() > deidentify::limits::DICOM_KEPT {
            return Err(Cause::Damaged.into());
        }
        self.now.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T> Outlet for Headers<T> {
    fn say(&mut self, said: Said) -> io::Result<()> {
        match said {
            Said::Finished(outcome) if self.all.len() < self.most => {
                let kept = if outcome.is_ok() { self.now.as_slice() } else { &[] };
                self.all.push((self.say)(&serde_json::from_slice(kept).unwrap_or_default()));
                self.now.clear();
            }
            _ => {}
        }
        Ok(())
    }
}
