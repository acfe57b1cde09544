//! `provenance`: which words of a log may stay because the installed program contains them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use agent::config::Config;
use agent::harmless;
use agent::presence;
use agent::programs::{self, Change, Look, Record, lists};
use time::OffsetDateTime;

use crate::cli::Provenance;
use crate::exit::{Exit, Failure};
use crate::print;
use crate::texts::machine::Say;
use crate::texts::say;

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
    let program = std::env::current_exe().map_err(|_| Failure::failed(say(Say::ProgramLost)))?;
    let record = programs::build(config, &program, OffsetDateTime::now_utc().unix_timestamp())
        .map_err(Failure::failed)?;
    if json {
        print::json(&record)?;
    }
    summary(&record);
    Ok(if record.refused.is_empty() { Exit::Done } else { Exit::Part })
}

fn summary(record: &Record) {
    print::words(&say(Say::Table {
        literals: record.literals,
        words: record.words,
        programs: record.files.len(),
        lists: record.lists.len(),
        bytes: record.bytes,
        sha256: record.sha256.to_string(),
    }));
    if record.left_out > 0 {
        print::words(&say(Say::LeftOut { count: record.left_out }));
    }
    for refusal in &record.refused {
        let (why, input) = (refusal.reason.to_string(), harmless::path(&refusal.path));
        print::words(&say(Say::NotCleaned { why, input }));
    }
}

fn known(config: &Config) -> Result<Record, Failure> {
    let record = programs::record(&config.data_dir)
        .map_err(|e| Failure::failed(say(Say::RecordUnread { why: e.kind() })))?;
    record.ok_or_else(|| Failure::failed(say(Say::NotBuilt)))
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
    let changes = programs::changes(config, &record, Look::Digests).map_err(Failure::failed)?;
    let said = changes.iter().map(|change| match change {
        Change::Table => Say::OtherTable,
        Change::Changed(path) => Say::Changed { path: path.clone() },
        Change::New(path) => Say::New { path: path.clone() },
        Change::Gone(path) => Say::Gone { path: path.clone() },
        Change::Folders => Say::OtherFolders,
        Change::Lists => Say::OtherLists,
    });
    if json {
        print::json(&said.map(|change| change.to_string()).collect::<Vec<_>>())?;
    } else {
        said.map(say).try_for_each(|line| print::data(&line))?;
    }
    if changes.is_empty() {
        summary(&record);
        return Ok(Exit::Done);
    }
    print::words(&say(Say::NotFit));
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
    let bytes = presence::given(file).map_err(|e| unreadable(file, &e))?;
    let signature = presence::given_text(&beside).map_err(|e| unreadable(&beside, &e))?;
    let list =
        lists::add(&config.data_dir, &config.vendor.keys, &bytes, &signature).map_err(Failure::failed)?;
    print::words(&say(Say::ListAdded { name: list.name.to_string(), number: list.number.to_string() }));
    build(config, json)
}
