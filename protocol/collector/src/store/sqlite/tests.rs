//! The thread that writes: groups, failures in them, and turns between processes.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use protocol::{CaseReason, DeviceId};
use time::OffsetDateTime;

use super::witness;
use crate::failure::Failure;
use crate::store::Store;

const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

fn store() -> (tempfile::TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
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
    drop(store.submit(false, move |_| {
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
            store.submit(false, move |tx| {
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
        .read(|sql| Ok(sql.query_row("SELECT count(*) FROM invitation", [], |row| row.get(0))?))
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
            store.submit(false, move |tx| {
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
    let held = store.submit(false, move |_| {
        let _ = inside.send(());
        let _ = released.recv();
        Ok(())
    });
    is_inside.recv().unwrap();
    let begin = Instant::now();
    let beside = Store::beside(dir.path()).unwrap();
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
    let beside = Store::beside(dir.path()).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (store, stop) = (&store, &stop);
        let writing = scope.spawn(move || {
            let (mut waiting, mut count) = (std::collections::VecDeque::new(), 0_u64);
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                waiting.push_back(store.submit(false, move |tx| {
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
