//! `service`: the agent under the system's service manager.

#[cfg(windows)]
mod install;
#[cfg(windows)]
mod windows;

use std::path::Path;

use crate::cli::Service;
use crate::exit::{Exit, Failure};
#[cfg(not(windows))]
use crate::texts::machine::Service as Say;
#[cfg(not(windows))]
use crate::texts::say;

/// `service install|uninstall|start|stop`.
#[cfg(windows)]
pub(crate) fn service(command: &Service, config: &Path) -> Result<Exit, Failure> {
    let done = carry_out(command, config);
    // An installer shows nobody what its commands print.
    if let Err(failure) = &done {
        crate::logger::to_event_log(windows::NAME, &failure.to_string());
    }
    done
}

#[cfg(windows)]
fn carry_out(command: &Service, config: &Path) -> Result<Exit, Failure> {
    match command {
        Service::Install { collector, token_file, ca_file } => {
            let token = token_file
                .as_deref()
                .map(|file| crate::given::read_word(file, crate::texts::refusal::Holds::Token))
                .transpose()?;
            let was_there = windows::is_there();
            install::install(config, collector.as_deref(), ca_file.as_deref())?;
            windows::stop()?;
            windows::start()?;
            if let Some(token) = token {
                let enrolled = windows::wait_for_answer(config)
                    .and_then(|()| crate::enroll::enroll(&crate::given::load(config)?, None, token, false));
                if enrolled.is_err() && !was_there {
                    // All or nothing, also where the installer takes nothing back.
                    install::uninstall()?;
                }
                enrolled?;
            }
        }
        Service::Uninstall => install::uninstall()?,
        Service::Start => windows::start()?,
        Service::Stop => windows::stop()?,
        Service::Run => windows::run(config)?,
    }
    Ok(Exit::Done)
}

/// On Linux the package brings the unit, its account and its key; starting and stopping is systemd's.
#[cfg(not(windows))]
pub(crate) fn service(command: &Service, _: &Path) -> Result<Exit, Failure> {
    let verb = match command {
        Service::Start => "start",
        Service::Stop => "stop",
        Service::Install { .. } | Service::Uninstall => {
            return Err(Failure::usage(say(Say::OfItsPackage)));
        }
        Service::Run => return Err(Failure::usage(say(Say::ForWindows))),
    };
    let done = std::process::Command::new("systemctl").args([verb, "kathea-agent.service"]).status();
    if done.is_ok_and(|status| status.success()) {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(say(Say::Unmoved { verb: verb.to_owned() })))
}
