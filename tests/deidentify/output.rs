//! What is written where, and how names from outside are shown.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use super::PROGRAM;

const LOG: &str = "2026-11-21 10:32:11 [INFO] detector(2107): lost 17 frames\n";

fn call(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM).arg("deidentify").args(arguments).current_dir(dir).output().unwrap()
}

#[test]
fn a_file_name_does_nothing_to_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let name = "a\u{1b}]0;x\u{7}\u{1b}[2J\u{202e}gol\nkathea-agent: all is well.zip";
    fs::create_dir(dir.path().join("in")).unwrap();
    fs::write(dir.path().join("in").join(name), b"PK\x03\x04").unwrap();
    let done = call(dir.path(), &["in", "-o", "out"]);
    let words = String::from_utf8(done.stderr).unwrap();
    assert!(words.contains(r"\u{1b}") && words.contains(r"\u{202e}gol\u{a}kathea-agent"), "{words:?}");
    assert!(!words.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{words:?}");
    assert_eq!(words.lines().filter(|line| line.starts_with("kathea-agent:")).count(), 0, "{words:?}");
    let missing = call(dir.path(), &["in", "-o", "out", "--report", "no\u{1b}[2J/r.json"]);
    let words = String::from_utf8(missing.stderr).unwrap();
    assert!(words.contains(r"no\u{1b}[2J") && !words.contains('\u{1b}'), "{words:?}");
}

#[test]
fn what_is_there_is_overwritten_only_when_it_is_forced() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.log"), LOG).unwrap();
    let all = ["x.log", "-o", "out", "--report", "r.json"];
    assert_eq!(call(dir.path(), &all).status.code(), Some(0));
    fs::write(dir.path().join("out/0001.log"), "kept").unwrap();
    fs::write(dir.path().join("r.json"), "kept").unwrap();
    let read = |name: &str| fs::read_to_string(dir.path().join(name)).unwrap();
    for arguments in [&all[..], &all[..3], &["x.log", "-o", "other", "--report", "r.json"]] {
        let done = call(dir.path(), arguments);
        assert_eq!(done.status.code(), Some(2), "{arguments:?}");
        assert!(String::from_utf8_lossy(&done.stderr).contains("--force"));
        assert_eq!((read("out/0001.log"), read("r.json")), ("kept".to_owned(), "kept".to_owned()));
    }
    assert!(!dir.path().join("other").exists());
    assert_eq!(call(dir.path(), &[&all[..], &["--force"]].concat()).status.code(), Some(0));
    assert!(read("out/0001.log").ends_with("lost 17 frames\n") && read("r.json").starts_with('{'));
}

#[test]
fn the_rights_of_new_files_do_not_follow_the_umask() {
    for umask in ["000", "077", "777"] {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("x.log"), LOG).unwrap();
        fs::create_dir(dir.path().join("out")).unwrap();
        let line = format!("umask {umask}; exec \"$0\" deidentify x.log -o out --report r.json");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line, PROGRAM]).current_dir(dir.path());
        let done = shell.output().unwrap();
        assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
        for name in ["out/0001.log", "r.json"] {
            let mode = dir.path().join(name).metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name} under {umask}");
        }
    }
}
