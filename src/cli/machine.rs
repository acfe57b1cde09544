//! Arguments of the commands for whoever looks after this computer: the service, and the table of the program's literals.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Provenance {
    /// Read the programs in the folders of `[kathea] program` and make the table anew
    #[command(
        after_help = "Exit: 0 done, 3 some programs were refused (they are listed), 1 nothing changed."
    )]
    Build {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// List what the table was made of
    List {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Check that the table is the one that was built, and that the programs are still the same
    #[command(after_help = "Exit: 0 it fits, 1 it does not: what changed is listed.")]
    Verify {
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a list of words that the vendor signed, and make the table anew
    #[command(after_help = "Example: kathea-agent provenance add x1-firmware.words")]
    Add {
        /// The list
        file: PathBuf,
        /// The signature [default: FILE.sig]
        #[arg(long, value_name = "FILE")]
        signature: Option<PathBuf>,
        /// Print machine-readable JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum Service {
    /// Install the service, or repair the installed one (Windows)
    #[command(
        after_help = "Example: kathea-agent service install --collector https://collector.example:8443 --ca-file ca.pem --token-file token.txt"
    )]
    Install {
        /// The vendor's collector, written into the configuration
        #[arg(long, value_name = "URL")]
        collector: Option<String>,
        /// File with the one-time token: enrol immediately
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
        /// CA certificate of the vendor, copied to the path in the configuration
        #[arg(long, value_name = "FILE")]
        ca_file: Option<PathBuf>,
    },
    /// Stop and remove the service; keep its data
    Uninstall,
    /// Start the service
    Start,
    /// Stop the service
    Stop,
    /// For the control manager of Windows
    #[command(hide = true)]
    Run,
}
