//! What the vendor answers to a privacy request beside `open` and `done`: when it is due, what became of it, and the
//! signed certificate of an erasure.
//!
//! A certificate is a text in JSON, signed as it stands (`signature::Context::ErasureCertificate`); it is never
//! computed from a re-encoding. It names no person.

use serde::{Deserialize, Serialize};

use crate::case::CaseId;
use crate::identity::{DeviceId, Digest, Purpose, words};
use crate::signature::{Context, Signature, TrustedKeys};

/// The first field of a certificate.
pub const FORMAT: &str = "kathea-erasure-1";
/// Bytes of the longest certificate that is read.
pub const MAX_CERTIFICATE: usize = 32 << 10;

words! {
    /// What a clinic may ask the vendor for.
    PrivacyKind {
        /// Take no more (GDPR art. 7(3)).
        Withdraw = "withdraw",
        /// Erase what was sent (art. 17).
        Erase = "erase",
        /// Keep what was sent, but do not use it (art. 18).
        Restrict = "restrict",
        /// End of a restriction.
        Release = "release",
        /// Say what is held (art. 15 and 20).
        Access = "access",
        /// Correct it (art. 16).
        Rectify = "rectify",
        /// The device is out of use: the periods that start from here begin.
        Decommission = "decommission",
        /// Do not erase after all: within the 14 days in which the vendor waits.
        Revoke = "revoke",
        /// Use it no more, unless the vendor shows why it may (art. 21): what it is about is hidden like what is restricted.
        Object = "object",
    }
}

words! {
    /// What became of a request.
    Outcome {
        /// Everything that was asked for was erased.
        Erased = "erased",
        /// Some of it is kept, for a reason of the law.
        RefusedInPart = "refused_in_part",
        /// The clinic took the request back in time.
        Revoked = "revoked",
    }
}

words! {
    /// Why something is kept although its erasure was asked for (GDPR art. 17(3)).
    HoldReason {
        /// To establish, exercise or defend legal claims (art. 17(3)(e)).
        LegalClaim = "legal_claim",
        /// A record of device vigilance (Regulation (EU) 2017/745, art. 87 to 92; art. 17(3)(b)).
        VigilanceRecord = "vigilance_record",
        /// A record of a complaint that the manufacturer's quality system keeps (art. 17(3)(b)).
        ComplaintRecord = "complaint_record",
    }
}

words! {
    /// Why an answer takes up to two months longer (art. 12(3)).
    ExtensionReason {
        /// The request is complex.
        Complexity = "complexity",
        /// There are many requests.
        ManyRequests = "many_requests",
    }
}

/// What is kept of what was to be erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The reason.
    pub why: HoldReason,
    /// Until when at most, RFC 3339.
    pub until: String,
    /// What is kept.
    pub purposes: Vec<Purpose>,
}

/// A copy that was made before the erasure and that the collector can't reach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemainingCopy {
    /// `export` or `backup`.
    pub what: String,
    /// When it was made, RFC 3339.
    pub at: String,
    /// Who received it, if that was noted; never a person's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// From when on nobody can read what was erased in it, RFC 3339: its key is destroyed, and the last backup of that
    /// key is gone then. Absent: it stays readable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable_from: Option<String>,
}

/// What was erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// [`FORMAT`].
    pub format: String,
    /// The request that was carried out.
    pub ticket: String,
    /// Whose data it was.
    pub device: DeviceId,
    /// What was erased.
    pub purposes: Vec<Purpose>,
    /// Of this support case only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// When the request came, RFC 3339.
    pub asked_at: String,
    /// When it was carried out, RFC 3339.
    pub erased_at: String,
    /// Records.
    pub records: u64,
    /// Support bundles that were whole.
    pub bundles: u64,
    /// Support bundles of which a part had come.
    pub parts: u64,
    /// What is kept, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<Hold>,
    /// Copies that remain.
    pub copies: Vec<RemainingCopy>,
}

/// Why a certificate proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotProven {
    /// It is not of this format, or too long.
    Format,
    /// It is about another request, another device, or other data than was asked for.
    Other,
    /// No key that the device trusts signed it.
    Signature,
}

/// Whether one of `keys` signed exactly `text` in this context; no more than so many bytes are looked at.
pub(crate) fn proven(
    text: &str,
    signature: &str,
    keys: &TrustedKeys,
    (context, most): (Context, usize),
) -> Result<(), NotProven> {
    if text.len() > most {
        return Err(NotProven::Format);
    }
    let signature: Signature = signature.parse().map_err(|_| NotProven::Signature)?;
    let signed = keys.verify(context, Digest::of(text.as_bytes()), &signature);
    signed.map(drop).map_err(|_| NotProven::Signature)
}

impl Certificate {
    /// Reads the text of a certificate that answers `ticket` of `device` about `purposes`, if one of `keys` signed it.
    pub fn verify(
        text: &str,
        signature: &str,
        keys: &TrustedKeys,
        asked: (&str, DeviceId, &[Purpose], Option<&CaseId>),
    ) -> Result<Self, NotProven> {
        proven(text, signature, keys, (Context::ErasureCertificate, MAX_CERTIFICATE))?;
        let read: Self = serde_json::from_str(text).map_err(|_| NotProven::Format)?;
        if read.format != FORMAT {
            return Err(NotProven::Format);
        }
        let (ticket, device, purposes, case) = asked;
        let kept = read.kept.as_ref().map_or(&[][..], |kept| &kept.purposes);
        let covers = |purpose: &Purpose| read.purposes.contains(purpose) || kept.contains(purpose);
        let is_its = read.ticket == ticket && read.device == device && read.case.as_ref() == case;
        if is_its && purposes.iter().all(covers) { Ok(read) } else { Err(NotProven::Other) }
    }

