//! Requests to the agent, from the command line and Kathea, in process or over the local socket.
//!
//! One JSON object a line. A line with `event` or `at` is an event (see `collect`), every other one is one of
//! these, or misspelt. Each is answered by one line, `{"ok":true,...}` or `{"ok":false,"error":"WORD","what":"SENTENCE"}`.

mod claim;
mod line;
mod support;

use protocol::ledger::{Role, Session};
use protocol::{CaseId, Purpose};
use serde::{Deserialize, Serialize};

pub use crate::api::{Refused, Reply};
pub use claim::ClaimCode;
pub use line::{ACTIONS, Line, REQUESTS};
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
    /// Talk to the collector now: `{"contacts"}`, which a contact that was answered increases in `status`.
    Contact,
    /// About consent.
    Consent(ConsentRequest),
    /// About what is held and what was sent.
    Privacy(PrivacyAsk),
    /// About the clinic's own history.
    History(HistoryAsk),
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
    /// The device's claim code, from whoever is not in the consent group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claim: Option<ClaimCode>,
}

impl ConsentRequest {
    /// Only what to do.
    pub const fn new(action: ConsentAction) -> Self {
        let (purpose, case, by, yes, session, claim) = (None, None, None, None, None, None);
        Self { action, purpose, case, by, yes, session, erase: false, claim }
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

/// `{"request":"history","action":"show"}`; each is answered by the history after it: `{"keeping","figures"}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum HistoryAsk {
    /// Only show it.
    Show,
    /// Keep it from now on.
    On,
    /// Keep it no longer. What was kept stays.
    Off,
    /// Keep it no longer, and erase what was kept.
    Erase,
}

/// Pseudo-queue of the batches sent last.
pub const SENT: &str = "sent";

/// `{"request":"privacy","action":"records","tray":"usage","from":0}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum PrivacyAsk {
    /// `{"status","policy","ledger","tickets"}`: everything held apart from the records of the queues. With `vendor` the
    /// vendor is asked for what it holds.
    Access {
        /// Ask the vendor too.
        #[serde(default)]
        vendor: bool,
    },
    /// `{"records":[...],"next":n}`: one page of a queue; `next` where there is more.
    Records {
        /// `open`, `usage`, `requests` or `sent`.
        #[serde(rename = "tray")]
        queue: String,
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
    /// Object to the vendor's use of what was sent, of a case or of everything: it is used no more unless the vendor shows
    /// why it may.
    Object {
        /// Only what was sent of this case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<CaseId>,
    },
    /// `{"data","offset","bytes"}`: a piece of the vendor's answer to a request to see what it holds.
    Answer {
        /// Where the piece begins.
        offset: u64,
    },
    /// Take back what the vendor was asked to erase, of a case or of everything: within 14 days.
    Revoke {
        /// Only what was asked of this case.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        case: Option<CaseId>,
    },
    /// Erase all that is held here but the ledger, and ask the vendor to erase what was sent.
    Erase {
        /// Who says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Role>,
        /// Where the person sits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<Session>,
        /// The device's claim code, from whoever is not in the consent group.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        claim: Option<ClaimCode>,
    },
    /// Takes the device out of use: every key is shredded, the vendor is informed.
    Decommission {
        /// Send what waits first, as far as it may leave.
        drain: bool,
        /// Who says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Role>,
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
    /// Whether this caller may ask that. Saying no needs nothing. A claim code is looked at elsewhere.
    pub fn may(self, request: &Request) -> bool {
        match request {
            _ if request.needs_the_clinic() => self.may_grant,
            Request::Busy | Request::Idle => self.administrator || self.kathea,
            Request::Contact | Request::History(_) => self.administrator || self.may_grant,
            Request::Status => self.administrator || self.kathea || self.may_grant,
            Request::Consent(consent) => match consent.action {
                ConsentAction::Grant | ConsentAction::Release => self.may_grant,
                _ => true,
            },
            Request::Support(support) => support.is_for(self),
            Request::Privacy(PrivacyAsk::Erase { .. } | PrivacyAsk::Revoke { .. }) => self.may_grant,
            // What is held may name a case, and is shown to those who decide about it.
            Request::Privacy(
                PrivacyAsk::Access { .. }
                | PrivacyAsk::Answer { .. }
                | PrivacyAsk::Records { .. }
                | PrivacyAsk::Rectify { .. }
                | PrivacyAsk::Object { .. },
            ) => self.administrator || self.may_grant,
            Request::Privacy(PrivacyAsk::Decommission { .. } | PrivacyAsk::Claim)
            | Request::Enroll { .. } => self.administrator,
        }
    }

    /// Whether this caller may report events.
    pub fn may_report(self) -> bool {
        self.administrator || self.kathea
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
}
