//! What can be typed about answers and rights.

use std::path::PathBuf;
use std::str::FromStr;

use agent::request::ClaimCode;
use clap::{Args, Subcommand};
use protocol::ledger::Role;
use protocol::{CaseId, Purpose};

use super::word;
use crate::exit::Failure;

/// To what.
#[derive(Args)]
pub(crate) struct About {
    /// The flag
    #[arg(value_parser = word::<Purpose>)]
    pub(crate) purpose: Purpose,
    /// The support case, for the flags that are asked per case
    #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
    pub(crate) case: Option<CaseId>,
}

/// To what, and by whom: what every no needs.
#[derive(Args)]
pub(crate) struct Answer {
    #[command(flatten)]
    pub(crate) to: About,
    /// Who says so: owner, privacy_officer or delegate
    #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
    pub(crate) by: Option<Role>,
}

/// The owner's proof from an account outside the consent group.
#[derive(Args)]
pub(crate) struct Claimed {
    /// File with the claim code that `privacy claim` printed
    #[arg(long, value_name = "FILE")]
    claim_file: Option<PathBuf>,
}

impl Claimed {
    /// The code, where a file was named.
    pub(crate) fn read(&self) -> Result<Option<ClaimCode>, Failure> {
        let file = self.claim_file.as_deref();
        file.map(|file| crate::read_word(file, "claim code").map(ClaimCode)).transpose()
    }
}

#[derive(Subcommand)]
pub(crate) enum Consent {
    /// Show every flag and its state
    List {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Show what is asked for, and the digest that a yes repeats
    #[command(after_help = PURPOSES)]
    Show {
        /// The flag
        #[arg(value_parser = word::<Purpose>)]
        purpose: Purpose,
        /// For programs, in every language
        #[arg(long)]
        json: bool,
    },
    /// Say yes to what `consent show` showed
    #[command(
        after_help = "Example: kathea-agent consent grant usage_statistics --by owner --yes 0f3a91c25d7e6b84"
    )]
    Grant {
        #[command(flatten)]
        to: About,
        /// Who says so: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Role,
        /// The digest that was shown, 16 digits or more
        #[arg(long, value_name = "DIGEST")]
        yes: String,
    },
    /// Say no. Anybody may
    #[command(after_help = PURPOSES)]
    Deny {
        #[command(flatten)]
        answer: Answer,
    },
    /// Take a yes back. Anybody may. Keys and everything that waits are erased; a receipt says what was
    #[command(after_help = PURPOSES)]
    Withdraw {
        #[command(flatten)]
        answer: Answer,
        /// Also ask the vendor to erase what was sent; needs [consent] group or --claim-file
        #[arg(long)]
        erase: bool,
        #[command(flatten)]
        claim: Claimed,
    },
    /// Keep what is held, but neither read nor send it for now. Anybody may
    #[command(after_help = PURPOSES)]
    Restrict {
        #[command(flatten)]
        answer: Answer,
    },
    /// End a restriction
    #[command(after_help = PURPOSES)]
    Release {
        #[command(flatten)]
        to: About,
        /// Who says so: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Role,
    },
    /// End every consent because the clinic has a new owner, who is asked anew. Needs [consent] group or --claim-file
    NewOwner {
        #[command(flatten)]
        claim: Claimed,
        /// Who says so: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Option<Role>,
    },
    /// Read what is asked for and answer, at a terminal; in Danish or English, as the configuration says
    Ask {
        /// Who answers: owner, privacy_officer or delegate [default: asked for after a yes]
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Option<Role>,
    },
    /// Print the answers that were given, to keep or to hand out
    #[command(after_help = PURPOSES)]
    Receipt {
        /// The flag [default: all]
        #[arg(value_parser = word::<Purpose>)]
        purpose: Option<Purpose>,
        /// The support case
        #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
        case: Option<CaseId>,
        /// As the ledger has them (ISO/IEC TS 27560)
        #[arg(long)]
        json: bool,
    },
    /// Check the ledger: every entry signed, none missing, none changed
    Verify {
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Privacy {
    /// Write down all that this workstation holds: held.json, and held.txt for people
    #[command(after_help = "Example: kathea-agent privacy export -o what-is-held")]
    Export {
        /// Folder for both files
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        /// Also ask the vendor for what it holds
        #[arg(long)]
        vendor: bool,
    },
    /// Make one page, in Danish and English, that shows what is collected, kept and sent, under which yes, and how
    /// to say no
    #[command(after_help = "Example: kathea-agent privacy report -o report.html")]
    Report {
        /// The page
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Ask the vendor to correct what it holds of a support case
    Rectify {
        /// The support case
        #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
        case: CaseId,
    },
    /// Take back what the vendor was asked to erase, within 14 days. Needs [consent] group
    Revoke {
        /// Only what was asked of this support case
        #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
        case: Option<CaseId>,
    },
    /// Print the code with which you can ask for erasure when this device is dead
    Claim,
    /// Take every yes back, erase all that is held here, ask the vendor to erase what was sent. Needs [consent] group or
    /// --claim-file
    Erase {
        #[command(flatten)]
        claim: Claimed,
    },
}

const PURPOSES: &str = "Flags: usage_statistics, support_case, support_scan_data";
