//! Requests to the service, with the rights of the account that started this program.

use std::path::PathBuf;

use agent::api::{PERSONAL, Reply};
use agent::collect::socket::{self, AskError};
use agent::limits;
use agent::request::Request;
use agent::texts::{Said, Text};
use serde::de::DeserializeOwned;

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The service does not run.
    NotRunning,
    /// The service runs and does not answer.
    NoAnswer,
    /// This account may not ask that.
    NotAllowed(Said),
    /// A patient's name or number seems to be in what was typed.
    Personal(Said),
    /// The service said why not.
    Refused(Said),
    /// The service is of another version.
    NotUnderstood,
}

agent::texts! {
    /// Why the system keeps this account from the service.
    enum Unconnected {
        System => "the system does not let this account connect", "systemet lader ikke kontoen oprette forbindelse";
    }
}

/// The service's socket.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    socket: PathBuf,
}

impl Agent {
    pub(crate) fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Asks, and gives the body of an answer that says done. Waits for it.
    pub(crate) fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Failure> {
        let line = serde_json::to_string(request).map_err(|_| Failure::NotUnderstood)?;
        let answer = socket::ask(&self.socket, &line, limits::SOCKET_ANSWER).map_err(|e| match e {
            AskError::Nobody => Failure::NotRunning,
            AskError::NoAnswer => Failure::NoAnswer,
            AskError::NotAllowed => Failure::NotAllowed(Unconnected::System.said()),
        })?;
        let reply = Reply::parse(&answer).ok_or(Failure::NotUnderstood)?;
        if reply.is_done() {
            return reply.read().ok_or(Failure::NotUnderstood);
        }
        let what = reply.said();
        Err(match reply.error() {
            "not_allowed" => Failure::NotAllowed(what),
            PERSONAL => Failure::Personal(what),
            _ => Failure::Refused(what),
        })
    }
}
