//! Arguments of the commands for whoever looks after this computer: the service, and the table of the program's literals.

use std::path::PathBuf;

use clap::Subcommand;

use crate::texts::help::machine::Help;
use crate::texts::help::{Shared, example};
use crate::texts::say;

#[derive(Subcommand)]
pub(crate) enum Provenance {
    #[command(after_help = say(Help::BuildCodes), about = say(Help::Build))]
    Build {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(about = say(Help::List))]
    List {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(after_help = say(Help::VerifyCodes), about = say(Help::Verify))]
    Verify {
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
    #[command(after_help = example("kathea-agent provenance add x1-firmware.words"), about = say(Help::Add))]
    Add {
        #[arg(help = say(Help::AddFile))]
        file: PathBuf,
        #[arg(long, value_name = "FILE", help = say(Shared::Signature))]
        signature: Option<PathBuf>,
        #[arg(long, help = say(Shared::Json))]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Service {
    #[command(about = say(Help::Install))]
    #[command(
        after_help = example("kathea-agent service install --collector https://collector.example:8443 --ca-file ca.pem --token-file token.txt")
    )]
    Install {
        #[arg(long, value_name = "URL", help = say(Help::InstallCollector))]
        collector: Option<String>,
        #[arg(long, value_name = "FILE", help = say(Help::InstallToken))]
        token_file: Option<PathBuf>,
        #[arg(long, value_name = "FILE", help = say(Help::InstallCa))]
        ca_file: Option<PathBuf>,
    },
    #[command(about = say(Help::Uninstall))]
    Uninstall,
    #[command(about = say(Help::Start))]
    Start,
    #[command(about = say(Help::Stop))]
    Stop,
    /// For the control manager of Windows
    #[command(hide = true)]
    Run,
}
