//! Answers whose second half the disk refuses, and what is over.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use protocol::ledger::Role;
use protocol::{Purpose, Reason, Record};

use super::*;
use crate::agent::edges::{Clock, Edges};
use crate::agent::{Agent, Parts};
use crate::config::Config;
use crate::consent::Channel;
use crate::consent::permit::UsageStatistics;
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
    let Parts { requests, mut cx, .. } = agent.parts();
    let is_it =
        |request: &VendorRequest| matches!(request, VendorRequest::Privacy { kind: of, .. } if *of == kind);
    requests.waits(&mut cx, is_it).unwrap()
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

impl Hands {
    /// A turn of the loop on that day, an hour later each day: the last look is not of now.
    fn turn(&self, agent: &mut Agent, day: i64) {
        self.0.store(day * 25 * 3600, Ordering::Relaxed);
        agent.step().unwrap();
    }
}

/// An agent with a grant, and the hands of its clock.
fn granted_by_hands(dir: &Path) -> (Agent, Arc<Hands>) {
    let hands = Arc::new(Hands::default());
    (granted_with(dir, Edges { clock: hands.clone(), ..Edges::system() }), hands)
}

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
    let (mut agent, hands) = granted_by_hands(dir.path());
    let Parts { usage, mut cx, .. } = agent.parts();
    let line = "{\"event\":\"device.error\",\"at\":\"2026-05-28T20:26:40Z\",\"code\":7,\"subsystem\":\"detector\",\
                \"severity\":\"error\",\"repeats\":1}";
    assert_eq!(usage.take_lines(&mut cx, &[line.as_bytes()]), [Ok(())]);
    agent.decide(ConsentAction::Restrict, &Flag::UsageStatistics, by()).unwrap();
    let waiting = agent.usage.records();
    // A day and an hour at a time: the last look is not of now.
    for day in 1..120 {
        hands.turn(&mut agent, day);
    }
    assert_eq!(agent.usage.records(), waiting, "what is restricted is kept");
    hands.0.fetch_add(3600, Ordering::Relaxed);
    // Also where the disk keeps the vendor's line from being queued: the ledger has the release.
    let kept = with_ledger_alone(|| agent.decide(ConsentAction::Release, &Flag::UsageStatistics, by()));
    assert!(kept.is_err());
    agent.step().unwrap();
    assert_eq!(agent.counters.dropped().get(&Reason::Expired), Some(&waiting));
}

/// The key files of usage.
fn keys_of_usage(dir: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(dir.join("data/keys")).unwrap().map(|entry| entry.unwrap().path());
    listed.filter(|path| path.to_string_lossy().contains("usage_statistics")).collect()
}

/// A queue that the disk refuses keeps no key alive, and the withdrawal is not over before the vendor is to hear of it.
#[test]
fn a_withdrawal_that_cannot_be_queued_leaves_no_key_and_is_queued_the_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut agent = granted(dir.path());
    let flag = Flag::UsageStatistics;
    agent.step().unwrap();
    assert_eq!(keys_of_usage(dir.path()).len(), 1);
    killpoint::watch(Some(Box::new(|point| match point {
        Point::Write(path) if path.to_string_lossy().contains("requests") => {
            Err(io::ErrorKind::StorageFull.into())
        }
        _ => Ok(()),
    })));
    let refused = agent.withdraw(&flag, true, by(), agent.now());
    killpoint::watch(None);
    assert!(refused.is_err());
    assert_eq!(keys_of_usage(dir.path()), Vec::<PathBuf>::new());
    assert_eq!(agent.usage.records(), 0);
    assert_eq!(agent.registry.pending_withdrawals().len(), 1, "it is not over");
    next_turn(&mut agent);
    assert!(!waits(&mut agent, PrivacyKind::Withdraw) && !waits(&mut agent, PrivacyKind::Erase));
    agent.withdraw(&flag, true, by(), agent.now()).unwrap().unwrap();
    assert!(waits(&mut agent, PrivacyKind::Withdraw) && waits(&mut agent, PrivacyKind::Erase));
    assert_eq!(agent.registry.pending_withdrawals(), []);
}

/// Found by the simulation (seed 26113021372017): the disk had refused a key, and kept its file.
#[test]
fn a_new_owner_finds_no_key_that_the_disk_had_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut agent = granted(dir.path());
    agent.step().unwrap();
    let [key] = keys_of_usage(dir.path()).try_into().unwrap();
    let bytes = fs::read(&key).unwrap();
    agent.withdraw(&Flag::UsageStatistics, false, by(), agent.now()).unwrap();
    assert_eq!(keys_of_usage(dir.path()), Vec::<PathBuf>::new());
    let yes = agent.registry.policy().digest(Purpose::UsageStatistics).unwrap().to_string();
    agent.grant(&Flag::UsageStatistics, &yes, None, by()).unwrap();
    fs::write(&key, bytes).unwrap();
    agent.new_owner(by(), agent.now()).unwrap();
    assert_eq!(keys_of_usage(dir.path()), Vec::<PathBuf>::new());
}

fn error_at(at: &str, code: u32) -> String {
    format!(
        "{{\"event\":\"device.error\",\"at\":\"{at}\",\"code\":{code},\"subsystem\":\"detector\",\
         \"severity\":\"error\",\"repeats\":1}}"
    )
}

