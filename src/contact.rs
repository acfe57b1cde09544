//! `contact`: talks to the vendor's collector now, and says what it asks for.

use std::thread;
use std::time::{Duration, Instant};

use agent::api::Contacts;
use agent::api::status::Status;
use agent::config::Config;
use agent::request::Request;
use protocol::Invitation;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach::Line;
use crate::texts::say;
use crate::texts::status::Say;

/// Between two looks whether it was answered.
const LOOK: Duration = Duration::from_millis(200);
/// How long an answer is waited for: a slow line, and a proxy before it.
const PATIENCE: Duration = Duration::from_secs(60);

/// `contact`.
pub(crate) fn contact(config: &Config, json: bool) -> Result<Exit, Failure> {
    let mut line = Line::new(config);
    if !line.is_service()? {
        return Err(Failure::busy(say(Say::NoContact)));
    }
    let Contacts { contacts: before } = line.ask(Request::Contact)?;
    let asked = Instant::now();
    let status = loop {
        let status: Status = line.ask(Request::Status)?;
        if status.contacts > before {
            break status;
        }
        if asked.elapsed() > PATIENCE {
            let why =
                crate::status::problems(&status).first().map_or_else(String::new, |why| format!(": {why}"));
            return Err(Failure::busy(say(Say::NoAnswer { why })));
        }
        thread::sleep(LOOK);
    };
    if json {
        print::json(&status.invitations)?;
        return Ok(Exit::Done);
    }
    for Invitation { case, reason } in &status.invitations {
        print::data(&format!("{case} {reason}"))?;
        print::words(&say(Say::VendorAsks { command: format!("kathea-agent support --case {case}") }));
    }
    if status.invitations.is_empty() {
        print::words(&say(Say::VendorAsksNothing));
    }
    Ok(Exit::Done)
}
