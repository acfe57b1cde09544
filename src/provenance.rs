//! `provenance`: which words of a log may stay because the installed program contains them.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use agent::config::Config;
use agent::presence::Why;
use agent::programs::{self, Change, Record, lists};

use crate::cli::Provenance;
use crate::exit::{Exit, Failure};
use crate::print;

/// Carries out `provenance build`, `list`, `verify` or `add`.
pub(crate) fn provenance(config: &Config, command: Provenance) -> Result<Exit, Failure> {
    match command {
        Provenance::Build { json } => build(config, json),
        Provenance::List { json } => list(config, json),
        Provenance::Verify { json } => verify(config, json),
        Provenance::Add { file, signature, json } => add(config, &file, signature, json),
    }
}

fn build(config: &Config, json: bool) -> Result<Exit, Failure> {
    let program = std::env::current_exe()
        .map_err(|_| Failure::failed("the system does not say where this program lies: install it again"))?;
    let record = programs::build(config, &program).map_err(Failure::failed)?;
    if json {
        print::json(&record)?;
    }
    summary(&record);
    Ok(if record.refused.is_empty() { Exit::Done } else { Exit::Part })
}

fn summary(record: &Record) {
    print::words(&format!(
        "{} literals and {} words of {} programs and {} lists, {} bytes, sha256 {}",
        record.literals,
        record.words,
        record.files.len(),
        record.lists.len(),
        record.bytes,
        record.sha256
    ));
    if record.left_out > 0 {
        print::words(&format!("  {} more did not fit", record.left_out));
    }
    for refusal in &record.refused {
        print::words(&format!("  refused ({}): {}", refusal.reason, refusal.path.display()));
    }
}

fn known(config: &Config) -> Result<Record, Failure> {
    let record = programs::record(&config.data_dir).map_err(|e| {
        Failure::failed(format!(
            "the record of the table cannot be read ({}): run `kathea-agent provenance build`",
            Why(e.kind())
        ))
    })?;
    record.ok_or_else(|| Failure::failed("no table was built: run `kathea-agent provenance build`"))
}

fn list(config: &Config, json: bool) -> Result<Exit, Failure> {
    let record = known(config)?;
    if json {
        print::json(&record)?;
        return Ok(Exit::Done);
    }
    for source in &record.files {
        print::data(&format!("{} {} {}", source.sha256, source.bytes, source.path.display()))?;
    }
    for list in &record.lists {
        print::data(&format!("list {} {}", list.name, list.number))?;
    }
    summary(&record);
    Ok(Exit::Done)
}

fn verify(config: &Config, json: bool) -> Result<Exit, Failure> {
    let record = known(config)?;
    let changes = programs::changes(config, &record).map_err(Failure::failed)?;
    let said: Vec<String> = changes
        .iter()
        .map(|change| match change {
            Change::Table => "the table is not the one that was built".to_owned(),
            Change::Changed(path) => format!("changed: {}", path.display()),
            Change::New(path) => format!("new: {}", path.display()),
            Change::Gone(path) => format!("gone: {}", path.display()),
            Change::Folders => "the configuration names other folders".to_owned(),
            Change::Lists => "other lists are there".to_owned(),
        })
        .collect();
    if json {
        print::json(&said)?;
    } else {
        said.iter().try_for_each(|line| print::data(line))?;
    }
    if changes.is_empty() {
        summary(&record);
        return Ok(Exit::Done);
    }
    print::words("the table does not fit any more: run `kathea-agent provenance build`");
    Ok(Exit::Failed)
}

fn add(config: &Config, file: &Path, beside: Option<PathBuf>, json: bool) -> Result<Exit, Failure> {
    let unreadable =
        |path: &Path, e: &std::io::Error| Failure::failed(crate::exit::unreadable(path, e.kind()));
    let beside = beside.unwrap_or_else(|| {
        let mut name = OsString::from(file);
        name.push(".sig");
        name.into()
    });
    let bytes = fs::read(file).map_err(|e| unreadable(file, &e))?;
    let signature = fs::read_to_string(&beside).map_err(|e| unreadable(&beside, &e))?;
    let list =
        lists::add(&config.data_dir, &config.vendor.keys, &bytes, &signature).map_err(Failure::failed)?;
    print::words(&format!("list {} {} added", list.name, list.number));
    build(config, json)
}
