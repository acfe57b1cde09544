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

/// What is said around the notice.
struct Words {
    until: &'static str,
    question: &'static str,
    yes: &'static [&'static str],
    no: &'static [&'static str],
    again: &'static str,
    granted: &'static str,
    denied: &'static str,
}

const ENGLISH: Words = Words {
    until: "Your yes lasts until",
    question: "Your answer (yes or no; nothing changes if you leave): ",
    yes: &["yes", "y"],
    no: &["no", "n"],
    again: "Please type yes or no.",
    granted: "Thank you. It is collected from now on. Take it back at any time with:\n  kathea-agent consent withdraw usage_statistics",
    denied: "Nothing is collected. Should you change your mind: kathea-agent consent ask",
};

const DANISH: Words = Words {
    until: "Jeres samtykke gælder til",
    question: "Jeres svar (ja eller nej; intet ændres, hvis I går): ",
    yes: &["ja", "j"],
    no: &["nej", "n"],
    again: "Skriv ja eller nej.",
    granted: "Tak. Der indsamles fra nu af. Træk det tilbage når som helst med:\n  kathea-agent consent withdraw usage_statistics",
    denied: "Intet indsamles. Ombestemmer I jer: kathea-agent consent ask",
};

/// `consent ask`: about usage statistics, the one flag that is not asked per case.
pub(crate) fn ask(config: &Config, by: Option<Role>) -> Result<Exit, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(
            "an answer is given at a terminal: for scripts there are `consent show` and `consent grant`",
        ));
    }
    let words = config.language.pick(&ENGLISH, &DANISH);
    let request = |action| about(action, Some(Purpose::UsageStatistics));
    let notice: Notice = reach::ask(config, Request::Consent(request(ConsentAction::Show)))?;
    print::data(&print::wrapped(notice.text.of(config.language)))?;
    let end = notice.ends.usage_statistics.as_deref().and_then(|end| end.get(..10));
    if let Some(end) = end.filter(|_| notice.consent.usage_statistics == State::Granted) {
        print::words(&format!("{} {end}.", words.until));
    }
    let Some(yes) = answer(words)? else { return Ok(Exit::Done) };
    let by = if yes && by.is_none() {
        let Some(role) = ask::role(config.language)? else { return Ok(Exit::Done) };
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
    print::words(if yes { words.granted } else { words.denied });
    Ok(Exit::Done)
}

/// Yes, no, or nothing.
fn answer(words: &Words) -> Result<Option<bool>, Failure> {
    loop {
        print::prompt(words.question);
        let line = ask::line()?.unwrap_or_default();
        match understood(words, &line) {
            Some(yes) => return Ok(Some(yes)),
            None if line.is_empty() => return Ok(None),
            None => print::words(words.again),
        }
    }
}

fn understood(words: &Words, line: &str) -> Option<bool> {
    let line = line.trim().to_lowercase();
    match line.as_str() {
        word if words.yes.contains(&word) => Some(true),
        word if words.no.contains(&word) => Some(false),
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
