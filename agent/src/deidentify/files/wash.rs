//! A whole case, as the process that reads it sees it: everybody is learned from every file first, then each file
//! of the case is cleaned, and what comes out is searched for everybody on its way.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use super::clean::{self, Cleaned};
use super::inputs::{Format, Found, Input, Reason};
use super::learn::Everything;
use crate::deidentify::case::Case;
use crate::deidentify::check::{Finding, Search};
use crate::deidentify::identifiers::Kind;
use crate::limits;

/// What is to be done. Holds the key of the case, wiped on drop.
#[derive(Serialize, Deserialize)]
pub struct Order {
    /// The key, random and of this case alone.
    pub key: [u8; 32],
    /// What is cleaned.
    pub files: Vec<Found>,
    /// What is learned from only.
    pub contexts: Vec<Found>,
    /// Files that are done already.
    pub done: usize,
    /// Times that the weeks were drawn already by which dates move.
    pub draw: u32,
}

impl Drop for Order {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// What is told on the way.
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
    /// The bytes of a file are all there, or it is refused and they are void.
    Finished(Result<Cleaned, Refusal>),
    /// A date fell on somebody's birthday: all that was finished is void and comes again with other dates.
    Again,
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
    /// An output would have told somebody: its file, what and where.
    Told(usize, Finding),
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

/// Cleans the case of `order`.
///
/// # Errors
/// Those of `out`.
pub(crate) fn wash(mut order: Order, out: &mut dyn Outlet) -> io::Result<()> {
    let key = Zeroizing::new(order.key);
    let mut learning = Everything::default();
    let mut files = Vec::new();
    for (at, found) in std::mem::take(&mut order.files).into_iter().enumerate() {
        out.say(Said::Reading(at))?;
        let input = Input::new(found);
        let refused = learning.file(&input, true).err();
        files.push((input, refused));
    }
    for (at, found) in std::mem::take(&mut order.contexts).into_iter().enumerate() {
        out.say(Said::Reading(files.len() + at))?;
        match learning.file(&Input::new(found), false) {
            // Neither tells anything about anybody.
            Ok(()) | Err(Reason::Empty | Reason::OtherFormat) => {}
            Err(reason) => out.say(Said::Unlearned(at, reason))?,
        }
    }
    out.say(Said::Building)?;
    let Some(identifiers) = learning.finish() else { return out.say(Said::Failed(Failed::TooMany)) };
    out.say(Said::Learned(identifiers.persons(), identifiers.files()))?;
    let mut done = order.done;
    for draw in order.draw.. {
        let case = Case::new(key.clone(), draw);
        let last = draw + 1 >= limits::CASE_DRAWS;
        let mut told = None;
        for (at, (input, refused)) in files.iter().enumerate().skip(done) {
            out.say(Said::Reading(at))?;
            let search = Search::new(&identifiers, last.then_some(&case));
            let mut searched = Searched { out: &mut *out, search };
            let cleaned = match refused {
                None => clean::clean(input, &case, &identifiers, &mut searched)?,
                Some(reason) => Err(*reason),
            };
            told = searched.search.finish().map(|finding| (at, finding)).filter(|_| cleaned.is_ok());
            if told.is_some() {
                break;
            }
            let format = input.format.unwrap_or(Format::Other);
            out.say(Said::Finished(cleaned.map_err(|reason| (format, reason))))?;
        }
        match told {
            None => return out.say(Said::Done),
            Some((_, finding)) if finding.kind == Kind::BirthDate && !last => out.say(Said::Again)?,
            Some((at, finding)) => return out.say(Said::Failed(Failed::Told(at, finding))),
        }
        done = 0;
    }
    Ok(())
}

/// Bytes of an output, seen by the search before they go on.
struct Searched<'s, 'o> {
    out: &'o mut dyn Outlet,
    search: Search<'s>,
}

impl Write for Searched<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.search.push(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
