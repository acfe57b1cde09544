//! Golden vectors: the bytes of every envelope version, kept for ever.
//!
//! `golden/v1/NAME.hex` is an envelope, `NAME.json` what it says. Each is read, written again with
//! the same body, and read by the Python decoder, which shares no code with this crate. Which bytes
//! a deflater makes of a body, and whether they are fewer, is not part of the version: those of the
//! vectors are an earlier one's, `miniz_oxide`. A vector is added, never changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops where it fails")]

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use data_encoding::HEXLOWER;
use flate2::bufread::DeflateDecoder;
use protocol::{Batch, Purpose, Reason, Retention, Value};
use serde_json::json;
use test_support::peer;

fn vectors() -> Vec<(PathBuf, Vec<u8>, serde_json::Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "hex"));
    paths.sort();
    let read = |path: PathBuf| {
        let hex: String = fs::read_to_string(&path).unwrap().split_whitespace().collect();
        let json = fs::read_to_string(path.with_extension("json")).unwrap();
        (path, HEXLOWER.decode(hex.as_bytes()).unwrap(), serde_json::from_str(&json).unwrap())
    };
    paths.into_iter().map(read).collect()
}

fn said(batch: &Batch) -> serde_json::Value {
    let value = |value: &Value| match value {
        Value::Plain => json!(null),
        Value::Count(count) => json!(count),
        Value::Buckets(buckets) => json!(buckets),
    };
    json!({
        "header": {
            "purpose": batch.header.purpose,
            "agent": batch.header.agent,
            "catalog": batch.header.catalog,
            "consent": batch.header.consent,
            "retention": batch.header.retention,
        },
        "epoch": batch.epoch,
        "lo": batch.lo,
        "hi": batch.hi(),
        "records": batch.records.iter().map(|record| json!({
            "entry": record.entry,
            "at": record.at,
            "attributes": record.attributes,
            "value": value(&record.value),
        })).collect::<Vec<_>>(),
        "gaps": batch.gaps.iter().map(|gap| json!({
            "epoch": gap.epoch, "lo": gap.lo, "hi": gap.hi, "reason": gap.reason,
        })).collect::<Vec<_>>(),
    })
}

#[test]
fn every_vector_is_read_and_written_alike() {
    let vectors = vectors();
    assert!(vectors.len() >= 5, "vectors are missing");
    for (path, bytes, json) in vectors {
        let batch = Batch::decode(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(said(&batch), json, "{}", path.display());
        assert_eq!(opened(&batch.encode()), opened(&bytes), "{}", path.display());
    }
}

/// Magic and version, and the body, inflated where the flags say so.
fn opened(envelope: &[u8]) -> (String, String) {
    let (head, body) = envelope.split_at(4);
    let mut inflated = Vec::new();
    if head[3] & 1 == 1 {
        DeflateDecoder::new(body).read_to_end(&mut inflated).unwrap();
    } else {
        inflated.extend_from_slice(body);
    }
    (HEXLOWER.encode(&head[..3]), HEXLOWER.encode(&inflated))
}

#[test]
fn words_keep_their_numbers() {
    let words = |all: Vec<&'static str>| all.join(" ");
    assert_eq!(
        words(Purpose::ALL.iter().map(|word| word.as_str()).collect()),
        "usage_statistics support_case support_scan_data"
    );
    assert_eq!(
        words(Retention::ALL.iter().map(|word| word.as_str()).collect()),
        "usage_24m support_decom_10y analytics_14m contact_2y period"
    );
    assert_eq!(
        words(Reason::ALL.iter().map(|word| word.as_str()).collect()),
        "no_consent before_grant not_utf8 not_json too_long unknown_event unknown_attribute \
         missing_attribute repeated_attribute bad_type out_of_range bad_time not_a_file quota expired \
         withdrawn damaged rejected ended"
    );
    let mut seen: Vec<_> = vectors().iter().map(|(_, _, json)| json["header"]["purpose"].clone()).collect();
    seen.dedup();
    assert_eq!(seen.len(), Purpose::ALL.len(), "a vector for every purpose");
}

#[test]
fn the_python_decoder_reads_every_vector() {
    if !peer::has("python3") {
        return;
    }
    let decoder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wire_decoder.py");
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        Command::new("python3").arg("-B").arg(&decoder).arg(&path).output().unwrap()
    };
    for (path, bytes, json) in vectors() {
        let output = read("vector.bin", &bytes);
        assert!(output.status.success(), "{}: {}", path.display(), String::from_utf8_lossy(&output.stderr));
        let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(read, json, "{}", path.display());
    }
    for (name, bytes) in refused() {
        assert!(Batch::decode(&bytes).is_err(), "{name}");
        let output = read("refused.bin", &bytes);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Envelopes that both decoders refuse, each a vector with one thing wrong.
fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let (_, good, _) = vectors().into_iter().find(|(path, ..)| path.ends_with("usage_plain.hex")).unwrap();
    assert_eq!(good[3], 0, "not deflated");
    let changed = |at: usize, to: u8| {
        let mut bytes = good.clone();
        bytes[at] = to;
        bytes
    };
    let last = good.len() - 1;
    vec![
        ("magic", changed(0, b'X')),
        ("version", changed(2, 9)),
        ("flag", changed(3, 4)),
        ("not deflate", changed(3, 1)),
        ("purpose", changed(4, 77)),
        ("index out of its column", changed(last, 200)),
        ("cut", good[..last].to_vec()),
        ("trailing", [&good[..], &[0]].concat()),
        ("empty", Vec::new()),
    ]
}
