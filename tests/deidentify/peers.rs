//! Another program reads what comes out: pydicom, on every output of a DICOM file. `DICOM_FILES` names a directory
//! of files of others to clean as well; nothing that pydicom finds in them about a patient may be in the outputs.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use test_support::{or_skip, peer};

use super::{hostile, run};

/// Reads all outputs, and what the inputs that it can read tell about somebody; searches these in those.
const READER: &str = r#"
import json, pathlib, sys, warnings, pydicom, pydicom.config
report, out = json.load(open(sys.argv[1])), pathlib.Path(sys.argv[2])
who = set()
for entry in report["files"]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data_set = pydicom.dcmread(entry["input"], force=True, stop_before_pixels=True)
            for name in ["PatientName", "PatientID", "PatientBirthDate", "StudyDate", "SeriesDate", "AccessionNumber",
                         "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "InstitutionName", "StationName"]:
                value = str(data_set.get(name, "") or "")
                who |= {value} | set(value.split("^"))
    except Exception:
        pass
# Four digits are a part of every other tag and number.
who = {text for text in who if len(text) > 4}
warnings.simplefilter("error")
pydicom.config.settings.reading_validation_mode = pydicom.config.RAISE
count = 0
for entry in report["files"]:
    if entry["kind"] != "dicom" or not entry["output"]:
        continue
    text = (out / entry["output"]).read_text("utf-8")
    data_set = pydicom.Dataset.from_json(text)
    assert data_set.PatientIdentityRemoved == "YES"
    data_set.to_json()
    for value in who:
        assert value not in text, entry["output"]
    for element in data_set.iterall():
        assert element.VR == "SQ" or str(element.value) not in who, (entry["output"], element.tag)
    count += 1
print(count, len(who))
"#;

#[test]
fn another_reader_takes_every_output_and_finds_nobody() {
    let python = or_skip!(peer::python("pydicom"));
    let dir = tempfile::tempdir().unwrap();
    for (name, file) in
        [("good", hostile::scan().file("")), ("wrong", hostile::wrong()), ("encoded", hostile::encoded())]
    {
        fs::write(dir.path().join(name), file).unwrap();
    }
    let others = std::env::var_os("DICOM_FILES").map(PathBuf::from);
    let paths: Vec<_> = others.into_iter().chain([dir.path().to_owned()]).collect();
    let run = run(&[], &paths, &[]);
    let report = dir.path().join("report.json");
    fs::write(&report, run.report.to_string()).unwrap();
    let read = Command::new(python).args(["-c", READER]).args([&report, &run.out]).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let said = String::from_utf8(read.stdout).unwrap();
    let count: usize = said.split(' ').next().unwrap().parse().unwrap();
    println!("outputs read by pydicom, texts about somebody searched in them: {said}");
    let of_dicom =
        run.files().values().filter(|file| file["kind"] == "dicom" && file["output"].is_string()).count();
    assert!(count == of_dicom && count >= 3, "{count} of {of_dicom}");
}
