//! Spellings found, and look-alikes left alone.

use super::*;

fn learned(values: &[(Kind, &str)]) -> Identifiers {
    let mut learning = Learning::default();
    for (kind, value) in values {
        learning.learn(*kind, value);
    }
    learning.finish().unwrap()
}

fn case() -> Identifiers {
    learned(&[
        (Kind::Name, "Sørensen^Anna Lin"),
        (Kind::Name, "Lund^Bo"),
        (Kind::Name, "Crown^Peter"),
        (Kind::Id, "010203-1234"),
        (Kind::Id, "P-0012345"),
        (Kind::Id, "4711"),
        (Kind::BirthDate, "19700305"),
        (Kind::Phone, "+45 12 34 56 78"),
        (Kind::Email, "anna.s@example.com"),
        (Kind::Address, "Vestergade 12^2100 København"),
        (Kind::Clinic, "Tandlægerne Smilehullet ApS"),
    ])
}

fn found(identifiers: &Identifiers, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    identifiers.find(text, &mut View::default(), |hit| found.push(text.get(hit.range).unwrap().to_owned()));
    found
}

#[test]
fn every_spelling_is_found() {
    let case = case();
    for text in [
        "Sørensen",
        "SOERENSEN",
        "sorensens",
        "xsorensenx",
        "Anna",
        "annas",
        "anna_lin",
        "AnnaSorensen",
        "sorensenanna",
        "ASørensen",
        "S ø r e n s e n",
        "bolund",
        "LundBo",
        "blund",
        "B. Lund",
        "Lund, Bo",
        "Lunds",
        "Lund's",
        "scan_lund_01",
        "0102031234",
        "010203-1234",
        "010203 1234",
        "01 02 03-1234",
        "p0012345",
        "0012345",
        "12345",
        "4711",
        "5. marts 1970",
        "050370",
        "12345678",
        "+4512345678",
        "0045 12 34 56 78",
        "12-34-56-78",
        "ANNA.S@EXAMPLE.COM",
        "Vestergade",
        "2100 KOEBENHAVN",
        "smilehullet",
        "C:\\Scans\\Lund_Bo\\1.dcm",
        "crown",
    ] {
        assert!(!found(&case, text).is_empty(), "{text}");
    }
}

#[test]
fn what_only_looks_like_one_stays() {
    let case = case();
    for text in [
        "channel line linear",
        "blunder",
        "annals",
        "crowning",
        "47110",
        "104711",
        "1.47113",
        "detector warm-up",
        "123456789",
        "P-001\n2345",
        "00:12:34:5",
        "kV 85, 10:32:11",
        "alarm lin",
        "2100",
    ] {
        let found: Vec<_> = found(&case, text).into_iter().filter(|found| found != "lin").collect();
        assert!(found.is_empty(), "{text}: {found:?}");
    }
}

#[test]
fn a_products_word_and_a_short_number_are_weak() {
    let case = case();
    let is_in = |text| case.is_in(text, &mut View::default());
    assert!(!is_in("crown 4711") && is_in("Peter Crown"));
    let mut learning = Learning::default();
    ["123456", "0010"].iter().for_each(|id| learning.learn(Kind::Id, id));
    let case = learning.finish().unwrap();
    let is_in = |text| case.is_in(text, &mut View::default());
    assert!(is_in(" 123456") && !is_in("serial 123456") && !is_in("0010"), "a value that is a number");
}

#[test]
fn a_patient_counts_once_and_nothing_is_printed() {
    let mut learning = Learning::default();
    learning.person("Hansen^Anna", "1");
    learning.person("HANSEN^ANNA", "1");
    learning.person("Hansen^Anna", "");
    learning.person("hansen anna", " ");
    learning.person("Madsen^Bo", "");
    learning.learn(Kind::Name, "Hansen^Anna");
    let mut all = Learning::default();
    all.take(learning);
    let identifiers = all.finish().unwrap();
    assert_eq!((identifiers.persons(), identifiers.files()), (2, 1));
    assert!(!format!("{identifiers:?}").to_lowercase().contains("hansen"));
}

#[test]
fn a_short_number_is_found_with_the_separators_that_it_was_learned_with() {
    for id in [
        "X77-31",
        "A12-7",
        "K-4711",
        "ERR-512",
        "2021-44",
        "77/31",
        "77.31.5",
        "X 77 31",
        "1.2.3456",
        "P-00-4711",
    ] {
        let case = learned(&[(Kind::Id, id)]);
        let low = id.to_lowercase();
        for text in [
            format!("id={id}"),
            format!("[{id}] loaded"),
            format!("opened {low}"),
            id.replace(['-', '/'], "_"),
        ] {
            assert!(!found(&case, &text).is_empty(), "{id} in {text}");
        }
    }
    let case = learned(&[(Kind::Id, "77-31"), (Kind::Id, "4711")]);
    for text in ["at 7.731 mm", "773-1", "4 711", "47:11", "47-11", "7,731"] {
        assert_eq!(found(&case, text), [""; 0], "{text}");
    }
}
