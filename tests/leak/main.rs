//! The leak test: identifiers planted in every kind of place, in every spelling, patients outside the case too.
//! None comes out; device identity, technique, times of day, levels and codes all do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "outside of `#[test]` functions")]

mod dicom;
mod person;
mod plant;
mod random;
#[allow(dead_code, reason = "the simulated Kathea uses the rest")]
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use deidentify::identifiers::Kind;
use person::{OTHER, OWN, Person, plain};
use serde_json::Value;

struct Run {
    /// The outputs by name.
    outputs: BTreeMap<String, Vec<u8>>,
    report: Value,
    code: Option<i32>,
    words: String,
}

/// Cleans the planted case, with or without the scan beside it.
fn run(with_context: bool) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let [case, context, out] = ["case", "context", "out"].map(|name| dir.path().join(name));
    fs::create_dir(&case).unwrap();
    fs::create_dir(&context).unwrap();
    plant::plant(&case, &context);
    let report = dir.path().join("report.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kathea-agent"));
    command.args([Path::new("deidentify"), &case, Path::new("-o"), &out, Path::new("--report"), &report]);
    if with_context {
        command.arg("--context").arg(&context);
    }
    let done = command.output().unwrap();
    let words = String::from_utf8_lossy(&done.stderr).into_owned();
    let names: Vec<PathBuf> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path()).collect();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    Run {
        outputs: names.iter().map(|path| (name(path), fs::read(path).unwrap())).collect(),
        report: serde_json::from_slice(&fs::read(&report).unwrap()).unwrap(),
        code: done.status.code(),
        words,
    }
}

/// The places in which somebody of `persons` is found, whatever the view.
fn leaks(run: &Run, persons: &[Person<'_>]) -> Vec<String> {
    let needles: Vec<String> = persons.iter().flat_map(|person| person.needles()).collect();
    let mut report = run.report.clone();
    for file in report["files"].as_array_mut().unwrap() {
        file["input"] = Value::Null;
    }
    let mut texts: Vec<(String, String)> = vec![("the report".to_owned(), report.to_string())];
    for (name, bytes) in &run.outputs {
        let text = String::from_utf8_lossy(bytes).into_owned();
        texts.push((name.clone(), name.clone()));
        if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
            texts.extend(strings(&value).into_iter().map(|text| (format!("{name} unescaped"), text)));
        }
        texts.extend(
            text.lines().enumerate().map(|(at, line)| (format!("{name}:{}", at + 1), line.to_owned())),
        );
    }
    // A short word counts as a word of its own only: "anne" is no part of "channel".
    let has = |text: &str, needle: &String| match needle.len() {
        0..=5 => text.split(|c: char| !c.is_alphanumeric()).any(|word| plain(word) == *needle),
        _ => plain(text).contains(needle),
    };
    let mut leaks = Vec::new();
    for (place, text) in texts {
        let text = &text;
        let found = needles.iter().filter(|needle| has(text, needle));
        leaks
            .extend(found.map(|needle| {
                format!("{needle} in {place}: {}", text.chars().take(300).collect::<String>())
            }));
    }
    leaks
}

fn strings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(items) => {
            items.iter().flat_map(|(key, value)| [vec![key.clone()], strings(value)].concat()).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn nobody_comes_out_and_all_that_support_needs_does() {
    let run = run(true);
    assert_eq!(run.code, Some(0), "{}", run.words);
    let planted = OWN.names().len() + OWN.numbers().len();
    let kinds = plant::PLACES.len();
    println!(
        "{kinds} kinds of place, {planted} spellings, one patient of the case and one outside; {}",
        run.words.trim()
    );
    assert!(kinds >= 25 && planted >= 15);
    let leaks = leaks(&run, &[OWN, OTHER]);
    assert!(leaks.is_empty(), "{} leaks, the first: {}", leaks.len(), leaks[..leaks.len().min(5)].join("\n"));
    assert!(run.report["persons_learned"].as_u64() >= Some(2));

    let of_kind = |kind: &'static str| {
        let files = run.report["files"].as_array().unwrap().iter();
        files
            .filter(move |file| file["kind"] == kind)
            .map(|file| &run.outputs[file["output"].as_str().unwrap()])
    };
    let (mut headers, mut logs, mut documents) = (0, 0, 0);
    for output in of_kind("dicom") {
        let header: Value = serde_json::from_slice(output).unwrap();
        for (tag, _, value) in plant::DEVICE {
            let kept = &header[format!("{tag:08X}")]["Value"][0];
            let kept = kept.as_str().map_or_else(|| kept.to_string(), str::to_owned);
            assert_eq!(kept, *value, "{tag:08X} in {header}");
        }
        headers += 1;
    }
    let before = plant::log();
    for output in of_kind("text") {
        let after = String::from_utf8(output.clone()).unwrap();
        assert_eq!(after.lines().count(), before.lines().count());
        for (after, before) in after.lines().zip(before.lines()) {
            let (before, after) = (&before[10..], &after[10..]);
            assert_eq!(&after[..13], &before[..13], "the time of day");
            if plant::KEPT.iter().any(|kept| before.ends_with(kept)) {
                assert_eq!(after, before);
            }
            if let Some(head) = before.find("): ") {
                assert!(after.starts_with(&before[..head]), "level, module and code: {after}");
            }
        }
        logs += 1;
    }
    for output in of_kind("json").chain(of_kind("xml")) {
        let text = String::from_utf8_lossy(output);
        assert!(text.contains("X1-24-00117"), "{text}");
        documents += 1;
    }
    assert_eq!((headers, logs, documents), (planted, 3, 2 * planted));
    let kept = headers * plant::DEVICE.len() + documents + logs * before.lines().count();
    println!(
        "0 found in {} outputs; {kept} values, times, levels and codes kept of {kept}",
        run.outputs.len()
    );
}

/// Without anything learned the same search finds the patient: what keeps a text clean is not that it looks away.
#[test]
fn with_nothing_learned_the_search_finds_the_patient() {
    use deidentify::{case::Case, identifiers::Learning, text};
    let case = Case::new(zeroize::Zeroizing::new([7; 32]));
    let cleaned = |learning: Learning| {
        let mut out = Vec::new();
        text::clean(plant::log().as_bytes(), &mut out, &case, &learning.finish().unwrap()).unwrap();
        let outputs = BTreeMap::from([("0001.log".to_owned(), out)]);
        let report = serde_json::json!({"files": []});
        Run { outputs, report, code: None, words: String::new() }
    };
    let found = leaks(&cleaned(Learning::default()), &[OWN, OTHER]);
    assert!(!found.is_empty());
    let mut learning = Learning::default();
    for person in [OWN, OTHER] {
        let (year, month, day) = person.born;
        for (kind, text) in [
            (Kind::Name, person.name()),
            (Kind::Id, person.id.to_owned()),
            (Kind::Id, person.accession.to_owned()),
            (Kind::Phone, person.phone.to_owned()),
            (Kind::BirthDate, format!("{year}{month}{day}")),
        ] {
            learning.learn(kind, &text);
        }
    }
    assert_eq!(leaks(&cleaned(learning), &[OWN, OTHER]), [""; 0]);
    println!("{} found with nothing learned", found.len());
}

/// Without the scan of the other patient nobody knows that a product's word and a short number are a person.
#[test]
fn the_search_above_finds_who_was_not_learned() {
    let run = run(false);
    assert_eq!(run.code, Some(0), "{}", run.words);
    assert!(!leaks(&run, &[OTHER]).is_empty());
    assert!(leaks(&run, &[OWN]).is_empty());
}
