//! What can be asked of the agent, by the command line and by Kathea, in process or over the local socket.
//!
//! One JSON object a line. A line with `event` is a happening (see `collect`), one with `request` is one of
//! these. Each is answered by one line, `{"ok":true,...}` or `{"ok":false,"error":"WORD","what":"SENTENCE"}`.

mod support;

use protocol::ledger::{Role, Session};
use protocol::{CaseId, Purpose};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

pub use support::SupportRequest;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// A scan runs: a lease of five minutes, renewable.
    Busy,
    /// No scan runs.
    Idle,
    /// The body of `status --json`.
    Status,
    /// About consent.
    Consent(ConsentRequest),
    /// About what is held and what was sent.
    Privacy(PrivacyAsk),
    /// About a support case.
    Support(SupportRequest),
    /// One-time token to certificate.
    Enroll {
        /// The collector's, if not the configuration's.
        #[serde(default)]
        url: Option<String>,
        /// The one-time token.
        token: String,
    },
}

/// `{"request":"consent","action":"grant","purpose":"usage_statistics","by":"owner","yes":"DIGEST"}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentRequest {
    /// What to do.
    pub action: ConsentAction,
    /// About which flag; `list` and `verify` take none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// About which support case, for the flags that are asked per case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// Who says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Role>,
    /// Digest of the text that was shown, 16 or more of its digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yes: Option<String>,
    /// Where the person sits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// A withdrawal also asks for erasure of what was sent.
    #[serde(default)]
    pub erase: bool,
}

impl ConsentRequest {
    /// Only what to do.
    pub const fn new(action: ConsentAction) -> Self {
        Self { action, purpose: None, case: None, by: None, yes: None, session: None, erase: false }
    }
}

/// What to do about a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConsentAction {
    /// `consent` and `cases` of `status`.
    List,
    /// `{"purpose","policy","digest","text":{"da","en"}}`
    Show,
    /// Yes.
    Grant,
    /// No.
    Deny,
    /// Not any more. The answer has the receipt: `{"receipt":{"keys","records","text"}}`
    Withdraw,
    /// Not for now: keep, but neither read nor send.
    Restrict,
    /// The end of that.
    Release,
    /// The clinic has another owner: every yes ends, and what waits under it is erased.
    NewOwner,
    /// `{"entries":[{"entry","signature"}],"lines":["..."],"text":{"da","en"}}`: every answer that was given, or those
    /// to one flag; `lines` are the very bytes that were signed.
    Receipt,
    /// `{"entries":n,"findings":["..."]}`; `ok` is false if there are findings.
    Verify,
}

/// What was sent last, beside the trays of the spool.
pub const SENT: &str = "sent";

/// `{"request":"privacy","action":"records","tray":"usage","from":0}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum PrivacyAsk {
    /// `{"status","policy","ledger","tickets"}`: all that is held beside the records of the trays. With `vendor` the
    /// vendor is asked for what it holds.
    Access {
        /// Ask the vendor too.
        #[serde(default)]
        vendor: bool,
    },
    /// `{"records":[...],"next":n}`: a page of what waits in a tray, `next` where there is more.
    Records {
        /// `open`, `usage`, `requests` or `sent`.
        tray: String,
        /// The first number of the page.
        from: u64,
    },
    /// `{"claim"}`: the code with which the owner can ask for erasure when this device is dead.
    Claim,
    /// Ask the vendor to correct what it holds of a case.
    Rectify {
        /// Which.
        case: CaseId,
    },
    /// Erase all that is held here but the ledger, and ask the vendor to erase what was sent.
    Erase {
        /// Where the person sits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<Session>,
    },
    /// The device is taken out of use: every key is shredded, the vendor is told.
    Decommission {
        /// Send what waits first, as far as it may leave.
        drain: bool,
        /// Where the person sits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<Session>,
    },
}

/// Who asks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The agent's own account, or an administrator.
    pub administrator: bool,
    /// The account of `[kathea] user`.
    pub kathea: bool,
    /// A member of `[consent] group`.
    pub may_grant: bool,
}

impl Caller {
    /// Whether this caller may ask that. Saying no needs nothing.
    pub fn may(self, request: &Request) -> bool {
        match request {
            Request::Busy | Request::Idle | Request::Status => self.administrator || self.kathea,
            Request::Consent(consent) => match consent.action {
                ConsentAction::Grant | ConsentAction::Release => self.may_grant,
                _ => true,
            },
            Request::Support(support) => support.is_for(self),
            // To erase is to say no; what is held may name a case, and is shown to those who decide about it.
            Request::Privacy(PrivacyAsk::Erase { .. }) => true,
            Request::Privacy(
                PrivacyAsk::Access { .. } | PrivacyAsk::Records { .. } | PrivacyAsk::Rectify { .. },
            ) => self.administrator || self.may_grant,
            Request::Privacy(PrivacyAsk::Decommission { .. } | PrivacyAsk::Claim)
            | Request::Enroll { .. } => self.administrator,
        }
    }

