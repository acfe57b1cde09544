//! Birth dates in whole outputs: removed from every kind of file, and with ten thousand of them learned nothing that is
//! measured is taken for one.

use test_support::Random;
use time::{Date, Duration, Month};
use zeroize::Zeroizing;

use super::*;
use crate::check;
use crate::identifiers::date_tests::{SPELLINGS, day};
use crate::identifiers::second_reading::names_birth_date;
use crate::identifiers::{Identifiers, Kind, Learning};

fn case() -> Case {
    Case::new(Zeroizing::new([7; 32]))
}

fn one(value: &str) -> Identifiers {
    let mut learning = Learning::default();
    learning.learn(Kind::BirthDate, value);
    learning.finish().unwrap()
}

/// The children and grown-ups of a large clinic, and a generator for more.
fn clinic(seed: u64) -> (Identifiers, impl FnMut(u64) -> u64) {
    println!("seed {seed:#x}");
    let mut random = Random::new(seed);
    let mut draw = move |bound: u64| random.below(bound);
    let mut learning = Learning::default();
    let first = Date::from_calendar_date(1925, Month::January, 1).unwrap();
    for _ in 0..10_000 {
        let born = first + Duration::days(draw(35_000) as i64);
        learning.learn(Kind::BirthDate, &born.to_string().replace('-', ""));
    }
    (learning.finish().unwrap(), draw)
}

fn cleaned(text: &str, identifiers: &Identifiers) -> String {
    let mut out = Vec::new();
    clean(text.as_bytes(), &mut out, &case(), identifiers).unwrap();
    String::from_utf8(out).unwrap()
}

fn finding(output: &str, identifiers: &Identifiers) -> Option<check::Finding> {
    check::search(output.as_bytes(), check::Layout::Lines, identifiers, &case())
}

/// What becomes of `spelling` in every kind of file.
fn everywhere(spelling: &str, identifiers: &Identifiers) -> Vec<(&'static str, String)> {
    let case = case();
    let mut scrubber = Scrubber::new(&case, identifiers);
    let html =
        spelling.replace('\u{2013}', "&ndash;").replace('\u{a0}', "&nbsp;").replace('\u{2019}', "&#8217;");
    let json = serde_json::json!({"message": format!("entry {spelling} selected"), "status": spelling, "mode": spelling});
    let xml = format!(
        "<scan><message text='x'>entry {spelling} selected</message><status>{spelling}</status></scan>"
    )
    .replace("'x'", "\"entry\"");
    let mut descriptor = String::new();
    scrubber.message(&format!("panorama {spelling}"), &mut descriptor);
    vec![
        ("text", cleaned(&format!("[INFO] viewer(3): entry {spelling} selected\nready"), identifiers)),
        ("key and value", cleaned(&format!("status={spelling}\nentry: {spelling}"), identifiers)),
        ("line of JSON", cleaned(&json.to_string(), identifiers)),
        ("JSON", structured::json::clean(json.to_string().as_bytes(), &mut scrubber).unwrap()),
        ("XML", structured::xml::clean(&xml, &mut scrubber).unwrap()),
        ("HTML", cleaned(&format!("<!DOCTYPE html>\n<p>entry <b>{html}</b> selected</p>\n"), identifiers)),
        ("descriptor", descriptor),
    ]
}

#[test]
fn a_day_of_birth_leaves_in_no_kind_of_file() {
    let (own, other) = (one("19800312"), one("19630728"));
    let (mut count, mut control) = (0, 0);
    for spelling in SPELLINGS {
        for (kind, output) in everywhere(spelling, &own) {
            assert_eq!(
                names_birth_date(&output, |found| found == day()),
                None,
                "{spelling:?} in {kind}: {output}"
            );
            let output = output.replace("UTF-8", "").replace("1.0", "").replace("viewer(3)", "");
            assert!(!output.contains(|c: char| c.is_ascii_digit()), "{spelling:?} in {kind}: {output}");
            count += 1;
        }
        let left = everywhere(spelling, &other);
        control += left
            .iter()
            .filter(|(_, output)| names_birth_date(output, |found| found == day()).is_some())
            .count();
    }
    println!("{count} outputs without the day; with another day learned {control} of them have it");
    assert!(count == 350 && control > 100);
}

