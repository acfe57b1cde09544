//! Damaged files: whatever happens to a file's bytes, it is cleaned or refused, and names nobody.

use test_support::Random;

use super::write::{BIG, DEFLATED, EXPLICIT, IMPLICIT};
use super::{cleaned, json, learned, slice};

const KNOWN: [&str; 2] = ["Hansen", "010180"];
const SEED: u64 = 0x5EED_D1C0;
const ROUNDS: usize = 4000;

/// Cleans and learns; what comes out is JSON and names nobody.
fn survives(file: &[u8], how: &str) -> bool {
    let _ = learned(file);
    let Ok(cleaned) = cleaned(file, &KNOWN) else { return false };
    json(&cleaned);
    let text = String::from_utf8(cleaned.json).unwrap();
    assert!(KNOWN.iter().all(|word| !text.contains(word)), "{how}: {text}");
    true
}

#[test]
fn a_file_cut_anywhere_is_cleaned_or_refused() {
    for syntax in [EXPLICIT, IMPLICIT, BIG, DEFLATED] {
        let file = slice(syntax).file();
        let whole = (0..file.len()).filter(|end| survives(&file[..*end], &format!("{syntax} cut at {end}")));
        // Between two elements a cut does not show, nor within pixel data.
        let whole = whole.count();
        assert!(whole > 10 || syntax == DEFLATED, "{syntax}: {whole}");
        assert!(whole < 130, "{syntax}: {whole}");
    }
}

#[test]
fn flipped_bits_and_moved_pieces_are_survived() {
    println!("seed {SEED:#x}");
    let mut random = Random::new(SEED);
    let mut draw = |bound: usize| random.index(bound);
    let mut cleaned = 0;
    for round in 0..ROUNDS {
        let syntax = [EXPLICIT, IMPLICIT, BIG][round % 3];
        let mut file = slice(syntax).file();
        for _ in 0..=draw(4) {
            let (at, to) = (128 + draw(file.len() - 160), 128 + draw(file.len() - 160));
            match draw(3) {
                0 => file[at] ^= 1 << draw(8),
                1 => file[at] = [0x00, 0xFF, 0x7F, b'\\'][draw(4)],
                _ => file.copy_within(at..at + 16, to),
            }
        }
        cleaned += usize::from(survives(&file, &format!("round {round} of {syntax}")));
    }
    println!("{ROUNDS} damaged files, {cleaned} cleaned");
    assert!(
        cleaned > ROUNDS / 10 && cleaned < ROUNDS,
        "damage that is neither harmless nor fatal proves nothing"
    );
}

#[test]
fn a_wrong_representation_costs_the_value_and_not_the_file() {
    for vr in ["OB", "SQ", "FD", "UN", "LO", "ZZ", "PN", "AT"] {
        let mut file = slice(EXPLICIT).file();
        let at = file.windows(6).position(|bytes| bytes == b"\x18\0\x60\0DS").unwrap();
        file[at + 4..at + 6].copy_from_slice(vr.as_bytes());
        survives(&file, vr);
    }
    let mut set = super::write::Set::new(EXPLICIT);
    set.text(0x0018_0060, "LO", "90").raw(0x0018_1151, "OB", &[1, 2, 3, 4]).text(0x0018_1150, "IS", "Anna");
    set.text(0x0018_1152, "UN", "12").us(0x0018_9328, 7);
    let json = json(&cleaned(&set.file(), &[]).unwrap());
    assert_eq!(json["00180060"]["Value"][0], 90, "text for text");
    assert_eq!(json["00181152"]["Value"][0], 12, "of unknown representation");
    for unfit in ["00181151", "00181150", "00189328"] {
        assert!(json[unfit].get("vr").is_some() && json[unfit].get("Value").is_none(), "{unfit}");
    }
}
