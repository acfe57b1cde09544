//! The vendor's computer away from the internet, where bundles are opened with `kathea-case`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use age::secrecy::ExposeSecret;
use serde_json::Value as Json;

use super::clinic::Clinic;

/// The example `case`, which cargo builds before it runs tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.parent().unwrap().parent().unwrap();
    profile.join("examples").join(format!("case{}", std::env::consts::EXE_SUFFIX))
}

/// Runs `kathea-case open` on a sealed file, with the key in `key`.
pub(crate) fn open(sealed: &Path, key: &Path, folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(program());
    command.arg("open").arg(sealed).arg("--identity").arg(key).arg("-o").arg(folder).args(more);
    command.output().unwrap()
}

/// The key that opens the bundles of `clinic`, in a file.
pub(crate) fn key(clinic: &Clinic) -> PathBuf {
    let path = clinic.path("vendor-key.txt");
    fs::write(&path, clinic.identity.to_string().expose_secret()).unwrap();
    path
}

/// A sealed bundle in a file, as a stick brings it.
pub(crate) fn sealed(clinic: &Clinic, bundle: &Json) -> PathBuf {
    let id = bundle["bundle"].as_str().unwrap();
    let path = clinic.path(&format!("stick-{id}.age"));
    clinic.workstation.expect(0, &["support", "export", id, "--force", "-o", path.to_str().unwrap()]);
    path
}

pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
