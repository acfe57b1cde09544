//! `open`: starts the window, which lies beside this program, and ends when its page is being opened. The window lives
//! on by itself until the page is closed.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use agent::presence::Why;

use crate::exit::{Exit, Failure};
use crate::print;

/// `open`.
pub(crate) fn open(config: &Path, no_browser: bool) -> Result<Exit, Failure> {
    let here = std::env::current_exe().map_err(|_| Failure::failed("this program does not find itself"))?;
    let window = here.with_file_name(format!("kathea-window{}", std::env::consts::EXE_SUFFIX));
    let config =
        std::path::absolute(config).map_err(|_| Failure::usage("name the configuration with --config"))?;
    let mut command = Command::new(&window);
    command.arg("--config").arg(config).stdin(Stdio::null());
    // Not this program's own ends: whoever waits for them to close would wait for the window.
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    if no_browser {
        command.arg("--no-browser");
    }
    // It goes on when the terminal is closed.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut started = command.spawn().map_err(|e| {
        Failure::failed(format!(
            "the window {} cannot be started ({}): install the whole package again",
            agent::harmless::path(&window),
            Why(e.kind())
        ))
    })?;
    let mut said = String::new();
    if let Some(out) = started.stdout.take() {
        // Nothing is said where it failed: then it has said why on standard error.
        let _ = BufReader::new(out).read_line(&mut said);
    }
    match said.trim_end().strip_prefix("page ") {
        Some(page) if no_browser => {
            print::data(page)?;
            Ok(Exit::Done)
        }
        Some(_) => {
            print::words("The window opens in your browser, and ends when you close its page.");
            Ok(Exit::Done)
        }
        None => {
            let mut why = String::new();
            if let Some(mut words) = started.stderr.take() {
                let _ = words.read_to_string(&mut why);
            }
            let why = match why.trim() {
                "" => "the window did not start: use `status` and `support`",
                why => why.trim_start_matches("kathea-window: "),
            };
            let code = started.wait().ok().and_then(|status| status.code());
            Err(if code == Some(2) { Failure::usage(why) } else { Failure::failed(why) })
        }
    }
}
