//! What can be typed.

mod answers;
mod support;

use std::path::PathBuf;

use agent::nearest::nearest;
use clap::{Parser, Subcommand, ValueEnum};
use protocol::signature::Context;
use serde::Deserialize;
use serde::de::IntoDeserializer;

pub(crate) use answers::{About, Answer, Consent, Privacy};
pub(crate) use support::{Choice, Command as SupportCommand, Support};

/// Telemetry agent beside Kathea and the X1 scanner. It collects and sends only what the clinic said yes to;
/// `consent list` shows to what.
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
  2  the command line or the configuration makes no sense
  3  done in part; the rest is listed
  4  not allowed by consent, policy or rights
  5  the agent is not running, or busy";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the service in the foreground, until it is told to end
    #[command(after_help = "Example: kathea-agent run --once --close")]
    Run {
        /// Take in every complete file, close the periods that are over, send all that waits, and end:
        /// 0 nothing left to send, 3 something remains, 1 failed here
        #[arg(long)]
        once: bool,
        /// Also close the periods that still run
        #[arg(long, requires = "once")]
        close: bool,
    },
    /// Show flags, what waits, what was sent, what was dropped and why, where the keys are protected
    #[command(after_help = "Example: kathea-agent status --check && echo well")]
    Status {
        /// For programs
        #[arg(long)]
        json: bool,
        /// End with 1 if there are problems
        #[arg(long)]
        check: bool,
    },
    /// Report one happening by hand; `catalog` lists what there is
    #[command(
        after_help = "Example: kathea-agent record device.error code=1042 subsystem=generator severity=error repeats=3\n\
                      The time is now, unless at=2026-11-21T10:32:11+01:00 is given."
    )]
    Record {
        /// The happening's name
        event: String,
        /// Its attributes
        #[arg(value_name = "KEY=VALUE", value_parser = pair)]
        attributes: Vec<(String, String)>,
    },
    /// Say yes or no, and see what was said
    #[command(subcommand)]
    Consent(Consent),
    /// See what is held, have it corrected or erased
    #[command(subcommand)]
    Privacy(Privacy),
    /// Take this device out of use: send or drop what waits, erase every key, tell the vendor, print a certificate
    #[command(after_help = "Example: kathea-agent decommission --yes > certificate.txt\n\
                            There is no way back: what was kept can never be read again.")]
    Decommission {
        /// Really
        #[arg(long, required = true)]
        yes: bool,
        /// Drop what waits instead of sending it first
        #[arg(long)]
        discard: bool,
    },
    /// Print the data inventory: all that can be collected, and why
    #[command(after_help = "Example: kathea-agent catalog > inventory.md")]
    Catalog {
        /// md for people, json for programs
        #[arg(long, value_enum, default_value_t = Format::Md)]
        format: Format,
    },
    /// Strip patients' identifiers from scans' metadata, logs, JSON and XML: one call is one case
    ///
    /// Of a DICOM file only the header is read; the output is the DICOM JSON of the attributes that a support case
    /// needs. Logs keep times of day, levels, modules, codes and numbers. Nothing leaves this computer.
    #[command(
        after_help = "Example: kathea-agent deidentify scans/ kathea.log -o out --context all-scans/ --report out.html\n\
                      Exit: 0 all cleaned, 3 some refused (the report lists them), 1 nothing cleaned."
    )]
    Deidentify {
        /// Files and folders
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
        /// Folder for the outputs, named 0001.json, 0002.log, ...
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        /// Scans and sidecars to learn identifiers from only: a log speaks of all patients of its days
        #[arg(long, value_name = "PATH")]
        context: Vec<PathBuf>,
        /// What became of each file, by its name: keep it here. Ending in .html a page with before (masked) and
        /// after of every attribute, otherwise JSON
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
        /// Print the report, for programs
        #[arg(long)]
        json: bool,
    },
    /// Read files on behalf of another command, confined
    #[command(name = agent::deidentify::child::ROLE, hide = true)]
    Parse {
        /// Bytes of memory
        memory: u64,
    },
    /// Gather what a support case needs, look at it, say yes, seal it for the vendor
    ///
    /// With --case ID at a terminal all of it, guided. Nothing leaves before somebody of the clinic says yes to
    /// exactly what was shown.
    #[command(after_help = "Example: kathea-agent support --case CASE-1042")]
    Support(Box<Support>),
    /// Turn a one-time token into this device's own key and certificate
    #[command(after_help = "Example: kathea-agent enroll --token-file token.txt")]
    Enroll {
        /// The collector [default: the configuration's]
        #[arg(long)]
        url: Option<String>,
        /// File that holds the token
        #[arg(long, value_name = "FILE")]
        token_file: PathBuf,
    },
    /// Install, remove, start or stop the service, as an administrator
    #[command(subcommand)]
    Service(Service),
    /// Check configuration, folders, clock, keys and the way to the collector; say what to do about each
    ///
    /// One connection to the collector is made, without any data; --offline leaves it out.
    Doctor {
        /// For programs
        #[arg(long)]
        json: bool,
        /// Connect to nothing
        #[arg(long)]
        offline: bool,
    },
    /// Talk to the vendor's collector now, and print the cases that it asks a bundle for
    ///
    /// While a case is open the agent goes on every 30 seconds for an hour, so that the vendor's request is seen within a
    /// call. Without a consent to anything nothing is sent.
    Contact,
    /// Open the window: a page in your browser, for this account and this computer only
    ///
    /// It shows what is on, what leaves and why, prepares support cases, and takes answers by a click. Opening it sends
    /// nothing; it ends when the page is closed.
    Open {
        /// Start no browser: print the file to open in one
        #[arg(long)]
        no_browser: bool,
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
    /// Check that one of the vendor's keys in the configuration signed a file
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
    },
}

#[derive(Subcommand)]
pub(crate) enum Service {
    /// Make this program a service, or mend the service that is there (Windows)
    #[command(
        after_help = "Example: kathea-agent service install --collector https://collector.example:8443 --ca-file ca.pem --token-file token.txt"
    )]
    Install {
        /// The vendor's collector, written into the configuration
        #[arg(long, value_name = "URL")]
        collector: Option<String>,
        /// File that holds the one-time token: enrol at once
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
        /// The vendor's CA, copied to where the configuration says
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
    /// Stop and remove the service; the data stays
    Uninstall,
    /// Start the service
    Start,
    /// Stop the service
    Stop,
    /// For the control manager of Windows
    #[command(hide = true)]
    Run,
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
        _ => Err("an attribute is written key=value".to_owned()),
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
