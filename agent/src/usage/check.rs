//! A line checked as the intake checks it, without taking anything in: for whoever writes the lines.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;

use protocol::{Catalog, Reason};
use serde::Serialize;

use super::validation::{Validator, Wanted, Window, explain};
use crate::collect::Raw;
use crate::limits;

/// Why a line is refused, in words of the catalog: nothing of the line is repeated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Of the closed list.
    pub reason: Reason,
    /// What is wrong, and what may stand there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// The attribute, as the catalog names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute: Option<String>,
    /// The known word that is nearest to one that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if let Some(what) = &self.what {
            write!(f, ": {what}")?;
        }
        if let Some(attribute) = self
            .attribute
            .as_ref()
            .filter(|name| !self.what.as_ref().is_some_and(|what| what.contains(*name)))
        {
            write!(f, " ({attribute})")?;
        }
        match self
            .nearest
            .as_ref()
            .filter(|word| !self.what.as_ref().is_some_and(|what| what.contains(*word)))
        {
            Some(nearest) => write!(f, "; the nearest is {nearest}"),
            None => Ok(()),
        }
    }
}

/// Gives each line that the intake would look at, with its number from 1, until `said` breaks off, and what it broke off
/// with. Of a line that is too long it gets the beginning.
///
/// # Errors
/// `input` cannot be read.
pub fn each_line<B>(
    input: impl Read,
    mut said: impl FnMut(u64, &[u8]) -> ControlFlow<B>,
) -> io::Result<Option<B>> {
    let mut input = BufReader::new(input);
    for number in 1.. {
        let mut line = Vec::new();
        let most = limits::LINE as u64 + 2;
        if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            // The rest of a line that is too long.
            input.skip_until(b'\n')?;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        if Raw::new(line).is_blank() {
            continue;
        }
        if let ControlFlow::Break(with) = said(number, line) {
            return Ok(Some(with));
        }
    }
    Ok(None)
}

/// Whether the intake would take the line at `now`, seconds since 1970, under a grant that began before it.
///
/// # Errors
/// Why not.
pub fn check(line: &[u8], now: i64) -> Result<(), Checked> {
    check_since(line, i64::MIN, now)
}

/// Whether the intake would take the line at `now` under a grant of `granted`, both in seconds since 1970.
///
/// # Errors
/// Why not.
pub fn check_since(line: &[u8], granted: i64, now: i64) -> Result<(), Checked> {
    let refused = |reason| {
        let wrong = explain(Raw::new(line), reason);
        Checked {
            reason,
            what: wrong.what,
            attribute: wrong.attribute.map(str::to_owned),
            nearest: wrong.nearest.map(str::to_owned),
        }
    };
    if line.len() > limits::LINE {
        return Err(refused(Reason::TooLong));
    }
    let window = Window { granted, now };
    let wanted = Wanted { usage: false, open: false };
    let taken = Validator::new(Catalog::built_in()).take(Raw::new(line), window, wanted);
    taken.map_err(|refusal| refused(refusal.reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_judged_as_the_intake_judges_it() {
        let at = r#""at":"2026-11-21T10:32:11+01:00""#;
        let now = 1_796_000_000;
        let good = format!(
            r#"{{"event":"device.error",{at},"code":1042,"subsystem":"generator","severity":"error","repeats":3}}"#
        );
        assert_eq!(check(good.as_bytes(), now), Ok(()));
        let wrong = |line: &str| check(line.as_bytes(), now).unwrap_err();
        assert_eq!(
            wrong(&good.replace("device.error", "device.eror")).nearest.as_deref(),
            Some("device.error")
        );
        let word = wrong(&good.replace("generator", "genrator"));
        assert_eq!((word.reason, word.attribute.as_deref()), (Reason::OutOfRange, Some("subsystem")));
        assert!(word.to_string().contains("generator") && !word.to_string().contains("genrator"), "{word}");
        assert_eq!(wrong(&good.replace("2026", "2027")).reason, Reason::BadTime);
        assert_eq!(wrong(&" ".repeat(limits::LINE + 1)).reason, Reason::TooLong);
        assert_eq!(wrong("Jane Doe").reason, Reason::NotJson);
    }
}
