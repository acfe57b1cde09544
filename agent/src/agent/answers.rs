//! Requests of the local socket and the command line, and their replies.

use protocol::Reason;

use super::consents::is_claimed;
use super::cx::may_send;
use super::decisions::{channel, refused};
use super::refusal::Refusal;
use super::uplink::connection::{enroll_beside, enrolment};
use super::{Agent, Parts, Wake};
use crate::api::{Contacts, Done, Hint};
use crate::collect::Raw;
use crate::collect::socket::Asked;
use crate::consent::By;
use crate::history::Kept;
use crate::limits;
use crate::request::{Caller, HistoryAsk, Line, Refused, Reply, Request, SupportRequest};
use crate::usage::validation;

impl Agent {
    /// Answers a line of the local socket and those that arrived meanwhile; all events among them share one commit.
    /// What is due besides is not kept waiting by those who go on asking.
    pub(super) fn answer_lines(&mut self, first: Asked) {
        let mut events: Vec<(Asked, Vec<u8>)> = Vec::new();
        let mut next = Some(first);
        for _ in 0..limits::SOCKET_GROUP {
            let Some(mut asked) = next.take() else { break };
            match std::mem::replace(&mut asked.line, Ok(Vec::new())) {
                Err(reason) => {
                    self.counters.drop(reason, 1);
                    asked.answer(not_taken(&[], reason));
                }
                Ok(line) => match Line::read(&line) {
                    Line::Request(Request::Enroll { url, token }) if asked.caller.administrator => {
                        let wakes = self.wakes.0.clone();
                        let wake = move |enrolled| drop(wakes.send(Wake::Enrolled(Box::new(enrolled))));
                        enroll_beside(&self.parts().cx, wake, asked, url.as_deref(), &token);
                    }
                    Line::Request(request) => {
                        let reply = self.answer(&request, asked.caller);
                        asked.answer(reply);
                    }
                    Line::Misread(reply) => asked.answer(reply),
                    Line::Event if asked.caller.may_report() => events.push((asked, line)),
                    Line::Event => asked.answer(Reply::refused(Refused::NotAllowed, Refusal::MayNotReport)),
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
        let lines: Vec<&[u8]> = events.iter().map(|(_, line)| line.as_slice()).collect();
        let answers = self.take_lines(&lines);
        for ((asked, line), answer) in events.into_iter().zip(answers) {
            asked.answer(event_reply(&line, answer));
        }
        self.save_own_history();
    }

    /// Saves what events added to the clinic's own history. One that is not saved is a problem of `status`.
    fn save_own_history(&mut self) {
        let Parts { usage, mut cx, .. } = self.parts();
        let _ = usage.save_own(&mut cx);
    }

    /// Takes in one event from the command line.
    pub fn record(&mut self, line: &[u8]) -> Reply {
        let answer = self.take_lines(&[line]).pop();
        self.save_own_history();
        event_reply(line, answer.unwrap_or(Err(Reason::NotJson)))
    }

    /// Answers a request.
    pub fn answer(&mut self, request: &Request, caller: Caller) -> Reply {
        if !caller.may(request) && !is_claimed(&self.registry, &self.vault, request) {
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
            Request::Status => Reply::done(self.status(self.now())),
            Request::Contact => self.contact(),
            Request::Consent(consent) => self.answer_consent(consent, caller, self.now()),
            Request::Privacy(ask) => self.answer_privacy(ask, self.now()),
            Request::History(ask) => self.answer_history(*ask),
            Request::Support(support) => self.answer_support(support, caller, self.now()),
            Request::Enroll { url, token } => self.enroll(url.as_deref(), token),
        }
    }

    /// Answers a request about support. The caller's right was checked.
    pub(super) fn answer_support(&mut self, request: &SupportRequest, caller: Caller, now: i64) -> Reply {
        self.with_cases(|cases, cx| cases.finish_job(cx));
        match request {
            SupportRequest::Scans => self.with_cases(|cases, cx| cases.start_list(cx)),
            SupportRequest::Preview { case_request } => {
                let status = self.status(now);
                self.with_cases(|cases, cx| cases.start_gathering(cx, case_request, &status))
            }
            SupportRequest::Progress => self.cases.jobs.progress(),
            SupportRequest::Stop => self.cases.jobs.stop(),
            SupportRequest::Begin { case } => {
                let status = self.status(now);
                self.with_cases(|cases, cx| cases.begin_elsewhere(cx, case, status))
            }
            SupportRequest::Adopt { draft, key } => self.with_cases(|cases, cx| cases.adopt(cx, draft, key)),
            SupportRequest::Show { draft, file, offset } => {
                self.with_cases(|cases, cx| cases.show_file(cx, draft, file, *offset))
            }
            SupportRequest::Create { draft, yes, by, session } => {
                let by = By { role: Some(*by), channel: channel(caller), session: *session };
                self.create_bundle(draft, yes, by)
            }
            SupportRequest::Find { file } => self.with_cases(|cases, cx| cases.find(cx, file)),
            SupportRequest::List => Reply::done(self.cases.list()),
            SupportRequest::Export { bundle, offset } => {
                self.with_cases(|cases, cx| cases.export(cx, bundle, *offset))
            }
            SupportRequest::Send { bundle } => {
                let is_enrolled = self.uplink.is_enrolled();
                self.with_cases(|cases, cx| cases.send_again(cx, bundle, is_enrolled))
            }
            SupportRequest::Discard { id } => self.with_cases(|cases, cx| cases.discard(cx, id)),
        }
    }

    /// The yes to a draft, and the sealing that follows from it.
    fn create_bundle(&mut self, draft: &str, yes: &str, by: By) -> Reply {
        let wanted = match self.with_cases(|cases, cx| cases.wanted(cx, draft, yes)) {
            Ok(wanted) => wanted,
            Err(reply) => return reply,
        };
        for flag in &wanted.flags {
            if let Err(trouble) = self.grant(flag, yes, Some(wanted.digest), by) {
                return refused(&trouble);
            }
        }
        self.with_cases(|cases, cx| cases.seal(cx, wanted))
    }

    /// Asks for a contact, if anything may be sent at all.
    fn contact(&mut self) -> Reply {
        if !may_send(&self.registry, self.now()) {
            return Reply::refused(Refused::NotAllowed, Refusal::NothingMayBeSent);
        }
        if !self.uplink.is_enrolled() {
            return Reply::refused(Refused::Failed, Refusal::NotConnected);
        }
        let elapsed = self.since_start();
        self.uplink.contacts.ask(elapsed);
        Reply::done(Contacts { contacts: self.uplink.contacts.answered() })
    }

    /// Answers a request about the clinic's own history. The caller's right was checked.
    pub(super) fn answer_history(&mut self, ask: HistoryAsk) -> Reply {
        let Parts { usage, mut cx, .. } = self.parts();
        let done = match ask {
            HistoryAsk::Show => return Reply::done(usage.own_history()),
            HistoryAsk::On => {
                let now = cx.now;
                usage.switch_history(&mut cx, Kept::On(now))
            }
            HistoryAsk::Off => usage.switch_history(&mut cx, Kept::Off),
            HistoryAsk::Erase => self.erase_history().map(drop),
        };
        if let Err(trouble) = done {
            return Reply::refused(Refused::Failed, trouble);
        }
        self.write_flags_for_kathea();
        Reply::done(self.usage.own_history())
    }

    /// One-time token to certificate. An administrator's explicit act; waits for the collector's answer.
    fn enroll(&mut self, url: Option<&str>, token: &str) -> Reply {
        match enrolment(&self.parts().cx, url, token) {
            Ok(enrolment) => {
                let answered = enrolment.carry_out();
                let Parts { uplink, mut cx, .. } = self.parts();
                uplink.keep_enrolment(&mut cx, answered)
            }
            Err(what) => Reply::refused(Refused::Failed, what),
        }
    }
}

/// What the caller lacks, and what it may do instead.
fn not_allowed(request: &Request) -> Refusal {
    if !request.needs_the_clinic() {
        Refusal::MayNot
    } else if request.claim().is_some() {
        Refusal::OtherClaim
    } else {
        Refusal::NeedsTheClinic
    }
}

fn event_reply(line: &[u8], answer: Result<(), Reason>) -> Reply {
    answer.map_or_else(|reason| not_taken(line, reason), |()| Reply::done(Done {}))
}

/// Says what is wrong with an event, in words of the catalog.
fn not_taken(line: &[u8], reason: Reason) -> Reply {
    let wrong = validation::explain(Raw::new(line), reason);
    let counted = "the event was rejected and counted under this reason";
    let what = wrong.what.map_or_else(|| counted.to_owned(), |what| format!("{what}; {counted}"));
    let hint =
        Hint { attribute: wrong.attribute.map(str::to_owned), nearest: wrong.nearest.map(str::to_owned) };
    Reply::not_taken(reason.as_str(), what).with(hint)
}

// Windows says of what lies below a file that it is not there: there this error cannot be made.
#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::agent::health::Subject;
    use crate::config::Config;

    #[test]
    fn requests_alone_do_not_walk_the_spool() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let text = format!("data_dir = {data:?}\n[keys]\nprotector = \"file\"\n");
        let mut agent = Agent::open(Config::parse(&text).unwrap()).unwrap();
        // Whoever walks the spool now meets an error.
        let _ = std::fs::remove_dir_all(data.join("spool"));
        std::fs::write(data.join("spool"), b"").unwrap();
        assert_eq!(agent.take_lines(&[]), vec![]);
        assert!(!agent.health.is_raised(Subject::Upkeep));
        agent.keep_in_order();
        assert!(agent.health.is_raised(Subject::Upkeep), "a walk is seen");
    }
}
