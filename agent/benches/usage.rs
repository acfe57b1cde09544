//! Cost of taking in one event: validation, encoding, sealing, sync.
//!
//! `cargo bench -p agent --bench usage`. The last line is what a benchmark's mean hides: percentiles of single
//! commits. Lines are drawn from a fixed seed.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use agent::agent::Agent;
use agent::api::consent::Notice;
use agent::api::status::Status;
use agent::collect::Raw;
use agent::config::{Config, Protector as Kind};
use agent::consent::permit::UsageStatistics;
use agent::consent::{By, Channel, Flag, Policy, Registry};
use agent::request::{Caller, Reply, Request};
use agent::seal::payload::Clean;
use agent::seal::record::{Position, Sealed};
use agent::usage::validation::{Usage, Validator, Wanted, Window};
use agent::vault::{Protector, Vault};
use divan::Bencher;
use divan::counter::ItemsCount;
use protocol::ledger::Role;
use protocol::{Batch, Catalog, Digest, Epoch, Header, Purpose, Retention};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Inside the built-in policy's period.
const NOW: i64 = 1_800_000_000;
/// Lines of one file of a busy day.
const FILE: usize = 500;
/// Seconds over which lines are spread.
const SPAN: u64 = 40 * 3600;
/// A grant before every line.
const WINDOW: Window = Window { granted: 0, now: NOW + SPAN as i64 };
const BOTH: Wanted = Wanted { usage: true, open: true };

fn main() {
    divan::main();
    if std::env::args().any(|arg| arg == "--bench") {
        commits_of_one_event();
    }
}

/// A generator of 64 bits (Knuth's constants); enough to choose words by.
struct Draw(u64);

impl Draw {
    /// Below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn word<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len() as u64) as usize]
    }
}

/// `count` errors of the device over [`SPAN`]: some sixty codes, few of them often, each of one subsystem.
fn errors(count: usize, from: i64) -> Vec<String> {
    let mut draw = Draw(1);
    let line = |number: usize| {
        let rank = draw.below(60).min(draw.below(60)).min(draw.below(60));
        let subsystem = ["generator", "detector", "motion", "camera", "network", "power"][rank as usize % 6];
        let severity = ["warn", "error", "info", "stop"][rank as usize / 6 % 4];
        let repeats = if draw.below(8) == 0 { 1 + draw.below(20) } else { 1 };
        format!(
            r#"{{"event":"device.error","at":"{}","code":{},"subsystem":"{subsystem}","severity":"{severity}","repeats":{repeats}}}"#,
            moment(from, number, count),
            1000 + rank * 37,
        )
    };
    (0..count).map(line).collect()
}

/// `count` exposures over [`SPAN`], each with everything that a cone-beam scan says of itself.
fn exposures(count: usize, from: i64) -> Vec<String> {
    let mut draw = Draw(2);
    let line = |number: usize| {
        format!(
            concat!(
                r#"{{"event":"exposure.completed","at":"{}","mode":"cbct","patient_size":"{}","kv":{},"ma":{}.{},"#,
                r#""beam_s":{}.{},"dap":{},"fov":"{}","voxel_um":{},"protocol":"{}","changed_by_user":"no","#,
                r#""projections_lost":{},"tube_heat":{},"kv_deviation":0.{},"ma_deviation":0.{}}}"#
            ),
            moment(from, number, count),
            draw.word(&["child", "small", "medium", "large"]),
            80 + draw.below(3) * 5,
            4 + draw.below(6),
            draw.below(10),
            9 + draw.below(8),
            draw.below(10),
            200 + draw.below(900),
            draw.word(&["5x5", "8x8", "12x8", "15x9"]),
            [75, 150, 200, 300][draw.below(4) as usize],
            draw.word(&["adult_standard", "endodontic", "implant_single", "wisdom_teeth"]),
            draw.below(2),
            20 + draw.below(60),
            draw.below(10),
            draw.below(10),
        )
    };
    (0..count).map(line).collect()
}

/// The time of the `number`th of `count` lines, two hours ahead of UTC.
fn moment(from: i64, number: usize, count: usize) -> String {
    let at = from + (number as u64 * SPAN / count as u64) as i64;
    let offset = time::UtcOffset::from_hms(2, 0, 0).unwrap();
    OffsetDateTime::from_unix_timestamp(at).unwrap().to_offset(offset).format(&Rfc3339).unwrap()
}

fn take(validator: &mut Validator, lines: &[String]) {
    for line in lines {
        validator.take(Raw::new(line.as_bytes()), WINDOW, BOTH).unwrap();
    }
}

#[divan::bench]
fn validate_500_errors(bencher: Bencher<'_, '_>) {
    validator(bencher, &errors(FILE, NOW));
}

#[divan::bench]
fn validate_500_exposures(bencher: Bencher<'_, '_>) {
    validator(bencher, &exposures(FILE, NOW));
}

fn validator(bencher: Bencher<'_, '_>, lines: &[String]) {
    let mut validator = Validator::new(Catalog::built_in());
    bencher.counter(ItemsCount::new(lines.len())).bench_local(|| {
        take(&mut validator, lines);
        validator.clear();
    });
}

const FIRST: Position = Position { number: 0, epoch: Epoch { counter: 0, random: [0; 8] }, seq: 0 };

fn header() -> Header {
    Header {
        purpose: Purpose::UsageStatistics,
        agent: "0.1.0".into(),
        catalog: Catalog::built_in().hash(),
        consent: Digest::of(b"entry"),
        retention: Retention::Usage24Months,
    }
}

