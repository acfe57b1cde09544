//! What the header of a scan costs: learned from, and cleaned.
//!
//! `cargo bench -p deidentify --bench deidentify`. `DICOM_FILES` names a directory of further files to measure.
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::fs;
use std::io::Cursor;

use deidentify::case::Case;
use deidentify::dicom::{Screen, clean, learn};
use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use zeroize::Zeroizing;

fn main() {
    divan::main();
}

/// Lets everything pass: what is measured is the reading and the rules.
struct Open;

impl Screen for Open {
    fn identifies(&self, _: &str) -> bool {
        false
    }

    fn is_own(&self, _: &str) -> bool {
        true
    }

    fn descriptor(&self, _: &str) -> Option<String> {
        None
    }
}

/// An explicit little-endian element with a 16-bit length.
fn element(file: &mut Vec<u8>, tag: u32, vr: &str, value: &[u8]) {
    file.extend(((tag >> 16) as u16).to_le_bytes());
    file.extend((tag as u16).to_le_bytes());
    file.extend(vr.as_bytes());
    file.extend((value.len() as u16).to_le_bytes());
    file.extend(value);
}

/// A sequence of undefined length with one item.
fn sequence(file: &mut Vec<u8>, tag: u32, item: &[u8]) {
    element(file, tag, "SQ", &[]);
    file.extend(u32::MAX.to_le_bytes());
    file.extend([0xFE, 0xFF, 0x00, 0xE0]);
    file.extend((item.len() as u32).to_le_bytes());
    file.extend(item);
    file.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
}

/// A cone-beam volume of `frames`, each with its own position, as an enhanced object has it.
fn volume(frames: usize) -> Vec<u8> {
    let mut file = vec![0; 128];
    file.extend(b"DICM");
    element(&mut file, 0x0002_0010, "UI", b"1.2.840.10008.1.2.1\0");
    for (tag, vr, value) in [
        (0x0008_0008, "CS", &b"ORIGINAL\\PRIMARY\\AXIAL "[..]),
        (0x0008_0016, "UI", b"1.2.840.10008.5.1.4.1.1.2.1\0"),
        (0x0008_0018, "UI", b"1.2.826.0.1.3680043.2.12"),
        (0x0008_0020, "DA", b"20261120"),
        (0x0008_0030, "TM", b"103211"),
        (0x0008_0070, "LO", b"Copenhagen Imaging ApS"),
        (0x0008_0080, "LO", b"Tandklinik Hansen "),
        (0x0008_1030, "LO", b"CBCT full arch"),
        (0x0010_0010, "PN", b"Hansen^Anna "),
        (0x0010_0020, "LO", b"010180-1234 "),
        (0x0010_0030, "DA", b"19800101"),
        (0x0018_0060, "DS", b"90"),
        (0x0018_1000, "LO", b"X1-000123 "),
    ] {
        element(&mut file, tag, vr, value);
    }
    element(&mut file, 0x5200_9230, "SQ", &[]);
    file.extend(u32::MAX.to_le_bytes());
    for frame in 0..frames {
        let mut content = Vec::new();
        element(&mut content, 0x0018_9074, "DT", b"20261120103211.5");
        element(&mut content, 0x0020_9157, "UL", &(frame as u32).to_le_bytes());
        let mut position = Vec::new();
        element(&mut position, 0x0020_0032, "DS", format!("{:10}", frame as f64 * 0.2).as_bytes());
        let mut item = Vec::new();
        sequence(&mut item, 0x0020_9111, &content);
        sequence(&mut item, 0x0020_9113, &position);
        file.extend([0xFE, 0xFF, 0x00, 0xE0]);
        file.extend((item.len() as u32).to_le_bytes());
        file.extend(item);
    }
    file.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
    file
}

/// Frames: a slice, a quick scan, a full volume.
const FRAMES: [usize; 3] = [1, 50, 500];

#[divan::bench(args = FRAMES)]
fn cleaned(bencher: Bencher<'_, '_>, frames: usize) {
    let (file, case) = (volume(frames), Case::new(Zeroizing::new([7; 32])));
    bencher
        .counter(BytesCount::of_slice(&file))
        .bench(|| clean(Cursor::new(black_box(&file)), &case, &Open).unwrap().json.len());
}

#[divan::bench(args = FRAMES)]
fn learned(bencher: Bencher<'_, '_>, frames: usize) {
    let file = volume(frames);
    bencher
        .counter(BytesCount::of_slice(&file))
        .bench(|| learn(Cursor::new(black_box(&file))).unwrap().identifiers.len());
}

/// Both for each of the files of others, from the disk.
#[divan::bench]
fn directory(bencher: Bencher<'_, '_>) {
    let files: Vec<_> = std::env::var_os("DICOM_FILES")
        .into_iter()
        .flat_map(|path| fs::read_dir(path).unwrap())
        .map(|entry| entry.unwrap().path())
        .collect();
    let case = Case::new(Zeroizing::new([7; 32]));
    let bytes: u64 = files.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        for path in &files {
            let file = fs::File::open(path).unwrap();
            black_box((learn(&file).is_ok(), clean(&file, &case, &Open).is_ok()));
        }
    });
}
