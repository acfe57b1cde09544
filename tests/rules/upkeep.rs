//! What keeps the checks honest: one way to skip a test, one hour for all of them, one limit for the program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use test_support::peer;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every file below these places that is no build's: its path from the root, and its text.
fn texts(places: &[&str]) -> Vec<(String, String)> {
    let mut paths = vec![];
    places.iter().for_each(|place| walk(&root().join(place), &mut paths));
    let text = |path: &PathBuf| String::from_utf8(fs::read(path).unwrap()).ok();
    let name = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    paths.iter().filter_map(|path| Some((name(path), text(path)?))).collect()
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            found.push(path);
        } else if path.file_name().is_none_or(|name| name != "target") {
            walk(&path, found);
        }
    }
}

/// What a skipped test says, and what forbids it.
fn said() -> [String; 2] {
    [["SKIP", "PED"].concat(), ["REQUIRE", "_PEERS"].concat()]
}

/// The lines of a file of Rust in which a test is skipped in another way than by `test_support::peer`.
fn other_ways(text: &str) -> Vec<String> {
    let lines = text.lines().collect::<Vec<_>>();
    let aloud = lines
        .iter()
        .filter(|line| !line.trim_start().starts_with("//") && said().iter().any(|word| line.contains(word)));
    let mut found = aloud.map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let ends = ["return;", "{ return }", "{ return; }"];
    let (mut is_next, mut end) = (false, None);
    for (at, line) in lines.iter().enumerate() {
        let indent = &line[..line.len() - line.trim_start().len()];
        if line.trim() == "#[test]" {
            is_next = true;
        } else if is_next && line.trim_start().starts_with("fn ") {
            (is_next, end) = (false, Some(format!("{indent}}}")));
        } else if end.as_deref() == Some(*line) {
            end = None;
        } else if end.is_some() && ends.iter().any(|word| line.contains(word)) {
            let asks = [lines[at.saturating_sub(1)], line].iter().any(|line| line.contains("peer::"));
            found.extend((!asks).then(|| line.trim().to_owned()));
        }
    }
    found
}

const OTHER_WAYS: [&str; 2] = [
    "#[test]\nfn a() {\n    if !is_root() {\n        return;\n    }\n}\n",
    "#[test]\nfn a() {\n    let Some(x) = look() else { return };\n}\n",
];
const THE_WAY: [&str; 2] = [
    "#[test]\nfn a() {\n    if !peer::has(\"age\") {\n        return;\n    }\n}\n",
    "fn help() {\n    return;\n}\n#[test]\nfn a() {\n    let x = or_skip!(look());\n}\n",
];

#[test]
fn there_is_one_way_to_skip_a_test() {
    let [aloud, required] = said();
    let said = [format!("eprintln!(\"{aloud}: no strace\");"), format!("std::env::var_os(\"{required}\")")];
    for bad in said.iter().map(String::as_str).chain(OTHER_WAYS) {
        assert!(!other_ways(bad).is_empty(), "negative control: {bad}");
    }
    for good in THE_WAY {
        assert_eq!(other_ways(good), [""; 0], "{good}");
    }
    let sources = texts(&["src", "agent", "protocol", "tests"]);
    let sources =
        sources.iter().filter(|(path, _)| path.ends_with(".rs") && !path.ends_with("support/src/peer.rs"));
    let found = sources
        .flat_map(|(path, text)| other_ways(text).into_iter().map(move |line| format!("{path}: {line}")));
    let found = found.collect::<Vec<_>>();
    assert!(found.is_empty(), "{}", found.join("\n"));

    // Of the scripts only those name the variable that set it for all, take it away where no peer can be, or hold it
    // for the rows of the matrix.
    let may = [".ci/nightly", ".ci/run", "packaging/windows/check", "tests/faults/matrix.py"];
    let scripts = texts(&["tests", "packaging", ".ci", "agent/fuzz"]);
    let scripts = scripts.iter().filter(|(path, text)| !path.ends_with(".rs") && text.contains(&required));
    let mut names = scripts.map(|(path, _)| path.as_str()).collect::<Vec<_>>();
    names.sort_unstable();
    assert_eq!(names, may);
}

/// What a system with Rust and a C compiler has, or refuses aloud.
const ALWAYS_THERE: [&str; 14] = [
    "bash", "cargo", "cc", "chown", "cp", "env", "id", "ldd", "mkfifo", "mount", "setpriv", "sh", "umount",
    "unshare",
];

