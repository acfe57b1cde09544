//! The simulated Kathea: plausible days of events, written as the real one writes them, and its own sums
//! of what it said.
//!
//! The sums are kept by hand (`said`), not by the catalog's rules, so that a test does not share a mistake with
//! the agent. Everything follows from the seed.

#![allow(dead_code, reason = "each program uses its part")]

mod day;
mod said;
pub(crate) mod workplace;

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(crate) use said::Said;
pub(crate) use test_support::Random;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use day::Event;

/// What to write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// The same seed, the same days.
    pub(crate) seed: u64,
    /// Midnight of the first day, with the offset of the clock on the wall.
    pub(crate) start: OffsetDateTime,
    /// How many; the clinic is closed on Saturdays and Sundays.
    pub(crate) days: u32,
    /// Into how much time they are squeezed: an agent takes nothing from before its grant, and nothing from
    /// far ahead of its clock.
    pub(crate) squeezed: Option<Duration>,
}

impl Plan {
    /// When a second of a day is written to have been.
    fn time(&self, day: u32, second: u32) -> OffsetDateTime {
        let since = i64::from(day) * 86_400 + i64::from(second);
        let whole = i64::from(self.days.max(1)) * 86_400;
        match self.squeezed {
            None => self.start + Duration::seconds(since),
            Some(length) => self.start + Duration::seconds(since * length.whole_seconds() / whole),
        }
    }
}

/// Writes the days into `outbox`, a file for each hour, and says what was said.
pub(crate) fn write(outbox: &Path, plan: &Plan) -> io::Result<Said> {
    let mut random = Random::new(plan.seed);
    let mut said = Said::default();
    for number in 0..plan.days {
        let weekday = (plan.start + Duration::days(i64::from(number))).weekday();
        for hour in day::events(&mut random, weekday).chunk_by(|a, b| a.second / 3600 == b.second / 3600) {
            let Some(first) = hour.first() else { continue };
            let name = format!("kathea-{}-{number:03}-{:02}", plan.seed, first.second / 3600);
            let lines = hour.iter().map(|event| {
                let at = plan.time(number, event.second);
                said.note(event.event, at, &event.attributes);
                line(event, at)
            });
            write_file(outbox, &name, lines)?;
        }
    }
    Ok(said)
}

/// One complete file: written under another name, then renamed.
pub(crate) fn write_file(
    outbox: &Path,
    name: &str,
    lines: impl IntoIterator<Item = impl AsRef<str>>,
) -> io::Result<()> {
    let aside = outbox.join(format!("{name}.tmp"));
    let mut file = BufWriter::new(File::create(&aside)?);
    for line in lines {
        writeln!(file, "{}", line.as_ref())?;
    }
    file.into_inner()?.sync_all()?;
    fs::rename(&aside, outbox.join(format!("{name}.ndjson")))
}

fn line(event: &Event, at: OffsetDateTime) -> String {
    let at = at.format(&Rfc3339).unwrap_or_default();
    let mut text = format!(r#"{{"event":"{}","at":"{at}""#, event.event);
    for (key, value) in &event.attributes {
        text += &format!(r#","{key}":{value}"#);
    }
    text.push('}');
    text
}
