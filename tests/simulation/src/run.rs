//! Many seeds, and their totals.

use std::collections::{BTreeMap, BTreeSet};
use std::panic;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use crate::clinic::{Clinic, Happens};
use crate::faults::Faults;
use crate::plan::Plan;

/// What came of stories.
#[derive(Clone, Debug, Default)]
pub struct Totals {
    /// Stories.
    pub seeds: u64,
    /// The largest of their seeds.
    pub newest: u64,
    /// Days that were lived.
    pub days: u64,
    /// What happened.
    pub faults: Faults,
    /// Events that Kathea said.
    pub said: u64,
    /// Events that came.
    pub came: u64,
    /// Exchanges between agent and collector.
    pub exchanges: u64,
    /// Record-days that the oracle looked at.
    pub record_days: u64,
    /// Violations, and their seeds.
    pub violations: Vec<(u64, String)>,
}

/// The story of a seed.
pub struct Played {
    /// A line for what happened.
    pub story: Vec<String>,
    /// What happened, by number.
    pub happened: Vec<Happens>,
    /// What came of it.
    pub totals: Totals,
}

/// Tells the story of a seed.
///
/// # Errors
/// The world cannot be made, in a sentence.
pub fn tell(seed: u64, plan: Plan) -> Result<Played, String> {
    tell_without(seed, plan, &BTreeSet::new())
}

/// Likewise, but what is `left_out` does not happen.
///
/// # Errors
/// The world cannot be made, in a sentence.
pub fn tell_without(seed: u64, plan: Plan, left_out: &BTreeSet<Happens>) -> Result<Played, String> {
    let root = folder(seed);
    let mut clinic = Clinic::new(seed, &root, plan, left_out)?;
    clinic.live();
    clinic.collect();
    let totals = Totals {
        seeds: 1,
        newest: seed,
        days: u64::try_from(plan.days).unwrap_or(0),
        faults: clinic.faults.clone(),
        said: clinic.model.said,
        came: clinic.model.came,
        exchanges: clinic.link.net().exchanges,
        record_days: clinic.vendor.record_days,
        violations: shortened(&clinic.violations).into_iter().map(|what| (seed, what)).collect(),
    };
    let (story, happened) = (std::mem::take(&mut clinic.story), std::mem::take(&mut clinic.happened));
    clinic.clear();
    Ok(Played { story, happened, totals })
}

/// Three of each kind are enough to see what it is.
fn shortened(violations: &[String]) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let few = violations.iter().filter(|what| {
        let count = seen.entry(what.split(':').next().unwrap_or_default()).or_default();
        *count += 1;
        *count <= 3
    });
    few.cloned().collect()
}

/// A folder of a story's own: two tests of one process may tell the same seed.
fn folder(seed: u64) -> PathBuf {
    static STORIES: AtomicU64 = AtomicU64::new(0);
    let shm = PathBuf::from("/dev/shm");
    let base = if shm.is_dir() { shm } else { std::env::temp_dir() };
    let story = STORIES.fetch_add(1, Ordering::Relaxed);
    base.join(format!("kathea-simulation-{}-{seed}-{story}", std::process::id()))
}

/// Tells the stories of the seeds from `first` on, until there are `count` of them or `time` is over. Each story has
/// one thread, `threads` of them beside each other.
///
/// # Errors
/// The world cannot be made, in a sentence.
pub fn many(
    first: u64,
    count: u64,
    plan: Plan,
    time: Option<Duration>,
    threads: usize,
) -> Result<Totals, String> {
    let (begun, next) = (Instant::now(), AtomicU64::new(first));
    let tell_some = || {
        let mut totals = Totals::default();
        while time.is_none_or(|time| begun.elapsed() < time) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= first.saturating_add(count) {
                break;
            }
            let one = tell(seed, plan)?.totals;
            // In hours of stories a violation is not kept for the end.
            one.violations.iter().for_each(|(seed, what)| eprintln!("seed {seed}: {what}"));
            totals.add(one);
        }
        Ok(totals)
    };
    let parts: Vec<Result<Totals, String>> = thread::scope(|scope| {
        let tellers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(tell_some)).collect();
        let ended = tellers.into_iter().map(ScopedJoinHandle::join);
        ended.map(|part| part.unwrap_or_else(|why| panic::resume_unwind(why))).collect()
    });
    let mut totals = Totals::default();
    for part in parts {
        totals.add(part?);
    }
    totals.violations.sort();
    Ok(totals)
}

impl Totals {
    fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.newest = self.newest.max(other.newest);
        self.days += other.days;
        self.faults.add(&other.faults);
        self.said += other.said;
        self.came += other.came;
        self.exchanges += other.exchanges;
        self.record_days += other.record_days;
        self.violations.extend(other.violations);
    }

    /// For a person.
    pub fn print(&self, took: Duration) {
        let years = self.days as f64 / 365.25;
        println!(
            "{} seeds, {years:.1} clinic-years, {} events said, {} came, {} exchanges, {} record-days looked at",
            self.seeds, self.said, self.came, self.exchanges, self.record_days
        );
        let faults: u64 = self.faults.0.values().sum();
        println!("{faults} faults of {} kinds:", self.faults.0.len());
        for (fault, count) in &self.faults.0 {
            println!("  {count:>8}  {}", fault.word());
        }
        println!(
            "{:.2} clinic-years a minute, {:.0} s",
            years / took.as_secs_f64() * 60.0,
            took.as_secs_f64()
        );
        println!("{} violations", self.violations.len());
        for (seed, what) in &self.violations {
            println!("  seed {seed}: {what}");
        }
    }
}
