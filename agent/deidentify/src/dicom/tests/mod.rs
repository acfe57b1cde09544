//! What holds for every file: what is kept, what never comes out, what is refused.

mod bounds;
mod damage;
mod document;
mod peers;
mod planted;
mod seeds;
mod syntaxes;
mod table;
mod values;
pub(crate) mod write;

use std::io::Cursor;

use serde_json::Value;
use zeroize::Zeroizing;

use super::{Cleaned, Learned, Refused, Screen, clean, learn};
use crate::case::Case;
use write::Set;

fn case(byte: u8) -> Case {
    Case::new(Zeroizing::new([byte; 32]))
}

/// A screen that knows these words, in any case.
struct Knows<'a>(&'a [&'a str]);

impl Screen for Knows<'_> {
    fn identifies(&self, text: &str) -> bool {
        self.0.iter().any(|word| text.to_lowercase().contains(&word.to_lowercase()))
    }

    fn is_own(&self, _: &str) -> bool {
        true
    }

    fn descriptor(&self, text: &str) -> Option<String> {
        self.identifies(text).then(|| "[text]".to_owned())
    }
}

fn cleaned(file: &[u8], knows: &[&str]) -> Result<Cleaned, Refused> {
    clean(Cursor::new(file), &case(7), &Knows(knows))
}

/// What all of the file taught.
fn learned(file: &[u8]) -> Result<Learned, Refused> {
    let learned = learn(Cursor::new(file))?;
    learned.refused.map_or(Ok(learned), Err)
}

fn json(cleaned: &Cleaned) -> Value {
    serde_json::from_slice(&cleaned.json).unwrap()
}