    /// Whether this caller may report happenings.
    pub fn may_report(self) -> bool {
        self.administrator || self.kathea
    }
}

/// The word of [`Refused::Personal`].
pub const PERSONAL: &str = "personal";

/// Why a request was not done, as a word for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It went wrong.
    Failed,
    /// The request makes no sense.
    Usage,
    /// By consent, policy or rights.
    NotAllowed,
    /// The agent can't now.
    Busy,
    /// A patient's name or number seems to be in what was typed: change it, or say that it leaves as it is.
    Personal,
}

impl Refused {
    /// In `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotAllowed => "not_allowed",
            Self::Busy => "busy",
            Self::Personal => PERSONAL,
        }
    }
}

/// An answer. The body's keys stand beside `ok`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply(Map<String, Value>);

impl Reply {
    /// Done; `body` is an object.
    pub fn done(body: Value) -> Self {
        let mut map = Map::new();
        map.insert("ok".into(), json!(true));
        if let Value::Object(body) = body {
            map.extend(body);
        }
        Self(map)
    }

    /// Not done. `what` says what happened and what to do, in one or two sentences.
    pub fn refused(error: Refused, what: impl Into<String>) -> Self {
        Self::not_taken(error.as_str(), what)
    }

    /// A happening that was not taken, by its reason's word.
    pub fn not_taken(error: &str, what: impl Into<String>) -> Self {
        let body = json!({"ok": false, "error": error, "what": what.into()});
        Self(body.as_object().cloned().unwrap_or_default())
    }

    /// The same answer, with these keys beside its own.
    #[must_use]
    pub fn with(mut self, body: Value) -> Self {
        if let Value::Object(body) = body {
            self.0.extend(body);
        }
        self
    }

    /// From a line of the socket.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str::<Map<String, Value>>(line).ok().filter(|map| map.contains_key("ok")).map(Self)
    }

    /// As a line of the socket, without the line feed.
    pub fn line(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// Whether it was done.
    pub fn is_done(&self) -> bool {
        self.0.get("ok") == Some(&Value::Bool(true))
    }

    /// What stands beside `ok`.
    pub fn body(&self) -> Value {
        let mut body = self.0.clone();
        body.remove("ok");
        Value::Object(body)
    }

    /// The exit code that the command line ends with: 0, 1, 2, 4 or 5 (design of the command line).
    pub fn exit_code(&self) -> u8 {
        match self.0.get("error").and_then(Value::as_str) {
            _ if self.is_done() => 0,
            Some("usage" | PERSONAL) => 2,
            Some("not_allowed" | "no_consent") => 4,
            Some("busy") => 5,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_the_documented_lines() {
        let line = r#"{"request":"consent","action":"grant","purpose":"usage_statistics","by":"privacy_officer","yes":"00ff"}"#;
        let request: Request = serde_json::from_str(line).unwrap();
        let Request::Consent(consent) = &request else { panic!("a consent request") };
        assert_eq!((consent.action, consent.by), (ConsentAction::Grant, Some(Role::PrivacyOfficer)));
        assert_eq!(serde_json::from_str::<Request>(r#"{"request":"status"}"#).unwrap(), Request::Status);
    }

    #[test]
    fn saying_no_needs_nothing_and_saying_yes_needs_the_group() {
        let request = |action| Request::Consent(ConsentRequest::new(action));
        let anybody = Caller::default();
        assert!(anybody.may(&request(ConsentAction::Withdraw)) && anybody.may(&request(ConsentAction::Deny)));
        assert!(!anybody.may(&request(ConsentAction::Grant)) && !anybody.may(&Request::Status));
        let administrator = Caller { administrator: true, ..anybody };
        assert!(!administrator.may(&request(ConsentAction::Grant)));
        assert!(Caller { may_grant: true, ..anybody }.may(&request(ConsentAction::Grant)));
    }

    #[test]
    fn a_reply_survives_its_line() {
        let reply = Reply::done(json!({"version": "0.1.0"}));
        assert_eq!(Reply::parse(&reply.line()), Some(reply.clone()));
        assert_eq!(reply.exit_code(), 0);
        assert_eq!(Reply::refused(Refused::NotAllowed, "no").exit_code(), 4);
        assert_eq!(Reply::parse("[]"), None);
    }
}
