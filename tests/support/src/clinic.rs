//! A clinic's patients, of every script and every scheme of numbers, and the logs that name them.

use std::collections::HashSet;

use crate::Random;

/// Schemes of patients' numbers.
pub const SCHEMES: usize = 6;

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

/// An invented patient.
#[derive(Clone, Debug)]
pub struct Patient {
    /// Family name.
    pub family: String,
    /// Given name.
    pub given: String,
    /// The clinic's number.
    pub id: String,
    /// Day of birth, `YYYY-MM-DD`.
    pub born: String,
    /// Telephone number.
    pub phone: String,
}

/// The patients of a clinic: of every script, two in three of the country's own. `scheme` says whose number is of which.
pub fn patients(random: &mut Random, count: usize, scheme: impl Fn(usize) -> usize) -> Vec<Patient> {
    let script = |at: usize| if at.is_multiple_of(3) { 1 + at / 3 % 5 } else { 0 };
    (0..count).map(|at| patient(random, script(at), scheme(at), at)).collect()
}

/// A sidecar that names each of them.
pub fn register(patients: &[Patient]) -> String {
    let named = |who: &Patient| {
        let Patient { family, given, id, born, phone } = who;
        format!(
            r#"{{"patientName":"{family}^{given}","patientId":"{id}","birthDate":"{born}","phone":"{phone}"}}"#
        )
    };
    format!("[{}]", patients.iter().map(named).collect::<Vec<_>>().join(","))
}

/// JSON and XML beside a scan of somebody.
pub fn sidecars(who: &Patient) -> [String; 2] {
    let Patient { family, given, id, .. } = who;
    [
        format!(
            r#"{{"kv":90,"mA":5,"spacing":[0.25,28.719,340],"patientName":"{family}","patientId":"{id}","frames":[2871,9340,1234,5678],"comment":"{given}","serialNumber":"X1-0012"}}"#
        ),
        format!("<scan><kv>90</kv><patientName>{family}</patientName><frames>2871</frames></scan>"),
    ]
}

/// What in `text` is somebody's of `patients`.
pub fn secret_in<'p>(patients: &'p [Patient], text: &str) -> Option<&'p str> {
    let words = words(text);
    let is_there = |secret: &&String| {
        let mut parts = secret.split(|letter: char| !letter.is_alphanumeric());
        // Two letters are nobody; a number like a day's is where dates come to lie.
        let tells = secret.chars().count() > 2 && !(secret.len() == 8 && secret.starts_with("20"));
        tells && parts.all(|part| words.contains(part)) && text.contains(secret.as_str())
    };
    let secrets = patients.iter().flat_map(|who| [&who.family, &who.given, &who.id, &who.phone]);
    secrets.into_iter().find(is_there).map(String::as_str)
}

/// Whether `text` has letters of another script than Latin.
pub fn is_foreign(text: &str) -> bool {
    text.chars().any(|letter| letter.is_alphabetic() && letter > '\u{36f}')
}

/// Somebody of `script` with a number of `scheme`, the `at`th of a clinic.
fn patient(random: &mut Random, script: usize, scheme: usize, at: usize) -> Patient {
    let (syllables, short) = SCRIPTS.get(script).copied().unwrap_or_default();
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

/// A log of five days, in which every tenth line names somebody.
pub fn log(random: &mut Random, patients: &[Patient]) -> String {
    let mut log = String::new();
    for at in 0..600 {
        let Some(who) = patients.get(random.index(patients.len())) else { break };
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
            log += &format!("{message}\n");
        } else {
            log +=
                &format!("2026-11-{day} 10:{minute:02}:11.{:03} [INFO] ui({}): {message}\n", at, 1000 + at);
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
