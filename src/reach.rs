//! One question to the agent: over its socket, or, where it does not run, directly on its data.

use std::path::Path;

use agent::agent::Agent;
use agent::collect::caller::Accounts;
use agent::collect::socket::{self, AskError};
use agent::config::Config;
use agent::limits;
use agent::request::{Reply, Request};
use serde_json::Value;

use crate::exit::Failure;

/// What is asked.
pub(crate) enum Question {
    /// Something about the agent.
    Request(Request),
    /// One happening, as its line.
    Happening(String),
}

/// Asks, and gives the body of an answer that says done.
pub(crate) fn ask(config: &Config, question: &Question) -> Result<Value, Failure> {
    let line = match question {
        Question::Happening(line) => line.clone(),
        Question::Request(request) => serde_json::to_string(request).map_err(|_| not_understood())?,
    };
    let reply = match socket::ask(&config.kathea.socket, &line, limits::SOCKET_ANSWER + limits::SOCKET_SLOW) {
        Ok(answer) => Reply::parse(&answer).ok_or_else(not_understood)?,
        Err(AskError::NoAnswer) => {
            return Err(Failure::busy("the agent runs but does not answer: try again in a minute"));
        }
        Err(AskError::Nobody | AskError::NotAllowed) => directly(config, question)?,
    };
    if reply.is_done() { Ok(reply.body()) } else { Err(Failure::refused(&reply)) }
}

fn directly(config: &Config, question: &Question) -> Result<Reply, Failure> {
    let caller = Accounts::new(config).own();
    let mut agent = open(config.clone())?;
    Ok(match question {
        Question::Request(request) => agent.answer(request, caller),
        Question::Happening(line) => agent.record(line.as_bytes()),
    })
}

/// Opens the agent in this process.
pub(crate) fn open(config: Config) -> Result<Agent, Failure> {
    become_owner(&config.data_dir)?;
    Agent::open(config).map_err(|e| if e.is_busy() { Failure::busy(e) } else { Failure::failed(e) })
}

fn not_understood() -> Failure {
    Failure::failed("the agent's answer is not understood: is it of another version?")
}

/// Root works on the data as the account that owns it: what root would write, the service could not read.
#[cfg(unix)]
fn become_owner(data_dir: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;

    use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

    let Ok(found) = std::fs::metadata(data_dir) else { return Ok(()) };
    if !geteuid().is_root() || found.uid() == 0 {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()));
    setgroups(&[group]).and_then(|()| setgid(group)).and_then(|()| setuid(user)).map_err(|_| {
        Failure::failed("the account of the data directory cannot be taken on: run this as that account")
    })
}

#[cfg(not(unix))]
fn become_owner(_: &Path) -> Result<(), Failure> {
    Ok(())
}
