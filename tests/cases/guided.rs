//! A support case at a terminal: `support --case ID` from the first question to the seal, in both languages, and
//! scans picked from a list that names nobody.

use std::fs;

use crate::common::clinic::{Clinic, sha256, step};
use crate::common::peer;
use crate::common::terminal::Terminal;
use serde_json::{Value as Json, json};

fn start(clinic: &Clinic, args: &[&str]) -> Terminal {
    Terminal::start(&clinic.workstation.agent(args))
}

/// Nobody who was scanned is on the screen.
fn assert_names_nobody(clinic: &Clinic, shown: &str) {
    let personal =
        clinic.patients.iter().flat_map(|patient| [patient.family, patient.given, &patient.number]);
    assert_eq!(personal.filter(|name| shown.contains(name)).count(), 0, "{shown}");
}

#[test]
fn a_case_is_guided_from_the_first_question_to_the_seal() {
    if !peer::has("script") {
        return;
    }
    let clinic = Clinic::new();
    clinic.workstation.configure("data_dir", "language = \"da\"\ndata_dir");
    let copy = clinic.text("copy");
    let mut terminal = start(&clinic, &["support", "--case", "CASE-1", "-o", &copy]);
    terminal.answer("1-6", "7");
    terminal.answer("det er ikke et nummer på listen", "2");
    assert!(terminal.shown().contains("Intet forlader computeren, før I siger ja."), "{}", terminal.shown());
    terminal.answer("Hvilke optagelser?", "x");
    terminal.answer("Skriv l, p eller n.", "p");
    terminal.answer("Skriv numrene med mellemrum imellem", "2, 4");
    terminal.wait("Sig nej ved at skrive n.");
    let page = fs::read_to_string(clinic.path("copy/preview.html")).unwrap();
    let digest = sha256(&fs::read(clinic.path("copy/manifest.json")).unwrap());
    assert!(page.contains(&digest));
    terminal.answer("", "ja");
    terminal.answer("Det er ikke koden fra siden", &digest[..6]);
    terminal.answer("Hvem svarer?", "lægen");
    terminal.answer("Skriv 1, 2 eller 3.", "databeskyttelsesansvarlig");
    let (code, shown) = terminal.end();
    assert!(code == Some(0) && shown.contains("Forseglet og sat i kø som"), "{code:?} {shown}");
    assert_names_nobody(&clinic, &shown);

    let manifest: Json =
        serde_json::from_slice(&fs::read(clinic.path("copy/manifest.json")).unwrap()).unwrap();
    assert_eq!((&manifest["reason"], &step(&manifest, "scans")["files"]), (&json!("error"), &json!(2)));
    let list = clinic.list();
    assert_eq!((&list["drafts"], &list["bundles"][0]["state"]), (&json!([]), &json!("queued")));
    let ledger = fs::read_to_string(clinic.workstation.data().join("ledger.ndjson")).unwrap();
    assert_eq!(ledger.matches("privacy_officer").count(), 2, "for the case and for its scans");
}

#[test]
fn without_the_code_of_the_page_it_is_a_no_and_the_draft_stays() {
    if !peer::has("script") {
        return;
    }
    let clinic = Clinic::new();
    let copy = clinic.text("copy");
    let args = ["support", "--case", "CASE-1", "--reason", "other", "--last-scan", "-o", &copy];
    let mut terminal = start(&clinic, &args);
    terminal.answer("To say no, type n.", "yes");
    terminal.answer("That is not the code of the page.", "n");
    let (code, shown) = terminal.end();
    assert!(code == Some(4) && shown.contains("Nothing was sent"), "{code:?} {shown}");
    let list = clinic.list();
    assert_eq!((list["drafts"].as_array().unwrap().len(), &list["bundles"]), (1, &json!([])));
    assert_eq!(clinic.workstation.status()["cases"], json!([]), "nobody said anything");
}

#[test]
fn scans_are_picked_by_time_and_mode() {
    if !peer::has("script") {
        return;
    }
    let clinic = Clinic::new();
    let copy = clinic.text("copy");
    let args = ["support", "preview", "--case", "CASE-1", "--reason", "error", "--pick", "-o", &copy];
    let mut terminal = start(&clinic, &args);
    terminal.answer("Numbers, separated by blanks", "0");
    terminal.answer("that is no number of the list: 1 to ", "\u{4}");
    let (code, shown) = terminal.end();
    assert!(code == Some(2) && shown.contains("no scan was chosen"), "{code:?} {shown}");
    assert!(shown.contains("CT") && shown.contains("80 x 80 mm"), "{shown}");
    assert_names_nobody(&clinic, &shown);

    let mut terminal = start(&clinic, &args);
    terminal.answer("Numbers, separated by blanks", "1 3 5");
    assert_eq!(terminal.end().0, Some(0));
    let manifest: Json =
        serde_json::from_slice(&fs::read(clinic.path("copy/manifest.json")).unwrap()).unwrap();
    assert_eq!(step(&manifest, "scans")["files"], 3);
    assert_eq!(clinic.workstation.run(&args).status.code(), Some(2), "there is nobody to ask");
}
