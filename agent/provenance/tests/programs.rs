//! Real programs: one that a C compiler makes, and a PE file that is put together by hand.

use std::fs::{self, File};
use std::io::Cursor;
use std::process::Command;

use provenance::{Builder, Entry, Kind, Refused, Text, read_file};

fn literals(file: impl std::io::Read + std::io::Seek) -> Result<(Kind, Vec<String>), Refused> {
    let mut all = Vec::new();
    let kind = read_file(file, &mut |text| {
        if let Text::Literal(literal) = text {
            all.push(literal.to_owned());
        }
    })?;
    Ok((kind, all))
}

#[test]
fn the_literals_of_a_compiled_program_are_found_and_explain_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let (source, program) = (dir.path().join("x1.c"), dir.path().join("x1"));
    let text = r#"#include <stdio.h>
        int main(int n, char **v) {
            printf("projection %d: saturation %.1f %%, gain=%.4f offset=%d\n", n, 0.5, 1.25, 3);
            fprintf(stderr, "bulk read failed: %s (%d), endpoint 0x%02x\n", v[0], n, 129);
            return 0;
        }"#;
    fs::write(&source, text).unwrap();
    let built = Command::new("cc").arg("-o").arg(&program).arg(&source).status().unwrap();
    assert!(built.success());
    let (kind, all) = literals(File::open(&program).unwrap()).unwrap();
    assert_eq!(kind, Kind::Elf);
    let mut builder = Builder::default();
    all.iter().for_each(|literal| builder.add(Entry::Literal(literal)));
    let table = builder.table();
    let line = "projection 17: saturation 2.5 %, gain=1.0007 offset=-3";
    let mut spans = Vec::new();
    table.spans(line, &mut spans);
    let kept: usize = spans.iter().map(|span| span.len()).sum();
    let slots = ["17", "2.5", "1.0007", "-3"].concat().len();
    assert_eq!(kept, line.len() - slots, "{spans:?}");
}

/// A PE32+ file with one section of data and the directory of a .NET assembly, both inside the section.
fn pe(data: &[u8], metadata: Option<u32>) -> Vec<u8> {
    let mut out = vec![0; 0x80];
    out[..2].copy_from_slice(b"MZ");
    out[0x3c] = 0x80;
    out.extend(b"PE\0\0");
    out.extend([0x64, 0x86, 1, 0]); // machine, one section
    out.extend([0; 12]);
    out.extend([0xf0, 0, 0x22, 0]); // size of the optional header, characteristics
    let mut optional = vec![0; 0xf0];
    optional[..2].copy_from_slice(&[0x0b, 2]);
    optional[108] = 16; // directories
    if let Some(address) = metadata {
        optional[112 + 14 * 8..][..4].copy_from_slice(&address.to_le_bytes());
        optional[112 + 14 * 8 + 4] = 72;
    }
    out.extend(optional);
    let mut section = vec![0; 40];
    section[..5].copy_from_slice(b".rsrc");
    for (at, number) in [(8, data.len() as u32), (12, 0x1000), (16, data.len() as u32), (20, 0x400)] {
        section[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    section[36..40].copy_from_slice(&0x4000_0040u32.to_le_bytes());
    out.extend(section);
    out.resize(0x400, 0);
    out.extend(data);
    out
}

#[test]
fn resources_of_a_windows_library_are_found_in_both_encodings() {
    let mut data = b"\0\0Collimator %s blocked\0\0".to_vec();
    data.extend("Optagelsen blev afbrudt".encode_utf16().flat_map(u16::to_le_bytes));
    data.extend([0; 4]);
    let (kind, all) = literals(Cursor::new(pe(&data, None))).unwrap();
    assert_eq!(kind, Kind::Pe);
    assert!(all.iter().any(|text| text == "Collimator %s blocked"), "{all:?}");
    assert!(all.iter().any(|text| text == "Optagelsen blev afbrudt"), "{all:?}");
}

#[test]
fn hostile_files_are_answered() {
    assert_eq!(literals(Cursor::new(b"PK\x03\x04".to_vec())), Err(Refused::NotAProgram));
    assert_eq!(literals(Cursor::new(b"MZ".to_vec())), Err(Refused::NotAProgram));
    assert_eq!(literals(Cursor::new(b"\x7fELF".to_vec())), Err(Refused::Damaged));
    let whole = pe(b"\0Collimator %s blocked\0", Some(0x1000));
    for place in 0..whole.len().min(0x400) {
        for value in [0, 1, 0x7f, 0xff] {
            let mut bytes = whole.clone();
            bytes[place] = value;
            let _ = literals(Cursor::new(bytes));
        }
    }
    for end in 0..whole.len() {
        let _ = literals(Cursor::new(whole[..end].to_vec()));
    }
}
