//! A case as a whole: everything or nothing, and every file listed. Without the process in between.

use deidentify::check::Finding;
use deidentify::files::{Format, Reason, process};
use deidentify::identifiers::Kind;

use super::*;

const KEY: [u8; 32] = [7; 32];

/// Cleans `paths` into `output` as if a child had done it.
fn ran(paths: &[PathBuf], contexts: &[PathBuf], output: &Path) -> Result<Report, Failure> {
    fs::create_dir_all(output).unwrap();
    let (files, contexts) = (find(paths), find(contexts));
    let order = || Order {
        key: KEY,
        files: files.clone(),
        contexts: contexts.clone(),
        typed: Vec::new(),
        own: Vec::new(),
        known: Known {
            machine: ["WS-ELMEGADE", "kathea"].map(|name| (Kind::Id, name.to_owned())).into(),
            ..Known::default()
        },
        done: 0,
    };
    let mut folder = Folder::new(output, &order(), |_| {});
    let mut failed = None;
    process(
        order(),
        &mut |found| Ok(found.open()),
        &mut Hearing { folder: &mut folder, failed: &mut failed },
    )
    .unwrap();
    match failed {
        None => Ok(folder.keep().unwrap()),
        Some(failed) => Err(failed.into()),
    }
}

/// A folder, and what went wrong.
struct Hearing<'a, 'f, E> {
    folder: &'a mut Folder<'f, E>,
    failed: &'a mut Option<Failed>,
}

impl<E: FnMut(Step<'_>)> Write for Hearing<'_, '_, E> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.folder.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<E: FnMut(Step<'_>)> Outlet for Hearing<'_, '_, E> {
    fn say(&mut self, said: Said) -> io::Result<()> {
        if let Said::Failed(failed) = &said {
            *self.failed = Some(*failed);
        }
        self.folder.say(said)
    }
}

fn cleaned(paths: &[PathBuf], contexts: &[PathBuf], output: &Path) -> Report {
    ran(paths, contexts, output).unwrap()
}

/// A folder that holds these files; its paths, by their names.
fn written(dir: &Path, files: &[(&str, String)]) -> Vec<PathBuf> {
    let write = |(name, text): &(&str, String)| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    files.iter().map(write).collect()
}

#[test]
fn a_moved_date_that_is_a_birthday_stops_nothing_and_a_birthday_stays_nowhere() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    let (year, month, day) = Case::new(Zeroizing::new(KEY)).shift_date(2026, 11, 21).unwrap();
    let born = format!("{year:04}-{month:02}-{day:02}");
    let paths = written(
        dir.path(),
        &[
            ("a.log", "2026-11-21 10:32:11 [INFO] detector(2107): lost 17 frames\n".into()),
            ("b.log", format!("2026-11-21 10:32:11 [INFO] detector(2107): lost {born} 17 frames\n")),
            ("c.json", serde_json::json!({"patients": [{"birthDate": born}]}).to_string()),
            // A number that was given out in the year in which its dates come to lie.
            ("d.json", serde_json::json!({"patientId": born.replace('-', "")}).to_string()),
        ],
    );
    let report = cleaned(&paths, &[], &out);
    assert_eq!((report.totals.files, report.totals.cleaned), (4, 4), "{:?}", report.files);
    let read = |name: &str| fs::read_to_string(out.join(name)).unwrap();
    assert_eq!(read("0001.log"), format!("{born} 10:32:11 [INFO] detector(2107): lost 17 frames\n"));
    assert!(!read("0002.log").trim_start_matches(&born).contains(&born), "{}", read("0002.log"));
}

#[test]
fn a_file_that_is_quarantined_is_named_and_the_others_are_done() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let files = written(dir.path(), &[("a.log", "x".into()), ("b.log", "lost 17 frames".into())]);
    let order = Order {
        key: KEY,
        files: find(&files),
        contexts: Vec::new(),
        typed: Vec::new(),
        own: Vec::new(),
        known: Known::default(),
        done: 0,
    };
    let mut folder = Folder::new(&out, &order, |_| {});
    folder.write_all(b"Anna").unwrap();
    let finding = Finding { kind: Kind::Name, line: 12, tag: None };
    folder.say(Said::Finished(Err((Format::Text, Reason::Quarantined(finding))))).unwrap();
    folder.write_all(b"lost 17 frames").unwrap();
    let done = Cleaned {
        format: Format::Text,
        kept: 3,
        replaced: 0,
        dropped: 0,
        rules: std::collections::BTreeMap::new(),
        changes: Vec::new(),
        bytes_read: None,
    };
    folder.say(Said::Finished(Ok(done))).unwrap();
    let report = folder.keep().unwrap();
    let rows: Vec<_> = report.files.iter().map(|file| (file.reason, file.finding.as_deref())).collect();
    assert_eq!(rows, [(Some("quarantined"), Some("learned_name in line 12")), (None, None)]);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 1);
    assert_eq!(fs::read_to_string(out.join("0001.log")).unwrap(), "lost 17 frames");
}

