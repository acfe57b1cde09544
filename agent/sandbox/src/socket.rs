//! The sandbox's socket: every line goes to the agent as it came, and the agent's answer back. The answer is shown too.

use std::sync::Mutex;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use agent::api::{Refused, Reply};
use agent::collect::caller::Accounts;
use agent::collect::socket::{self, Asked, Listening};
use agent::config::Config;
use agent::request::Line;

use crate::Wake;
use crate::place::Place;
use crate::verdict::{self, Verdict};

/// Longest wait for the agent's answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Opens it. What is said goes to `wakes`.
pub(crate) fn open(place: &Place, wakes: Sender<Wake>) -> Result<Listening, String> {
    let config = Config::load(&place.config).map_err(|e| e.to_string())?;
    let inner = place.agents_socket.clone();
    let wakes = Mutex::new(wakes);
    let sink = move |asked: Asked| {
        let (verdict, reply) = answered(&asked, |line| {
            socket::ask(&inner, line, PATIENCE).ok().and_then(|answer| Reply::parse(&answer))
        });
        asked.answer(reply);
        wakes.lock().is_ok_and(|wakes| wakes.send(Wake::Said(verdict)).is_ok())
    };
    socket::listen(&place.socket, Accounts::new(&config), Instant::now, sink)
        .map_err(|e| format!("the socket cannot be opened: {}", agent::presence::Why(e.kind())))
}

/// What the agent answers to a line. What it would not read as a line of text it does not get: the reason is the same.
fn answered(asked: &Asked, ask: impl Fn(&str) -> Option<Reply>) -> (Verdict, Reply) {
    let line = match &asked.line {
        Ok(line) => line,
        Err(reason) => return verdict::unread(*reason),
    };
    let Ok(text) = std::str::from_utf8(line) else { return verdict::unread(protocol::Reason::NotUtf8) };
    let reply = ask(text).unwrap_or_else(|| {
        Reply::refused(Refused::Busy, "the sandbox's agent does not answer: start it anew")
    });
    let is_event = matches!(Line::read(line), Line::Event);
    (Verdict::of_reply(line, is_event, &reply), reply)
}
