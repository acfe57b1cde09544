//! Cases in clinics with many patients, of every script and every scheme of numbers: no output is blocked, nothing of
//! anybody stays in one.

use std::fs;
use std::path::Path;

use test_support::clinic::{self, Patient, SCHEMES};
use test_support::{Random, peer};

use super::dicom::Set;
use super::run;

/// At full length; otherwise one for each scheme of numbers.
const CASES: usize = 20;
const PATIENTS: usize = 10_000;

fn scan(patient: &Patient) -> Vec<u8> {
    Set::default()
        .text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0018, "UI", "1.2.826.0.1.3680043.8.498.1")
        .text(0x0008_0020, "DA", "20261121")
        .text(0x0008_0030, "TM", "103211")
        .text(0x0008_0050, "SH", &format!("A{}", patient.id))
        .text(0x0008_0060, "CS", "CT")
        .text(0x0008_0070, "LO", "Copenhagen Imaging ApS")
        .text(0x0008_1030, "LO", &format!("scan of {} {}", patient.given, patient.family))
        .text(0x0008_1090, "LO", "X1")
        .text(0x0010_0010, "PN", &format!("{}^{}", patient.family, patient.given))
        .text(0x0010_0020, "LO", &patient.id)
        .text(0x0010_0030, "DA", &patient.born.replace('-', ""))
        .text(0x0010_2154, "SH", &patient.phone)
        .text(0x0018_0060, "DS", "90")
        .text(0x0018_1000, "LO", "X1-0012")
        .text(0x0018_1164, "DS", "28.719\\340")
        .text(0x0020_000d, "UI", "1.2.826.0.1.3680043.8.498.2")
        .text(0x0020_000e, "UI", "1.2.826.0.1.3680043.8.498.3")
        .text(0x0020_0010, "SH", &patient.id)
        .text(0x0020_0032, "DS", "-123.45678\\-98.765432\\20.12345")
        .file("")
}

#[test]
fn no_case_of_a_large_clinic_is_blocked_and_nobody_stays_in_one() {
    let cases = if peer::is_slow("14 of 20 clinics") { CASES } else { SCHEMES };
    let mut outputs = 0;
    for case in 0..cases {
        let mut random = Random::new(case as u64 + 1);
        let dir = tempfile::tempdir().unwrap();
        let context = dir.path().join("context");
        let files = dir.path().join("files");
        fs::create_dir(&context).unwrap();
        fs::create_dir(&files).unwrap();
        // A clinic has one scheme.
        let patients = clinic::patients(&mut random, PATIENTS, |_| case % SCHEMES);
        for (number, patients) in patients.chunks(1000).enumerate() {
            fs::write(context.join(format!("{number}.json")), clinic::register(patients)).unwrap();
        }
        for at in 0..6 {
            let who = &patients[random.index(PATIENTS)];
            fs::write(files.join(format!("{at}.dcm")), scan(who)).unwrap();
        }
        fs::write(files.join("kathea.log"), clinic::log(&mut random, &patients)).unwrap();
        let who = &patients[random.index(PATIENTS)];
        let [sidecar, markup] = clinic::sidecars(who);
        fs::write(files.join("scan.json"), sidecar).unwrap();
        fs::write(files.join("scan.xml"), markup).unwrap();

        let run = run(&[], &[&files], &[&context]);
        assert_eq!(run.code, Some(0), "case {case}: {}", run.words);
        assert_eq!(run.report["totals"]["cleaned"], 9, "case {case}: {}", run.words);
        for output in run.outputs() {
            let text = String::from_utf8(output).unwrap();
            assert!(!clinic::is_foreign(&text), "case {case}: {text}");
            assert_eq!(clinic::secret_in(&patients, &text), None, "case {case}: {text}");
            outputs += 1;
        }
        let kept = run.outputs().concat();
        let kept = String::from_utf8_lossy(&kept);
        for technical in
            ["ready at 90 kV", "calibration done", "X1-0012", "28.719", "10:59:11", "version 4.2.1."]
        {
            assert!(kept.contains(technical), "case {case}: {technical} is gone");
        }
    }
    println!("0 of {cases} cases blocked; 0 of {PATIENTS} patients each in {outputs} outputs");
}

/// One patient whose name is in letters of two bytes, or whose number is one that this program writes itself.
#[test]
fn one_patient_of_the_context_stops_no_output() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let of = |family: &str, given: &str, id: &str| {
        let born = "1980-03-12".to_owned();
        scan(&Patient {
            family: family.into(),
            given: given.into(),
            id: id.into(),
            born,
            phone: "20123456".into(),
        })
    };
    let log = write("x.log", b"2026-11-21 10:32:11.123 [INFO] generator(1042): ready at 90 kV\n");
    let own = write("own.dcm", &of("Skovgaard", "Inge", "110458-1234"));
    for (family, given, id) in [
        ("\u{41e}\u{440}\u{43b}\u{43e}\u{432}", "\u{42e}\u{440}\u{438}\u{439}", "AX-771"),
        ("Frandsen", "Ebba Lund", "00080060"),
        ("Basic", "Ada Bea", "00080018"),
    ] {
        let context = write("context.dcm", &of(family, given, id));
        let run = run(&[], &[&log, &own], &[context.as_path() as &Path]);
        assert_eq!(run.code, Some(0), "{}", run.words);
        assert_eq!(
            (&run.report["totals"]["cleaned"], &run.report["persons_learned"]),
            (&2.into(), &2.into())
        );
        let outputs = run.outputs().concat();
        let text = String::from_utf8_lossy(&outputs);
        assert!(text.contains("generator(1042): ready at 90 kV") && text.contains("00080060"), "{text}");
        assert!(text.contains("Basic Application Confidentiality Profile"), "{text}");
    }
}
