//! The thread that writes: groups, failures in them, and turns between processes.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use protocol::{CaseReason, DeviceId};
use time::OffsetDateTime;

use super::witness;
use crate::failure::Failure;
use crate::store::Store;
use crate::store::jobs::Scope;
use crate::store::keystore::places::Settings;
use crate::store::place::Place;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path(), &Place::Embedded, &Settings::default()).unwrap();
    (dir, store)
}

fn enrol(store: &Store, number: u8) -> DeviceId {
    let token = store.make_token(None, NOW).unwrap();
    store.enrol(&token, &[number; 32], NOW, NOW).unwrap();
    DeviceId::of_public_key(&[number; 32])
}

/// Keeps the thread busy until the sender is dropped, so that what is submitted meanwhile is one group.
fn hold(store: &Store) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let begun = mpsc::channel();
    let (begin, began) = begun;
    drop(store.submit(Scope::Whole { is_vital: false }, move |_| {
        let _ = begin.send(());
        let _ = held.lock().map(|held| held.recv());
        Ok(())
    }));
    began.recv().unwrap();
    release
}

#[test]
fn one_request_that_fails_does_not_fail_its_group() {
    let (_dir, store) = store();
    let device = enrol(&store, 1);
    let before = witness::read(store.data()).unwrap().unwrap().newest.unwrap().commits;
    let held = hold(&store);
    let case = |n: usize| format!("CASE-{n}");
    let replies: Vec<_> = (0..10)
        .map(|n| {
            store.submit(Scope::Whole { is_vital: false }, move |tx| {
                let statement = "INSERT INTO invitation VALUES(1, ?1, 0, 0, zeroblob(32))";
                tx.put(statement, [case(n)], crate::store::rules::sums::START)?;
                if n == 4 { Err(Failure::new("this one fails")) } else { Ok(n) }
            })
        })
        .collect();
    drop(held);
    let done: Vec<_> = replies.into_iter().map(|reply| reply.block()).collect();
    for (n, done) in done.into_iter().enumerate() {
        assert_eq!(done.ok(), (n != 4).then_some(n));
    }
    let kept: i64 = store
        .read(|sql| Ok(sql.query_row("SELECT count(*) FROM invitation", (), |row| row.get(0))?))
        .unwrap();
    assert_eq!(kept, 9, "what failed left nothing");
    let after = witness::read(store.data()).unwrap().unwrap().newest.unwrap().commits;
    assert_eq!(after - before, 9, "each of the others alone");
    assert!(store.visit(device, NOW).is_ok());
}

#[test]
fn a_group_is_one_commit() {
    let (_dir, store) = store();
    enrol(&store, 1);
    let commits = || witness::read(store.data()).unwrap().unwrap().newest.unwrap().commits;
    let before = commits();
    let held = hold(&store);
    let replies: Vec<_> = (0..50)
        .map(|n: i64| {
            store.submit(Scope::Whole { is_vital: false }, move |tx| {
                let statement = "INSERT INTO invitation VALUES(1, ?1, 0, 0, zeroblob(32))";
                tx.put(statement, [format!("CASE-{n}")], crate::store::rules::sums::START)
            })
        })
        .collect();
    drop(held);
    replies.into_iter().for_each(|reply| reply.block().unwrap());
    assert_eq!(commits() - before, 1);
}

#[test]
fn a_command_opens_the_store_while_the_server_is_in_a_transaction() {
    let (dir, store) = store();
    let (inside, is_inside) = std::sync::mpsc::channel();
    let (release, released) = std::sync::mpsc::channel::<()>();
    let held = store.submit(Scope::Whole { is_vital: false }, move |_| {
        let _ = inside.send(());
        let _ = released.recv();
        Ok(())
    });
    is_inside.recv().unwrap();
    let begin = Instant::now();
    let beside = Store::beside(dir.path(), &Place::Embedded, &Settings::default()).unwrap();
    let devices = beside.last_place().unwrap();
    drop(release);
    held.block().unwrap();
    println!("opened in {:?}", begin.elapsed());
    assert_eq!(devices, 0);
}

