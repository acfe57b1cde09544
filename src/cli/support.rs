//! Arguments of the commands on support cases.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand};
use protocol::ledger::Role;
use protocol::{CaseId, CaseReason};

use super::word;

use agent::limits::DESCRIPTION;

/// `support`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Support {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) case: Choice,
    /// Folder for the clinic's own copy [default: ./support-ID]
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// Role of the person who answers: owner, privacy_officer or delegate [default: asked after a yes]
    #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
    pub(crate) by: Option<Role>,
}

/// What a case is about.
#[derive(Args, Clone)]
pub(crate) struct Choice {
    /// The case, as the vendor named it
    #[arg(long, value_name = "ID", value_parser = CaseId::from_str)]
    pub(crate) case: Option<CaseId>,
    /// image_quality, error, performance, connectivity, calibration or other
    #[arg(long, value_name = "REASON", value_parser = word::<CaseReason>)]
    pub(crate) reason: Option<CaseReason>,
    /// Person whom the vendor may contact; shown in the preview and sent with the bundle
    #[arg(long, value_name = "TEXT")]
    pub(crate) contact: Option<String>,
    /// What happened, in your words, at most 1,000 characters; shown in the preview and sent with the bundle
    #[arg(long, value_name = "TEXT", value_parser = description)]
    pub(crate) description: Option<String>,
    /// Send contact, description and case ID as typed, even if they may contain a patient's name or number
    #[arg(long)]
    pub(crate) as_typed: bool,
    /// Select the newest scan and the logs around it
    #[arg(long, group = "chosen")]
    pub(crate) last_scan: bool,
    /// Select scans and logs of the last 30min, 2h, 3d; at most 7d
    #[arg(long, value_name = "TIME", value_parser = seconds)]
    pub(crate) since: Option<u64>,
    /// Choose scans from a list of times and modes
    #[arg(long, group = "chosen")]
    pub(crate) pick: bool,
    /// Scan files and folders; - reads their names from standard input
    #[arg(long, value_name = "PATH", group = "chosen")]
    pub(crate) scans: Vec<PathBuf>,
    /// Read logs from here instead of [kathea] logs
    #[arg(long, value_name = "PATH")]
    pub(crate) logs: Vec<PathBuf>,
    /// Do not wait for a running scan to finish
    #[arg(long)]
    pub(crate) now: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Collect and de-identify, and write the clinic's own copy; nothing is sent
    #[command(
        after_help = "Example: kathea-agent support preview --case CASE-1042 --reason error --last-scan -o case"
    )]
    Preview {
        #[command(flatten)]
        case: Choice,
        /// Folder for preview.html and manifest.json
        #[arg(short, long, value_name = "DIR", required_unless_present = "dry_run")]
        output: Option<PathBuf>,
        /// Only list what would be collected
        #[arg(long)]
        dry_run: bool,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Consent to exactly what a preview showed, and seal it for the vendor
    #[command(after_help = "Example: kathea-agent support create 0a1b2c3d --yes 5f9c01d47be2a866 --by owner")]
    Create {
        /// The draft that `preview` named
        draft: String,
        /// Digest shown on the preview, at least 16 digits
        #[arg(long, value_name = "DIGEST")]
        yes: String,
        /// Role of the person who answers: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Role,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Check this workstation: disk, clock, calibration, errors, versions, graphics, encoders; print a remedy for each
    ///
    /// Nothing leaves this computer, so no consent is needed. Exits with 1 if a check fails.
    Check {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// List drafts and bundles with their state
    List {
        /// Print machine-readable JSON; with --watch one line for each change
        #[arg(long)]
        json: bool,
        /// Go on until every bundle is delivered or failed: rate and time left. Ctrl-C stops watching, not sending
        #[arg(long)]
        watch: bool,
    },
    /// Print one file of a draft exactly as it would be sent
    Show {
        /// The draft
        draft: String,
        /// A name from its manifest, or manifest.json
        file: String,
    },
    /// Tell which scan of this workstation a name in a bundle stands for, for example when support calls about scan-0003
    ///
    /// The answer stays here. It is known until the draft is erased or the case ends.
    #[command(after_help = "Example: kathea-agent support find scan-0003")]
    Find {
        /// The name, as support reads it from the bundle: scan-0003
        name: String,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Copy a sealed bundle to a file, for example on a USB stick; only the vendor can open it
    #[command(after_help = "Example: kathea-agent support export 0a1b2c3d -o /media/stick/CASE-1042.age")]
    Export {
        /// The bundle
        bundle: String,
        /// The file to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Retry a failed bundle
    Send {
        /// The bundle
        bundle: String,
        /// Wait until the vendor confirmed it. Ctrl-C stops waiting, not sending
        #[arg(long)]
        wait: bool,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Erase a draft, or a bundle that has not been sent
    Discard {
        /// The draft or the bundle
        #[arg(value_name = "DRAFT_OR_BUNDLE")]
        id: String,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Close a case: erase its key, drafts and bundles here, and stop sending
    Close {
        /// The case
        #[arg(value_parser = CaseId::from_str)]
        case: CaseId,
        /// Role of the person who answers: owner, privacy_officer or delegate
        #[arg(long, value_name = "ROLE", value_parser = word::<Role>)]
        by: Option<Role>,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
}

/// A description that a person can still read in a preview.
fn description(text: &str) -> Result<String, String> {
    match text.chars().count() {
        0 => Err("say in a sentence what happened, or leave it out".to_owned()),
        1..=DESCRIPTION => Ok(text.to_owned()),
        count => Err(format!(
            "it has {count} characters, and {DESCRIPTION} at most: put the rest into a log or a call"
        )),
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
        _ => Err("a whole number and s, min, h or d, seven days at most: 30min, 2h, 3d".to_owned()),
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
