//! What happens to Kathea's events under a flag: accepted, refused, or kept in the outbox until the state is known.
//!
//! Only a person's denial, or the certain end of a grant, lets events be removed unread. A clock or registry in doubt is
//! neither.

use protocol::ledger::EventKind;

use super::{Flag, Registry};
use crate::consent::state::{self, State};
use crate::limits;

/// What becomes of what Kathea reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is taken in: a permit is to be had.
    Granted,
    /// It is removed unread: nobody ever said yes, somebody said no, or the yes is over for certain.
    Refused,
    /// It stays where it lies: nobody said no, and nothing may be taken in now.
    Kept(Kept),
}

/// Why it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// The registry can't be read or trusted, so nobody knows what the clinic said.
    Registry,
    /// By the clock the yes has not begun or is over, and the clock may be wrong.
    Clock,
    /// The clinic restricted it, and may release it.
    Restricted,
    /// The yes is to another policy, and nobody was asked about this one.
    StalePolicy,
}

crate::texts! { Kept {
    Self::Registry =>
        "the consent registry cannot be read or trusted: Kathea's reports stay in the outbox, for 30 days at \
         most, until it can be again or the clinic answers anew; `consent verify` says why",
        "samtykkeregistret kan ikke læses eller er ikke pålideligt: Katheas rapporter bliver i udbakken i højst 30 dage, \
         til det er i orden, eller klinikken svarer på ny; `consent verify` viser hvorfor";
    Self::Clock =>
        "the clock may be wrong, and by it there is no live consent: Kathea's reports stay in the outbox, for 30 \
         days at most; set the clock right",
        "uret går måske forkert, og ifølge uret er der intet gældende samtykke: Katheas rapporter bliver i udbakken i \
         højst 30 dage; stil uret";
    Self::Restricted =>
        "usage statistics are restricted: Kathea's reports stay in the outbox, for 30 days at most; `consent \
         release` takes them in, `consent withdraw` erases them",
        "brugsstatistikken er sat på pause: Katheas rapporter bliver i udbakken i højst 30 dage; `consent release` henter \
         dem ind, `consent withdraw` sletter dem";
    Self::StalePolicy =>
        "the consent was given to another policy: Kathea's reports stay in the outbox, for 30 days at most; \
         `consent ask` asks the clinic again",
        "samtykket er givet til en anden politik: Katheas rapporter bliver i udbakken i højst 30 dage; `consent ask` \
         spørger klinikken igen";
} }

impl Registry {
    /// What becomes of what is reported under `flag` at `now`; `is_steady` says whether the clock may decide that
    /// something is over.
    pub fn standing(&self, flag: &Flag, now: i64, is_steady: bool) -> Standing {
        match self.state(flag, now) {
            State::Granted => return Standing::Granted,
            State::NotOffered => return Standing::Refused,
            _ if self.forbid => return Standing::Refused,
            _ if !self.is_trusted() => return Standing::Kept(Kept::Registry),
            _ => {}
        }
        let Some(answer) = self.answer(flag) else { return Standing::Refused };
        match (answer.last.entry.event.kind, answer.grant) {
            (EventKind::Restricted, _) => Standing::Kept(Kept::Restricted),
            (EventKind::Granted | EventKind::Released, Some(grant)) if self.lease_stands(flag) => {
                let entry = &grant.entry;
                let begun = state::from_text(&entry.event.at)
                    .is_some_and(|at| now >= at.saturating_sub(limits::CLOCK_BEHIND));
                let is_early = !begun || self.policy.problem(now).is_some();
                let is_over =
                    entry.event.until.as_deref().and_then(state::from_text).is_some_and(|end| end <= now);
                if is_early || is_over && !is_steady {
                    Standing::Kept(Kept::Clock)
                } else if is_over {
                    Standing::Refused
                } else {
                    Standing::Kept(Kept::StalePolicy)
                }
            }
            // Stopped by an answer that the disk did not take: nothing leaves, and nothing that nobody refused is removed.
            (EventKind::Granted | EventKind::Released, Some(_)) => Standing::Kept(Kept::Registry),
            _ => Standing::Refused,
        }
    }
}
