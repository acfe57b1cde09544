//! A support bundle on its way: what is said of it beside its sealed bytes, which go by tus 1.0, and the
//! vendor's invitation to send one.

use std::fmt;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::case::CaseId;
use crate::identity::{CaseReason, Digest};

/// Bytes of one `PATCH`, at most.
pub const MAX_CHUNK: u64 = 5 << 20;

/// What a device announces before the first byte: `Upload-Length` and `Upload-Metadata` of tus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Announcement {
    /// The case that the bundle is for.
    pub case: CaseId,
    /// Bytes of the sealed file.
    pub size: u64,
    /// Of the sealed file.
    pub sha256: Digest,
    /// Of the `manifest.json` inside: the digest that the clinic said yes to.
    pub manifest_sha256: Digest,
    /// Hashes of the ledger lines that say yes for the case: one for each purpose that the bundle needs.
    pub consents: Vec<Digest>,
}

impl Announcement {
    /// The value of `Upload-Metadata` (tus 1.0, Creation): words and Base64.
    pub fn metadata(&self) -> String {
        let encoded = |value: &dyn fmt::Display| BASE64.encode(value.to_string().as_bytes());
        let consents: Vec<String> = self.consents.iter().map(ToString::to_string).collect();
        format!(
            "case {},sha256 {},manifest_sha256 {},consents {}",
            encoded(&self.case),
            encoded(&self.sha256),
            encoded(&self.manifest_sha256),
            encoded(&consents.join(" "))
        )
    }

    /// Reads `Upload-Metadata` of an upload of `size` bytes. Unknown words are ignored.
    pub fn read(metadata: &str, size: u64) -> Option<Self> {
        Some(Self {
            case: value(metadata, "case")?.parse().ok()?,
            size,
            sha256: value(metadata, "sha256")?.parse().ok()?,
            manifest_sha256: value(metadata, "manifest_sha256")?.parse().ok()?,
            consents: value(metadata, "consents")?
                .split(' ')
                .map(|hash| hash.parse().ok())
                .collect::<Option<_>>()?,
        })
    }
}

fn value(metadata: &str, name: &str) -> Option<String> {
    let mut pairs = metadata.split(',').filter_map(|pair| pair.trim().split_once(' '));
    let (_, encoded) = pairs.find(|(word, _)| *word == name)?;
    String::from_utf8(BASE64.decode(encoded.as_bytes()).ok()?).ok()
}

/// `POST /v1/bundles/{id}/complete`: every byte was sent, and this is what they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complete {
    /// Of the sealed file.
    pub sha256: Digest,
    /// Bytes of the sealed file.
    pub size: u64,
}

/// 200 to a [`Complete`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BundleReply {
    /// Of the file that is held, computed there.
    pub sha256: Digest,
    /// Its bytes.
    pub size: u64,
    /// True once the file outlives a power cut.
    pub durable: bool,
    /// The number that the vendor files it under.
    pub receipt: String,
}

/// The number that a bundle is filed under, however it came: the first 32 digits of its SHA-256.
pub fn receipt(sha256: Digest) -> String {
    let mut text = sha256.to_string();
    text.truncate(32);
    text
}

/// The vendor's invitation to send a bundle. It only asks: nothing is sent without the clinic's consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// The case that it would be for.
    pub case: CaseId,
    /// Why.
    pub reason: CaseReason,
}

impl Invitation {
    /// The value of [`names::INVITATIONS`](crate::reply::names::INVITATIONS): `CASE reason`, divided by commas.
    pub fn header(invitations: &[Self]) -> String {
        let each: Vec<String> = invitations
            .iter()
            .map(|invitation| format!("{} {}", invitation.case, invitation.reason))
            .collect();
        each.join(", ")
    }

    /// Reads [`Invitation::header`]. What has another form is of a later version, and ignored.
    pub fn read_header(text: &str) -> Vec<Self> {
        let invitation = |part: &str| {
            let (case, reason) = part.trim().split_once(' ')?;
            Some(Self { case: case.parse().ok()?, reason: reason.parse().ok()? })
        };
        text.split(',').filter_map(invitation).collect()
    }
}

/// Names of tus 1.0 (<https://tus.io/protocols/resumable-upload>).
pub mod tus {
    /// The one version.
    pub const VERSION: &str = "1.0.0";
    /// In every request and answer.
    pub const RESUMABLE: &str = "tus-resumable";
    /// Versions that the server speaks.
    pub const VERSIONS: &str = "tus-version";
    /// What it can beside the core.
    pub const EXTENSION: &str = "tus-extension";
    /// Bytes of the longest upload.
    pub const MAX_SIZE: &str = "tus-max-size";
    /// Algorithms of [`CHECKSUM`] that the server knows.
    pub const CHECKSUM_ALGORITHM: &str = "tus-checksum-algorithm";
    /// Bytes of the whole upload.
    pub const LENGTH: &str = "upload-length";
    /// Bytes that the server has.
    pub const OFFSET: &str = "upload-offset";
    /// What the upload is.
    pub const METADATA: &str = "upload-metadata";
    /// `sha256 BASE64` of a chunk.
    pub const CHECKSUM: &str = "upload-checksum";
    /// Media type of a chunk.
    pub const CHUNK: &str = "application/offset+octet-stream";
    /// The checksum is not that of the chunk, which was thrown away.
    pub const CHECKSUM_MISMATCH: u16 = 460;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_is_read_as_it_was_written_and_not_otherwise() {
        let announcement = Announcement {
            case: "CASE-1042".parse().unwrap(),
            size: 7,
            sha256: Digest::of(b"sealed"),
            manifest_sha256: Digest::of(b"manifest"),
            consents: vec![Digest::of(b"line"), Digest::of(b"other line")],
        };
        let metadata = announcement.metadata();
        assert_eq!(Announcement::read(&metadata, 7), Some(announcement.clone()));
        assert_eq!(Announcement::read(&format!("new dGV4dA==, {metadata},flag"), 7), Some(announcement));
        for broken in
            ["", "case", &metadata.replace("consents", "consent"), &metadata.replace("case ", "case !")]
        {
            assert_eq!(Announcement::read(broken, 7), None, "{broken}");
        }
    }

    #[test]
    fn an_invitation_is_a_case_and_a_reason_of_the_list() {
        let invitation = |case: &str, reason| Invitation { case: case.parse().unwrap(), reason };
        let invitations = [invitation("A-1", CaseReason::ImageQuality), invitation("B-2", CaseReason::Other)];
        let header = Invitation::header(&invitations);
        assert_eq!(header, "A-1 image_quality, B-2 other");
        assert_eq!(Invitation::read_header(&header), invitations);
        assert_eq!(Invitation::read_header("A-1 send_everything, b other, , B-2 other"), invitations[1..]);
    }
}
