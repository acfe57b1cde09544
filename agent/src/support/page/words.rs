//! The closed lists of a bundle in plain Danish and English. A word that is not known here is shown as it is.

use protocol::CaseReason;

pub(super) use crate::cleaning::words::{refusal, rule};
use crate::html::checks::Chip;
use crate::html::{Both, both};
use crate::support::gather::STEPS;
use crate::support::manifest::{Outcome, Reach};

type Words = Both<&'static str>;

/// Why the case was opened.
pub(super) const fn reason(reason: CaseReason) -> Words {
    match reason {
        CaseReason::ImageQuality => both("Image quality", "Billedkvalitet"),
        CaseReason::Error => both("An error", "En fejl"),
        CaseReason::Performance => both("Too slow", "For langsomt"),
        CaseReason::Connectivity => both("Something is not reached", "Manglende forbindelse"),
        CaseReason::Calibration => both("Calibration or constancy test", "Kalibrering eller konstanskontrol"),
        CaseReason::Other => both("Something else", "Andet"),
    }
}

/// That dates were moved, and whether the vendor can tell by how much.
pub(super) const fn dates(reach: Option<Reach>) -> Words {
    match reach {
        Some(Reach::EndedBefore) => both(
            "All dates were moved by one number of whole weeks. The time of this case ended a week or more ago: nothing \
             below is later, and the vendor does not learn by how many weeks, unless another bundle of this case reaches up \
             to now.",
            "Alle datoer er flyttet samme antal hele uger. Sagens tidsrum sluttede for en uge eller længere siden: intet \
             nedenfor er senere, og leverandøren får ikke at vide, hvor mange uger det er, medmindre en anden pakke i sagen \
             når frem til nu.",
        ),
        Some(Reach::ReachesPresent) | None => both(
            "All dates were moved by one number of whole weeks. The time of this case reaches up to now, so the vendor can \
             tell the number from the day on which the bundle arrives.",
            "Alle datoer er flyttet samme antal hele uger. Sagens tidsrum når frem til nu, så leverandøren kan regne \
             antallet ud af den dag, hvor pakken kommer frem.",
        ),
    }
}

/// How an operation ended.
pub(super) const fn outcome(outcome: Outcome) -> Chip {
    match outcome {
        Outcome::Done => Chip("good", both("complete", "fuldført")),
        Outcome::Absent => {
            Chip("", both("not here, or not needed", "findes ikke her eller skal ikke bruges"))
        }
        Outcome::Failed => Chip("bad", both("failed", "mislykket")),
        Outcome::Cut => Chip("look", both("a part of it", "en del af det")),
    }
}

/// What an operation gathers.
pub(super) fn operation(name: &str) -> Both<&str> {
    STEPS.iter().find(|step| step.name == name).map_or(both(name, name), |step| both(step.en, step.da))
}
