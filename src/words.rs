//! How far a request to the vendor is: an erasure by its certificate, and by the vendor's word where there is none.

use agent::consent::ground::Ground;
use agent::consent::tickets::Ticket;
use protocol::reply::TicketState;
use protocol::rights::PrivacyKind;
use protocol::rights::{Certificate, Outcome, RemainingCopy};

use crate::texts::status::{Copies, Extended, Held, Standing};

/// How far it is.
pub(crate) fn standing(ticket: &Ticket) -> Standing {
    let until = |end: Option<&str>| end.and_then(|end| end.get(..10)).unwrap_or("-").to_owned();
    match (ticket.outcome, ticket.proof(), ticket.state) {
        (Some(Outcome::Revoked), ..) => Standing::Revoked,
        (_, Some(Certificate { records, bundles, copies, kept, .. }), _) => {
            let ends = |copy: &RemainingCopy| copy.unreadable_from.clone();
            let copies = match (copies.len(), copies.iter().map(ends).collect::<Option<Vec<_>>>()) {
                (0, _) => Copies::None,
                (count, None) => Copies::Remain { count },
                (count, Some(ends)) => {
                    Copies::Unreadable { count, day: until(ends.iter().max().map(String::as_str)) }
                }
            };
            match kept {
                None => Standing::Erased { records, bundles, copies },
                Some(kept) => {
                    let purposes: Vec<_> = kept.purposes.iter().map(|purpose| purpose.as_str()).collect();
                    let (what, end) = (purposes.join(", "), until(Some(&kept.until)));
                    Standing::InPart { records, bundles, copies, what, end, why: Held(kept.why) }
                }
            }
        }
        (_, None, TicketState::Done) if ticket.kind == PrivacyKind::Erase => Standing::DoneUnproven,
        (Some(Outcome::RefusedInPart), ..) => Standing::InPartUnproven,
        (_, None, TicketState::Done) => match (ticket.refused, ticket.sealed) {
            (Some(why), _) => Standing::Refused { why: Ground(why) },
            (_, Some(_)) => Standing::Answered,
            _ => Standing::Done,
        },
        (_, None, TicketState::Open) => match (&ticket.due, ticket.extended) {
            (None, _) => Standing::Open,
            (Some(due), None) => Standing::Due { due: until(Some(due)) },
            (Some(due), Some(why)) => Standing::Longer { due: until(Some(due)), why: Extended(why) },
        },
    }
}
