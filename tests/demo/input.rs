//! What Kathea says in the demo: simulated days, or the user's own file.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::kathea::{self, Plan, Said};
use crate::stage::Result;

/// Into how much time everything is squeezed: an agent takes nothing from before its grant, and nothing from far
/// ahead of its clock.
const SQUEEZED: Duration = Duration::hours(36);

/// Where the lines come from.
pub(crate) enum Input {
    Simulated { days: u32, seed: u64 },
    File(PathBuf),
}

impl Input {
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Simulated { days, seed } => format!("{days} days of a simulated Kathea (seed {seed})"),
            Self::File(path) => path.display().to_string(),
        }
    }

    /// Writes the lines as complete files into `dir`, dated from `now` on.
    pub(crate) fn write(&self, dir: &Path, now: OffsetDateTime) -> Result<Said> {
        match self {
            Self::Simulated { days, seed } => {
                let plan = Plan { seed: *seed, start: now, days: *days, squeezed: Some(SQUEEZED) };
                Ok(kathea::write(dir, &plan)?)
            }
            Self::File(path) => {
                let text = fs::read(path).map_err(|e| format!("{} cannot be read: {e}", path.display()))?;
                redate(&text, dir, now)
            }
        }
    }
}

/// Lines that are no events go in unchanged: the agent refuses and counts them.
fn redate(text: &[u8], dir: &Path, now: OffsetDateTime) -> Result<Said> {
    let parsed = |line: &[u8]| -> Option<(OffsetDateTime, Map<String, Value>)> {
        let Value::Object(line) = serde_json::from_slice(line).ok()? else { return None };
        Some((OffsetDateTime::parse(line.get("at")?.as_str()?, &Rfc3339).ok()?, line))
    };
    let lines: Vec<&[u8]> = text.strip_suffix(b"\n").unwrap_or(text).split(|byte| *byte == b'\n').collect();
    let times: Vec<_> = lines.iter().filter_map(|line| Some(parsed(line)?.0)).collect();
    let first = times.iter().min().copied().unwrap_or(now);
    let length = times.iter().max().map_or(Duration::ZERO, |last| *last - first);
    let squeeze = (SQUEEZED.as_seconds_f64() / length.as_seconds_f64().max(1.0)).min(1.0);

    let mut said = Said::default();
    let mut written = Vec::with_capacity(lines.len());
    for line in lines {
        let Some((at, mut attributes)) = parsed(line) else {
            said.lines += 1;
            written.push(String::from_utf8_lossy(line).into_owned());
            continue;
        };
        let at = (now + (at - first) * squeeze).replace_nanosecond(0)?;
        attributes.insert("at".into(), at.format(&Rfc3339)?.into());
        written.push(Value::Object(attributes.clone()).to_string());
        attributes.remove("at");
        let event = attributes.remove("event").unwrap_or_default();
        said.note(event.as_str().unwrap_or_default(), at, &attributes);
    }
    kathea::write_file(dir, "own", written)?;
    Ok(said)
}
