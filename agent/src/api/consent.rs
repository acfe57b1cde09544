//! Replies about consent.

use protocol::ledger::Entry;
use protocol::{CaseId, Digest, Purpose};
use serde::{Deserialize, Serialize};

use super::status::{CaseFlags, Ends, Flags, Policy};
use crate::config::Language;
use crate::consent::State;

/// The answer to `list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct List {
    /// Who asks, under which policy.
    pub policy: Controller,
    /// What is asked for.
    pub asked: Vec<Asked>,
    /// The flags that are not asked per case.
    pub consent: Flags,
    /// Until when they last.
    pub ends: Ends,
    /// The flags of each support case.
    pub cases: Vec<CaseFlags>,
}

/// A policy and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Controller {
    /// Name of the policy.
    pub id: String,
    /// Version of the policy.
    pub version: String,
    /// Name of the controller.
    pub controller: String,
}

/// What is asked for under one flag, in English or in the language that `policy_language` names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The flag.
    pub purpose: Purpose,
    /// Whether the policy asks for it.
    pub offered: bool,
    /// How long a grant lasts; empty where it is not offered, as below.
    pub lasts: String,
    /// How long it is kept here.
    pub kept_here: String,
    /// How long the vendor keeps it.
    pub kept_there: String,
}

/// The answer to `show`: what a dialog has to show.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// The flag.
    pub purpose: Purpose,
    /// The policy under which it is asked.
    pub policy: Policy,
    /// SHA-256 of the text, which a grant repeats.
    pub digest: Digest,
    /// The text.
    pub text: Texts,
    /// The flags that are not asked per case.
    pub consent: Flags,
    /// Until when they last.
    pub ends: Ends,
    /// Whether it is time to ask about usage statistics.
    pub ask: bool,
}

/// A text in each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Texts {
    /// Danish.
    pub da: String,
    /// English.
    pub en: String,
}

impl Texts {
    /// In one of them.
    pub fn of(&self, language: Language) -> &str {
        language.pick(&self.en, &self.da)
    }
}

/// The answer to `grant`, `deny`, `withdraw`, `restrict` and `release`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Of the flag, after it.
    pub state: State,
    /// The ledger's line, of a grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<Digest>,
    /// What was erased, by a withdrawal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<Receipt>,
}

impl Answered {
    /// Nothing but the state.
    pub const fn state(state: State) -> Self {
        Self { state, entry: None, receipt: None }
    }

    /// The receipt's text, if there is one.
    pub fn receipt_text(&self) -> Option<&str> {
        self.receipt.as_ref().map(|receipt| receipt.text.as_str())
    }
}

/// What an answer was about; also of one that was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The flag.
    pub purpose: Purpose,
    /// The support case.
    pub case: Option<CaseId>,
}

/// What a withdrawal did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Data keys that were destroyed.
    pub keys: u64,
    /// Records that waited and were never sent.
    pub records: u64,
    /// All of it in words, and what could not be erased.
    pub text: String,
}

/// The answer to `new_owner`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewOwner {
    /// Grants that ended.
    pub ended: u64,
    /// The flags that are not asked per case.
    pub consent: Flags,
}

/// The answer to `receipt`: the answers that were given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipts {
    /// The ledger's lines.
    pub entries: Vec<SignedEntry>,
    /// The very bytes that were signed.
    pub lines: Vec<String>,
    /// All of it in words.
    pub text: Texts,
}

/// A line of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedEntry {
    /// What was answered.
    pub entry: Entry,
    /// Ed25519 over its bytes, base64.
    pub signature: String,
}

/// The answer to `verify`; refused if there are findings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// Lines of the ledger.
    pub entries: u64,
    /// What is wrong with it.
    pub findings: Vec<String>,
}

/// `consent.json` beside the outbox: whether Kathea need write, and ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagsForKathea {
    /// Whether it is time to ask about usage statistics.
    pub ask: bool,
    /// The flag.
    pub usage_statistics: State,
    /// The clinic keeps its own history: then Kathea goes on writing whatever the flag.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_history: bool,
}
