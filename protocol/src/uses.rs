//! Use receipts: who read a device's data at the vendor, when, for whom and why.
//!
//! A receipt is a text in JSON, signed as it stands (`signature::Context::UseReceipt`). Receipts of a device are numbered
//! from 1, and each names the SHA-256 of the text before it. A receipt names a role and an organisation, never a person.

use serde::{Deserialize, Serialize};

use crate::case::CaseId;
use crate::identity::{DeviceId, Digest, Purpose, words};
use crate::rights::{NotProven, proven};
use crate::signature::{Context, TrustedKeys};

/// The first field of a receipt.
pub const FORMAT: &str = "kathea-use-1";
/// Bytes of the longest receipt that is read.
pub const MAX_RECEIPT: usize = 1 << 10;
/// Characters of the longest recipient.
pub const MAX_RECIPIENT: usize = 80;

words! {
    /// What was done with the data.
    Use {
        /// It was copied out of the collector, in readable form.
        Export = "export",
        /// Everything that is held of this device was put together.
        Access = "access",
        /// The consent under which something is held was looked up.
        Proof = "proof",
        /// A sealed support bundle was handed on.
        Handover = "handover",
    }
}

words! {
    /// In which role.
    UseRole {
        /// Runs the collector.
        Operator = "operator",
        /// Evaluates statistics.
        Analyst = "analyst",
        /// Works on a support case.
        ServiceEngineer = "service_engineer",
        /// Answers for data protection.
        PrivacyOfficer = "privacy_officer",
    }
}

words! {
    /// Why.
    UseReason {
        /// To solve a support case.
        Support = "support",
        /// To find out how the product is used and how well it works.
        Quality = "quality",
        /// Device vigilance (Regulation (EU) 2017/745).
        Vigilance = "vigilance",
        /// A complaint.
        Complaint = "complaint",
        /// A legal claim.
        LegalClaim = "legal_claim",
        /// The clinic asked for it.
        ClinicRequest = "clinic_request",
        /// An authority demanded it.
        Authority = "authority",
        /// A check of the collector, or of consent.
        Audit = "audit",
    }
}

/// One receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`FORMAT`].
    pub format: String,
    /// Whose data it was.
    pub device: DeviceId,
    /// From 1.
    pub number: u64,
    /// SHA-256 of the text of the receipt before; null in the first.
    pub previous: Option<Digest>,
    /// When, RFC 3339.
    pub at: String,
    /// In which role.
    pub role: UseRole,
    /// What was done.
    pub what: Use,
    /// With data of this purpose only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<Purpose>,
    /// Of this support case only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// For whom: an organisation or a department.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<UseReason>,
}

impl Receipt {
    /// Reads a receipt about `device`, if one of `keys` signed it.
    pub fn verify(
        text: &str,
        signature: &str,
        keys: &TrustedKeys,
        device: DeviceId,
    ) -> Result<Self, NotProven> {
        proven(text, signature, keys, (Context::UseReceipt, MAX_RECEIPT))?;
        let read: Self = serde_json::from_str(text).map_err(|_| NotProven::Format)?;
        if read.format != FORMAT || read.number == 0 {
            return Err(NotProven::Format);
        }
        if read.device == device { Ok(read) } else { Err(NotProven::Other) }
    }
}

/// Whether this can be a recipient: one line, an organisation and no address of a person.
pub fn is_recipient(text: &str) -> bool {
    let is_short = (1..=MAX_RECIPIENT).contains(&text.chars().count());
    is_short && text.trim() == text && !text.contains('@') && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::TrustedKey;

    /// Another program signed it, and a reader in another language can be tried on it.
    #[test]
    fn the_golden_receipts_are_read_and_no_others() {
        let golden = include_str!("../tests/golden/use-1.txt");
        let lines: Vec<&str> = golden.lines().filter(|line| !line.starts_with('#')).collect();
        let [key, first, signature, second, other] = lines.as_slice() else { panic!("five lines") };
        let signs = vec![Context::UseReceipt];
        let keys = TrustedKeys::new(vec![TrustedKey { key: key.parse().unwrap(), signs }]);
        let device = DeviceId::from_bytes([7; 16]);
        let read = |text: &str, signature: &str| Receipt::verify(text, signature, &keys, device);
        let one = read(first, signature).unwrap();
        assert_eq!((one.number, one.previous, one.what), (1, None, Use::Export));
        assert_eq!(serde_json::to_string(&one).unwrap(), *first, "what this version writes");
        let two = read(second, other).unwrap();
        assert_eq!((two.number, two.previous), (2, Some(Digest::of(first.as_bytes()))));
        assert_eq!((two.to.as_deref(), two.why), (Some("Example Vendor, support"), Some(UseReason::Support)));

        assert_eq!(read(first, other), Err(NotProven::Signature));
        assert_eq!(read(&first.replace("quality", "support"), signature), Err(NotProven::Signature));
        assert_eq!(read(first, ""), Err(NotProven::Signature));
        assert_eq!(read(&" ".repeat(MAX_RECEIPT + 1), signature), Err(NotProven::Format));
        let elsewhere = DeviceId::from_bytes([8; 16]);
        assert_eq!(Receipt::verify(first, signature, &keys, elsewhere), Err(NotProven::Other));
        let none = TrustedKeys::default();
        assert_eq!(Receipt::verify(first, signature, &none, device), Err(NotProven::Signature));
        let signs = vec![Context::Notice];
        let notices = TrustedKeys::new(vec![TrustedKey { key: key.parse().unwrap(), signs }]);
        assert_eq!(Receipt::verify(first, signature, &notices, device), Err(NotProven::Signature));
    }

    #[test]
    fn a_recipient_is_a_line_without_an_address() {
        assert!(is_recipient("Example Vendor, image quality") && is_recipient("Lægemiddelstyrelsen"));
        let long = "x".repeat(MAX_RECIPIENT + 1);
        for bad in ["", " ", " x", "anna@example.org", "two\nlines", long.as_str()] {
            assert!(!is_recipient(bad), "{bad}");
        }
    }
}
