//! Who may have how many connections: each part of the clinic has seats of its own, so that no other part can take them.

use crate::account::Account;
use crate::limits;
use crate::request::Caller;

/// The part that an account has. Each has its own seats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Kathea,
    Administrator,
    Granting,
    Stranger,
}

impl Part {
    fn of(caller: Caller) -> Self {
        if caller.kathea {
            Self::Kathea
        } else if caller.administrator {
            Self::Administrator
        } else if caller.may_grant {
            Self::Granting
        } else {
            Self::Stranger
        }
    }
}

/// The connections that are open.
#[derive(Debug, Default)]
pub(super) struct Seats(Vec<(Option<Account>, Part)>);

impl Seats {
    /// Whether the account has all the seats that one account may have.
    pub(super) fn is_full(&self, account: Option<&Account>) -> bool {
        self.of_one(account) >= limits::CONNECTIONS_OF_ONE
    }

    /// Takes a seat for a connection of `account`; false if there is none left.
    pub(super) fn take(&mut self, account: Option<&Account>, caller: Caller) -> bool {
        let part = Part::of(caller);
        let of_part = self.0.iter().filter(|(_, other)| *other == part).count();
        // Who has none yet may always say no: accounts that hold many seats do not keep others out.
        let reserve = if self.of_one(account) == 0 { limits::CONNECTIONS_RESERVED } else { 0 };
        let has_seat = !self.is_full(account) && of_part < limits::CONNECTIONS + reserve;
        if has_seat {
            self.0.push((account.cloned(), part));
        }
        has_seat
    }

    /// Gives a seat of `account` back.
    pub(super) fn leave(&mut self, account: Option<&Account>) {
        if let Some(at) = self.0.iter().position(|(other, _)| other.as_ref() == account) {
            self.0.swap_remove(at);
        }
    }

    fn of_one(&self, account: Option<&Account>) -> usize {
        self.0.iter().filter(|(other, _)| other.as_ref() == account).count()
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const STRANGER: Caller = Caller { administrator: false, kathea: false, may_grant: false };

    /// Takes seats until there is none left; how many.
    fn fill(seats: &mut Seats, account: u32, caller: Caller) -> usize {
        (0..100).take_while(|_| seats.take(Some(&Account(account)), caller)).count()
    }

    #[test]
    fn four_accounts_with_all_their_connections_shut_nobody_out() {
        let mut seats = Seats::default();
        for account in 60_001..=60_004 {
            assert_eq!(fill(&mut seats, account, STRANGER), limits::CONNECTIONS_OF_ONE);
        }
        let kathea = Caller { kathea: true, ..STRANGER };
        let administrator = Caller { administrator: true, ..STRANGER };
        let granting = Caller { may_grant: true, ..STRANGER };
        for (account, caller) in [(1, kathea), (0, administrator), (1000, granting)] {
            assert_eq!(fill(&mut seats, account, caller), limits::CONNECTIONS_OF_ONE, "{caller:?}");
        }
        // Every account may say no: each that comes now has one seat.
        for account in 60_005..60_005 + limits::CONNECTIONS_RESERVED as u32 {
            assert_eq!(fill(&mut seats, account, STRANGER), 1, "{account}");
        }
        assert_eq!(fill(&mut seats, 70_000, STRANGER), 0, "the bound");
        assert_eq!(fill(&mut seats, 2000, granting), limits::CONNECTIONS_OF_ONE, "another of the group");
    }

    #[test]
    fn a_seat_that_is_given_back_can_be_taken_again() {
        let mut seats = Seats::default();
        assert_eq!(fill(&mut seats, 1, STRANGER), limits::CONNECTIONS_OF_ONE);
        seats.leave(Some(&Account(1)));
        seats.leave(Some(&Account(2)));
        assert!(!seats.is_full(Some(&Account(1))));
        assert_eq!(fill(&mut seats, 1, STRANGER), 1);
    }
}
