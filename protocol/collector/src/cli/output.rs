//! Output and exit code of a command.

use std::io::{self, Write};

use crate::failure::Failure;
use crate::lines::Lines;
use crate::store::requests::Ticket;

/// Runs a command whose output is lines of JSON.
pub(super) fn list(command: impl FnOnce(&mut Lines) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut lines = Lines::stdout();
    let done = command(&mut lines);
    // What could be read is printed also if some could not.
    lines.end().and(done)
}

pub(super) fn found(count: u64, what: &str) -> Result<(), Failure> {
    if count == 0 { Ok(()) } else { Err(Failure::damaged(format!("{count} {what}"))) }
}

pub(super) fn ticket(text: &str) -> Result<Ticket, &'static str> {
    Ticket::read(text).ok_or("not a ticket; `requests` lists them")
}

pub(super) fn print(line: &str) -> Result<(), Failure> {
    writeln!(io::stdout(), "{line}").map_err(|error| Failure::new(format!("standard output: {error}")))
}
