//! What became of an event or a request, as a line for people and as JSON. Nothing that was sent is repeated: the event's
//! name, the attribute and the nearest word are the catalog's.

use std::fmt;

use agent::api::{Hint, Reply};
use agent::usage::check::Checked;
use protocol::{Catalog, Reason};
use serde::{Deserialize, Serialize};

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
    accepted: bool,
    kind: Kind,
    /// As the catalog names it; none of a request, or if the catalog does not list it.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<&'static str>,
    /// Of a file in the outbox; none on the socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    /// Why not, as a word of the closed list.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// What is wrong, and what may stand there.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    #[serde(flatten)]
    hint: Hint,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Event,
    Request,
}

/// What an event calls itself.
#[derive(Deserialize)]
struct Named {
    event: String,
}

/// The event of a line, if the catalog lists it.
fn event_of(line: &[u8]) -> Option<&'static str> {
    let named: Named = serde_json::from_slice(line).ok()?;
    Some(Catalog::built_in().event_type(&named.event)?.name.as_str())
}

impl Verdict {
    /// Of a line on the socket that the agent answered.
    pub(crate) fn of_reply(line: &[u8], is_event: bool, reply: &Reply) -> Self {
        let accepted = reply.is_done();
        let refused = |text: &str| (!accepted).then(|| text.to_owned());
        let hint = if accepted { None } else { reply.clone().read::<Hint>() };
        Self {
            accepted,
            kind: if is_event { Kind::Event } else { Kind::Request },
            event: event_of(line),
            line: None,
            error: refused(reply.error()),
            what: refused(reply.what()),
            hint: hint.unwrap_or_default(),
        }
    }

    /// Of a line in a file.
    pub(crate) fn of_line(line: &[u8], number: u64, refused: Option<Checked>) -> Self {
        let (error, what, hint) = match refused {
            None => (None, None, Hint::default()),
            Some(Checked { reason, what, attribute, nearest }) => {
                (Some(reason.to_string()), what, Hint { attribute, nearest })
            }
        };
        let accepted = error.is_none();
        Self { accepted, kind: Kind::Event, event: event_of(line), line: Some(number), error, what, hint }
    }
}

/// Of what the agent does not read as a line of text.
pub(crate) fn unread(reason: Reason) -> (Verdict, Reply) {
    let what = match reason {
        Reason::TooLong => "a line has at most 8 KiB and ends with a line feed",
        Reason::NotUtf8 => "a line is UTF-8",
        _ => "a line is one JSON object",
    };
    let reply = Reply::not_taken(reason.as_str(), what);
    (Verdict::of_reply(b"", true, &reply), reply)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.accepted { "accepted   " } else { "refused    " })?;
        match (self.kind, self.event) {
            (Kind::Event, Some(event)) => f.write_str(event)?,
            (Kind::Event, None) => f.write_str("an event")?,
            (Kind::Request, _) => f.write_str("a request")?,
        }
        match self.line {
            Some(line) => write!(f, " (outbox, line {line})")?,
            None => f.write_str(" (socket)")?,
        }
        if let Some(error) = &self.error {
            write!(f, ": {error}")?;
        }
        let said = self.what.as_deref().unwrap_or_default();
        if !said.is_empty() {
            write!(f, ": {said}")?;
        }
        let not_said = |word: &&String| !said.contains(word.as_str());
        if let Some(attribute) = self.hint.attribute.as_ref().filter(not_said) {
            write!(f, "; attribute {attribute}")?;
        }
        match self.hint.nearest.as_ref().filter(not_said) {
            Some(nearest) => write!(f, "; the nearest is {nearest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use agent::usage::check::check_since;

    use super::*;

    #[test]
    fn a_verdict_says_what_may_stand_there_and_repeats_nothing() {
        let line = br#"{"event":"device.error","at":"2026-11-21T10:32:11+01:00","code":1042,"subsystem":"genrator","severity":"error","repeats":3}"#;
        let refused = check_since(line, 0, 1_800_000_000).unwrap_err();
        let shown = Verdict::of_line(line, 7, Some(refused)).to_string();
        for part in
            ["refused    device.error (outbox, line 7): out_of_range", "subsystem", "detector", "generator"]
        {
            assert!(shown.contains(part), "{part}: {shown}");
        }
        assert!(!shown.contains("genrator"), "{shown}");
        let unnamed = Verdict::of_line(br#"{"event":"Jane Doe"}"#, 1, None).to_string();
        assert_eq!(unnamed, "accepted   an event (outbox, line 1)");
        let (verdict, reply) = unread(Reason::TooLong);
        assert!(!reply.is_done() && verdict.to_string().contains("too_long: a line has at most 8 KiB"));
    }
}