/// The programs of others that a test starts, in `text`, though nothing in `beside` names them to ask whether they are there.
fn unasked<'t>(text: &'t str, beside: &str) -> Vec<&'t str> {
    let started = text.split(" Command::new(\"").skip(1).filter_map(|rest| Some(rest.split_once('"')?.0));
    let asked = |program: &str| {
        let (named, begun) = (format!("\"{program}\""), format!("Command::new(\"{program}\""));
        beside.matches(&named).count() > beside.matches(&begun).count()
            || program == "node" && beside.contains("peer::node(")
    };
    started.filter(|program| !ALWAYS_THERE.contains(program) && !asked(program)).collect()
}

/// The files that may ask for the peers of the one at `path`: it alone if it is a test program, otherwise its folder, and
/// for what all of them share every test.
fn place(path: &str) -> &str {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    match folder {
        "tests/common" => "tests/",
        _ if folder.ends_with("tests") => path,
        _ => folder,
    }
}

#[test]
fn no_test_takes_a_program_of_others_for_granted() {
    let bad = "fn a() {\n    Command::new(\"python3\").status().unwrap();\n}\n";
    assert_eq!(unasked(bad, bad), ["python3"], "the check finds what it should");
    assert_eq!(unasked(bad, "if !peer::has(\"python3\") {"), [""; 0]);
    let sources = texts(&["tests", "protocol"]);
    let tests = sources.iter().filter(|(path, _)| {
        path.ends_with(".rs")
            && path.contains("tests/")
            && !path.contains("/src/")
            && path != "tests/rules/upkeep.rs"
    });
    let tests = tests.collect::<Vec<_>>();
    let found = tests.iter().flat_map(|(path, text)| {
        let beside = tests.iter().filter(|(other, _)| other.starts_with(place(path)));
        let beside = beside.map(|(_, text)| text.as_str()).collect::<String>();
        unasked(text, &beside).into_iter().map(move |name| format!("{path}: {name}"))
    });
    let found = found.collect::<Vec<_>>();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// `.ci/run` names its budget, and what the shipped program may weigh stands there as it stands elsewhere.
#[test]
fn the_whole_check_has_an_hour_and_the_program_8_mib() {
    let read = |name: &str| fs::read_to_string(root().join(name)).unwrap();
    let run = read(".ci/run");
    let table = run.split("declare -A BUDGET=(").nth(1).unwrap().split(')').next().unwrap();
    let minutes = table.split_whitespace().filter_map(|pair| pair.split_once("]=")?.1.parse::<u32>().ok());
    assert_eq!(minutes.sum::<u32>(), 60, "{table}");
    for (file, words) in [
        (".ci/run", "8 * 1024 * 1024"),
        ("Cargo.toml", "8 MiB in all"),
        ("tests/measure.py", "\"8 MiB\""),
        ("ARCHITECTURE.md", "8 MiB"),
    ] {
        assert!(read(file).contains(words), "{file} does not say {words}");
    }
}

/// The signs between which Git leaves two versions of a part that it could not join.
fn unjoined(text: &str) -> Vec<&str> {
    let signs = ["<", ">"].map(|sign| sign.repeat(7));
    text.lines().filter(|line| signs.iter().any(|sign| line.starts_with(sign.as_str()))).collect()
}

#[test]
fn no_file_has_two_versions_of_a_part() {
    let found = unjoined("a\n<<<<<<< one\nb\n=======\nc\n>>>>>>> other\n");
    assert_eq!(found.len(), 2, "the check finds what it should");
    let texts = texts(&[".ci", "agent", "packaging", "protocol", "src", "tests"]);
    let found: Vec<_> = texts
        .iter()
        .filter(|(name, _)| name != "tests/rules/upkeep.rs")
        .flat_map(|(name, text)| unjoined(text).into_iter().map(move |line| format!("{name}: {line}")))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_script_can_be_read_by_its_shell() {
    if !peer::has("bash") {
        return;
    }
    let can_be_read =
        |path: &Path| Command::new("bash").arg("-n").arg(path).output().unwrap().status.success();
    let broken = tempfile::tempdir().unwrap();
    let broken = broken.path().join("broken");
    fs::write(&broken, "if true; then\n").unwrap();
    assert!(!can_be_read(&broken), "the check finds what it should");
    let texts = texts(&[".ci", "agent", "packaging", "protocol", "tests"]);
    let scripts: Vec<_> = texts
        .iter()
        .filter(|(_, text)| {
            text.starts_with("#!") && text.lines().next().is_some_and(|line| line.ends_with("sh"))
        })
        .collect();
    assert!(scripts.len() > 5, "{}", scripts.len());
    for (name, _) in scripts {
        assert!(can_be_read(&root().join(name)), "{name}");
    }
}
