//! One line of the consent ledger, in the shape of ISO/IEC TS 27560 (header, processing, event).
//!
//! A line is `{"entry":{...},"signature":"BASE64"}`. The signature (Ed25519, RFC 8032) is over the
//! very bytes of `entry`; the line's hash is the SHA-256 of the whole line without its line feed.
//! Neither is ever computed from a re-encoding.

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::case::CaseId;
use crate::identity::{DeviceId, Digest, Purpose, Retention};
use crate::period::Kept;
use crate::signature;

/// Longest line that is read, in bytes.
pub const MAX_LINE: usize = 16 << 10;

/// One event in the life of a consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Which record this is.
    pub header: EntryHeader,
    /// What was asked for, as it was shown.
    pub processing: Processing,
    /// What was answered.
    pub event: Event,
}

/// Which record this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryHeader {
    /// `kathea-consent-1`.
    pub schema: String,
    /// Position in the ledger, from 0.
    pub index: u64,
    /// The device: the PII principal's stand-in.
    pub device: DeviceId,
    /// Hash of the line before; absent in the first.
    pub previous: Option<Digest>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processing {
    /// The flag.
    pub purpose: Purpose,
    /// The support case, for the purposes that are asked per case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// Id, version and SHA-256 of the policy.
    pub policy: String,
    /// Version of the policy.
    pub policy_version: String,
    /// SHA-256 of the policy's bytes.
    pub policy_sha256: Digest,
    /// SHA-256 of the text that was shown (`consent show`).
    pub notice_sha256: Digest,
    /// SHA-256 of the manifest that was shown, where the yes covers exactly the files that it lists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest_sha256: Option<Digest>,
    /// GDPR article that it rests on.
    pub legal_basis: String,
    /// Data categories.
    pub data_categories: Vec<String>,
    /// Name of the controller.
    pub controller: String,
    /// Who receives the data.
    pub recipients: Vec<String>,
    /// Where it is held.
    pub storage_place: String,
    /// How long the vendor keeps it.
    pub retention: Retention,
    /// Beside [`Retention::Period`]: the period and its start, as the policy writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_period: Option<Kept>,
}

impl Processing {
    /// How long the vendor keeps it; `None` where word and period do not belong together.
    pub fn kept(&self) -> Option<Kept> {
        match self.retention_period {
            None => Kept::of_word(self.retention),
            Some(kept) => {
                Some(kept).filter(|kept| kept.word == Retention::Period && self.retention == kept.word)
            }
        }
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The answer.
    #[serde(rename = "type")]
    pub kind: EventKind,
    /// RFC 3339, UTC.
    pub at: String,
    /// End of a grant's life, RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Who, as a role; never a name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// How: `command_line`, `socket`, `agent`.
    pub channel: String,
    /// Where the person sat, if a person it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Session>,
    /// Which owner of the clinic answers, counted from 0: absent of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u64>,
}

/// Where somebody sat who answered: a closed list, as the program that asked saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Session {
    /// At the workstation.
    Console,
    /// At another computer, over a remote session.
    Remote,
    /// Nowhere: a script or a service.
    Unattended,
}

/// What happened to a consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// Yes.
    Granted,
    /// No.
    Denied,
    /// Not any more: the first of the five steps.
    Withdrawn,
    /// The withdrawal's last step: keys, queues and bundles are gone.
    Closed,
    /// Keep, but neither use nor send (GDPR art. 18).
    Restricted,
    /// End of a restriction.
    Released,
    /// The grant's period is over.
    Expired,
}

/// Who may say yes: a closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The clinic's owner.
    Owner,
    /// Its privacy officer.
    PrivacyOfficer,
    /// Somebody they appointed.
    Delegate,
}

/// A line as it is stored and sent.
#[derive(Debug, Serialize, Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    entry: &'a RawValue,
    signature: &'a str,
}