#[test]
fn a_command_gets_its_turn_beside_a_server_that_writes_all_the_time() {
    let (dir, store) = store();
    let device = enrol(&store, 1);
    let beside = Store::beside(dir.path(), &Place::Embedded, &Settings::default()).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, stop) = (&store, &stop);
        let writing = scope.spawn(move || {
            let (mut waiting, mut count) = (std::collections::VecDeque::new(), 0_u64);
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                waiting.push_back(store.submit(Scope::Whole { is_vital: false }, move |tx| {
                    let statement = "REPLACE INTO invitation VALUES(1, 'BUSY', ?1, 0, zeroblob(32))";
                    tx.put(statement, [count as i64], crate::store::rules::sums::START)
                }));
                count += 1;
                // More than a group: the next one waits already when a commit ends.
                if waiting.len() > 2_000 {
                    waiting.pop_front().unwrap().block().unwrap();
                }
            }
            waiting.into_iter().for_each(|reply| reply.block().unwrap());
            count
        });
        let mut longest = Duration::ZERO;
        for _ in 0..100 {
            let begin = Instant::now();
            beside.invite(device, "CASE-1".parse().unwrap(), CaseReason::Other, NOW).unwrap();
            longest = longest.max(begin.elapsed());
        }
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let count = writing.join().unwrap();
        println!("longest of 100 waits {longest:?} beside {count} writes");
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    });
}

#[test]
fn an_answer_stays_as_long_as_what_it_allows_on_a_clock_of_its_own() {
    use crate::erasure::{self, Run};
    use protocol::ledger::{EventKind, line_hash, write_line};
    use protocol::{Digest, Purpose, Retention};

    let (_dir, store) = store();
    let device = enrol(&store, 1);
    let day = |days: i64| NOW + time::Duration::days(days);
    let answer = |index: u64, kind: EventKind, previous: Option<Digest>, at: i64| {
        let mut entry = test_support::entry(device, index, Purpose::UsageStatistics, None, kind);
        entry.header.previous = previous;
        entry.processing.policy_sha256 = Digest::of(protocol::policy::POLICIES[1].1.as_bytes());
        entry.processing.retention = Retention::Analytics14Months;
        entry.event.until = (kind == EventKind::Granted).then(|| crate::store::rfc3339(day(365)));
        let line = write_line(&entry, |_| vec![0; 64]).unwrap();
        store.put_consent(device, &line, &entry, day(at)).unwrap();
        line_hash(&line)
    };
    let consent = answer(0, EventKind::Granted, None, 0);
    let mut batch = test_support::batch(consent, crate::store::testing::epoch(1, 0), 0, 4);
    batch.header.retention = Retention::Analytics14Months;
    let body = batch.encode();
    let put = super::Put::new(&batch, Digest::of(&body), body).unwrap();
    store.put_batch(device, put, day(1)).block().unwrap();
    answer(1, EventKind::Withdrawn, Some(consent), 10);

    let run = |at: i64| {
        let mut gone = Vec::new();
        let tell = |over: &erasure::Over| {
            let over = serde_json::to_value(over).unwrap();
            gone.push((over["records"].as_u64().unwrap(), over["answers"].as_u64().unwrap()));
            Ok(())
        };
        erasure::retention(&store, Run::Confirmed, day(at), tell).unwrap();
        gone
    };
    // A year after the withdrawal the records may still be here, and what allowed them is.
    assert_eq!(run(377), []);
    assert_eq!(run(424), []);
    // 14 months of the calendar after 2 January 1970.
    assert_eq!(run(425), [(5, 0), (0, 2)]);
    assert_eq!(store.ledger(device).unwrap(), []);
    assert_eq!(store.visit(device, day(428)).unwrap().head.unwrap().0, 1, "its end stands for it");
    assert_eq!(store.verify(day(428), |_| Ok(())).unwrap(), 0);
    // A clock that leapt ends nothing by itself.
    answer(2, EventKind::Denied, None, 429);
    let leapt = erasure::retention(&store, Run::Careful, day(3000), |_| Ok(()));
    assert!(leapt.unwrap_err().to_string().contains("clock"));
    assert_eq!(store.ledger(device).unwrap().len(), 1);
}
