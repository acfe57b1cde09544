//! What was typed, one call each. Data goes to standard output, words to standard error.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::store::tokens;
use crate::{init, serve};

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
        Command::Serve { data, listen } => serve::serve(&data.data, listen),
        Command::Token { data, count } => (0..count).try_for_each(|_| print(&tokens::make(&data.data, now)?)),
    }
}

fn print(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|error| Failure::new(format!("standard output: {error}")))
}