/// Why a line was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadLine {
    /// Longer than [`MAX_LINE`].
    TooLong,
    /// Not a line of this shape.
    Shape,
    /// Not signed by the key that was given.
    Signature,
}

/// The line for `entry`, without a line feed. `sign` returns the Ed25519 signature of its argument.
pub fn write_line(entry: &Entry, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> Result<String, serde_json::Error> {
    let entry = serde_json::to_string(entry)?;
    let signature = BASE64.encode(&sign(entry.as_bytes()));
    serde_json::to_string(&Line { entry: &RawValue::from_string(entry)?, signature: &signature })
}

/// Reads a line and checks its signature by the device's raw Ed25519 public key.
pub fn read_line(line: &str, public_key: &[u8]) -> Result<Entry, BadLine> {
    if line.len() > MAX_LINE {
        return Err(BadLine::TooLong);
    }
    let parsed: Line<'_> = serde_json::from_str(line).map_err(|_| BadLine::Shape)?;
    let signature = BASE64.decode(parsed.signature.as_bytes()).map_err(|_| BadLine::Shape)?;
    if !signature::is_signed(public_key, parsed.entry.get().as_bytes(), &signature) {
        return Err(BadLine::Signature);
    }
    let entry: Entry = serde_json::from_str(parsed.entry.get()).map_err(|_| BadLine::Shape)?;
    if entry.processing.kept().is_some() { Ok(entry) } else { Err(BadLine::Shape) }
}

/// The line's hash: what a batch names as its consent, and the next line as its predecessor.
pub fn line_hash(line: &str) -> Digest {
    Digest::of(line.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a program of before the periods reads of a line.
    #[derive(Deserialize)]
    struct Before {
        retention: WordBefore,
    }

    #[derive(Deserialize, PartialEq, Eq, Debug)]
    #[serde(rename_all = "snake_case")]
    enum WordBefore {
        #[serde(rename = "usage_24m")]
        Usage,
        #[serde(rename = "support_decom_10y")]
        Support,
        #[serde(rename = "analytics_14m")]
        Analytics,
        #[serde(rename = "contact_2y")]
        Contact,
    }

    fn asked(retention: &str) -> String {
        format!(
            r#"{{"purpose":"usage_statistics","policy":"p","policy_version":"1","policy_sha256":"{zeros}","notice_sha256":"{zeros}","legal_basis":"b","data_categories":[],"controller":"c","recipients":[],"storage_place":"EEA",{retention}}}"#,
            zeros = "0".repeat(64)
        )
    }

    #[test]
    fn old_and_new_read_the_words_alike_and_no_old_program_takes_a_period_for_a_word() {
        let word = asked(r#""retention":"usage_24m""#);
        let now: Processing = serde_json::from_str(&word).unwrap();
        assert_eq!(
            (serde_json::to_string(&now).unwrap(), now.kept()),
            (word.clone(), "usage_24m".parse().ok())
        );
        assert_eq!(serde_json::from_str::<Before>(&word).unwrap().retention, WordBefore::Usage);

        let period = asked(r#""retention":"period","retention_period":"P36M from receipt""#);
        let now: Processing = serde_json::from_str(&period).unwrap();
        assert_eq!(
            (serde_json::to_string(&now).unwrap(), now.kept()),
            (period.clone(), "P36M from receipt".parse().ok())
        );
        assert!(
            serde_json::from_str::<Before>(&period).is_err(),
            "it is refused, and not kept for another time"
        );

        for wrong in [
            r#""retention":"period""#,
            r#""retention":"usage_24m","retention_period":"P36M from receipt""#,
            r#""retention":"period","retention_period":"usage_24m""#,
        ] {
            assert_eq!(serde_json::from_str::<Processing>(&asked(wrong)).unwrap().kept(), None, "{wrong}");
        }
        let unknown = asked(r#""retention":"period","retention_period":"P36M from Mars""#);
        assert!(serde_json::from_str::<Processing>(&unknown).is_err());
    }
}
