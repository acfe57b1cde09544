//! Questions at a terminal: a wrong answer is asked again, an empty one is the default, the end of input ends.

use std::io;

use protocol::ledger::Role;

use crate::exit::Failure;
use crate::print;
use crate::texts::consent::Say;
use crate::texts::refusal::Refusal;
use crate::texts::say;

/// A line that somebody typed; none at the end of input.
pub(crate) fn line() -> Result<Option<String>, Failure> {
    let mut text = String::new();
    let read = io::stdin().read_line(&mut text).map_err(|_| Failure::failed(say(Refusal::TerminalGone)))?;
    Ok((read > 0).then(|| text.trim().to_owned()))
}

/// Asks until the answer is understood; none at the end of input. `again` says what can be answered.
pub(crate) fn until<T>(
    question: &str,
    again: &str,
    understood: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Failure> {
    print::words(question);
    loop {
        print::prompt("> ");
        let Some(typed) = line()? else { return Ok(None) };
        match understood(&typed) {
            Some(answer) => return Ok(Some(answer)),
            None => print::words(again),
        }
    }
}

/// Who says yes: by number, or by a word of either language; the owner where nothing is typed.
pub(crate) fn role() -> Result<Option<Role>, Failure> {
    until(&say(Say::WhoAnswers), &say(Say::WhoAgain), a_role)
}

fn a_role(typed: &str) -> Option<Role> {
    match typed.to_lowercase().as_str() {
        "" | "1" | "owner" | "ejer" | "ejeren" => Some(Role::Owner),
        "2"
        | "privacy_officer"
        | "privacy officer"
        | "databeskyttelsesansvarlig"
        | "den databeskyttelsesansvarlige" => Some(Role::PrivacyOfficer),
        "3" | "delegate" | "befuldmægtiget" | "en befuldmægtiget" => Some(Role::Delegate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_is_taken() {
        for (typed, role) in [
            ("1", Role::Owner),
            ("", Role::Owner),
            ("ejer", Role::Owner),
            ("Owner", Role::Owner),
            ("privacy officer", Role::PrivacyOfficer),
            ("privacy_officer", Role::PrivacyOfficer),
            ("databeskyttelsesansvarlig", Role::PrivacyOfficer),
            ("BEFULDMÆGTIGET", Role::Delegate),
            ("3", Role::Delegate),
        ] {
            assert_eq!(a_role(typed), Some(role), "{typed}");
        }
        for other in ["4", "doctor", "own", "yes", "ja"] {
            assert_eq!(a_role(other), None, "{other}");
        }
    }
}
