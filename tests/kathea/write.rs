//! The simulated Kathea by itself: `cargo run --example kathea -- OUTBOX --days 30`.

#[path = "mod.rs"]
mod kathea;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Parser;
use kathea::Plan;
use time::format_description::well_known::Iso8601;
use time::{Date, OffsetDateTime};

/// Writes believable days of Kathea into an outbox, and its sums to standard output.
#[derive(Parser)]
struct Arguments {
    /// Directory
    outbox: PathBuf,
    /// How many days; the clinic is closed at weekends
    #[arg(long, default_value_t = 30)]
    days: u32,
    /// The same seed, the same days
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// First day, YYYY-MM-DD [default: today]
    #[arg(long, value_name = "DATE")]
    start: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let start = match &arguments.start {
        Some(text) => Date::parse(text, &Iso8601::DATE)?,
        None => OffsetDateTime::now_utc().date(),
    };
    let start = start.midnight().assume_utc();
    std::fs::create_dir_all(&arguments.outbox)?;
    let plan = Plan { seed: arguments.seed, start, days: arguments.days, squeezed: None };
    let said = kathea::write(&arguments.outbox, &plan)?;
    writeln!(io::stderr(), "seed {}: {} lines in {} days", plan.seed, said.lines, plan.days)?;
    let mut out = io::stdout().lock();
    said.lines().try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(())
}
