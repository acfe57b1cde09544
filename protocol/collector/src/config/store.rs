//! `[store]`: which engine has the store, and what has to be true before it acknowledges anything.

use std::path::PathBuf;

use toml::Value;

use crate::disk;
use crate::failure::Failure;
use crate::store::place::Place;
use crate::store::postgres::durability::Demand;
use crate::store::postgres::{Bundles, Cluster, Url};

pub(super) mod s3;

/// Holds the URL if no file is named.
pub(super) const VARIABLE: &str = "KATHEA_COLLECTOR_STORE_URL";

/// What a configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    is_postgres: Option<bool>,
    url_file: Option<PathBuf>,
    durability: Option<Durability>,
    replicas_at_least: Option<u32>,
    bundles: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    s3: s3::Keys,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Durability {
    Replicas,
    Managed,
}

impl Keys {
    /// Takes one key.
    pub(super) fn take(&mut self, key: &str, value: &Value) -> Result<(), String> {
        match key {
            "store.engine" => {
                self.is_postgres = Some(match value.as_str() {
                    Some("sqlite") => false,
                    Some("postgres") => true,
                    _ => return Err(format!("{key} is sqlite or postgres")),
                });
            }
            "store.url_file" => self.url_file = Some(super::path::absolute(key, value)?),
            "store.bundles" => self.bundles = Some(super::path::absolute(key, value)?),
            _ if key.starts_with("store.s3.") => self.s3.take(key, value)?,
            "store.ca_file" => self.ca_file = Some(super::path::absolute(key, value)?),
            "store.durability" => {
                self.durability = Some(match value.as_str() {
                    Some("replicas") => Durability::Replicas,
                    Some("managed") => Durability::Managed,
                    _ => return Err(format!("{key} is replicas or managed")),
                });
            }
            _ => {
                let count = value.as_integer().and_then(|count| u32::try_from(count).ok());
                let count = count.filter(|count| *count > 0);
                self.replicas_at_least = Some(count.ok_or_else(|| format!("{key} is a number from 1 on"))?);
            }
        }
        Ok(())
    }

    /// Whether the keys fit each other.
    pub(super) fn check(&self) -> Result<(), String> {
        let others = self.url_file.is_some()
            || self.durability.is_some()
            || self.replicas_at_least.is_some()
            || self.bundles.is_some()
            || self.ca_file.is_some()
            || self.s3 != s3::Keys::default();
        if self.is_postgres != Some(true) && others {
            return Err(
                "store.url_file, store.durability, store.replicas_at_least, store.ca_file, store.bundles and store.s3 are of \
                 store.engine = \"postgres\"; the embedded store has none of them"
                    .to_owned(),
            );
        }
        if self.bundles.is_some() && self.s3 != s3::Keys::default() {
            return Err(
                "store.bundles and store.s3 are two places for the bundles of several fronts: take one of them".to_owned()
            );
        }
        self.s3.settings()?;
        if self.durability == Some(Durability::Managed) && self.replicas_at_least.is_some() {
            return Err("store.replicas_at_least is of store.durability = \"replicas\": a managed service counts its \
                        replicas itself"
                .to_owned());
        }
        Ok(())
    }

    /// Where the store is.
    pub(super) fn place(&self) -> Result<Place, Failure> {
        if self.is_postgres != Some(true) {
            return Ok(Place::Embedded);
        }
        let demand = match self.durability {
            Some(Durability::Managed) => Demand::Managed,
            Some(Durability::Replicas) | None => Demand::Replicas(self.replicas_at_least.unwrap_or(1)),
        };
        let authority = self.ca_file.clone();
        let bucket = self.s3.settings().map_err(Failure::new)?.map(Box::new).map(Bundles::Bucket);
        let bundles = self.bundles.clone().map(Bundles::Directory).or(bucket);
        Ok(Place::Postgres(Cluster { url: self.url()?, demand, authority, bundles }))
    }

    fn url(&self) -> Result<Url, Failure> {
        let Some(path) = &self.url_file else {
            let text = std::env::var(VARIABLE).map_err(|_| {
                Failure::new(format!(
                    "where the store is in PostgreSQL is not known: name a file with its URL as store.url_file, or set \
                     {VARIABLE}"
                ))
            })?;
            return Ok(Url::new(&text));
        };
        let at = |what: &str| Failure::new(format!("{}: {what}", path.display()));
        let bytes = disk::read_secret(path)?.ok_or_else(|| at("there is no such file"))?;
        let text = String::from_utf8(bytes).map_err(|_| at("is not UTF-8"))?;
        Ok(Url::new(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::*;

    fn read(text: &str) -> Result<Place, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("collector.toml");
        std::fs::write(&path, text).unwrap();
        File::read(&path).and_then(|file| file.place()).map_err(|failure| failure.to_string())
    }

    #[test]
    fn the_embedded_store_is_the_default_and_mistakes_are_named() {
        assert_eq!(read(""), Ok(Place::Embedded));
        assert_eq!(read("[store]\nengine = \"sqlite\""), Ok(Place::Embedded));
        for (text, says) in [
            ("[store]\nengine = \"mysql\"", "store.engine is sqlite or postgres"),
            ("[store]\nengine = \"postgres\"\ndurability = \"maybe\"", "replicas or managed"),
            ("[store]\nengine = \"postgres\"\nreplicas_at_least = 0", "a number from 1 on"),
            ("[store]\ndurability = \"managed\"", "the embedded store has none"),
            (
                "[store]\nengine = \"postgres\"\ndurability = \"managed\"\nreplicas_at_least = 2",
                "a managed service counts",
            ),
            ("[store.s3]\nbucket = \"kathea\"", "the embedded store has none"),
            (
                "[store]\nengine = \"postgres\"\nbundles = \"/mnt\"\n[store.s3]\nbucket = \"kathea\"",
                "take one of them",
            ),
            (
                "[store]\nengine = \"postgres\"\n[store.s3]\nbuckett = \"kathea\"",
                "the nearest is store.s3.bucket",
            ),
            ("[store]\nengine = \"postgres\"", VARIABLE),
            ("[store]\nengine = \"postgres\"\nurl_file = \"/nowhere/url\"", "there is no such file"),
        ] {
            let said = read(text).unwrap_err();
            assert!(said.contains(says), "{text}: {said}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn the_url_is_of_a_file_that_nobody_else_reads_and_is_never_shown() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let url = dir.path().join("url");
        std::fs::write(&url, "postgres://a:secret-word@127.0.0.1/b\n").unwrap();
        let text = format!("[store]\nengine = \"postgres\"\nurl_file = \"{}\"", url.display());
        std::fs::set_permissions(&url, std::fs::Permissions::from_mode(0o644)).unwrap();
        let said = read(&text).unwrap_err();
        assert!(said.contains("others can read it") && said.contains("chmod 600"), "{said}");
        std::fs::set_permissions(&url, std::fs::Permissions::from_mode(0o600)).unwrap();
        let place = read(&text).unwrap();
        assert!(!format!("{place:?}").contains("secret-word"));
        let Place::Postgres(cluster) = place else { panic!() };
        assert_eq!(cluster.demand, Demand::Replicas(1));
    }
}
