//! `deidentify`: scans, logs, JSON and XML without who they are about. Needs no agent and no configuration.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::time::{Duration, Instant};

use agent::deidentify::case::Case;
use agent::deidentify::files::plain::{self, Part};
use agent::deidentify::files::{self, FileReport, Job, Report, Step, html};
use indicatif::{ProgressBar, ProgressStyle};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::print;

/// Work that is over sooner needs no progress bar.
const SOON: Duration = Duration::from_secs(1);

/// Cleans the files of `job` under a new key and reports to `path` and, for programs, to standard output.
pub(crate) fn deidentify(job: &Job<'_>, path: Option<&Path>, json: bool) -> Result<Exit, Failure> {
    let mut key = Zeroizing::new([0; 32]);
    SystemRandom::new()
        .fill(key.as_mut())
        .map_err(|_| Failure::failed("the system gives no random numbers: restart it"))?;
    let case = Case::new(key);
    let report = match path {
        Some(path) if is_page(path) => paged(job, &case, path)?,
        Some(path) => {
            let report = run(job, &case, |_, _| {})?;
            let text = serde_json::to_string_pretty(&report).map_err(|_| unwritten(path))?;
            plain::write(path, &text).map_err(|_| unwritten(path))?;
            report
        }
        None => run(job, &case, |_, _| {})?,
    };
    if json {
        print::json(&report)?;
    }
    summary(&report);
    Ok(match (report.totals.cleaned, report.totals.refused) {
        (0, _) => Exit::Failed,
        (_, 0) => Exit::Done,
        _ => Exit::Part,
    })
}

/// Writes the page while the files are cleaned: what happened to each attribute is too much to remember.
fn paged(job: &Job<'_>, case: &Case, path: &Path) -> Result<Report, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).ok_or_else(|| unwritten(path))?;
    let mut failed = None;
    let written = Part::write(path.parent().unwrap_or(Path::new("")), name, |out| {
        out.write_all(html::head().as_bytes())?;
        let mut wrote = Ok(());
        let report = run(job, case, |file, changes| {
            if wrote.is_ok() {
                wrote = out.write_all(html::file(file, changes).as_bytes());
            }
        });
        wrote?;
        match report {
            Ok(report) => out.write_all(html::foot(&report).as_bytes()).map(|()| report),
            Err(failure) => {
                failed = Some(failure);
                Err(io::ErrorKind::Other.into())
            }
        }
    });
    match (written, failed) {
        (Ok((part, report)), _) => part.keep().map(|()| report).map_err(|_| unwritten(path)),
        (Err(_), Some(failure)) => Err(failure),
        (Err(_), None) => Err(unwritten(path)),
    }
}

fn run(
    job: &Job<'_>,
    case: &Case,
    mut each: impl FnMut(&FileReport, &[agent::deidentify::dicom::Change]),
) -> Result<Report, Failure> {
    let started = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    let is_watched = io::stderr().is_terminal();
    let report = files::run(job, case, |step| match step {
        Step::File(file, changes) => each(file, changes),
        Step::Done(done, total) if is_watched && started.elapsed() > SOON => {
            bar.get_or_insert_with(|| progress(total)).set_position(done);
        }
        Step::Done(..) => {}
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    report.map_err(Failure::failed)
}

fn progress(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn summary(report: &Report) {
    let totals = &report.totals;
    print::words(&format!(
        "{} of {} files cleaned, {} refused; {} persons learned from {} files; case {}",
        totals.cleaned,
        totals.files,
        totals.refused,
        report.persons_learned,
        report.files_learned,
        report.case
    ));
    for file in report.files.iter().filter(|file| file.output.is_none()) {
        print::words(&format!("  refused ({}): {}", file.reason.unwrap_or_default(), file.input));
    }
}

fn is_page(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("htm"))
}

fn unwritten(path: &Path) -> Failure {
    Failure::failed(format!("the report {} can't be written: name another file", path.display()))
}
