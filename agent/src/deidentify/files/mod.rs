//! Files in, files out: one case, cleaned and checked before any of it gets its place.
//!
//! ```text
//! inputs    what lies under the paths, and of what kind each is
//! learn     identifiers from every header and sidecar, contexts included
//! clean     one file into one writer
//! plain     the one way in which plain text reaches the disk
//! report    what became of each
//! html      the same for the person who has to decide
//! ```

mod clean;
pub mod html;
mod inputs;
mod learn;
pub mod plain;
mod report;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::case::Case;
use super::check;
use super::dicom::Change;
use super::identifiers::Identifiers;
pub use clean::{Cleaned, clean};
pub use inputs::{Format, Input, Reason, inputs};
pub use learn::learn;
use plain::Part;
pub use report::{FileReport, Report, Totals};

/// What one call cleans.
#[derive(Debug)]
pub struct Job<'a> {
    /// Files and folders to clean.
    pub paths: &'a [PathBuf],
    /// Files and folders to learn from only.
    pub contexts: &'a [PathBuf],
    /// Where the outputs go.
    pub output: &'a Path,
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
    /// An output would have told somebody: its number, and what and where.
    Told(String, check::Finding),
    /// More patients than a search can hold.
    TooMany,
    /// A file of the output folder can't be written or read.
    Output(PathBuf, io::ErrorKind),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Told(name, finding) => {
                write!(
                    f,
                    "{name} would have held an identifier ({finding}): nothing was written; tell the vendor"
                )
            }
            Self::TooMany => {
                f.write_str("more patients than can be searched for at a time: name fewer contexts")
            }
            Self::Output(path, kind) => {
                write!(f, "{} can't be written ({kind}): name another folder with -o", path.display())
            }
        }
    }
}

impl std::error::Error for Failure {}

/// Cleans all of `job` as one case; `each` hears of every step.
///
/// # Errors
/// [`Failure`], after which the output folder is as it was.
pub fn run(job: &Job<'_>, case: &Case, mut each: impl FnMut(Step<'_>)) -> Result<Report, Failure> {
    let (files, contexts) = (inputs(job.paths), inputs(job.contexts));
    let total = (2 * files.len() + contexts.len()) as u64;
    let mut done = 0;
    let mut step = |each: &mut dyn FnMut(Step<'_>)| {
        done += 1;
        each(Step::Done(done, total));
    };
    let mut learning = learn::Everything::default();
    for (input, own) in
        files.iter().map(|input| (input, true)).chain(contexts.iter().map(|input| (input, false)))
    {
        learning.file(input, own);
        step(&mut each);
    }
    let identifiers = learning.finish().ok_or(Failure::TooMany)?;
    fs::create_dir_all(job.output).map_err(|e| Failure::Output(job.output.to_owned(), e.kind()))?;
    let mut report = Report::new(case, &identifiers);
    let mut parts = Vec::new();
    for input in &files {
        let number = parts.len() + 1;
        let cleaned = clean::to_part(input, case, &identifiers, job.output, number)?;
        let (outcome, changes) = match cleaned {
            Ok((part, mut cleaned)) => {
                checked(&part, &identifiers, case, job.output)?;
                let changes = std::mem::take(&mut cleaned.changes);
                let name = part.name().to_owned();
                parts.push(part);
                (Ok((name, cleaned)), changes)
            }
            Err(reason) => (Err(reason), Vec::new()),
        };
        report.add(input, outcome);
        if let Some(file) = report.files.last() {
            each(Step::File(file, &changes));
        }
        step(&mut each);
    }
    for part in parts {
        part.keep().map_err(|e| Failure::Output(job.output.to_owned(), e.kind()))?;
    }
    Ok(report)
}

/// Searches an output for everything that was learned.
fn checked(part: &Part, identifiers: &Identifiers, case: &Case, output: &Path) -> Result<(), Failure> {
    let found = part.read().and_then(|file| check::search(file, identifiers, case));
    match found.map_err(|e| Failure::Output(output.to_owned(), e.kind()))? {
        Some(finding) => Err(Failure::Told(part.name().to_owned(), finding)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
