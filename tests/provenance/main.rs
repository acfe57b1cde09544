//! De-identification by provenance, as people run it: a program is built and installed, its literals are read, and logs
//! are cleaned with them.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "outside of `#[test]` functions")]

mod logs;
mod names;
mod numbers;
mod site;

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
    let built = site.json_with(3, &["provenance", "build", "--json"]);
    assert_eq!(built["refused"][0]["reason"], "damaged_program", "{built}");
    assert_eq!(site.cleaned("flurble zorp lost\n", &[]), "[text] lost\n");
}
