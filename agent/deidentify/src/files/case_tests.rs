//! Many cases in one process, with a context of ten thousand patients that is learned once: no output is blocked, and
//! nothing of anybody is in one. `CASES` says how many; `.ci/nightly cases` runs 1,000.

use std::fs;
use std::path::Path;
use std::time::Instant;

use test_support::Random;
use test_support::clinic::{self, Patient, SCHEMES};
use zeroize::Zeroizing;

use super::checked::Checked;
use super::clean;
use super::inputs::{Found, Input, Take};
use super::learn::Everything;
use crate::case::Case;
use crate::dicom::tests::write::{EXPLICIT, Set};
use crate::identifiers::Identifiers;

const CASES: usize = 20;
const PATIENTS: usize = 10_000;

fn scan(patient: &Patient) -> Vec<u8> {
    let mut set = Set::new(EXPLICIT);
    set.text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0018, "UI", "1.2.826.0.1.3680043.8.498.1")
        .text(0x0008_0020, "DA", "20261121")
        .text(0x0008_0030, "TM", "103211")
        .text(0x0008_0050, "SH", &format!("A{}", patient.id))
        .text(0x0008_0060, "CS", "CT")
        .text(0x0008_0070, "LO", "Copenhagen Imaging ApS")
        .text(0x0008_1030, "LO", &format!("scan of {} {}", patient.given, patient.family))
        .text(0x0010_0010, "PN", &format!("{}^{}", patient.family, patient.given))
        .text(0x0010_0020, "LO", &patient.id)
        .text(0x0010_0030, "DA", &patient.born.replace('-', ""))
        .text(0x0018_0060, "DS", "90")
        .text(0x0018_1000, "LO", "X1-0012")
        .text(0x0018_1164, "DS", "28.719\\340")
        .text(0x0020_0010, "SH", &patient.id)
        .text(0x0020_0032, "DS", "-123.45678\\-98.765432\\20.12345");
    set.file()
}

fn input(path: &Path) -> (Input, Option<fs::File>) {
    let found = Found { path: path.into(), listed: regular::Identity::ANY, refused: None, take: Take::Whole };
    let opened = found.open();
    Input::new(found, opened)
}

/// The output of one file, or why there is none.
fn output(path: &Path, case: &Case, identifiers: &Identifiers) -> Result<String, String> {
    let (input, file) = input(path);
    let mut out = Vec::new();
    let mut checked = Checked::new(identifiers, case, &mut out);
    let cleaned = clean::clean(&input, file.as_ref(), case, identifiers, &mut checked).unwrap();
    checked.finish(cleaned).unwrap().map_err(|reason| format!("{reason:?}"))?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn cases_beside_a_context_that_was_learned_once_are_neither_blocked_nor_leak() {
    let cases = std::env::var("CASES").map_or(CASES, |cases| cases.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let patients = clinic::patients(&mut Random::new(1), PATIENTS, |at| at % SCHEMES);
    let mut learning = Everything::default();
    for patients in patients.chunks(1000) {
        let (input, file) = input(&write("context.json", clinic::register(patients).as_bytes()));
        learning.file(&input, file.as_ref(), false).unwrap();
    }
    // The control: what is searched for below is in what goes in.
    assert!(clinic::secret_in(&patients, &clinic::log(&mut Random::new(1), &patients)).is_some());
    let (identifiers, begun) = (learning.finish().unwrap(), Instant::now());
    let (mut outputs, mut blocked, mut leaks) = (0, Vec::new(), Vec::new());
    for number in 0..cases {
        let mut random = Random::new(number as u64 + 1);
        let mut one = || patients[random.index(PATIENTS)].clone();
        let mut paths: Vec<_> = (0..6).map(|at| write(&format!("{at}.dcm"), &scan(&one()))).collect();
        let [json, xml] = clinic::sidecars(&one());
        paths.extend([write("scan.json", json.as_bytes()), write("scan.xml", xml.as_bytes())]);
        paths.push(write("kathea.log", clinic::log(&mut random, &patients).as_bytes()));
        let mut key = [7; 32];
        key[..8].copy_from_slice(&(number as u64).to_le_bytes());
        let mut kept = String::new();
        for path in &paths {
            // One for each file, as in a case of a person.
            let case = Case::new(Zeroizing::new(key));
            match output(path, &case, &identifiers) {
                Ok(text) => {
                    let secret = clinic::secret_in(&patients, &text);
                    if clinic::is_foreign(&text) || secret.is_some() {
                        leaks.push((number, path.clone(), secret));
                    }
                    outputs += 1;
                    kept += &text;
                }
                Err(why) => blocked.push((number, path.clone(), why)),
            }
        }
        for technical in ["ready at 90 kV", "calibration done", "X1-0012", "28.719", "version 4.2.1."] {
            assert!(kept.contains(technical), "case {number}: {technical} is gone");
        }
    }
    let took = begun.elapsed();
    println!(
        "{cases} cases, {PATIENTS} patients learned once: {} blocked, {} leaks in {outputs} outputs, {took:.1?}",
        blocked.len(),
        leaks.len()
    );
    assert!(blocked.is_empty(), "{blocked:?}");
    assert!(leaks.is_empty(), "{leaks:?}");
}
