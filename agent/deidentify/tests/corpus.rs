//! What becomes of a corpus of invented lines, byte for byte, against recorded digests: a change that is to make the same
//! output faster changes none of them.
//!
//! `UPDATE_CORPUS=1 cargo test -p deidentify --test corpus` records them anew, for a change of a rule. `KEEP_CORPUS=DIR`
//! writes the outputs there, so that two builds can be compared line by line.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use deidentify::case::Case;
use deidentify::check::{Layout, Scan, search};
use deidentify::identifiers::{Identifiers, Kind, Learning};
use deidentify::text::{self, Counts};
use protocol::Digest;
use provenance::{Builder, Entry, Table};
use zeroize::Zeroizing;

/// Lines of each text.
const LINES: usize = 400;

struct Random(u64);

impl Random {
    fn below(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % below
    }

    fn of<'a>(&mut self, these: &[&'a str]) -> &'a str {
        these[self.below(these.len())]
    }
}

/// Lines as a program beside a scanner writes them, their numbers drawn for each.
const KINDS: &[&str] = &[
    "[INFO] acquisition(1001): exposure started: kV=# mA=#.# ms=12500",
    "[DEBUG] detector(2107): frame # of 512, offset -#.# counts",
    "[WARN] detector(2107): lost # of 512 frames (E2107), 0x8007000#",
    "[DEBUG] motion(311): axis rotation at -#.# deg, following error #",
    "[INFO] ui(12): patient=Holm^Else opened after # ms",
    "[DEBUG] archive(3): C:\\Kathea\\Scans\\#\\volume.raw saved, # MB",
    "[INFO] worklist(5): query returned # items in # ms from 192.168.1.20:104",
    "[INFO] link(40): heartbeat",
    "[DEBUG] link(41): sequence # acknowledged in # us, slot # of #",
    "[INFO] tube(7): temperature #.# °C, # % of the limit",
    "{\"event\":\"arc\",\"kv\":#,\"patient\":\"Vang^Per\",\"born\":\"19610704\"}",
    "#,-#.#,#.#,-#.#",
    "#;#;#;#",
];

/// Pieces from which a line is put together that no program writes.
const PIECES: &[&str] = &[
    "Sørensen",
    "SOERENSEN",
    "Anna",
    "anna.sorensen@example.dk",
    "04-07-1961",
    "4. juli 1961",
    "July 4th, 1961",
    "040761-4012",
    "0407614012",
    "1961 07 04",
    "4/7-61",
    "04.07.61",
    "19610704",
    "1961-185",
    "61 7 4",
    "(4,7,61)",
    "4711",
    "47 11",
    "A-4711-B",
    "detector",
    "frame",
    "kV=90",
    "patient",
    "patient:",
    "født",
    "born",
    "tlf. 12 34 56 78",
    "+45 87654321",
    "C:\\Users\\anna\\x.log",
    "\\\\server\\share",
    "https://pacs.local/x",
    "10.2.1.40:104",
    "v4.2.10",
    "version 4.7.61",
    "1.2.826.0.1.3680043.8.498.1",
    "%C3%B8",
    "&oslash;",
    "\\u00f8",
    "S&#248;rensen",
    "=C3=B8",
    "\\n",
    "\"",
    "'",
    "<b>",
    "</b>",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ";",
    ":",
    "=",
    "|",
    "\t",
    "-",
    "_",
    "/",
    "æøå",
    "王明",
    "\u{e000}",
    "\u{f0000}",
    "ﬁ",
    "e\u{301}",
    "(0010,0010) PN",
    "E1042",
    "0x80070005",
    "12345678",
    "200",
    "2000",
    "9999",
    "volume.raw",
    "gpu.cpp:188",
    "Command SetCollimator",
    "X1 Link",
    "10:32:11",
    "2026-11-21",
    "2026-11-21T10:32:11.5Z",
    "5",
    "17",
    "512",
    "1e5",
    "3.14",
    "-0.25",
    "the",
    "of",
    "den",
    "maj",
    "MAR",
    "XII",
    "Holm",
    "Skov",
    "klinik",
    "Else",
];

fn number(random: &mut Random) -> String {
    match random.below(14) {
        digits @ 0..=7 => random.below(10_usize.pow(digits as u32 + 1)).to_string(),
        8 => random
            .of(&["200", "2000", "1961", "61", "04", "07", "4711", "4012", "040761", "19610704"])
            .to_owned(),
        9 => format!("{:02}", random.below(100)),
        _ => random.below(40).to_string(),
    }
}

fn log(random: &mut Random) -> String {
    let mut out = String::new();
    for at in 0..LINES {
        let kind = random.of(KINDS);
        if !kind.starts_with(['#', '{']) {
            write!(out, "2026-11-21 10:{:02}:{:02}.{:03} ", at / 60 % 60, at % 60, random.below(1000))
                .unwrap();
        }
        for character in kind.chars() {
            match character {
                '#' => out.push_str(&number(random)),
                character => out.push(character),
            }
        }
        out.push_str(if random.below(9) == 0 { "\r\n" } else { "\n" });
    }
    out
}

