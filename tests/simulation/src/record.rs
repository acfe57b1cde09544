//! Totals that outlast a run: a table that each run of one commit adds to, and how often each fault came in all of them.
//!
//! ```text
//! | story | commit | seeds | ... |      a row for each kind of story and commit
//! | fault | times |                    a row for each fault, over all rows above
//! - seed N ...                         a line for each violation, which stays
//! ```

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::faults::Fault;
use crate::plan::Plan;
use crate::run::Totals;

const HEAD: &str = "# Totals of the simulation\n\n\
    Written by `simulate --record`. Runs of one kind of story and one commit are added up in one row, in the order of their\n\
    first run; the minutes are those of the clock, on as many threads as a run had. A seed that came twice counts twice.\n";
const ROWS: &str = "| story | commit | seeds | newest seed | clinic-years | events said | record-days | faults | violations | \
                    minutes | years a minute |\n|---|---|---|---|---|---|---|---|---|---|---|\n";
const FAULTS: &str = "| fault | times |\n|---|---|\n";

/// The runs of one kind of story and one commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Row {
    seeds: u64,
    newest: u64,
    days: u64,
    said: u64,
    record_days: u64,
    faults: u64,
    violations: u64,
    seconds: u64,
}

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kept {
    /// By story and commit, in the order of the file.
    rows: Vec<((String, String), Row)>,
    faults: BTreeMap<String, u64>,
    violations: Vec<String>,
}

/// Adds a run to the totals that `file` keeps; makes the file if there is none.
///
/// # Errors
/// What cannot be read or written; a row that is not understood.
pub fn add(file: &Path, plan: Plan, totals: &Totals, took: Duration) -> Result<(), String> {
    let said = |error: io::Error| format!("{}: {}", file.display(), error.kind());
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        read => read.map_err(said)?,
    };
    let mut kept = Kept::read(&text)?;
    kept.add(&plan.to_string(), &commit(), totals, took);
    fs::write(file, kept.to_string()).map_err(said)
}

/// The commit that the program is of, as far as the folder that it runs in tells; with a plus where sources differ from it.
fn commit() -> String {
    let git = |words: &[&str]| Command::new("git").args(words).output();
    let asked = git(&["rev-parse", "--short", "HEAD"]).ok().filter(|output| output.status.success());
    let Some(head) = asked.and_then(|output| String::from_utf8(output.stdout).ok()) else {
        return "unknown".to_owned();
    };
    let same = git(&["diff", "--quiet", "HEAD", "--", "*.rs", "*.toml", "*.sql"]);
    let mark = if same.is_ok_and(|output| output.status.success()) { "" } else { "+" };
    format!("{}{mark}", head.trim())
}

impl Kept {
    fn read(text: &str) -> Result<Self, String> {
        let mut kept = Self::default();
        for line in text.lines() {
            if let Some(violation) = line.strip_prefix("- ") {
                kept.violations.push(violation.to_owned());
            }
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let odd = || format!("a row of the totals is not understood: {line}");
            let number = |at: usize| cells.get(at).and_then(|cell| cell.parse::<u64>().ok()).ok_or_else(odd);
            let tenths = |at: usize| cells.get(at).and_then(|cell| cell.parse::<f64>().ok()).ok_or_else(odd);
            match cells.as_slice() {
                ["", story, commit, _, _, years, .., ""] if story.starts_with('`') => {
                    let years: f64 = years.parse().map_err(|_| odd())?;
                    let row = Row {
                        seeds: number(3)?,
                        newest: number(4)?,
                        days: (years * 365.25).round() as u64,
                        said: number(6)?,
                        record_days: number(7)?,
                        faults: number(8)?,
                        violations: number(9)?,
                        seconds: (tenths(10)? * 60.0).round() as u64,
                    };
                    kept.rows.push((((*story).to_owned(), (*commit).to_owned()), row));
                }
                ["", fault, times, ""] if times.parse::<u64>().is_ok() => {
                    kept.faults.insert((*fault).to_owned(), number(2)?);
                }
                _ => {}
            }
        }
        Ok(kept)
    }

