//! The service in the foreground, or once through.

use agent::agent::Finished;
use agent::config::Config;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach;

/// `run`.
pub(crate) fn run(config: Config, once: bool, close: bool) -> Result<Exit, Failure> {
    let mut agent = reach::open(config)?;
    if once {
        return Ok(match agent.run_once(close).map_err(Failure::failed)? {
            Finished::Nothing => Exit::Done,
            Finished::Remains => {
                print::words("something remains to be sent: `kathea-agent status` says why");
                Exit::Part
            }
        });
    }
    let stop = agent.stopper();
    ctrlc::set_handler(move || stop.stop()).map_err(|_| {
        Failure::failed("the system does not pass on its signals: start the agent by its service manager")
    })?;
    agent.run().map_err(Failure::failed)?;
    Ok(Exit::Done)
}
