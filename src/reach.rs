//! One question to the agent: over its socket, or, where it does not run, directly on its data.

use std::path::Path;

use agent::agent::{Agent, OpenError};
use agent::api::Reply;
use agent::api::status::Status;
use agent::collect::caller::Accounts;
use agent::collect::socket::{self, AskError};
use agent::config::Config;
use agent::limits;
#[cfg(unix)]
use agent::presence::{self, Presence};
use agent::request::{Request, SupportRequest};
use serde::de::DeserializeOwned;

use crate::exit::Failure;
use crate::texts::refusal::Refusal;
use crate::texts::say;

/// What is asked.
pub(crate) enum Question {
    /// Something about the agent.
    Request(Request),
    /// One event, as its line.
    EventType(String),
}

/// Asks, and gives the body of an answer that says done.
pub(crate) fn ask<T: DeserializeOwned>(config: &Config, request: Request) -> Result<T, Failure> {
    Line::new(config).ask(request)
}

/// The status: where no service runs, of the data as they lie.
pub(crate) fn status(config: &Config) -> Result<Status, Failure> {
    Line { opens: Agent::open_to_tell, ..Line::new(config) }.ask(Request::Status)
}

/// For several questions: what long work is, one answer does not tell.
pub(crate) struct Line<'c> {
    config: &'c Config,
    /// The agent in this process, where none runs.
    agent: Option<Box<Agent>>,
    /// How it is opened.
    opens: Opens,
}

type Opens = fn(Config) -> Result<Agent, OpenError>;

impl<'c> Line<'c> {
    pub(crate) fn new(config: &'c Config) -> Self {
        Self { config, agent: None, opens: Agent::open }
    }

    /// Asks, and gives the body of an answer that says done.
    pub(crate) fn ask<T: DeserializeOwned>(&mut self, request: Request) -> Result<T, Failure> {
        self.say(&Question::Request(request))
    }

    /// Asks whatever it is, and gives the body of an answer that says done.
    pub(crate) fn say<T: DeserializeOwned>(&mut self, question: &Question) -> Result<T, Failure> {
        let reply = match self.over_the_socket(question)? {
            Some(reply) => reply,
            None => self.directly(question)?,
        };
        if !reply.is_done() {
            return Err(Failure::refused(&reply));
        }
        reply.read().ok_or_else(not_understood)
    }

    /// Asks something about support.
    pub(crate) fn support<T: DeserializeOwned>(&mut self, request: SupportRequest) -> Result<T, Failure> {
        self.ask(Request::Support(request))
    }

    /// Whether the agent runs as a service.
    pub(crate) fn is_service(&mut self) -> Result<bool, Failure> {
        Ok(self.over_the_socket(&Question::Request(Request::Status))?.is_some())
    }

    /// Whether the last answer came from this process, because no service listens.
    pub(crate) fn is_direct(&self) -> bool {
        self.agent.is_some()
    }

    /// `None` if nobody listens.
    fn over_the_socket(&mut self, question: &Question) -> Result<Option<Reply>, Failure> {
        if self.agent.is_some() {
            return Ok(None);
        }
        let line = match question {
            Question::EventType(line) => line.clone(),
            Question::Request(request) => serde_json::to_string(request).map_err(|_| not_understood())?,
        };
        match socket::ask(&self.config.kathea.socket, &line, limits::SOCKET_ANSWER + limits::SOCKET_SLOW) {
            Ok(answer) => Reply::parse(&answer).ok_or_else(not_understood).map(Some),
            Err(AskError::NoAnswer) => Err(Failure::busy(say(Refusal::AgentSilent))),
            Err(AskError::Nobody | AskError::NotAllowed) => Ok(None),
        }
    }

    fn directly(&mut self, question: &Question) -> Result<Reply, Failure> {
        let caller = Accounts::new(self.config).own();
        let agent = match &mut self.agent {
            Some(agent) => agent,
            none => none.insert(Box::new(open_by(self.opens, self.config.clone())?)),
        };
        Ok(match question {
            Question::Request(request) => agent.answer(request, caller),
            Question::EventType(line) => agent.record(line.as_bytes()),
        })
    }
}

/// Opens the agent in this process.
pub(crate) fn open(config: Config) -> Result<Agent, Failure> {
    open_by(Agent::open, config)
}

fn open_by(opens: Opens, config: Config) -> Result<Agent, Failure> {
    become_owner(&config.data_dir)?;
    opens(config).map_err(|e| if e.is_busy() { Failure::busy(say(e)) } else { Failure::failed(say(e)) })
}

/// An answer of another shape.
pub(crate) fn not_understood() -> Failure {
    Failure::failed(say(Refusal::NotUnderstood))
}

/// Root works on the data as the account that owns it: what root would write, the service could not read.
#[cfg(unix)]
fn become_owner(data_dir: &Path) -> Result<(), Failure> {
    use std::os::unix::fs::MetadataExt;

    use nix::unistd::{Gid, Uid, geteuid, setgid, setgroups, setuid};

    let found = presence::stat(data_dir).map_err(|e| {
        Failure::failed(say(Refusal::DataUnreadable { path: data_dir.to_owned(), why: e.kind() }))
    })?;
    let Presence::Found(found) = found else { return Ok(()) };
    if !geteuid().is_root() || found.uid() == 0 {
        return Ok(());
    }
    let (user, group) = (Uid::from_raw(found.uid()), Gid::from_raw(found.gid()));
    setgroups(&[group])
        .and_then(|()| setgid(group))
        .and_then(|()| setuid(user))
        .map_err(|_| Failure::failed(say(Refusal::NoAccount)))
}

#[cfg(not(unix))]
fn become_owner(_: &Path) -> Result<(), Failure> {
    Ok(())
}
