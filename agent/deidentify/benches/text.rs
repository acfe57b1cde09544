//! What a log, a sidecar and the check at the end cost, in bytes a second.
//!
//! `cargo bench -p deidentify --bench text`. A thousand patients are learned, as many as a clinic scans in a few weeks.
#![allow(clippy::unwrap_used, missing_docs)]

use deidentify::case::Case;
use deidentify::check;
use deidentify::identifiers::{Identifiers, Kind, Learning};
use deidentify::text;
use divan::Bencher;
use divan::counter::BytesCount;
use zeroize::Zeroizing;

const LINES: &[&str] = &[
    "[INFO] acquisition(1001): exposure started: kV=90 mA=8.0 ms=12500 dap=412.5",
    "[ERROR] generator(1042): arc detected at 90 kV, retry 2/3 after 312 ms",
    "[WARN] detector(2107): lost 17 of 512 frames (E2107), 0x80070005",
    "[DEBUG] reconstruction(12): voxel size 0.2 mm, volume 800x800x600",
    "[INFO] ui(12): patient=Hansen^Anna opened after 312 ms",
    "[DEBUG] archive(3): C:\\Kathea\\Scans\\Hansen_Anna\\volume.raw saved",
    "[INFO] worklist(5): query returned 12 items in 45 ms from 192.168.1.20:104",
];

fn main() {
    divan::main();
}

fn case() -> (Case, Identifiers) {
    const SYLLABLES: &[&str] =
        &["skov", "lind", "berg", "holm", "kjær", "øster", "vinter", "bro", "mose", "dal"];
    let mut learning = Learning::default();
    for patient in 0..1000_usize {
        let syllable = |by: usize| SYLLABLES[patient / by % 10];
        learning.learn(Kind::Name, &format!("{}{}^{}a", syllable(1), syllable(10), syllable(100)));
        learning.learn(Kind::Id, &format!("{:06}-{:04}", 10_180 + patient % 90, 1000 + patient));
        learning.learn(
            Kind::BirthDate,
            &format!("19{:02}{:02}{:02}", patient % 90, patient % 12 + 1, patient % 28 + 1),
        );
    }
    (Case::new(Zeroizing::new([7; 32])), learning.finish().unwrap())
}

fn log() -> Vec<u8> {
    let line = |at: usize| {
        format!("2026-11-21 10:{:02}:{:02}.123 {}\r\n", at / 60 % 60, at % 60, LINES[at % LINES.len()])
    };
    (0..20_000).map(line).collect::<String>().into_bytes()
}

#[divan::bench]
fn log_cleaned(bencher: Bencher<'_, '_>) {
    let ((case, identifiers), log) = (case(), log());
    bencher.counter(BytesCount::of_slice(&log)).bench(|| {
        let mut out = Vec::new();
        text::clean(log.as_slice(), &mut out, &case, &identifiers).unwrap();
        out
    });
}

#[divan::bench]
fn output_checked(bencher: Bencher<'_, '_>) {
    let ((case, identifiers), log) = (case(), log());
    let mut out = Vec::new();
    text::clean(log.as_slice(), &mut out, &case, &identifiers).unwrap();
    bencher
        .counter(BytesCount::of_slice(&out))
        .bench(|| assert_eq!(check::search(&out, check::Layout::Lines, &identifiers, &case), None));
}
