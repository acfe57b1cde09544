//! The fuzzing targets without a fuzzer: every parser on its seeds and on random changes of them, and every seed and
//! target in its place. `agent/fuzz/run` looks further.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test stops where it fails")]

#[path = "../agent/fuzz/fuzz_targets/all_parsers.rs"]
mod all_parsers;

use std::fs;
use std::path::Path;
use std::process::Command;

use all_parsers::PARSERS;
use test_support::Random;

/// Changes of one seed.
const CHANGES: u64 = 300;

fn fuzz() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/agent/fuzz"))
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder =
        fs::read_dir(fuzz().join("seeds").join(target)).unwrap_or_else(|_| panic!("{target}: no seeds"));
    folder.map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// One to four changes: a byte, a run of bytes twice or gone, a piece of another seed.
fn changed(random: &mut Random, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() as u64 + 1) as usize;
        let end = (at + random.below(16) as usize).min(bytes.len());
        match random.below(5) {
            0 => bytes.insert(at, random.below(256) as u8),
            1 => drop(bytes.drain(at..end)),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => {
                let from = random.below(other.len() as u64 + 1) as usize;
                let until = (from + random.below(64) as usize).min(other.len());
                bytes.splice(at..end, other[from..until].iter().copied());
            }
            _ => bytes[at..end].iter_mut().for_each(|byte| *byte ^= 1 << random.below(8)),
        }
    }
    bytes
}

#[test]
fn every_parser_bears_its_seeds_and_changes_of_them() {
    let mut random = Random::seeded();
    for (name, parser) in PARSERS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name}: no seeds");
        seeds.iter().for_each(|seed| parser(seed));
        for seed in &seeds {
            for _ in 0..CHANGES {
                let other = &seeds[random.below(seeds.len() as u64) as usize];
                parser(&changed(&mut random, seed, other));
            }
        }
        println!("{name}: {} seeds, {} changes", seeds.len(), seeds.len() as u64 * CHANGES);
    }
}

/// What the seeds are for: a parser that refuses all of them is fuzzed at its door only.
#[test]
fn the_seeds_get_into_the_parsers() {
    use protocol::Batch;
    use protocol::ledger::Entry;

    let some = |target: &str, is_read: &dyn Fn(&[u8]) -> bool| {
        assert!(seeds(target).iter().any(|seed| is_read(seed)), "{target}: no seed is read");
    };
    some("envelope", &|seed| Batch::decode(seed).is_ok());
    some("ledger", &|seed| serde_json::from_slice::<Entry>(seed).is_ok());
    let text = |seed: &[u8]| String::from_utf8(seed.to_vec()).unwrap();
    some("configuration", &|seed| agent::config::Config::parse(&text(seed)).is_ok());
    some("policy", &|seed| agent::consent::Policy::parse(&text(seed)).is_ok());
    some("tus", &|seed| protocol::bundle::Announcement::read(&text(seed), 7).is_some());
    some("manifest", &|seed| agent::support::manifest::Manifest::parse(seed).is_ok());
    some("socket", &|seed| {
        matches!(
            agent::request::Line::read(seed.split(|b| *b == b'\n').next().unwrap()),
            agent::request::Line::Request(_)
        )
    });
    some("lists", &|seed| agent::programs::lists::parse(seed).is_ok());
    some("lists", &|seed| agent::programs::installed::parse(seed).is_ok());
    some("carving", &|seed| {
        agent::seal::record::Sealed::<agent::usage::validation::Usage>::from_bytes(seed).is_some()
    });
}

#[test]
fn the_script_knows_every_target() {
    let list = Command::new("sh").arg(fuzz().join("run")).arg("list").output().unwrap();
    let list = String::from_utf8(list.stdout).unwrap();
    let listed: Vec<&str> = list.split_whitespace().collect();
    let own = ["dicom", "text", "structured"];
    let all: Vec<&str> = own.into_iter().chain(PARSERS.iter().map(|(name, _)| *name)).collect();
    assert_eq!(listed, all);
}

/// `fuzz/run coverage` counts the lines of these files: each target has some, and each is there.
#[test]
fn the_lines_of_every_parser_are_counted() {
    let text = fs::read_to_string(fuzz().join("coverage.py")).unwrap();
    let table = text.split("FILES = {\n").nth(1).unwrap().split("\n}").next().unwrap();
    let rows = table.lines().map(|row| row.split('"').skip(1).step_by(2).collect::<Vec<_>>());
    let mut counted = Vec::new();
    for row in rows {
        counted.push(row[0]);
        assert!(row.len() > 1, "{}: no file", row[0]);
        for path in &row[1..] {
            assert!(fuzz().join("../..").join(path).exists(), "{}: {path} is gone", row[0]);
        }
    }
    let mut all: Vec<&str> =
        PARSERS.iter().map(|(name, _)| *name).chain(["dicom", "text", "structured"]).collect();
    all.sort_unstable();
    counted.sort_unstable();
    assert_eq!(counted, all);
}
