//! What was typed, one call each. Data goes to standard output, words to standard error.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use protocol::DeviceId;
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::lines::Lines;
use crate::store::device::{self, Standing};
use crate::store::requests::{self, Ticket};
use crate::store::tokens;
use crate::{export, init, listing, pki, serve};

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
    /// Print the privacy requests, as lines of JSON
    Requests {
        #[command(flatten)]
        data: Data,
        /// Mark this request as carried out instead
        #[arg(long, value_name = "TICKET", value_parser = ticket)]
        done: Option<Ticket>,
    },
}

#[derive(Args)]
struct Data {
    /// The collector's data directory
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
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
        Command::Export { data, losses: false } => list(|lines| export::records(&data.initialised()?, lines)),
        Command::Export { data, losses: true } => list(|lines| export::losses(&data.initialised()?, lines)),
        Command::Devices { data } => list(|lines| listing::devices(&data.initialised()?, lines)),
        Command::Revoke { data, device } => {
            let dir = device::dir(&data.initialised()?, device);
            match device::standing(&dir)? {
                Standing::Unknown => {
                    Err(Failure::new(format!("device {device} is not enrolled; `devices` lists them")))
                }
                _ => device::revoke(&dir, now),
            }
        }
        Command::Requests { data, done: None } => {
            list(|lines| listing::requests(&data.initialised()?, lines))
        }
        Command::Requests { data, done: Some(ticket) } => {
            requests::finish(&data.initialised()?, &ticket, now)
        }
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
