//! The private words of the first version are gone: from identifiers, comments, texts for people and documents. Names
//! on disk and on the wire keep them, and are listed here. `GLOSSARY.md` says what to write instead.

use std::fs;
use std::path::{Path, PathBuf};

/// Words that no identifier, comment, message or page may use, in the singular.
const WORDS: &[&str] = &[
    "tray",
    "wish",
    "heard",
    "told",
    "untold",
    "corridor",
    "porch",
    "wash",
    "washed",
    "washing",
    "tally",
    "happening",
    "house",
    "book",
    "room",
];

/// Names on disk and on the wire that contain one, as they stand in the source.
const NAMES: &[&str] = &[
    "[[happening]]",
    "happening = \"",
    "happening = \\\"",
    "\"happening\"",
    "\"happenings\"",
    "\"told\"",
    "\"tray\"",
    "\"wish\"",
    "\"wishes\"",
    "`happening`",
    "`tray`",
    "`wish`",
    "`wishes`",
    "$defs/wish",
    "\"made_room\"",
    "`made_room`",
    "|made_room\"",
    "connections_closed_for_room",
    "tally.json",
    "tally.damaged",
    "wishes.json",
    "telemetry-wishes",
    "Telemetry-Wishes",
    // A key that no list knows, in invented input.
    "\"unheard\"",
];

/// Texts whose digest others hold, answers as they were recorded, and the lists of the words themselves.
const ELSEWHERE: &[&str] = &[
    "GLOSSARY.md",
    "protocol/catalog.toml",
    "protocol/policies/",
    "agent/fuzz/seeds/",
    "tests/rules/words.rs",
    "agent/deidentify/src/text/names.txt",
    "packaging/papers/promises.",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The parts of an identifier or a word, in lower case: `TrayDir` and `tray_dir` are `tray` and `dir`.
fn parts(line: &str) -> Vec<String> {
    let mut found = vec![String::new()];
    let mut was_lower = false;
    for c in line.chars() {
        if !c.is_alphabetic() || (c.is_uppercase() && was_lower) {
            found.push(String::new());
        }
        was_lower = c.is_lowercase();
        if c.is_alphabetic()
            && let Some(last) = found.last_mut()
        {
            last.extend(c.to_lowercase());
        }
    }
    found.retain(|part| !part.is_empty());
    found
}

/// The words of the list that stand in a line outside of the names.
fn private(line: &str) -> Vec<String> {
    let mut line = line.to_owned();
    NAMES.iter().for_each(|name| line = line.replace(name, " "));
    let is_private = |part: &String| {
        let singular = ["es", "s"].iter().filter_map(|ending| part.strip_suffix(ending));
        WORDS.contains(&part.as_str())
            || part == "tallies"
            || singular.into_iter().any(|part| WORDS.contains(&part))
    };
    parts(&line).into_iter().filter(is_private).collect()
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) {
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            let path = entry.unwrap().path();
            // Nor what programs made there: fuzzing keeps what it tried.
            let made = ["target", "node_modules", "corpus", "artifacts"];
            if path.file_name().is_none_or(|name| made.iter().all(|made| name != *made)) {
                walk(&path, found);
            }
        }
    } else {
        found.push(path.to_owned());
    }
}

#[test]
fn the_private_words_of_the_first_version_are_gone() {
    let mut paths: Vec<PathBuf> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md" || extension == "toml"))
        .collect();
    for place in ["agent", "protocol", "src", "tests", "packaging", ".ci"] {
        walk(&root().join(place), &mut paths);
    }
    let mut looked = 0;
    let mut wrong = vec![];
    for path in paths {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        let is_elsewhere = ELSEWHERE.iter().any(|place| name.starts_with(place)) || name.ends_with(".ndjson");
        let Ok(text) = String::from_utf8(fs::read(&path).unwrap()) else { continue };
        if is_elsewhere || name.ends_with("Cargo.lock") {
            continue;
        }
        looked += 1;
        let in_path = private(&name).into_iter().map(|word| format!("{name}: its path: {word}"));
        let in_text = text
            .lines()
            .enumerate()
            .flat_map(|(at, line)| private(line).into_iter().map(move |word| (at, word)).collect::<Vec<_>>());
        wrong.extend(in_path);
        wrong.extend(in_text.map(|(at, word)| format!("{name}:{}: {word}", at + 1)));
    }
    assert!(looked > 400, "only {looked} files were read");
    assert!(wrong.is_empty(), "{} words, see GLOSSARY.md:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_private_word_is_found_in_every_form() {
    for bad in [
        "struct TrayDir;",
        "fn make_room() {}",
        "const WISHES: u8 = 1;",
        "/// It is told the time.",
        "let book = 1;",
        "// two tallies, washed",
        "the `house` of \"tray\"",
    ] {
        assert!(!private(bad).is_empty(), "{bad}");
    }
    for good in [
        "portrait, stray, runbook, bedrooms, swish, household",
        "#[serde(rename = \"wishes\")]",
        "data_dir.join(\"tally.json\")",
        "happening = \"exposure.completed\"",
    ] {
        assert_eq!(private(good), [""; 0], "{good}");
    }
}