/// `count` errors as one batch.
fn batch(count: usize) -> Batch {
    let mut validator = Validator::new(Catalog::built_in());
    take(&mut validator, &errors(count, NOW));
    let mut parts = validator.events(&header(), FIRST).map(|(clean, _)| clean.get().batch().clone());
    let mut whole = parts.next().unwrap();
    parts.for_each(|part| whole.records.extend(part.records));
    whole
}

#[divan::bench(args = [500, 1000])]
fn encode(bencher: Bencher<'_, '_>, records: usize) {
    let batch = batch(records);
    bencher.counter(ItemsCount::new(records)).bench(|| batch.encode());
}

#[divan::bench(args = [500, 1000])]
fn decode(bencher: Bencher<'_, '_>, records: usize) {
    let bytes = batch(records).encode();
    bencher.counter(ItemsCount::new(records)).bench(|| Batch::decode(&bytes).unwrap());
}

/// Keys and a grant.
struct Keys {
    _home: TempDir,
    vault: Vault,
    registry: Registry,
}

impl Keys {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let (vault, _) = Vault::open(home.path(), &Protector::File, NOW).unwrap();
        let policy = Policy::load("copenhagen-imaging").unwrap();
        let mut registry = Registry::open(home.path(), policy, false, vault.device_key());
        let shown = registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
        let by = By { role: Some(Role::Owner), channel: Channel::CommandLine, session: None };
        registry.grant(&Flag::UsageStatistics, &shown, None, by, NOW).unwrap();
        Self { _home: home, vault, registry }
    }

    fn seal(&mut self, clean: &Clean<Usage>) -> Sealed<Usage> {
        let permit = self.registry.permit::<UsageStatistics>(NOW).unwrap();
        Sealed::new(clean, FIRST, &[], &permit, &mut self.vault, NOW).unwrap()
    }
}

/// The largest batch that one sealed record holds.
fn sealable() -> Clean<Usage> {
    let mut validator = Validator::new(Catalog::built_in());
    take(&mut validator, &errors(1000, NOW));
    validator.events(&header(), FIRST).next().unwrap().0
}

#[divan::bench]
fn seal(bencher: Bencher<'_, '_>) {
    let (mut keys, clean) = (Keys::new(), sealable());
    bencher.counter(ItemsCount::new(clean.get().batch().records.len())).bench_local(|| keys.seal(&clean));
}

#[divan::bench]
fn open(bencher: Bencher<'_, '_>) {
    let (mut keys, clean) = (Keys::new(), sealable());
    let sealed = keys.seal(&clean);
    let permit = keys.registry.permit::<UsageStatistics>(NOW).unwrap();
    bencher
        .counter(ItemsCount::new(clean.get().batch().records.len()))
        .bench_local(|| sealed.open(&permit, &keys.vault).unwrap());
}

/// An agent with a grant and without a collector.
struct Site {
    home: TempDir,
    agent: Agent,
    files: usize,
}

impl Site {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut config = Config { data_dir: home.path().join("data"), ..Config::default() };
        config.kathea.outbox = home.path().join("outbox");
        config.keys.protector = Kind::File;
        fs::create_dir(&config.kathea.outbox).unwrap();
        let mut site = Self { agent: Agent::open(config).unwrap(), home, files: 0 };
        let shown = site.ask(r#"{"request":"consent","action":"show","purpose":"usage_statistics"}"#);
        let digest = shown.read::<Notice>().unwrap().digest;
        let granted = site.ask(&format!(
            r#"{{"request":"consent","action":"grant","purpose":"usage_statistics","by":"owner","yes":"{digest}"}}"#
        ));
        assert!(granted.is_done());
        site
    }

    fn ask(&mut self, line: &str) -> Reply {
        let caller = Caller { administrator: true, kathea: true, may_grant: true };
        self.agent.answer(&serde_json::from_str::<Request>(line).unwrap(), caller)
    }

    /// Leaves `lines` in the outbox, in files.
    fn leave(&mut self, lines: &[String]) {
        for file in lines.chunks(FILE) {
            self.files += 1;
            let path = self.home.path().join("outbox").join(format!("{}.ndjson", self.files));
            fs::write(path, file.join("\n") + "\n").unwrap();
        }
    }
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn intake_50_000_errors(bencher: Bencher<'_, '_>) {
    let site = Site::new();
    intake(bencher, site, &errors(50_000, now()));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn intake_50_000_exposures(bencher: Bencher<'_, '_>) {
    let site = Site::new();
    intake(bencher, site, &exposures(50_000, now()));
}

/// From files in the outbox to sealed and synced records.
fn intake(bencher: Bencher<'_, '_>, site: Site, lines: &[String]) {
    let site = std::cell::RefCell::new(site);
    bencher
        .counter(ItemsCount::new(lines.len()))
        .with_inputs(|| site.borrow_mut().leave(lines))
        .bench_local_values(|()| site.borrow_mut().agent.run_once(false).unwrap());
    let status: Status = site.borrow_mut().ask(r#"{"request":"status"}"#).read().unwrap();
    assert!(status.dropped.is_empty(), "every line was taken in: {:?}", status.dropped);
}

/// One event from its line to its sealed and synced record, one after the other.
fn commits_of_one_event() {
    let mut site = Site::new();
    let lines = errors(2000, now());
    let mut times = Vec::new();
    for line in &lines {
        let begun = Instant::now();
        assert!(site.agent.record(line.as_bytes()).is_done());
        times.push(begun.elapsed());
    }
    times.sort_unstable();
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("commit of one event: p50 {:.2?}  p99 {:.2?}  worst {:.2?}", at(50), at(99), at(100));
}
