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
//! texts      what is said to people, in English and Danish
//! words      how far a request to the vendor is
//! print      data to standard output, words to standard error
//! colour     headings and states on a terminal
//! logger     which log lines there are: our own
//! exit       the exit codes, and failures in one sentence
//! ```

mod ask;
mod cli;
mod colour;
mod consent;
mod contact;
mod deidentify;
mod doctor;
mod exit;
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
mod systemd;
mod texts;
mod validate;
mod verify;
mod words;

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use agent::api::Enrolled;
use agent::cleaning::Job;
use agent::config::Config;
use agent::request::Request;
use clap::Parser;
use clap::error::ErrorKind;
use cli::{Cli, Command};
use exit::{Exit, Failure};
use log::LevelFilter;
use texts::refusal::{Holds, Refusal};
use texts::say;

/// Runs the program on its arguments, the first of which is its name.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            for (placeholder, what) in PLACEHOLDERS {
                if error.kind() == ErrorKind::MissingRequiredArgument
                    && error.to_string().contains(placeholder)
                {
                    print::words(what);
                }
            }
            return if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() };
        }
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

/// What stands for the placeholders of arguments that are missing.
const PLACEHOLDERS: &[(&str, &str)] = &[
    ("<PURPOSE>", "PURPOSE is one of usage_statistics, support_case, support_scan_data."),
    ("<ROLE>", "ROLE is one of owner, privacy_officer, delegate: who of the clinic answers."),
    ("<DIGEST>", "DIGEST is what `consent show` and the preview print, at least 16 digits."),
    ("<KIND>", "KIND is one of release, word_list, notice, erasure_certificate, use_receipt."),
    ("<ID>", "ID is the case as the vendor named it, as CASE-1042."),
    ("<SHELL>", "SHELL is one of bash, zsh, fish, powershell, elvish."),
    ("<DRAFT_OR_BUNDLE>", "DRAFT_OR_BUNDLE is what `support list` prints."),
    ("<DRAFT>", "DRAFT is what `support preview` and `support list` print."),
    ("<BUNDLE>", "BUNDLE is what `support create` and `support list` print."),
];

/// What can be typed, for the manual and for completion.
pub fn command_line() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let named = cli.config.clone();
    if let Some(path) = &cli.config {
        print::remember_config(path);
    }
    let path = cli.config.unwrap_or_else(Config::default_path);
    let config = || load(&path);
    // What is said before the command reads its configuration is said in the language of that too.
    if let Ok(config) = Config::load(&path) {
        texts::speak(config.language);
    }
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
        Command::Parse { memory } => deidentify::parse(memory),
        Command::Support(typed) => support::support(&config()?, *typed),
        Command::Enroll { url, token_file, json } => {
            enroll(&config()?, url, read_word(&token_file, Holds::Token)?, json)
        }
        Command::Service(command) => service::service(&command, &path),
        Command::Doctor { json, offline } => doctor::doctor(&path, json, offline),
        Command::Contact { json } => contact::contact(&config()?, json),
        Command::Open { no_browser } => open::open(&path, no_browser),
        Command::Sandbox { .. } if named.is_some() => Err(Failure::usage(
            "the sandbox makes a configuration of its own, and prints where it is: leave --config out",
        )),
        Command::Sandbox { ask, json } => sandbox::sandbox(ask.as_ref(), json),
        Command::Validate { file, json } => validate::validate(&file, json),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { command } => manual::man(&command),
        Command::Verify { file, kind, signature, json } => {
            verify::verify(&config()?, &file, kind, signature, json)
        }
    }
}

fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(Failure::usage)
}

fn enroll(config: &Config, url: Option<String>, token: String, json: bool) -> Result<Exit, Failure> {
    let enrolled: Enrolled = reach::ask(config, Request::Enroll { url, token })?;
    print::answer(&enrolled, json, || {
        print::words(&say(texts::privacy::Say::Enrolled { device: enrolled.device.to_string() }));
        Ok(())
    })
}

/// The one word that a file holds, `what` it is.
fn read_word(file: &Path, what: Holds) -> Result<String, Failure> {
    let unread = |e: std::io::Error| {
        Failure::usage(say(Refusal::FileOf { why: exit::unreadable(file, e.kind()), what }))
    };
    let text = fs::read_to_string(file).map_err(unread)?;
    match text.trim() {
        "" => Err(Failure::usage(say(Refusal::EmptyFile { path: file.to_owned(), what }))),
        word => Ok(word.to_owned()),
    }
}

/// Plain text passes through memory on its way in, and keys live there.
fn keep_memory_out_of_core_dumps() {
    #[cfg(unix)]
    let _ = nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_CORE, 0, 0);
}
