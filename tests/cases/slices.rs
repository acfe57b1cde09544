//! A support case beside scans that are stored in slices: of a scan one file is read to learn whom a log may mention, and
//! of files that only look like one each.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::common::clinic::Clinic;
use crate::common::kathea::workplace::dicom::Set;
use time::OffsetDateTime;

const FILES: usize = 40;

/// A slice, or an image of somebody's.
fn image(name: &str, series: &str, number: usize) -> Vec<u8> {
    Set::default()
        .text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(0x0008_0018, "UI", &format!("{series}.{number}"))
        .text(0x0008_0060, "CS", "CT")
        .text(0x0010_0010, "PN", name)
        .text(0x0020_000e, "UI", series)
        .text(0x0020_0013, "IS", &number.to_string())
        .file("")
}

/// A name that is in no list: of the number's digits.
fn somebody(number: usize) -> String {
    let syllables = ["vel", "tor", "mik", "san", "dru", "bex", "hol", "fen", "gry", "ket"];
    format!("zu{}{}ja", syllables[number / 10 % 10], syllables[number % 10])
}

/// Everything below a folder.
fn texts(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => texts(&path, all),
            path => all.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap())),
        }
    }
}

#[test]
fn of_a_scan_in_slices_one_file_is_read_and_of_a_folder_of_images_each() {
    let clinic = Clinic::new();
    let learned = |case: &str| {
        clinic.preview(case, &[]);
        clinic.manifest(case)["files_learned"].as_u64().unwrap()
    };
    let before = learned("CASE-1");
    let (scan, images) = (clinic.path("scans/slices"), clinic.path("scans/images"));
    fs::create_dir(&scan).unwrap();
    fs::create_dir(&images).unwrap();
    let now = OffsetDateTime::now_utc();
    let mut log = String::new();
    let mut say = |name: &str| {
        let line = format!("[INFO] worklist(2101): patient {name} opened");
        writeln!(log, "{} {:02}:{:02}:00.000 {line}", now.date(), now.hour(), now.minute()).unwrap();
    };
    for number in 1..=FILES {
        let slice = image("Wexordal^Ib", "1.2.826.0.1.3680043.8.498.7", number);
        fs::write(scan.join(format!("{number}.dcm")), slice).unwrap();
        // As long as a series, and numbered like one.
        let (name, series) = (somebody(number), format!("1.2.826.0.1.3680043.8.498.8.{number}"));
        fs::write(images.join(format!("{number}.dcm")), image(&name, &series, number)).unwrap();
        say(&name);
    }
    say("wexordal");
    let path = clinic.path("logs/kathea.log");
    let old = fs::read_to_string(&path).unwrap();
    fs::write(&path, old + &log).unwrap();
    assert_eq!(learned("CASE-2") - before, 1 + FILES as u64);

    let mut cleaned = String::new();
    texts(&clinic.path("copy-CASE-2"), &mut cleaned);
    assert!(cleaned.contains("worklist(2101)"), "{cleaned}");
    for name in (1..=FILES).map(somebody).chain(["wexordal".to_owned()]) {
        assert!(!cleaned.contains(&name), "{name}");
    }
}
