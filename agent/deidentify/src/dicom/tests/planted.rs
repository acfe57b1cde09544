//! Planted identifiers: whatever is written wherever, nothing of it comes out; and what is listed stays.

use serde_json::{Value, json};

use super::write::{EXPLICIT, IMPLICIT, Set};
use super::{cleaned, json as parsed};
use crate::dicom::private::PRIVATE;
use crate::dicom::rules::{Handling, KEEP, Rule, rows, tag};

const NAME: &str = "Hansen^Anna";
const NUMBER: &str = "0101801234";
const KNOWN: [&str; 3] = ["hansen", "0101801234", "101801234"];
const TEXTS: [&str; 17] =
    ["AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UI", "UR", "UT"];

fn listed() -> impl Iterator<Item = &'static Rule> {
    rows(&KEEP).map(|row| Rule::for_tag(tag(&row[..8]).unwrap()).unwrap())
}

fn number(rule: &Rule) -> u32 {
    u32::from(rule.tag.group()) << 16 | u32::from(rule.tag.element())
}

/// Elements of every listed attribute, and of many that are not, with `value` in the representation `vr`.
fn everywhere(syntax: &'static str, vr: &str, value: &str) -> Set {
    let mut set = Set::new(syntax);
    // What claims to be a sequence and is none costs the file.
    let unclear = syntax == IMPLICIT || vr == "UN";
    for rule in listed().filter(|rule| !(unclear && rule.expected.handling == Handling::Sequence)) {
        set.raw(number(rule), vr, value.as_bytes());
    }
    for tag in [
        0x0008_0000,
        0x0008_0001,
        0x0008_0080,
        0x0009_0010,
        0x0009_1001,
        0x0010_0010,
        0x0010_21B0,
        0x0010_4000,
        0x0011_0001,
        0x0012_0062,
        0x0012_0063,
        0x0020_4000,
        0x0028_0303,
        0x0032_1060,
        0x0040_A160,
        0x4000_0010,
        0x5000_0030,
        0x6000_0022,
        0x6000_4000,
        0x0777_0777,
        0xFFFC_FFFC,
    ] {
        set.raw(tag, vr, value.as_bytes());
    }
    set.text(0x0019_0010, "LO", "X1").raw(0x0019_1010, vr, value.as_bytes()).raw(
        0x0019_1017,
        vr,
        value.as_bytes(),
    );
    set.raw(0x0019_10F0, vr, value.as_bytes());
    set.text(0x0021_0010, "LO", "X1 ANNA HANSEN").raw(0x0021_1017, vr, value.as_bytes());
    set
}

fn leaks(json: &[u8]) -> Vec<&'static str> {
    let text = String::from_utf8_lossy(json).to_lowercase();
    KNOWN.into_iter().filter(|word| text.contains(word)).collect()
}

/// `set` itself and in listed and unlisted sequences, five deep.
fn places(set: &Set, syntax: &'static str) -> Vec<Vec<u8>> {
    let mut files = vec![set.clone()];
    let mut inner = set.clone();
    for tag in [0x5200_9230, 0x0018_9507, 0x0008_1140, 0x0400_0561, 0x0088_0200] {
        let mut outer = Set::new(syntax);
        outer.sequence(tag, &[inner], tag % 2 == 0);
        files.push(outer.clone());
        inner = outer;
    }
    files.iter_mut().map(|set| set.pixels().text(0xFFFC_FFFC, "OB", NAME).file()).collect()
}

#[test]
fn what_is_planted_comes_out_nowhere() {
    let (mut files, mut control) = (0, 0);
    for syntax in [EXPLICIT, IMPLICIT] {
        for vr in TEXTS.into_iter().chain(["UN", "OB", "OW", "FD", "US", "UL", "AT"]) {
            for value in [NAME, NUMBER, "HANSEN", "CT\\HANSEN", "1.2.3.0101801234", "CBCT of Anna Hansen"] {
                for file in places(&everywhere(syntax, vr, value), syntax) {
                    let clean = cleaned(&file, &KNOWN).unwrap();
                    assert_eq!(leaks(&clean.json), [""; 0], "{vr} {value}");
                    assert!(clean.changes.iter().all(|change| leaks(change.name.as_bytes()).is_empty()));
                    files += 1;
                }
                let root = everywhere(syntax, vr, value).file();
                control += usize::from(!leaks(&cleaned(&root, &[]).unwrap().json).is_empty());
            }
        }
    }
    println!(
        "{files} files, some {} planted values each; without learned names {control} leak",
        listed().count() + 28
    );
    assert!(control > 100, "the control: unknown names are not found by themselves");
}

#[test]
fn numbers_that_are_somebodys_are_dropped() {
    let mut set = Set::new(EXPLICIT);
    set.raw(0x0018_9328, "FD", &101_801_234.0_f64.to_le_bytes()).text(0x0018_1150, "IS", "0101801234");
    let clean = cleaned(&set.file(), &["101801234"]).unwrap();
    assert_eq!(leaks(&clean.json), [""; 0]);
}

