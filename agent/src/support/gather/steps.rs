//! Everything that is looked for, as data: it is shown before anything runs.

use protocol::CaseReason::{self, Calibration, Connectivity, Error, ImageQuality, Other, Performance};
use protocol::Purpose;

use super::looking::Looking;
use super::missing::Missing;
use super::plan::Plan;
use super::{logs, own, scans, system};

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
    /// The reasons that need it.
    pub reasons: &'static [CaseReason],
    /// What of it is here.
    pub(super) look: fn(&Looking<'_>) -> Plan,
}

impl Step {
    /// Whether a case of this reason needs it. Which scans are in it a person chooses.
    pub fn is_for(&self, reason: CaseReason) -> bool {
        self.reasons.contains(&reason)
    }

    pub(super) fn plan(&self, looking: &Looking<'_>, reason: CaseReason) -> Plan {
        if self.is_for(reason) { (self.look)(looking) } else { Plan::absent(Missing::NotNeeded) }
    }
}

/// Everything that is looked for, in this order.
pub const STEPS: &[Step] = &[
    Step {
        name: "device",
        en: "memory, free space, versions of the workstation",
        da: "hukommelse, ledig plads og versioner på arbejdsstationen",
        purpose: Purpose::SupportCase,
        reasons: CaseReason::ALL,
        look: own::device,
    },
    Step {
        name: "status",
        en: "state of this agent and what it dropped, as counts",
        da: "agentens tilstand og hvad den har kasseret, som antal",
        purpose: Purpose::SupportCase,
        reasons: CaseReason::ALL,
        look: own::status,
    },
    Step {
        name: "configuration",
        en: "settings of this agent, without addresses and secrets",
        da: "agentens indstillinger uden adresser og hemmeligheder",
        purpose: Purpose::SupportCase,
        reasons: &[Error, Performance, Connectivity, Other],
        look: own::configuration,
    },
    Step {
        name: "kathea_logs",
        en: "logs of Kathea around the scans",
        da: "Katheas logfiler omkring optagelserne",
        purpose: Purpose::SupportCase,
        reasons: CaseReason::ALL,
        look: logs::kathea,
    },
    Step {
        name: "x1_logs",
        en: "logs of the X1's controller around the scans",
        da: "X1-styringens logfiler omkring optagelserne",
        purpose: Purpose::SupportCase,
        reasons: CaseReason::ALL,
        look: logs::controller,
    },
    Step {
        name: "calibration",
        en: "results of calibrations",
        da: "resultater af kalibreringer",
        purpose: Purpose::SupportCase,
        reasons: &[ImageQuality, Error, Calibration, Other],
        look: logs::calibration,
    },
    Step {
        name: "constancy",
        en: "results of constancy tests",
        da: "resultater af konstanskontroller",
        purpose: Purpose::SupportCase,
        reasons: &[ImageQuality, Error, Calibration, Other],
        look: logs::constancy,
    },
    Step {
        name: "encoders",
        en: "counts of encoder errors and lost frames",
        da: "antal encoderfejl og tabte billeder",
        purpose: Purpose::SupportCase,
        reasons: &[ImageQuality, Error, Calibration, Other],
        look: logs::encoders,
    },
    Step {
        name: "system_events",
        en: "disk errors, graphics resets and crashes that the system noted, as counts",
        da: "diskfejl, grafiknulstillinger og nedbrud, som systemet har noteret, som antal",
        purpose: Purpose::SupportCase,
        reasons: &[Error, Performance, Connectivity, Other],
        look: system::events,
    },
    Step {
        name: "disk_health",
        en: "errors that the disks count",
        da: "fejl, som diskene tæller",
        purpose: Purpose::SupportCase,
        reasons: &[Error, Performance, Other],
        look: system::disks,
    },
    Step {
        name: "scans",
        en: "settings of the chosen scans, without images and without who was scanned",
        da: "de valgte optagelsers indstillinger, uden billeder og uden hvem de viser",
        purpose: Purpose::SupportScanData,
        reasons: CaseReason::ALL,
        look: scans::metadata,
    },
    Step {
        name: "motion",
        en: "how the head moved during the chosen scans, as numbers",
        da: "hovedets bevægelser under de valgte optagelser, som tal",
        purpose: Purpose::SupportScanData,
        reasons: &[ImageQuality, Error, Calibration, Other],
        look: scans::motion,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_logs_and_no_more_than_it_needs() {
        let names = |reason: CaseReason| -> Vec<&str> {
            STEPS.iter().filter(|step| step.is_for(reason)).map(|step| step.name).collect()
        };
        for reason in CaseReason::ALL {
            assert!(names(*reason).contains(&"kathea_logs"), "{reason}");
        }
        assert_eq!((names(Error).len(), names(Other).len()), (STEPS.len(), STEPS.len()));
        assert!(
            !names(ImageQuality).contains(&"system_events") && names(ImageQuality).contains(&"constancy")
        );
        assert!(!names(Performance).contains(&"calibration") && names(Performance).contains(&"disk_health"));
        assert!(!names(Connectivity).contains(&"motion"));
    }
}
