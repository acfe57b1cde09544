//! What is absent from the collector's source, held by looking.

use std::fs;
use std::path::{Path, PathBuf};

/// Who may open files: the store, keys and certificates, `init`, and the one module that writes whole files.
const FILES: [&str; 5] = ["store/", "pki/", "keys.rs", "init.rs", "disk.rs"];
const WORDS: [&str; 5] = ["std::fs", "fs::read", "File::open", "File::create", "OpenOptions"];

fn sources(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

/// Lines of the product, neither comments nor the tests at the end, that open files.
fn openings(text: &str) -> Vec<&str> {
    let product = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let code = product.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.filter(|line| WORDS.iter().any(|word| line.contains(word))).collect()
}

#[test]
fn files_are_opened_by_the_store_and_by_what_makes_keys_alone() {
    assert_eq!(
        openings("use std::fs;\n// std::fs\n#[cfg(test)]\nmod tests {\n    use std::fs;\n"),
        ["use std::fs;"]
    );
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&root, &mut found);
    assert!(found.len() > 25, "{}", found.len());
    for (path, text) in found {
        let name = path.strip_prefix(&root).unwrap().to_string_lossy().replace('\\', "/");
        let may = FILES.iter().any(|place| name.starts_with(place)) || name.ends_with("tests.rs");
        assert!(may || openings(&text).is_empty(), "{name} opens files: {:?}", openings(&text));
    }
}