#[test]
fn a_file_of_which_nobody_knows_whom_it_names_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let mut scan = vec![0; 128];
    scan.extend(b"DICM\x08\0\x60\0CS\xff\xff");
    let [own, context, log] = ["own.dcm", "context.dcm", "x.log"].map(|name| dir.path().join(name));
    fs::write(&own, &scan).unwrap();
    fs::write(&context, &scan).unwrap();
    fs::write(&log, "17 frames").unwrap();
    let report = cleaned(&[own, log], std::slice::from_ref(&context), &dir.path().join("out"));
    let rows: Vec<_> = report.files.iter().map(|file| (file.kind, file.reason)).collect();
    assert_eq!(rows, [("dicom", Some("cut")), ("text", None)]);
    let input = context.display().to_string();
    assert_eq!(report.contexts_refused, [Unlearned { input, reason: "cut" }]);
}

/// What a file showed before it broke off is known: its logs leave all the same.
#[test]
fn a_cut_file_teaches_what_stands_before_the_cut() {
    let dir = tempfile::tempdir().unwrap();
    let mut scan = vec![0; 128];
    scan.extend(
        b"DICM\x10\0\x10\0PN\x0a\0Crown^Tube\x10\0\x20\0LO\x08\x007391824 \x10\0\x30\0DA\x08\x0019800312",
    );
    scan.extend(b"\x18\0\x60\0DS\xff\xff");
    let names = ["own.dcm", "context.dcm", "context.json", "context.xml", "x.log"];
    let [own, context, json, xml, log] = names.map(|name| dir.path().join(name));
    fs::write(&own, &scan).unwrap();
    fs::write(&context, &scan).unwrap();
    fs::write(&json, r#"{"patientName":"Crown^Tube","patientId":"7391824","birthDate":"1980-03-12","kvp":"#)
        .unwrap();
    fs::write(
        &xml,
        "<s><patientName>Crown^Tube</patientName><patientId>7391824</patientId><dob>19800312</dob><kvp",
    )
    .unwrap();
    fs::write(&log, "crown 7391824 of 12/3-80 stored").unwrap();
    let cleaned_log = |paths: &[PathBuf], contexts: &[PathBuf]| {
        let out = dir.path().join("out");
        let report = cleaned(paths, contexts, &out);
        let row = report.files.iter().find(|file| file.input.ends_with("x.log")).unwrap();
        fs::read_to_string(out.join(row.output.as_deref().unwrap())).unwrap()
    };
    let wanted = "[name] [id] of [date] stored";
    for context in [&context, &json, &xml] {
        assert_eq!(
            cleaned_log(std::slice::from_ref(&log), std::slice::from_ref(context)),
            wanted,
            "{context:?}"
        );
    }
    assert_eq!(cleaned_log(&[own.clone(), log.clone()], &[]), wanted);
    assert_eq!(cleaned_log(&[log], &[]), "crown 7391824 of 12/3-80 stored");
}

#[test]
fn every_file_is_listed_and_outputs_have_neutral_names() {
    let dir = tempfile::tempdir().unwrap();
    let (files, out) = (dir.path().join("in"), dir.path().join("out"));
    fs::create_dir(&files).unwrap();
    fs::write(files.join("anna.log"), "Kathea on WS-ELMEGADE: Anna Sørensen lost 17 frames").unwrap();
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
    assert_eq!(fs::read_to_string(out.join("0001.log")).unwrap(), "Kathea on [id]: [name] lost 17 frames");
    assert_eq!((report.totals.cleaned, report.totals.refused, report.persons_learned), (3, 1, 1));
    assert_eq!(report.files_learned, 1, "the names of this computer are no file");
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
