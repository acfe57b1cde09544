//! What was typed, one call each. Data goes to standard output, words to standard error.

mod cluster;
mod data;
mod devices;
mod export;
mod output;
mod rights;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use data::{Data, initialised};
use output::{found, list, print};
use protocol::bundle::receipt;
use protocol::signature::Context;
use protocol::{CaseId, CaseReason, DeviceId};
use time::OffsetDateTime;

use crate::erasure::Run;
use crate::failure::Failure;
use crate::lines;
use crate::store::{backup, rfc3339};
use crate::{claim, config, erasure, init, listing, pki, proof, serve, sign};

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
        /// The directory to make
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// A name or address that devices will use; repeat for several. This machine's own are added
        #[arg(long)]
        host: Vec<String>,
        /// Where the private key of support bundles goes: outside the data directory [default: beside it]
        #[arg(long, value_name = "FILE")]
        age_identity: Option<PathBuf>,
    },
    /// Take connections until told to end. The first line is `listening https://ADDR:PORT`
    Serve {
        #[command(flatten)]
        data: Data,
        /// Where; port 0 takes a free one [default: as the configuration says]
        #[arg(long, value_name = "ADDR:PORT", required_unless_present = "config")]
        listen: Option<SocketAddr>,
    },
    /// Renew the server's certificate for another 90 days; a server that runs takes it within seconds
    ServerCert {
        #[command(flatten)]
        data: Data,
        /// A name or address that devices use; repeat for several [default: those of the certificate]
        #[arg(long)]
        host: Vec<String>,
        /// Make a new private key too, as after a breach
        #[arg(long)]
        new_key: bool,
        /// Do nothing while more than 30 days are left
        #[arg(long)]
        if_due: bool,
    },
    /// Make one-time enrolment tokens, one a line; each is good for one device and one day
    Token {
        #[command(flatten)]
        data: Data,
        /// How many
        #[arg(long, default_value_t = 1)]
        count: u32,
        /// What the device that uses it is called here, as a place; never a person's name
        #[arg(long)]
        label: Option<String>,
    },
    /// Print every record that is held, once each, as lines of JSON
    Export {
        #[command(flatten)]
        data: Data,
        /// Print instead what devices declared lost, and why
        #[arg(long)]
        losses: bool,
        #[command(flatten)]
        tables: export::Tables,
    },
    /// Print every enrolled device and how much of it is held, as lines of JSON
    Devices(devices::Devices),
    /// Call a device something, as a place; an empty label takes it away. Labels are never exported
    Label {
        #[command(flatten)]
        data: Data,
        /// The device's id, 32 hexadecimal digits
        device: DeviceId,
        /// Its label; never a person's name
        label: String,
    },
    /// Refuse a device from its next request on; what it sent is kept
    Revoke {
        #[command(flatten)]
        data: Data,
        /// Its id, 32 hexadecimal digits
        device: DeviceId,
    },
    /// Take no more data from a device that is out of use; the periods that start from that begin
    Retire {
        #[command(flatten)]
        data: Data,
        /// Its id, 32 hexadecimal digits
        device: DeviceId,
        /// Why; noted in the audit
        #[arg(long, value_name = "REASON")]
        why: String,
    },
    /// Print every support bundle that is whole, as lines of JSON; they stay sealed
    Bundles {
        /// The collector's data directory
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
        /// Take what is not given from this file, collector.toml
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
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
    /// Erase what a device sent, or what a request asks for, and print which copies were handed on; ledger entries stay
    Erase(rights::Erase),
    /// Sign the certificates of erasures that have no signature yet, and print their tickets
    Certify(rights::Certify),
    /// Erase what was kept as long as its class allows
    Retention {
        /// The collector's data directory
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
        /// Take what is not given from this file, collector.toml
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        action: Retention,
    },
    /// Look at everything that was acknowledged, and print what is lost or changed, whose and since when, as lines of
    /// JSON; exit code 1 if there is something
    Verify {
        #[command(flatten)]
        data: Data,
    },
    /// Look after the database itself
    Store {
        #[command(subcommand)]
        action: StoreAction,
    },
    /// Copy database, bundles, certificates and keys to a new directory, also while `serve` runs; the copy is secret
    Backup {
        #[command(flatten)]
        data: Data,
        /// A new directory
        #[arg(short, long, value_name = "DIR")]
        output: PathBuf,
    },
    /// Make a new data directory of a backup; what came after the backup is not in it
    Restore {
        #[command(flatten)]
        data: Data,
        /// What `backup` wrote
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
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
    /// Print the privacy requests, as lines of JSON, or say what is done about one
    Requests(rights::Requests),
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
        /// Also if it is more than one in twenty, or the clock has leapt
        #[arg(long, conflicts_with = "dry_run")]
        yes: bool,
    },
}

