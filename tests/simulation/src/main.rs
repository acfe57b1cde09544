//! `simulate --seed N` tells one story, and with `--shrink` as short as it can be; `simulate [--seeds A..B] [--years Y] [--seconds S]` tells many and prints totals.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to its reader")]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use simulation::clinic::Happens;
use simulation::plan::Plan;
use simulation::shrink::shrink;
use simulation::{record, run};

const USAGE: &str = "simulate --seed N [--without NUMBER,...] [--shrink SECONDS] [STORY]\n\
                     simulate [--seeds A..B] [--seconds S] [--threads N] [--record FILE] [STORY]\n\
                     STORY: [--years Y | --days D] [--faults PER_MILLE] [--works PERCENT]";

fn main() -> ExitCode {
    let mut plan = Plan::daily(365, 100);
    let (mut seed, mut seeds, mut seconds) = (None, (1, u64::MAX), None);
    let (mut left_out, mut shrinking, mut threads) = (BTreeSet::new(), None, 1);
    let mut file = None;
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().unwrap_or_default();
        let number: Option<u64> = value.parse().ok();
        let days = number.and_then(|number| i64::try_from(number).ok());
        match (flag.as_str(), number, days) {
            ("--seed", Some(number), _) => seed = Some(number),
            ("--shrink", Some(number), _) => shrinking = Some(Duration::from_secs(number)),
            ("--without", _, _) => {
                left_out.extend(value.split(',').filter_map(|one| one.parse::<Happens>().ok()))
            }
            ("--seconds", Some(number), _) => seconds = Some(Duration::from_secs(number)),
            ("--days", _, Some(days)) => plan.days = days,
            ("--years", _, Some(years)) => plan.days = years * 1461 / 4,
            ("--faults", Some(number), _) => plan.faults = u32::try_from(number).unwrap_or(1000),
            ("--works", Some(number), _) => plan.works = u32::try_from(number).unwrap_or(100).min(100),
            ("--record", ..) if !value.is_empty() => file = Some(PathBuf::from(value)),
            ("--threads", Some(number), _) => threads = usize::try_from(number).unwrap_or(1),
            ("--seeds", _, _) if range(&value).is_some() => seeds = range(&value).unwrap_or(seeds),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let begun = Instant::now();
    let played = match seed {
        Some(seed) if shrinking.is_some() => return shrunk(seed, plan, shrinking.unwrap_or_default()),
        Some(seed) => run::tell_without(seed, plan, &left_out).map(|played| {
            played.story.iter().for_each(|line| println!("{line}"));
            played.totals
        }),
        None if seconds.is_none() && seeds.1 == u64::MAX => {
            eprintln!("{USAGE}\nname --seeds or --seconds, or it never ends");
            return ExitCode::from(2);
        }
        None => run::many(seeds.0, seeds.1 - seeds.0, plan, seconds, threads),
    };
    match played {
        Ok(totals) => {
            let took = begun.elapsed();
            totals.print(took);
            if let Some(Err(what)) = file.map(|file| record::add(&file, plan, &totals, took)) {
                eprintln!("simulate: {what}");
                return ExitCode::FAILURE;
            }
            if totals.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(what) => {
            eprintln!("simulate: {what}");
            ExitCode::FAILURE
        }
    }
}

/// Tells the story again and again, for so long, with less and less in it.
fn shrunk(seed: u64, plan: Plan, time: Duration) -> ExitCode {
    let begun = Instant::now();
    let shrunk = shrink(|left_out| {
        let is_time = left_out.is_empty() || begun.elapsed() < time;
        is_time.then(|| run::tell_without(seed, plan, left_out)).transpose()
    });
    match shrunk {
        Ok(Some(shrunk)) => {
            shrunk.played.story.iter().for_each(|line| println!("{line}"));
            shrunk.played.totals.print(begun.elapsed());
            let left_out: Vec<String> = shrunk.left_out.iter().map(Happens::to_string).collect();
            let kept = shrunk.played.happened.len();
            println!(
                "tried {} times; {} of {} things left:\nsimulate --seed {seed} {plan} --without {}",
                shrunk.tried,
                kept,
                kept + left_out.len(),
                left_out.join(",")
            );
            ExitCode::FAILURE
        }
        Ok(None) => {
            println!("no violation: there is nothing to shrink");
            ExitCode::SUCCESS
        }
        Err(what) => {
            eprintln!("simulate: {what}");
            ExitCode::FAILURE
        }
    }
}

fn range(text: &str) -> Option<(u64, u64)> {
    let (first, end) = text.split_once("..")?;
    let (first, end) = (first.parse().ok()?, end.parse().ok()?);
    (first < end).then_some((first, end))
}
