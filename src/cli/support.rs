//! Arguments of the commands on support cases.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use protocol::ledger::Role;
use protocol::{CaseId, CaseReason};

use super::{case, word};

use agent::limits::DESCRIPTION;

use crate::texts::help::support::Help;
use crate::texts::help::{Shared, example, long};
use crate::texts::say;
use crate::texts::syntax::Syntax;

/// `support`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Support {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) case: Choice,
    #[arg(short, long, value_name = "DIR", help = say(Help::OwnCopy))]
    pub(crate) output: Option<PathBuf>,
    #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::RoleOrAsked))]
    pub(crate) by: Option<Role>,
}

/// What a case is about.
#[derive(Args, Clone)]
pub(crate) struct Choice {
    #[arg(long, value_name = "ID", value_parser = case, help = say(Help::CaseNamed))]
    pub(crate) case: Option<CaseId>,
    #[arg(long, value_name = "REASON", value_parser = word::<CaseReason>, help = say(Help::Reason))]
    pub(crate) reason: Option<CaseReason>,
    #[arg(long, value_name = "TEXT", help = say(Help::Contact))]
    pub(crate) contact: Option<String>,
    #[arg(long, value_name = "TEXT", value_parser = description, help = say(Help::Description))]
    pub(crate) description: Option<String>,
    #[arg(long, help = say(Help::AsTyped))]
    pub(crate) as_typed: bool,
    #[arg(long, group = "chosen", help = say(Help::LastScan))]
    pub(crate) last_scan: bool,
    #[arg(long, value_name = "TIME", value_parser = seconds, help = say(Help::Since))]
    pub(crate) since: Option<u64>,
    #[arg(long, group = "chosen", help = say(Help::Pick))]
    pub(crate) pick: bool,
    #[arg(long, value_name = "PATH", group = "chosen", help = say(Help::Scans))]
    pub(crate) scans: Vec<PathBuf>,
    #[arg(long, value_name = "PATH", help = say(Help::Logs))]
    pub(crate) logs: Vec<PathBuf>,
    #[arg(long, help = say(Help::Now))]
    pub(crate) now: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    #[command(about = say(Help::Preview))]
    #[command(
        after_help = example("kathea-agent support preview --case CASE-1042 --reason error --last-scan -o case")
    )]
    Preview {
        #[command(flatten)]
        case: Choice,
        #[arg(help = say(Help::PreviewOutput))]
        #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
        output: Option<PathBuf>,
        #[arg(long, help = say(Help::PreviewDryRun))]
        dry_run: bool,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Create))]
    #[command(after_help = example("kathea-agent support create 0a1b2c3d --yes 5f9c01d47be2a866 --by owner"))]
    Create {
        #[arg(help = say(Help::CreateDraft))]
        draft: String,
        #[arg(long, value_name = "DIGEST", help = say(Help::CreateYes))]
        yes: String,
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::Role))]
        by: Role,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Check), long_about = long(Help::Check, Help::CheckMore))]
    Check {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::List))]
    List {
        #[arg(long, help = say(Help::ListJson))]
        json: bool,
        #[arg(long, help = say(Help::ListWatch))]
        watch: bool,
    },
    #[command(about = say(Help::Show))]
    Show {
        #[arg(help = say(Help::ShowDraft))]
        draft: String,
        #[arg(help = say(Help::ShowFile))]
        file: String,
    },
    #[command(about = say(Help::Find), long_about = long(Help::Find, Help::FindMore))]
    #[command(after_help = example("kathea-agent support find scan-0003"))]
    Find {
        #[arg(help = say(Help::FindName))]
        name: String,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Export))]
    #[command(after_help = example("kathea-agent support export 0a1b2c3d -o /media/stick/CASE-1042.age"))]
    Export {
        #[arg(help = say(Help::Bundle))]
        bundle: String,
        #[arg(short, long, value_name = "FILE", help = say(Help::ExportOutput))]
        output: PathBuf,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Send))]
    Send {
        #[arg(help = say(Help::Bundle))]
        bundle: String,
        #[arg(long, help = say(Help::SendWait))]
        wait: bool,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Discard))]
    Discard {
        #[arg(value_name = "DRAFT_OR_BUNDLE", help = say(Help::DiscardId))]
        id: String,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Close))]
    Close {
        #[arg(value_parser = case, help = say(Help::CloseCase))]
        case: CaseId,
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::Role))]
        by: Option<Role>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
}

/// A description that a person can still read in a preview.
fn description(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0 => Err(say(Syntax::NoDescription)),
        1..=DESCRIPTION => Ok(text.to_owned()),
        count => Err(say(Syntax::LongDescription { count, most: DESCRIPTION })),
    }
}

/// `30min`, `2h`, `3d` in seconds, a week at most.
fn seconds(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "s" => 1,
        "min" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => 0,
    };
    let seconds = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    match seconds {
        Some(seconds @ 1..=604_800) => Ok(seconds),
        _ => Err(say(Syntax::Length)),
    }
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_length_of_time_is_a_number_and_a_unit() {
        assert_eq!((seconds("2h"), seconds("30min"), seconds("7d")), (Ok(7200), Ok(1800), Ok(604_800)));
        for bad in ["", "h", "2", "0h", "8d", "-1h", "2 h", "99999999999999999999d"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
