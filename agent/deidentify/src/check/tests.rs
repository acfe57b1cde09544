//! What the final scan finds, leaves alone, cuts out, and what it quarantines.

use zeroize::Zeroizing;

use super::*;
use crate::identifiers::{Learning, Whose};

fn identifiers() -> Identifiers {
    let mut learning = Learning::default();
    for (kind, value) in [
        (Kind::Name, "S\u{f8}rensen^Anna"),
        (Kind::Name, "\u{41e}\u{440}\u{43b}\u{43e}\u{432}^\u{42e}\u{440}\u{438}\u{439}"),
        (Kind::Name, "Frandsen^Ebba Lund"),
        (Kind::Name, "Text^Removed"),
        (Kind::Name, "Basic^Annex"),
        (Kind::BirthDate, "19700305"),
        (Kind::BirthDate, "20140509"),
        (Kind::Id, "010203-1234"),
        (Kind::Id, "00080060"),
        (Kind::Id, "28719340"),
        (Kind::Phone, "20 12 34 56"),
    ] {
        learning.learn(kind, value);
    }
    learning.learn_of(Whose::Other, Kind::Name, "Holm^Lars");
    learning.finish().unwrap()
}

fn case() -> Case {
    Case::new(Zeroizing::new([7; 32]))
}

fn finding(text: &str, layout: Layout) -> Option<Finding> {
    search(text.as_bytes(), layout, &identifiers(), &case())
}

/// What the scan makes of `text`.
fn scrubbed(text: &str, layout: Layout) -> Result<String, Finding> {
    let (identifiers, case) = (identifiers(), case());
    let scrubbed = Scan::new(&identifiers, &case).pass(text, layout)?;
    Ok(scrubbed.map_or_else(|| text.to_owned(), |scrubbed| scrubbed.text))
}

#[test]
fn a_line_is_searched_behind_its_escapes_too() {
    for hidden in [
        "S\u{f8}rensen",
        "S\\u00f8rensen",
        "x\\nAnna",
        "S&#xf8;rensen",
        "S%C3%B8rensen",
        "1970-03-05",
        "0102031234",
        "S=C3=B8rensen",
        "tlf 20123456",
        "\u{41e}\u{440}\u{43b}\u{43e}\u{432}",
    ] {
        let text = format!("ready at 90 kV\nlost 17 frames {hidden} kV=90\nready\n");
        let found = finding(&text, Layout::Lines).map(|finding| finding.line);
        assert_eq!(found, Some(2), "{hidden}");
        let after = scrubbed(&text, Layout::Lines).unwrap();
        assert_eq!(finding(&after, Layout::Lines), None, "{after}");
        assert!(after.starts_with("ready at 90 kV\n") && after.ends_with("\nready\n"), "{after}");
    }
    let text = "kV=90 Anna ready";
    assert_eq!(scrubbed(text, Layout::Lines).unwrap(), "kV=90 [name] ready", "nothing but the name goes");
}