#[test]
fn a_day_that_tags_or_a_line_end_cut_is_gone() {
    let own = one("19800312");
    for text in [
        "<td>12</td><td>3</td><td>1980</td>",
        "entry 12<br/>3<br/>1980",
        "[INFO] viewer(3): entry 12.\r\n3. 1980 selected",
        "entry 12/3-\n1980x selected\n",
        "entry den 12.\ni 3. 1980",
        "entry 12 march\n1980",
        "entry 12\\n3\\n1980",
        "entry 12\\/3\\/1980",
        "entry 12&sol;3&ndash;80",
        "entry 12.III.1980",
    ] {
        let output = cleaned(text, &own).replace("viewer(3)", "");
        assert!(!output.contains(|c: char| c.is_ascii_digit()), "{text:?}: {output}");
        assert_ne!(
            cleaned(text, &one("19630728")).replace("viewer(3)", ""),
            output,
            "{text:?} with another day"
        );
    }
    let log = "[INFO] viewer(3): entry 12. marts\r\n1980 selected\r\nready\r\n";
    let wanted = "[INFO] viewer(3): entry [date]\r\n[date] selected\r\nready\r\n";
    assert_eq!(cleaned(log, &own), wanted);
    // What only follows a line is not joined to it.
    let log = "retry 2/3\n2026-11-21 10:32:11 [INFO] ready\n";
    assert!(cleaned(log, &one("20260302")).starts_with("retry 2/3\n"));
}

