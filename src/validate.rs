//! `validate FILE`: every line of a file of events checked as the intake checks it. Nothing is taken in or sent.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use agent::limits;
use agent::usage::check::{Checked, check};
use serde::Serialize;
use time::OffsetDateTime;

use crate::exit::{Exit, Failure};
use crate::print;

/// A line that the intake refuses, for programs.
#[derive(Serialize)]
struct Refused {
    line: u64,
    #[serde(flatten)]
    checked: Checked,
}

/// Refused lines that are listed.
const LISTED: u64 = 1000;

/// `validate`.
pub(crate) fn validate(path: &Path, json: bool) -> Result<Exit, Failure> {
    let input: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(|e| Failure::usage(crate::exit::unreadable(path, e.kind())))?)
    };
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let (mut accepted, mut refused) = (0_u64, 0_u64);
    let mut input = BufReader::new(input);
    for number in 1.. {
        let mut line = Vec::new();
        let most = limits::LINE as u64 + 2;
        let read = input.by_ref().take(most).read_until(b'\n', &mut line);
        if read.map_err(|e| Failure::failed(crate::exit::unreadable(path, e.kind())))? == 0 {
            break;
        }
        if !line.ends_with(b"\n") {
            // The rest of a line that is too long.
            input.skip_until(b'\n').map_err(|e| Failure::failed(crate::exit::unreadable(path, e.kind())))?;
        }
        match check(line.strip_suffix(b"\n").unwrap_or(&line), now) {
            Ok(()) => accepted += 1,
            Err(checked) => {
                refused += 1;
                if refused <= LISTED && json {
                    print::json(&Refused { line: number, checked })?;
                } else if refused <= LISTED {
                    print::data(&format!("line {number}: {checked}"))?;
                }
            }
        }
    }
    print::words(&format!("{accepted} lines are events, {refused} are refused; nothing was taken in"));
    Ok(match (accepted, refused) {
        (_, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Part,
    })
}
