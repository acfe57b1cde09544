//! `deidentify`: scans, logs, JSON and XML without who they are about. Needs no agent and no configuration; with one it
//! knows the program's literals and what names the clinic.

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use agent::cleaning::{self, Job, Report, Step, page};
use agent::config::Config;
use agent::plain::{self, Part};
use agent::{harmless, machine, presence, programs};
use deidentify::child::{Parser, ROLE, inside};
use deidentify::files::Known;
use indicatif::{ProgressBar, ProgressStyle};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroizing;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::texts::machine::Say;
use crate::texts::say;

/// Work that is over sooner needs no progress bar.
const SOON: Duration = Duration::from_secs(1);

/// What is known of the workstation: of the configuration that was named, or of the one that is there.
pub(crate) fn known(named: Option<&Path>) -> Result<Known, Failure> {
    let default = Config::default_path();
    let is_there = presence::stat(&default).is_ok_and(|found| found.found().is_some());
    let path = named.or(Some(&default).filter(|_| is_there).map(PathBuf::as_path));
    let Some(path) = path else { return Ok(Known { machine: machine::names(&[]), ..Known::default() }) };
    let config = Config::load(path).map_err(|e| Failure::usage(say(e)))?;
    let table = match programs::table(&config.data_dir) {
        Ok(table) => table.map(|table| table.file),
        // Without it more is removed, never less.
        Err(e) => {
            print::words(&say(Say::NoTable { why: e.kind() }));
            None
        }
    };
    Ok(Known { table, machine: machine::names(&config.kathea.names), until: None })
}

/// Cleans the files of `job` under a new key and reports to `path` and, for programs, to standard output.
pub(crate) fn deidentify(job: &Job<'_>, path: Option<&Path>, json: bool) -> Result<Exit, Failure> {
    let report = match path {
        Some(path) if is_page(path) => {
            let mut page = Part::new(path).map_err(|_| unwritten(path))?;
            let report = paged(job, &mut page)?;
            page.keep().map_err(|_| unwritten(path))?;
            report
        }
        Some(path) => {
            let report = run(job, |_| {})?;
            let text = serde_json::to_string_pretty(&report).map_err(|_| unwritten(path))?;
            plain::write(path, &text).map_err(|_| unwritten(path))?;
            report
        }
        None => run(job, |_| {})?,
    };
    if json {
        print::json(&report)?;
    }
    summary(&report);
    Ok(match (report.totals.cleaned, report.totals.refused + report.contexts_refused.len() as u64) {
        (0, _) => Exit::Failed,
        (_, 0) => Exit::Done,
        _ => Exit::Part,
    })
}

/// Writes the page while the files are cleaned: what happened to each attribute is too much to remember.
fn paged(job: &Job<'_>, out: &mut Part) -> Result<Report, Failure> {
    let mut wrote = page::head(out);
    let report = run(job, |step| {
        if wrote.is_ok() {
            wrote = match step {
                Step::File(file, changes) => page::file(out, file, changes),
                Step::Done(..) => Ok(()),
            };
        }
    })?;
    let unwritten = |e: io::Error| Failure::failed(say(Say::PageUnwritten { why: e.kind() }));
    wrote.and_then(|()| page::foot(out, &report)).map_err(unwritten)?;
    Ok(report)
}

fn run(job: &Job<'_>, mut each: impl FnMut(Step<'_>)) -> Result<Report, Failure> {
    let mut key = Zeroizing::new([0; 32]);
    SystemRandom::new().fill(key.as_mut()).map_err(|_| Failure::failed(say(Say::NoRandom)))?;
    let program = std::env::current_exe().map_err(|_| Failure::failed(say(Say::ProgramLost)))?;
    let started = Instant::now();
    let mut bar: Option<ProgressBar> = None;
    let is_watched = io::stderr().is_terminal();
    let report = cleaning::run(job, Parser::new(&program), &key, |step| {
        match step {
            Step::Done(done, total) if is_watched && started.elapsed() > SOON => {
                bar.get_or_insert_with(|| progress(total)).set_position(done);
            }
            _ => {}
        }
        each(step);
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    report.map_err(|e| Failure::failed(say(e)))
}

/// The memory of the process that reads files on behalf of the others, if these arguments begin it.
pub(crate) fn as_child(args: &[OsString]) -> Option<u64> {
    match args {
        [_, role, memory] if role == ROLE => memory.to_str()?.parse().ok(),
        _ => None,
    }
}

/// Reads, confined to so many bytes of memory, what standard input asks for.
pub(crate) fn parse(memory: u64) -> Exit {
    let ran = inside::run(memory, &io::stdin(), io::stdout().lock());
    if ran.is_ok() { Exit::Done } else { Exit::Failed }
}

fn progress(total: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{wide_bar} {pos}/{len}, {eta} left");
    ProgressBar::new(total).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

fn summary(report: &Report) {
    let totals = &report.totals;
    print::words(&say(Say::Cleaned {
        cleaned: totals.cleaned,
        files: totals.files,
        refused: totals.refused,
        persons: report.persons_learned,
        from: report.files_learned,
        case: report.case.to_string(),
    }));
    for file in report.files.iter().filter(|file| file.output.is_none()) {
        let finding = file.finding.as_deref().map(|finding| format!(", {finding}")).unwrap_or_default();
        let reason = match file.reason.unwrap_or_default() {
            "missing" => say(Say::NotThere),
            reason => reason.to_owned(),
        };
        let input = harmless::line(&file.input).into_owned();
        print::words(&say(Say::NotCleaned { why: reason + &finding, input }));
    }
    if report.files.iter().any(|file| file.finding.is_some()) {
        print::words(&say(Say::Quarantined));
    }
    for context in &report.contexts_refused {
        let input = harmless::line(&context.input).into_owned();
        print::words(&say(Say::NotLearned { why: context.reason.to_string(), input }));
    }
}

fn is_page(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("html") || ending.eq_ignore_ascii_case("htm"))
}

fn unwritten(path: &Path) -> Failure {
    Failure::failed(say(Say::ReportUnwritten { path: path.to_owned() }))
}
