//! Looking at what lies on the disk: sizes, bytes as they are, and a search for what must not be there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use protocol::Catalog;
use protocol::catalog::AttributeKind;

/// Every file below `dir`, in order.
pub(crate) fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What the file takes from the disk.
pub(crate) fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    return Ok(std::os::unix::fs::MetadataExt::blocks(&metadata) * 512);
    #[cfg(not(unix))]
    Ok(metadata.len())
}

/// How often these words stand in the files below `dir`.
pub(crate) fn hits(dir: &Path, words: &[&str]) -> io::Result<u64> {
    let mut hits = 0;
    for file in files(dir)? {
        let bytes = fs::read(file)?;
        hits += words.iter().map(|word| count(&bytes, word.as_bytes())).sum::<u64>();
    }
    Ok(hits)
}

/// The names of all events and entries.
pub(crate) fn names() -> Vec<&'static str> {
    let catalog = Catalog::built_in();
    let entries = catalog.entries().map(|entry| entry.name.as_str());
    let mut names: Vec<_> =
        entries.chain(catalog.event_types().iter().map(|event_type| event_type.name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The words that attributes may say, and that are too long to come about by chance or in sled's own settings.
pub(crate) fn attribute_words() -> Vec<&'static str> {
    let attributes = Catalog::built_in().event_types().iter().flat_map(|event_type| &event_type.attributes);
    let lists = attributes.flat_map(|attribute| match &attribute.kind {
        AttributeKind::Enumeration { values } => values.as_slice(),
        _ => &[],
    });
    let mut words: Vec<_> = lists.map(String::as_str).filter(|word| word.len() >= 8).collect();
    words.sort_unstable();
    words.dedup();
    words
}

fn count(bytes: &[u8], word: &[u8]) -> u64 {
    let Some((first, rest)) = word.split_first() else { return 0 };
    let starts = bytes.iter().enumerate().filter(|(_, byte)| *byte == first);
    starts.filter(|(at, _)| bytes.get(at + 1..).is_some_and(|after| after.starts_with(rest))).count() as u64
}

/// Some lines of the file from where it has most to say: its middle that is not zero.
pub(crate) fn hex_dump(path: &Path, lines: usize) -> io::Result<String> {
    let bytes = fs::read(path)?;
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap_or(0);
    let start = end / 2 / 16 * 16;
    let mut text = String::new();
    for (number, line) in bytes.chunks(16).skip(start / 16).take(lines).enumerate() {
        let hex: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
        let shown = |byte: &u8| if byte.is_ascii_graphic() { char::from(*byte) } else { '.' };
        let letters: String = line.iter().map(shown).collect();
        text += &format!("      {:08x}  {:<47}  {letters}\n", start + number * 16, hex.join(" "));
    }
    Ok(text)
}
