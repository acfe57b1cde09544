//! Notices of the vendor: one bounded text in two languages that an offline key signed, for people. A notice has no verb:
//! it starts and changes nothing.
//!
//! It is a text in JSON, signed as it stands (`signature::Context::Notice`). The vendor numbers its notices upwards.

use serde::{Deserialize, Serialize};

use crate::identity::words;
use crate::rights::{NotProven, proven};
use crate::signature::{Context, TrustedKeys};

/// The first field of a notice.
pub const FORMAT: &str = "kathea-notice-1";
/// Bytes of the longest notice that is read.
pub const MAX_NOTICE: usize = 6 << 10;
/// Characters of the longest text of one language.
pub const MAX_TEXT: usize = 1200;

words! {
    /// What a notice is about.
    NoticeKind {
        /// What was consented to is going to change.
        MaterialChange = "material_change",
        /// Data of the clinic may have come into wrong hands.
        Breach = "breach",
        /// A weakness, and what to do about it.
        Advisory = "advisory",
        /// A version is no longer looked after.
        EndOfSupport = "end_of_support",
        /// There is a newer version.
        NewerVersion = "newer_version",
    }
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// [`FORMAT`].
    pub format: String,
    /// From 1, upwards.
    pub number: u64,
    /// What it is about.
    pub kind: NoticeKind,
    /// When it was signed, RFC 3339.
    pub issued: String,
    /// Until when it is shown, RFC 3339, UTC.
    pub until: String,
    /// The text in English.
    pub en: String,
    /// The text in Danish.
    pub da: String,
}

impl Notice {
    /// Reads a notice, if one of `keys` signed it.
    pub fn verify(text: &str, signature: &str, keys: &TrustedKeys) -> Result<Self, NotProven> {
        proven(text, signature, keys, (Context::Notice, MAX_NOTICE))?;
        Self::read(text).ok_or(NotProven::Format)
    }

    /// What the text says, whoever signed it; none if it is no notice.
    pub fn read(text: &str) -> Option<Self> {
        let read: Self = serde_json::from_str(text).ok().filter(|_| text.len() <= MAX_NOTICE)?;
        let is_text = |text: &str| {
            let is_plain = text.chars().all(|c| c == '\n' || !c.is_control());
            is_plain && !text.trim().is_empty() && text.chars().count() <= MAX_TEXT
        };
        let is_time = |text: &str| text.len() == 20 && text.is_ascii() && text.ends_with('Z');
        let is_whole = read.format == FORMAT
            && read.number > 0
            && is_text(&read.en)
            && is_text(&read.da)
            && is_time(&read.issued)
            && is_time(&read.until);
        is_whole.then_some(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::TrustedKey;

    /// Another program signed it, and a reader in another language can be tried on it.
    #[test]
    fn the_golden_notice_is_read_and_no_other() {
        let golden = include_str!("../tests/golden/notice-1.txt");
        let mut lines = golden.lines().filter(|line| !line.starts_with('#'));
        let (key, text, signature) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
        let keys =
            |signs| TrustedKeys::new(vec![TrustedKey { key: key.parse().unwrap(), signs: vec![signs] }]);
        let trusted = keys(Context::Notice);
        let read = Notice::verify(text, signature, &trusted).unwrap();
        assert_eq!((read.number, read.kind), (3, NoticeKind::Breach));
        assert_eq!(serde_json::to_string(&read).unwrap(), text, "what this version writes");
        let verify = |text: &str, keys: &TrustedKeys| Notice::verify(text, signature, keys);
        assert_eq!(verify(text, &keys(Context::UseReceipt)), Err(NotProven::Signature));
        assert_eq!(verify(&text.replace("breach", "advisory"), &trusted), Err(NotProven::Signature));
        assert_eq!(verify(&" ".repeat(MAX_NOTICE + 1), &trusted), Err(NotProven::Format));
    }

    #[test]
    fn a_notice_is_bounded_and_plain() {
        let notice = Notice {
            format: FORMAT.to_owned(),
            number: 1,
            kind: NoticeKind::Advisory,
            issued: "2026-11-30T06:00:00Z".to_owned(),
            until: "2027-11-30T06:00:00Z".to_owned(),
            en: "Text.".to_owned(),
            da: "Tekst.\nTo linjer.".to_owned(),
        };
        let read = |notice: &Notice| Notice::read(&serde_json::to_string(notice).unwrap());
        assert_eq!(read(&notice), Some(notice.clone()));
        for bad in [
            Notice { format: "kathea-notice-2".to_owned(), ..notice.clone() },
            Notice { number: 0, ..notice.clone() },
            Notice { en: " ".to_owned(), ..notice.clone() },
            Notice { da: "\u{1b}[2J".to_owned(), ..notice.clone() },
            Notice { da: "x".repeat(MAX_TEXT + 1), ..notice.clone() },
            Notice { until: "2027-11-30".to_owned(), ..notice.clone() },
        ] {
            assert_eq!(read(&bad), None, "{bad:?}");
        }
    }
}
