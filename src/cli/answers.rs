//! Arguments of the commands on consent and privacy rights.

use std::path::PathBuf;

use agent::request::ClaimCode;
use clap::{Args, Subcommand};
use protocol::ledger::Role;
use protocol::{CaseId, Purpose};

use super::{case, word};
use crate::exit::Failure;
use crate::texts::help::answers::Help;
use crate::texts::help::{Shared, example};
use crate::texts::say;

/// To what.
#[derive(Args)]
pub(crate) struct About {
    #[arg(value_parser = word::<Purpose>, help = say(Help::Flag))]
    pub(crate) purpose: Purpose,
    #[arg(long, value_name = "ID", value_parser = case, help = say(Help::AboutCase))]
    pub(crate) case: Option<CaseId>,
}

/// To what, and by whom: what every no needs.
#[derive(Args)]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) to: About,
    #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::Role))]
    pub(crate) by: Option<Role>,
    #[arg(long, help = say(Shared::Json))]
    pub(crate) json: bool,
}

/// The owner's proof from an account outside the consent group.
#[derive(Args)]
pub(crate) struct Claimed {
    #[arg(long, value_name = "FILE", help = say(Help::ClaimFile))]
    claim_file: Option<PathBuf>,
}

impl Claimed {
    /// The code, where a file was named.
    pub(crate) fn read(&self) -> Result<Option<ClaimCode>, Failure> {
        let file = self.claim_file.as_deref();
        file.map(|file| crate::given::read_word(file, crate::texts::refusal::Holds::ClaimCode).map(ClaimCode))
            .transpose()
    }
}

#[derive(Subcommand)]
pub(crate) enum Consent {
    #[command(about = say(Help::List))]
    List {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(after_help = say(Help::Flags), about = say(Help::Show))]
    Show {
        #[arg(value_parser = word::<Purpose>, help = say(Help::Flag))]
        purpose: Purpose,
        #[arg(long, help = say(Help::ShowJson))]
        json: bool,
    },
    #[command(about = say(Help::Grant))]
    #[command(
        after_help = example("kathea-agent consent grant usage_statistics --by owner --yes 0f3a91c25d7e6b84")
    )]
    Grant {
        #[command(flatten)]
        to: About,
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::Role))]
        by: Role,
        #[arg(long, value_name = "DIGEST", help = say(Help::GrantYes))]
        yes: String,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(after_help = say(Help::Flags), about = say(Help::Deny))]
    Deny {
        #[command(flatten)]
        answer: Answer,
    },
    #[command(after_help = say(Help::Flags), about = say(Help::Withdraw))]
    Withdraw {
        #[command(flatten)]
        answer: Answer,
        #[arg(long, help = say(Help::WithdrawErase))]
        erase: bool,
        #[command(flatten)]
        claim: Claimed,
    },
    #[command(after_help = say(Help::Flags), about = say(Help::Restrict))]
    Restrict {
        #[command(flatten)]
        answer: Answer,
    },
    #[command(after_help = say(Help::Flags), about = say(Help::Release))]
    Release {
        #[command(flatten)]
        to: About,
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::Role))]
        by: Role,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::NewOwner))]
    NewOwner {
        #[command(flatten)]
        claim: Claimed,
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::Role))]
        by: Option<Role>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Ask))]
    Ask {
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::RoleOrAsked))]
        by: Option<Role>,
    },
    #[command(after_help = say(Help::Flags), about = say(Help::Receipt))]
    Receipt {
        #[arg(value_parser = word::<Purpose>, help = say(Help::FlagOrAll))]
        purpose: Option<Purpose>,
        #[arg(long, value_name = "ID", value_parser = case, help = say(Shared::Case))]
        case: Option<CaseId>,
        #[arg(long, help = say(Help::ReceiptJson))]
        json: bool,
    },
    #[command(about = say(Help::Verify))]
    Verify {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Privacy {
    #[command(after_help = example("kathea-agent privacy export -o what-is-held"), about = say(Help::Export))]
    Export {
        #[arg(short, long, value_name = "PATH", help = say(Help::ExportOutput))]
        output: PathBuf,
        #[arg(long, help = say(Help::ExportVendor))]
        vendor: bool,
        #[arg(long, conflicts_with = "vendor", help = say(Help::ExportFromVendor))]
        from_vendor: bool,
    },
    #[command(after_help = example("kathea-agent privacy report -o report.html"), about = say(Help::Report))]
    Report {
        #[arg(short, long, value_name = "FILE", help = say(Help::ReportOutput))]
        output: PathBuf,
    },
    #[command(about = say(Help::Rectify))]
    Rectify {
        #[arg(long, value_name = "ID", value_parser = case, help = say(Shared::Case))]
        case: CaseId,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Object))]
    Object {
        #[arg(long, value_name = "ID", value_parser = case, help = say(Help::ObjectCase))]
        case: Option<CaseId>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Revoke))]
    Revoke {
        #[arg(long, value_name = "ID", value_parser = case, help = say(Help::RevokeCase))]
        case: Option<CaseId>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Claim))]
    Claim {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::Erase))]
    Erase {
        #[command(flatten)]
        claim: Claimed,
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>, help = say(Shared::Role))]
        by: Option<Role>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
}
