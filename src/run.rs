//! The service in the foreground, or once through.

use agent::agent::Finished;
use agent::config::Config;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach;
use crate::systemd;
use crate::texts::machine::Service;
use crate::texts::privacy::Say;
use crate::texts::say;

/// `run`.
pub(crate) fn run(config: Config, once: bool, close: bool) -> Result<Exit, Failure> {
    config.check().map_err(|e| Failure::usage(say(e)))?;
    give_memory_back();
    let mut agent = reach::open(config)?;
    if once {
        return Ok(match agent.run_once(close).map_err(|e| Failure::failed(say(e)))? {
            Finished::Nothing => Exit::Done,
            Finished::Remains => {
                print::words(&say(Say::Remains));
                Exit::Part
            }
        });
    }
    let stop = agent.stopper();
    ctrlc::set_handler(move || {
        systemd::stopping();
        stop.stop();
    })
    .map_err(|_| Failure::failed(say(Service::NoSignals)))?;
    agent.run(systemd::beat().as_ref()).map_err(Failure::failed)?;
    Ok(Exit::Done)
}

/// Begins the program again in this process, with a limit that glibc reads at its start only: what is larger is
/// mapped, and unmapped when it is freed. Without it the limit rises to the largest block that was ever freed.
/// Then sled's page tables, 6 MiB of zeros for each database, are cleared on the heap instead of being mapped,
/// and stay resident (measured with 100,000 records waiting: 13 to 19 MiB instead of 7 to 9; `run --once` on 25,000 files:
/// 26 instead of 12).
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_memory_back() {
    use std::env;
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    const LIMIT: &str = "MALLOC_MMAP_THRESHOLD_";
    if env::var_os(LIMIT).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    // Returns only if it can't be done, and then the service needs more memory and nothing else.
    let error = Command::new(program).args(env::args_os().skip(1)).env(LIMIT, "131072").exec();
    log::debug!("the program cannot begin again with a limit for glibc ({})", error.kind());
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_memory_back() {}
