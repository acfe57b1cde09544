//! `sandbox`: starts the program of the integrator's package, which lies beside this one. What a clinic installs does not
//! contain it, because it contains a collector.

use std::process::Command;

use protocol::CaseId;

use crate::exit::{Exit, Failure};
use crate::texts::machine::Say;
use crate::texts::refusal::Refusal;
use crate::texts::say;

/// The program.
const NAME: &str = "kathea-sandbox";

/// `sandbox`.
pub(crate) fn sandbox(ask: Option<&CaseId>, json: bool) -> Result<Exit, Failure> {
    let here = std::env::current_exe().map_err(|_| Failure::failed(say(Refusal::NoProgram)))?;
    let program = here.with_file_name(format!("{NAME}{}", std::env::consts::EXE_SUFFIX));
    let mut command = Command::new(&program);
    command.args(ask.map(|case| format!("--ask={case}"))).args(json.then_some("--json"));
    start(command, &program)
}

fn not_started(program: &std::path::Path, e: &std::io::Error) -> Failure {
    if e.kind() == std::io::ErrorKind::NotFound {
        return Failure::failed(say(Say::NoSandbox { path: program.to_owned() }));
    }
    Failure::failed(say(Say::SandboxNotStarted { path: program.to_owned(), why: e.kind() }))
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
