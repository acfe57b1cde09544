//! What is asked for, yes, no, not any more.

use std::io::IsTerminal;

use agent::config::Config;
use agent::request::{ConsentAction, ConsentRequest, Request};
use protocol::ledger::Session;
use protocol::{CaseId, Purpose};
use serde_json::Value;

use crate::cli::{About, Answer, Consent};
use crate::exit::{Exit, Failure};
use crate::guide;
use crate::print;
use crate::reach::{self, Question};
use crate::status::flags;

/// `consent`.
pub(crate) fn consent(config: &Config, command: Consent) -> Result<Exit, Failure> {
    let language = config.language.as_str();
    let ask = |request| reach::ask(config, &Question::Request(Request::Consent(request)));
    match command {
        Consent::List { json } => show(&ask(about(ConsentAction::List, None))?, json, list),
        Consent::Show { purpose, json } => {
            let body = ask(about(ConsentAction::Show, Some(purpose)))?;
            show(&body, json, |body| notice(body, language))?;
            if !json {
                print::words(&how_to_say_yes(&body, purpose));
            }
            Ok(Exit::Done)
        }
        Consent::Grant { to: About { purpose, case }, by, yes } => {
            let take_back = of(purpose, case.as_ref());
            let request = about(ConsentAction::Grant, Some(purpose));
            ask(ConsentRequest { case, by: Some(by), yes: Some(yes), ..request })?;
            print::words(&format!(
                "{purpose}: granted. Take it back with: kathea-agent consent withdraw {take_back}"
            ));
            Ok(Exit::Done)
        }
        Consent::Deny { answer: Answer { to: About { purpose, case }, by } } => {
            let request = about(ConsentAction::Deny, Some(purpose));
            not_any_more(&ask(ConsentRequest { case, by, ..request })?, purpose)
        }
        Consent::Withdraw { answer: Answer { to: About { purpose, case }, by }, erase, claim } => {
            let (request, claim) = (about(ConsentAction::Withdraw, Some(purpose)), claim.read()?);
            not_any_more(&ask(ConsentRequest { case, by, erase, claim, ..request })?, purpose)
        }
        Consent::Restrict { answer: Answer { to: About { purpose, case }, by } } => {
            let request = about(ConsentAction::Restrict, Some(purpose));
            changed(&ask(ConsentRequest { case, by, ..request })?, purpose)
        }
        Consent::Release { to: About { purpose, case }, by } => {
            let request = about(ConsentAction::Release, Some(purpose));
            changed(&ask(ConsentRequest { case, by: Some(by), ..request })?, purpose)
        }
        Consent::NewOwner { claim, by } => {
            let claim = claim.read()?;
            let body = ask(ConsentRequest { by, claim, ..about(ConsentAction::NewOwner, None) })?;
            print::words(&format!(
                "Ended: {} answers. Nothing is collected until the new owner says yes: kathea-agent consent ask",
                body["ended"]
            ));
            Ok(Exit::Done)
        }
        Consent::Receipt { purpose, case, json } => {
            let body = ask(ConsentRequest { case, ..about(ConsentAction::Receipt, purpose) })?;
            show(&body, json, |body| body["text"][language].as_str().unwrap_or_default().to_owned())
        }
        Consent::Ask { by } => guide::ask(config, by),
        Consent::Verify { json } => show(&ask(about(ConsentAction::Verify, None))?, json, |body| {
            format!("{} entries: each signed, none missing, none changed", body["entries"])
        }),
    }
}

/// What is asked for, by whom and for how long, then what was answered.
fn list(body: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let row = |asked: &Value| {
        let purpose = word(&asked["purpose"]);
        if asked["offered"] != true {
            return vec![purpose, "not asked for".to_owned()];
        }
        let until = format!("a yes lasts {}", word(&asked["lasts"]));
        let (here, there) = (word(&asked["kept_here"]), word(&asked["kept_there"]));
        vec![purpose, until, format!("held here {here} at most"), format!("vendor keeps it {there}")]
    };
    let rows: Vec<_> = body["asked"].as_array().into_iter().flatten().map(row).collect();
    let policy = &body["policy"];
    let heading = format!(
        "Asked by {} ({}, {})",
        word(&policy["controller"]),
        word(&policy["id"]),
        word(&policy["version"])
    );
    format!("{}\n{}", print::table(&heading, &rows), flags(body))
}

pub(crate) fn about(action: ConsentAction, purpose: Option<Purpose>) -> ConsentRequest {
    ConsentRequest { purpose, session: Some(session()), ..ConsentRequest::new(action) }
}

/// As it is typed.
fn of(purpose: Purpose, case: Option<&CaseId>) -> String {
    case.map_or_else(|| purpose.to_string(), |case| format!("{purpose} --case {case}"))
}

/// Where the person sits, as far as can be seen from here.
pub(crate) fn session() -> Session {
    let remote = |name: &str| std::env::var_os(name).is_some();
    let over_the_net = std::env::var("SESSIONNAME").is_ok_and(|name| name.starts_with("RDP"));
    if !std::io::stdin().is_terminal() {
        Session::Unattended
    } else if over_the_net || remote("SSH_CONNECTION") {
        Session::Remote
    } else {
        Session::Console
    }
}

fn changed(body: &Value, purpose: Purpose) -> Result<Exit, Failure> {
    print::words(&format!("{purpose}: {}", body["state"].as_str().unwrap_or_default()));
    Ok(Exit::Done)
}

/// Saying no to what was allowed takes it back, and what was erased is told.
fn not_any_more(body: &Value, purpose: Purpose) -> Result<Exit, Failure> {
    if let Some(text) = body["receipt"]["text"].as_str() {
        print::data(text)?;
    }
    let state = body["state"].as_str().unwrap_or_default();
    print::words(&format!("{purpose}: {state}. Nothing is collected for it."));
    Ok(Exit::Done)
}

fn show(body: &Value, json: bool, text: impl FnOnce(&Value) -> String) -> Result<Exit, Failure> {
    if json {
        print::json(body)?
    } else {
        print::data(&text(body))?
    }
    Ok(Exit::Done)
}

pub(crate) fn notice(body: &Value, language: &str) -> String {
    let text = print::wrapped(body["text"][language].as_str().unwrap_or_default());
    format!("{text}\nDigest: {}", digest(body))
}

fn how_to_say_yes(body: &Value, purpose: Purpose) -> String {
    let digits: String = digest(body).chars().take(16).collect();
    format!(
        "\nTo say yes: kathea-agent consent grant {purpose} --by ROLE --yes {digits}\n\
         To say no:  kathea-agent consent deny {purpose}\n\
         ROLE is owner, privacy_officer or delegate."
    )
}

pub(crate) fn digest(body: &Value) -> &str {
    body["digest"].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_shown_ends_with_its_digest_and_how_to_answer() {
        let body =
            json!({"digest": "0123456789abcdef0123", "text": {"da": "Spørgsmål\n", "en": "Question\n"}});
        assert_eq!(notice(&body, "da"), "Spørgsmål\n\nDigest: 0123456789abcdef0123");
        let how = how_to_say_yes(&body, Purpose::UsageStatistics);
        assert!(how.contains("grant usage_statistics --by ROLE --yes 0123456789abcdef\n"), "{how}");
    }
}
