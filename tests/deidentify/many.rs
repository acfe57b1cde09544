//! Cases in clinics with many patients, of every script and every scheme of numbers: no output is blocked, nothing of
//! anybody stays in one.

use std::collections::HashSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use test_support::{Random, peer};

use super::dicom::Set;
use super::run;

/// At full length; otherwise one for each scheme of numbers.
const CASES: usize = 20;
const SCHEMES: usize = 6;
const PATIENTS: usize = 10_000;

/// Syllables of a script, names of which are short as often as long, and short names that stand alone.
type Script = (&'static [&'static str], &'static [&'static str]);

const SCRIPTS: [Script; 6] = [
    (
        &["ska", "lov", "vin", "bre", "mo", "kjel", "gaard", "sten"],
        &["Ada", "Bea", "Ebba", "Abbe", "Dea", "Bo", "Fae"],
    ),
    (&["ор", "лов", "мир", "ски", "пет", "ев", "на", "щу"], &["Юрий", "Ян", "Ли", "Я"]),
    (&["مح", "مد", "حس", "ين", "عب", "دال", "رح", "يم"], &["علي", "نور", "مي"]),
    (&["כה", "לוי", "מז", "רח", "פר", "ידמ", "ן", "שר"], &["דן", "גל", "נא"]),
    (&["や", "まだ", "すず", "き", "さと", "う", "たか", "はし"], &["山", "王", "田中", "はな"]),
    (&["김", "이", "박", "최", "정", "강", "조", "윤"], &["수", "지민", "하나"]),
];

struct Patient {
    family: String,
    given: String,
    id: String,
    born: String,
    phone: String,
}

/// Somebody of `script` with a number of `scheme`, the `at`th of a clinic.
fn patient(random: &mut Random, script: usize, scheme: usize, at: usize) -> Patient {
    let (syllables, short) = SCRIPTS[script];
    let family: String = (0..2 + random.index(3)).map(|_| random.one(syllables)).collect();
    let given = match random.index(3) {
        0 => (0..2).map(|_| random.one(syllables)).collect(),
        _ => random.one(short).to_owned(),
    };
    let (year, month, day) = (1930 + random.index(96), 1 + random.index(12), 1 + random.index(28));
    let id = match scheme {
        0 => format!("{:08}", 80_000 + at),
        1 => format!("{day:02}{month:02}{:02}-{:04}", year % 100, 1000 + at % 9000),
        2 => format!("{}{:04}", 2012 + at % 14, 101 + at / 14),
        3 => format!("P-{:07}", 1 + at),
        4 => format!("AX-{:05}", 10_000 + at),
        _ => format!("{:010}", 1_000_003 * (at as u64 + 7)),
    };
    let phone = format!("{}", 20_000_000 + 977 * at);
    Patient { family, given, id, born: format!("{year}-{month:02}-{day:02}"), phone }
}

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

/// A log of five days, in which every tenth line names somebody.
fn log(random: &mut Random, patients: &[Patient]) -> String {
    let mut log = String::new();
    for at in 0..600 {
        let who = &patients[random.index(patients.len())];
        let message = match at % 10 {
            0 => format!("scan of {}, {} opened after 312 ms", who.family, who.given),
            1 => format!("{}_{}.dcm stored", who.given, who.family),
            2 => format!("patient {} loaded", who.id),
            3 => format!("ready at 90 kV, {}.{:03} mA", random.index(9), random.index(1000)),
            4 => format!("frame {} lost, version 4.2.1.{}", random.index(10_000), random.index(100)),
            5 => format!("table 12.5 {}.25 -3.125 {}", random.index(100), random.index(1000)),
            6 => format!("{{\"level\":\"info\",\"frames\":[{},{}]}}", random.index(9999), random.index(9999)),
            7 => format!("queue {} of {}", random.index(100), random.index(100)),
            8 => format!("born {} tlf {}", who.born, who.phone),
            _ => "calibration done".to_owned(),
        };
        let (day, minute) = (17 + at / 120, at % 60);
        if at % 10 == 6 {
            writeln!(log, "{message}").unwrap();
        } else {
            writeln!(log, "2026-11-{day} 10:{minute:02}:11.{:03} [INFO] ui({}): {message}", at, 1000 + at)
                .unwrap();
        }
    }
    log
}

/// The words and numbers of an output, but for the keys of the DICOM JSON model.
fn words(text: &str) -> HashSet<&str> {
    let mut words = HashSet::new();
    let mut at = 0;
    for word in text.split(|letter: char| !letter.is_alphanumeric()) {
        let rest = text.get(at + word.len()..).unwrap_or_default();
        if !rest.starts_with("\":{\"vr\"") {
            words.insert(word);
        }
        at += word.len() + rest.chars().next().map_or(0, char::len_utf8);
    }
    words
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
        // A clinic has one scheme and patients of every script, two in three of the country's own.
        let patients: Vec<Patient> = (0..PATIENTS)
            .map(|at| {
                let script = if at % 3 == 0 { 1 + at / 3 % 5 } else { 0 };
                patient(&mut random, script, case % SCHEMES, at)
            })
            .collect();
        for (number, patients) in patients.chunks(1000).enumerate() {
            let list: Vec<_> = patients
                .iter()
                .map(|who| {
                    serde_json::json!({
                        "patientName": format!("{}^{}", who.family, who.given),
                        "patientId": who.id,
                        "birthDate": who.born,
                        "phone": who.phone,
                    })
                })
                .collect();
            fs::write(context.join(format!("{number}.json")), serde_json::json!(list).to_string()).unwrap();
        }
        for at in 0..6 {
            let who = &patients[random.index(PATIENTS)];
            fs::write(files.join(format!("{at}.dcm")), scan(who)).unwrap();
        }
        fs::write(files.join("kathea.log"), log(&mut random, &patients)).unwrap();
        let who = &patients[random.index(PATIENTS)];
        let sidecar = serde_json::json!({
            "kv": 90, "mA": 5, "spacing": [0.25, 28.719, 340], "patientName": who.family, "patientId": who.id,
            "frames": [2871, 9340, 1234, 5678], "comment": who.given, "serialNumber": "X1-0012",
        });
        fs::write(files.join("scan.json"), sidecar.to_string()).unwrap();
        let markup =
            format!("<scan><kv>90</kv><patientName>{}</patientName><frames>2871</frames></scan>", who.family);
        fs::write(files.join("scan.xml"), markup).unwrap();

        let run = run(&[], &[&files], &[&context]);
        assert_eq!(run.code, Some(0), "case {case}: {}", run.words);
        assert_eq!(run.report["totals"]["cleaned"], 9, "case {case}: {}", run.words);
        let is_foreign = |text: &str| text.chars().any(|letter| letter.is_alphabetic() && letter > '\u{36f}');
        for output in run.outputs() {
            let text = String::from_utf8(output).unwrap();
            assert!(!is_foreign(&text), "case {case}: {text}");
            let words = words(&text);
            for who in &patients {
                for secret in [&who.family, &who.given, &who.id, &who.phone] {
                    let mut parts = secret.split(|letter: char| !letter.is_alphanumeric());
                    // Two letters are nobody; a number like a day's is where dates come to lie.
                    let tells =
                        secret.chars().count() > 2 && !(secret.len() == 8 && secret.starts_with("20"));
                    let is_there =
                        tells && parts.all(|part| words.contains(part)) && text.contains(secret.as_str());
                    assert!(!is_there, "case {case}: {secret} in {text}");
                }
            }
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
