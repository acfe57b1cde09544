//! Answers whose second half the disk refuses, and what is over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use protocol::ledger::Role;
use protocol::{Purpose, Reason};

use super::*;
use crate::agent::edges::{Clock, Edges};
use crate::agent::{Agent, Parts};
use crate::config::Config;
use crate::consent::Channel;
use crate::killpoint::{self, Point};

fn by() -> By {
    By { role: Some(Role::Owner), channel: Channel::CommandLine, session: None }
}

fn granted(dir: &Path) -> Agent {
    granted_with(dir, Edges::system())
}

fn granted_with(dir: &Path, edges: Edges) -> Agent {
    fs::create_dir(dir.join("outbox")).unwrap();
    fs::write(dir.join("ca.pem"), "").unwrap();
    let text = format!(
        "data_dir = {:?}\n[kathea]\noutbox = {:?}\n[collector]\nca = {:?}\n[keys]\nprotector = \"file\"\n",
        dir.join("data"),
        dir.join("outbox"),
        dir.join("ca.pem")
    );
    let mut agent = Agent::open_with(Config::parse(&text).unwrap(), edges).unwrap();
    let yes = agent.registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
    agent.grant(&Flag::UsageStatistics, &yes, None, by()).unwrap();
    agent
}

/// Requests that wait, of this kind.
fn waits(agent: &mut Agent, kind: PrivacyKind) -> bool {
    let Parts { requests, cx, .. } = agent.parts();
    let is_it =
        |request: &VendorRequest| matches!(request, VendorRequest::Privacy { kind: of, .. } if *of == kind);
    requests.waits(&cx, is_it).unwrap()
}

/// Lets each write fail but those of the ledger and of its directory, while `work` runs.
fn with_ledger_alone<T>(work: impl FnOnce() -> T) -> T {
    killpoint::watch(Some(Box::new(|point| match point {
        Point::Write(path) if !path.ends_with("data") && !path.to_string_lossy().contains("ledger") => {
            Err(io::ErrorKind::StorageFull.into())
        }
        _ => Ok(()),
    })));
    let done = work();
    killpoint::watch(None);
    done
}

/// The loop's next turn, on a disk that works again.
fn next_turn(agent: &mut Agent) {
    agent.mend().unwrap();
}

#[test]
fn a_restriction_and_its_release_reach_the_queue_the_second_time_if_the_disk_kept_them_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut agent = granted(dir.path());
    let (flag, now) = (Flag::UsageStatistics, agent.now());
    assert!(with_ledger_alone(|| agent.decide(ConsentAction::Restrict, &flag, by())).is_err());
    next_turn(&mut agent);
    assert_eq!(agent.registry.state(&flag, now), State::Restricted, "the ledger has it");
    assert!(!waits(&mut agent, PrivacyKind::Restrict));
    agent.decide(ConsentAction::Restrict, &flag, by()).unwrap();
    assert!(waits(&mut agent, PrivacyKind::Restrict));

    assert!(with_ledger_alone(|| agent.decide(ConsentAction::Release, &flag, by())).is_err());
    next_turn(&mut agent);
    assert_eq!(agent.registry.state(&flag, now), State::Granted, "the ledger has it");
    assert!(!waits(&mut agent, PrivacyKind::Release));
    agent.decide(ConsentAction::Release, &flag, by()).unwrap();
    assert!(waits(&mut agent, PrivacyKind::Release));
}

/// A clock that a test sets, seconds since its start.
#[derive(Debug, Default)]
struct Hands(AtomicI64);

const BEGUN: i64 = 1_780_000_000;

impl Clock for Hands {
    fn wall(&self) -> i64 {
        BEGUN + self.0.load(Ordering::Relaxed)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(u64::try_from(self.0.load(Ordering::Relaxed)).unwrap_or(0))
    }
}

/// Found by the simulation (seeds 20261130104 and 20261130109 of twelve years): what had waited for years while it was
/// restricted was looked at a day after the release, and would have been sent before that.
#[test]
fn what_waited_for_too_long_goes_with_the_release_and_not_a_day_later() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Arc::new(Hands::default());
    let edges = Edges { clock: hands.clone(), ..Edges::system() };
    let mut agent = granted_with(dir.path(), edges);
    let Parts { usage, mut cx, .. } = agent.parts();
    let line = "{\"event\":\"device.error\",\"at\":\"2026-05-28T20:26:40Z\",\"code\":7,\"subsystem\":\"detector\",\
                \"severity\":\"error\",\"repeats\":1}";
    assert_eq!(usage.take_lines(&mut cx, &[line.as_bytes()]), [Ok(())]);
    agent.decide(ConsentAction::Restrict, &Flag::UsageStatistics, by()).unwrap();
    let waiting = agent.usage.records();
    // A day and an hour at a time: the last look is not of now.
    for day in 1..120 {
        hands.0.store(day * 25 * 3600, Ordering::Relaxed);
        agent.step().unwrap();
    }
    assert_eq!(agent.usage.records(), waiting, "what is restricted is kept");
    hands.0.fetch_add(3600, Ordering::Relaxed);
    // Also where the disk keeps the vendor's line from being queued: the ledger has the release.
    let kept = with_ledger_alone(|| agent.decide(ConsentAction::Release, &Flag::UsageStatistics, by()));
    assert!(kept.is_err());
    agent.step().unwrap();
    assert_eq!(agent.counters.dropped().get(&Reason::Expired), Some(&waiting));
}

/// Found by the simulation (seed 26113021372017): the disk had refused a key, and kept its file.
#[test]
fn a_new_owner_finds_no_key_that_the_disk_had_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut agent = granted(dir.path());
    let keys = dir.path().join("data/keys");
    let of_usage = || {
        let listed = fs::read_dir(&keys).unwrap().map(|entry| entry.unwrap().path());
        let is_its = |path: &PathBuf| path.to_string_lossy().contains("usage_statistics");
        listed.filter(is_its).collect::<Vec<_>>()
    };
    agent.step().unwrap();
    let [key] = of_usage().try_into().unwrap();
    let bytes = fs::read(&key).unwrap();
    agent.withdraw(&Flag::UsageStatistics, false, by(), agent.now()).unwrap();
    assert_eq!(of_usage(), Vec::<PathBuf>::new());
    let yes = agent.registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
    agent.grant(&Flag::UsageStatistics, &yes, None, by()).unwrap();
    fs::write(&key, bytes).unwrap();
    agent.new_owner(by(), agent.now()).unwrap();
    assert_eq!(of_usage(), Vec::<PathBuf>::new());
}
