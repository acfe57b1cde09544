//! Cost of a queue: a commit, filling and draining, opening with 100,000 records, disk and memory.
//!
//! `cargo bench -p agent --bench spool`. The table at the end has what a benchmark's mean hides: percentiles of
//! single commits, bytes on disk for each event that waits, resident memory.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use agent::collect::Raw;
use agent::consent::permit::UsageStatistics;
use agent::consent::{By, Channel, Flag, Policy, Registry};
use agent::seal::record::{Position, Sealed};
use agent::spool::Spool;
use agent::usage::validation::{self, Usage, Validator, Wanted, Window};
use agent::vault::{Protector, Vault};
use divan::Bencher;
use protocol::ledger::Role;
use protocol::{Catalog, Digest, Header, Purpose, Retention};
use tempfile::TempDir;

/// Inside the built-in policy's period.
const NOW: i64 = 1_800_000_000;
/// A grant before every line.
const WINDOW: Window = Window { granted: 0, now: NOW };
const BOTH: Wanted = Wanted { usage: true, open: true };
/// Names the directory of a site to start in, for a process that does nothing else.
const START_IN: &str = "BENCH_SPOOL_START_IN";
/// Events of one file of a busy day.
const FILE: u64 = 500;

fn main() {
    if let Ok(home) = std::env::var(START_IN) {
        return start(Path::new(&home));
    }
    divan::main();
    if std::env::args().any(|arg| arg == "--bench") {
        commits();
        cycles();
        starts();
    }
}

struct Site {
    home: TempDir,
    vault: Vault,
    registry: Registry,
    drawn: u64,
}

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (vault, _) = Vault::open(home.path(), &Protector::File, NOW).unwrap();
        let policy = Policy::load("copenhagen-imaging").unwrap();
        let mut registry = Registry::open(home.path(), policy, false, vault.device_key());
        let shown = registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
        let by = By { role: Some(Role::Owner), channel: Channel::CommandLine, session: None };
        registry.grant(&Flag::UsageStatistics, &shown, None, by, NOW).unwrap();
        Self { home, vault, registry, drawn: 0 }
    }

    fn open(&self) -> Spool<Usage> {
        let queue = self.home.path().join("spool").join("usage");
        Spool::open(&queue, [1; 8], &|record| record.verifies(&self.vault)).unwrap().0
    }

    /// A sealed batch of `events` device errors at `position`.
    fn seal(&mut self, position: Position, events: u64) -> Sealed<Usage> {
        let mut validator = Validator::new(Catalog::built_in());
        for _ in 0..events {
            self.drawn = self.drawn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let draw = |shift: u32, bound: u64| (self.drawn >> shift) % bound;
            let subsystem =
                ["generator", "detector", "motion", "camera", "network", "power"][draw(33, 6) as usize];
            let severity = ["warn", "error", "info"][draw(50, 3) as usize];
            let (hour, code, repeats) = (draw(60, 8), 1 + draw(40, 200), 1 + draw(57, 4));
            let line = format!(
                r#"{{"event":"device.error","at":"2026-11-21T0{hour}:00:00Z","code":{code},"subsystem":"{subsystem}","severity":"{severity}","repeats":{repeats}}}"#
            );
            validator.take(Raw::new(line.as_bytes()), WINDOW, BOTH).unwrap();
        }
        let header = Header {
            purpose: Purpose::UsageStatistics,
            agent: "0.1.0".into(),
            catalog: Catalog::built_in().hash(),
            consent: Digest::of(b"entry"),
            retention: Retention::Usage24Months,
        };
        let mut batches = validator.events(&header, position);
        let (clean, _) = batches.next().unwrap();
        assert!(batches.next().is_none(), "one sealed record holds {events} events");
        let permit = self.registry.permit::<UsageStatistics>(NOW).unwrap();
        Sealed::new(&clean, position, &[], &permit, &mut self.vault, NOW).unwrap()
    }

    /// One commit of `items` batches of `events` each.
    fn put(&mut self, spool: &mut Spool<Usage>, items: u64, events: u64) {
        let mut position = spool.position();
        let mut sealed = Vec::new();
        for _ in 0..items {
            sealed.push(self.seal(position, events));
            position.number += events;
            position.seq += events;
        }
        spool.put(&sealed).unwrap();
    }

    fn merge(&mut self, spool: &mut Spool<Usage>) {
        let permit = self.registry.permit::<UsageStatistics>(NOW).unwrap();
        let vault = &mut self.vault;
        let join = |page: &[Sealed<Usage>]| {
            let clean: Vec<_> = page.iter().map(|record| record.open(&permit, vault).unwrap()).collect();
            validation::joined(clean, page[0].position(), Catalog::built_in())
                .into_iter()
                .flatten()
                .map(|(clean, position)| Sealed::new(&clean, position, &[], &permit, vault, NOW).unwrap())
                .collect()
        };
        spool.merge(join).unwrap();
    }
}

