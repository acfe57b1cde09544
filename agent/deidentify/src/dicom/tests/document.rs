//! RULES.md, written from the data; a test holds it current.

use std::fmt::Write;
use std::path::Path;

use super::table::{EXCEPTIONS, asked};
use crate::dicom::private::PRIVATE;
use crate::dicom::rules::{EDITION, KEEP, OPTIONS, rows};

const HANDLINGS: [(&str, &str); 12] = [
    (
        "keep",
        "verbatim if it is a term of the attribute, a UID, a shape of the vendor's, or every word of it is the program's or \
         the product's and nobody's name; unless an identifier that was learned is in it",
    ),
    (
        "number",
        "verbatim if it is a number in the range of the attribute, unless its six digits or more are somebody's",
    ),
    (
        "code",
        "verbatim if it is a term of the attribute, or up to 16 capitals, digits, underscores and spaces whose words are as \
         those of keep; unless somebody is named",
    ),
    ("tag", "verbatim: the number of an attribute"),
    (
        "uid",
        "`2.25.` and 128 bits of HMAC-SHA-256 under the key of the case; those that PS3.6 registers (`dicom/uids.txt`) stay",
    ),
    ("date", "moved back by the whole weeks of the case; emptied if it is no date"),
    ("datetime", "likewise; the time of day stays, the offset from UTC goes"),
    ("time", "verbatim if it is a time of day"),
    ("descriptor", "free text: learned identifiers, patterns and words outside the product's vocabulary go"),
    ("age", "down to five years, up to ninety"),
    (
        "pseudonym",
        "`P-` and 8 consonants from HMAC-SHA-256 under the key of the case, none of them somebody's name or number",
    ),
    ("sequence", "entered; the same rules hold inside"),
];

fn document() -> String {
    let mut text = format!(
        "# What is kept of a DICOM file\n\n\
         Written from `dicom/keep.tsv`, `dicom/private.tsv` and `dicom/ps3.15-2026d.tsv` by the test \
         `deidentify::dicom::tests::document`; `WRITE_RULES=1 cargo test -p deidentify --lib rules_document` writes it anew.\n\n\
         An attribute that is not in these tables is dropped, wherever it lies: pixel data, overlays, curves, icons,\n\
         comments, structured reports, unknown and private elements, the preamble and the file meta group\n\
         (the transfer syntax is kept as (0008,3002)). What is listed agrees with DICOM PS3.15 edition {EDITION}, Table E.1-1, or is stricter, under:\n\n"
    );
    for (code, meaning) in OPTIONS {
        writeln!(text, "- {code} {meaning}").unwrap();
    }
    text.push_str(
        "\nModified dates hold for every date, a calibration's too. Of Retain Device Identity the names of stations \
         and places are not taken: they name clinics. Exceptions:\n\n",
    );
    for (tag, why) in EXCEPTIONS {
        writeln!(text, "- ({},{}) {why}", &tag[..4], &tag[4..]).unwrap();
    }
    text.push_str("\n| handling | what comes out |\n|---|---|\n");
    for (name, what) in HANDLINGS {
        writeln!(text, "| {name} | {what} |").unwrap();
    }
    let asked = asked();
    let mut areas: Vec<&str> = rows(&KEEP).filter_map(|row| row.split('\t').nth(3)).collect();
    areas.sort_unstable();
    areas.dedup();
    for area in areas {
        write!(
            text,
            "\n## {area}\n\n| tag | attribute | VR | handling | values | Table E.1-1 |\n|---|---|---|---|---|---|\n"
        )
        .unwrap();
        for row in rows(&KEEP) {
            let cells: Vec<&str> = row.split('\t').collect();
            if cells[3] == area {
                let (group, element) = cells[0].split_at(4);
                let action = asked.get(cells[0]).map_or("", |asked| asked.action());
                writeln!(
                    text,
                    "| ({group},{element}) | {} | {} | {} | {} | {action} |",
                    cells[4],
                    cells[1],
                    cells[2],
                    values(cells[5])
                )
                .unwrap();
            }
        }
    }
    text.push_str(
        "\n## Private elements\n\n| creator | element | attribute | VR | handling | values |\n|---|---|---|---|---|---|\n",
    );
    for row in rows(PRIVATE) {
        let cells: Vec<&str> = row.split('\t').collect();
        let [creator, element, vr, handling, name, allowed] = cells[..] else { panic!("{row}") };
        let allowed = values(allowed);
        writeln!(text, "| {creator} | xx{element} | {name} | {vr} | {handling} | {allowed} |").unwrap();
    }
    text.push_str(LOGS);
    text
}

