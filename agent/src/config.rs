//! The configuration: one TOML file, unknown keys are errors, every default is safe.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

pub use crate::texts::Language;
use crate::{limits, presence};

mod defaults;
mod values;
mod vendor;

pub use values::May;
pub use vendor::{KeyFlaw, Vendor};

/// What `agent.toml` says; `packaging/linux/agent.toml` explains each key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Config {
    /// Everything the agent keeps.
    pub data_dir: PathBuf,
    /// A built-in policy's id, or a path.
    pub policy: String,
    /// Of texts shown to people.
    pub language: Language,
    /// Of the policy's texts, as a tag such as `de`; without it they are in `language`.
    pub policy_language: Option<String>,
    /// Where Kathea's things are.
    pub kathea: Kathea,
    /// Where data goes.
    pub collector: Collector,
    /// Who may say yes.
    pub consent: Consent,
    /// How it goes.
    pub ship: Ship,
    /// How much may wait.
    pub spool: Spool,
    /// Who can read a bundle.
    pub support: Support,
    /// What protects the keys.
    pub keys: Keys,
    /// Whose signatures count.
    #[serde(skip)]
    pub vendor: Vendor,
}

/// `[kathea]`: the adapter to the imaging software; every assumption about it is here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Kathea {
    /// Directory of `*.ndjson`.
    pub outbox: PathBuf,
    /// Log directories, looked into for a support bundle only.
    pub logs: Vec<PathBuf>,
    /// Scan directories, likewise.
    pub scans: Vec<PathBuf>,
    /// Folders of the installed program, which only an administrator can write: its literals may stay in logs.
    pub program: Vec<PathBuf>,
    /// What else names the clinic here: its name, the licensee, AE titles. Searched for, never kept.
    pub names: Vec<String>,
    /// Local socket.
    pub socket: PathBuf,
    /// Account that the socket accepts; empty: the agent's own.
    pub user: String,
}

/// `[collector]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Collector {
    /// `https://host:port`.
    pub url: String,
    /// PEM file of the private CA.
    pub ca: PathBuf,
    /// `http://[user:password@]host:port`.
    pub proxy: Option<String>,
}

/// `[consent]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Consent {
    /// Operating system group whose members may say yes; empty: the agent's own account.
    pub group: String,
    /// The administrator's no, above every flag.
    pub forbid: bool,
}

/// `[ship]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Ship {
    /// Between uploads of usage; zero: at once.
    #[serde(deserialize_with = "duration")]
    pub interval: Duration,
    /// Bytes a second, at most.
    #[serde(deserialize_with = "rate")]
    pub rate: u64,
}

/// `[spool]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Spool {
    /// Bytes of real disk use, at most.
    #[serde(deserialize_with = "size")]
    pub quota: u64,
}

/// `[support]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Support {
    /// The vendor's age public keys.
    pub recipients: Vec<String>,
}

/// `[keys]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Keys {
    /// What wraps the data keys.
    pub protector: Protector,
}

/// What wraps the data keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protector {
    /// The best the operating system has; never a plain file.
    Auto,
    /// Windows data protection.
    Dpapi,
    /// A systemd credential.
    Systemd,
    /// A 0600 file beside the keys, which a stolen disk gives away.
    File,
}

/// Why a configuration is not used. Never carries a value: a proxy's may be a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigError {
    /// The file can't be read.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why, in the system's words.
        why: std::io::ErrorKind,
    },
    /// Not TOML, or a value of the wrong type.
    Malformed {
        /// From 1.
        line: usize,
    },
    /// A value that its key does not take.
    Value {
        /// From 1.
        line: usize,
        /// The key, with its table.
        key: &'static str,
        /// What stands there, of a key whose values say nothing of anybody.
        found: Option<String>,
        /// What may stand there.
        may: May,
    },
    /// `[spool] quota` is below [`limits::LEAST_QUOTA`].
    SmallQuota {
        /// The least, in MiB.
        least: u64,
    },
    /// A key that nobody knows.
    UnknownKey {
        /// From 1; 0 where it is not known.
        line: usize,
        /// The key, with its table.
        key: String,
        /// The nearest known one.
        nearest: &'static str,
    },
    /// `[vendor] keys` has an entry that is not a key.
    VendorKey {
        /// From 1.
        number: usize,
        /// What is wrong with it.
        flaw: KeyFlaw,
    },
}

crate::texts! { ConfigError {
    Self::Unreadable { path, why } =>
        "the configuration {path} cannot be read ({why}): name one with --config FILE",
        "konfigurationen {path} kan ikke læses ({why}): angiv en med --config FILE", path, why;
    Self::Malformed { line } =>
        "line {line} of the configuration is not TOML: compare it with the agent.toml that was shipped; write a Windows path \
         in single quotes",
        "linje {line} i konfigurationen er ikke TOML: sammenlign den med den medfølgende agent.toml; en sti i Windows står i \
         enkelte anførselstegn", line;
    Self::Value { line, key, found: Some(found), may } =>
        "line {line} of the configuration: `{key}` is {found}, but must be {may}",
        "linje {line} i konfigurationen: `{key}` er {found}, men skal være {may}", line, key, found, may;
    Self::Value { line, key, found: None, may } =>
        "line {line} of the configuration: `{key}` must be {may}",
        "linje {line} i konfigurationen: `{key}` skal være {may}", line, key, may;
    Self::SmallQuota { least } =>
        "[spool] quota of the configuration is too small: almost everything would be dropped; set it to {least} MiB or more",
        "[spool] quota i konfigurationen er for lille: næsten alt ville blive kasseret; sæt den til {least} MiB eller mere",
        least;
    Self::UnknownKey { line, key, nearest } =>
        "line {line} of the configuration has an unknown key `{key}`: the nearest known one is `{nearest}`",
        "linje {line} i konfigurationen har en ukendt nøgle `{key}`: den nærmeste kendte er `{nearest}`", line, key, nearest;
    Self::VendorKey { number, flaw } =>
        "entry {number} of `keys` under [vendor] {flaw}: an entry is written {{ key = \"BASE64\", signs = [\"release\"] }}",
        "post {number} i `keys` under [vendor] {flaw}: en post skrives {{ key = \"BASE64\", signs = [\"release\"] }}",
        number, flaw;
} }

