//! `kathea-window`: the local page for clinic and engineer.
//!
//! A small program that runs as the signed-in user, serves one page to that user's browser on 127.0.0.1 and a random
//! port, and speaks to the service over its local socket with that user's rights. It has no rights of its own, keeps
//! nothing, and ends when the page is gone.
//!
//! ```text
//! door     the secret: a 0600 file that redirects, one exchange, a token
//! guard    which requests are answered at all: host, origin, token
//! life     when the program ends
//! serve    the listener and the routes
//! shell    the page around the pages: style, script, headers
//! pages    what is shown, as fragments
//! act      what is done by a click
//! files    what is downloaded by a click
//! job      long work of the service, begun from here
//! ask      questions to the service
//! browser  how the system opens a page
//! state    what every request needs
//! words    words of the closed lists, Danish and English
//! ```

mod act;
mod ask;
mod browser;
mod door;
mod files;
mod guard;
mod job;
mod life;
mod pages;
mod serve;
mod shell;
mod state;
mod words;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use agent::config::Config;
use clap::Parser;

use crate::state::Window;

/// A page for clinic and engineer in this account's browser. It ends when the page is closed.
#[derive(Parser)]
#[command(name = "kathea-window", version)]
struct Cli {
    /// Configuration [default: /etc/kathea-agent/agent.toml, on Windows %ProgramData%\Kathea Agent\agent.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Start no browser: open the file that is named on standard output
    #[arg(long)]
    no_browser: bool,
}

/// Runs the program on its arguments, the first of which is its name. 0: the page was closed; 1: it could not be shown;
/// 2: the command line or the configuration makes no sense.
pub fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let path = cli.config.unwrap_or_else(Config::default_path);
    let config = match Config::load(&path) {
        Ok(config) => config,
        Err(error) => return failed(2, &error.to_string()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return failed(1, "the system gives this program no threads: try again");
    };
    runtime.block_on(async {
        let listener = match tokio::net::TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await {
            Ok(listener) => listener,
            Err(e) => return failed(1, &format!("no port of this computer can be opened ({})", e.kind())),
        };
        let opened = listener.local_addr().and_then(|address| door::Door::open(address.port()));
        let door = match opened {
            Ok(door) => door,
            Err(e) => {
                return failed(
                    1,
                    &format!("the page cannot be put into the temporary folder ({})", e.kind()),
                );
            }
        };
        let page = door.page();
        // For whoever started this program: the folder is this account's own, and the file holds the secret.
        let _ = writeln!(io::stdout(), "page {}", page.display()).and_then(|()| io::stdout().flush());
        if !cli.no_browser
            && let Err(e) = browser::open(&page)
        {
            return failed(
                1,
                &format!("no browser could be started ({}): open {}", e.kind(), page.display()),
            );
        }
        serve::serve(listener, Arc::new(Window::new(config, door))).await;
        ExitCode::SUCCESS
    })
}

fn failed(code: u8, what: &str) -> ExitCode {
    let _ = writeln!(io::stderr(), "kathea-window: {what}");
    ExitCode::from(code)
}