fn drain(spool: &mut Spool<Usage>) {
    loop {
        let page = spool.oldest(0, 1000, 64 << 10).unwrap();
        let (Some(first), Some(last)) = (page.first(), page.last()) else { return };
        spool.settle(Some(first.numbers().start..last.numbers().end)).unwrap();
    }
}

#[divan::bench(args = [1, 64])]
fn commit(bencher: Bencher<'_, '_>, items: u64) {
    let mut site = Site::new();
    let mut spool = site.open();
    bencher.bench_local(|| site.put(&mut spool, items, 1));
}

#[divan::bench(sample_count = 10)]
fn fill_and_drain_20_000_events(bencher: Bencher<'_, '_>) {
    let mut site = Site::new();
    let mut spool = site.open();
    bencher.bench_local(|| {
        for _ in 0..4 {
            site.put(&mut spool, 10, FILE);
        }
        drain(&mut spool);
    });
}

/// Single commits of one event each, with both syncs, beside a bare sync of the same disk.
fn commits() {
    let mut site = Site::new();
    let mut spool = site.open();
    site.put(&mut spool, 1, 1);
    let times = (0..2000).map(|_| {
        let position = spool.position();
        let record = [site.seal(position, 1)];
        let begun = Instant::now();
        spool.put(&record).unwrap();
        begun.elapsed()
    });
    percentiles("commit of one event", times.collect());

    let probe = fs::File::create(site.home.path().join("probe")).unwrap();
    let times = (0..2000).map(|_| {
        std::io::Write::write_all(&mut &probe, &[0x5a; 300]).unwrap();
        let begun = Instant::now();
        probe.sync_data().unwrap();
        begun.elapsed()
    });
    percentiles("bare append and sync", times.collect());
}

fn percentiles(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{what:<30} p50 {:>9.2?}  p99 {:>9.2?}  worst {:>9.2?}", at(50), at(99), at(100));
}

/// Disk for 200,000 waiting events, in files of 500, after none and after ten fills and drains.
fn cycles() {
    const EVENTS: u64 = 200_000;
    let mut site = Site::new();
    let mut spool = site.open();
    for cycle in 0..=10 {
        let begun = Instant::now();
        for _ in 0..EVENTS / FILE / 40 {
            site.put(&mut spool, 40, FILE);
        }
        let filled = begun.elapsed();
        let (disk, sealed) = (spool.disk_bytes().unwrap(), spool.waiting().bytes);
        if cycle % 10 == 0 {
            println!(
                "200,000 events, cycle {cycle:>2}       {:>5.2} bytes an event on disk, {:.2} sealed, filled in {filled:.2?}, {}",
                disk as f64 / EVENTS as f64,
                sealed as f64 / EVENTS as f64,
                resident()
            );
        }
        drain(&mut spool);
    }
}

/// A start with 100,000 records, each in a process of its own.
fn starts() {
    for (what, commits, items, events, merged) in [
        ("one by one", 1000, 100, 1, false),
        ("one by one, merged", 1000, 100, 1, true),
        ("in files of 500", 5, 40, FILE, true),
    ] {
        let mut site = Site::new();
        let mut spool = site.open();
        for _ in 0..commits {
            site.put(&mut spool, items, events);
            if merged && spool.wants_merge() {
                site.merge(&mut spool);
            }
        }
        println!("100,000 records {what}: {} bytes on disk", spool.disk_bytes().unwrap());
        drop(spool);
        let myself = std::env::current_exe().unwrap();
        Command::new(myself).env(START_IN, site.home.path()).status().unwrap();
    }
}

fn start(home: &Path) {
    let (vault, _) = Vault::open(home, &Protector::File, NOW).unwrap();
    let queue = home.join("spool").join("usage");
    println!("  before the start               {}", resident());
    let begun = Instant::now();
    let (mut spool, _) = Spool::<Usage>::open(&queue, [2; 8], &|record| record.verifies(&vault)).unwrap();
    let opened = begun.elapsed();
    println!("  started in {opened:>9.2?}           {}, {} wait", resident(), spool.waiting().records);
    spool.oldest(0, 1000, 64 << 10).unwrap();
    println!("  looked at the oldest           {}", resident());
    spool.rest();
    println!("  at rest                        {}", resident());
    let begun = Instant::now();
    drain(&mut spool);
    println!("  drained in {:>9.2?}           {}", begun.elapsed(), resident());
}

/// Resident memory of this process, as the kernel says it; empty where it does not.
fn resident() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    format!("RSS {}, at most {}", line("VmRSS:"), line("VmHWM:"))
}
