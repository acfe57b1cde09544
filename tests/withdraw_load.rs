//! A consent that is withdrawn while something is being sent and the outbox holds a file of any kind: the answer comes,
//! and a second after it was asked for nothing that it spoke of arrives any more. `WITHDRAWALS=1000` does it a thousand times, `LANES=4` on
//! four workstations at a time, `AGENT_PROGRAM=PATH` with another agent than this build's. Nothing but the figures that it
//! prints depends on how fast this machine is.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what the tests share is outside of `#[test]` functions")]

mod common;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::collector::Collector;
use common::outbox::Outbox;
use common::peer;
use common::relay::Relay;
use common::workstation::{Service, Workstation};
use common::{Random, bundle, seeded, until};
use nix::sys::stat::Mode;
use serde_json::Value as Json;
use tempfile::TempDir;

const SECOND: Duration = Duration::from_secs(1);
/// Bytes of what the vendor gets about a withdrawal, a ledger line and a request, with their heads. It may go over the
/// connection that is open, and at this rate later than a second on a slow machine. What is sent flows at twice that a second.
const VENDOR_NOTICE: u64 = 2 << 10;
/// After which the agent looks at what is new in the outbox.
const LOOK: Duration = agent::limits::OUTBOX_DELAY;
const COMING: &str = "files that go on coming";
/// Withdrawals at one workstation, each of which adds to its ledger.
const AT_ONE: u32 = 20;

/// What lies in the outbox beside the events that are being sent.
const KINDS: [&str; 9] = [
    "nothing",
    "1 TiB in 4 KiB on disk",
    "1 GiB of zeros in one line",
    "a line without end",
    "200,000 events",
    "200,000 lines of nonsense",
    "a thousand files",
    COMING,
    "no files",
];

/// Files that are linked into the outboxes, so that a thousand withdrawals write each once.
struct Nuisances(TempDir);

impl Nuisances {
    fn new(random: Random) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut outbox = Outbox::new(random);
        let events: String = (0..2000).map(|_| outbox.device_error() + "\n").collect();
        fs::write(dir.path().join("event"), outbox.device_error() + "\n").unwrap();
        fs::write(dir.path().join("events"), events.repeat(100)).unwrap();
        fs::write(dir.path().join("nonsense"), "{\"event\":\n".repeat(200_000)).unwrap();
        fs::write(dir.path().join("line"), "x".repeat(64 << 20) + "\n").unwrap();
        Self(dir)
    }

    /// Leaves one kind in an outbox.
    fn leave(&self, kind: &str, outbox: &Path) {
        // It ends in a line feed: else it might still be growing, and the agent would wait.
        let sparse = |name: &str, size: u64| {
            let mut file = File::create(outbox.join(name)).unwrap();
            file.seek(SeekFrom::Start(size - 1)).unwrap();
            file.write_all(b"\n").unwrap();
        };
        let link = |of: &str, name: &str| fs::hard_link(self.0.path().join(of), outbox.join(name)).unwrap();
        match kind {
            "nothing" => {}
            "1 TiB in 4 KiB on disk" => sparse("z.ndjson", 1 << 40),
            "1 GiB of zeros in one line" => sparse("z.ndjson", 1 << 30),
            "a line without end" => link("line", "z.ndjson"),
            "200,000 events" => link("events", "z.ndjson"),
            "200,000 lines of nonsense" => link("nonsense", "z.ndjson"),
            COMING => {} // as long as it takes: `Scene::withdraw`
            "a thousand files" => (0..1000).for_each(|number| link("event", &format!("z{number}.ndjson"))),
            _ => {
                fs::create_dir(outbox.join("d.ndjson")).unwrap();
                nix::unistd::mkfifo(&outbox.join("f.ndjson"), Mode::S_IRWXU).unwrap();
            }
        }
    }
}

/// A workstation that sends slowly, a bundle first.
struct Scene {
    relay: Relay,
    workstation: Workstation,
    _service: Service,
    collector: Collector,
}

/// What came of one withdrawal.
#[derive(Debug)]
struct Outcome {
    kind: &'static str,
    took: Duration,
    /// Bytes that left later than a second after it was asked for, over connections that were open then.
    late: u64,
    /// Of the payload, records and bytes of bundles, what the collector holds more than it did then.
    payload: (usize, u64),
}

impl Scene {
    fn new(random: &mut Random) -> Self {
        let collector = Collector::start();
        let relay = Relay::to(collector.address());
        let workstation = Workstation::new(&relay.url(), &collector.ca());
        workstation.enroll(&collector.token());
        let consent = bundle::open_case(&workstation, "A-1");
        bundle::queue(&workstation, "A-1", consent, 1 << 20, random);
        workstation.configure("1 GiB/s", "4 KiB/s");
        let service = workstation.serve();
        Self { relay, workstation, _service: service, collector }
    }

