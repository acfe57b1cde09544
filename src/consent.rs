//! What is asked for, yes, no, not any more.

use std::io::IsTerminal;

use agent::api::consent::{Answered, Asked, Controller, List, NewOwner, Notice, Receipts, Verified};
use agent::config::{Config, Language};
use agent::consent::Policy;
use agent::nearest::nearest;
use agent::request::{ConsentAction, ConsentRequest, Request};
use protocol::ledger::Session;
use protocol::{CaseId, Purpose};
use serde::Serialize;

use crate::cli::{About, Answer, Consent};
use crate::exit::{Exit, Failure};
use crate::guide;
use crate::print;
use crate::reach;
use crate::status::flags;
use crate::texts::consent::Say;
use crate::texts::refusal::Hint;
use crate::texts::say;
use crate::texts::status::Flag;

/// `consent`.
pub(crate) fn consent(config: &Config, command: Consent) -> Result<Exit, Failure> {
    let language = config.language;
    let answered = |request| reach::ask::<Answered>(config, Request::Consent(request));
    match command {
        Consent::List { json } => {
            let body = reach::ask(config, Request::Consent(about(ConsentAction::List, None)))?;
            show(&body, json, |body| list(config, body))
        }
        Consent::Show { purpose, json } => {
            let body = reach::ask(config, Request::Consent(about(ConsentAction::Show, Some(purpose))))?;
            show(&body, json, |body| notice(body, language))?;
            if !json {
                print::words(&how_to_say_yes(&body, purpose));
            }
            Ok(Exit::Done)
        }
        Consent::Grant { to: About { purpose, case }, by, yes, json } => {
            fits(purpose, case.as_ref())?;
            let take_back = of(purpose, case.as_ref());
            let request = about(ConsentAction::Grant, Some(purpose));
            let body = answered(ConsentRequest { case, by: Some(by), yes: Some(yes), ..request })?;
            print::answer(&body, json, || {
                let command = format!("kathea-agent consent withdraw {take_back}");
                print::words(&say(Say::Granted { purpose: purpose.to_string(), command }));
                Ok(())
            })
        }
        Consent::Deny { answer: Answer { to: About { purpose, case }, by, json } } => {
            fits(purpose, case.as_ref())?;
            let request = about(ConsentAction::Deny, Some(purpose));
            not_any_more(&answered(ConsentRequest { case, by, ..request })?, purpose, json)
        }
        Consent::Withdraw { answer: Answer { to: About { purpose, case }, by, json }, erase, claim } => {
            fits(purpose, case.as_ref())?;
            all_known(config, case.as_ref())?;
            let (request, claim) = (about(ConsentAction::Withdraw, Some(purpose)), claim.read()?);
            not_any_more(&answered(ConsentRequest { case, by, erase, claim, ..request })?, purpose, json)
        }
        Consent::Restrict { answer: Answer { to: About { purpose, case }, by, json } } => {
            fits(purpose, case.as_ref())?;
            all_known(config, case.as_ref())?;
            let request = about(ConsentAction::Restrict, Some(purpose));
            changed(&answered(ConsentRequest { case, by, ..request })?, purpose, json)
        }
        Consent::Release { to: About { purpose, case }, by, json } => {
            fits(purpose, case.as_ref())?;
            all_known(config, case.as_ref())?;
            let request = about(ConsentAction::Release, Some(purpose));
            changed(&answered(ConsentRequest { case, by: Some(by), ..request })?, purpose, json)
        }
        Consent::NewOwner { claim, by, json } => {
            let claim = claim.read()?;
            let request = ConsentRequest { by, claim, ..about(ConsentAction::NewOwner, None) };
            let body: NewOwner = reach::ask(config, Request::Consent(request))?;
            print::answer(&body, json, || {
                print::words(&say(Say::OwnerEnded { ended: body.ended }));
                Ok(())
            })
        }
        Consent::Receipt { purpose, case, json } => {
            all_known(config, case.as_ref())?;
            let request = ConsentRequest { case, ..about(ConsentAction::Receipt, purpose) };
            let body: Receipts = reach::ask(config, Request::Consent(request))?;
            show(&body, json, |body| body.text.of(language).to_owned())
        }
        Consent::Ask { by } => guide::ask(config, by),
        Consent::Verify { json } => {
            let body: Verified = reach::ask(config, Request::Consent(about(ConsentAction::Verify, None)))?;
            show(&body, json, |body| say(Say::Verified { entries: body.entries }))
        }
    }
}

