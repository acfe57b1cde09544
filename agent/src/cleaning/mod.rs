//! One case of files, cleaned into a folder, none of which is kept before all are.
//!
//! ```text
//! report  what became of each
//! page    the same for the person who decides
//! words   why files were refused and values replaced, in both languages
//! ```

pub mod page;
mod report;
pub mod words;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use deidentify::case::Case;
use deidentify::child::{self, Parser};
use deidentify::dicom::Change;
use deidentify::files::{Cleaned, Failed, Found, Known, Order, Outlet, Refusal, Said, find};
pub use report::{FileReport, Report, Totals, Unlearned};
use zeroize::Zeroizing;

use crate::plain::Part;

/// What one call cleans.
pub struct Job<'a> {
    /// Files and folders to clean.
    pub paths: &'a [PathBuf],
    /// Files and folders to learn from only.
    pub contexts: &'a [PathBuf],
    /// Where the outputs go.
    pub output: &'a Path,
    /// What is known of the workstation.
    pub known: Known,
}

/// How far a job is.
#[derive(Debug)]
pub enum Step<'a> {
    /// So many files of so many were learned from or cleaned.
    Done(u64, u64),
    /// One file is finished, with what happened to its attributes.
    File(&'a FileReport, &'a [Change]),
}

/// Why nothing was written.
#[derive(Debug)]
pub enum Failure {
    /// More patients than a search can hold.
    TooMany,
    /// The table of literals is not the one that was meant.
    Table,
    /// A file of the output folder can't be written.
    Output(PathBuf, io::ErrorKind),
    /// The process that reads files can't be started or confined.
    Child(io::ErrorKind),
}

crate::texts! { Failure {
    Self::TooMany =>
        "more patients than can be searched for at a time: name fewer contexts, or clean in several calls",
        "flere patienter, end der kan søges efter på én gang: angiv færre kilder, eller afidentificér ad flere omgange";
    Self::Table =>
        "the table of the program's literals cannot be read, or was changed: nothing was written; build it again \
         with `kathea-agent provenance build`",
        "tabellen over programmets tekster kan ikke læses eller er ændret: intet er skrevet; lav den igen med \
         `kathea-agent provenance build`";
    Self::Output(path, why) =>
        "{path} can't be written ({why}): name another folder with -o",
        "{path} kan ikke skrives ({why}): angiv en anden mappe med -o", path, why;
    Self::Child(why) =>
        "the process that reads the files can't be started or confined ({why}): nothing was written; \
         install the program again, and inform the vendor if that does not help",
        "den proces, der læser filerne, kan ikke startes eller afgrænses ({why}): intet er skrevet; installér \
         programmet igen, og giv leverandøren besked, hvis det ikke hjælper", why;
} }

impl std::error::Error for Failure {}

/// Cleans all of `job` as one case under `key`, which has to be random; `each` hears of every step.
///
/// # Errors
/// [`Failure`], after which the output folder is as it was.
pub fn run(
    job: &Job<'_>,
    parser: Parser<'_>,
    key: &Zeroizing<[u8; 32]>,
    each: impl FnMut(Step<'_>),
) -> Result<Report, Failure> {
    let output = |error: io::Error| Failure::Output(job.output.to_owned(), error.kind());
    fs::create_dir_all(job.output).map_err(output)?;
    let (files, contexts) = (find(job.paths), find(job.contexts));
    let mut order = Order {
        key: **key,
        files,
        contexts,
        typed: Vec::new(),
        own: Vec::new(),
        known: job.known.clone(),
        done: 0,
    };
    let mut folder = Folder::new(job.output, &order, each);
    match parser.run(&mut order, &mut folder) {
        Ok(()) => folder.keep().map_err(output),
        Err(child::Failure::Outlet(error)) => Err(output(error)),
        Err(child::Failure::Child(kind)) => Err(Failure::Child(kind)),
        Err(child::Failure::Case(failed)) => Err(failed.into()),
    }
}

impl From<Failed> for Failure {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::TooMany => Self::TooMany,
            Failed::Table => Self::Table,
            Failed::Unconfined => Self::Child(io::ErrorKind::Unsupported),
        }
    }
}

/// A folder that fills with outputs, none of which is kept before all are.
struct Folder<'a, E> {
    directory: &'a Path,
    files: Vec<Found>,
    contexts: Vec<Found>,
    parts: Vec<Part>,
    /// The output that is being written.
    open: Option<Part>,
    report: Report,
    /// Files learned from and cleaned.
    done: u64,
    each: E,
}

impl<'a, E: FnMut(Step<'_>)> Folder<'a, E> {
    fn new(directory: &'a Path, order: &Order, each: E) -> Self {
        Self {
            directory,
            files: order.files.clone(),
            contexts: order.contexts.clone(),
            parts: Vec::new(),
            open: None,
            report: Report::new(&Case::new(Zeroizing::new(order.key))),
            done: 0,
            each,
        }
    }

    fn finished(&mut self, outcome: Result<Cleaned, Refusal>) -> io::Result<()> {
        let number = self.report.files.len();
        let path = &self.files.get(number).ok_or(io::ErrorKind::InvalidData)?.path;
        let part = self.open.take();
        let (outcome, changes) = match outcome {
            Ok(mut cleaned) => {
                let mut part = part.map_or_else(|| self.part(), Ok)?;
                let name = format!("{:04}.{}", self.parts.len() + 1, cleaned.format.ending());
                part.close_as(&name)?;
                self.parts.push(part);
                let changes = std::mem::take(&mut cleaned.changes);
                (Ok((name, cleaned)), changes)
            }
            Err(refusal) => (Err(refusal), Vec::new()),
        };
        self.report.add(Path::new(path), outcome);
        if let Some(file) = self.report.files.last() {
            (self.each)(Step::File(file, &changes));
        }
        Ok(())
    }

    fn part(&self) -> io::Result<Part> {
        Part::new(&self.directory.join(format!("{:04}.part", self.parts.len() + 1)))
    }

    fn keep(self) -> io::Result<Report> {
        self.parts.into_iter().try_for_each(Part::keep)?;
        Ok(self.report)
    }
}

impl<E: FnMut(Step<'_>)> Write for Folder<'_, E> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.open.is_none() {
            self.open = Some(self.part()?);
        }
        self.open.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<E: FnMut(Step<'_>)> Outlet for Folder<'_, E> {
    fn say(&mut self, said: Said) -> io::Result<()> {
        match said {
            Said::Reading(_) => {
                let total = (2 * self.files.len() + self.contexts.len()) as u64;
                (self.each)(Step::Done(self.done.min(total), total));
                self.done += 1;
            }
            Said::Unlearned(at, reason) => {
                let context = self.contexts.get(at).ok_or(io::ErrorKind::InvalidData)?;
                self.report.unlearned(Path::new(&context.path), reason);
            }
            Said::Learned(persons, files) => {
                (self.report.persons_learned, self.report.files_learned) = (persons, files);
            }
            Said::Finished(outcome) => self.finished(outcome)?,
            Said::Building | Said::Typed(..) | Said::Own(..) | Said::Failed(_) | Said::Done => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