#[test]
fn preamble_and_file_meta_are_not_passed_on() {
    let mut set = Set::new(EXPLICIT);
    set.text(0x0008_0060, "CS", "CT");
    let mut file = set.file();
    file[..NAME.len()].copy_from_slice(NAME.as_bytes());
    let class = file.windows(4).position(|bytes| bytes == b"\x02\0\x02\0").unwrap() + 8;
    file[class..class + 12].copy_from_slice(b"1.2.840.1000");
    file[class + 12..class + 25].copy_from_slice(b"8.0101801234 ");
    let clean = cleaned(&file, &[]).unwrap();
    assert_eq!(leaks(&clean.json), [""; 0], "nothing in front of the data set");
}

/// A value that an attribute of the allow-list might have, and what has to come out; `None`: something else.
fn typical(rule: &Rule, vr: &str) -> (Vec<u8>, Option<Value>) {
    let text = |text: &str, json| (text.as_bytes().to_vec(), json);
    match (rule.expected.handling, vr) {
        (Handling::Keep, "UI") => text("1.2.826.0.1.3680043.2.7", Some(json!("1.2.826.0.1.3680043.2.7"))),
        (Handling::Keep, _) => text("X1 Pro-2 (v4.1.0/7)", Some(json!("X1 Pro-2 (v4.1.0/7)"))),
        (Handling::Code, _) => text("CONE_BEAM 2", Some(json!("CONE_BEAM 2"))),
        (Handling::Descriptor, _) => text("Full arch 8x8", Some(json!("Full arch 8x8"))),
        (Handling::Time, _) => text("103211.123456", Some(json!("103211.123456"))),
        (Handling::Tag, _) => (vec![0x18, 0, 0x63, 0x10], Some(json!("00181063"))),
        (Handling::Number, _) => {
            let high = *rule.expected.range().unwrap().end();
            let quarter = high / 4.0;
            match vr {
                "US" | "US/SS" | "SS" => ((high as u16).to_le_bytes().to_vec(), Some(json!(high))),
                "UL" | "SL" => ((high as u32).to_le_bytes().to_vec(), Some(json!(high))),
                "FL" => ((quarter as f32).to_le_bytes().to_vec(), Some(json!(quarter))),
                "FD" => (quarter.to_le_bytes().to_vec(), Some(json!(quarter))),
                "IS" => text(&format!("+0{high}"), Some(json!(high))),
                _ => text(&format!("+{quarter:.3}"), Some(json!(quarter))),
            }
        }
        (Handling::Uid, _) => text("1.2.826.0.1.3680043.2.7", None),
        (Handling::Date, _) => text("20261120", None),
        (Handling::DateTime, _) => text("20261120103211.25+0100", None),
        (Handling::Age, _) => text("046Y", Some(json!("045Y"))),
        (Handling::Pseudonym, _) => text("A-4711", None),
        (Handling::Sequence, _) => (Vec::new(), None),
    }
}

#[test]
fn what_is_listed_stays() {
    for syntax in [EXPLICIT, IMPLICIT] {
        for row in rows(&KEEP) {
            let rule = Rule::for_tag(tag(&row[..8]).unwrap()).unwrap();
            let vr = row.split('\t').nth(1).unwrap();
            let (value, expected) = typical(rule, vr);
            let mut set = Set::new(syntax);
            set.raw(number(rule), &vr[..2], &value);
            let mut frame = Set::new(syntax);
            frame.sequence(0x5200_9230, &[set.clone()], false);
            let key = &row[..8];
            let root = parsed(&cleaned(&set.file(), &["Hansen"]).unwrap());
            let nested = parsed(&cleaned(&frame.file(), &["Hansen"]).unwrap());
            for attributes in [&root, &nested["52009230"]["Value"][0]] {
                let found = &attributes[key]["Value"][0];
                match &expected {
                    Some(expected) if expected.is_number() => {
                        assert_eq!(found.as_f64(), expected.as_f64(), "{row}");
                    }
                    Some(expected) => assert_eq!(found, expected, "{row}"),
                    None if rule.expected.handling == Handling::Sequence => {
                        assert_eq!(attributes[key]["vr"], "SQ", "{row}")
                    }
                    None => assert!(
                        found.is_string() && !value.starts_with(found.as_str().unwrap().as_bytes()),
                        "{row}"
                    ),
                }
            }
        }
    }
}

#[test]
fn our_own_private_elements_stay_and_others_go() {
    let mut set = Set::new(EXPLICIT);
    set.text(0x0019_0011, "LO", "X1").text(0x0019_1110, "DS", "41.5").text(0x0019_1117, "CS", "FULL_ARCH");
    set.text(0x0019_11F0, "LO", "free text").text(0x0019_1210, "DS", "1");
    set.text(0x0021_0010, "LO", "SIEMENS").text(0x0021_1010, "CS", "ANYTHING");
    let clean = cleaned(&set.file(), &[]).unwrap();
    let json = parsed(&clean);
    assert_eq!(json["00190011"]["Value"][0], "X1");
    assert_eq!(json["00191110"]["Value"][0], 41.5);
    assert_eq!(json["00191117"]["Value"][0], "FULL_ARCH");
    assert_eq!((clean.kept, clean.dropped), (3, 4));
    assert!(rows(PRIVATE).all(|row| {
        row.split('\t').nth(3).is_some_and(|handling| handling == "number" || handling == "code")
    }));
}