/// What is asked for, by whom and for how long, then what was answered.
fn list(config: &Config, body: &List) -> String {
    // The agent sends the periods in English; the policy that both read has them in each language.
    let policy = Policy::configured(config).ok();
    let row = |asked: &Asked| {
        let purpose = asked.purpose.to_string();
        if !asked.offered {
            return vec![purpose, say(Say::NotAsked)];
        }
        let sent = [&asked.lasts, &asked.kept_here, &asked.kept_there].map(Clone::clone);
        let periods = policy.as_ref().and_then(|policy| policy.periods(asked.purpose, config.language));
        let [lasts, here, there] = periods.unwrap_or(sent);
        let texts =
            [Say::Lasts { span: lasts }, Say::HeldHere { span: here }, Say::HeldThere { span: there }];
        [purpose].into_iter().chain(texts.map(say)).collect()
    };
    let rows: Vec<_> = body.asked.iter().map(row).collect();
    let Controller { id, version, controller } = &body.policy;
    let (id, version, controller) = (id.clone(), version.clone(), controller.clone());
    let heading = say(Say::AskedBy { controller, id, version });
    format!("{}\n{}", print::table(&heading, &rows), flags(body.consent, &body.ends, &body.cases))
}

/// An error if the flag needs a case that is not named, or knows none.
fn fits(purpose: Purpose, case: Option<&CaseId>) -> Result<(), Failure> {
    match (purpose, case) {
        (Purpose::UsageStatistics, Some(_)) => {
            Err(Failure::usage(say(Say::NotPerCase { purpose: purpose.to_string() })))
        }
        (Purpose::SupportCase | Purpose::SupportScanData, None) => {
            Err(Failure::usage(say(Say::PerCase { purpose: purpose.to_string() })))
        }
        _ => Ok(()),
    }
}

/// [`known`], where a case was named.
pub(crate) fn all_known(config: &Config, case: Option<&CaseId>) -> Result<(), Failure> {
    case.map_or(Ok(()), |case| known(config, case))
}

/// An error if nothing was ever answered about `case` here: a slip of the pen must not read like success.
pub(crate) fn known(config: &Config, case: &CaseId) -> Result<(), Failure> {
    let all: Receipts = reach::ask(config, Request::Consent(about(ConsentAction::Receipt, None)))?;
    let cases: Vec<&str> = all
        .entries
        .iter()
        .filter_map(|line| line.entry.processing.case.as_ref())
        .map(CaseId::as_str)
        .collect();
    if cases.contains(&case.as_str()) {
        return Ok(());
    }
    let hint = match nearest(case.as_str(), cases.iter().copied()) {
        Some(nearest) => Hint::Nearest { nearest: nearest.to_owned() },
        None => Hint::ConsentList,
    };
    Err(Failure::usage(say(Say::NeverAnswered { case: case.to_string(), hint })))
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

fn changed(body: &Answered, purpose: Purpose, json: bool) -> Result<Exit, Failure> {
    print::answer(body, json, || {
        print::words(&say(Say::State { purpose: purpose.to_string(), state: say(Flag(body.state)) }));
        Ok(())
    })
}

/// Denying what was granted withdraws it, and the command reports what was erased.
fn not_any_more(body: &Answered, purpose: Purpose, json: bool) -> Result<Exit, Failure> {
    print::answer(body, json, || {
        if let Some(text) = body.receipt_text() {
            print::data(&print::with_config(text))?;
        }
        print::words(&say(Say::NotAnyMore { purpose: purpose.to_string(), state: say(Flag(body.state)) }));
        Ok(())
    })
}

fn show<T: Serialize>(body: &T, json: bool, text: impl FnOnce(&T) -> String) -> Result<Exit, Failure> {
    if json {
        print::json(body)?
    } else {
        print::data(&text(body))?
    }
    Ok(Exit::Done)
}

fn notice(body: &Notice, language: Language) -> String {
    let digest = say(Say::Digest { digest: body.digest.to_string() });
    format!("{}\n{digest}", print::wrapped(body.text.of(language)))
}

fn how_to_say_yes(body: &Notice, purpose: Purpose) -> String {
    let digits: String = body.digest.to_string().chars().take(16).collect();
    say(Say::HowToAnswer { purpose: purpose.to_string(), digits })
}

#[cfg(test)]
mod tests {
    use agent::api::consent::Texts;
    use agent::api::status::{Ends, Flags, Policy};
    use agent::consent::State;
    use protocol::Digest;

    use super::*;

    #[test]
    fn what_is_shown_ends_with_its_digest_and_how_to_answer() {
        let digest = format!("{:064x}", 7).replace("00000000000000", "0123456789abcd");
        let body = Notice {
            purpose: Purpose::UsageStatistics,
            policy: Policy { id: "p".to_owned(), version: "1".to_owned() },
            digest: digest.parse::<Digest>().unwrap(),
            text: Texts { da: "Spørgsmål\n".to_owned(), en: "Question\n".to_owned() },
            consent: Flags { usage_statistics: State::Unset },
            ends: Ends { usage_statistics: None },
            ask: true,
        };
        assert_eq!(notice(&body, Language::Da), format!("Spørgsmål\n\nDigest: {digest}"));
        let how = how_to_say_yes(&body, Purpose::UsageStatistics);
        assert!(how.contains("grant usage_statistics --by ROLE --yes 0123456789abcd01\n"), "{how}");
    }
}
