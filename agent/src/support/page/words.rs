//! The closed lists of a bundle in plain Danish and English. A word that is not known here is shown as it is.

use protocol::CaseReason;

pub(super) use crate::deidentify::files::words::{refusal, rule};
use crate::html::checks::Chip;
use crate::html::{Both, both};
use crate::support::gather::STEPS;
use crate::support::manifest::Outcome;

type Words = Both<&'static str>;

/// Why the case was opened.
pub(super) const fn reason(reason: CaseReason) -> Words {
    match reason {
        CaseReason::ImageQuality => both("Image quality", "Billedkvalitet"),
        CaseReason::Error => both("An error", "En fejl"),
        CaseReason::Performance => both("Too slow", "For langsomt"),
        CaseReason::Connectivity => both("Something is not reached", "Manglende forbindelse"),
        CaseReason::Calibration => both("Calibration or constancy test", "Kalibrering eller konstanstest"),
        CaseReason::Other => both("Something else", "Andet"),
    }
}

/// How an operation ended.
pub(super) const fn outcome(outcome: Outcome) -> Chip {
    match outcome {
        Outcome::Done => Chip("good", both("complete", "fuldført")),
        Outcome::Absent => Chip("", both("not on this computer", "findes ikke her")),
        Outcome::Failed => Chip("bad", both("failed", "mislykket")),
        Outcome::Cut => Chip("look", both("a part of it", "en del af det")),
    }
}

/// What an operation gathers.
pub(super) fn operation(name: &str) -> Both<&str> {
    STEPS.iter().find(|step| step.name == name).map_or(both(name, name), |step| both(step.en, step.da))
}