/// A cone-beam slice of a patient, as a dental scanner writes it.
fn slice(syntax: &'static str) -> Set {
    let mut reference = Set::new(syntax);
    reference.text(0x0008_1150, "UI", "1.2.840.10008.5.1.4.1.1.2");
    reference.text(0x0008_1155, "UI", "1.2.826.0.1.3680043.2.9.1");
    let mut request = Set::new(syntax);
    request.text(0x0032_1060, "LO", "Anna Hansen, left molar");
    let mut set = Set::new(syntax);
    set.text(0x0008_0005, "CS", "ISO_IR 192");
    set.text(0x0008_0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL");
    set.text(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2");
    set.text(0x0008_0018, "UI", "1.2.826.0.1.3680043.2.1");
    set.text(0x0008_0020, "DA", "20261120");
    set.text(0x0008_0030, "TM", "103211.25");
    set.text(0x0008_0050, "SH", "A-4711");
    set.text(0x0008_0060, "CS", "CT");
    set.text(0x0008_0070, "LO", "Copenhagen Imaging ApS");
    set.text(0x0008_0080, "LO", "Tandklinik Hansen");
    set.text(0x0008_1010, "SH", "KLINIK-PC1");
    set.text(0x0008_1030, "LO", "CBCT Anna Hansen");
    set.sequence(0x0008_1140, &[reference], true);
    set.text(0x0010_0010, "PN", "Hansen^Anna");
    set.text(0x0010_0020, "LO", "010180-1234");
    set.text(0x0010_0030, "DA", "19800101");
    set.text(0x0010_1010, "AS", "046Y");
    set.text(0x0018_0060, "DS", "90.0");
    set.text(0x0018_1000, "LO", "X1-000123");
    set.text(0x0018_1200, "DA", "20261001");
    set.fd(0x0018_9328, 11.5);
    set.text(0x0020_000D, "UI", "1.2.826.0.1.3680043.2.3");
    set.us(0x0028_0010, 512);
    set.us(0x0028_0103, 1);
    set.header(0x0028_0120, "SS", 2);
    set.bytes.extend(if syntax == write::BIG { [0xF8, 0x30] } else { [0x30, 0xF8] });
    set.sequence(0x0040_0275, &[request], false);
    set.pixels();
    set
}

#[test]
fn a_slice_keeps_what_support_needs_and_nobody() {
    let cleaned = cleaned(&slice(write::EXPLICIT).file(), &["Hansen"]).unwrap();
    let json = json(&cleaned);
    let first = |tag: &str| json[tag]["Value"][0].clone();
    assert_eq!(first("00080070"), "Copenhagen Imaging ApS");
    assert_eq!(first("00180060"), 90.0);
    assert_eq!(first("00181000"), "X1-000123");
    assert_eq!(first("00189328"), 11.5);
    assert_eq!(first("00280120"), -2000);
    assert_eq!(first("00080030"), "103211.25");
    assert_eq!(first("00101010"), "045Y");
    assert_eq!(first("00081030"), "[text]");
    assert_eq!(first("00083002"), "1.2.840.10008.1.2.1");
    assert_eq!(first("00120062"), "YES");
    assert_eq!(first("00280303"), "MODIFIED");
    assert_eq!(json["00120064"]["Value"].as_array().unwrap().len(), 5);
    assert!(first("00100020").as_str().unwrap().starts_with("P-"));
    for gone in ["00100010", "00100030", "00080080", "00081010", "00400275", "7FE00010"] {
        assert!(json.get(gone).is_none(), "{gone}");
    }
    let tags: Vec<_> = json.as_object().unwrap().keys().collect();
    assert!(tags.is_sorted(), "PS3.18 F.2.2");
    let sums = (cleaned.kept, cleaned.replaced, cleaned.dropped);
    assert_eq!(sums, (13, 9, 6), "{:#?}", cleaned.changes);
}

#[test]
fn intervals_survive_the_shift_of_dates() {
    let cleaned = cleaned(&slice(write::EXPLICIT).file(), &[]).unwrap();
    let json = json(&cleaned);
    let day = |tag: &str| {
        let text = json[tag]["Value"][0].as_str().unwrap().to_owned();
        let part = |range: std::ops::Range<usize>| text[range].parse::<u16>().unwrap();
        let month = time::Month::try_from(part(4..6) as u8).unwrap();
        time::Date::from_calendar_date(i32::from(part(0..4)), month, part(6..8) as u8).unwrap()
    };
    assert_eq!((day("00080020") - day("00181200")).whole_days(), 50);
    assert_ne!(json["00080020"]["Value"][0], "20261120");
}

#[test]
fn references_resolve_within_a_case_and_two_cases_cannot_be_linked() {
    let mut other = Set::new(write::EXPLICIT);
    other.text(0x0008_0018, "UI", "1.2.826.0.1.3680043.2.9.1");
    other.text(0x0010_0020, "LO", "010180-1234");
    let (first, second) = (slice(write::EXPLICIT).file(), other.file());
    let of = |file: &[u8], byte| json(&clean(Cursor::new(file), &case(byte), &Knows(&[])).unwrap());
    let (a, b) = (of(&first, 1), of(&second, 1));
    assert_eq!(a["00081140"]["Value"][0]["00081155"], b["00080018"]);
    assert_eq!(a["00100020"], b["00100020"]);
    let c = of(&second, 2);
    assert_ne!(b["00080018"], c["00080018"]);
    assert_ne!(b["00100020"], c["00100020"]);
}

#[test]
fn a_header_teaches_its_names() {
    let learned = learned(&slice(write::EXPLICIT).file()).unwrap();
    let texts: Vec<&str> = learned.identifiers.iter().map(|found| found.text.as_str()).collect();
    for text in ["Hansen^Anna", "010180-1234", "19800101", "A-4711", "Tandklinik Hansen", "KLINIK-PC1"] {
        assert!(texts.contains(&text), "{text}");
    }
    assert!(!texts.contains(&"Copenhagen Imaging ApS") && !texts.contains(&"X1-000123"));
}

#[test]
fn nothing_prints_content() {
    let file = slice(write::EXPLICIT).file();
    let said = format!("{:?} {:?}", cleaned(&file, &[]).unwrap(), learned(&file).unwrap());
    assert!(!said.contains("Hansen") && !said.contains("Copenhagen"), "{said}");
}
