//! Everything that is looked for, as data: it is shown before anything runs.

use protocol::Purpose;

use super::basket::Plan;
use super::{Looking, logs, own, scans, system};

/// One thing that is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// Its name in the manifest.
    pub name: &'static str,
    /// What it is, in English.
    pub en: &'static str,
    /// The same in Danish.
    pub da: &'static str,
    /// The flag under which it leaves.
    pub purpose: Purpose,
    /// What of it is here.
    pub(super) look: fn(&Looking<'_>) -> Plan,
}

/// Everything that is looked for, in this order.
pub const STEPS: &[Step] = &[
    Step {
        name: "device",
        en: "memory, free space, versions of the workstation",
        da: "hukommelse, ledig plads og versioner på arbejdsstationen",
        purpose: Purpose::SupportCase,
        look: own::device,
    },
    Step {
        name: "status",
        en: "state of this agent and what it dropped, as counts",
        da: "agentens tilstand og hvad den har kasseret, som antal",
        purpose: Purpose::SupportCase,
        look: own::status,
    },
    Step {
        name: "configuration",
        en: "settings of this agent, without addresses and secrets",
        da: "agentens indstillinger uden adresser og hemmeligheder",
        purpose: Purpose::SupportCase,
        look: own::configuration,
    },
    Step {
        name: "kathea_logs",
        en: "logs of Kathea around the scans",
        da: "Katheas logge omkring optagelserne",
        purpose: Purpose::SupportCase,
        look: logs::kathea,
    },
    Step {
        name: "x1_logs",
        en: "logs of the X1's controller around the scans",
        da: "X1-styringens logge omkring optagelserne",
        purpose: Purpose::SupportCase,
        look: logs::controller,
    },
    Step {
        name: "calibration",
        en: "results of calibrations",
        da: "resultater af kalibreringer",
        purpose: Purpose::SupportCase,
        look: logs::calibration,
    },
    Step {
        name: "constancy",
        en: "results of constancy tests",
        da: "resultater af konstansprøver",
        purpose: Purpose::SupportCase,
        look: logs::constancy,
    },
    Step {
        name: "encoders",
        en: "counts of encoder errors and lost frames",
        da: "antal encoderfejl og tabte billeder",
        purpose: Purpose::SupportCase,
        look: logs::encoders,
    },
    Step {
        name: "system_events",
        en: "disk errors, graphics resets and crashes that the system noted, as counts",
        da: "diskfejl, grafiknulstillinger og nedbrud, som systemet har noteret, som antal",
        purpose: Purpose::SupportCase,
        look: system::events,
    },
    Step {
        name: "disk_health",
        en: "errors that the disks count",
        da: "fejl, som diskene tæller",
        purpose: Purpose::SupportCase,
        look: system::disks,
    },
    Step {
        name: "scans",
        en: "settings of the chosen scans, without images and without who was scanned",
        da: "de valgte optagelsers indstillinger, uden billeder og uden hvem der blev scannet",
        purpose: Purpose::SupportScanData,
        look: scans::metadata,
    },
    Step {
        name: "motion",
        en: "how the head moved during the chosen scans, as numbers",
        da: "hovedets bevægelser under de valgte optagelser, som tal",
        purpose: Purpose::SupportScanData,
        look: scans::motion,
    },
];
