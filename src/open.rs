//! `open`: starts the window, which lies beside this program, and ends when its page is being opened. The window lives
//! on by itself until the page is closed.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::exit::{Exit, Failure};
use crate::print;
use crate::texts::refusal::Refusal;
use crate::texts::say;
use crate::texts::status::Say;

/// `open`.
pub(crate) fn open(config: &Path, no_browser: bool) -> Result<Exit, Failure> {
    let here = std::env::current_exe().map_err(|_| Failure::failed(say(Refusal::NoProgram)))?;
    let window = here.with_file_name(format!("kathea-window{}", std::env::consts::EXE_SUFFIX));
    let config = std::path::absolute(config).map_err(|_| Failure::usage(say(Refusal::NameConfig)))?;
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
        Failure::failed(say(Refusal::WindowNotStarted { path: window.clone(), why: e.kind() }))
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
            print::words(&say(Say::WindowOpens));
            Ok(Exit::Done)
        }
        None => {
            let mut why = String::new();
            if let Some(mut words) = started.stderr.take() {
                let _ = words.read_to_string(&mut why);
            }
            let why = match why.trim() {
                "" => say(Refusal::WindowSilent),
                why => why.trim_start_matches("kathea-window: ").to_owned(),
            };
            let code = started.wait().ok().and_then(|status| status.code());
            Err(if code == Some(2) { Failure::usage(why) } else { Failure::failed(why) })
        }
    }
}
