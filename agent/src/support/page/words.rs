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

/// Why an operation has less than all: the sentences that a manifest has in English.
pub(super) const WHY: &[(&str, &str)] = &[
    ("the limit of time or size was reached", "grænsen for tid eller størrelse blev nået"),
    ("no file could be cleaned", "ingen fil kunne renses"),
    ("some files could not be cleaned", "nogle filer kunne ikke renses"),
    ("of a long log only the end", "kun slutningen af en lang logfil"),
    (
        "a scan of the time could not be read: its patient's name was not searched for",
        "en optagelse fra tidsrummet kunne ikke læses: dens patients navn blev ikke søgt efter",
    ),
    ("there is nothing of this time", "der er intet fra dette tidsrum"),
    ("no scan was chosen", "ingen optagelse er valgt"),
    ("there is no motion trace of these scans", "der er ingen bevægelsesdata for disse optagelser"),
    ("a case of this reason does not need it", "en sag med denne årsag har ikke brug for det"),
    ("the system's log is not open to this account", "kontoen har ikke adgang til systemets log"),
    ("no disk of this system counts its errors", "ingen af systemets diske tæller sine fejl"),
    ("there is no such log", "der er ingen sådan logfil"),
    (
        "more scans than names can be learned from: nobody knows whom the logs mention",
        "flere optagelser, end der kan læres navne fra: ingen ved, hvem logfilerne nævner",
    ),
    ("there is no such file", "der er ingen sådan fil"),
    ("it cannot be written as JSON", "det kan ikke skrives som JSON"),
];

/// Why an operation has less than all.
pub(super) fn why(why: &str) -> Both<&str> {
    WHY.iter().find(|(en, _)| *en == why).map_or(both(why, why), |(en, da)| both(*en, *da))
}
