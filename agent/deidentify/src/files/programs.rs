//! The literals and names of a program, as entries of a table (crate `provenance`).

use std::fs::File;
use std::io;

use provenance::{Builder, Entry, Refused, Text, read_file};

use super::checked::Checked;
use super::cleaned::{Cleaned, counted};
use super::inputs::{Format, Reason};
use crate::text::Counts;

/// Writes the entries of the program in `file`, one a line.
///
/// # Errors
/// Of writing. That the program is refused is in the value.
pub(super) fn literals(file: &File, out: &mut Checked<'_, '_>) -> io::Result<Result<Cleaned, Reason>> {
    let mut builder = Builder::default();
    let read = read_file(file, &mut |text| match text {
        Text::Literal(literal) => builder.add(Entry::Literal(literal)),
        // `Kathea.Devices.X1`, `<SendAsync>d__12`.
        Text::Name(name) => name
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .for_each(|word| builder.add(Entry::Word(word))),
    });
    if let Err(refused) = read {
        return Ok(Err(match refused {
            Refused::NotAProgram => Reason::OtherFormat,
            Refused::Damaged => Reason::DamagedProgram,
            Refused::TooLarge => Reason::ProgramTooLarge,
            Refused::Unreadable(kind) => io::Error::from(kind).into(),
        }));
    }
    for entry in builder.entries() {
        let line = entry.to_line();
        out.entry(line.as_bytes())?;
    }
    let counts = Counts { kept: builder.literals() as u64, dropped: builder.left_out(), ..Counts::default() };
    Ok(Ok(counted(Format::Other, counts)))
}
