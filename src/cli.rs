//! The command line's arguments. What `--help` says of them is in `texts/help`, in the language that is spoken when the
//! command line is built.

mod answers;
mod history;
mod machine;
mod support;

use std::path::PathBuf;

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

use crate::texts::help::{self, Help, Shared, example, example_and, long};
use crate::texts::say;
use crate::texts::syntax::Syntax;

/// The command line.
#[derive(Parser)]
#[command(name = "kathea-agent", version, about = say(Help::Agent), after_help = say(Help::ExitCodes))]
pub(crate) struct Cli {
    #[arg(long, global = true, value_name = "FILE", help = say(Help::Config))]
    pub(crate) config: Option<PathBuf>,
    #[arg(long, global = true, help = say(Help::Force))]
    pub(crate) force: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What can be typed, for the manual and for completion.
pub fn command_line() -> clap::Command {
    <Cli as clap::CommandFactory>::command()
}

#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(after_help = example("kathea-agent run --once --close"), about = say(Help::Run))]
    Run {
        #[arg(long, help = say(Help::RunOnce))]
        once: bool,
        #[arg(long, requires = "once", help = say(Help::RunClose))]
        close: bool,
    },
    #[command(after_help = example("kathea-agent status --check && echo well"), about = say(Help::Status))]
    Status {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
        #[arg(long, help = say(Help::StatusCheck))]
        check: bool,
    },
    #[command(about = say(Help::Record))]
    #[command(
        after_help = example_and(
            "kathea-agent record device.error code=1042 subsystem=generator severity=error repeats=3",
            Help::RecordTime,
        )
    )]
    Record {
        #[arg(help = say(Help::RecordEvent))]
        event: String,
        #[arg(value_name = "KEY=VALUE", value_parser = pair, help = say(Help::RecordAttributes))]
        attributes: Vec<(String, String)>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(subcommand, about = say(help::answers::Help::Consent))]
    Consent(Consent),
    #[command(subcommand, about = say(help::answers::Help::Privacy))]
    Privacy(Privacy),
    #[command(about = say(help::answers::Help::History), long_about = long(help::answers::Help::History, help::answers::Help::HistoryMore))]
    #[command(
        after_help = example("kathea-agent history on\n         kathea-agent history --csv > history.csv")
    )]
    History(History),
    #[command(about = say(Help::Decommission))]
    #[command(
        after_help = example_and("kathea-agent decommission --yes > certificate.txt", Help::DecommissionFinal)
    )]
    Decommission {
        #[arg(long, required = true, help = say(Help::DecommissionYes))]
        yes: bool,
        #[arg(long, help = say(Help::DecommissionDiscard))]
        discard: bool,
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::Role))]
        by: Option<Role>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(after_help = example("kathea-agent catalog > inventory.md"), about = say(Help::Catalog))]
    Catalog {
        #[arg(help = say(Help::CatalogFormat))]
        #[arg(long, value_enum, default_value_t = Format::Md, conflicts_with = "json")]
        format: Format,
        #[arg(long, help = say(Help::CatalogJson))]
        json: bool,
    },
    #[command(about = say(Help::Deidentify), long_about = long(Help::Deidentify, Help::DeidentifyMore))]
    #[command(
        after_help = example_and(
            "kathea-agent deidentify scans/ kathea.log -o out --context all-scans/ --report out.html",
            Help::DeidentifyCodes,
        )
    )]
    Deidentify {
        #[arg(required = true, value_name = "PATH", help = say(Help::DeidentifyPaths))]
        paths: Vec<PathBuf>,
        #[arg(short, long, value_name = "DIR", help = say(Help::DeidentifyOutput))]
        output: PathBuf,
        #[arg(long, value_name = "PATH", help = say(Help::DeidentifyContext))]
        context: Vec<PathBuf>,
        #[arg(long, value_name = "FILE", help = say(Help::DeidentifyReport))]
        report: Option<PathBuf>,
        #[arg(long, help = say(Help::DeidentifyJson))]
        json: bool,
    },
    #[command(subcommand, about = say(help::machine::Help::Provenance))]
    Provenance(Provenance),
    #[command(about = say(help::support::Help::Support), long_about = long(help::support::Help::Support, help::support::Help::SupportMore))]
    #[command(after_help = example("kathea-agent support --case CASE-1042"))]
    Support(Box<Support>),
    #[command(after_help = example("kathea-agent enroll --token-file token.txt"), about = say(Help::Enroll))]
    Enroll {
        #[arg(long, help = say(Help::EnrollUrl))]
        url: Option<String>,
        #[arg(long, value_name = "FILE", help = say(Help::EnrollToken))]
        token_file: PathBuf,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(subcommand, about = say(help::machine::Help::Service))]
    Service(Service),
    #[command(about = say(Help::Doctor), long_about = long(Help::Doctor, Help::DoctorMore))]
    Doctor {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
        #[arg(long, help = say(Help::DoctorOffline))]
        offline: bool,
    },
    #[command(about = say(Help::Contact), long_about = long(Help::Contact, Help::ContactMore))]
    Contact {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Open), long_about = long(Help::Open, Help::OpenMore))]
    Open {
        #[arg(long, help = say(Help::OpenNoBrowser))]
        no_browser: bool,
    },
    #[command(about = say(help::machine::Help::Sandbox), long_about = long(help::machine::Help::Sandbox, help::machine::Help::SandboxMore))]
    #[command(after_help = example("kathea-agent sandbox --ask CASE-1042"))]
    Sandbox {
        #[arg(long, value_name = "ID", value_parser = case, help = say(help::machine::Help::SandboxAsk))]
        ask: Option<CaseId>,
        #[arg(long, help = say(help::machine::Help::SandboxJson))]
        json: bool,
    },
    #[command(about = say(help::machine::Help::Validate))]
    #[command(
        after_help = example_and("kathea-agent validate events.ndjson", help::machine::Help::ValidateCodes)
    )]
    Validate {
        #[arg(help = say(help::machine::Help::ValidateFile))]
        file: PathBuf,
        #[arg(long, help = say(help::machine::Help::ValidateJson))]
        json: bool,
    },
    #[command(about = say(Help::Completions))]
    #[command(after_help = example("kathea-agent completions bash > /etc/bash_completion.d/kathea-agent"))]
    Completions {
        #[arg(help = say(Help::CompletionsShell))]
        shell: clap_complete::Shell,
    },
    #[command(about = say(Help::Man))]
    #[command(after_help = example("kathea-agent man support create > kathea-agent-support-create.1"))]
    Man {
        #[arg(help = say(Help::ManCommand))]
        command: Vec<String>,
    },
    #[command(about = say(help::machine::Help::VerifyFile))]
    #[command(after_help = example("kathea-agent verify kathea-agent_0.2.0_amd64.deb --as release"))]
    Verify {
        #[arg(help = say(help::machine::Help::File))]
        file: PathBuf,
        #[arg(help = say(help::machine::Help::Kind))]
        #[arg(long = "as", value_name = "KIND", value_parser = word::<Context>)]
        kind: Context,
        #[arg(long, value_name = "FILE", help = say(Shared::Signature))]
        signature: Option<PathBuf>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
}

/// How the catalog is printed.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Format {
    Md,
    Json,
}

/// The number of a case.
fn case(text: &str) -> Result<CaseId, String> {
    text.parse().map_err(|_| say(Syntax::Case))
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
            Some(nearest) => say(Syntax::OneOfNearest { all, nearest: nearest.to_owned() }),
            None => say(Syntax::OneOf { all }),
        }
    })
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err(say(Syntax::KeyValue)),
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
