//! What the checks judge: numbers and words of closed lists, nothing of anybody.

use std::collections::BTreeMap;

use crate::html::{Both, both};

/// What the sources of this workstation say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Seconds since 1970, by this computer's clock.
    pub now: i64,
    /// Bytes that are free.
    pub volumes: Vec<(Volume, u64)>,
    /// When the newest log was written, in seconds since 1970.
    pub newest_file: Option<i64>,
    /// The X1's calibrations.
    pub calibrations: Vec<Calibration>,
    /// Its constancy tests.
    pub constancy: Vec<Constancy>,
    /// How often each error code stands in the last logs.
    pub errors: BTreeMap<u32, u64>,
    /// Versions that have to fit each other.
    pub versions: Option<Versions>,
    /// Resets of the graphics card within a week.
    pub graphics_resets: Option<u64>,
    /// Errors of the encoders, by scan.
    pub encoders: Vec<EncoderScan>,
}

/// Where data lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Volume {
    /// The operating system.
    System,
    /// Scans.
    Scans,
}

/// How a calibration or a test ended, as in the catalog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Well.
    Pass,
    /// Nearly.
    Warn,
    /// Not.
    Fail,
    /// It was not done yet.
    Never,
}

impl Outcome {
    /// The outcome of this word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "pass" => Self::Pass,
            "warn" => Self::Warn,
            "fail" => Self::Fail,
            "never" => Self::Never,
            _ => return None,
        })
    }
}

/// A calibration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// One of `CALIBRATIONS`.
    pub kind: String,
    /// Days since it was done.
    pub days: u64,
    /// How it ended.
    pub last: Outcome,
}

/// A constancy test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constancy {
    /// One of `TESTS`.
    pub test: String,
    /// How it ended.
    pub verdict: Outcome,
    /// Days that the next one is late.
    pub days_overdue: u64,
}

/// What the X1 runs, and the oldest that this Kathea works with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// Numbers with dots.
    pub firmware: String,
    /// Likewise.
    pub firmware_needed: String,
}

/// Whether the patient kept still, by the motion correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Motion {
    /// Below a millimetre.
    Still,
    /// A millimetre and more.
    Moved,
}

/// The encoders during one scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderScan {
    /// Of the motion trace.
    pub motion: Motion,
    /// Errors that they counted.
    pub errors: u64,
}

/// The calibrations of the catalog.
pub(super) const CALIBRATIONS: &[(&str, Both<&str>)] = &[
    ("geometry", both("the geometry", "geometrien")),
    ("gain", both("the detector's gain", "detektorens forstærkning")),
    ("offset", both("the detector's offset", "detektorens nulpunkt")),
    ("dose", both("the dose", "dosis")),
    ("face_camera", both("the face camera", "ansigtskameraet")),
    ("tracker", both("the motion tracker", "bevægelsessporingen")),
];

/// The constancy tests of the catalog.
pub(super) const TESTS: &[&str] = &["uniformity", "noise", "cnr", "mtf10", "geometry", "grey_value", "dose"];

/// What a calibration is called that the catalog does not list.
const THE_X1: Both<&str> = both("the X1", "X1'eren");

/// What a calibration is called.
pub(super) fn calibration_name(kind: &str) -> Both<&'static str> {
    CALIBRATIONS.iter().find(|(known, _)| *known == kind).map_or(THE_X1, |(_, name)| *name)
}

/// What is called so in English.
pub(super) fn calibration_of(english: &str) -> Option<Both<&'static str>> {
    let named = CALIBRATIONS.iter().map(|(_, name)| *name).chain([THE_X1]);
    named.into_iter().find(|name| name.en == english)
}

/// Whether one version, numbers with dots, is older than the other; `None` if one of them is none.
pub(super) fn is_older(version: &str, than: &str) -> Option<bool> {
    Some(numbers(version)? < numbers(than)?)
}

fn numbers(version: &str) -> Option<Vec<u32>> {
    let mut numbers = version.split('.').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>()?;
    while numbers.last() == Some(&0) {
        numbers.pop();
    }
    Some(numbers)
}
