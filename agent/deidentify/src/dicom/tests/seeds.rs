//! The seeds of the fuzzer: one file of each kind, written from what the tests read.

use std::fs;
use std::path::Path;

use super::slice;
use super::write::{BIG, DEFLATED, ENCAPSULATED, EXPLICIT, IMPLICIT};

#[test]
fn fuzz_seeds_are_current() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/seeds/dicom");
    for (name, syntax) in [
        ("explicit", EXPLICIT),
        ("implicit", IMPLICIT),
        ("big_endian", BIG),
        ("deflated", DEFLATED),
        ("encapsulated", ENCAPSULATED[0]),
    ] {
        let path = directory.join(name);
        let set = slice(syntax);
        if std::env::var_os("WRITE_SEEDS").is_some() {
            fs::write(&path, set.file()).unwrap();
        }
        let found = fs::read(&path).unwrap_or_default();
        // Another version of the compressor may find other bytes for the same.
        let current = if syntax == DEFLATED { !found.is_empty() } else { found == set.file() };
        assert!(current, "{name} is not what the tests write; WRITE_SEEDS=1 writes it anew");
    }
}
