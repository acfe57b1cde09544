//! `CONTRIBUTING.md` and `GLOSSARY.md` name only commands, tests, packages and files that exist. What they say of the
//! product's own commands is checked in `commands.rs`.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of the blocks that a reader pastes into a shell, without comments.
fn pasted(text: &str) -> Vec<String> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let lines = blocks.flat_map(str::lines).filter_map(|line| line.split(" #").next());
    lines.map(|line| line.trim().to_owned()).filter(|line| !line.is_empty()).collect()
}

/// What a `cargo` command or a script of this repository names that is not there.
fn missing(line: &str) -> Vec<String> {
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| word.contains('=')).collect();
    match words[..] {
        ["cargo", ..] => {}
        [".ci/nightly", step] if nightly().iter().any(|known| known == step) => return vec![],
        [script, ..]
            if (script != ".ci/nightly" || words.len() == 1)
                && script.contains('/')
                && root().join(script).is_file() =>
        {
            return vec![];
        }
        _ => return vec![format!("{line}: neither cargo nor a script of this repository")],
    }
    let is_there = |option: &str, name: &str| {
        let any = |paths: &[String]| paths.iter().any(|path| root().join(path).exists());
        match option {
            "--test" => any(&[format!("tests/{name}.rs"), format!("tests/{name}/main.rs")]),
            "--example" => fs::read_to_string(root().join("Cargo.toml"))
                .is_ok_and(|manifest| manifest.contains(&format!("[[example]]\nname = \"{name}\""))),
            "-p" => packages().iter().any(|package| package == name),
            _ => true,
        }
    };
    let named = words.windows(2).filter(|two| !is_there(two[0], two[1]));
    named.map(|two| format!("{line}: there is no {}", two[1])).collect()
}

/// The steps of `.ci/nightly`.
fn nightly() -> Vec<String> {
    let text = fs::read_to_string(root().join(".ci/nightly")).unwrap();
    let steps = text.split("STEPS=(").nth(1).and_then(|rest| rest.split(')').next()).unwrap_or_default();
    steps.split_whitespace().map(str::to_owned).collect()
}

/// Names of the packages of the workspace.
fn packages() -> Vec<String> {
    let read = |path: &Path| fs::read_to_string(path).unwrap().parse::<toml::Table>().unwrap();
    let workspace = read(&root().join("Cargo.toml"));
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let member = |path: &toml::Value| read(&root().join(path.as_str().unwrap()).join("Cargo.toml"));
    let name = |manifest: &toml::Table| manifest["package"]["name"].as_str().unwrap().to_owned();
    members.iter().map(member).chain([workspace.clone()]).map(|manifest| name(&manifest)).collect()
}

/// Paths in backticks that do not exist.
fn absent(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_path = |word: &&str| {
        let ends = [".rs", ".toml", ".md", ".tsv"].iter().any(|ending| word.ends_with(ending));
        let begins = ["agent/", "protocol/", "packaging/", "tests/", ".ci/"];
        !word.contains([' ', '\n']) && (begins.iter().any(|begin| word.starts_with(begin)) || ends)
    };
    // Files that a reader makes or configures, not files of this repository.
    let others = ["agent.toml", "protocol/policies/NAME.toml", "commands.rs"];
    let paths = quoted.filter(is_path).filter(|path| !others.contains(path));
    paths.filter(|path| !root().join(Path::new(path)).exists()).map(str::to_owned).collect()
}

#[test]
fn every_command_for_contributors_names_what_exists() {
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let lines = pasted(&text);
    assert!(lines.len() > 15, "only {} commands were found", lines.len());
    let wrong: Vec<String> = lines.iter().flat_map(|line| missing(line)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));

    for bad in [
        "cargo test --test no_such_test",
        "cargo test -p no-such-package",
        "make all",
        "tests/none",
        ".ci/nightly none",
    ] {
        assert_eq!(missing(bad).len(), 1, "negative control: {bad}");
    }
}

#[test]
fn every_path_for_contributors_exists() {
    for name in ["CONTRIBUTING.md", "GLOSSARY.md"] {
        let text = fs::read_to_string(root().join(name)).unwrap();
        assert_eq!(absent(&text), [""; 0], "{name}");
    }
    assert_eq!(absent("see `tests/no_such.rs` and `README.md`"), ["tests/no_such.rs"], "negative control");
}