/// Ten thousand days make two of three triples of small numbers somebody's birthday.
#[test]
fn traces_tables_and_versions_pass_with_ten_thousand_days_learned() {
    let (identifiers, mut draw) = clinic(0xB127_DA7E);
    let mut rows = |columns: u64, by: &str, lines: u64| {
        let mut text = String::new();
        for _ in 0..lines {
            let mut cell = |at: u64| match at % 3 {
                0 => 1 + draw(28),
                1 => 1 + draw(12),
                _ => [10 + draw(89), 1925 + draw(95)][draw(2) as usize],
            };
            let cells: Vec<String> = (0..columns).map(|at| cell(at).to_string()).collect();
            text += &cells.join(by);
            text += "\n";
        }
        text
    };
    let trace = format!("t,x,y,z,roll\n{}", rows(5, ",", 2000));
    let tables = [
        ("trace", rows(5, ",", 2000)),
        ("shared trace", "0,12,80,3,12\n33,14,81,3,12\n66,12,3,80,11\n99,12,3,1980,11\n".to_owned()),
        ("three columns", rows(3, ",", 500)),
        ("three columns, semicolons", rows(3, ";", 500)),
        ("three columns, tabs", rows(3, "\t", 500)),
        ("three columns, blanks", rows(3, "  ", 500)),
        ("six columns, blanks", rows(6, " ", 500)),
        ("four columns, bars", rows(4, " | ", 500)),
    ];
    let nobody = Learning::default().finish().unwrap();
    for (name, table) in tables {
        // A row of many digits is no word of the product, whoever was learned.
        let (with, without) = (cleaned(&table, &identifiers), cleaned(&table, &nobody));
        let changed: Vec<_> =
            with.lines().zip(without.lines()).filter(|(with, without)| with != without).collect();
        assert!(changed.is_empty(), "{name}: {} lines, the first {:?}", changed.len(), changed[0]);
        assert_eq!(finding(&table, &identifiers), None, "{name}");
    }
    assert_eq!(finding(&trace, &identifiers), None);
    let mut versions = 0;
    for (major, minor, patch) in
        (1..13).flat_map(|a| (1..13).flat_map(move |b| [10, 12, 19, 27].map(move |c| (a, b, c))))
    {
        let version = format!("{major}.{minor}.{patch}");
        for line in [
            format!("version {version} loaded"),
            format!("softwareVersion={version}"),
            format!("firmware {version}.7 started"),
            format!("Kathea {version} started"),
            format!("driver version: v{version}"),
            format!(r#"{{"softwareVersion":"{version}","firmware":"{version}.77"}}"#),
        ] {
            let output = cleaned(&line, &identifiers);
            assert_eq!(output, line);
            assert_eq!(finding(&output, &identifiers), None, "{line}");
            versions += 1;
        }
        // As a header has it: the value of an attribute.
        assert!(!identifiers.is_in(&version, &mut Default::default()), "{version}");
        let header = format!(r#"{{"00181020":{{"vr":"LO","Value":["{version}"]}}}}"#);
        assert_eq!(finding(&header, &identifiers), None, "{header}");
    }
    println!("{versions} lines with versions kept");
    let vectors = "offset (12, 3, 80) and [5,11,72] at 10:11:12, 10.3 1.2 12.5";
    assert_eq!(cleaned(vectors, &identifiers), vectors);
    assert_eq!(finding(vectors, &identifiers), None);
    let arrays = "{\"00181149\":{\"vr\":\"IS\",\"Value\":[12,3,1980]},\"x\":[\n 12,\n 3,\n 1980\n ]}";
    assert_eq!(finding(arrays, &identifiers), None);
}

const ROUNDS: usize = 8_000;

/// Whatever the scrubber lets pass, the final scan has to let pass, too: else a whole case stops for nothing.
#[test]
fn what_the_scrubber_passes_the_final_scan_does_not_stop() {
    const BETWEEN: &[&str] = &[
        "-",
        "/",
        ".",
        " ",
        ":",
        ",",
        ", ",
        "; ",
        ";",
        "|",
        " - ",
        " / ",
        "_",
        ". ",
        "/",
        "\u{2013}",
        " i ",
        ". i ",
        " -",
        "- ",
        "\n",
        "\t",
        " marts ",
        "-mar-",
        " of 5 ",
        "'",
        " '",
        " kV ",
        "=",
        ")",
        " (",
        "\\",
        "  ",
        "th of may ",
        ".. ",
    ];
    const WORDS: &[&str] = &[
        "lost ",
        "version ",
        "[INFO] detector(12): ",
        "",
        "",
        "2026-11-21 10:32:11 ",
        "x=",
        "(",
        "[",
        "10:11:12 ",
        "v",
        "march ",
        "frame ",
        "\n",
        " at ",
        "no. ",
        "11-21 ",
        "retry 2/3 ",
    ];
    let (identifiers, mut draw) = clinic(0x5EC0_4D11);
    let (mut lines, mut learned) = (0, 0);
    for _ in 0..ROUNDS {
        let mut text = String::new();
        for _ in 0..=draw(3) {
            text += WORDS[draw(WORDS.len() as u64) as usize];
            for _ in 0..=draw(5) {
                text += &match draw(6) {
                    0 => draw(100).to_string(),
                    1 => format!("{:02}", draw(32)),
                    2 => draw(13).to_string(),
                    3 => (1925 + draw(96)).to_string(),
                    4 => (10 + draw(90)).to_string(),
                    _ => draw(32).to_string(),
                };
                text += BETWEEN[draw(BETWEEN.len() as u64) as usize];
            }
        }
        let case = case();
        let mut written = Vec::new();
        clean(text.as_bytes(), &mut written, &case, &identifiers).unwrap();
        let output = String::from_utf8(written).unwrap();
        learned += u32::from(output.contains("[date]"));
        // Dates that the case moved are excused.
        let found = check::search(output.as_bytes(), check::Layout::Lines, &identifiers, &case);
        assert_eq!(found, None, "{text:?}\nbecame\n{output:?}");
        lines += 1;
    }
    println!("{lines} lines, {learned} with dates removed, 0 stopped");
    assert!(learned > lines / 4);
}
