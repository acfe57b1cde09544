//! Results of checks as a table.

use std::fmt;
use std::io::{self, Write};

use super::{Both, both};
use crate::checks::{Check, Verdict};

/// A word in a coloured frame; the colour says nothing that the word does not.
#[derive(Clone, Copy, Debug)]
pub struct Chip(pub &'static str, pub Both<&'static str>);

impl fmt::Display for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<span class=\"chip {}\">{}</span>", self.0, self.1)
    }
}

/// The checks, each in English and in Danish.
///
/// # Errors
/// Of `out`.
pub fn table<'a>(out: &mut dyn Write, checks: impl Iterator<Item = Both<&'a Check>>) -> io::Result<()> {
    writeln!(
        out,
        "<table class=\"stack\"><thead><tr><th>{}<th>{}<th>{}</thead><tbody>",
        both("Result", "Resultat"),
        both("What was found", "Hvad der blev fundet"),
        both("What to do", "Hvad der kan gøres")
    )?;
    for Both { en, da } in checks {
        let verdict = match en.result {
            Verdict::Pass => Chip("good", both("ok", "i orden")),
            Verdict::Warn => Chip("look", both("warning", "bemærk")),
            Verdict::Fail => Chip("bad", both("action needed", "kræver handling")),
        };
        writeln!(
            out,
            "<tr><td>{verdict}<td>{}<td>{}</tr>",
            both(&en.what, &da.what),
            both(&en.remedy, &da.remedy)
        )?;
    }
    writeln!(out, "</tbody></table>")
}
