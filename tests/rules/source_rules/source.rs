//! The source as the rules read it.

use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path from the workspace's root with `/`, and its text.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    pub(crate) fn is_under(&self, places: &[&str]) -> bool {
        places.iter().any(|place| self.path.starts_with(place))
    }

    /// A file of tests alone.
    pub(crate) fn is_test(&self) -> bool {
        self.path.split('/').any(|part| part == "tests" || part.ends_with("tests.rs") || part == "benches")
    }

    /// The lines that are compiled into the product, numbered from 1: neither comments nor the test module at
    /// the end of the file.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().collect::<Vec<_>>();
        let end = lines.windows(2).position(|two| two[0] == "#[cfg(test)]" && two[1].starts_with("mod "));
        let end = if self.is_test() { 0 } else { end.unwrap_or(lines.len()) };
        let code = lines.into_iter().take(end).enumerate().map(|(at, line)| (at + 1, line));
        code.filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// A breach: where, and what stands there.
pub(crate) type Finding = String;

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file of the workspace.
pub(crate) fn sources() -> Vec<Source> {
    let mut found = vec![];
    for place in ["src", "agent", "protocol", "tests"] {
        walk(&root().join(place), &mut found);
    }
    assert!(found.len() > 50, "only {} files were found", found.len());
    found
}

pub(crate) fn walk(dir: &Path, found: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).expect("a readable directory") {
        let path = entry.expect("a readable directory").path();
        if path.is_dir() {
            if path.file_name().is_none_or(|name| name != "target") {
                walk(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            found.push(Source { path: name, text: fs::read_to_string(&path).expect("readable source") });
        }
    }
}

/// Whether `word` stands in `line`, not as a part of a longer name.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (&line[..at], &line[at + word.len()..]);
        !before.ends_with(is_name) && !after.starts_with(is_name)
    })
}

/// Lines of code in `places`, without the files in `but`, that have one of `words`.
pub(crate) fn words(source: &Source, places: &[&str], but: &[&str], words: &[&str]) -> Vec<Finding> {
    if !source.is_under(places) || source.is_under(but) {
        return vec![];
    }
    let found = source.code().filter(|(_, line)| words.iter().any(|word| has_word(line, word)));
    found.map(|(at, line)| format!("{}:{at}: {}", source.path, line.trim())).collect()
}

/// Holds `rule` over the whole workspace, after it has found the breaches that it is shown.
pub(crate) fn hold(
    rule: impl Fn(&Source) -> Vec<Finding>,
    breaches: &[(&str, &str)],
    passes: &[(&str, &str)],
) {
    for (path, text) in breaches {
        assert!(!rule(&Source::new(path, text)).is_empty(), "not found in {path}: {text}");
    }
    for (path, text) in passes {
        let found = rule(&Source::new(path, text));
        assert!(found.is_empty(), "no breach: {found:?}");
    }
    let found = sources().iter().flat_map(rule).collect::<Vec<_>>();
    assert!(found.is_empty(), "{} breaches:\n{}", found.len(), found.join("\n"));
}

pub(crate) const PRODUCT: &[&str] =
    &["src/", "agent/src/", "agent/deidentify/src/", "agent/regular/src/", "protocol/src/"];

/// Lines of the agent and its command line that build JSON without a type, or read a field of it by its name.
pub(crate) fn untyped(source: &Source) -> Vec<Finding> {
    let by_name = |line: &str| {
        let value = |c: char| c.is_alphanumeric() || "_)]?".contains(c);
        line.match_indices("[\"").any(|(at, _)| line[..at].ends_with(value))
    };
    if !source.is_under(&["src/", "agent/src/", "agent/deidentify/src/"]) {
        return vec![];
    }
    let found = source.code().filter(|(_, line)| line.contains("json!") || by_name(line));
    found.map(|(at, line)| format!("{}:{at}: {}", source.path, line.trim())).collect()
}
