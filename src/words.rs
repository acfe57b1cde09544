//! Plain words for the closed lists: flags' states, trays, reasons, protectors.

use agent::consent::State;

/// What the state of a flag means.
pub(crate) const fn state(state: State) -> &'static str {
    match state {
        State::NotOffered => "the policy does not ask for it",
        State::Unset => "nobody answered: nothing is collected",
        State::Granted => "yes: collected and sent",
        State::Denied => "no: nothing is collected",
        State::Withdrawn => "not any more: nothing is collected",
        State::Restricted => "kept, but neither used nor sent",
        State::StalePolicy => "the policy changed: nothing is collected until a new yes",
        State::Expired => "the yes is over: nothing is collected until a new one",
    }
}

/// What lies in a tray.
pub(crate) fn tray(word: &str) -> &'static str {
    match word {
        "open" => "counts of the day and the month that run; never sent as they are",
        "usage" => "statistics to be sent",
        "requests" => "requests to the vendor about your data",
        "sent" => "what was sent last, as long as its key lives",
        _ => "",
    }
}

/// What protects the keys.
pub(crate) fn protector(word: &str) -> &'static str {
    match word {
        "dpapi" => "by Windows, for the service's account",
        "systemd" => "by systemd, sealed to this machine",
        "file" => "by a file beside them: a stolen disk gives them away",
        _ => "",
    }
}

/// Why something was dropped.
pub(crate) fn reason(word: &str) -> &'static str {
    match word {
        "no_consent" => "there was no yes",
        "before_grant" => "happened before the yes",
        "not_utf8" => "a line that is no text",
        "not_json" => "a line that is no flat JSON object",
        "too_long" => "a line that is too long",
        "unknown_event" => "a happening that the catalog does not list",
        "unknown_attribute" => "an attribute that the catalog does not list",
        "missing_attribute" => "an attribute was missing",
        "repeated_attribute" => "an attribute was there twice",
        "bad_type" => "text where a number belongs, or the reverse",
        "out_of_range" => "a value outside its range or list",
        "bad_time" => "a time that is none, or not believable",
        "not_a_file" => "something in the outbox that is no file",
        "quota" => "the space was full; the oldest went first",
        "expired" => "waited longer than the policy allows",
        "withdrawn" => "erased by a withdrawal",
        "damaged" => "lost to damage on the disk",
        "rejected" => "refused by the collector for good",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use protocol::Reason;

    #[test]
    fn every_reason_has_its_words() {
        for word in Reason::ALL {
            assert_ne!(super::reason(word.as_str()), "", "{word}");
        }
    }
}
