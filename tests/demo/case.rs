//! A support case: gathered from logs and scans, seen, sealed, carried over on a stick, opened by the vendor.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use age::x25519::Identity;
use protocol::Digest;
use serde_json::Value;
use time::OffsetDateTime;

use crate::kathea::{Random, workplace};
use crate::show::{Show, bytes};
use crate::stage::{Result, Stage};

const CASE: &str = "DEMO-1";

/// Where the case's logs and scans are: a person's own, or simulated ones.
pub(crate) struct Places {
    pub(crate) logs: PathBuf,
    pub(crate) scans: PathBuf,
    /// How the scans are chosen: all that were given, or the last of the simulated ones.
    choice: Vec<String>,
    /// Names that must not come out, where they are known.
    names: Vec<String>,
}

impl Places {
    /// The folders that were given; what is missing is simulated below `dir`.
    pub(crate) fn new(logs: Option<&Path>, scans: Option<&Path>, dir: &Path, seed: u64) -> Result<Self> {
        let given = |path: Option<&Path>| path.map(fs::canonicalize).transpose();
        let (logs, scans) = (given(logs)?, given(scans)?);
        let (written_logs, written_scans) = (dir.join("kathea-logs"), dir.join("scans"));
        let mut random = Random::new(seed);
        let patients =
            workplace::write(&written_logs, &written_scans, OffsetDateTime::now_utc(), &mut random)?;
        let names = match logs.is_none() && scans.is_none() {
            true => patients
                .into_iter()
                .flat_map(|patient| [patient.family.to_owned(), patient.given.to_owned(), patient.number])
                .collect(),
            false => Vec::new(),
        };
        let choice = match &scans {
            Some(scans) => vec!["--scans".to_owned(), scans.to_string_lossy().into_owned()],
            None => vec!["--last-scan".to_owned()],
        };
        Ok(Self { logs: logs.unwrap_or(written_logs), scans: scans.unwrap_or(written_scans), choice, names })
    }
}

/// The whole case.
pub(crate) fn support(show: &mut Show, stage: &Stage, places: &Places, dir: &Path) -> Result<()> {
    show.step("A support case: gathered and cleaned, for the clinic's eyes first");
    show.say(format!("logs    {}", places.logs.display()));
    show.say(format!("scans   {}", places.scans.display()));
    let copy = dir.join("preview");
    let copy_text = copy.to_string_lossy().into_owned();
    let mut preview =
        vec!["support", "preview", "--case", CASE, "--reason", "error", "--json", "-o", &copy_text];
    preview.extend(places.choice.iter().map(String::as_str));
    let draft = stage.agent_json(&preview)?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let stored = fs::read(copy.join("manifest.json"))?;
    let manifest: Value = serde_json::from_slice(&stored)?;
    let rows = manifest["operations"].as_array().into_iter().flatten().map(|operation| {
        let files = operation["files"].as_u64().unwrap_or(0).to_string();
        vec![word(&operation["name"]), files, word(&operation["outcome"])]
    });
    show.table(&rows.collect::<Vec<_>>());
    let digest = word(&draft["digest"]);
    show.say(format!("the clinic reads {}", copy.join("preview.html").display()));
    show.check(Digest::of(&stored).to_string() == digest, format!("what it says yes to: {}", &digest[..16]));

    show.step("The clinic says yes, and it is sealed for the vendor alone");
    let id = word(&draft["draft"]);
    let create = ["support", "create", &id, "--yes", &digest[..16], "--by", "owner", "--json"];
    let bundle = stage.agent_json(&create)?;
    let size = bundle["size"].as_u64().unwrap_or(0);
    show.say(format!(
        "{} of clean files became {}",
        bytes(draft["bytes"].as_u64().unwrap_or(0)),
        bytes(size)
    ));
    let stick = dir.join("stick.age");
    stage.agent(&["support", "export", &id, "-o", &stick.to_string_lossy()])?;
    let sealed = fs::read(&stick)?;
    let readable = sealed.windows(10).any(|part| part == b"operations");
    show.check(!readable, "nothing in it can be read without the vendor's key");

    show.step("The vendor opens it");
    let key = fs::read_to_string(stage.age_identity())?;
    let key = key.lines().find(|line| line.starts_with("AGE-SECRET-KEY")).ok_or("no key")?;
    let identity: Identity = key.parse()?;
    let opened = age::Decryptor::new(sealed.as_slice())?.decrypt(std::iter::once(&identity as _))?;
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(opened));
    let (mut first, mut all, mut files) = (Vec::new(), Vec::new(), 0_u64);
    for entry in tar.entries()? {
        let mut entry = entry?;
        let mut text = Vec::new();
        entry.read_to_end(&mut text)?;
        if files == 0 {
            first.clone_from(&text);
        }
        files += 1;
        all.extend_from_slice(&text);
    }
    show.check(
        Digest::of(&first).to_string() == digest,
        "its manifest is the one that the clinic said yes to",
    );
    show.say(format!("{files} files"));
    let found =
        places.names.iter().filter(|name| all.windows(name.len()).any(|part| part == name.as_bytes()));
    let (found, planted) = (found.count(), places.names.len());
    if planted > 0 {
        show.check(found == 0, format!("{found} of {planted} names and numbers of patients are in it"));
    }
    Ok(())
}
