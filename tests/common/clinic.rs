//! A workstation with logs and scans, and the key that its bundles are opened with at the vendor's.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use age::x25519::Identity;
use data_encoding::HEXLOWER;
use serde_json::Value as Json;
use time::OffsetDateTime;

use super::collector::Collector;
use super::kathea::workplace::{self, Patient};
use super::seeded;
use super::workstation::Workstation;

pub(crate) struct Clinic {
    pub(crate) workstation: Workstation,
    pub(crate) identity: Identity,
    pub(crate) patients: Vec<Patient>,
}

impl Clinic {
    /// One without a collector, and never enrolled.
    pub(crate) fn new() -> Self {
        Self::at("https://127.0.0.1:1", Path::new("/nowhere/ca.pem"), Identity::generate())
    }

    /// One that is enrolled, reaches `collector` at `url`, and seals to its key.
    pub(crate) fn of(collector: &Collector, url: &str) -> Self {
        let text = fs::read_to_string(collector.age_identity()).unwrap();
        let key = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY")).unwrap();
        let clinic = Self::at(url, &collector.ca(), key.parse().unwrap());
        clinic.workstation.enroll(&collector.token());
        clinic
    }

    fn at(url: &str, ca: &Path, identity: Identity) -> Self {
        let workstation = Workstation::new(url, ca);
        let (logs, scans) = (workstation.path().join("logs"), workstation.path().join("scans"));
        workstation.configure("logs = []", &format!("logs = [{logs:?}]"));
        workstation.configure("scans = []", &format!("scans = [{scans:?}]"));
        let recipient = identity.to_public();
        workstation.configure("[keys]", &format!("[support]\nrecipients = [\"{recipient}\"]\n[keys]"));
        let patients = workplace::write(&logs, &scans, OffsetDateTime::now_utc(), &mut seeded()).unwrap();
        Self { workstation, identity, patients }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.workstation.path().join(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// A draft of `case`, whose readable copy is in the folder `copy-CASE`.
    pub(crate) fn preview(&self, case: &str, more: &[&str]) -> Json {
        let copy = self.text(&format!("copy-{case}"));
        let args =
            ["support", "preview", "--case", case, "--reason", "error", "--json", "--force", "-o", &copy];
        self.workstation.json(&[&args, more].concat())
    }

    /// What the readable copy of `case` says is in it.
    pub(crate) fn manifest(&self, case: &str) -> Json {
        let stored = fs::read(self.path(&format!("copy-{case}/manifest.json"))).unwrap();
        serde_json::from_slice(&stored).unwrap()
    }

    /// What the readable copy in the folder `copy` says is in it.
    pub(crate) fn manifest_of_copy(&self) -> Json {
        serde_json::from_slice(&fs::read(self.path("copy/manifest.json")).unwrap()).unwrap()
    }

    pub(crate) fn create(&self, draft: &Json) -> Json {
        let (draft, digest) = (draft["draft"].as_str().unwrap(), draft["digest"].as_str().unwrap());
        self.workstation.json(&["support", "create", draft, "--yes", digest, "--by", "owner", "--json"])
    }

    pub(crate) fn list(&self) -> Json {
        self.workstation.json(&["support", "list", "--json"])
    }

    /// The tar of an exported bundle, opened with the vendor's key.
    pub(crate) fn opened(&self, bundle: &Json) -> Vec<(String, Vec<u8>)> {
        let id = bundle["bundle"].as_str().unwrap();
        let sealed = self.text(&format!("{id}.age"));
        self.workstation.expect(0, &["support", "export", id, "--force", "-o", &sealed]);
        let sealed = fs::read(sealed).unwrap();
        assert_eq!(sha256(&sealed), bundle["sha256"].as_str().unwrap());
        let opened = age::Decryptor::new(sealed.as_slice()).unwrap();
        let opened = opened.decrypt(std::iter::once(&self.identity as _)).unwrap();
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(opened));
        let entry = |entry: Result<tar::Entry<'_, _>, _>| {
            let mut entry: tar::Entry<'_, _> = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.path().unwrap().to_str().unwrap().to_owned(), bytes)
        };
        tar.entries().unwrap().map(entry).collect()
    }
}

/// What became of the step `name`, by a manifest.
pub(crate) fn step<'a>(manifest: &'a Json, name: &str) -> &'a Json {
    manifest["operations"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap()
}

pub(crate) fn sha256(bytes: &[u8]) -> String {
    HEXLOWER.encode(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}
