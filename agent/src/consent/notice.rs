//! The notice: what a person reads before answering, and the digest that proves it was shown.

use std::fmt::Write;

use protocol::ledger::Processing;
use protocol::{Digest, Purpose, Retention};

use super::flag::Flag;
use super::period::Period;
use super::policy::{Policy, Terms};
use crate::config::Language;

/// Fewest digits of a digest that count as having read it.
const DIGEST_DIGITS: usize = 16;

impl Policy {
    /// What `consent show` prints about `purpose`; `None` if it is not offered.
    pub fn notice(&self, purpose: Purpose, language: Language) -> Option<String> {
        let terms = self.terms(purpose)?;
        let text = terms.text.of(language);
        let mut notice = format!("{}\n\n{}\n\n", text.title, text.body.trim());
        for (label, content) in self.facts(terms, language) {
            // Writing to a String does not fail.
            let _ = writeln!(notice, "{label}: {content}");
        }
        Some(notice)
    }

    /// SHA-256 over the policy's hash and the notice in every language: what `--yes` repeats.
    pub fn digest(&self, purpose: Purpose) -> Option<Digest> {
        let mut shown = self.hash().to_bytes().to_vec();
        for language in [Language::En, Language::Da] {
            shown.extend_from_slice(self.notice(purpose, language)?.as_bytes());
        }
        Some(Digest::of(&shown))
    }

    /// What is asked under `flag` today, as the ledger keeps it: in English.
    pub(super) fn processing(&self, flag: &Flag) -> Option<Processing> {
        let purpose = flag.purpose();
        let terms = self.terms(purpose)?;
        let text = terms.text.of(Language::En);
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
            retention: terms.vendor_retention,
        })
    }

    /// How long a yes to `purpose` lasts, how long something is held here at most, and how long the vendor keeps it;
    /// `None` if it is not offered.
    pub fn periods(&self, purpose: Purpose, language: Language) -> Option<[String; 3]> {
        let terms = self.terms(purpose)?;
        let vendor = vendor_keeps(terms.vendor_retention, language).to_owned();
        Some([period(terms.lasts, language), period(terms.on_device, language), vendor])
    }

    /// Label and content of what is shown below the text.
    pub(crate) fn facts(&self, terms: &Terms, language: Language) -> Vec<(&'static str, String)> {
        let text = terms.text.of(language);
        let controller = self.controller();
        let who = format!("{}, {} ({})", controller.name, controller.address, controller.registration);
        let policy = format!("{}, {}", self.id(), self.version());
        let labels = match language {
            Language::En => &ENGLISH,
            Language::Da => &DANISH,
        };
        let words = self.words(language);
        let contents = [
            text.data.join("; "),
            who,
            terms.legal_basis.clone(),
            text.recipients.join("; "),
            format!("{}; {}", text.place, words.transfers),
            period(terms.on_device, language),
            vendor_keeps(terms.vendor_retention, language).to_owned(),
            period(terms.lasts, language),
            words.records.clone(),
            words.rights.clone(),
            controller.contact.clone(),
            controller.complaint.clone(),
            policy,
        ];
        labels.iter().copied().zip(contents).collect()
    }
}

const ENGLISH: [&str; 13] = [
    "Data",
    "Asked by",
    "Legal basis",
    "Recipients",
    "Held in",
    "Kept on this device at most",
    "Kept by the vendor",
    "A yes lasts",
    "Your answer is kept",
    "Your rights",
    "Write to",
    "Complain to",
    "Policy",
];

const DANISH: [&str; 13] = [
    "Oplysninger",
    "Dataansvarlig",
    "Retsgrundlag",
    "Modtagere",
    "Opbevares i",
    "Opbevares på denne enhed højst",
    "Opbevares hos leverandøren",
    "Et ja gælder i",
    "Jeres svar opbevares",
    "Jeres rettigheder",
    "Skriv til",
    "Klag til",
    "Politik",
];

fn period(period: Period, language: Language) -> String {
    match (period, language) {
        (_, Language::En) => period.to_string(),
        (Period::Days(days), Language::Da) => format!("{days} dage"),
        (Period::Months(months), Language::Da) => format!("{months} måneder"),
    }
}

/// How long the vendor keeps it, in words.
fn vendor_keeps(retention: Retention, language: Language) -> &'static str {
    match (retention, language) {
        (Retention::Usage24Months, Language::En) => "24 months from receipt",
        (Retention::Usage24Months, Language::Da) => "24 måneder fra modtagelsen",
        (Retention::SupportDecommission10Years, Language::En) => {
            "up to 10 years after the device is taken out of use"
        }
        (Retention::SupportDecommission10Years, Language::Da) => {
            "op til 10 år efter, at enheden tages ud af brug"
        }
        (Retention::Analytics14Months, Language::En) => "14 months from receipt",
        (Retention::Analytics14Months, Language::Da) => "14 måneder fra modtagelsen",
        (Retention::Contact2Years, Language::En) => "2 years from the last contact about the case",
        (Retention::Contact2Years, Language::Da) => "2 år fra den seneste kontakt om sagen",
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
