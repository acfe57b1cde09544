//! A new data directory: keys, certificates, and the part of the agent's configuration that names
//! this collector.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use protocol::signature::Context;
use time::OffsetDateTime;

use crate::disk::{self, Access};
use crate::failure::Failure;
use crate::store::keystore::{self, places};
use crate::{keys, pki, sign};

const AGENT_TOML: &str = "agent.toml";
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes `data`, which must not exist or be empty, for a collector that is reached as this machine
/// and as each of `hosts`. The key pair of support bundles goes to `age_identity`, or beside `data`; what
/// opens the key store to `seal_key`, likewise.
pub(crate) fn init(
    data: &Path,
    hosts: &[String],
    age_identity: Option<&Path>,
    seal_key: Option<&Path>,
    now: OffsetDateTime,
) -> Result<(), Failure> {
    let words = make(data, hosts, age_identity, seal_key, now)?;
    io::stderr().write_all(words.as_bytes()).map_err(|error| Failure::new(format!("standard error: {error}")))
}

/// The same, and gives the words for the operator.
pub(crate) fn make(
    data: &Path,
    hosts: &[String],
    age_identity: Option<&Path>,
    seal_key: Option<&Path>,
    now: OffsetDateTime,
) -> Result<String, Failure> {
    disk::make_dir(data)?;
    if !disk::names(data)?.is_empty() {
        return Err(Failure::new(format!(
            "{} is not empty; a collector's keys are never overwritten: name a new directory",
            data.display()
        )));
    }
    let data = fs::canonicalize(data).map_err(Failure::at(data))?;
    let identity = outside(&data, age_identity, (keys::beside, "--age-identity"))?;
    let seal_key = outside(&data, seal_key, (places::beside, "--seal-key"))?;
    // First, because they are what may be refused: then nothing else is there yet.
    keystore::refuse_credential(&seal_key)?;
    let recipient = keys::make_age_identity(&identity)?;
    keystore::make_credential(&seal_key)?;
    let names: Vec<String> = LOCAL.iter().map(ToString::to_string).chain(hosts.iter().cloned()).collect();
    pki::create(&data, &names, now)?;

    let host = hosts.first().map_or("127.0.0.1", String::as_str);
    let key = sign::make(&data.join(sign::USE_KEY), &[Context::UseReceipt])?;
    let configuration = agent_toml(host, &data.join(pki::CA), &recipient, &key);
    disk::write(&data.join(AGENT_TOML), configuration.as_bytes(), Access::Public)?;
    Ok(words(&data, &identity, &seal_key))
}

/// Where a secret goes that opens what the data directory has: anywhere else.
fn outside(
    data: &Path,
    said: Option<&Path>,
    (usual, option): (fn(&Path) -> PathBuf, &str),
) -> Result<PathBuf, Failure> {
    let file = said.map_or_else(|| usual(data), Path::to_owned);
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let folder = fs::canonicalize(folder).map_err(Failure::at(folder))?;
    if folder.starts_with(data) {
        return Err(Failure::new(format!(
            "{} is in the data directory, beside what it opens: name another place with {option}",
            file.display()
        )));
    }
    Ok(folder.join(file.file_name().unwrap_or_default()))
}

/// What was made, what of it is secret, and what to do next.
fn words(data: &Path, identity: &Path, seal_key: &Path) -> String {
    let secrets = [
        (
            identity.to_owned(),
            "opens every support bundle: move it off this machine, and keep a copy offline",
        ),
        (
            seal_key.to_owned(),
            "opens the key store, under whose keys the records are sealed: without it no backup can be read; keep a copy offline",
        ),
        (data.join(pki::CA_KEY), "signs devices: who has it can pretend to be any device"),
        (data.join(pki::SERVER_KEY), "is this server for the agents"),
        (data.join(sign::USE_KEY), "signs what clinics are informed of: the use of their data"),
    ];
    let public = [
        (data.join(pki::CA), "goes to every workstation: agents trust it alone"),
        (data.join(AGENT_TOML), "the part of agent.toml that names this collector"),
        (data.join(pki::SERVER), "good for 90 days: `kathea-collector server-cert` renews it"),
    ];
    let mut text = String::from("Made, and SECRET:\n");
    let list = |files: &[(PathBuf, &str)], text: &mut String| {
        for (path, what) in files {
            // Writing to a string does not fail.
            let _ = writeln!(text, "  {}\n      {what}", path.display());
        }
    };
    list(&secrets, &mut text);
    text.push_str("Made, not secret:\n");
    list(&public, &mut text);
    let (data, identity) = (data.display(), identity.display());
    let _ = write!(
        text,
        "Next:\n  1. move {identity} to the machine where bundles are opened; \
         `serve` does not start with one in {data}\n  2. back up {data} with the secrets in it, encrypted\n  \
         3. kathea-collector serve --data {data} --listen ADDR:PORT\n  \
         4. kathea-collector token --data {data}     # one for each workstation, good for a day\n"
    );
    text
}

fn agent_toml(host: &str, ca: &Path, recipient: &str, key: &str) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!(
        "[collector]\nurl = {}\nca  = {}\n\n[support]\nrecipients = [{}]\n\n[vendor]\nkeys = [{key}]\n",
        quoted(&format!("https://{host}:8443")),
        quoted(&ca.to_string_lossy()),
        quoted(recipient),
    )
}

/// A TOML basic string. What JSON escapes, TOML reads the same.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
