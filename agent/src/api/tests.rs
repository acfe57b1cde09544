//! Every recorded answer is one of the types, with nothing lost and nothing added.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::consent::{About, Answered, List, NewOwner, Notice, Receipts, Verified};
use super::privacy::{Access, ClaimCode, Decommissioned, Erased, Objected, Page, Rectified, Revoked};
use super::status::Status;
use super::support::{
    Begun, BundleRow, Bundled, Discarded, Drafted, Elsewhere, List as SupportList, Piece, Progress, Scans,
    Work,
};
use super::*;

#[derive(Deserialize)]
struct Recorded {
    name: String,
    reply: Value,
}

fn recorded() -> Vec<Recorded> {
    let lines = include_str!("replies.ndjson").lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The answer, read and written again by both ends.
fn again<T: Serialize + DeserializeOwned>(recorded: &Recorded) -> Value {
    let reply = Reply::parse(&recorded.reply.to_string()).unwrap();
    let body: T = reply.clone().read().unwrap_or_else(|| panic!("{}: {}", recorded.name, recorded.reply));
    let written = if reply.is_done() {
        Reply::done(body)
    } else {
        Reply::not_taken(reply.error(), reply.said()).with(body)
    };
    serde_json::from_str(&written.line()).unwrap()
}

/// An answer about a flag has what it was about beside what came of it.
#[derive(Serialize, Deserialize)]
struct AnsweredAbout {
    #[serde(flatten)]
    answered: Answered,
    #[serde(flatten)]
    about: About,
}

type Way = fn(&Recorded) -> Value;

fn way(name: &str) -> Way {
    match name {
        "event" | "busy" | "idle" | "support stop" => again::<Done>,
        "consent list" | "consent list, answered" => again::<List>,
        "consent show" | "consent show of a case" | "consent show of an answered flag" => again::<Notice>,
        "consent deny" | "grant" | "restrict" | "release" | "withdraw" | "withdraw a case"
        | "withdraw once more" => again::<AnsweredAbout>,
        "grant of another digest" => again::<About>,
        "event that is not listed"
        | "event with an unknown attribute"
        | "event with another word"
        | "misspelt key"
        | "misspelt request" => again::<Hint>,
        "new owner" => again::<NewOwner>,
        "receipt of all" | "receipt of one" => again::<Receipts>,
        "verify" => again::<Verified>,
        "enroll" => again::<Enrolled>,
        "access" | "access, the vendor too" | "access, with tickets" => again::<Access>,
        "claim" => again::<ClaimCode>,
        "rectify" => again::<Rectified>,
        "object" => again::<Objected>,
        "revoke" => again::<Revoked>,
        "erase" => again::<Erased>,
        "decommission" | "decommission, vendor not informed" => again::<Decommissioned>,
        "support preview" | "support create" | "support scans" => again::<Begun>,
        "support progress, held" => again::<Progress>,
        "support preview, done" | "support preview, no scans" => again::<Work<Drafted>>,
        "support create, done" | "support create, no scans" => again::<Work<Bundled>>,
        "support scans, done" => again::<Work<Scans>>,
        "support list, a draft" | "support list, a bundle" => again::<SupportList>,
        "support show" | "support export" => again::<Piece>,
        "support begin" | "support begin, a new case" => again::<Elsewhere>,
        "support discard" => again::<Discarded>,
        name if name.starts_with("status") => again::<Status>,
        name if name.starts_with("records") => again::<Page>,
        _ => again::<Done>,
    }
}

#[test]
fn every_recorded_answer_is_read_and_written_again_as_it_was() {
    let recorded = recorded();
    assert!(recorded.len() > 60, "{}", recorded.len());
    for one in &recorded {
        assert_eq!(way(&one.name)(one), one.reply, "{}", one.name);
    }
}

#[test]
fn what_is_of_another_type_is_not_read() {
    let status = recorded().into_iter().find(|one| one.name == "status with a case").unwrap();
    let reply = Reply::parse(&status.reply.to_string()).unwrap();
    assert!(reply.clone().read::<Status>().is_some());
    assert!(reply.clone().read::<Notice>().is_none() && reply.read::<Vec<BundleRow>>().is_none());
}
