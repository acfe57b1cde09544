//! A flag: what the clinic grants or denies. One for usage statistics, two for each support case.

use protocol::{CaseId, Digest, Purpose};

/// Hexadecimal digits of a case's hash in the name of its key files.
const CASE_DIGITS: usize = 16;

/// What a yes is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// Usage of Kathea and the X1, device information.
    UsageStatistics,
    /// Contact information, case details and logs of one case.
    SupportCase(CaseId),
    /// De-identified scan metadata of one case.
    SupportScanData(CaseId),
}

impl Flag {
    /// The flag of a purpose, with a case where the purpose is asked per case and only there.
    pub fn new(purpose: Purpose, case: Option<CaseId>) -> Option<Self> {
        match (purpose, case) {
            (Purpose::UsageStatistics, None) => Some(Self::UsageStatistics),
            (Purpose::SupportCase, Some(case)) => Some(Self::SupportCase(case)),
            (Purpose::SupportScanData, Some(case)) => Some(Self::SupportScanData(case)),
            _ => None,
        }
    }

    /// What the data is used for.
    pub const fn purpose(&self) -> Purpose {
        match self {
            Self::UsageStatistics => Purpose::UsageStatistics,
            Self::SupportCase(_) => Purpose::SupportCase,
            Self::SupportScanData(_) => Purpose::SupportScanData,
        }
    }

    /// The case, if it is of one.
    pub const fn case(&self) -> Option<&CaseId> {
        match self {
            Self::UsageStatistics => None,
            Self::SupportCase(case) | Self::SupportScanData(case) => Some(case),
        }
    }

    /// The data keys that everything under this flag is sealed with, and so what a withdrawal shreds. A case
    /// stands in it by its hash: it becomes the name of a file.
    pub fn compartment(&self) -> String {
        match self.case() {
            None => self.purpose().as_str().to_owned(),
            Some(case) => {
                let hash = Digest::of(case.as_str().as_bytes()).to_string();
                format!("{}-{:.CASE_DIGITS$}", self.purpose(), hash)
            }
        }
    }
}

crate::texts! { Flag {
    Self::UsageStatistics => "usage_statistics", "usage_statistics";
    Self::SupportCase(case) => "support_case of case {case}", "support_case til sagen {case}", case;
    Self::SupportScanData(case) => "support_scan_data of case {case}", "support_scan_data til sagen {case}", case;
} }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_belongs_to_the_purposes_that_are_asked_per_case() {
        let case: CaseId = "CASE-1".parse().unwrap();
        for purpose in Purpose::ALL {
            let per_case = *purpose != Purpose::UsageStatistics;
            assert_eq!(Flag::new(*purpose, Some(case.clone())).is_some(), per_case);
            assert_eq!(Flag::new(*purpose, None).is_some(), !per_case);
        }
    }

    #[test]
    fn every_flag_has_keys_of_its_own_and_no_case_in_their_name() {
        let (one, two): (CaseId, CaseId) = ("CASE-1".parse().unwrap(), "CASE-2".parse().unwrap());
        let flags = [
            Flag::UsageStatistics,
            Flag::SupportCase(one.clone()),
            Flag::SupportCase(two),
            Flag::SupportScanData(one),
        ];
        let names: std::collections::BTreeSet<String> = flags.iter().map(Flag::compartment).collect();
        assert_eq!(names.len(), flags.len());
        assert!(names.iter().all(|name| !name.contains("CASE")), "{names:?}");
    }
}