#[derive(Subcommand)]
enum StoreAction {
    /// Ask a PostgreSQL cluster whether it would keep what it acknowledges, and commit a row to it; exit code 1 if not.
    /// `serve` uses SQLite
    Cluster(cluster::Cluster),
    /// Look at its pages and indexes; exit code 1 if one is damaged
    Check {
        #[command(flatten)]
        data: Data,
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

/// Every command and option, for manual pages and completions.
pub fn command_line() -> clap::Command {
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
            ExitCode::from(lines::exit_code(&failure))
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let now = OffsetDateTime::now_utc();
    match command {
        Command::Init { data, host, age_identity } => init::init(&data, &host, age_identity.as_deref(), now),
        Command::Serve { data: Data { data, config }, listen } => {
            let config = config.as_deref().map(config::File::read).transpose()?.unwrap_or_default();
            let config = config.serve(data, listen)?;
            initialised(config.data.clone()).and_then(|_| serve::serve(&config))
        }
        Command::ServerCert { data, host: hosts, new_key, if_due } => {
            let renewal = pki::Renewal { hosts, new_key, if_due };
            match pki::renew_server(&data.initialised()?, &renewal, now)? {
                pki::Renewed::Until(end) => print(&format!("good until {}", rfc3339(end))),
                pki::Renewed::NotDue => print("not due: more than 30 days are left"),
            }
        }
        Command::Token { data, count, label } => {
            let store = data.store()?;
            (0..count).try_for_each(|_| print(&store.make_token(label.as_deref(), now)?))
        }
        Command::Export { data, losses: true, .. } => {
            list(|lines| crate::export::losses(&data.store()?, lines))
        }
        Command::Export { data, losses: false, tables } => export::export(&data.store()?, tables, now),
        Command::Devices(devices) => devices.run(now),
        Command::Label { data, device, label } => data.store()?.label(device, &label),
        Command::Revoke { data, device } => data.store()?.revoke(device, now),
        Command::Retire { data, device, why } => data.store()?.retire(device, &why, now),
        Command::Bundles { data, config, action } => {
            let store = Data::either(data, config).store()?;
            match action {
                None => list(|lines| listing::bundles(&store, lines)),
                Some(Bundles::Import { file }) => print(&receipt(store.import(&file, now)?)),
            }
        }
        Command::Ask { data, device, case, reason } => data.store()?.invite(device, case, reason, now),
        Command::Erase(asked) => rights::erase(asked, now),
        Command::Certify(asked) => rights::certify(asked, now),
        Command::Retention { data, config, action: Retention::Run { dry_run, yes } } => {
            let store = Data::either(data, config).store()?;
            let run = match (dry_run, yes) {
                (true, _) => Run::Dry,
                (false, true) => Run::Confirmed,
                (false, false) => Run::Careful,
            };
            list(|lines| erasure::retention(&store, run, now, |over| lines.put(over)))
        }
        Command::Verify { data } => {
            let store = data.store()?;
            let mut count = 0;
            list(|lines| store.verify(now, |finding| lines.put(&finding)).map(|found| count = found))?;
            found(count, "things that were acknowledged are lost or changed; see above")
        }
        Command::Store { action: StoreAction::Cluster(cluster) } => cluster.run(),
        Command::Store { action: StoreAction::Check { data } } => {
            let damages = data.store()?.check()?;
            damages.iter().try_for_each(|damage| print(damage))?;
            found(damages.len() as u64, "damages in the database file; `verify` says what is lost")
        }
        Command::Backup { data, output } => {
            let manifest = backup::write(&data.store()?, &output, now)?;
            list(|lines| lines.put(&manifest.summary()))
        }
        Command::Restore { data, from } => {
            let manifest = backup::restore(&from, &data.directory()?, now)?;
            list(|lines| lines.put(&manifest.summary()))
        }
        Command::Audit { data } => list(|lines| listing::audit(&data.store()?, lines)),
        Command::Proof { data, device, seq } => {
            let store = data.store()?;
            list(|lines| proof::prove(&store, device, seq, lines))
        }
        Command::Claim { data, code } => print(&claim::take(&data.store()?, &code, now)?.to_string()),
        Command::Requests(asked) => rights::requests(asked, now),
        Command::SigningKey { output, signs } => print(&sign::make(&output, &signs)?),
        Command::Sign { file, kind, key } => print(&sign::sign(&file, kind, &key)?.display().to_string()),
    }
}
