//! No file takes more than its bound, whatever it declares.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};

use super::write::{DEFLATED, EXPLICIT, IMPLICIT, Set, UNDEFINED};
use super::{Knows, case, cleaned, json, learned, slice};
use crate::dicom::{Refused, clean, learn};
use crate::limits;

const LISTED: u32 = 0x0008_1140;
const UNLISTED: u32 = 0x0040_0275;

fn nested(syntax: &'static str, tag: u32, vr: &str, depth: usize) -> Vec<u8> {
    let mut set = Set::new(syntax);
    set.text(0x0008_0060, "CS", "CT");
    for level in 0..depth {
        // Inside a sequence of unknown representation all is implicit.
        let mut open = Set::new(if vr == "UN" && level > 0 { IMPLICIT } else { syntax });
        open.header(tag, vr, UNDEFINED).header(0xFFFE_E000, "", UNDEFINED);
        set.bytes.extend(open.bytes);
    }
    for _ in 0..depth {
        set.header(0xFFFE_E00D, "", 0).header(0xFFFE_E0DD, "", 0);
    }
    set.file()
}

#[test]
fn nesting_ends_at_its_bound() {
    for (syntax, tag, vr) in [
        (EXPLICIT, LISTED, "SQ"),
        (EXPLICIT, UNLISTED, "SQ"),
        (EXPLICIT, 0x0009_1010, "SQ"),
        (IMPLICIT, LISTED, ""),
        (IMPLICIT, 0x0009_1010, ""),
        (DEFLATED, LISTED, "SQ"),
    ] {
        let deep = nested(syntax, tag, vr, limits::DICOM_DEPTH);
        cleaned(&deep, &[]).unwrap();
        learned(&deep).unwrap();
        for depth in [limits::DICOM_DEPTH + 1, 100_000] {
            let deeper = nested(syntax, tag, vr, depth);
            assert_eq!(cleaned(&deeper, &[]).unwrap_err(), Refused::TooDeep, "{tag:08X} {vr}");
            assert_eq!(learned(&deeper).unwrap_err(), Refused::TooDeep, "{tag:08X} {vr}");
        }
    }
    // Nor is what lies in a sequence that is dropped, and whose end is known, left unseen.
    let mut outer = Set::new(EXPLICIT);
    let mut inner = Set::new(EXPLICIT);
    inner.bytes.extend(&nested(EXPLICIT, LISTED, "SQ", 40)[Set::new(EXPLICIT).file().len()..]);
    outer.sequence(UNLISTED, &[inner], true);
    assert_eq!(cleaned(&outer.file(), &[]).unwrap_err(), Refused::TooDeep);
    assert_eq!(learned(&outer.file()).unwrap_err(), Refused::TooDeep);
    let unknown = nested(EXPLICIT, LISTED, "UN", 100_000);
    assert_eq!(cleaned(&unknown, &[]).unwrap_err(), Refused::TooDeep);
}

#[test]
fn a_declared_length_is_not_believed() {
    for (tag, vr) in [(0x0008_0070, "UT"), (LISTED, "SQ"), (0x0009_1010, "OB"), (0x0010_0010, "UN")] {
        for length in [0xFFFF_FFFE, 0x8000_0000, 1 << 20] {
            let mut set = Set::new(EXPLICIT);
            set.text(0x0008_0060, "CS", "CT").header(tag, vr, length);
            assert_eq!(cleaned(&set.file(), &[]).unwrap_err(), Refused::Cut, "{vr}");
            assert_eq!(learned(&set.file()).unwrap_err(), Refused::Cut, "{vr}");
        }
    }
    let mut inner = Set::new(EXPLICIT);
    inner.header(0x0008_1155, "UI", 60);
    let mut set = Set::new(EXPLICIT);
    set.sequence(LISTED, &[inner], true).text(0x0008_0070, "LO", &"X".repeat(100));
    assert_eq!(cleaned(&set.file(), &[]).unwrap_err(), Refused::Cut, "beyond its item");
}

#[test]
fn items_without_end_are_refused() {
    for tag in [LISTED, UNLISTED] {
        for defined in [true, false] {
            let mut set = Set::new(EXPLICIT);
            set.sequence(tag, &vec![Set::new(EXPLICIT); 1_000_001], defined);
            let file = set.file();
            assert_eq!(learned(&file).unwrap_err(), Refused::TooMany);
            let refused = if tag == LISTED { Refused::TooLarge } else { Refused::TooMany };
            assert_eq!(cleaned(&file, &[]).unwrap_err(), refused);
        }
    }
    let mut set = Set::new(EXPLICIT);
    set.sequence(LISTED, &vec![Set::new(EXPLICIT); 10_000], false);
    let json = json(&cleaned(&set.file(), &[]).unwrap());
    assert_eq!(json["00081140"]["Value"].as_array().unwrap().len(), 10_000);
}

#[test]
fn what_is_kept_is_bounded() {
    let mut item = Set::new(EXPLICIT);
    item.text(0x0018_9531, "LT", &"kernel ".repeat(1000));
    let mut set = Set::new(EXPLICIT);
    set.sequence(LISTED, &vec![item; 3000], true);
    assert_eq!(cleaned(&set.file(), &[]).unwrap_err(), Refused::TooLarge);
    let mut set = Set::new(EXPLICIT);
    for number in 0..60_000_u32 {
        set.text(0x0010_2000, "LO", &format!("{number} {}", "allergy ".repeat(4)));
    }
    assert_eq!(learned(&set.file()).unwrap_err(), Refused::TooLarge);
}

#[test]
fn a_deflated_bomb_is_not_inflated_whole() {
    let mut set = Set::new(DEFLATED);
    set.text(0x0008_0060, "CS", "CT");
    for _ in 0..80 {
        set.raw(0x0009_1010, "OB", &vec![0; 1 << 20]);
    }
    let file = set.file();
    assert!(file.len() < 200_000);
    assert!(matches!(cleaned(&file, &[]).unwrap_err(), Refused::TooLarge | Refused::Cut));
}

/// A file of half a gigabyte, most of it one value.
fn huge(tag: u32, vr: &str) -> File {
    let mut set = slice(EXPLICIT);
    set.bytes.truncate(set.bytes.len() - Set::new(EXPLICIT).pixels().bytes.len());
    set.header(tag, vr, 500 << 20);
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&set.file()).unwrap();
    let end = file.stream_position().unwrap() + (500 << 20);
    file.set_len(end).unwrap();
    file.seek(SeekFrom::Start(end)).unwrap();
    let mut after = Set::new(EXPLICIT);
    after.us(0x0028_0011, 512);
    file.write_all(&after.bytes).unwrap();
    file
}

#[test]
fn half_a_gigabyte_is_read_in_its_header_only() {
    for (tag, vr) in [(0x7FE0_0010, "OW"), (0x0009_1010, "OB"), (0x0010_4000, "UT")] {
        let file = huge(tag, vr);
        let cleaned = clean(&file, &case(1), &Knows(&[])).unwrap();
        assert!(cleaned.bytes_read <= 3 * limits::DICOM_CHUNK as u64, "{} bytes of {vr}", cleaned.bytes_read);
        assert!(learn(&file).unwrap().bytes_read <= 3 * limits::DICOM_CHUNK as u64);
        let after = json(&cleaned)["00280011"]["Value"][0] == 512;
        assert_eq!(after, vr != "OW", "read on behind everything but pixel data");
        println!("{vr}: {} bytes read of {}", cleaned.bytes_read, file.metadata().unwrap().len());
    }
}
