//! `kathea-agent`, the command line: parses the arguments, makes one call, prints, exits.
//!
//! # Layout
//!
//! ```text
//! cli        arguments
//! reach      one request to the agent: over its socket, or in process if it does not run
//! run        the service in the foreground, or once through
//! service    under the system's service manager
//! systemd    readiness and the watchdog of systemd
//! record     report one event by hand
//! validate   check a file of events without storing it
//! open       the window, started
//! sandbox    the integrator's sandbox, started
//! manual     completions and manual pages
//! ask        questions at a terminal
//! contact    the vendor asked now
//! consent    notice, grant, deny, withdraw, restrict
//! history    the clinic's own figures
//! privacy    export, erase, decommission
//! guide      ask for a consent at a terminal
//! status     the status as text
//! inventory  the catalog as a data inventory
//! support    a case: collect, review, seal
//! deidentify remove identifiers from scans, logs, JSON and XML
//! provenance the words of the installed program
//! doctor     checks with remedies
//! verify     check a file's signature
//! syntax     a command line that cannot be read, and help
//! texts      what is said to people, in English and Danish
//! words      how far a request to the vendor is
//! print      data to standard output, words to standard error
//! colour     headings and states on a terminal
//! logger     which log lines there are: our own
//! enroll     the device's certificate
//! given      what a command is given in files
//! exit       the exit codes, and failures in one sentence
//! ```

mod ask;
mod cli;
mod colour;
mod consent;
mod contact;
mod deidentify;
mod doctor;
mod enroll;
mod exit;
mod given;
mod guide;
mod history;
mod inventory;
mod logger;
mod manual;
mod open;
mod output;
mod print;
mod privacy;
mod provenance;
mod reach;
mod record;
mod run;
mod sandbox;
mod service;
mod status;
mod support;
mod syntax;
mod systemd;
mod texts;
mod validate;
mod verify;
mod words;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use agent::cleaning::Job;
use agent::config::Config;
use clap::Parser;
pub use cli::command_line;
use cli::{Cli, Command};
use exit::{Exit, Failure};
use log::LevelFilter;
use texts::refusal::{Holds, Refusal};
use texts::say;

/// Runs the program on its arguments, the first of which is its name.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    // The process that reads a case begins for each: it needs neither the configuration nor the grammar of the commands.
    if let Some(memory) = deidentify::as_child(&args) {
        keep_memory_out_of_core_dumps();
        return deidentify::parse(memory).into();
    }
    texts::speak(Config::language(&config_of(&args)));
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return syntax::end(&error).into(),
    };
    let serves = matches!(cli.command, Command::Run { .. });
    // A command says what it has to say itself; a service of Windows has no standard error.
    if !matches!(cli.command, Command::Service(cli::Service::Run)) {
        logger::start(if serves { LevelFilter::Info } else { LevelFilter::Off });
    }
    keep_memory_out_of_core_dumps();
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            print::error(&failure);
            failure.exit.into()
        }
    }
}

/// The configuration that the arguments name, found before they are read: help is in its language.
fn config_of(args: &[OsString]) -> PathBuf {
    let named = args.iter().enumerate().skip(1).find_map(|(at, arg)| {
        let (name, value) = arg.to_str()?.split_once('=').unwrap_or((arg.to_str()?, ""));
        match (name, value) {
            ("--config", "") => args.get(at + 1).map(PathBuf::from),
            ("--config", value) => Some(PathBuf::from(value)),
            _ => None,
        }
    });
    named.unwrap_or_else(Config::default_path)
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let named = cli.config.clone();
    if let Some(path) = &cli.config {
        print::remember_config(path);
    }
    let path = cli.config.unwrap_or_else(Config::default_path);
    let config = || given::load(&path);
    output::is_free(&cli.command, cli.force)?;
    match cli.command {
        Command::Run { once, close } => run::run(config()?, once, close),
        Command::Status { json, check } => status::status(&config()?, json, check),
        Command::Record { event, attributes, json } => record::record(&config()?, &event, &attributes, json),
        Command::Consent(command) => consent::consent(&config()?, command),
        Command::Privacy(command) => privacy::privacy(&config()?, command),
        Command::History(asked) => history::history(&config()?, &asked),
        Command::Decommission { yes: _, discard, by, json } => {
            privacy::decommission(&config()?, discard, by, json)
        }
        Command::Catalog { json: true, .. } => inventory::print(cli::Format::Json),
        Command::Catalog { format, json: false } => inventory::print(format),
        Command::Deidentify { paths, output, context, report, json } => deidentify::deidentify(
            &Job {
                paths: &paths,
                contexts: &context,
                output: &output,
                known: deidentify::known(named.as_deref())?,
            },
            report.as_deref(),
            json,
        ),
        Command::Provenance(command) => provenance::provenance(&config()?, command),
        Command::Support(typed) => support::support(&config()?, *typed),
        Command::Enroll { url, token_file, json } => {
            enroll::enroll(&config()?, url, given::read_word(&token_file, Holds::Token)?, json)
        }
        Command::Service(command) => service::service(&command, &path),
        Command::Doctor { json, offline } => doctor::doctor(&path, json, offline),
        Command::Contact { json } => contact::contact(&config()?, json),
        Command::Open { no_browser } => open::open(&path, no_browser),
        Command::Sandbox { .. } if named.is_some() => Err(Failure::usage(say(Refusal::OwnConfig))),
        Command::Sandbox { ask, json } => sandbox::sandbox(ask.as_ref(), json),
        Command::Validate { file, json } => validate::validate(&file, json),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { command } => manual::man(&command),
        Command::Verify { file, kind, signature, json } => {
            verify::verify(&config()?, &file, kind, signature, json)
        }
    }
}

/// Plain text passes through memory on its way in, and keys live there.
fn keep_memory_out_of_core_dumps() {
    #[cfg(unix)]
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
}
