//! What was typed, one call each. Data goes to standard output, words to standard error.

mod bundles;
mod cluster;
mod copies;
mod data;
mod devices;
mod export;
mod keys;
mod notice;
mod output;
mod proof;
mod retention;
mod rights;
mod store;
mod uses;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use data::{Data, initialised};
use output::{found, list, print};
use protocol::signature::Context;
use protocol::{CaseId, CaseReason, DeviceId};
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::lines;
use crate::store::{Finding, rfc3339};
use crate::{claim, config, heads, init, listing, pki, serve, sign};

/// Reference collector of the telemetry agent: enrols devices, stores each record exactly once, and exports
/// them. Every command except `init` and `serve` also works while `serve` runs.
#[derive(Parser)]
#[command(name = "kathea-collector", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Create a data directory: private CA, server certificate, key pair for support bundles, and an agent.toml
    /// with this collector filled in
    Init {
        /// Directory to create
        #[arg(long, value_name = "DIR")]
        data: PathBuf,
        /// Name or address that devices will use; repeatable. The names of this machine are added
        #[arg(long)]
        host: Vec<String>,
        /// Path of the private key for support bundles, outside the data directory [default: beside it]
        #[arg(long, value_name = "FILE")]
        age_identity: Option<PathBuf>,
        /// Path of the secret that opens the key store of the records, outside the data directory [default: beside it]
        #[arg(long, value_name = "FILE")]
        seal_key: Option<PathBuf>,
    },
    /// Accept connections until stopped. The first line is `listening https://ADDR:PORT`
    Serve {
        #[command(flatten)]
        data: Data,
        /// Address to listen on; port 0 takes a free port [default: from the configuration]
        #[arg(long, value_name = "ADDR:PORT", required_unless_present = "config")]
        listen: Option<SocketAddr>,
    },
    /// Renew the server certificate for another 90 days; a running server loads it within seconds
    ServerCert {
        #[command(flatten)]
        data: Data,
        /// Name or address that devices use; repeatable [default: those of the certificate]
        #[arg(long)]
        host: Vec<String>,
        /// Also create a new private key, for example after a breach
        #[arg(long)]
        new_key: bool,
        /// Do nothing while more than 30 days are left
        #[arg(long)]
        if_due: bool,
    },
    /// Create one-time enrolment tokens, one per line; each is valid for one device and one day
    Token {
        #[command(flatten)]
        data: Data,
        /// Number of tokens
        #[arg(long, default_value_t = 1)]
        count: u32,
        /// Label for the device that uses the token, such as a place; never a person's name
        #[arg(long)]
        label: Option<String>,
    },
    /// Print every stored record once, as JSON lines
    Export {
        #[command(flatten)]
        data: Data,
        /// Print the losses that devices declared, with their reasons, instead of records
        #[arg(long)]
        losses: bool,
        #[command(flatten)]
        tables: export::Tables,
    },
    /// Print every enrolled device and the amount stored for it, as JSON lines
    Devices(devices::Devices),
    /// Label a device, for example with a place; an empty label removes it. Labels are never exported
    Label {
        #[command(flatten)]
        data: Data,
        /// The device's id, 32 hexadecimal digits
        device: DeviceId,
        /// Its label; never a person's name
        label: String,
    },
    /// Revoke a device from its next request on; what it sent is kept
    Revoke {
        #[command(flatten)]
        data: Data,
        /// Its id, 32 hexadecimal digits
        device: DeviceId,
    },
    /// Accept no more data from a device that is out of use, and start its retention periods
    Retire(devices::Retire),
    /// Print every complete support bundle, as JSON lines; bundles stay sealed
    Bundles {
        /// The collector's data directory
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
        /// Read options that are not given from this file, collector.toml
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        action: Option<bundles::Action>,
    },
    /// Invite a clinic to send a support bundle; nothing is sent without its consent
    Ask {
        #[command(flatten)]
        data: Data,
        /// The device's id, 32 hexadecimal digits
        #[arg(long)]
        device: DeviceId,
        /// Case ID, for example CASE-1042
        #[arg(long)]
        case: CaseId,
        /// image_quality, error, performance, connectivity, calibration or other
        #[arg(long)]
        reason: CaseReason,
    },
    /// Erase what a device sent, or what a request asks for, and print which copies were exported; ledger entries stay
    Erase(rights::Erase),
    /// Sign the certificates of erasures that have no signature yet, and print their tickets
    Certify(rights::Certify),
    /// Erase data whose retention period is over
    Retention {
        /// The collector's data directory
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
        /// Read options that are not given from this file, collector.toml
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        action: retention::Action,
    },
    /// Verify everything that was acknowledged, and print what is lost or changed, of which device and since when, as
    /// JSON lines; exit code 1 if there is any
    Verify {
        #[command(flatten)]
        data: Data,
        /// Also compare the audit with this copy of `audit.heads`, kept on another machine
        #[arg(long, value_name = "FILE")]
        heads: Option<PathBuf>,
    },
    /// Check and maintain the database
    Store {
        #[command(subcommand)]
        action: store::Action,
    },
    /// Copy database, bundles, certificates and keys to a new directory; works while `serve` runs. Keep the copy secret
    Backup(copies::Backup),
    /// Create a data directory from a backup; data received after the backup is not in it
    Restore(copies::Restore),
    /// Back up the key store, under whose keys the records are sealed, or go on without one that is lost
    Keys {
        /// The collector's data directory
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
        /// Read options that are not given from this file, collector.toml
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        action: keys::Action,
    },
    /// Print who exported, imported or erased data, and when, as JSON lines
    Audit {
        #[command(flatten)]
        data: Data,
    },
    /// Print the legal basis of a record: the signed ledger entry, the policy text, later answers
    Proof(proof::Proof),
    /// Print everything that is held of a device, restricted or not, as JSON lines: the answer to a request of kind access
    Access(rights::Access),
    /// Accept the claim code of a device that no longer works as its request to erase, and print the ticket
    Claim {
        #[command(flatten)]
        data: Data,
        /// What `kathea-agent privacy claim` printed
        code: String,
    },
    /// Sign, publish, end and list notices to clinics
    Notice {
        /// The collector's data directory
        #[arg(long, value_name = "DIR", global = true)]
        data: Option<PathBuf>,
        /// Read options that are not given from this file, collector.toml
        #[arg(long, value_name = "FILE", global = true)]
        config: Option<PathBuf>,
        #[command(subcommand)]
        action: notice::Action,
    },
    /// Print the privacy requests, as JSON lines, or say what is done about one
    Requests(rights::Requests),
    /// Create a signing key, and print its entry for `keys` under [vendor] of the agents. Keep the key away from servers
    SigningKey {
        /// The new key's file
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// What it may sign: release, word_list, notice, erasure_certificate, use_receipt or audit_head; repeatable
        #[arg(long, value_name = "KIND", required = true)]
        signs: Vec<Context>,
    },
    /// Sign a file for `kathea-agent verify`, and print the path of the signature: FILE.sig
    Sign {
        /// The file
        file: PathBuf,
        /// What the file is: release, word_list, notice, erasure_certificate, use_receipt or audit_head
        #[arg(long = "as", value_name = "KIND")]
        kind: Context,
        /// The file that `signing-key` made
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
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
        Command::Init { data, host, age_identity, seal_key } => {
            init::init(&data, &host, age_identity.as_deref(), seal_key.as_deref(), now)
        }
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
        Command::Export { data, losses: true, tables } => export::losses(&data.store()?, tables, now),
        Command::Export { data, losses: false, tables } => export::export(&data.store()?, tables, now),
        Command::Devices(devices) => devices.run(now),
        Command::Label { data, device, label } => data.store()?.label(device, &label),
        Command::Revoke { data, device } => data.store()?.revoke(device, now),
        Command::Retire(asked) => asked.run(now),
        Command::Bundles { data, config, action } => {
            bundles::run(&either(data, config).store()?, action, now)
        }
        Command::Ask { data, device, case, reason } => data.store()?.invite(device, case, reason, now),
        Command::Erase(asked) => rights::erase(asked, now),
        Command::Certify(asked) => rights::certify(asked, now),
        Command::Retention { data, config, action } => action.run(&either(data, config).store()?, now),
        Command::Verify { data, heads: copy } => {
            let store = data.store()?;
            let mut count = 0;
            list(|lines| {
                count = store.verify(now, |finding| lines.put(&finding))?;
                let found = copy.map_or(Ok(Vec::new()), |file| heads::check_copy(&store, &file))?;
                count += found.len() as u64;
                found.into_iter().try_for_each(|what| lines.put(&Finding::new(what)))
            })?;
            found(count, "things that were acknowledged are lost or changed; see above")
        }
        Command::Store { action } => action.run(now),
        Command::Backup(asked) => asked.run(now),
        Command::Restore(asked) => asked.run(now),
        Command::Keys { data, config, action } => action.run(either(data, config), now),
        Command::Audit { data } => list(|lines| listing::audit(&data.store()?, lines)),
        Command::Proof(asked) => asked.run(now),
        Command::Access(asked) => rights::access(asked, now),
        Command::Claim { data, code } => print(&claim::take(&data.store()?, &code, now)?.to_string()),
        Command::Notice { data, config, action } => notice::run(action, || either(data, config), now),
        Command::Requests(asked) => rights::requests(asked, now),
        Command::SigningKey { output, signs } => print(&sign::make(&output, &signs)?),
        Command::Sign { file, kind, key } => print(&sign::sign(&file, kind, &key)?.display().to_string()),
    }
}

/// An option that is good before and after a subcommand can't be demanded by the parser itself.
fn either(data: Option<PathBuf>, config: Option<PathBuf>) -> Data {
    let missing = || {
        Cli::command()
            .error(
                ErrorKind::MissingRequiredArgument,
                "name the data directory: --data DIR, or --config FILE",
            )
            .exit()
    };
    Data::either(data, config).unwrap_or_else(missing)
}
