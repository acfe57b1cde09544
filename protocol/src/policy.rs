//! The texts of the policies that are known on both sides of the border: what a consent's hash of a policy stands for.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::identity::{Digest, Purpose};
use crate::period::{Kept, Period};

/// Id and TOML text of each.
pub const POLICIES: &[(&str, &str)] = &[
    ("copenhagen-imaging", include_str!("../policies/copenhagen-imaging.toml")),
    ("novo-imaging", include_str!("../policies/novo-imaging.toml")),
];

/// Texts that the ones of today change in words or settings only (`editorial_change_of`). A consent under one of them
/// stands, so whoever holds what it allows can show its text.
pub const EARLIER: &[&str] = &[
    include_str!("../policies/earlier/copenhagen-imaging-1.toml"),
    include_str!("../policies/earlier/novo-imaging-1.toml"),
    include_str!("../policies/earlier/novo-imaging-2.toml"),
];

/// The built-in text of this hash, of today or earlier.
pub fn text_of(sha256: Digest) -> Option<&'static str> {
    let texts = POLICIES.iter().map(|(_, text)| *text).chain(EARLIER.iter().copied());
    texts.into_iter().find(|text| Digest::of(text.as_bytes()) == sha256)
}

/// Days for which a policy keeps the answers after the consent that they are about ended: `answers`, a year being
/// 365.25 of them. 0 where the policy keeps them only as long as what they allow is held. `None`: the text is no policy.
pub fn answers_kept(text: &str) -> Option<u32> {
    #[derive(Deserialize)]
    struct Said {
        answers: Option<Period>,
    }
    let Some(period) = toml::from_str::<Said>(text).ok()?.answers else { return Some(0) };
    let of_months = |months: u32| (months * 1461).div_ceil(48);
    Some(match period {
        Period::Days(days) => days,
        Period::Months(months) => of_months(months),
        Period::Years(years) => of_months(years * 12),
    })
}

/// How long the vendor keeps what is sent for `purpose` under the policy of this text. `None`: the text does not ask for
/// it, names no period that is known here, or is no policy.
pub fn kept(text: &str, purpose: Purpose) -> Option<Kept> {
    #[derive(Deserialize)]
    struct Said {
        purposes: BTreeMap<Purpose, Terms>,
    }
    #[derive(Deserialize)]
    struct Terms {
        vendor_retention: Kept,
    }
    toml::from_str::<Said>(text).ok()?.purposes.get(&purpose).map(|terms| terms.vendor_retention)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_that_a_policy_continues_is_still_here() {
        #[derive(Deserialize)]
        struct Said {
            #[serde(default)]
            editorial_change_of: Vec<Digest>,
        }
        let mut count = 0;
        for (id, text) in POLICIES {
            let said: Said = toml::from_str(text).unwrap();
            for earlier in said.editorial_change_of {
                assert!(text_of(earlier).is_some(), "{id} continues {earlier}");
                count += 1;
            }
        }
        assert_eq!((count, text_of(Digest::of(b"another"))), (EARLIER.len(), None));
    }

    #[test]
    fn answers_are_kept_as_the_policy_says() {
        let kept = |at: usize| answers_kept(POLICIES[at].1);
        assert_eq!((kept(0), kept(1)), (Some(0), Some(366)));
        assert_eq!(answers_kept("answers = \"30 days\""), Some(30));
        assert_eq!(answers_kept("answers = \"P1Y\""), Some(366));
        for wrong in ["answers = \"a year\"", "answers = \"1 year\"", "answers = 3", "answers"] {
            assert_eq!(answers_kept(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_the_vendor_keeps_is_read_from_the_text_and_nothing_is_guessed() {
        let usage = |text: &str| kept(text, Purpose::UsageStatistics).map(|kept| kept.to_string());
        assert_eq!(usage(POLICIES[0].1).as_deref(), Some("usage_24m"));
        assert_eq!(usage(POLICIES[1].1).as_deref(), Some("analytics_14m"));
        assert_eq!(kept(POLICIES[1].1, Purpose::SupportScanData), None, "it is not asked for");
        let of = |said: &str| format!("[purposes.usage_statistics]\nvendor_retention = {said}\n");
        assert_eq!(usage(&of("\"P36M from receipt\"")).as_deref(), Some("P36M from receipt"));
        for wrong in ["\"P36M\"", "\"period\"", "\"P36M from Mars\"", "36", "\"\""] {
            assert_eq!(usage(&of(wrong)), None, "{wrong}");
        }
        assert_eq!((usage(""), usage("id = \"third\"")), (None, None));
    }
}
