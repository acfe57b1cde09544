//! Why something of a case is not there, in part or at all: a closed list, in English in the manifest, in both languages on
//! the page that a clinic reads.

use crate::texts::{Language, Text};

crate::texts! {
    /// Why.
    #[derive(Copy, PartialEq, Eq)]
    pub(crate) enum Missing {
        /// Nobody chose one.
        NoScan => "no scan was chosen", "ingen optagelse er valgt";
        /// None lies beside the scans.
        NoTrace =>
            "there is no motion trace of these scans", "der er ingen bevægelsesdata til disse optagelser";
        /// By the reason of the case.
        NotNeeded => "a case of this reason does not need it", "en sag med denne grund behøver det ikke";
        /// The account may not read it.
        LogClosed =>
            "the system's log is not open to this account", "kontoen har ikke adgang til systemets log";
        /// No disk says.
        NoDiskCounts =>
            "no disk of this system counts its errors", "ingen disk i systemet tæller sine fejl";
        /// It does not become a document.
        NoJson => "it cannot be written as JSON", "det kan ikke skrives som JSON";
        /// None is in the folders of the configuration.
        NoLog => "there is no such log", "der er ingen sådan logfil";
        /// None is in the folders of the configuration.
        NoFile => "there is no such file", "der er ingen sådan fil";
        /// Then whom the logs mention cannot be searched for.
        TooManyScans =>
            "more scans than names can be learned from: nobody knows whom the logs mention",
            "flere optagelser, end navne kan læses fra: det vides ikke, hvem logfilerne nævner";
        /// The step's share is used up.
        LimitReached =>
            "the limit of time or size was reached", "grænsen for tid eller størrelse er nået";
        /// Each was refused.
        NoneCleaned => "no file could be cleaned", "ingen fil kunne afidentificeres";
        /// Others were refused.
        SomeCleaned => "some files could not be cleaned", "nogle filer kunne ikke afidentificeres";
        /// The beginning is left out.
        OnlyTheEnd => "of a long log only the end", "kun slutningen af en lang logfil";
        /// It could not be learned from.
        ScanUnread =>
            "a scan of the time could not be read: its patient's name was not searched for",
            "en optagelse fra tidsrummet kunne ikke læses: der er ikke søgt efter dens patients navn";
        /// Neither before nor after.
        NothingThen => "there is nothing of this time", "der er intet fra dette tidsrum";
        /// The rest is left out.
        TooManyFiles => "there are more files than fit", "der er flere filer, end der er plads til";
    }
}

impl Missing {
    /// All there are, to find one again by what a manifest says.
    const ALL: [Self; 16] = [
        Self::NoScan,
        Self::NoTrace,
        Self::NotNeeded,
        Self::LogClosed,
        Self::NoDiskCounts,
        Self::NoJson,
        Self::NoLog,
        Self::NoFile,
        Self::TooManyScans,
        Self::LimitReached,
        Self::NoneCleaned,
        Self::SomeCleaned,
        Self::OnlyTheEnd,
        Self::ScanUnread,
        Self::NothingThen,
        Self::TooManyFiles,
    ];

    /// The entry that a manifest's word for it names.
    pub(crate) fn of(said: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|missing| missing.text(Language::En) == said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_again_by_its_word_in_a_manifest() {
        for missing in Missing::ALL {
            assert_eq!(Missing::of(&missing.to_string()), Some(missing));
        }
        let keys: std::collections::BTreeSet<_> = Missing::ALL.iter().map(Text::key).collect();
        assert_eq!((keys.len(), Missing::of("no such folder")), (Missing::ALL.len(), None));
    }
}