/// A range as it is, terms with blanks between them.
fn values(values: &str) -> String {
    values.replace("..", " to ").replace(',', ", ")
}

/// Of logs the rules are code: `text/pass.rs`, `text/slots.rs`, `text/stamp.rs`.
const LOGS: &str = "
# What is kept of a log

What was learned goes first, wherever it stands. Then, where no table of the program's literals was built, a word stays if the
product's vocabulary (`text/vocabulary.txt`) has it and no form gives somebody away.

A table is made (`kathea-agent provenance build`) of executables (PE, ELF), their libraries and resources, and message catalogues (.mo) that

- lie in a folder of `[kathea] program` which, with what leads to it, only an administrator can write: on Linux root's, without a
  write bit for others; on Windows below `Program Files`;
- and are on the installer's list: their SHA-256 stands in `installed.sha256` of that folder, lines as `sha256sum` writes them, which a
  key of `[vendor] keys` that is trusted for `word_list` signed (`installed.sha256.sig`).

Everything else is refused and named, whoever put it there: `not_installed`. An Authenticode signature and the lists of a
system's own installer (dpkg, MSI) are not read and count for nothing, nor do settings, JSON and XML. Lists of words that the vendor signed
bring literals, words, and shapes of serial numbers.

With a table a line is literals and slots:

| what | what becomes of it |
|---|---|
| a literal of the program or of a signed list, verbatim between its placeholders | stays, unless it is made of common names alone |
| number of up to four digits; with a unit up to seven; of bytes and ticks any; under a key within its range (`keys.txt`) | stays |
| hexadecimal number behind `0x`, version of three or four numbers, time of day, level of one letter (`D:`) | stays |
| UID | stays if the program has it; else by the key of the case, and a registered one stays |
| name of a file of source or program with its line; path below a folder of `[kathea] program` | stays |
| other path | `[path]`, and the name of a source file of the program behind it |
| private address directly behind a literal | stays |
| word of the program or of the vocabulary | stays if `text/names.txt` does not have it |
| value of a key, or behind a word, that names a person or a place | goes up to the next literal |
| anything else, and digits in pieces of eight or more | goes alone: a bracket, a sign or a literal beside it stays |

`text/names.txt` holds the common names: the 20,000 most frequent surnames and all first names of the 1990 census of the United
States (public domain), less words of the vocabulary that are rare as names.

Bytes written as two or four hex digits with the same sign or blanks between them (`5a 6f 72`, `5A-6F-72`, `0x5a, 0x6f, 0x72`,
`\\x5a\\x6f\\x72`) go, with or without a table: more than eight, or fewer with three letters in a row, may spell a name. Hex digits
without a sign between them are a number.

In a support case whose time ended a week or more ago no date after it is moved: such a date goes, or it would tell when the case was
collected, and so by how many weeks the others were moved.

The point in time with which a line begins moves by the weeks of the case in each of the forms of `text/stamp.rs`. Day and month
are distinguished once for a file. Where the first line names columns, a cell is judged by its column. JSON objects of the product's own
formats leave complete by the schemas in `structured/own.txt`.

Names of this computer, its accounts, printers and domains, and those in `[kathea] names`, are searched for like what was learned.
";

#[test]
fn rules_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("RULES.md");
    if std::env::var_os("WRITE_RULES").is_some() {
        std::fs::write(&path, document()).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == document(), "RULES.md is not what the data says; WRITE_RULES=1 writes it anew");
}
