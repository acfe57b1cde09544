//! De-identification by provenance, as people run it: a program is built and installed, its literals are read, and logs
//! are cleaned with them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "outside of `#[test]` functions")]

mod dcmtk;
mod installed;
mod logs;
mod names;
mod numbers;
mod site;
mod swapped;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use site::Site;
use test_support::{or_skip, peer};

#[test]
fn a_table_is_built_listed_verified_and_used() {
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(&["Command %s timed out after %d ms, retry=%d/%d"]));
    let log = "Command Xyzzyq timed out after 5000 ms, retry=2/5\nflurble zorp of Xyzzyq\n";
    // Without the table the guessed vocabulary decides, with it the program does.
    let words = site.fails(&["provenance", "verify"]);
    assert!(words.contains("no table was built"), "{words}");
    let built = site.json(&["provenance", "build", "--json"]);
    assert!(
        built["literals"].as_u64().unwrap() >= 1 && built["files"].as_array().unwrap().len() == 1,
        "{built}"
    );
    assert_eq!(site.json(&["provenance", "list", "--json"]), built);
    site.run(&["provenance", "verify"]);
    let cleaned = site.cleaned(log, &[]);
    assert_eq!(cleaned, "Command [text] timed out after 5000 ms, retry=2/5\n[text] of [text]\n");

    // Another program is another table.
    site.install(&["flurble zorp of %s"]);
    let words = site.fails(&["provenance", "verify"]);
    assert!(words.contains("provenance build"), "{words}");
    site.run(&["provenance", "build"]);
    assert!(site.cleaned(log, &[]).ends_with("flurble zorp of [text]\n"));

    // Whoever can write the program decides what stays: such a folder is refused, and named.
    let mode = |mode| fs::set_permissions(site.folder(), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o777);
    let words = site.fails(&["provenance", "build"]);
    assert!(words.contains(site.folder().to_str().unwrap()) && words.contains("administrator"), "{words}");
    mode(0o755);
    // A table that was changed is not used, and nothing is cleaned by it.
    let table = site.data().join("provenance/table");
    let mut bytes = fs::read(&table).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&table, bytes).unwrap();
    assert!(site.fails(&["provenance", "verify"]).contains("provenance build"));
    assert!(site.fails_to_clean(log).contains("provenance build"));
}

#[test]
fn settings_beside_the_program_teach_nothing() {
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(&["Command %s timed out"]));
    fs::write(site.folder().join("licence.json"), r#"{"licensee":"flurble zorp"}"#).unwrap();
    fs::write(site.folder().join("users.xml"), "<last>flurble zorp</last>").unwrap();
    fs::write(site.folder().join("notes.so"), "flurble zorp").unwrap();
    fs::write(site.folder().join("damaged.dll"), b"\x7fELF flurble zorp").unwrap();
    installed::list(&site.folder());
    let built = site.json_with(3, &["provenance", "build", "--json"]);
    assert_eq!(built["refused"][0]["reason"], "damaged_program", "{built}");
    assert_eq!(site.cleaned("flurble zorp lost\n", &[]), "[text] lost\n");
}

/// A program that an administrator put beside the other, in a folder as protected as any, is on no list.
#[test]
fn a_program_that_the_installer_did_not_bring_teaches_nothing() {
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(&["Command %s timed out"]));
    let log = "Command quux timed out\nflurble zorp of Xyzzyq\n";
    let theirs = or_skip!(Site::installed(&["flurble zorp of %s"]));
    fs::copy(theirs.folder().join("x1"), site.folder().join("theirs")).unwrap();
    let built = site.json_with(3, &["provenance", "build", "--json"]);
    assert_eq!(built["refused"][0]["reason"], "not_installed", "{built}");
    assert!(built["refused"][0]["path"].as_str().unwrap().ends_with("/theirs"), "{built}");
    assert_eq!(site.cleaned(log, &[]), "Command [text] timed out\n[text] of [text]\n");
    // The control: on the list it teaches, and the table is made for the new list.
    installed::list(&site.folder());
    assert!(site.fails(&["provenance", "verify"]).contains("provenance build"));
    site.run(&["provenance", "build"]);
    assert_eq!(site.cleaned(log, &[]), "Command [text] timed out\nflurble zorp of [text]\n");

    // A list that somebody changed counts for nothing, and without any no program does.
    let list = site.folder().join("installed.sha256");
    fs::write(&list, format!("{}\n", fs::read_to_string(&list).unwrap())).unwrap();
    let words = site.fails(&["provenance", "build"]);
    assert!(words.contains("installed.sha256 does not count"), "{words}");
    fs::remove_file(&list).unwrap();
    let words = site.fails(&["provenance", "build"]);
    assert!(words.contains("none of the 2 programs"), "{words}");
}

#[test]
fn a_signed_list_teaches_words_and_an_older_one_is_refused() {
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(&["Command %s timed out"]));
    let list = site.path().join("x1-firmware.words");
    let written = |number: u64, literal: &str| {
        let text = format!("kathea-words-1 x1-firmware {number}\nL{literal}\n");
        fs::write(site.path().join("x1-firmware.words.sig"), installed::signed(&text)).unwrap();
        fs::write(&list, text).unwrap();
    };
    let add = ["provenance", "add", list.to_str().unwrap()];
    written(7, "flurble zorp vcc=%.2f");
    site.run(&add);
    assert_eq!(site.cleaned("flurble zorp vcc=4.61\n", &[]), "flurble zorp vcc=4.61\n");
    written(6, "quux plugh");
    let words = site.fails(&add);
    assert!(words.contains("x1-firmware 6 is older than x1-firmware 7"), "{words}");
    fs::write(&list, "kathea-words-1 x1-firmware 8\nLquux plugh\n").unwrap();
    assert!(site.fails(&add).contains("does not count"));
    assert_eq!(site.cleaned("quux plugh\nflurble zorp vcc=4.61\n", &[]), "[text]\nflurble zorp vcc=4.61\n");
}

#[test]
fn what_names_the_clinic_goes_from_a_literal_too() {
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(&[
        "association with STRANDBYAE rejected by peer",
        "Strandby Tandhus licence ready"
    ]));
    site.run(&["provenance", "build"]);
    let log = "association with STRANDBYAE rejected by peer\nStrandby Tandhus licence ready\nserial=X1-00123456 kV=90\n";
    // The control: with nobody named the program's words stay.
    assert_eq!(site.cleaned(log, &[]), log);
    site.name(&["STRANDBYAE", "Strandby Tandhus"]);
    let cleaned = site.cleaned(log, &[]);
    assert!(!cleaned.contains("STRANDBY") && !cleaned.contains("Strandby"), "{cleaned}");
    assert!(
        cleaned.contains("association with") && cleaned.ends_with("serial=X1-00123456 kV=90\n"),
        "{cleaned}"
    );
}
