//! `[store.s3]`: the bucket that has the bundles of several fronts.

use std::path::PathBuf;

use toml::Value;

use crate::config::path::absolute;
use crate::store::s3::{Endpoint, Settings};

/// What a configuration says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Keys {
    endpoint: Option<Endpoint>,
    region: Option<String>,
    bucket: Option<String>,
    prefix: Option<String>,
    credentials_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
}

impl Keys {
    /// Takes one key.
    pub(super) fn take(&mut self, key: &str, value: &Value) -> Result<(), String> {
        match key {
            "store.s3.endpoint" => {
                let endpoint = value.as_str().and_then(Endpoint::read);
                self.endpoint = Some(endpoint.ok_or_else(|| {
                    format!(
                        "{key} is https://HOST or https://HOST:PORT, without a path; or http:// and an address of this \
                         machine, as http://127.0.0.1:8333"
                    )
                })?);
            }
            "store.s3.region" => {
                self.region = Some(word(value, 1..=40, b"-").ok_or_else(|| {
                    format!(
                        "{key} is a word such as \"eu-central-1\"; where the S3 knows none: \"us-east-1\""
                    )
                })?);
            }
            "store.s3.bucket" => {
                self.bucket = Some(word(value, 3..=63, b"-.").ok_or_else(|| {
                    format!("{key} is 3 to 63 letters, digits, \"-\" and \".\", such as \"kathea-bundles\"")
                })?);
            }
            "store.s3.prefix" => {
                let prefix = word(value, 1..=100, b"-._/")
                    .filter(|text| text.ends_with('/') && !text.starts_with('/'));
                self.prefix = Some(prefix.ok_or_else(|| {
                    format!(
                        "{key} stands before each object's name and ends with \"/\", such as \"collector/\""
                    )
                })?);
            }
            "store.s3.credentials_file" => self.credentials_file = Some(absolute(key, value)?),
            _ => self.ca_file = Some(absolute(key, value)?),
        }
        Ok(())
    }

    /// The bucket; `None` if there is none.
    pub(super) fn settings(&self) -> Result<Option<Settings>, String> {
        if *self == Self::default() {
            return Ok(None);
        }
        let Self { endpoint: Some(endpoint), region: Some(region), bucket: Some(bucket), .. } = self.clone()
        else {
            return Err("store.s3 needs endpoint, region and bucket".to_owned());
        };
        let credentials = self.credentials_file.clone().ok_or(
            "store.s3 needs credentials_file: a file of mode 0600 with the lines aws_access_key_id = ID and \
             aws_secret_access_key = SECRET",
        )?;
        if endpoint.is_tls() != self.ca_file.is_some() {
            return Err("store.s3.ca_file is the authority of an https:// endpoint, which needs it: of a public service \
                        the system's, as /etc/ssl/certs/ca-certificates.crt"
                .to_owned());
        }
        let (prefix, authority) = (self.prefix.clone().unwrap_or_default(), self.ca_file.clone());
        Ok(Some(Settings { endpoint, region, bucket, prefix, credentials, authority }))
    }
}

fn word(value: &Value, length: std::ops::RangeInclusive<usize>, others: &[u8]) -> Option<String> {
    let is_word = |text: &&str| {
        length.contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
            && !text.contains("..")
    };
    value.as_str().filter(is_word).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Option<Settings>, String> {
        let mut keys = Keys::default();
        for (name, value) in &toml::from_str::<toml::Table>(text).unwrap() {
            keys.take(&format!("store.s3.{name}"), value)?;
        }
        keys.settings()
    }

    #[test]
    fn a_bucket_is_taken_and_what_is_missing_is_named() {
        let good = "endpoint = \"https://s3.example:8333\"\nregion = \"eu-1\"\nbucket = \"kathea\"\n\
                    prefix = \"a/b/\"\ncredentials_file = \"/c\"\nca_file = \"/d\"";
        let settings = read(good).unwrap().unwrap();
        assert_eq!((&*settings.prefix, settings.authority.unwrap().to_str()), ("a/b/", Some("/d")));
        assert_eq!(read(""), Ok(None));
        for (before, after, says) in [
            ("https://s3.example:8333", "http://s3.example", "store.s3.endpoint is https://HOST"),
            ("https://s3.example:8333", "https://s3.example/a", "without a path"),
            ("https://s3.example:8333", "http://127.0.0.1:8333", "store.s3.ca_file"),
            ("ca_file = \"/d\"", "", "ca-certificates.crt"),
            ("credentials_file = \"/c\"", "", "store.s3 needs credentials_file"),
            ("region = \"eu-1\"", "", "needs endpoint, region and bucket"),
            ("\"eu-1\"", "\"eu 1\"", "store.s3.region"),
            ("\"kathea\"", "\"ka\"", "store.s3.bucket"),
            ("a/b/", "a/b", "store.s3.prefix"),
            ("a/b/", "../", "store.s3.prefix"),
            ("\"/c\"", "\"c\"", "absolute path"),
        ] {
            let said = read(&good.replace(before, after)).unwrap_err();
            assert!(said.contains(says), "{after}: {said}");
        }
    }
}
