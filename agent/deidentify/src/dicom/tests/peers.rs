//! Others' files and another reader: pydicom reads what comes out, and files that this project did not make go in.
//!
//! `DICOM_FILES` names a directory of files to read; without it those that pydicom brings are read.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use test_support::or_skip;
use test_support::peer::{self, Skipped};

use super::write::{BIG, EXPLICIT, IMPLICIT};
use super::{Knows, case, cleaned, slice};
use crate::dicom::{clean, learn};

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

/// Files that this project did not make.
fn files_of_others() -> Result<PathBuf, Skipped> {
    if let Some(directory) = std::env::var_os("DICOM_FILES") {
        return Ok(directory.into());
    }
    let find = "import os, pydicom.data; print(os.path.join(pydicom.data.DATA_ROOT, 'test_files'))";
    let output = Command::new(peer::python("pydicom")?).args(["-c", find]).output().unwrap();
    let directory = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    peer::need(directory.is_dir(), "pydicom brings no files: set DICOM_FILES").map(|()| directory)
}

/// How many of the data sets pydicom reads.
fn read_by_pydicom(outputs: &[Vec<u8>]) -> Result<usize, Skipped> {
    let mut child = Command::new(peer::python("pydicom")?)
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
    Ok(String::from_utf8(output.stdout).unwrap().trim().parse().unwrap())
}

#[test]
fn another_reader_takes_the_output() {
    let outputs =
        [EXPLICIT, IMPLICIT, BIG].map(|syntax| cleaned(&slice(syntax).file(), &["Hansen"]).unwrap().json);
    assert_eq!(or_skip!(read_by_pydicom(&outputs)), outputs.len());
}

#[test]
fn files_of_others_are_cleaned_or_refused() {
    let mut outputs = Vec::new();
    for entry in std::fs::read_dir(or_skip!(files_of_others())).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let file = std::fs::File::open(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let learned = learn(&file);
        // A file that breaks off teaches what stands before, and is refused all the same.
        if let Some(refused) =
            learned.as_ref().map_or_else(|refused| Some(*refused), |learned| learned.refused)
        {
            assert!(clean(&file, &case(7), &Knows(&[])).is_err(), "{name}");
            println!("{name}: refused, {}", refused.as_str());
            continue;
        }
        let learned = learned.map(|learned| learned.identifiers).unwrap_or_default();
        let words: Vec<String> = learned.into_iter().map(|found| found.text).collect();
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
    assert!(!outputs.is_empty());
    assert_eq!(or_skip!(read_by_pydicom(&outputs)), outputs.len());
}
