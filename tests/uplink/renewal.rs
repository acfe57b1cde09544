//! A certificate is renewed by the device alone: at two thirds of its life, and after months off, when it has ended. With
//! no yes, and nothing else to send, nobody is asked.

#![cfg(unix)]

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::collector::Collector;
use crate::common::outbox::Outbox;
use crate::common::relay::Relay;
use crate::common::seeded;
use crate::common::workstation::Workstation;
use crate::rows;

const DAY: i64 = 86_400;

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().cast_signed()
}

/// The certificate, and how long the workstation thinks that it holds.
fn certificate(workstation: &Workstation) -> (String, i64, i64) {
    let read = |name: &str| fs::read_to_string(workstation.data().join(name)).unwrap();
    let life = read("certificate.life");
    let (from, until) = life.trim().split_once(' ').unwrap();
    (read("certificate.pem"), from.parse().unwrap(), until.parse().unwrap())
}

fn set_life(workstation: &Workstation, from: i64, until: i64) {
    fs::write(workstation.data().join("certificate.life"), format!("{from} {until}\n")).unwrap();
}

/// Tells the collector too that the certificate has ended: its clock can't be moved.
fn end_at_collector(collector: &Collector, device: &str) {
    let ended = rows::days_ago(110);
    rows::set(collector.data(), "device", &format!("not_after = {ended}"), &format!("id = x'{device}'"));
}

#[test]
fn two_thirds_of_its_life_are_enough() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    workstation.expect(0, &["run", "--once", "--close"]);
    let (first, from, until) = certificate(&workstation);
    assert!((now() - from) < 600 && (89 * DAY..=90 * DAY + 600).contains(&(until - from)));

    set_life(&workstation, now() - 59 * DAY, now() + 31 * DAY);
    workstation.expect(0, &["run", "--once", "--close"]);
    assert_eq!(certificate(&workstation).0, first, "not yet");

    set_life(&workstation, now() - 61 * DAY, now() + 29 * DAY);
    workstation.expect(0, &["run", "--once", "--close"]);
    let (second, from, until) = certificate(&workstation);
    assert!(second != first && now() - from < 600 && until - from > 89 * DAY);
}

#[test]
fn months_off_cost_nothing() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::granted(&collector, &relay.url());
    workstation.expect(0, &["run", "--once", "--close"]);
    let (first, ..) = certificate(&workstation);
    let device = workstation.status()["device"].as_str().unwrap().to_owned();
    end_at_collector(&collector, &device);
    set_life(&workstation, now() - 200 * DAY, now() - 110 * DAY);

    let mut outbox = Outbox::new(seeded());
    let before = collector.export().len();
    outbox.fill(&workstation, 50, 50, Outbox::device_error);
    workstation.expect(0, &["run", "--once", "--close"]);
    assert_ne!(certificate(&workstation).0, first);
    assert_eq!(collector.export().iter().skip(before).filter(|line| line["kind"] == "event").count(), 50);
}

#[test]
fn without_a_yes_nobody_is_asked() {
    let collector = Collector::start();
    let relay = Relay::to(collector.address());
    let workstation = Workstation::new(&relay.url(), &collector.ca());
    workstation.enroll(&collector.token());
    let (first, connections) = (certificate(&workstation).0, relay.connections());
    for (from, until) in [(-61, 29), (-200, -110)] {
        set_life(&workstation, now() + from * DAY, now() + until * DAY);
        workstation.expect(0, &["run", "--once", "--close"]);
    }
    assert_eq!((certificate(&workstation).0, relay.connections()), (first, connections));
}
