//! What a person types for a support case leaves as it is typed: where a patient's name or number is in it, the person
//! is asked first, and nothing of it is changed.

#![cfg(unix)]

use std::fs;

use crate::common::clinic::Clinic;
use crate::common::peer;
use crate::common::terminal::Terminal;

/// The words of a preview with this contact; it has to end with `code`.
fn preview(clinic: &Clinic, code: i32, case: &str, contact: &str, more: &[&str]) -> String {
    let copy = clinic.text("copy");
    let args = [
        "support",
        "preview",
        "--case",
        case,
        "--reason",
        "error",
        "--contact",
        contact,
        "--force",
        "-o",
        &copy,
    ];
    let output = clinic.workstation.run(&[&args, more].concat());
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{words}");
    words
}

fn contact(clinic: &Clinic) -> String {
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(clinic.path("copy/manifest.json")).unwrap()).unwrap();
    manifest["contact"].as_str().unwrap().to_owned()
}

fn drafts(clinic: &Clinic) -> usize {
    fs::read_dir(clinic.workstation.data().join("drafts")).map_or(0, Iterator::count)
}

#[test]
fn a_patient_in_the_contact_is_asked_about_and_never_rewritten() {
    for is_served in [false, true] {
        let clinic = Clinic::new();
        let service = is_served.then(|| clinic.workstation.serve());
        let number = clinic.patients[1].number.clone();
        for (typed, rule) in [
            ("Reception, about Kirstine Vestergaard".to_owned(), "learned_name"),
            (format!("Reception, patient {number}"), "personal_number"),
            ("Reception (311299-4711)".to_owned(), "personal_number"),
        ] {
            let words = preview(&clinic, 2, "CASE-1", &typed, &["--last-scan"]);
            assert!(words.contains("the contact") && words.contains(rule), "{words}");
            assert!(words.contains("--as-typed"), "{words}");
            let words = words.to_lowercase();
            for value in ["vestergaard", "kirstine", &number, "311299", "4711"] {
                assert!(!words.contains(value), "{words}");
            }
            assert_eq!(drafts(&clinic), 0, "nothing is kept");
            preview(&clinic, 0, "CASE-1", &typed, &["--last-scan", "--as-typed"]);
            assert_eq!(contact(&clinic), typed);
            let left = clinic.list()["drafts"].as_array().unwrap().clone();
            for draft in left {
                clinic.workstation.expect(0, &["support", "discard", draft["draft"].as_str().unwrap()]);
            }
        }
        drop(service);
    }
}

#[test]
fn a_patient_in_the_description_is_asked_about_and_never_rewritten() {
    let clinic = Clinic::new();
    let number = clinic.patients[1].number.clone();
    let fine = "Rings in every second scan\nsince Tuesday, 24 November";
    for (typed, rule) in [
        ("The scan of Kirstine Vestergaard has rings", "learned_name"),
        (&*format!("Rings with patient {number}"), "personal_number"),
        ("Rings, 311299-4711", "personal_number"),
    ] {
        let words = preview(&clinic, 2, "CASE-1", "Reception", &["--last-scan", "--description", typed]);
        assert!(words.contains("the description") && words.contains(rule), "{words}");
        for value in ["Vestergaard", "Kirstine", &number, "311299", "4711"] {
            assert!(!words.contains(value), "{words}");
        }
        assert_eq!(drafts(&clinic), 0, "nothing is kept");
    }
    preview(&clinic, 0, "CASE-1", "Reception", &["--last-scan", "--description", fine]);
    assert_eq!(clinic.manifest_of_copy()["description"], fine, "it leaves as it was typed");
    let page = fs::read_to_string(clinic.path("copy/preview.html")).unwrap();
    assert!(page.contains("Rings in every second scan"), "the preview shows it");
    let typed = "The scan of Kirstine Vestergaard has rings";
    let confirmed = ["--last-scan", "--as-typed", "--description", typed];
    preview(&clinic, 0, "CASE-1", "Reception", &confirmed);
    assert_eq!(clinic.manifest_of_copy()["description"], typed);
}

#[test]
fn a_patient_in_the_case_is_asked_about_too() {
    let clinic = Clinic::new();
    for (case, rule) in [("VESTERGAARD-1", "learned_name"), ("CASE-311299-4711", "personal_number")] {
        let words = preview(&clinic, 2, case, "Reception", &["--last-scan"]);
        assert!(words.contains("the case ID") && words.contains(rule), "{words}");
        assert!(!words.contains("VESTERGAARD") && !words.contains("311299"), "{words}");
    }
    preview(&clinic, 0, "VESTERGAARD-1", "Reception", &["--last-scan", "--as-typed"]);
}

#[test]
fn who_works_here_may_be_answered() {
    let clinic = Clinic::new();
    let typed = "Dr. Ulla Skytte, +45 75 55 55 55, ulla@klinik.example, case 1042 of 22 November 2026";
    preview(&clinic, 0, "CASE-1", typed, &["--last-scan"]);
    assert_eq!(contact(&clinic), typed);
}

#[test]
fn at_a_terminal_the_person_is_asked() {
    if !peer::has("script") {
        return;
    }
    let clinic = Clinic::new();
    let copy = clinic.text("copy");
    let args = [
        "support",
        "preview",
        "--case",
        "CASE-1",
        "--reason",
        "error",
        "--last-scan",
        "--force",
        "-o",
        &copy,
    ];
    let args = [&args[..], &["--contact", "Vestergaard"]].concat();
    let start = || Terminal::start(&clinic.workstation.agent(&args));
    let mut terminal = start();
    terminal.answer("anything else stops here", "no");
    let (code, shown) = terminal.end();
    assert!(code == Some(2) && !clinic.path("copy/manifest.json").exists(), "{code:?} {shown}");
    assert!(shown.contains("learned_name"), "{shown}");
    let mut terminal = start();
    terminal.answer("anything else stops here", "yes");
    let (code, shown) = terminal.end();
    assert_eq!(code, Some(0), "{shown}");
    assert_eq!(contact(&clinic), "Vestergaard");
}
