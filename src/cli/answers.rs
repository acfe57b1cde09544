//! Arguments of the commands on consent and privacy rights.

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
    /// Role of the person who answers: owner, privacy_officer or delegate
    #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
    pub(crate) by: Option<Role>,
    /// Print machine-readable JSON
    #[arg(long)]
    pub(crate) json: bool,
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
        file.map(|file| crate::read_word(file, crate::texts::refusal::Holds::ClaimCode).map(ClaimCode))
            .transpose()
    }
}

#[derive(Subcommand)]
pub(crate) enum Consent {
    /// List every consent flag and its state
    List {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the consent notice and its digest, which `consent grant --yes` needs
    #[command(after_help = PURPOSES)]
    Show {
        /// The flag
        #[arg(value_parser = word::<Purpose>)]
        purpose: Purpose,
        /// Print machine-readable JSON, with the text in every language
        #[arg(long)]
        json: bool,
    },
    /// Grant the consent that `consent show` displayed
    #[command(
        after_help = "Example: kathea-agent consent grant usage_statistics --by owner --yes 0f3a91c25d7e6b84"
    )]
    Grant {
        #[command(flatten)]
        to: About,
        /// Role of the person who answers: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Role,
        /// Digest of the notice, at least 16 digits
        #[arg(long, value_name = "DIGEST")]
        yes: String,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Deny consent. Anyone may do this
    #[command(after_help = PURPOSES)]
    Deny {
        #[command(flatten)]
        answer: Answer,
    },
    /// Withdraw consent: erase keys and queued data, print a receipt. Anyone may do this
    #[command(after_help = PURPOSES)]
    Withdraw {
        #[command(flatten)]
        answer: Answer,
        /// Also ask the vendor to erase what was sent; needs membership of [consent] group, or --claim-file
        #[arg(long)]
        erase: bool,
        #[command(flatten)]
        claim: Claimed,
    },
    /// Restrict processing: keep the data, but neither read nor send it for now. Anyone may do this
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
        /// Role of the person who answers: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Role,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// End every consent because the clinic has a new owner, who is asked again. Needs [consent] group or --claim-file
    NewOwner {
        #[command(flatten)]
        claim: Claimed,
        /// Role of the person who answers: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Option<Role>,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Read the consent notice and answer at a terminal, in the configured language (Danish or English)
    Ask {
        /// Role of the person who answers: owner, privacy_officer or delegate [default: asked after a yes]
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Option<Role>,
    },
    /// Print a receipt of the answers given, to keep or to hand out
    #[command(after_help = PURPOSES)]
    Receipt {
        /// The flag [default: all]
        #[arg(value_parser = word::<Purpose>)]
        purpose: Option<Purpose>,
        /// The support case
        #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
        case: Option<CaseId>,
        /// Print the ledger entries as JSON (ISO/IEC TS 27560)
        #[arg(long)]
        json: bool,
    },
    /// Verify the ledger: every entry is signed, none is missing or changed
    Verify {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Privacy {
    /// Export everything that this workstation holds: held.json, and held.txt for reading
    #[command(after_help = "Example: kathea-agent privacy export -o what-is-held")]
    Export {
        /// Folder for both files
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
        /// Also ask the vendor for what it holds
        #[arg(long)]
        vendor: bool,
    },
    /// Write one page, in Danish and English, that shows what is collected, kept and sent, under which consent, and
    /// how to withdraw it
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
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Take back what the vendor was asked to erase, within 14 days. Needs [consent] group
    Revoke {
        /// Only what was asked of this support case
        #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
        case: Option<CaseId>,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Print the claim code, with which you can request erasure after this device has failed
    Claim {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Withdraw every consent, erase everything held here, and ask the vendor to erase what was sent. Needs [consent]
    /// group or --claim-file
    Erase {
        #[command(flatten)]
        claim: Claimed,
        /// Role of the person who answers: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Option<Role>,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
}

const PURPOSES: &str = "Flags: usage_statistics, support_case, support_scan_data";
