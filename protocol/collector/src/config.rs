//! `collector.toml`: what `serve` needs beside its defaults, and where the data is for every other command.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::{Table, Value};

use crate::disk;
use crate::failure::Failure;
use crate::store::keystore::places::Settings;
use crate::store::place::Place;
use path::absolute;

mod keys;
mod path;
mod store;

/// Every key, with its table.
const KEYS: [&str; 21] = [
    "data",
    "listen",
    "residency",
    "drain_seconds",
    "operations.listen",
    "log.access",
    "keys.directory",
    "keys.credential_file",
    "keys.log_file",
    "store.engine",
    "store.url_file",
    "store.durability",
    "store.replicas_at_least",
    "store.ca_file",
    "store.bundles",
    "store.s3.endpoint",
    "store.s3.region",
    "store.s3.bucket",
    "store.s3.prefix",
    "store.s3.credentials_file",
    "store.s3.ca_file",
];

/// Seconds for which a server that was asked to stop takes connections at most.
const MAX_DRAIN: u64 = 60;

/// Where the data is held, if the configuration does not say.
const RESIDENCY: &str = "EEA";

/// What `serve` does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    /// The data directory.
    pub(crate) data: PathBuf,
    /// Where devices come.
    pub(crate) listen: SocketAddr,
    /// Where health and metrics are; nowhere if none.
    pub(crate) operations: Option<SocketAddr>,
    /// Whether a line is written for each answered request.
    pub(crate) access_log: bool,
    /// How long it takes connections after it was asked to stop, so that a balancer learns of it first.
    pub(crate) drain: Duration,
    /// Where the store is.
    pub(crate) place: Place,
    /// Where the keys of the records are.
    pub(crate) keys: Settings,
    /// Where the data is held, as devices learn it.
    pub(crate) residency: String,
}

/// A configuration file that was read. Every key may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct File {
    pub(crate) data: Option<PathBuf>,
    pub(crate) listen: Option<SocketAddr>,
    operations: Option<SocketAddr>,
    access_log: bool,
    drain: Duration,
    store: store::Keys,
    pub(crate) keys: Settings,
    residency: Option<String>,
}

impl File {
    /// Reads a file; an error names the key and what may stand there.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: String| Failure::new(format!("{}: {what}", path.display()));
        let bytes = disk::read(path)?.ok_or_else(|| wrong("there is no such file".to_owned()))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8".to_owned()))?;
        let table: Table = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| text[..span.start].lines().count().max(1));
            wrong(format!("line {line} is not TOML"))
        })?;
        let file = Self::of(&table).map_err(wrong)?;
        file.store.check().map_err(|what| Failure::new(format!("{}: {what}", path.display())))?;
        Ok(file)
    }

    fn of(table: &Table) -> Result<Self, String> {
        let mut file = Self::default();
        for (key, value) in flat(table) {
            match key.as_str() {
                "data" => file.data = Some(absolute(&key, value)?),
                "listen" => file.listen = Some(address(&key, value)?),
                "residency" => file.residency = Some(place(&key, value)?),
                "operations.listen" => {
                    let address = address(&key, value)?;
                    if !address.ip().is_loopback() {
                        return Err(format!(
                            "{key} must be an address of this machine alone, as 127.0.0.1:9464: who reaches it \
                             sees the fleet; let others in by a proxy that asks who they are"
                        ));
                    }
                    file.operations = Some(address);
                }
                "drain_seconds" => file.drain = seconds(&key, value)?,
                "log.access" => {
                    file.access_log = value.as_bool().ok_or_else(|| format!("{key} is true or false"))?;
                }
                _ if key.starts_with("keys.") && KEYS.contains(&key.as_str()) => {
                    keys::take(&mut file.keys, &key, value)?
                }
                _ if key.starts_with("store.") && KEYS.contains(&key.as_str()) => {
                    file.store.take(&key, value)?
                }
                _ => return Err(unknown(&key)),
            }
        }
        Ok(file)
    }

    /// What `serve` does by this file and what was typed, which wins.
    pub(crate) fn serve(self, data: Option<PathBuf>, listen: Option<SocketAddr>) -> Result<Serve, Failure> {
        let place = self.place()?;
        let missing = |what| Failure::new(format!("{what}; the configuration does not say either"));
        Ok(Serve {
            data: data.or(self.data).ok_or_else(|| missing("name the data directory with --data DIR"))?,
            listen: listen
                .or(self.listen)
                .ok_or_else(|| missing("name where to listen with --listen ADDR:PORT"))?,
            operations: self.operations,
            access_log: self.access_log,
            drain: self.drain,
            place,
            keys: self.keys,
            residency: self.residency.unwrap_or_else(|| RESIDENCY.to_owned()),
        })
    }

    /// Where the store is.
    pub(crate) fn place(&self) -> Result<Place, Failure> {
        self.store.place()
    }
}

