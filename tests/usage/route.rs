//! From Kathea's outbox to the collector's export: everything that is put in comes out, once. Events come as
//! themselves; exposures only as counters and distributions, right to the last one. Also when replies are lost
//! after the collector stored what they are about, and when the agent is killed at any moment.

use std::time::{Duration, Instant};

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::peer;
use crate::common::relay::Relay;
use crate::common::totals::Totals;
use crate::common::workstation::Workstation;
use crate::common::{Random, seeded, until};

const ALL: usize = 200_000;
const SHIP: [&str; 3] = ["run", "--once", "--close"];

/// A collector, a relay in front of it, and a workstation that knows the relay.
fn route() -> (Collector, Relay, Workstation) {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    (collector, relay, workstation)
}

/// Records that the agent knows to be at the collector.
fn sent(workstation: &Workstation) -> u64 {
    workstation.status()["sent"]["usage_statistics"]["records"].as_u64().unwrap_or(0)
}

/// Ships in as many runs as replies are lost, and one more. After each loss the collector holds more than the
/// agent knows of.
fn ship_losing(replies: &[u64], collector: &Collector, relay: &Relay, workstation: &Workstation) {
    relay.lose(replies);
    for lost in 1..=replies.len() as u64 {
        workstation.expect(3, &SHIP);
        assert_eq!(relay.lost(), lost);
        let held = collector.lines("devices", &[])[0]["streams"]["usage_statistics"]["held"].as_u64();
        assert!(held.unwrap() > sent(workstation), "the lost reply was about something stored");
    }
    workstation.expect(0, &SHIP);
}

#[test]
fn every_event_arrives_once_though_replies_are_lost() {
    let (collector, relay, workstation) = route();
    let mut outbox = Outbox::new(seeded());
    outbox.fill(&workstation, ALL, 5000, Outbox::device_error);
    ship_losing(&[5, 40, 2], &collector, &relay, &workstation);
    assert_eq!(sent(&workstation), ALL as u64);
    let export = collector.export();
    assert_eq!(export.len(), ALL);
    Totals::exported(&export).assert_are(&outbox.expected);
    assert_ne!(Totals::exported(&export[1..]), outbox.expected, "one event less is seen");
}

#[test]
fn every_exposure_counts_once_and_none_is_to_be_seen() {
    let (collector, relay, workstation) = route();
    let mut outbox = Outbox::new(seeded());
    outbox.fill(&workstation, ALL, 5000, Outbox::exposure);
    ship_losing(&[4, 2, 2], &collector, &relay, &workstation);
    let export = collector.export();
    let totals = Totals::exported(&export);
    totals.assert_are(&outbox.expected);
    assert!(export.iter().all(|line| line["kind"] == "counter" || line["kind"] == "distribution"));
    assert_eq!(export.len(), totals.len(), "one record for each sum, and nothing else");
}

/// When to kill.
enum Moment {
    /// So long after the start.
    After(Duration),
    /// When so many files were removed from the outbox.
    Intake(usize),
    /// So long after the outbox is empty, when periods are folded.
    Folding(Duration),
    /// When so many bytes were sent.
    Shipping(u64),
}

impl Moment {
    fn any(random: &mut Random, files: usize, run: Duration) -> Self {
        let share = |random: &mut Random, of: Duration| of * random.within(0, 1000) / 1000;
        match random.within(0, 3) {
            0 => Self::After(share(random, run)),
            1 => Self::Intake(random.within(1, files as u32) as usize),
            2 => Self::Folding(share(random, run / 5)),
            _ => Self::Shipping(random.within(1, 8000).into()),
        }
    }

    /// Runs the agent and kills it then; whether it was still running.
    fn kill(self, workstation: &Workstation, relay: &Relay) -> bool {
        let (start, files, bytes) = (Instant::now(), workstation.in_outbox(), relay.bytes());
        let mut emptied = None;
        let mut agent = workstation.start(&SHIP);
        until("the moment to kill", || {
            let left = workstation.in_outbox();
            if left == 0 {
                emptied.get_or_insert_with(Instant::now);
            }
            agent.ended()
                || match &self {
                    Self::After(delay) => start.elapsed() >= *delay,
                    Self::Intake(removed) => files - left >= *removed,
                    Self::Folding(delay) => emptied.is_some_and(|emptied| emptied.elapsed() >= *delay),
                    Self::Shipping(sent) => relay.bytes() - bytes >= *sent,
                }
        });
        let running = !agent.ended();
        agent.kill();
        running
    }
}

#[test]
fn nothing_is_lost_or_repeated_by_killing_the_agent() {
    let (collector, relay, workstation) = route();
    let mut random = seeded();
    let mut outbox = Outbox::new(random.clone());
    let mut fill = || {
        outbox.fill(&workstation, 700, 50, Outbox::device_error);
        outbox.fill(&workstation, 700, 50, Outbox::exposure);
    };
    fill();
    let start = Instant::now();
    workstation.expect(0, &SHIP);
    let whole = start.elapsed();
    let kills = if peer::is_slow("18 of 28 kills") { 28 } else { 10 };
    let mut killed = 0;
    for _ in 0..kills {
        fill();
        let moment = Moment::any(&mut random, workstation.in_outbox(), whole);
        killed += usize::from(moment.kill(&workstation, &relay));
    }
    workstation.expect(0, &SHIP);
    println!("killed {killed} times; a whole run takes {whole:?}");
    assert!(killed >= kills / 2, "only {killed} of {kills} were killed before their end");
    Totals::exported(&collector.export()).assert_are(&outbox.expected);
    assert_eq!(workstation.status()["dropped"], serde_json::json!({}));
}
