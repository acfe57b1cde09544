//! The command line's arguments.

mod answers;
mod history;
mod machine;
mod support;

use std::path::PathBuf;
use std::str::FromStr;

use agent::nearest::nearest;
use clap::{Parser, Subcommand, ValueEnum};
use protocol::CaseId;
use protocol::ledger::Role;
use protocol::signature::Context;
use serde::Deserialize;
use serde::de::IntoDeserializer;

pub(crate) use answers::{About, Answer, Consent, Privacy};
pub(crate) use history::History;
pub(crate) use machine::{Provenance, Service};
pub(crate) use support::{Choice, Command as SupportCommand, Support};

/// Telemetry agent for Kathea and the X1 scanner. It collects and sends only what the clinic has consented to;
/// `consent list` shows each consent.
#[derive(Parser)]
#[command(name = "kathea-agent", version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    /// Configuration [default: /etc/kathea-agent/agent.toml, on Windows %ProgramData%\Kathea Agent\agent.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Overwrite files that -o and --report name
    #[arg(long, global = true)]
    pub(crate) force: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  invalid command line or configuration
  3  partly done; what is left is listed
  4  refused: no consent, not offered by the policy, or missing rights
  5  the agent is not running, or is busy";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the service in the foreground until it is stopped
    #[command(after_help = "Example: kathea-agent run --once --close")]
    Run {
        /// Read every complete file, close the periods that are over, send everything queued, then exit:
        /// 0 nothing is left to send, 3 something is left, 1 failed on this computer
        #[arg(long)]
        once: bool,
        /// Also close the current periods
        #[arg(long, requires = "once")]
        close: bool,
    },
    /// Show consents, queues, what was sent, what was dropped and why, and how the keys are protected
    #[command(after_help = "Example: kathea-agent status --check && echo well")]
    Status {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
        /// Exit with 1 if there are problems
        #[arg(long)]
        check: bool,
    },
    /// Report one event by hand; `catalog` lists the events
    #[command(
        after_help = "Example: kathea-agent record device.error code=1042 subsystem=generator severity=error repeats=3\n\
                      The time is now, unless at=2026-11-21T10:32:11+01:00 is given."
    )]
    Record {
        /// Name of the event
        event: String,
        /// Its attributes
        #[arg(value_name = "KEY=VALUE", value_parser = pair)]
        attributes: Vec<(String, String)>,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Grant, deny or withdraw consent, and show the answers given
    #[command(subcommand)]
    Consent(Consent),
    /// Show what is held, have it corrected or erased
    #[command(subcommand)]
    Privacy(Privacy),
    /// Show the clinic's own history: figures of this scanner over 24 months, kept on this computer and never sent
    ///
    /// A setting of the clinic and no consent: its members of [consent] group and administrators switch it on and off and
    /// read it, whatever was answered to the vendor. One value a day at most, no single exposure, nobody's name.
    #[command(
        after_help = "Example: kathea-agent history on\n         kathea-agent history --csv > history.csv"
    )]
    History(History),
    /// Decommission this device: send or drop queued data, erase every key, inform the vendor, print a certificate
    #[command(after_help = "Example: kathea-agent decommission --yes > certificate.txt\n\
                            This cannot be undone: data kept here can never be read again.")]
    Decommission {
        /// Confirm; required
        #[arg(long, required = true)]
        yes: bool,
        /// Drop queued data instead of sending it first
        #[arg(long)]
        discard: bool,
        /// Role of the person who answers: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Option<Role>,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the data inventory: everything that can be collected, and why
    #[command(after_help = "Example: kathea-agent catalog > inventory.md")]
    Catalog {
        /// md: Markdown for reading; json: machine-readable
        #[arg(long, value_enum, default_value_t = Format::Md, conflicts_with = "json")]
        format: Format,
        /// Print machine-readable JSON, as --format json
        #[arg(long)]
        json: bool,
    },
    /// Remove patient identifiers from scan metadata, logs, JSON and XML; one call is one case
    ///
    /// Reads only the header of a DICOM file and writes DICOM JSON with the attributes that a support case needs.
    /// Logs keep times of day, levels, modules, codes and numbers. Nothing leaves this computer.
    #[command(
        after_help = "Example: kathea-agent deidentify scans/ kathea.log -o out --context all-scans/ --report out.html\n\
                      Exit codes: 0 all files done, 3 some refused (the report lists them), 1 no file done."
    )]
    Deidentify {
        /// Files and folders to de-identify
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Output folder; files are named 0001.json, 0002.log, ...
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        /// Scans and sidecars to learn identifiers from, without output: a log names all patients of its days
        #[arg(long, value_name = "PATH")]
        context: Vec<PathBuf>,
        /// Write a report on each input file; it names the inputs, so keep it on this computer. A name ending in .html
        /// gives a page with every attribute before (masked) and after, any other name JSON
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        /// Print the report as machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// See to the table of the installed program's literals: a word of it may stay in a log
    #[command(subcommand)]
    Provenance(Provenance),
    /// Read files on behalf of another command, confined
    #[command(name = deidentify::child::ROLE, hide = true)]
    Parse {
        /// Bytes of memory
        memory: u64,
    },
    /// Collect data for a support case, review it, consent, and seal it for the vendor
    ///
    /// At a terminal, --case ID guides you through all steps. Nothing is sent before the clinic consents to exactly
    /// what was shown.
    #[command(after_help = "Example: kathea-agent support --case CASE-1042")]
    Support(Box<Support>),
    /// Enrol this device: exchange a one-time token for a certificate
    #[command(after_help = "Example: kathea-agent enroll --token-file token.txt")]
    Enroll {
        /// URL of the collector [default: from the configuration]
        #[arg(long)]
        url: Option<String>,
        /// File with the token
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Install, remove, start or stop the service, as an administrator
    #[command(subcommand)]
    Service(Service),
    /// Check configuration, folders, clock, keys and connectivity to the collector; print a remedy for each problem
    ///
    /// Makes one connection to the collector and sends no data; --offline skips it.
    Doctor {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
        /// Skip the connectivity checks
        #[arg(long)]
        offline: bool,
    },
    /// Talk to the vendor's collector now, and print the cases that it asks a bundle for
    ///
    /// While a case is open the agent goes on every 30 seconds for an hour, so that the vendor's request is seen within a
    /// call. Without a consent to anything nothing is sent.
    Contact {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Open the window: a page in your browser, for this account and this computer only
    ///
    /// It shows what is on, what leaves and why, prepares support cases, and takes answers by a click. Opening it sends
    /// nothing; it ends when the page is closed.
    Open {
        /// Start no browser: print the file to open in one
        #[arg(long)]
        no_browser: bool,
    },
    /// Try the interface for programs: an agent and a collector in a temporary place, and what becomes of each event
    ///
    /// Prints where the socket and the outbox are, then each event as it comes: accepted, or refused with the attribute,
    /// what may stand there, and the nearest known word. Nothing leaves this computer, and the consent counts in that
    /// place only. Ctrl-C ends it and removes the place. Needs kathea-sandbox, of the integrator's package.
    #[command(after_help = "Example: kathea-agent sandbox --ask CASE-1042")]
    Sandbox {
        /// Have the vendor ask for a support bundle of this case, as your program would have to show it
        #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
        ask: Option<CaseId>,
        /// Print machine-readable JSON, one object a line
        #[arg(long)]
        json: bool,
    },
    /// Check a file of events, line by line, as the intake does; nothing is taken in or sent
    #[command(after_help = "Example: kathea-agent validate events.ndjson\n\
                      Exit: 0 every line is an event, 3 some are refused, 1 none is one.")]
    Validate {
        /// The file, one event a line; - reads standard input
        file: PathBuf,
        /// Print machine-readable JSON, one refused line a line
        #[arg(long)]
        json: bool,
    },
    /// Print completions for a shell: bash, zsh, fish, powershell or elvish
    #[command(after_help = "Example: kathea-agent completions bash > /etc/bash_completion.d/kathea-agent")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of the program, or of one of its commands
    #[command(after_help = "Example: kathea-agent man support create > kathea-agent-support-create.1")]
    Man {
        /// The command [default: the program]
        command: Vec<String>,
    },
    /// Verify that a file is signed by one of the vendor's keys in the configuration
    #[command(after_help = "Example: kathea-agent verify kathea-agent_0.2.0_amd64.deb --as release")]
    Verify {
        /// The file
        file: PathBuf,
        /// What the file is: release, word_list, notice, erasure_certificate or use_receipt
        #[arg(long = "as", value_name = "KIND", value_parser = word::<Context>)]
        kind: Context,
        /// The signature [default: FILE.sig]
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
}

/// How the catalog is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Md,
    Json,
}

/// A word of a closed list; the error names the list.
fn word<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, String> {
    let read: Result<T, serde::de::value::Error> = T::deserialize(text.into_deserializer());
    read.map_err(|error| {
        // serde lists the words of the type, each in backticks, behind `expected`.
        let said = error.to_string();
        let known = said.split_once("expected").map_or("", |(_, known)| known);
        let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
        let all = known.join(", ");
        match nearest(text, known.iter().copied()) {
            Some(nearest) => format!("it is one of {all}; the nearest is {nearest}"),
            None => format!("it is one of {all}"),
        }
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("write each attribute as key=value".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn words_of_closed_lists_are_checked_here() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' '));
        assert!(parse("x consent grant usage_statistics --by owner --yes 00").is_ok());
        assert!(parse("x consent withdraw usage_statistics --config f").is_ok());
        let error = parse("x consent deny usage --by owner").err().unwrap().to_string();
        assert!(error.contains("usage_statistics"), "{error}");
        assert!(parse("x consent grant usage_statistics --by doctor --yes 00").is_err());
        assert!(parse("x run --close").is_err());
        assert!(parse("x record device.error =1").is_err());
    }
}
