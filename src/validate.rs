//! `validate FILE`: every line of a file of events checked as the intake checks it. Nothing is taken in or sent.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use agent::usage::check::{Checked, check, each_line};
use serde::Serialize;
use time::OffsetDateTime;

use crate::exit::{Exit, Failure};
use crate::print;
use crate::texts::machine::Say;
use crate::texts::say;

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
    let broken = each_line(input, |line, text| {
        let Err(checked) = check(text, now) else {
            accepted += 1;
            return ControlFlow::Continue(());
        };
        refused += 1;
        let shown = match refused {
            1..=LISTED if json => print::json(&Refused { line, checked }),
            1..=LISTED => print::data(&format!("line {line}: {checked}")),
            _ => Ok(()),
        };
        shown.map_or_else(ControlFlow::Break, ControlFlow::Continue)
    });
    if let Some(failure) = broken.map_err(|e| Failure::failed(crate::exit::unreadable(path, e.kind())))? {
        return Err(failure);
    }
    print::words(&say(Say::Validated { accepted, refused }));
    Ok(match (accepted, refused) {
        (_, 0) => Exit::Done,
        (0, _) => Exit::Failed,
        _ => Exit::Part,
    })
}
