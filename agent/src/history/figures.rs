//! The closed list of figures, and which events each is made of.
//!
//! What happens once per patient is never kept alone: it counts into a day, or into a month where it is a dose or a time.

use protocol::catalog::{AttributeKind, EventType};
use protocol::civil::Granularity;

use super::days::Days;

/// How the values of one period become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// Their sum.
    Sum,
    /// Their mean, shown from [`crate::limits::HISTORY_FEWEST`] on where they are of patients.
    Mean,
    /// The smallest.
    Low,
    /// How many of them differ: a day's calibrations by what was calibrated, however often each is reported.
    Kinds,
}

/// A figure.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// Its name, for programs.
    pub name: &'static str,
    /// Its unit; empty for a number of things.
    pub unit: &'static str,
    /// Decimals that Kathea may write.
    pub decimals: u8,
    /// A value is of a day or of a month.
    pub per: Granularity,
    /// How values become one.
    pub fold: Fold,
    /// Values that a mean takes before it is shown.
    pub fewest: u32,
}

const fn figure(name: &'static str, unit: &'static str, fold: Fold) -> Figure {
    Figure { name, unit, decimals: 0, per: Granularity::Day, fold, fewest: 1 }
}

/// A mean over what happens once per patient.
const fn of_patients(name: &'static str, unit: &'static str, decimals: u8, per: Granularity) -> Figure {
    Figure { name, unit, decimals, per, fold: Fold::Mean, fewest: crate::limits::HISTORY_FEWEST }
}

/// All of them. A figure's number is its place here and stands in the store: new ones go to the end.
pub const FIGURES: [Figure; 22] = [
    figure("exposures_cbct", "", Fold::Sum),
    figure("exposures_panoramic", "", Fold::Sum),
    figure("exposures_cephalometric", "", Fold::Sum),
    figure("exposures_face_scan", "", Fold::Sum),
    figure("exposures_scout", "", Fold::Sum),
    figure("retakes", "", Fold::Sum),
    of_patients("dap_cbct", "mGy·cm²", 1, Granularity::Month),
    of_patients("dap_panoramic", "mGy·cm²", 1, Granularity::Month),
    of_patients("dap_cephalometric", "mGy·cm²", 1, Granularity::Month),
    of_patients("reconstruction", "s", 1, Granularity::Month),
    figure("errors", "", Fold::Sum),
    figure("calibrations", "", Fold::Kinds),
    figure("disk_system", "GiB", Fold::Low),
    figure("disk_scans", "GiB", Fold::Low),
    figure("detector_gain", "‰", Fold::Mean),
    of_patients("generator_kv", "%", 1, Granularity::Day),
    of_patients("generator_ma", "%", 1, Granularity::Day),
    of_patients("axis_rotation", "µm or mdeg", 0, Granularity::Day),
    of_patients("axis_column", "µm or mdeg", 0, Granularity::Day),
    of_patients("axis_x", "µm or mdeg", 0, Granularity::Day),
    of_patients("axis_y", "µm or mdeg", 0, Granularity::Day),
    of_patients("axis_ceph", "µm or mdeg", 0, Granularity::Day),
];

const MODES: [&str; 5] = ["cbct", "panoramic", "cephalometric", "face_scan", "scout"];
const RETAKES: usize = 5;
const DOSE: usize = 6;
const RECONSTRUCTION: usize = 9;
const ERRORS: usize = 10;
const CALIBRATIONS: usize = 11;
const DISK: usize = 12;
const GAIN: usize = 14;
const KV: usize = 15;
const MA: usize = 16;
const AXIS: usize = 17;

/// A checked event: the values of its attributes, as the catalog keeps them.
struct Said<'a> {
    event_type: &'a EventType,
    values: &'a [Option<u64>],
}

impl Said<'_> {
    fn number(&self, name: &str) -> Option<u32> {
        let at = self.event_type.position(name)?;
        self.values.get(at).copied().flatten().map(|value| u32::try_from(value).unwrap_or(u32::MAX))
    }

    fn word(&self, name: &str) -> Option<&str> {
        let attribute = self.event_type.attributes.get(self.event_type.position(name)?)?;
        let AttributeKind::Enumeration { values } = &attribute.kind else { return None };
        values.get(usize::try_from(self.number(name)?).ok()?).map(String::as_str)
    }

    /// Where the word stands in `among`.
    fn place(&self, name: &str, among: &[&str]) -> Option<usize> {
        let word = self.word(name)?;
        among.iter().position(|known| *known == word)
    }
}

/// Folds a checked event of this civil day into `days`; nothing before the day `since`. False if it is of no figure.
pub fn note(days: &mut Days, event_type: &EventType, values: &[Option<u64>], day: u32, since: u32) -> bool {
    let said = Said { event_type, values };
    let mut add = |figure: Option<usize>, day: u32, value: Option<u32>| {
        if let (Some(figure), Some(value)) = (figure, value) {
            days.add(figure, day, value);
        }
    };
    match event_type.name.as_str() {
        "exposure.completed" => {
            let mode = said.place("mode", &MODES);
            add(mode, day, Some(1));
            add(mode.filter(|mode| *mode < 3).map(|mode| DOSE + mode), day, said.number("dap"));
            add(Some(KV), day, said.number("kv_deviation"));
            add(Some(MA), day, said.number("ma_deviation"));
        }
        "face_scan.finished" => {
            let is_done = said.word("outcome") == Some("ok");
            add(is_done.then_some(3), day, Some(1));
        }
        "exposure.retaken" => add(Some(RETAKES), day, Some(1)),
        "reconstruction.finished" => {
            let is_done = said.word("outcome").is_some_and(|word| matches!(word, "ok" | "reduced"));
            add(is_done.then_some(RECONSTRUCTION), day, said.number("duration_s"));
        }
        "device.error" => {
            let is_error = said.word("severity").is_some_and(|word| matches!(word, "error" | "stop"));
            add(is_error.then_some(ERRORS), day, said.number("repeats"));
        }
        "calibration.age" => {
            let was_done = said.word("last").is_some_and(|word| word != "never");
            let done = said.number("days").and_then(|ago| day.checked_sub(ago)).filter(|done| *done >= since);
            if let Some(done) = done.filter(|_| was_done) {
                add(Some(CALIBRATIONS), done, said.number("type").map(|kind| 1 << kind.min(31)));
            }
        }
        "host.resources" => {
            let volume = said.place("volume", &["system", "scans"]);
            add(volume.map(|volume| DISK + volume), day, said.number("free_gib"));
        }
        "qa.constancy" => {
            let is_gain = said.word("test") == Some("grey_value");
            add(is_gain.then_some(GAIN), day, said.number("value"));
        }
        "gantry.positioned" => {
            let axis = said.place("axis", &["rotation", "column", "x", "y", "ceph"]);
            add(axis.map(|axis| AXIS + axis), day, said.number("error"));
        }
        _ => return false,
    }
    true
}
