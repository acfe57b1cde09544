//! Kills of the real program while devices send: what was acknowledged is there, once. `KILLS` says how many.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::device::{Device, batch};
use crate::program::Collector;
use test_support::Random;

const DEVICES: usize = 6;

#[test]
fn no_kill_loses_or_repeats_what_was_acknowledged() {
    let kills: u64 = std::env::var("KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(12);
    let mut random = Random::seeded();
    let mut collector = Collector::start();
    let devices: Vec<Device> = (0..DEVICES).map(|_| Device::enrolled(&collector)).collect();
    let mut devices: Vec<_> = devices
        .into_iter()
        .map(|device| {
            let consent = device.grant(&collector);
            (device, consent, 0_u64)
        })
        .collect();
    let acknowledged = Mutex::new(BTreeSet::new());
    let (answered, answers) = std::sync::mpsc::channel();
    for _ in 0..kills {
        let stop = AtomicBool::new(false);
        let killed_after = 1 + random.below(60);
        let url = collector.url.clone();
        std::thread::scope(|scope| {
            for (device, consent, next) in &mut devices {
                device.reconnect(&collector);
                let (stop, acknowledged, url, answered) = (&stop, &acknowledged, &url, answered.clone());
                scope.spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        // The same batch again until it is answered; the reply to the first may have been lost.
                        let batch = batch(*consent, 1, *next, *next + 2);
                        let Some(status) = device.try_put(url, &batch) else { break };
                        assert!(status == 200 || status == 201, "{status}");
                        let mut acknowledged = acknowledged.lock().unwrap();
                        acknowledged.extend((*next..=*next + 2).map(|seq| (device.id().to_string(), seq)));
                        *next += 3;
                        answered.send(()).unwrap();
                    }
                });
            }
            (0..killed_after).for_each(|_| answers.recv().unwrap());
            collector.kill();
            stop.store(true, Ordering::Relaxed);
        });
        collector.restart();
    }
    let held: Vec<(String, u64)> = collector
        .lines("export", &[])
        .iter()
        .map(|line| (line["device"].as_str().unwrap().to_owned(), line["seq"].as_u64().unwrap()))
        .collect();
    let once: BTreeSet<_> = held.iter().cloned().collect();
    assert_eq!(held.len(), once.len(), "nothing is held twice");
    let acknowledged = acknowledged.into_inner().unwrap();
    println!("{kills} kills, {} records acknowledged, {} held", acknowledged.len(), held.len());
    assert!(acknowledged.len() > kills as usize);
    assert_eq!(acknowledged.difference(&once).count(), 0, "nothing acknowledged is lost");
    assert_eq!(collector.findings("verify").len(), 0);
}
