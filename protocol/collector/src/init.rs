//! A new data directory: keys, certificates, and the part of the agent's configuration that names
//! this collector.

use std::fs;
use std::path::Path;

use age::secrecy::ExposeSecret;
use time::OffsetDateTime;

use crate::disk::{self, Access};
use crate::failure::Failure;
use crate::pki;

/// The private key that opens support bundles. The collector never reads it.
const AGE_IDENTITY: &str = "age-identity.txt";
const AGENT_TOML: &str = "agent.toml";
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Makes `data`, which must not exist or be empty, for a collector that is reached as this machine
/// and as each of `hosts`.
pub(crate) fn init(data: &Path, hosts: &[String], now: OffsetDateTime) -> Result<(), Failure> {
    disk::make_dir(data)?;
    if !disk::names(data)?.is_empty() {
        return Err(Failure::new(format!(
            "{} is not empty; a collector's keys are never overwritten: name a new directory",
            data.display()
        )));
    }
    let data = fs::canonicalize(data).map_err(Failure::at(data))?;
    let names: Vec<String> = LOCAL.iter().map(ToString::to_string).chain(hosts.iter().cloned()).collect();
    pki::create(&data, &names, now)?;

    let identity = age::x25519::Identity::generate();
    let recipient = identity.to_public().to_string();
    let secret = identity.to_string();
    let text = format!("# public key: {recipient}\n{}\n", secret.expose_secret());
    disk::write(&data.join(AGE_IDENTITY), text.as_bytes(), Access::Private)?;

    let host = hosts.first().map_or("127.0.0.1", String::as_str);
    let configuration = agent_toml(host, &data.join(pki::CA), &recipient);
    disk::write(&data.join(AGENT_TOML), configuration.as_bytes(), Access::Public)
}

fn agent_toml(host: &str, ca: &Path, recipient: &str) -> String {
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    format!(
        "[collector]\nurl = {}\nca  = {}\n\n[support]\nrecipients = [{}]\n",
        quoted(&format!("https://{host}:8443")),
        quoted(&ca.to_string_lossy()),
        quoted(recipient),
    )
}

/// A TOML basic string. What JSON escapes, TOML reads the same.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
