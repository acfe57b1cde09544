//! The notice: what a person reads before answering, and the digest that proves it was shown.

use std::fmt::Write;

use protocol::ledger::Processing;
use protocol::{Digest, Purpose, Retention};

use super::flag::Flag;
use super::policy::{Policy, Terms};
use crate::config::Language;

/// Fewest digits of a digest that count as having read it.
const DIGEST_DIGITS: usize = 16;

impl Policy {
    /// What `consent show` prints about `purpose`; `None` if it is not offered.
    pub fn notice(&self, purpose: Purpose, language: Language) -> Option<String> {
        self.notice_in(purpose, self.tag(language))
    }

    fn notice_in(&self, purpose: Purpose, tag: &str) -> Option<String> {
        let terms = self.terms(purpose)?;
        let text = terms.text.of(tag);
        let mut notice = format!("{}\n\n{}\n\n", text.title, text.body.trim());
        for (label, content) in self.facts_in(terms, tag) {
            // Writing to a String does not fail.
            let _ = writeln!(notice, "{label}: {content}");
        }
        Some(notice)
    }

    /// SHA-256 over the policy's hash and the notice in every language: what `--yes` repeats, whichever was shown.
    pub fn digest(&self, purpose: Purpose) -> Option<Digest> {
        let mut shown = self.hash().to_bytes().to_vec();
        for tag in self.tags() {
            shown.extend_from_slice(self.notice_in(purpose, tag)?.as_bytes());
        }
        Some(Digest::of(&shown))
    }

    /// What is asked under `flag` today, as the ledger keeps it: in English, where the policy has it.
    pub(super) fn processing(&self, flag: &Flag) -> Option<Processing> {
        let purpose = flag.purpose();
        let terms = self.terms(purpose)?;
        let text = terms.text.of("en");
        let kept = terms.vendor_retention;
        Some(Processing {
            purpose,
            case: flag.case().cloned(),
            policy: self.id().to_owned(),
            policy_version: self.version().to_owned(),
            policy_sha256: self.hash(),
            notice_sha256: self.digest(purpose)?,
            manifest_sha256: None,
            legal_basis: terms.legal_basis.clone(),
            data_categories: text.data.clone(),
            controller: self.controller().name.clone(),
            recipients: text.recipients.clone(),
            storage_place: text.place.clone(),
            retention: kept.word,
            retention_period: (kept.word == Retention::Period).then_some(kept),
        })
    }

    /// How long a yes to `purpose` lasts, how long something is held here at most, and how long the vendor keeps it;
    /// `None` if it is not offered.
    pub fn periods(&self, purpose: Purpose, language: Language) -> Option<[String; 3]> {
        let terms = self.terms(purpose)?;
        let (around, _) = self.around(self.tag(language));
        let vendor = around.kept(terms.vendor_retention);
        Some([around.period(terms.lasts), around.period(terms.on_device), vendor])
    }

    /// Label and content of what is shown below the text.
    pub(crate) fn facts(&self, terms: &Terms, language: Language) -> Vec<(&str, String)> {
        self.facts_in(terms, self.tag(language))
    }

    fn facts_in(&self, terms: &Terms, tag: &str) -> Vec<(&str, String)> {
        let text = terms.text.of(tag);
        let controller = self.controller();
        let who = format!("{}, {} ({})", controller.name, controller.address, controller.registration);
        let policy = format!("{}, {}", self.id(), self.version());
        let (around, words) = self.around(tag);
        let contents = [
            text.data.join("; "),
            who,
            terms.legal_basis.clone(),
            text.recipients.join("; "),
            format!("{}; {}", text.place, words.transfers),
            around.period(terms.on_device),
            around.kept(terms.vendor_retention),
            around.period(terms.lasts),
            words.records.clone(),
            words.rights.clone(),
            controller.contact.clone(),
            controller.complaint.clone(),
            policy,
        ];
        around.labels.into_iter().zip(contents).collect()
    }
}

/// Whether `yes` repeats `digest`: its first 16 or more hexadecimal digits.
pub(crate) fn repeats(yes: &str, digest: Digest) -> bool {
    yes.len() >= DIGEST_DIGITS && digest.to_string().starts_with(&yes.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_says_everything_in_both_languages() {
        let policy = Policy::load("copenhagen-imaging").unwrap();
        for purpose in Purpose::ALL {
            let english = policy.notice(*purpose, Language::En).unwrap();
            let danish = policy.notice(*purpose, Language::Da).unwrap();
            for said in ["Herlev", "35802940", "art. 6(1)(a)", "Datatilsynet", "2024-05-16"] {
                assert!(english.contains(said) && danish.contains(said), "{purpose}: {said}");
            }
            assert!(english.contains("never sold") && danish.contains("sælges aldrig"));
            assert!(!english.contains("anonym") && !danish.contains("anonym"), "{purpose}");
        }
    }

    #[test]
    fn the_digest_follows_every_byte_of_the_policy_and_the_purpose() {
        let text = protocol::policy::POLICIES[0].1;
        let policy = Policy::parse(text).unwrap();
        let edited = Policy::parse(&text.replace("sælges aldrig", "sælges")).unwrap();
        let digest = policy.digest(Purpose::UsageStatistics).unwrap();
        assert_ne!(edited.digest(Purpose::UsageStatistics), Some(digest));
        assert_ne!(policy.digest(Purpose::SupportCase), Some(digest));
        assert_eq!(policy.digest(Purpose::UsageStatistics), Some(digest));
    }

    /// What was said yes to stays what was said yes to: computed by a Python script from the texts of the policies, with the
    /// labels of the first version.
    #[test]
    fn the_digests_of_the_built_in_notices_are_those_of_the_first_version() {
        use Purpose::{SupportCase, SupportScanData, UsageStatistics};
        for (id, purpose, digest) in [
            (
                "copenhagen-imaging",
                UsageStatistics,
                "41db1ee50d1a62bbb97e88aa9328521cf874322ed18fa49d5796a52eee60a37b",
            ),
            (
                "copenhagen-imaging",
                SupportCase,
                "91e5d799319dacb76a2e7c3bc3bf245e876fb32cc3bdf5c5744348e003eab648",
            ),
            (
                "copenhagen-imaging",
                SupportScanData,
                "9dfe3c864cfa5f1688426d4c6e89223153eb56f4bc1085f66bfa1164e1b1c382",
            ),
            (
                "novo-imaging",
                UsageStatistics,
                "9a2394adf8c5e341749a3adbf12f84ad38c788d2df6c34a7f1dbb95ba7b5b0a5",
            ),
            ("novo-imaging", SupportCase, "b879b0b387397d1a2a88cb2c36f0c79b7c00fe2bfbf4c71192cd45f9928231f6"),
        ] {
            let policy = Policy::load(id).unwrap();
            assert_eq!(policy.digest(purpose).unwrap().to_string(), digest, "{id}: {purpose}");
            let danish = policy.shown_in("da").unwrap();
            assert_eq!(
                danish.digest(purpose).unwrap().to_string(),
                digest,
                "{id}: {purpose}, whatever is shown"
            );
        }
    }

    #[test]
    fn sixteen_digits_repeat_a_digest_and_fifteen_do_not() {
        let digest = Digest::of(b"shown");
        let text = digest.to_string();
        assert!(
            repeats(&text, digest) && repeats(&text[..16], digest) && repeats(&text.to_uppercase(), digest)
        );
        assert!(
            !repeats(&text[..15], digest) && !repeats("", digest) && !repeats(&format!("{text}0"), digest)
        );
        assert!(!repeats(&text[1..], digest));
    }
}
