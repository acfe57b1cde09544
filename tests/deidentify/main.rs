//! `deidentify` as people run it: on every kind of bad input, within its bounds, read again by another program.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "outside of `#[test]` functions")]

mod bounds;
#[path = "../leak/dicom.rs"]
mod dicom;
mod hostile;
mod many;
mod output;
mod parser;
mod peers;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_kathea-agent");

/// One call.
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) report: Value,
    pub(crate) words: String,
    pub(crate) out: PathBuf,
    _dir: tempfile::TempDir,
}

/// Cleans `paths`, by `before` if that is a program to start it with.
pub(crate) fn run<P: AsRef<OsStr>>(before: &[&str], paths: &[P], contexts: &[&Path]) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let (out, report) = (dir.path().join("out"), dir.path().join("r.json"));
    let mut program = PathBuf::from(PROGRAM);
    if !before.is_empty() {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o777)).unwrap();
        // Where everybody may start it.
        program = dir.path().join("kathea-agent");
        fs::copy(PROGRAM, &program).unwrap();
    }
    let mut line: Vec<&OsStr> = before.iter().map(OsStr::new).collect();
    line.extend([program.as_os_str(), OsStr::new("deidentify")]);
    line.extend(paths.iter().map(AsRef::as_ref));
    let (first, arguments) = line.split_first().unwrap();
    let mut command = Command::new(first);
    command.args(arguments).arg("-o").arg(&out).arg("--report").arg(&report);
    for context in contexts {
        command.arg("--context").arg(context);
    }
    let done = command.output().unwrap();
    let words = String::from_utf8_lossy(&done.stderr).into_owned();
    let report = fs::read(&report).unwrap_or_else(|_| panic!("no report: {words}"));
    Run { code: done.status.code(), report: serde_json::from_slice(&report).unwrap(), words, out, _dir: dir }
}

impl Run {
    /// The files of the report by the last part of their names.
    pub(crate) fn files(&self) -> BTreeMap<String, &Value> {
        let files = self.report["files"].as_array().unwrap().iter();
        files.map(|file| (last(file["input"].as_str().unwrap()), file)).collect()
    }

    /// The outputs.
    pub(crate) fn outputs(&self) -> Vec<Vec<u8>> {
        fs::read_dir(&self.out).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap()).collect()
    }
}

fn last(path: &str) -> String {
    path.rsplit('/').next().unwrap().to_owned()
}
