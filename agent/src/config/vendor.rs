//! `[vendor]`: the keys whose signatures are accepted, and for what.

use protocol::signature::{Context, PublicKey, TrustedKey, TrustedKeys};

use super::ConfigError;

/// `[vendor]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vendor {
    /// The vendor's public keys and what each may sign.
    pub keys: TrustedKeys,
}

/// What is wrong with an entry of `[vendor] keys`. Names no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyFlaw {
    /// Not a table with `key` and `signs`, or one with something else in it.
    Shape,
    /// `key` is not a public key.
    Key,
    /// `signs` is empty, or has a word that is not on the list.
    Signs,
    /// The same key stands in an entry before.
    Repeated,
}

crate::texts! { KeyFlaw {
    Self::Shape =>
        "is not a table of `key` and `signs` alone", "er ikke en tabel med `key` og `signs` alene";
    Self::Key =>
        "has a `key` that is not an Ed25519 public key of 32 bytes in base64",
        "har en `key`, der ikke er en offentlig Ed25519-nøgle på 32 byte i base64";
    Self::Signs =>
        "has a `signs` that does not list some of release, word_list, notice, erasure_certificate, use_receipt, audit_head",
        "har en `signs`, der ikke nævner nogle af release, word_list, notice, erasure_certificate, use_receipt, audit_head";
    Self::Repeated =>
        "has the `key` of an entry before: write everything that it signs there",
        "har samme `key` som en tidligere post: skriv alt, hvad den signerer, dér";
} }

impl Vendor {
    /// What the configuration's table says under `[vendor]`.
    pub(super) fn read(table: &toml::Table) -> Result<Self, ConfigError> {
        let Some(keys) = table.get("vendor").and_then(|vendor| vendor.get("keys")) else {
            return Ok(Self::default());
        };
        let entries = keys.as_array().ok_or(ConfigError::VendorKey { number: 1, flaw: KeyFlaw::Shape })?;
        let mut trusted: Vec<TrustedKey> = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            let wrong = |flaw| ConfigError::VendorKey { number: at + 1, flaw };
            let entry = trusted_key(entry).map_err(wrong)?;
            if trusted.iter().any(|before| before.key == entry.key) {
                return Err(wrong(KeyFlaw::Repeated));
            }
            trusted.push(entry);
        }
        Ok(Self { keys: TrustedKeys::new(trusted) })
    }
}

fn trusted_key(entry: &toml::Value) -> Result<TrustedKey, KeyFlaw> {
    let table = entry.as_table().filter(|table| table.len() == 2).ok_or(KeyFlaw::Shape)?;
    let (key, signs) = table.get("key").zip(table.get("signs")).ok_or(KeyFlaw::Shape)?;
    let key = key.as_str().and_then(|key| key.parse::<PublicKey>().ok()).ok_or(KeyFlaw::Key)?;
    let words = signs.as_array().filter(|words| !words.is_empty()).ok_or(KeyFlaw::Signs)?;
    let contexts = words.iter().map(|word| word.as_str().and_then(|word| word.parse::<Context>().ok()));
    let signs = contexts.collect::<Option<Vec<_>>>().ok_or(KeyFlaw::Signs)?;
    Ok(TrustedKey { key, signs })
}
