//! What is asked over the local socket or by the command line, and what is answered.

use protocol::Reason;

use super::{Agent, Wake, unix_now};
use crate::api::Done;
use crate::collect::socket::Asked;
use crate::limits;
use crate::request::{Caller, Refused, Reply, Request};

impl Agent {
    /// Answers a line of the local socket, and those that came meanwhile: one commit for all happenings among them.
    /// What is due besides is not kept waiting by those who go on asking.
    pub(super) fn answer_lines(&mut self, first: Asked) {
        let mut happenings: Vec<(Asked, Vec<u8>)> = Vec::new();
        let mut next = Some(first);
        for _ in 0..limits::SOCKET_GROUP {
            let Some(mut asked) = next.take() else { break };
            match std::mem::replace(&mut asked.line, Ok(Vec::new())) {
                Err(reason) => {
                    self.tally.drop(reason, 1);
                    asked.answer(happening_reply(Err(reason)));
                }
                Ok(line) => match serde_json::from_slice::<Request>(&line) {
                    Ok(Request::Enroll { url, token }) if asked.caller.administrator => {
                        self.enroll_beside(asked, url.as_deref(), &token);
                    }
                    Ok(request) => {
                        let reply = self.answer(&request, asked.caller);
                        asked.answer(reply);
                    }
                    Err(_) if asked.caller.may_report() => happenings.push((asked, line)),
                    Err(_) => {
                        asked.answer(Reply::refused(Refused::NotAllowed, "this account may not report"))
                    }
                },
            }
            next = match self.wakes.1.try_recv() {
                Ok(Wake::Asked(asked)) => Some(asked),
                Ok(other) => {
                    let _ = self.wakes.0.send(other);
                    None
                }
                Err(_) => None,
            };
        }
        if let Some(asked) = next {
            let _ = self.wakes.0.send(Wake::Asked(asked));
        }
        let lines: Vec<&[u8]> = happenings.iter().map(|(_, line)| line.as_slice()).collect();
        let answers = self.take_lines(&lines);
        for ((asked, _), answer) in happenings.into_iter().zip(answers) {
            asked.answer(happening_reply(answer));
        }
    }

    /// Takes in one happening, by hand.
    pub fn record(&mut self, line: &[u8]) -> Reply {
        let answer = self.take_lines(&[line]).pop();
        happening_reply(answer.unwrap_or(Err(Reason::NotJson)))
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &Request, caller: Caller) -> Reply {
        if !caller.may(request) && !self.is_claimed(request) {
            return Reply::refused(Refused::NotAllowed, not_allowed(request));
        }
        match request {
            Request::Busy => {
                self.busy_until = Some(self.since_start() + limits::BUSY_LEASE);
                Reply::done(Done {})
            }
            Request::Idle => {
                self.busy_until = None;
                Reply::done(Done {})
            }
            Request::Status => Reply::done(self.status(unix_now())),
            Request::Consent(consent) => self.answer_consent(consent, caller, unix_now()),
            Request::Privacy(ask) => self.answer_privacy(ask, unix_now()),
            Request::Support(support) => self.answer_support(support, caller, unix_now()),
            Request::Enroll { url, token } => self.enroll(url.as_deref(), token),
        }
    }
}

/// What the caller lacks, and what it may do instead.
fn not_allowed(request: &Request) -> &'static str {
    if !request.needs_the_clinic() {
        "this account may not do that: granting needs the group of [consent] group, the rest an administrator"
    } else if request.claim().is_some() {
        "the claim code is not this device's: `kathea-agent privacy claim` prints it to an administrator"
    } else {
        "erasing what was sent, and a change of owner, need a member of [consent] group or the claim code of this \
         device; a withdrawal without erasure (`consent withdraw PURPOSE`) needs neither"
    }
}

fn happening_reply(answer: Result<(), Reason>) -> Reply {
    match answer {
        Ok(()) => Reply::done(Done {}),
        Err(reason) => {
            Reply::not_taken(reason.as_str(), "the line was refused and counted under this reason")
        }
    }
}