/// How many records wait of which this is so.
fn waiting(agent: &mut Agent, is_it: impl Fn(&Record) -> bool) -> usize {
    let Parts { usage, cx, .. } = agent.parts();
    let permit = cx.registry.permit::<UsageStatistics>(cx.now).unwrap();
    let (mut count, mut from) = (0, 0);
    loop {
        let page = usage.page_of_usage(from).unwrap();
        let Some(last) = page.last() else { return count };
        from = last.numbers().end;
        for sealed in &page {
            let batch = sealed.open(&permit, cx.vault).unwrap().into_inner().into_batch();
            count += batch.records.iter().filter(|record| is_it(record)).count();
        }
    }
}

fn is_error(code: u64) -> impl Fn(&Record) -> bool {
    move |record| record.entry == 29 && record.attributes[0] == code
}

/// Found by the simulation (seed 26113019454043): events of 27 days apart were taken in together after a release, and the
/// older ones waited in one sealed record until the youngest was over.
#[test]
fn what_is_over_does_not_wait_for_what_was_taken_in_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut agent, hands) = granted_by_hands(dir.path());
    let on = |agent: &mut Agent, day| hands.turn(agent, day);
    (1..30).for_each(|day| on(&mut agent, day));
    let lines = [error_at("2026-05-29T20:00:00Z", 1), error_at("2026-06-27T20:00:00Z", 2)];
    let Parts { usage, mut cx, .. } = agent.parts();
    let taken = usage.take_lines(&mut cx, &lines.each_ref().map(|line| line.as_bytes()));
    assert_eq!(taken, [Ok(()), Ok(())]);
    (30..68).for_each(|day| on(&mut agent, day));
    assert_eq!((waiting(&mut agent, is_error(1)), waiting(&mut agent, is_error(2))), (0, 1));
}

/// A clock that was ahead dated what waits before the rest.
#[test]
fn what_is_over_does_not_wait_for_what_a_clock_dated_that_was_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let (mut agent, hands) = granted_by_hands(dir.path());
    let take = |agent: &mut Agent, line: String| {
        let Parts { usage, mut cx, .. } = agent.parts();
        assert_eq!(usage.take_lines(&mut cx, &[line.as_bytes()]), [Ok(())]);
    };
    // A year ahead for an hour.
    hands.0.store(365 * 24 * 3600, Ordering::Relaxed);
    take(&mut agent, error_at("2027-05-28T20:00:00Z", 1));
    for day in 1..68 {
        hands.turn(&mut agent, day);
        if day == 1 {
            take(&mut agent, error_at("2026-05-29T20:00:00Z", 2));
        }
    }
    assert_eq!((waiting(&mut agent, is_error(1)), waiting(&mut agent, is_error(2))), (1, 0));
}

/// The counts of May begin on the 1st, and are sealed behind its last days.
#[test]
fn a_months_counts_do_not_wait_for_the_days_before_them() {
    let dir = tempfile::tempdir().unwrap();
    let (mut agent, hands) = granted_by_hands(dir.path());
    let used = "{\"event\":\"feature.used\",\"at\":\"2026-05-29T20:00:00Z\",\"feature\":\"mpr\"}";
    let is_of_may = |record: &Record| record.entry == 35;
    let on = |agent: &mut Agent, day| hands.turn(agent, day);
    on(&mut agent, 2);
    let Parts { usage, mut cx, .. } = agent.parts();
    let error = error_at("2026-05-29T20:00:00Z", 1);
    assert_eq!(usage.take_lines(&mut cx, &[error.as_bytes(), used.as_bytes()]), [Ok(()), Ok(())]);
    (3..12).for_each(|day| on(&mut agent, day));
    assert_eq!((waiting(&mut agent, is_error(1)), waiting(&mut agent, is_of_may)), (1, 1));
    // Two months and a few days after the 1st, and fewer after the 29th.
    (12..40).for_each(|day| on(&mut agent, day));
    assert_eq!((waiting(&mut agent, is_error(1)), waiting(&mut agent, is_of_may)), (1, 0));
}

/// The day's look is done, and would come again tomorrow: what was sealed since then would be sent before that.
#[test]
fn what_is_over_when_it_is_taken_in_goes_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (mut agent, hands) = granted_by_hands(dir.path());
    for day in 1..80 {
        hands.turn(&mut agent, day);
    }
    let used = "{\"event\":\"feature.used\",\"at\":\"2026-06-02T20:00:00Z\",\"feature\":\"mpr\"}";
    let Parts { usage, mut cx, .. } = agent.parts();
    let error = error_at("2026-06-02T20:00:00Z", 1);
    assert_eq!(usage.take_lines(&mut cx, &[error.as_bytes(), used.as_bytes()]), [Ok(()), Ok(())]);
    let before = agent.counters.dropped().get(&Reason::Expired).copied().unwrap_or(0);
    agent.step().unwrap();
    assert_eq!((waiting(&mut agent, is_error(1)), waiting(&mut agent, |record| record.entry == 35)), (0, 0));
    assert_eq!(agent.counters.dropped().get(&Reason::Expired), Some(&(before + 2)));
}