    fn add(&mut self, story: &str, commit: &str, totals: &Totals, took: Duration) {
        let name = (format!("`{story}`"), commit.to_owned());
        if !self.rows.iter().any(|(of, _)| *of == name) {
            self.rows.push((name.clone(), Row::default()));
        }
        for (_, row) in self.rows.iter_mut().filter(|(of, _)| *of == name) {
            row.seeds += totals.seeds;
            row.newest = row.newest.max(totals.newest);
            row.days += totals.days;
            row.said += totals.said;
            row.record_days += totals.record_days;
            row.faults += totals.faults.0.values().sum::<u64>();
            row.violations += totals.violations.len() as u64;
            row.seconds += took.as_secs();
        }
        for (fault, times) in &totals.faults.0 {
            *self.faults.entry(Fault::word(*fault).to_owned()).or_default() += times;
        }
        let said =
            totals.violations.iter().map(|(seed, what)| format!("seed {seed} `{story}` {commit}: {what}"));
        self.violations.extend(said);
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let years = |days: u64| days as f64 / 365.25;
        let all = |of: fn(&Row) -> u64| self.rows.iter().map(|(_, row)| of(row)).sum::<u64>();
        let (days, seconds) = (all(|row| row.days), all(|row| row.seconds));
        let speed = |days: u64, seconds: u64| years(days) * 60.0 / (seconds.max(1) as f64);
        write!(
            out,
            "{HEAD}\nIn all: {} seeds, {:.1} clinic-years, {} faults of {} kinds, {} violations; {:.1} clinic-years a minute.\n\n{ROWS}",
            all(|row| row.seeds),
            years(days),
            all(|row| row.faults),
            self.faults.len(),
            all(|row| row.violations),
            speed(days, seconds)
        )?;
        for ((story, commit), row) in &self.rows {
            writeln!(
                out,
                "| {story} | {commit} | {} | {} | {:.3} | {} | {} | {} | {} | {:.2} | {:.1} |",
                row.seeds,
                row.newest,
                years(row.days),
                row.said,
                row.record_days,
                row.faults,
                row.violations,
                row.seconds as f64 / 60.0,
                speed(row.days, row.seconds)
            )?;
        }
        write!(out, "\n{FAULTS}")?;
        let mut faults: Vec<_> = self.faults.iter().collect();
        faults.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        for (fault, times) in faults {
            writeln!(out, "| {fault} | {times} |")?;
        }
        if !self.violations.is_empty() {
            out.write_char('\n')?;
        }
        self.violations.iter().try_for_each(|violation| writeln!(out, "- {violation}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::Faults;

    fn totals(seed: u64, days: u64, violations: &[&str]) -> Totals {
        let faults = Faults([(Fault::Killed, 3), (Fault::RequestLost, seed)].into());
        let violations = violations.iter().map(|what| (seed, (*what).to_owned())).collect();
        Totals {
            seeds: 1,
            newest: seed,
            days,
            said: 10,
            record_days: 7,
            faults,
            violations,
            ..Totals::default()
        }
    }

    #[test]
    fn runs_are_added_up_and_a_violation_stays() {
        let mut kept = Kept::default();
        let minute = Duration::from_secs(61);
        kept.add("--days 365", "abc", &totals(5, 365, &["lost: 3 | events"]), minute);
        for seed in [7, 6] {
            // As another process would.
            kept = Kept::read(&kept.to_string()).unwrap();
            kept.add("--days 365", "abc", &totals(seed, 365, &[]), minute);
        }
        kept.add("--days 365", "def", &totals(8, 40, &[]), minute);
        let text = kept.to_string();
        assert_eq!(Kept::read(&text), Ok(kept.clone()), "{text}");
        let row = &kept.rows[0].1;
        assert_eq!((row.seeds, row.newest, row.days, row.said), (3, 7, 3 * 365, 30));
        assert_eq!((row.faults, row.violations, row.seconds), (3 * 3 + 5 + 7 + 6, 1, 183));
        assert_eq!(kept.faults["request lost"], 5 + 7 + 6 + 8);
        assert!(
            text.contains("In all: 4 seeds, 3.1 clinic-years, 38 faults of 2 kinds, 1 violations"),
            "{text}"
        );
        assert!(text.ends_with("- seed 5 `--days 365` abc: lost: 3 | events\n"), "{text}");
    }

    #[test]
    fn a_row_that_is_not_understood_is_not_overwritten() {
        let odd = "| `--days 365` | abc | many | 1 | 1.00 | 1 | 1 | 1 | 1 | 1.00 | 1.0 |\n";
        assert!(Kept::read(odd).is_err());
    }
}
