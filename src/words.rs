//! Plain words for the closed lists: states of flags, queues, drop reasons, protectors.

use agent::consent::State;
use agent::consent::tickets::Ticket;
use agent::consent::vendor_request::PrivacyKind;
use protocol::reply::TicketState;
use protocol::rights::Outcome;

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

/// How far a request to the vendor is: an erasure by its certificate, and by the vendor's word where there is none.
pub(crate) fn standing(ticket: &Ticket) -> String {
    let until = |end: Option<&str>| end.and_then(|end| end.get(..10)).unwrap_or("-").to_owned();
    match (ticket.outcome, ticket.proof(), ticket.state) {
        (Some(Outcome::Revoked), ..) => "taken back".to_owned(),
        (_, Some(proof), _) => {
            let gone = format!("{} records and {} bundles erased", proof.records, proof.bundles);
            let copies = match proof.copies.len() {
                0 => String::new(),
                copies => format!("; {copies} copies made before remain"),
            };
            match proof.kept {
                None => format!("done, certified: {gone}{copies}"),
                Some(kept) => {
                    let purposes: Vec<_> = kept.purposes.iter().map(|purpose| purpose.as_str()).collect();
                    let (what, end) = (purposes.join(", "), until(Some(&kept.until)));
                    format!(
                        "refused in part, certified: {gone}{copies}; {what} kept until {end} ({})",
                        kept.why
                    )
                }
            }
        }
        (_, None, TicketState::Done) if ticket.kind == PrivacyKind::Erase => {
            "done, as the vendor says; no certificate".to_owned()
        }
        (Some(Outcome::RefusedInPart), ..) => {
            "refused in part, as the vendor says; no certificate".to_owned()
        }
        (_, None, TicketState::Done) => "done".to_owned(),
        (_, None, TicketState::Open) => match (&ticket.due, ticket.extended) {
            (None, _) => "open".to_owned(),
            (Some(due), None) => format!("open, due {}", until(Some(due))),
            (Some(due), Some(why)) => format!("open, due {} ({why})", until(Some(due))),
        },
    }
}

/// Content of a queue, in words.
pub(crate) fn queue(word: &str) -> &'static str {
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
        "unknown_event" => "an event that the catalog does not list",
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
        "ended" => "after the last day of its collection in the catalog",
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
