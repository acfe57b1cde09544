//! A case as a whole: everything or nothing, and every file listed.

use zeroize::Zeroizing;

use super::*;
use crate::deidentify::identifiers::{Kind, Learning};

fn case() -> Case {
    Case::new(Zeroizing::new([7; 32]))
}

fn cleaned(paths: &[PathBuf], contexts: &[PathBuf], output: &Path) -> Report {
    run(&Job { paths, contexts, output }, &case(), |_| {}).unwrap()
}

#[test]
fn an_output_that_tells_somebody_keeps_none() {
    let dir = tempfile::tempdir().unwrap();
    let mut learning = Learning::default();
    learning.learn(Kind::Name, "Sørensen^Anna");
    let identifiers = learning.finish().unwrap();
    let part =
        |text: &str| Part::write(dir.path(), "0001.log", |out| out.write_all(text.as_bytes())).unwrap().0;
    assert!(checked(&part("kV 90"), &identifiers, &case(), dir.path()).is_ok());
    let failure = checked(&part("S\\u00f8rensen"), &identifiers, &case(), dir.path()).unwrap_err();
    let text = failure.to_string();
    assert!(
        text.contains("0001.log") && text.contains("learned_name") && text.contains("unescaped"),
        "{text}"
    );
    assert!(!text.to_lowercase().contains("rensen"), "{text}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn every_file_is_listed_and_outputs_have_neutral_names() {
    let dir = tempfile::tempdir().unwrap();
    let (files, out) = (dir.path().join("in"), dir.path().join("out"));
    fs::create_dir(&files).unwrap();
    fs::write(files.join("anna.log"), "Anna Sørensen lost 17 frames").unwrap();
    fs::write(files.join("b.json"), r#"{"patientName":"Sørensen^Anna","kvp":90}"#).unwrap();
    fs::write(files.join("c.zip"), b"PK\x03\x04").unwrap();
    fs::write(files.join("d.json"), "{ no json, lost 3").unwrap();
    let report = cleaned(&[files], &[], &out);
    let rows: Vec<_> =
        report.files.iter().map(|file| (file.kind, file.output.as_deref(), file.reason)).collect();
    let wanted = [
        ("text", Some("0001.log"), None),
        ("json", Some("0002.json"), None),
        ("other", None, Some("other_format")),
        ("text", Some("0003.log"), None),
    ];
    assert_eq!(rows, wanted);
    assert_eq!(fs::read_to_string(out.join("0001.log")).unwrap(), "[name] lost 17 frames");
    assert_eq!((report.totals.cleaned, report.totals.refused, report.persons_learned), (3, 1, 1));
}

#[test]
fn a_context_teaches_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (log, context, out) = (dir.path().join("x.log"), dir.path().join("c.json"), dir.path().join("out"));
    fs::write(&log, "scan of crown 7391824 stored").unwrap();
    fs::write(&context, r#"{"patientName":"Crown^Tube","patientId":"7391824"}"#).unwrap();
    cleaned(std::slice::from_ref(&log), &[], &out);
    assert_eq!(fs::read_to_string(out.join("0001.log")).unwrap(), "scan of crown 7391824 stored");
    cleaned(&[log], &[context], &out);
    assert_eq!(fs::read_to_string(out.join("0001.log")).unwrap(), "scan of [name] [id] stored");
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
}
