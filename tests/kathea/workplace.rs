//! What the simulated Kathea and its X1 leave beside the outbox: logs that name patients, results, scans and their
//! motion traces. Everything follows from the seed and the time.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::Path;

use time::{Duration, OffsetDateTime};

#[path = "../leak/dicom.rs"]
pub(crate) mod dicom;

use super::Random;
use dicom::Set;

/// Somebody who was scanned.
pub(crate) struct Patient {
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) number: String,
}

const NAMES: &[(&str, &str)] = &[
    ("Vestergaard", "Kirstine"),
    ("Sørensen", "Anna"),
    ("Bjerregaard", "Niels"),
    ("Thorvaldsen", "Åse"),
    ("Kjærsgaard", "Bodil"),
];

/// Writes the last hours of a workplace into `logs` and `scans`, and says who was scanned.
pub(crate) fn write(
    logs: &Path,
    scans: &Path,
    now: OffsetDateTime,
    random: &mut Random,
) -> io::Result<Vec<Patient>> {
    fs::create_dir_all(logs)?;
    let (mut kathea, mut controller) = (String::new(), String::new());
    let mut patients = Vec::new();
    for (number, (family, given)) in NAMES.iter().enumerate() {
        let at = now - Duration::minutes(50 - 10 * number as i64);
        let birth = random.within(1, 28);
        let patient =
            Patient { family, given, number: format!("{birth:02}0761-{}", random.within(4000, 4999)) };
        let folder = scans.join(format!("{number:04}"));
        fs::create_dir_all(&folder)?;
        fs::write(folder.join("volume.dcm"), header(&patient, birth, at, number, random))?;
        fs::write(folder.join("volume.motion.csv"), trace(random))?;
        examination(&mut kathea, &mut controller, at, &patient, random);
        patients.push(patient);
    }
    fs::write(logs.join("kathea.log"), kathea)?;
    fs::write(logs.join("x1-controller.log"), controller)?;
    let days = random.within(0, 200);
    let geometry = format!(r#"{{"type":"geometry","days":{days},"last":"pass"}}"#);
    let gain = r#"{"type":"gain","days":190,"last":"warn"}"#;
    fs::write(logs.join("calibration.json"), format!("[{geometry},{gain}]"))?;
    fs::write(logs.join("constancy.json"), r#"{"test":"uniformity","verdict":"pass","days_overdue":0}"#)?;
    fs::write(logs.join("encoders.json"), r#"{"motion_mm":0.4,"encoder_errors":17}"#)?;
    Ok(patients)
}

/// Two of the lines name the patient, as logs do.
fn examination(
    kathea: &mut String,
    controller: &mut String,
    at: OffsetDateTime,
    patient: &Patient,
    random: &mut Random,
) {
    let Patient { family, given, number } = patient;
    let mut line = |log: &mut String, second: i64, text: &str| {
        let at = at + Duration::seconds(second);
        let (hour, minute, second) = at.to_hms();
        let _ = writeln!(
            log,
            "{} {hour:02}:{minute:02}:{second:02}.{:03} {text}",
            at.date(),
            random.within(0, 999)
        );
    };
    line(kathea, 0, &format!("[INFO] worklist(2101): patient {family}^{given} {number} opened"));
    line(kathea, 20, "[INFO] acquisition(1001): exposure started, 90 kV, 8 mA");
    line(controller, 21, "[INFO] generator(1042): ready at 90 kV");
    line(controller, 25, "[WARN] detector(17): lost 3 frames");
    line(controller, 29, "[ERROR] column(1204): encoder error, position 412");
    line(kathea, 90, &format!("[INFO] store(3003): volume of {given} {family} stored in 41 s"));
}

/// The header of a volume, without an image.
fn header(patient: &Patient, birth: u32, at: OffsetDateTime, number: usize, random: &mut Random) -> Vec<u8> {
    let date = format!("{}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
    let uid = |random: &mut Random| format!("1.2.826.0.1.3680043.8.498.{}", random.within(1, u32::MAX));
    Set::default()
        .text(0x0008_0005, "CS", "ISO_IR 192")
        .text(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2")
        .text(0x0008_0018, "UI", &uid(random))
        .text(0x0008_0020, "DA", &date)
        .text(0x0008_0060, "CS", "CT")
        .text(0x0010_0010, "PN", &format!("{}^{}", patient.family, patient.given))
        .text(0x0010_0020, "LO", &patient.number)
        .text(0x0010_0030, "DA", &format!("196107{birth:02}"))
        .text(0x0018_0060, "DS", "90")
        .text(0x0020_000d, "UI", &uid(random))
        .text(0x0020_000e, "UI", &uid(random))
        .text(0x0020_0011, "IS", &number.to_string())
        .bytes(0x0028_0010, "US", &400_u16.to_le_bytes())
        .bytes(0x0028_0011, "US", &400_u16.to_le_bytes())
        .text(0x0028_0030, "DS", "0.2\\0.2")
        .file("")
}

fn trace(random: &mut Random) -> String {
    let mut text = String::from("t_ms,x_mm,y_mm,z_mm\n");
    for millisecond in (0..2000).step_by(20) {
        let mut tenths = || f64::from(random.within(0, 9)) / 10.0;
        let _ = writeln!(text, "{millisecond},{},{},{}", tenths(), tenths(), tenths());
    }
    text
}
