//! What was typed, one call each. Data goes to standard output, words to standard error.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use protocol::bundle::receipt;
use protocol::signature::Context;
use protocol::{CaseId, CaseReason, DeviceId, Purpose};
use time::OffsetDateTime;

use crate::audit::{Deed, Note};
use crate::failure::Failure;
use crate::lines::Lines;
use crate::store::device::{self, Standing};
use crate::store::requests::{self, Ticket};
use crate::store::{bundles, tokens, wishes};
use crate::{audit, claim, erasure, export, init, listing, pki, proof, serve, sign};

/// The reference collector of the telemetry agent: enrols devices, takes their records exactly once,
/// and gives them back. Every command but `init` and `serve` also works while `serve` runs.
#[derive(Parser)]
#[command(name = "kathea-collector", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a new data directory: private authority, server certificate, the key pair of support
    /// bundles, and agent.toml with this collector filled in
    Init {
        #[command(flatten)]
        data: Data,
        /// A name or address that devices will use; repeat for several. This machine's own are added
        #[arg(long)]
        host: Vec<String>,
    },
    /// Take connections until told to end. The first line is `listening https://ADDR:PORT`
    Serve {
        #[command(flatten)]
        data: Data,
        /// Where; port 0 takes a free one
        #[arg(long, value_name = "ADDR:PORT")]
        listen: SocketAddr,
    },
    /// Make one-time enrolment tokens, one a line; each is good for one device and one day
    Token {
        #[command(flatten)]
        data: Data,
        /// How many
        #[arg(long, default_value_t = 1)]
        count: u32,
    },
    /// Print every record that is held, once each, as lines of JSON
    Export {
        #[command(flatten)]
        data: Data,
        /// Print instead what devices declared lost, and why
        #[arg(long)]
        losses: bool,
    },
    /// Print every enrolled device and how much of it is held, as lines of JSON
    Devices {
        #[command(flatten)]
        data: Data,
    },
    /// Refuse a device from its next request on; what it sent is kept
    Revoke {
        #[command(flatten)]
        data: Data,
        /// Its id, 32 hexadecimal digits
        device: DeviceId,
    },
    /// Print every support bundle that is whole, as lines of JSON; they stay sealed
    Bundles {
        /// The collector's data directory
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
        #[command(subcommand)]
        action: Option<Bundles>,
    },
    /// Ask the clinic for a support bundle; nothing is sent without its yes
    Ask {
        #[command(flatten)]
        data: Data,
        /// The device's id, 32 hexadecimal digits
        #[arg(long)]
        device: DeviceId,
        /// The number of the case, as CASE-1042
        #[arg(long)]
        case: CaseId,
        /// image_quality, error, performance, connectivity, calibration or other
        #[arg(long)]
        reason: CaseReason,
    },
    /// Erase what a device sent, and print which copies were handed on; its ledger entries stay, as proof
    Erase {
        #[command(flatten)]
        data: Data,
        /// The device's id, 32 hexadecimal digits
        #[arg(long)]
        device: DeviceId,
        /// usage_statistics, support_case or support_scan_data; repeat for several [default: all]
        #[arg(long)]
        purpose: Vec<Purpose>,
        /// Only what belongs to this support case
        #[arg(long)]
        case: Option<CaseId>,
    },
    /// Erase what was kept as long as its class allows
    Retention {
        /// The collector's data directory
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
        #[command(subcommand)]
        action: Retention,
    },
    /// Print who exported, imported or erased, and when, as lines of JSON
    Audit {
        #[command(flatten)]
        data: Data,
    },
    /// Print why a record may be here: the signed ledger entry, the policy's text, what was said later
    Proof {
        #[command(flatten)]
        data: Data,
        /// The device's id, 32 hexadecimal digits
        #[arg(long)]
        device: DeviceId,
        /// The record's number, as `export` prints it
        #[arg(long)]
        seq: u64,
    },
    /// Take the claim code of a device that can't ask any more as its request to erase, and print the ticket
    Claim {
        #[command(flatten)]
        data: Data,
        /// What `kathea-agent privacy claim` printed
        code: String,
    },
    /// Print the privacy requests, as lines of JSON
    Requests {
        #[command(flatten)]
        data: Data,
        /// Mark this request as carried out instead
        #[arg(long, value_name = "TICKET", value_parser = ticket)]
        done: Option<Ticket>,
    },
    /// Make a signing key, and print what agents need of it in `keys` under [vendor]. Keep the key away from servers
    SigningKey {
        /// The new key's file
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// What it may sign: release, word_list, notice, erasure_certificate or use_receipt; repeat for several
        #[arg(long, value_name = "KIND", required = true)]
        signs: Vec<Context>,
    },
    /// Sign a file for `kathea-agent verify`, and print the path of the signature: FILE.sig
    Sign {
        /// The file
        file: PathBuf,
        /// What the file is: release, word_list, notice, erasure_certificate or use_receipt
        #[arg(long = "as", value_name = "KIND")]
        kind: Context,
        /// The file that `signing-key` made
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

#[derive(Subcommand)]
enum Retention {
    /// Do it
    Run {
        /// Only print what would go
        #[arg(long)]
        dry_run: bool,
    },
}

#[derive(Subcommand)]
enum Bundles {
    /// Take a sealed file that came on a stick, and print the number that it is filed under
    Import {
        /// What `support export` wrote
        file: PathBuf,
    },
}

#[derive(Args)]
struct Data {
    /// The collector's data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

/// What can be typed.
pub(crate) fn command_line() -> clap::Command {
    Cli::command()
}

/// Runs one command.
pub(crate) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    let _ = env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).try_init();
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "kathea-collector: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let now = OffsetDateTime::now_utc();
    match command {
        Command::Init { data, host } => init::init(&data.data, &host, now),
        Command::Serve { data, listen } => serve::serve(&data.initialised()?, listen),
        Command::Token { data, count } => {
            let data = data.initialised()?;
            (0..count).try_for_each(|_| print(&tokens::make(&data, now)?))
        }
        Command::Export { data, losses: false } => {
            let data = data.initialised()?;
            let mut count = 0;
            list(|lines| export::records(&data, lines).map(|printed| count = printed))?;
            audit::note(&data, Note::new(Deed::Export, count), now)
        }
        Command::Export { data, losses: true } => list(|lines| export::losses(&data.initialised()?, lines)),
        Command::Devices { data } => list(|lines| listing::devices(&data.initialised()?, lines)),
        Command::Revoke { data, device } => {
            let dir = device::dir(&data.initialised()?, device);
            enrolled(&dir, device).and_then(|()| device::revoke(&dir, now))
        }
        Command::Bundles { data, action } => {
            let data = data.map(|data| Data { data }).unwrap_or_else(|| no_data()).initialised()?;
            match action {
                None => list(|lines| listing::bundles(&data, lines)),
                Some(Bundles::Import { file }) => {
                    let imported = bundles::import(&data, &file, now)?;
                    audit::note(&data, Note::new(Deed::Import, 1), now)?;
                    print(&receipt(imported))
                }
            }
        }
        Command::Ask { data, device, case, reason } => {
            let data = data.initialised()?;
            enrolled(&device::dir(&data, device), device)?;
            wishes::ask(&data, device, &case, reason, now)
        }
        Command::Erase { data, device, purpose, case } => {
            let data = data.initialised()?;
            enrolled(&device::dir(&data, device), device)?;
            let purposes = if purpose.is_empty() { Purpose::ALL } else { &purpose };
            list(|lines| erasure::erase(&data, device, purposes, case.as_ref(), now, lines))
        }
        Command::Retention { data, action: Retention::Run { dry_run } } => {
            let data = data.map(|data| Data { data }).unwrap_or_else(|| no_data()).initialised()?;
            list(|lines| erasure::retention(&data, dry_run, now, lines))
        }
        Command::Audit { data } => {
            let data = data.initialised()?;
            list(|lines| audit::lines(&data)?.iter().try_for_each(|(line, _)| lines.put(line)))
        }
        Command::Proof { data, device, seq } => {
            let data = data.initialised()?;
            list(|lines| proof::prove(&data, device, seq, lines))
        }
        Command::Claim { data, code } => print(&claim::take(&data.initialised()?, &code, now)?.to_string()),
        Command::Requests { data, done: None } => {
            list(|lines| listing::requests(&data.initialised()?, lines))
        }
        Command::Requests { data, done: Some(ticket) } => {
            requests::finish(&data.initialised()?, &ticket, now)
        }
        Command::SigningKey { output, signs } => print(&sign::make(&output, &signs)?),
        Command::Sign { file, kind, key } => print(&sign::sign(&file, kind, &key)?.display().to_string()),
    }
}

