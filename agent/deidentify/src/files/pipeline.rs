//! The pipeline of one case, in the process that reads it: learn identifiers from every file, then scrub each file and
//! scan every output value for all learned identifiers.

use std::io::{self, Write};
use std::sync::Arc;

use protocol::Digest;
use provenance::Table;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::checked::Checked;
use super::clean;
use super::cleaned::Cleaned;
use super::inputs::{Format, Found, Input, Opened, Reason};
use super::learn::Everything;
use crate::case::Case;
use crate::check::{self, Layout};
use crate::identifiers::{Kind, View};

/// What is to be done. Holds the key of the case, wiped on drop.
#[derive(Serialize, Deserialize)]
pub struct Order {
    /// The key, random and of this case alone.
    pub key: [u8; 32],
    /// What is cleaned.
    pub files: Vec<Found>,
    /// What is learned from only.
    pub contexts: Vec<Found>,
    /// What a person typed, and leaves as it is.
    pub typed: Vec<String>,
    /// Sentences of this program with values from outside, each to leave as it is or not at all.
    pub own: Vec<String>,
    /// What is known of the workstation.
    pub known: Known,
    /// Files that are done already.
    pub done: usize,
}

/// What is known of the workstation before any file is read. It has names of people, so nothing prints it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The table of the program's literals.
    pub table: Option<TableFile>,
    /// What names this computer, its accounts and the clinic.
    pub machine: Vec<(Kind, String)>,
    /// The last moment that a date of the case may have, in seconds since 1970.
    pub until: Option<i64>,
}

/// A table of literals as it was read, and which it has to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableFile {
    /// The bytes of its file.
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes that were built.
    pub sha256: [u8; 32],
}

impl Drop for Order {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Progress and results, reported to the parent.
#[derive(Debug, Serialize, Deserialize)]
pub enum Said {
    /// The file with this number is read next: to learn from it those of the case, then the contexts; after
    /// [`Learned`](Self::Learned) those of the case to clean them.
    Reading(usize),
    /// Nobody can tell who is named in the context with this number.
    Unlearned(usize, Reason),
    /// Everything was read once; the search is being built.
    Building,
    /// So many persons were learned from so many files.
    Learned(u64, u64),
    /// The typed text with this number holds such an identifier of a patient.
    Typed(usize, Kind),
    /// The sentence of this program with this number holds an identifier of this kind.
    Own(usize, Kind),
    /// The bytes of a file are all there, or it is refused and they are void.
    Finished(Result<Cleaned, Refusal>),
    /// Nothing of the case may be used.
    Failed(Failed),
    /// All files are finished.
    Done,
}

/// Why a file is refused, and what it looked like.
pub type Refusal = (Format, Reason);

/// Why a case fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Failed {
    /// More patients than a search can hold.
    TooMany,
    /// The table of literals cannot be read, or is another one than the order names.
    Table,
    /// The system does not let the process give up its rights.
    Unconfined,
}

/// Where outputs go: their bytes are written, everything else is said.
pub trait Outlet: Write {
    /// Hears what happens.
    ///
    /// # Errors
    /// Whatever keeps the rest from being useful.
    fn say(&mut self, said: Said) -> io::Result<()>;
}

/// Cleans the case of `order`; each file is opened by `opener`, once to learn from it and once to clean it. Only the
/// confined process calls it, and tests that go without that.
///
/// # Errors
/// Those of `opener` and `out`.
pub fn process(
    mut order: Order,
    opener: &mut dyn FnMut(&Found) -> io::Result<Opened>,
    out: &mut dyn Outlet,
) -> io::Result<()> {
    let key = Zeroizing::new(order.key);
    let Ok(table) = order.known.table.as_ref().map(table).transpose() else {
        return out.say(Said::Failed(Failed::Table));
    };
    let mut learning = Everything::default();
    learning.machine(&order.known.machine);
    let mut files = Vec::new();
    for (at, found) in std::mem::take(&mut order.files).into_iter().enumerate() {
        out.say(Said::Reading(at))?;
        let opened = opener(&found)?;
        let (input, file) = Input::new(found, opened);
        let refused = learning.file(&input, file.as_ref(), true).err();
        files.push((input, refused));
    }
    for (at, found) in std::mem::take(&mut order.contexts).into_iter().enumerate() {
        out.say(Said::Reading(files.len() + at))?;
        let opened = opener(&found)?;
        let (input, file) = Input::new(found, opened);
        match learning.file(&input, file.as_ref(), false) {
            // Neither tells anything about anybody.
            Ok(()) | Err(Reason::Empty | Reason::OtherFormat) => {}
            Err(reason) => out.say(Said::Unlearned(at, reason))?,
        }
    }
    out.say(Said::Building)?;
    let Some(identifiers) = learning.finish() else { return out.say(Said::Failed(Failed::TooMany)) };
    out.say(Said::Learned(identifiers.persons(), identifiers.files()))?;
    for (at, text) in order.typed.iter().enumerate() {
        for kind in identifiers.patients_in(text, &mut View::default()) {
            out.say(Said::Typed(at, kind))?;
        }
    }
    let case = Case::new(key.clone());
    for (at, text) in order.own.iter().enumerate() {
        if let Some(finding) = check::search(text.as_bytes(), Layout::Lines, &identifiers, &case) {
            out.say(Said::Own(at, finding.kind))?;
        }
    }
    for (at, (input, refused)) in files.iter().enumerate().skip(order.done) {
        out.say(Said::Reading(at))?;
        // One for each file: it knows the days that it moved dates to.
        let case = Case::new(key.clone()).with_table(table.clone()).until(order.known.until);
        let mut checked = Checked::new(&identifiers, &case, &mut *out);
        let opened = opener(&input.found)?;
        let cleaned = match (refused, opened) {
            (None, Ok(file)) => clean::clean(input, file.as_ref(), &case, &identifiers, &mut checked)?,
            (Some(reason), _) => Err(*reason),
            (None, Err(reason)) => Err(reason),
        };
        let format = input.format.unwrap_or(Format::Other);
        let outcome = checked.finish(cleaned)?;
        out.say(Said::Finished(outcome.map_err(|reason| (format, reason))))?;
    }
    out.say(Said::Done)
}

/// The table in these bytes, if it is the one that was built.
fn table(file: &TableFile) -> Result<Arc<Table>, Failed> {
    if Digest::of(&file.bytes) != Digest::from_bytes(file.sha256) {
        return Err(Failed::Table);
    }
    Table::from_file(file.bytes.as_slice()).map(Arc::new).map_err(|_| Failed::Table)
}
