//! Every transfer syntax's header is read, and whatever may be missing in front of it.

use super::write::{BIG, DEFLATED, ENCAPSULATED, EXPLICIT, IMPLICIT, Set, UNDEFINED};
use super::{cleaned, json, learned, slice};
use crate::dicom::Refused;

/// The output without the name of the transfer syntax.
fn content(file: &[u8]) -> serde_json::Value {
    let mut json = json(&cleaned(file, &["Hansen"]).unwrap());
    json.as_object_mut().unwrap().remove("00083002");
    json
}

#[test]
fn every_transfer_syntax_says_the_same() {
    let expected = content(&slice(EXPLICIT).file());
    for syntax in [IMPLICIT, DEFLATED, BIG].into_iter().chain(ENCAPSULATED) {
        assert_eq!(content(&slice(syntax).file()), expected, "{syntax}");
        assert_eq!(
            learned(&slice(syntax).file()).unwrap().identifiers,
            learned(&slice(EXPLICIT).file()).unwrap().identifiers,
            "{syntax}"
        );
    }
}

#[test]
fn preamble_meta_group_and_its_length_may_be_missing() {
    let expected = content(&slice(EXPLICIT).file());
    for syntax in [IMPLICIT, EXPLICIT, BIG] {
        let set = slice(syntax);
        let meta = set.meta();
        assert_eq!(content(&[meta.clone(), set.encoded()].concat()), expected, "{syntax}: no preamble");
        assert_eq!(content(&set.encoded()), expected, "{syntax}: no file meta");
        let without_length = [&[0; 128], &b"DICM"[..], &meta[12..], &set.encoded()].concat();
        assert_eq!(content(&without_length), expected, "{syntax}: no group length");
        assert_eq!(
            content(&[&[0; 128], &b"DICM"[..], &set.encoded()].concat()),
            expected,
            "{syntax}: no meta"
        );
    }
    for padding in [b" ", b"\0"] {
        let cut = [padding, slice(EXPLICIT).encoded().as_slice()].concat();
        assert_eq!(content(&cut), expected, "cut behind the last value of the file meta group");
    }
    let further = [b"  ", slice(EXPLICIT).encoded().as_slice()].concat();
    assert_eq!(cleaned(&further, &[]).unwrap_err(), Refused::NotDicom);
}

#[test]
fn a_wrong_transfer_syntax_is_seen() {
    let expected = content(&slice(EXPLICIT).file());
    let (explicit, implicit) = (slice(EXPLICIT), slice(IMPLICIT));
    assert_eq!(content(&[explicit.meta(), implicit.encoded()].concat()), expected);
    assert_eq!(content(&[implicit.meta(), explicit.encoded()].concat()), expected);
}

#[test]
fn sequences_of_unknown_representation_are_entered_as_implicit() {
    let mut inner = Set::new(IMPLICIT);
    inner.text(0x0008_1155, "UI", "1.2.826.0.1.3680043.2.9.1");
    inner.text(0x0010_0010, "PN", "Hansen^Anna");
    for defined in [true, false] {
        let mut hidden = Set::new(IMPLICIT);
        hidden.sequence(0x0008_1140, std::slice::from_ref(&inner), defined);
        let content = &hidden.bytes[8..];
        let mut set = Set::new(EXPLICIT);
        set.header(0x0008_1140, "UN", if defined { content.len() as u32 } else { UNDEFINED });
        set.bytes.extend(content);
        set.text(0x0018_0060, "DS", "90");
        let json = json(&cleaned(&set.file(), &[]).unwrap());
        assert!(json["00081140"]["Value"][0]["00081155"]["Value"][0].is_string());
        assert_eq!(json["00180060"]["Value"][0], 90);
        let learned = learned(&set.file()).unwrap();
        assert!(learned.identifiers.iter().any(|found| found.text == "Hansen^Anna"));
    }
}

#[test]
fn the_pixels_of_an_icon_are_passed_over() {
    for syntax in [EXPLICIT, ENCAPSULATED[0]] {
        let mut icon = Set::new(syntax);
        icon.text(0x0010_0010, "PN", "Hansen^Anna");
        icon.pixels();
        for defined in [true, false] {
            let mut set = Set::new(syntax);
            set.sequence(0x0088_0200, std::slice::from_ref(&icon), defined);
            set.text(0x0090_0010, "LO", "after");
            set.pixels();
            let cleaned = cleaned(&set.file(), &[]).unwrap();
            assert_eq!(cleaned.dropped, 2, "the icon, and what follows it");
            assert!(
                learned(&set.file()).unwrap().identifiers.iter().any(|found| found.text == "Hansen^Anna")
            );
        }
    }
}

#[test]
fn what_is_not_dicom_is_not_read_as_such() {
    let zip = [b"PK\x03\x04\x14\0\0\0\x08\0".as_slice(), &[0x41; 4096]].concat();
    let inputs: [&[u8]; 6] =
        [b"", b"D", &[0; 4096], &zip, b"2026-11-20 10:32:11 INFO scan started", b"{\"a\":1}"];
    for input in inputs {
        assert_eq!(cleaned(input, &[]).unwrap_err(), Refused::NotDicom);
        assert_eq!(learned(input).unwrap_err(), Refused::NotDicom);
    }
}

#[test]
fn what_does_not_inflate_is_refused() {
    let set = slice(DEFLATED);
    let broken = [vec![0; 128], b"DICM".to_vec(), set.meta(), vec![0xFF; 64]].concat();
    assert_eq!(cleaned(&broken, &[]).unwrap_err(), Refused::Deflate);
}