    fn ask(&self, line: &str) -> Json {
        let mut stream = UnixStream::connect(self.workstation.socket()).unwrap();
        stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Says yes to usage statistics and leaves events that take ten seconds to send.
    fn leave_events(&self, random: &Random) {
        let shown = self.ask(r#"{"request":"consent","action":"show","purpose":"usage_statistics"}"#);
        let yes = shown["digest"].as_str().unwrap();
        let grant =
            r#"{"request":"consent","action":"grant","purpose":"usage_statistics","by":"owner","yes":"YES"}"#;
        assert_eq!(self.ask(&grant.replace("YES", yes))["ok"], true);
        Outbox::new(random.clone()).fill(&self.workstation, 4000, 4000, Outbox::device_error);
    }

    /// Records that the collector holds, and bytes of bundles that came in part.
    fn payload(&self) -> (usize, u64) {
        (self.collector.export().len(), self.bundle_bytes())
    }

    fn bundle_bytes(&self) -> u64 {
        let files = fs::read_dir(self.collector.data().join("uploads")).into_iter().flatten();
        files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
    }

    /// Withdraws `what` while it is sent and the agent looks at what `kind` left.
    fn withdraw(
        &self,
        what: &[&str],
        kind: &'static str,
        nuisances: &Nuisances,
        random: &mut Random,
    ) -> Outcome {
        let before = self.relay.bytes();
        until("something is being sent", || self.relay.bytes() > before + 6000);
        nuisances.leave(kind, &self.workstation.outbox());
        let is_over = AtomicBool::new(kind != COMING);
        thread::scope(|scope| {
            scope.spawn(|| {
                let begun = Instant::now(); // a withdrawal that fails ends it too
                let goes_on = || !is_over.load(Ordering::SeqCst) && begun.elapsed() < 100 * SECOND;
                for number in (0..).take_while(|_| goes_on()) {
                    fs::write(self.workstation.outbox().join(format!("z{number}.ndjson")), "{}\n").unwrap();
                }
            });
            let withdrawn = self.time(what, kind, random);
            is_over.store(true, Ordering::SeqCst);
            withdrawn
        })
    }

    fn time(&self, what: &[&str], kind: &'static str, random: &mut Random) -> Outcome {
        let (left, wait) = (Instant::now(), LOOK + Duration::from_millis(random.within(0, 400).into()));
        until("the agent looks", || left.elapsed() > wait);

        let (asked, connections) = (Instant::now(), self.relay.connections());
        self.workstation.expect(0, &[&["consent", "withdraw"], what].concat());
        let took = asked.elapsed();
        until("a second has passed", || asked.elapsed() > SECOND.max(took));
        let (before, held) = (self.relay.bytes_of_first(connections), self.payload());
        until("another has", || asked.elapsed() > 2 * SECOND);
        let late = self.relay.bytes_of_first(connections) - before;
        let holds = self.payload();
        Outcome { kind, took, late, payload: (holds.0 - held.0, holds.1.saturating_sub(held.1)) }
    }

    /// Empties the outbox of what the agent leaves there.
    fn tidy(&self) {
        for path in fs::read_dir(self.workstation.outbox()).unwrap().map(|entry| entry.unwrap().path()) {
            let _: Result<(), _> = if path.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) };
        }
    }
}

/// Withdraws so often, and gives what each took and let leave.
fn withdraw(times: u32, nuisances: &Nuisances, random: &mut Random) -> Vec<Outcome> {
    let mut all = Vec::new();
    // Few withdrawals see other kinds in every run; ten see all of them.
    let first = random.within(0, KINDS.len() as u32 - 1) as usize;
    while (all.len() as u32) < times {
        let scene = Scene::new(random);
        scene.workstation.grant(); // or nobody would read what lies in the outbox
        until("a part of the bundle came", || scene.bundle_bytes() > 0);
        let outcome = scene.withdraw(&["support_case", "--case", "A-1"], KINDS[2], nuisances, random);
        all.push(Outcome { kind: "a bundle", ..outcome });
        scene.workstation.expect(0, &["consent", "withdraw", "usage_statistics"]);
        scene.tidy();
        for _ in 1..AT_ONE.min(times + 1 - all.len() as u32) {
            let kind = KINDS[(first + all.len()) % KINDS.len()];
            scene.leave_events(random);
            all.push(scene.withdraw(&["usage_statistics"], kind, nuisances, random));
            scene.tidy();
        }
    }
    all
}

fn number(name: &str, otherwise: u32) -> u32 {
    std::env::var(name).ok().and_then(|number| number.parse().ok()).unwrap_or(otherwise)
}

#[test]
fn whatever_lies_in_the_outbox_a_withdrawal_is_answered_and_nothing_leaves_a_second_later() {
    let usual = if peer::is_slow("six of ten withdrawals") { 10 } else { 4 };
    let (times, lanes) = (number("WITHDRAWALS", usual), number("LANES", 2).max(1));
    let mut random = seeded();
    let nuisances = Nuisances::new(random.clone());
    let seeds: Vec<Random> = (0..lanes).map(|_| Random::new(random.next())).collect();
    let mut all = Vec::new();
    thread::scope(|scope| {
        let lane = |mut random: Random| {
            let nuisances = &nuisances;
            scope.spawn(move || withdraw(times.div_ceil(lanes), nuisances, &mut random))
        };
        let running: Vec<_> = seeds.into_iter().map(lane).collect();
        running.into_iter().for_each(|lane| all.extend(lane.join().unwrap()));
    });
    for kind in KINDS.iter().chain(&["a bundle"]) {
        let mut of_kind: Vec<_> = all.iter().filter(|one| one.kind == *kind).map(|one| one.took).collect();
        of_kind.sort();
        if let (Some(worst), Some(half)) = (of_kind.last(), of_kind.get(of_kind.len() / 2)) {
            println!("{kind}: {} withdrawals, half within {half:.0?}, the worst {worst:.0?}", of_kind.len());
        }
    }
    let late: Vec<_> = all.iter().filter(|one| one.late > VENDOR_NOTICE || one.payload != (0, 0)).collect();
    assert!(late.is_empty(), "of {}: {late:?}", all.len());
    let reported = all.iter().filter(|one| one.late > 0).count();
    println!(
        "{} withdrawals; after a second 0 records and 0 bytes of bundles, but of {reported} what the vendor gets about it",
        all.len()
    );
}
