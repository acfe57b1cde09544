//! The closed lists of a bundle in plain Danish and English. A word that is not known here is shown as it is.

use protocol::CaseReason;

pub(super) use crate::deidentify::files::words::{known, refusal, rule};
use crate::html::checks::Chip;
use crate::html::{Both, both};
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
    known(OPERATIONS, name)
}

pub(super) const OPERATIONS: &[(&str, Words)] = &[
    ("device", both("Device and software versions", "Enhed og programversioner")),
    ("status", both("State of this agent", "Agentens tilstand")),
    ("kathea_logs", both("Kathea's logs", "Katheas logfiler")),
    ("controller_logs", both("Logs of the X1's controller", "Logfiler fra X1'erens styring")),
    ("calibration", both("Calibration and constancy tests", "Kalibrering og konstanstest")),
    ("encoder", both("Encoder and dropped frames", "Encoder og tabte billeder")),
    ("motion", both("Motion trace, numbers only", "Bevægelsesspor, kun tal")),
    ("system_events", both("Events of disk, graphics and crashes", "Hændelser om disk, grafik og nedbrud")),
    ("disk_health", both("Health of the disks", "Diskenes tilstand")),
    ("configuration", both("Configuration without secrets", "Konfiguration uden hemmeligheder")),
    ("scans", both("Technical data of scans, no images", "Tekniske data om scanninger, ingen billeder")),
    ("checks", both("Checks of this workstation", "Kontrol af denne arbejdsstation")),
];
