//! Others' files and another reader: pydicom reads what comes out, and files that this project did not make go in.
//!
//! `DICOM_FILES` names a directory of files to read. Without it, or without pydicom, the test says so and passes;
//! with `REQUIRE_PEERS=1` a missing pydicom fails it.

use std::io::Write;
use std::process::{Command, Stdio};

use super::write::{BIG, EXPLICIT, IMPLICIT};
use super::{Knows, case, cleaned, slice};
use crate::deidentify::dicom::{clean, learn};

/// Reads one JSON a line, touches every value, and writes the data set as JSON again.
const READER: &str = r#"
import sys, warnings, pydicom, pydicom.config
warnings.simplefilter("error")
pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE
count = 0
for line in sys.stdin.buffer:
    data_set = pydicom.Dataset.from_json(line.decode("utf-8"))
    for element in data_set.iterall():
        assert element.tag.group != 2 and element.VR == "SQ" or element.value is not NotImplemented
    data_set.to_json()
    assert data_set.PatientIdentityRemoved == "YES"
    count += 1
print(count)
"#;

/// How many of the data sets pydicom reads; `None` without pydicom.
fn read_by_pydicom(outputs: &[Vec<u8>]) -> Option<usize> {
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python).args(["-c", "import pydicom"]).stderr(Stdio::null()).status();
    if !found.is_ok_and(|status| status.success()) {
        assert!(std::env::var_os("REQUIRE_PEERS").is_none(), "no pydicom; install it or set PYTHON");
        println!("SKIPPED: no pydicom");
        return None;
    }
    let mut child = Command::new(python)
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    for output in outputs {
        stdin.write_all(output).unwrap();
        stdin.write_all(b"\n").unwrap();
    }
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap())
}

#[test]
fn another_reader_takes_the_output() {
    let outputs =
        [EXPLICIT, IMPLICIT, BIG].map(|syntax| cleaned(&slice(syntax).file(), &["Hansen"]).unwrap().json);
    if let Some(count) = read_by_pydicom(&outputs) {
        assert_eq!(count, outputs.len());
    }
}

#[test]
fn files_of_others_are_cleaned_or_refused() {
    let Some(directory) = std::env::var_os("DICOM_FILES") else {
        println!("SKIPPED: DICOM_FILES names no directory");
        return;
    };
    let mut outputs = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let file = std::fs::File::open(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let words: Vec<String> = match learn(&file) {
            Ok(learned) => learned.identifiers.into_iter().map(|found| found.text).collect(),
            Err(refused) => {
                println!("{name}: refused, {}", refused.as_str());
                continue;
            }
        };
        let long: Vec<&str> = words.iter().map(String::as_str).filter(|word| word.len() > 4).collect();
        let clean = clean(&file, &case(7), &Knows(&long)).unwrap();
        let text = String::from_utf8(clean.json.clone()).unwrap();
        for word in &long {
            assert!(!text.contains(word), "{name}: something that was learned comes out");
        }
        println!(
            "{name}: kept {} replaced {} dropped {}, {} of {} bytes read",
            clean.kept,
            clean.replaced,
            clean.dropped,
            clean.bytes_read,
            file.metadata().unwrap().len()
        );
        outputs.push(clean.json);
    }
    if let Some(count) = read_by_pydicom(&outputs) {
        assert_eq!(count, outputs.len());
    }
}
