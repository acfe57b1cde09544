//! A disk that damages what waits: a flipped bit, a page of zeros, a cut. The agent starts, loses no more than was
//! hit, and counts it to the last record: what arrives plus what is reported lost is what was put in.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "what the tests share is outside of `#[test]` functions"
)]

use std::collections::BTreeSet;
use std::fs;

use crate::common::collector::Collector;
use crate::common::peer;
use crate::common::workstation::Workstation;
use crate::common::{Random, seeded};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const NOWHERE: &str = "https://127.0.0.1:1";
/// Events taken in at a time, until a generation is full.
const SOME: usize = 40_000;
const FILE: usize = 4000;
const GENERATION: u64 = 8 << 20;
/// Fewer bytes than any of these events takes.
const EVENT: u64 = 16;
/// Events of the largest sealed record.
const SEALED: u64 = 1000;

/// Takes in crashes of Kathea, which of all events compress least, and adds their signatures.
fn take_in(workstation: &Workstation, random: &mut Random, signatures: &mut BTreeSet<u64>) {
    let at = (OffsetDateTime::now_utc() + time::Duration::SECOND).format(&Rfc3339).unwrap();
    for _ in 0..SOME / FILE {
        let mut text = String::new();
        for _ in 0..FILE {
            let signature = random.next() >> 11;
            signatures.insert(signature);
            let [a, b, c, d] = [(); 4].map(|()| random.next() as u16);
            text += &format!(
                r#"{{"event":"kathea.crash","at":"{at}","module":"start","signature":{signature},"version":"{a}.{b}.{c}.{d}"}}"#
            );
            text.push('\n');
        }
        workstation.leave(&format!("{}.ndjson", signatures.len()), text);
    }
    workstation.expect(3, &["run", "--once"]);
}

/// Lets `hit` damage a full generation; it says how many bytes it took. Returns how many events were lost.
fn damaged(hit: impl FnOnce(&mut Vec<u8>, &mut Random) -> usize) -> u64 {
    let collector = Collector::start();
    let url = format!("https://{}", collector.address());
    let workstation = Workstation::granted(&collector, &url);
    let mut random = seeded();
    workstation.configure(&url, NOWHERE);
    let mut signatures = BTreeSet::new();
    let path = workstation.data().join("spool").join("usage").join("0").join("db");
    while fs::metadata(&path).map_or(0, |log| log.len()) < GENERATION {
        take_in(&workstation, &mut random, &mut signatures);
    }
    let events = signatures.len() as u64;
    assert_eq!(workstation.status()["waiting"]["usage"]["records"], events);

    let mut bytes = fs::read(&path).unwrap();
    let hit = hit(&mut bytes, &mut random) as u64;
    fs::write(&path, bytes).unwrap();

    workstation.configure(NOWHERE, &url);
    workstation.expect(0, &["run", "--once"]);
    let export = collector.export();
    let arrived: BTreeSet<_> =
        export.iter().map(|line| line["attributes"]["signature"].as_u64().unwrap()).collect();
    let lost = workstation.dropped("damaged");
    println!("{hit} bytes hit, {lost} of {events} events lost");
    assert!(arrived.len() == export.len() && arrived.is_subset(&signatures));
    assert_eq!(export.len() as u64 + lost, events);
    assert!(lost <= hit / EVENT + 2 * SEALED, "{lost} lost to {hit} bytes");

    let gaps = collector.lines("export", &["--losses"]);
    let number = |gap: &serde_json::Value, end: &str| gap[end].as_u64().unwrap();
    assert!(gaps.iter().all(|gap| gap["reason"] == "damaged"));
    assert_eq!(gaps.iter().map(|gap| number(gap, "hi") - number(gap, "lo") + 1).sum::<u64>(), lost);
    lost
}

/// A place in the file, anywhere.
fn place(bytes: &[u8], random: &mut Random) -> usize {
    (random.next() % bytes.len() as u64) as usize
}

#[test]
fn one_flipped_bit() {
    if !peer::is_slow("a flipped bit") {
        return;
    }
    damaged(|bytes, random| {
        let at = place(bytes, random);
        bytes[at] ^= 1 << random.within(0, 7);
        1
    });
}

#[test]
fn a_page_of_zeros() {
    if !peer::is_slow("a page of zeros") {
        return;
    }
    damaged(|bytes, random| {
        let page = place(bytes, random) / 4096 * 4096;
        let end = bytes.len().min(page + 4096);
        bytes[page..end].fill(0);
        end - page
    });
}

#[test]
fn a_cut() {
    let lost = damaged(|bytes, random| {
        let (length, end) = (bytes.len(), bytes.len() / 2 + place(bytes, random) / 4);
        bytes.truncate(end);
        length - end
    });
    assert!(lost > 0, "a quarter of the file or more is gone");
}