/// Lines of pieces, with and without blanks between them.
fn pieces(random: &mut Random) -> String {
    let mut out = String::new();
    for _ in 0..LINES {
        for _ in 0..random.below(9) {
            match random.below(4) {
                0 => out.push_str(&number(random)),
                _ => out.push_str(random.of(PIECES)),
            }
            out.push_str(random.of(&[" ", " ", " ", "", "", ", ", ": ", "=", "-", "."]));
        }
        out.push('\n');
    }
    out
}

/// Rows of numbers, and between them what is none.
fn rows(random: &mut Random) -> String {
    let mut out = String::from("t_ms,x_mm,y_mm,z_mm\n");
    for at in 0..LINES {
        match random.below(30) {
            0 => out.push_str("Holm^Else,4711,1961-07-04,1\n"),
            1 => writeln!(out, "4,7,61,{}", random.below(9)).unwrap(),
            2 => writeln!(out, "4 7 61 {}", random.below(9)).unwrap(),
            _ => {
                let mut cell = || format!("{:.3}", random.below(8000) as f64 / 1000.0 - 4.0);
                writeln!(out, "{},{},{},{}", 20 * at, cell(), cell(), cell()).unwrap();
            }
        }
    }
    out
}

fn identifiers(patients: usize) -> Identifiers {
    let mut learning = Learning::default();
    if patients > 0 {
        learning.learn(Kind::Name, "Sørensen^Anna");
        learning.learn(Kind::Id, "040761-4012");
        learning.learn(Kind::BirthDate, "19610704");
        learning.learn(Kind::Phone, "12345678");
        learning.learn(Kind::Email, "anna.sorensen@example.dk");
        learning.learn(Kind::Clinic, "Skov Tandklinik");
        learning.learn(Kind::Name, "王^明");
        learning.learn(Kind::Id, "4711");
        learning.learn(Kind::Uid, "1.2.826.0.1.3680043.8.498.1");
    }
    for patient in 1..patients {
        learning.learn(Kind::Name, &format!("Vestergaard{patient}^Kirstine"));
        learning.learn(Kind::Id, &format!("040761-{}", 4100 + patient));
        let born = format!("{}{:02}{:02}", 1930 + patient % 80, patient % 12 + 1, patient % 28 + 1);
        learning.learn(Kind::BirthDate, &born);
    }
    learning.finish().unwrap()
}

fn table() -> Arc<Table> {
    let mut builder = Builder::default();
    for literal in [
        "Command SetCollimator {0} from X1 Link",
        "slot {0} of",
        "frame {0} of",
        "patient={0}",
        "offset {0} counts",
    ] {
        builder.add(Entry::Literal(literal));
    }
    builder.add(Entry::Folder("C:\\Kathea"));
    Arc::new(builder.table())
}

/// What one text becomes: the log, its counts, and what the final scan says of the log and of the text itself, line by line
/// and as a whole.
fn became(text: &str, case: &Case, identifiers: &Identifiers) -> String {
    let mut out = Vec::new();
    let counts: Counts = text::clean(text.as_bytes(), &mut out, case, identifiers).unwrap();
    let mut all = String::from_utf8(out).unwrap();
    writeln!(all, "\n{counts:?}").unwrap();
    for scanned in [all.clone(), text.to_owned()] {
        let mut scan = Scan::new(identifiers, case);
        for line in scanned.split_inclusive('\n') {
            writeln!(all, "{:?}", scan.pass(line, Layout::Lines)).unwrap();
        }
        for layout in [Layout::Lines, Layout::Numbers, Layout::Xml] {
            let mut scan = Scan::new(identifiers, case);
            writeln!(all, "{:?}", scan.pass(&scanned, layout)).unwrap();
            writeln!(all, "{:?}", search(scanned.as_bytes(), layout, identifiers, case)).unwrap();
        }
    }
    all
}

#[test]
fn the_corpus_becomes_what_it_became() {
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus.txt");
    let kept = std::env::var_os("KEEP_CORPUS");
    let mut digests = String::new();
    let (mut random, table) = (Random(20_261_121), table());
    for (patients, table) in [(0, None), (1, None), (200, None), (200, Some(table))] {
        let identifiers = identifiers(patients);
        for (name, text) in
            [("log", log(&mut random)), ("pieces", pieces(&mut random)), ("rows", rows(&mut random))]
        {
            let case =
                Case::new(Zeroizing::new([7; 32])).with_table(table.clone()).until(Some(1_795_400_000));
            let became = became(&text, &case, &identifiers);
            let name = format!("{name}-{patients}{}", if table.is_some() { "-table" } else { "" });
            if let Some(folder) = &kept {
                std::fs::write(Path::new(folder).join(&name), &became).unwrap();
            }
            writeln!(digests, "{name} {}", Digest::of(became.as_bytes())).unwrap();
        }
    }
    if std::env::var_os("UPDATE_CORPUS").is_some() {
        std::fs::write(&recorded, &digests).unwrap();
    }
    assert_eq!(digests, std::fs::read_to_string(&recorded).unwrap_or_default(), "see the head of this file");
}
