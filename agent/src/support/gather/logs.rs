//! Logs, and the results and counts that lie beside them.

use super::kathea::{Kind, Source};
use super::looking::Looking;
use super::missing::Missing;
use super::plan::Plan;
use crate::limits;
use deidentify::files::{Found, Take};

/// Kathea's own logs.
pub(super) fn kathea(looking: &Looking<'_>) -> Plan {
    logs(looking, Kind::KatheaLog, "logs/kathea")
}

/// The logs of the X1's controller.
pub(super) fn controller(looking: &Looking<'_>) -> Plan {
    logs(looking, Kind::ControllerLog, "logs/x1")
}

/// Results of calibrations.
pub(super) fn calibration(looking: &Looking<'_>) -> Plan {
    documents(looking, Kind::Calibration, "calibration")
}

/// Results of constancy tests.
pub(super) fn constancy(looking: &Looking<'_>) -> Plan {
    documents(looking, Kind::Constancy, "constancy")
}

/// Counts of encoder errors and lost frames.
pub(super) fn encoders(looking: &Looking<'_>) -> Plan {
    documents(looking, Kind::Encoders, "encoders")
}

fn logs(looking: &Looking<'_>, kind: Kind, name: &'static str) -> Plan {
    let (start, end) = looking.window;
    let mut of_kind = looking.beside.iter().filter(|source| source.kind == kind).peekable();
    if of_kind.peek().is_none() {
        return Plan::absent(Missing::NoLog);
    }
    if !looking.is_all_learned {
        return Plan::failed(Missing::TooManyScans);
    }
    let part = |source: &Source| Found {
        path: source.path.clone().into_os_string(),
        listed: source.listed,
        refused: None,
        take: Take::Window { modified: source.modified, start, end },
    };
    Plan::files(name, of_kind.filter(|source| source.modified >= start).map(part).collect(), limits::LOGS)
}

fn documents(looking: &Looking<'_>, kind: Kind, name: &'static str) -> Plan {
    let whole = |source: &Source| Found {
        path: source.path.clone().into_os_string(),
        listed: source.listed,
        refused: None,
        take: Take::Whole,
    };
    let files: Vec<Found> = looking.beside.iter().filter(|source| source.kind == kind).map(whole).collect();
    if files.is_empty() { Plan::absent(Missing::NoFile) } else { Plan::files(name, files, limits::LOGS) }
}
