//! The catalog compiled in, read before the program was built: `catalog.bin` is what `catalog.toml` parses to.
//!
//! To parse the text took two thirds of the instructions of every command. The file ends with a sum over the text, which is
//! reckoned when the program is built, so that the program needs no text. A file that belongs to another text is not used,
//! and a test fails then: `UPDATE_PAPERS=1 cargo test -p protocol --lib compiled` writes it anew.

use std::sync::Arc;

use bincode::config::{Configuration, standard};
use serde::{Deserialize, Serialize};

use super::rules::{Cell, Rule, RuleValue};
use super::{Catalog, Entry, EventType};
use crate::identity::Digest;

/// Compact: numbers by their size, nothing by its name.
const FORM: Configuration = standard();

/// The text.
pub(super) const TEXT: &str = include_str!("../../catalog.toml");
/// The sum over it.
pub(super) const SUM: u64 = sum(TEXT.as_bytes());

/// FNV-1a: it only tells whether the file was forgotten when the text was changed.
const fn sum(text: &[u8]) -> u64 {
    let (mut sum, mut at) = (0xcbf2_9ce4_8422_2325, 0);
    while at < text.len() {
        sum = (sum ^ text[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    sum
}

/// What a text parses to.
#[derive(Serialize, Deserialize)]
struct Compiled {
    /// Of the text.
    hash: Digest,
    entries: Vec<Entry>,
    /// Without their rules.
    event_types: Vec<EventType>,
    /// Of each event type.
    rules: Vec<Vec<CompiledRule>>,
}

#[derive(Serialize, Deserialize)]
struct CompiledRule {
    /// Its place among the entries.
    entry: u16,
    when: Vec<(usize, Vec<u64>)>,
    cells: Vec<Cell>,
    value: RuleValue,
}

/// The catalog of the text with this sum, if `bytes` are what it parses to.
pub(super) fn read(bytes: &[u8], of: u64) -> Option<Catalog> {
    let (bytes, sum) = bytes.split_last_chunk()?;
    let (compiled, read): (Compiled, usize) = bincode::serde::decode_from_slice(bytes, FORM).ok()?;
    let is_whole = read == bytes.len() && compiled.rules.len() == compiled.event_types.len();
    if u64::from_le_bytes(*sum) != of || !is_whole {
        return None;
    }
    let entries: Vec<Arc<Entry>> = compiled.entries.into_iter().map(Arc::new).collect();
    let mut event_types = compiled.event_types;
    for (event_type, rules) in event_types.iter_mut().zip(compiled.rules) {
        for CompiledRule { entry, when, cells, value } in rules {
            let entry = Arc::clone(entries.get(usize::from(entry))?);
            event_type.rules.push(Rule { entry, when, cells, value });
        }
    }
    Some(Catalog { hash: compiled.hash, entries, event_types })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn written(text: &str) -> Vec<u8> {
        let (entries, event_types) = super::super::source::read(text).unwrap();
        let place = |rule: &Rule| entries.iter().position(|entry| Arc::ptr_eq(entry, &rule.entry)).unwrap();
        let rules = event_types.iter().map(|event_type| {
            let rules = event_type.rules.iter().map(|rule| CompiledRule {
                entry: u16::try_from(place(rule)).unwrap(),
                when: rule.when.clone(),
                cells: rule.cells.clone(),
                value: rule.value.clone(),
            });
            rules.collect()
        });
        let rules = rules.collect();
        let entries = entries.iter().map(|entry| Entry::clone(entry)).collect();
        let compiled = Compiled { hash: Digest::of(text.as_bytes()), entries, event_types, rules };
        let mut bytes = bincode::serde::encode_to_vec(&compiled, FORM).unwrap();
        bytes.extend(sum(text.as_bytes()).to_le_bytes());
        bytes
    }

    #[test]
    fn the_compiled_catalog_is_what_the_text_parses_to() {
        let bytes = written(TEXT);
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog.bin");
        if std::env::var_os("UPDATE_PAPERS").is_some() {
            std::fs::write(&file, &bytes).unwrap();
        }
        let kept = std::fs::read(&file).unwrap();
        let stale = "protocol/catalog.bin is stale: UPDATE_PAPERS=1 cargo test -p protocol --lib compiled";
        assert!(bytes == kept, "{stale}");
        let compiled = read(&kept, SUM).unwrap();
        assert_eq!(format!("{compiled:?}"), format!("{:?}", Catalog::parse(TEXT).unwrap()));
    }

    #[test]
    fn what_belongs_to_another_text_is_not_used() {
        let bytes = written(TEXT);
        assert!(read(&bytes, SUM).is_some());
        assert!(read(&bytes, sum(format!("{TEXT}\n").as_bytes())).is_none());
        assert!((0..bytes.len()).all(|end| read(&bytes[..end], SUM).is_none()));
        assert!(read(&[bytes, vec![0]].concat(), SUM).is_none());
    }
}