#[test]
fn every_value_is_searched_alone() {
    for (text, layout) in [
        (r#"{"00080060":{"vr":"CS","Value":["CT"]}}"#, Layout::Dicom),
        (r#"{"00181164":{"vr":"DS","Value":[28,719,340]}}"#, Layout::Dicom),
        (r#"{"a":[28.719,340],"b":[2871,9340],"c":["2871","9340"],"d":0.28719340}"#, Layout::Json),
        ("<a>2871</a><b c=\"9340\">x</b>", Layout::Xml),
        ("2871,9340\n28;719340\n0.28719340\t1\n", Layout::Numbers),
        ("{\"a\":[2871,9340]}\nkV 90\n", Layout::Lines),
        ("frame 2871\n9340 lost\n", Layout::Lines),
        (r#"{"00120063":{"vr":"LO","Value":["Basic Annex E"]}}"#, Layout::Dicom),
        ("see [text] and [text removed, 12 chars]", Layout::Lines),
    ] {
        assert_eq!(finding(text, layout), None, "{text}");
        assert_eq!(scrubbed(text, layout).unwrap(), text);
    }
    for (text, layout, wanted) in [
        (
            r#"{"00081030":{"vr":"LO","Value":["Anna x","y"]},"00280010":{"vr":"IS","Value":[28719340,3]}}"#,
            Layout::Dicom,
            r#"{"00081030":{"vr":"LO","Value":["[name] x","y"]},"00280010":{"vr":"IS","Value":[null,3]}}"#,
        ),
        (r#"{"a":"00080060","b":28719340.0,"c":true}"#, Layout::Json, r#"{"a":"[id]","b":null,"c":true}"#),
        ("<a>x &lt; Anna</a><b c=\"28719340\"></b>", Layout::Xml, "<a>x &lt; [name]</a><b c=\"[id]\"></b>"),
        ("1,28719340,3\n", Layout::Numbers, "1,,3\n"),
        ("{\"a\":28719340}\nEbba\n", Layout::Lines, "{\"a\":null}\n[name]\n"),
    ] {
        assert_eq!(scrubbed(text, layout).as_deref(), Ok(wanted));
    }
    let tag = finding(r#"{"00081030":{"vr":"LO","Value":["Anna"]}}"#, Layout::Dicom).unwrap();
    assert_eq!(tag.to_string(), "learned_name in attribute (0008,1030)");
}

#[test]
fn what_cannot_be_cut_out_is_quarantined_and_named_without_its_value() {
    for (text, layout) in [
        ("{\n \"kv\":90,\n \"Anna\":1}", Layout::Json),
        ("<a>\n<x/>\n<Anna>1</Anna></a>", Layout::Xml),
        ("<a>\n<x/>\n<b Anna=\"1\"/></a>", Layout::Xml),
    ] {
        let finding = scrubbed(text, layout).unwrap_err();
        assert_eq!(finding.to_string(), "learned_name in line 3", "{text}");
    }
    assert_eq!(finding("{\"Anna\":1}", Layout::OwnKeys), None, "keys of this program");
    let scan_of = (identifiers(), case());
    let mut scan = Scan::new(&scan_of.0, &scan_of.1);
    scan.pass("one\ntwo\n", Layout::Lines).unwrap();
    let edits = scan.edits("three\nAnna\n", Layout::Lines);
    assert_eq!(edits.first().map(|edit| edit.finding.line), Some(4), "lines go on");
}

#[test]
fn a_date_that_the_case_moved_is_nobodys() {
    let (identifiers, case) = (identifiers(), case());
    let (year, month, day) = case.shift_date(2026, 11, 21).unwrap();
    let mut learning = Learning::default();
    for born in [format!("{year:04}{month:02}{day:02}"), "19700305".to_owned()] {
        learning.learn(Kind::BirthDate, &born);
        learning.learn(Kind::Id, &born);
    }
    learning.learn(Kind::Id, "111231042");
    let those = learning.finish().unwrap();
    for form in [
        format!("{year:04}-{month:02}-{day:02} 10:32:11.123 1042 ready"),
        format!("[{day:02}/{month:02}/{year:04} 10:32:11] ready"),
        format!("{year:04}{month:02}{day:02}103211 ready"),
    ] {
        assert_eq!(search(form.as_bytes(), Layout::Lines, &those, &case), None, "{form}");
        assert!(search(form.as_bytes(), Layout::Lines, &those, &self::case()).is_some(), "{form} unmoved");
    }
    let both = format!("{year:04}-{month:02}-{day:02} 10:32:11 born 1970-03-05");
    assert_eq!(search(both.as_bytes(), Layout::Lines, &those, &case).map(|found| found.line), Some(1));
    assert!(search(b"2014-05-09", Layout::Lines, &identifiers, &case).is_some());
}

#[test]
fn what_is_clean_passes() {
    let log = "2026-11-21 10:32:11.123 [INFO] generator(1042): ready at 90 kV\n".repeat(500);
    assert_eq!(finding(&log, Layout::Lines), None);
    assert_eq!(finding("", Layout::Lines), None);
    for broken in ["{\"a", "{\"a\":\"\\", "<a", "<a b=\"", "\"\\ud800\"", "{\"\\ud800\":1}"] {
        for layout in [Layout::Json, Layout::Dicom, Layout::Xml, Layout::Numbers] {
            assert_eq!(finding(broken, layout), None, "{broken}");
        }
    }
}

#[test]
fn only_a_patient_is_asked_about() {
    let those = identifiers();
    let asked = |text: &str| those.patients_in(text, &mut View::default());
    assert_eq!(asked("Lars Holm, 75 55 55 55, lars@example.com"), []);
    assert_eq!(asked("Ebba Frandsen"), [Kind::Name]);
    assert_eq!(asked("about 28719340, born 5.3.1970"), [Kind::Id, Kind::BirthDate]);
}

#[test]
fn what_a_cut_leaves_is_found_and_goes_nowhere() {
    // The digits of an escape reach into the number behind it: the cut takes a part, and the rest is somebody's still.
    for text in ["\\u00f828719340\tLars", "\\u00f805.03.1970 Lars010203"] {
        assert!(scrubbed(text, Layout::Lines).is_err(), "{text}");
    }
    assert_eq!(scrubbed("\\u00f8 kV=90", Layout::Lines).unwrap(), "\\u00f8 kV=90", "nothing is in the way");
}