/// Keys with the names of their tables before them.
fn flat(table: &Table) -> Vec<(String, &Value)> {
    let mut out = Vec::new();
    for (name, value) in table {
        match value {
            Value::Table(inner) => {
                // An empty table of an unknown name is a mistake too.
                if inner.is_empty() && !KEYS.iter().any(|key| key.starts_with(&format!("{name}."))) {
                    out.push((name.clone(), value));
                }
                out.extend(flat(inner).into_iter().map(|(key, value)| (format!("{name}.{key}"), value)));
            }
            _ => out.push((name.clone(), value)),
        }
    }
    out
}

fn unknown(key: &str) -> String {
    let nearest = KEYS.into_iter().max_by(|one, other| {
        let near = |known: &str| strsim::jaro_winkler(known, key);
        near(one).total_cmp(&near(other))
    });
    let nearest = nearest.unwrap_or_default();
    // What stands there may be a secret that was put into the wrong place; a key is a word.
    let key: String = key.chars().filter(|c| !c.is_control()).take(60).collect();
    format!("unknown key {key}; the nearest is {nearest}. All keys: {}", KEYS.join(", "))
}

fn seconds(key: &str, value: &Value) -> Result<Duration, String> {
    let seconds = value.as_integer().and_then(|seconds| u64::try_from(seconds).ok());
    let seconds = seconds.filter(|seconds| *seconds <= MAX_DRAIN);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| format!("{key} is a number of seconds from 0 to {MAX_DRAIN}"))
}

fn address(key: &str, value: &Value) -> Result<SocketAddr, String> {
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or_else(|| format!("{key} must be an address and a port such as \"0.0.0.0:8443\""))
}

fn place(key: &str, value: &Value) -> Result<String, String> {
    let is_word =
        |text: &&str| (2..=16).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let word = value.as_str().filter(is_word).map(str::to_owned);
    word.ok_or_else(|| format!("{key} is where the data is held, in one word such as \"EEA\" or \"CH\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<File, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("collector.toml");
        std::fs::write(&path, text).unwrap();
        File::read(&path).map_err(|failure| failure.to_string())
    }

    #[test]
    fn every_key_is_taken_and_what_was_typed_wins() {
        let text = "data = \"/srv/kathea\"\nlisten = \"0.0.0.0:8443\"\nresidency = \"CH\"\ndrain_seconds = 5\n[operations]\nlisten = \"127.0.0.1:9464\"\n\
                    [log]\naccess = true\n[keys]\ndirectory = \"/keys\"\ncredential_file = \"/key\"\nlog_file = \"/log\"\n";
        let file = read(text).unwrap();
        let by_file = file.clone().serve(None, None).unwrap();
        assert_eq!(by_file.data, Path::new("/srv/kathea"));
        assert_eq!((by_file.listen.port(), by_file.operations.unwrap().port()), (8443, 9464));
        assert_eq!(by_file.drain, Duration::from_secs(5));
        assert!(by_file.access_log && by_file.residency == "CH");
        assert_eq!(by_file.keys.log_file.as_deref(), Some(Path::new("/log")));
        let typed = file.serve(Some("/other".into()), Some("127.0.0.1:0".parse().unwrap())).unwrap();
        assert_eq!((typed.data.as_path(), typed.listen.port()), (Path::new("/other"), 0));
        for key in KEYS {
            // Values of the others are looked at in `store`.
            let is_here = text.contains(key.rsplit('.').next().unwrap()) || key.starts_with("store.");
            assert!(!unknown(key).is_empty() && is_here, "{key}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_what_may_stand_there() {
        for (text, says) in [
            ("lisen = \"0.0.0.0:8443\"", "unknown key lisen; the nearest is listen"),
            ("[operation]\nlisten = \"127.0.0.1:1\"", "nearest is operations.listen"),
            ("[log]\nacces = true", "unknown key log.acces; the nearest is log.access"),
            ("[logg]", "unknown key logg"),
            ("data = \"relative\"", "data must be an absolute path"),
            ("residency = \"inside the EEA\"", "residency is where the data is held"),
            ("drain_seconds = 61", "drain_seconds is a number of seconds from 0 to 60"),
            ("data = 7", "data must be an absolute path"),
            ("[keys]\ndirectory = \"keys\"", "keys.directory must be an absolute path"),
            ("[keys]\ncredential = \"/k\"", "nearest is keys.credential_file"),
            ("listen = \"localhost\"", "listen must be an address and a port"),
            ("[operations]\nlisten = \"0.0.0.0:9464\"", "must be an address of this machine alone"),
            ("[log]\naccess = \"yes\"", "log.access is true or false"),
            ("data = \"/a\"\ndata = ", "line 2 is not TOML"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says) && error.contains("collector.toml"), "{text}: {error}");
        }
        let missing = read("").unwrap().serve(None, None).unwrap_err().to_string();
        assert!(missing.contains("--data"), "{missing}");
        assert!(
            File::read(Path::new("/nowhere/collector.toml")).unwrap_err().to_string().contains("no such")
        );
    }
}
