//! Answers requests to see what is held: everything, sealed for the device that asked, kept until it is fetched.

use protocol::answer::First;
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::held;
use crate::lines::Lines;
use crate::store::requests::Ticket;
use crate::store::{Store, rfc3339};

/// Answers one request.
pub(crate) fn answer(store: &Store, ticket: Ticket, now: OffsetDateTime) -> Result<(), Failure> {
    let recipient = store.recipient(ticket)?;
    seal(store, ticket, &recipient, now)
}

/// Answers every request that waits, and gives the tickets. One that can't be answered stays open, and stops no other.
pub(crate) fn answer_due(store: &Store, now: OffsetDateTime) -> Result<Vec<Ticket>, Failure> {
    let (mut answered, mut failed) = (Vec::new(), 0_u64);
    for (ticket, recipient) in store.unanswered()? {
        match seal(store, ticket, &recipient, now) {
            Ok(()) => {
                log::info!("answered ticket {ticket}: the device fetches it");
                answered.push(ticket);
            }
            Err(failure) => {
                failed += 1;
                log::error!("ticket {ticket} is not answered: {failure}");
            }
        }
    }
    match failed {
        0 => Ok(answered),
        _ => Err(Failure::partial(format!("{failed} requests to see what is held could not be answered"))),
    }
}

fn seal(store: &Store, ticket: Ticket, recipient: &str, now: OffsetDateTime) -> Result<(), Failure> {
    let recipient = recipient.parse().map_err(|_| {
        Failure::new("the request names no age recipient; ask the clinic for one: `access DEVICE --seal-to`")
    })?;
    let mut lines = Lines::held(&recipient)?;
    lines.put(&First::new(ticket.to_string(), ticket.device, rfc3339(now)))?;
    held::print(store, ticket.device, now, &mut lines)?;
    store.keep_answer(ticket, lines.end_held()?, now)
}