impl Data {
    /// The directory, if `init` made it: a mistyped name is an error and not an empty collector.
    fn initialised(self) -> Result<PathBuf, Failure> {
        if self.data.join(pki::CA).is_file() {
            return Ok(self.data);
        }
        let data = self.data.display();
        Err(Failure::new(format!("{data} is not a collector's data directory; `init` makes one")))
    }
}

fn enrolled(dir: &Path, device: DeviceId) -> Result<(), Failure> {
    match device::standing(dir)? {
        Standing::Unknown => {
            Err(Failure::new(format!("device {device} is not enrolled; `devices` lists them")))
        }
        _ => Ok(()),
    }
}

/// An option that is good before and after a subcommand can't be demanded by the parser itself.
fn no_data() -> ! {
    Cli::command().error(ErrorKind::MissingRequiredArgument, "name the data directory: --data DIR").exit()
}

/// Runs a command whose output is lines of JSON.
fn list(command: impl FnOnce(&mut Lines) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut lines = Lines::stdout();
    command(&mut lines)?;
    lines.end()
}

fn ticket(text: &str) -> Result<Ticket, &'static str> {
    Ticket::read(text).ok_or("not a ticket; `requests` lists them")
}

fn print(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|error| Failure::new(format!("standard output: {error}")))
}
