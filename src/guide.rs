//! A flag asked for and answered at a terminal: the notice, the question, the answer.

use std::io::{self, IsTerminal};

use agent::api::consent::{Answered, Notice};
use agent::config::Config;
use agent::consent::State;
use agent::request::{ConsentAction, ConsentRequest, Request};
use protocol::Purpose;
use protocol::ledger::Role;

use crate::ask;
use crate::consent::about;
use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach;
use crate::texts::consent::Say;
use crate::texts::say;

/// Answers that are understood.
struct Answers {
    yes: &'static [&'static str],
    no: &'static [&'static str],
}

const ENGLISH: Answers = Answers { yes: &["yes", "y"], no: &["no", "n"] };
const DANISH: Answers = Answers { yes: &["ja", "j"], no: &["nej", "n"] };

/// `consent ask`: about usage statistics, the one flag that is not asked per case.
pub(crate) fn ask(config: &Config, by: Option<Role>) -> Result<Exit, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(say(Say::NeedsTerminal)));
    }
    let answers = config.language.pick(&ENGLISH, &DANISH);
    let request = |action| about(action, Some(Purpose::UsageStatistics));
    let notice: Notice = reach::ask(config, Request::Consent(request(ConsentAction::Show)))?;
    print::data(&print::wrapped(notice.text.of(config.language)))?;
    let end = notice.ends.usage_statistics.as_deref().and_then(|end| end.get(..10));
    if let Some(end) = end.filter(|_| notice.consent.usage_statistics == State::Granted) {
        print::words(&say(Say::LastsUntil { end: end.to_owned() }));
    }
    let Some(yes) = answer(answers)? else { return Ok(Exit::Done) };
    let by = if yes && by.is_none() {
        let Some(role) = ask::role()? else { return Ok(Exit::Done) };
        Some(role)
    } else {
        by
    };
    let request = request(if yes { ConsentAction::Grant } else { ConsentAction::Deny });
    let yes_to = yes.then(|| notice.digest.to_string());
    let request = ConsentRequest { by, yes: yes_to, ..request };
    let answered: Answered = reach::ask(config, Request::Consent(request))?;
    if let Some(receipt) = answered.receipt_text() {
        print::data(receipt)?;
    }
    print::words(&say(if yes { Say::Thanks } else { Say::SaidNo }));
    Ok(Exit::Done)
}

/// Yes, no, or nothing.
fn answer(answers: &Answers) -> Result<Option<bool>, Failure> {
    loop {
        print::prompt(&say(Say::Question));
        let line = ask::line()?.unwrap_or_default();
        match understood(answers, &line) {
            Some(yes) => return Ok(Some(yes)),
            None if line.is_empty() => return Ok(None),
            None => print::words(&say(Say::AskAgain)),
        }
    }
}

fn understood(answers: &Answers, line: &str) -> Option<bool> {
    let line = line.trim().to_lowercase();
    match line.as_str() {
        word if answers.yes.contains(&word) => Some(true),
        word if answers.no.contains(&word) => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_word_is_an_answer() {
        for (words, yes, no) in [(&ENGLISH, "Yes\n", "no\n"), (&DANISH, "JA\n", "nej\n")] {
            assert_eq!((understood(words, yes), understood(words, no)), (Some(true), Some(false)));
            for neither in ["", "\n", "yesterday\n", "maybe\n", "1\n"] {
                assert_eq!(understood(words, neither), None, "{neither:?}");
            }
        }
        assert_eq!(understood(&ENGLISH, "ja"), None);
    }
}
