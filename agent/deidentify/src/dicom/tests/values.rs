//! Values by their attribute: defined terms, ranges, and what is the program's or the vendor's.

use std::io::Cursor;

use serde_json::{Value, json};

use super::write::{EXPLICIT, Set};
use super::{case, json as parsed};
use crate::dicom::{Screen, clean};

/// Knows nobody, and these texts as the program's.
struct Own(&'static [&'static str]);

impl Screen for Own {
    fn identifies(&self, _: &str) -> bool {
        false
    }

    fn is_own(&self, text: &str) -> bool {
        self.0.contains(&text)
    }

    fn descriptor(&self, _: &str) -> Option<String> {
        None
    }
}

fn value(own: &'static [&'static str], set: &mut Set, tag: &str) -> Value {
    parsed(&clean(Cursor::new(set.file()), &case(7), &Own(own)).unwrap())[tag]["Value"].clone()
}

fn text(own: &'static [&'static str], tag: u32, vr: &str, value: &str) -> Value {
    self::value(own, Set::new(EXPLICIT).text(tag, vr, value), &format!("{tag:08X}"))
}

#[test]
fn a_code_is_one_of_the_attributes_terms_or_of_the_program() {
    assert_eq!(text(&[], 0x0008_0060, "CS", "CT"), json!(["CT"]));
    assert_eq!(text(&[], 0x0018_0015, "CS", "JAW"), json!(["JAW"]));
    assert_eq!(
        text(&[], 0x0008_0008, "CS", "ORIGINAL\\PRIMARY\\AXIAL"),
        json!(["ORIGINAL", "PRIMARY", "AXIAL"])
    );
    // A term of one attribute is none of another; a name is none of any.
    assert_eq!(text(&[], 0x0008_0060, "CS", "JAW"), Value::Null);
    assert_eq!(text(&[], 0x0018_0015, "CS", "ZORVIK"), Value::Null);
    assert_eq!(text(&[], 0x0008_0008, "CS", "ORIGINAL\\ZORVIK"), json!(["ORIGINAL", null]));
    // The control: the program has it.
    assert_eq!(text(&["ZORVIK"], 0x0018_0015, "CS", "ZORVIK"), json!(["ZORVIK"]));
}

#[test]
fn a_number_is_in_the_attributes_range() {
    for (tag, vr, kept, gone) in [
        (0x0018_0060, "DS", "90.5", "120380"),
        (0x0018_0060, "DS", "500", "-1"),
        (0x0018_1151, "IS", "12", "59311"),
        (0x0020_0011, "IS", "3", "120380"),
        (0x0018_8150, "DS", "12500000", "0101801234"),
    ] {
        assert_eq!(text(&[], tag, vr, kept)[0].as_f64(), kept.parse().ok(), "{tag:08X}");
        assert_eq!(text(&[], tag, vr, gone), Value::Null, "{tag:08X} {gone}");
    }
    for (number, expected) in [(2_u16, json!([2])), (59_311, Value::Null)] {
        let mut set = Set::new(EXPLICIT);
        set.raw(0x0028_0002, "US", &number.to_le_bytes());
        assert_eq!(value(&[], &mut set, "00280002"), expected);
    }
    for (number, expected) in [(11.5, json!([11.5])), (101_801_234.0, Value::Null), (f64::NAN, Value::Null)] {
        let mut set = Set::new(EXPLICIT);
        set.raw(0x0018_9328, "FD", &f64::to_le_bytes(number));
        assert_eq!(value(&[], &mut set, "00189328"), expected);
    }
}

#[test]
fn a_text_of_the_device_is_the_programs_or_the_vendors() {
    let own = &["X1-000123", "Copenhagen Imaging ApS"];
    assert_eq!(text(own, 0x0018_1000, "LO", "X1-000123"), json!(["X1-000123"]));
    assert_eq!(text(own, 0x0008_0070, "LO", "Copenhagen Imaging ApS"), json!(["Copenhagen Imaging ApS"]));
    assert_eq!(text(own, 0x0008_0070, "LO", "Tandklinik Zorvik"), Value::Null);
    assert_eq!(text(own, 0x0018_1000, "LO", "010180-1234"), Value::Null);
    assert_eq!(text(own, 0x0018_700A, "SH", "Anna Zorvik"), Value::Null);
    // The terms of the standard need no program.
    assert_eq!(text(&[], 0x0028_1054, "LO", "HU"), json!(["HU"]));
    assert_eq!(text(&[], 0x0008_0100, "SH", "T-D1213"), json!(["T-D1213"]));
    assert_eq!(text(&[], 0x0008_0100, "SH", "120380"), Value::Null);
}