impl std::error::Error for ConfigError {}

/// Every key there is, and where it stands.
const KNOWN: &[&str] = &[
    "data_dir",
    "policy",
    "language",
    "policy_language",
    "kathea.outbox",
    "kathea.logs",
    "kathea.scans",
    "kathea.program",
    "kathea.names",
    "kathea.socket",
    "kathea.user",
    "collector.url",
    "collector.ca",
    "collector.proxy",
    "consent.group",
    "consent.forbid",
    "ship.interval",
    "ship.rate",
    "spool.quota",
    "support.recipients",
    "keys.protector",
    "vendor.keys",
];

impl Config {
    /// Reads the file at `path`.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = presence::given_text(path)
            .map_err(|e| ConfigError::Unreadable { path: path.to_owned(), why: e.kind() })?;
        Self::parse(&text)
    }

    /// The language that the file at `path` asks for, even where the rest of it cannot be used; English where none is found.
    pub fn language(path: &Path) -> Language {
        let text = presence::given_text(path).unwrap_or_default();
        let rows = text.lines().map(str::trim).take_while(|row| !row.starts_with('['));
        let bare = |part: &str| part.trim().trim_matches(['"', '\'']).to_owned();
        let mut values =
            rows.filter_map(|row| row.split_once('=')).filter(|(key, _)| bare(key) == "language");
        let value = values.next().map(|(_, value)| bare(value.split('#').next().unwrap_or_default()));
        if value.as_deref() == Some("da") { Language::Da } else { Language::En }
    }

    /// Reads the TOML in `text`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let malformed = |e: toml::de::Error| ConfigError::Malformed { line: line_of(text, e.span()) };
        let table: toml::Table = toml::from_str(text).map_err(malformed)?;
        for (key, value) in &table {
            match value.as_table() {
                Some(inner) if !inner.is_empty() => {
                    for name in inner.keys() {
                        check_known(text, &format!("{key}.{name}"))?;
                    }
                }
                Some(_) if KNOWN.iter().any(|known| known.split('.').next() == Some(key)) => {}
                _ => check_known(text, key)?,
            }
        }
        let config: Self = toml::from_str(text).map_err(|e| {
            let line = line_of(text, e.span());
            values::wrong(text, line).unwrap_or(ConfigError::Malformed { line })
        })?;
        Ok(Self { vendor: Vendor::read(&table)?, ..config })
    }

    /// Whether the agent can take in and send with it. Asking for its status, and saying no, needs less.
    ///
    /// # Errors
    /// [`ConfigError::SmallQuota`].
    pub fn check(&self) -> Result<(), ConfigError> {
        match self.spool.quota < limits::LEAST_QUOTA {
            true => Err(ConfigError::SmallQuota { least: limits::LEAST_QUOTA >> 20 }),
            false => Ok(()),
        }
    }
}

fn check_known(text: &str, key: &str) -> Result<(), ConfigError> {
    if KNOWN.contains(&key) {
        return Ok(());
    }
    let nearest =
        KNOWN.iter().copied().min_by_key(|known| strsim::damerau_levenshtein(known, key)).unwrap_or_default();
    let name = key.rsplit('.').next().unwrap_or(key);
    let line = text.lines().position(|line| line.trim_start().starts_with(name)).map_or(0, |at| at + 1);
    Err(ConfigError::UnknownKey { line, key: key.to_owned(), nearest })
}

fn line_of(text: &str, span: Option<std::ops::Range<usize>>) -> usize {
    let end = span.map_or(0, |span| span.start).min(text.len());
    text.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    quantity(deserializer, &[("ms", 1), ("s", 1000), ("min", 60_000), ("h", 3_600_000), ("d", 86_400_000)])
        .map(Duration::from_millis)
}

const BYTES: &[(&str, u64)] = &[("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];

fn size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    quantity(deserializer, BYTES)
}

fn rate<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let units = BYTES.iter().map(|(unit, factor)| (format!("{unit}/s"), *factor)).collect::<Vec<_>>();
    let units = units.iter().map(|(unit, factor)| (unit.as_str(), *factor)).collect::<Vec<_>>();
    quantity(deserializer, &units).map(|rate| rate.max(1))
}

/// A whole number and a unit, `64 KiB`.
fn quantity<'de, D: Deserializer<'de>>(deserializer: D, units: &[(&str, u64)]) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = units.iter().find(|(name, _)| *name == unit.trim()).map(|(_, factor)| *factor);
    number
        .parse::<u64>()
        .ok()
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .ok_or_else(|| D::Error::custom("a whole number and a unit"))
}

#[cfg(test)]
mod tests;