    /// What it says became of the request.
    pub fn outcome(&self) -> Outcome {
        if self.kept.is_some() { Outcome::RefusedInPart } else { Outcome::Erased }
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;
    use crate::signature::{PublicKey, TrustedKey};

    const USAGE: &[Purpose] = &[Purpose::UsageStatistics];

    fn certificate() -> Certificate {
        Certificate {
            format: FORMAT.to_owned(),
            ticket: "t-1".to_owned(),
            device: DeviceId::from_bytes([7; 16]),
            purposes: USAGE.to_vec(),
            case: None,
            asked_at: "2026-11-01T10:00:00Z".to_owned(),
            erased_at: "2026-11-15T10:00:00Z".to_owned(),
            records: 12,
            bundles: 0,
            parts: 0,
            kept: None,
            copies: Vec::new(),
        }
    }

    fn pair(seed: u8) -> (Ed25519KeyPair, PublicKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let key = PublicKey::from_bytes(pair.public_key().as_ref().try_into().unwrap());
        (pair, key)
    }

    fn signed(text: &str, context: Context, seed: u8) -> String {
        let (pair, key) = pair(seed);
        let content = Digest::of(text.as_bytes());
        Signature::new(context, key, content, |bytes| pair.sign(bytes).as_ref().to_vec()).unwrap().to_string()
    }

    fn trusted() -> TrustedKeys {
        TrustedKeys::new(vec![TrustedKey {
            key: pair(1).1,
            signs: vec![Context::ErasureCertificate, Context::Notice],
        }])
    }

    #[test]
    fn a_certificate_proves_exactly_what_was_asked() {
        let text = serde_json::to_string(&certificate()).unwrap();
        let signature = signed(&text, Context::ErasureCertificate, 1);
        let asked = ("t-1", DeviceId::from_bytes([7; 16]), USAGE, None);
        let verify =
            |text: &str, signature: &str, asked| Certificate::verify(text, signature, &trusted(), asked);
        let read = verify(&text, &signature, asked).unwrap();
        assert_eq!((read.outcome(), &read), (Outcome::Erased, &certificate()));

        let case: CaseId = "CASE-1".parse().unwrap();
        for other in [
            ("t-2", asked.1, USAGE, None),
            ("t-1", DeviceId::from_bytes([8; 16]), USAGE, None),
            ("t-1", asked.1, Purpose::ALL, None),
            ("t-1", asked.1, USAGE, Some(&case)),
        ] {
            assert_eq!(verify(&text, &signature, other), Err(NotProven::Other));
        }
        for forged in [
            signed(&text, Context::ErasureCertificate, 2),
            signed(&text, Context::Notice, 1),
            signed("other", Context::ErasureCertificate, 1),
            String::new(),
        ] {
            assert_eq!(verify(&text, &forged, asked), Err(NotProven::Signature));
        }
        assert_eq!(verify(&text.replace("12", "13"), &signature, asked), Err(NotProven::Signature));
        let cut = &text[..text.len() - 1];
        assert_eq!(verify(cut, &signed(cut, Context::ErasureCertificate, 1), asked), Err(NotProven::Format));
    }

    #[test]
    fn what_is_kept_is_part_of_the_answer() {
        let mut half = certificate();
        half.purposes = vec![Purpose::UsageStatistics];
        half.kept = Some(Hold {
            why: HoldReason::ComplaintRecord,
            until: "2028-01-01T00:00:00Z".to_owned(),
            purposes: vec![Purpose::SupportCase, Purpose::SupportScanData],
        });
        let text = serde_json::to_string(&half).unwrap();
        let signature = signed(&text, Context::ErasureCertificate, 1);
        let asked = ("t-1", half.device, Purpose::ALL, None);
        let read = Certificate::verify(&text, &signature, &trusted(), asked).unwrap();
        assert_eq!(read.outcome(), Outcome::RefusedInPart);
    }

    /// Another program signed it, and a reader in another language can be tried on it.
    #[test]
    fn the_golden_certificate_is_read() {
        let golden = include_str!("../tests/golden/erasure-1.txt");
        let mut lines = golden.lines().filter(|line| !line.starts_with('#'));
        let (key, text, signature) = (lines.next().unwrap(), lines.next().unwrap(), lines.next().unwrap());
        let signs = vec![Context::ErasureCertificate];
        let keys = TrustedKeys::new(vec![TrustedKey { key: key.parse().unwrap(), signs }]);
        let ticket = format!("{}-{}", "07".repeat(16), "0a".repeat(16));
        let device = DeviceId::from_bytes([7; 16]);
        let purposes = [Purpose::UsageStatistics, Purpose::SupportCase];
        let read = Certificate::verify(text, signature, &keys, (&ticket, device, &purposes, None)).unwrap();
        assert_eq!((read.records, read.outcome()), (12, Outcome::RefusedInPart));
        assert_eq!(serde_json::to_string(&read).unwrap(), text, "what this version writes");
        let all = (ticket.as_str(), device, Purpose::ALL, None);
        assert_eq!(Certificate::verify(text, signature, &keys, all), Err(NotProven::Other));
    }
}
