//! The allow-list against PS3.15 Table E.1-1, and against the dictionary.

use std::collections::BTreeMap;

use crate::dicom::header::dictionary_vr;
use crate::dicom::private::PRIVATE;
use crate::dicom::rules::{Handling, KEEP, Rule, rows, tag};

pub(super) const TABLE: &str = include_str!("../ps3.15-2026d.tsv");

/// Where the allow-list keeps more than the options say, and why.
pub(super) const EXCEPTIONS: [(&str, &str); 2] = [
    (
        "00100040",
        "sex: dose and volume presets differ by it; of Retain Patient Characteristics it alone is taken",
    ),
    ("00101010", "age: for dose, and only down to five years and up to ninety"),
];

/// What Table E.1-1 asks for under the options of the profile; the stricter of two.
pub(super) struct Asked<'a> {
    basic: &'a str,
    device: &'a str,
    dates: &'a str,
    descriptors: &'a str,
}

impl Asked<'_> {
    /// The action that remains.
    pub(super) fn action(&self) -> &str {
        match () {
            () if self.dates == "C" => "C (modified dates)",
            () if self.device == "K" => "K (device identity)",
            () if self.device == "C" || self.descriptors == "C" => "C (descriptors)",
            () => self.basic,
        }
    }

    /// Whether `handling` does no less.
    fn allows(&self, handling: Handling) -> bool {
        use Handling::{Date, DateTime, Descriptor, Pseudonym, Sequence, Time, Uid};
        match self.action() {
            "C (modified dates)" => matches!(handling, Date | DateTime | Time),
            "K (device identity)" => true,
            "C (descriptors)" => handling == Descriptor,
            "U" => handling == Uid,
            // The sequence stays with new UIDs in it.
            "X/Z/U*" => handling == Sequence,
            // A dummy is what D asks for and what Z permits.
            "Z" | "D" | "Z/D" => handling == Pseudonym,
            _ => false,
        }
    }
}

pub(super) fn asked() -> BTreeMap<&'static str, Asked<'static>> {
    let row = |row: &'static str| {
        let cells: Vec<&str> = row.split('\t').collect();
        let asked = Asked { basic: cells[4], device: cells[7], dates: cells[11], descriptors: cells[12] };
        (cells[0], asked)
    };
    rows(TABLE).map(row).collect()
}

#[test]
fn the_allow_list_agrees_with_the_profile() {
    let asked = asked();
    let mut exceptions = Vec::new();
    for row in rows(&KEEP) {
        let rule = Rule::for_tag(tag(&row[..8]).unwrap()).unwrap();
        if asked.get(&row[..8]).is_some_and(|asked| !asked.allows(rule.expected.handling)) {
            exceptions.push(&row[..8]);
        }
    }
    assert_eq!(exceptions, EXCEPTIONS.map(|(tag, _)| tag));
    // The control: keeping a patient's name would be noticed.
    assert!(!asked["00100010"].allows(Handling::Keep) && !asked["00080080"].allows(Handling::Descriptor));
}

#[test]
fn the_table_is_whole() {
    assert_eq!(rows(TABLE).count(), 657);
    assert!(rows(TABLE).all(|row| row.split('\t').count() == 15));
    assert!(TABLE.starts_with("# DICOM PS3.15 edition 2026d"));
}

#[test]
fn the_allow_list_is_well_formed_and_agrees_with_the_dictionary() {
    let mut last = "";
    for row in rows(&KEEP) {
        let cells: Vec<&str> = row.split('\t').collect();
        assert!(cells.len() == 6 && cells[0] > last, "{row}: six cells, in order");
        last = cells[0];
        let rule = Rule::for_tag(tag(last).unwrap()).expect(row);
        assert_eq!(dictionary_vr(rule.tag), rule.expected.vr, "{row}");
        assert_eq!(rule.expected.handling == Handling::Sequence, cells[1] == "SQ", "{row}");
        assert_eq!(Handling::of(cells[2]), Some(rule.expected.handling), "{row}");
        assert_eq!(rule.expected.range().is_some(), cells[2] == "number", "{row}: every number has a range");
        assert!(cells[2] != "code" || !cells[5].is_empty(), "{row}: every code has terms");
    }
    assert!(rows(PRIVATE).count() > 10);
    for row in rows(PRIVATE) {
        let cells: Vec<&str> = row.split('\t').collect();
        assert_eq!((cells.len(), cells[5].contains("..")), (6, cells[3] == "number"), "{row}");
    }
}

#[test]
fn stations_and_institutions_are_stripped_whatever_the_profile_lets_stay() {
    for stripped in
        ["00081010", "00080080", "00080081", "00080055", "00400241", "00400242", "00080054", "00321021"]
    {
        assert!(!KEEP.lines().any(|line| line.starts_with(stripped)), "{stripped}");
    }
}
