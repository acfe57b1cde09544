//! `sandbox`: starts the program of the integrator's package, which lies beside this one. What a clinic installs does not
//! contain it, because it contains a collector.

use std::process::Command;

use protocol::CaseId;

use crate::exit::{Exit, Failure};

/// The program.
const NAME: &str = "kathea-sandbox";

/// `sandbox`.
pub(crate) fn sandbox(ask: Option<&CaseId>, json: bool) -> Result<Exit, Failure> {
    let here = std::env::current_exe().map_err(|_| Failure::failed("this program does not find itself"))?;
    let program = here.with_file_name(format!("{NAME}{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(&program);
    command.args(ask.map(|case| format!("--ask={case}"))).args(json.then_some("--json"));
    start(command, &program)
}

fn not_started(program: &std::path::Path, e: &std::io::Error) -> Failure {
    if e.kind() == std::io::ErrorKind::NotFound {
        return Failure::failed(format!(
            "{NAME} is not beside this program ({} does not exist): it comes with the integrator's package, not with \
             what a clinic installs",
            agent::harmless::path(program)
        ));
    }
    Failure::failed(format!(
        "{} cannot be started ({}): install the integrator's package again",
        agent::harmless::path(program),
        agent::presence::Why(e.kind())
    ))
}

/// The sandbox takes this process's place, so that signals reach it.
#[cfg(unix)]
fn start(mut command: Command, program: &std::path::Path) -> Result<Exit, Failure> {
    Err(not_started(program, &std::os::unix::process::CommandExt::exec(&mut command)))
}

/// Waits for it. Ctrl-C is the sandbox's own, which ends when it has removed its place.
#[cfg(not(unix))]
fn start(mut command: Command, program: &std::path::Path) -> Result<Exit, Failure> {
    let _ = ctrlc::set_handler(|| {});
    match command.status() {
        Ok(status) if status.success() => Ok(Exit::Done),
        Ok(_) => Err(Failure::failed("the sandbox ended early: what it wrote above says why")),
        Err(e) => Err(not_started(program, &e)),
    }
}
