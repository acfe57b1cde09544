//! The closed list of error answers, as problem+json (RFC 9457).

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use protocol::bundle::tus;
use protocol::envelope::DecodeError;
use protocol::reply::{self, names};

use crate::failure::Failure;

/// Seconds after which a device may try again: drawn anew for each answer, so that devices that were sent away
/// together do not come back together.
const RETRY_SECONDS: std::ops::RangeInclusive<u16> = 30..=300;

/// Why a request was not answered with a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    BadRequest,
    BadSigningRequest,
    BadConsent,
    BadBatch,
    DigestMismatch,
    NameMismatch,
    CertificateRequired,
    BadToken,
    DeviceUnknown,
    DeviceRevoked,
    ConsentNotGiven,
    ConsentWithdrawn,
    ConsentRestricted,
    ConsentExpired,
    ConsentOtherPolicy,
    ConsentOtherRetention,
    ConsentOtherManifest,
    ConsentBroken,
    NotFound,
    MethodNotAllowed,
    Timeout,
    TokenUsed,
    BatchConflict,
    RequestConflict,
    OffsetConflict,
    BundleConflict,
    BundleIncomplete,
    Superseded,
    ChecksumMismatch,
    NotAChunk,
    OtherTus,
    DeviceRetired,
    TooLong,
    UnknownVersion,
    ConsentRequired,
    Unavailable,
    Busy,
    TooManyRequests,
    LimitReached,
    TooMany,
}

impl Problem {
    /// Status, type and title.
    fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::BadRequest => (S::BAD_REQUEST, "bad_request", "The body is not what this route takes."),
            Self::BadSigningRequest => {
                (S::BAD_REQUEST, "bad_csr", "Not a PKCS#10 request signed by its own Ed25519 key.")
            }
            Self::BadConsent => {
                (S::BAD_REQUEST, "bad_consent", "Not a ledger entry of this device, signed by its key.")
            }
            Self::BadBatch => (S::BAD_REQUEST, "bad_batch", "The body is not a batch."),
            Self::DigestMismatch => {
                (S::BAD_REQUEST, "digest_mismatch", "The digest that was named is not that of the body.")
            }
            Self::NameMismatch => {
                (S::BAD_REQUEST, "name_mismatch", "The route names another purpose or range than the batch.")
            }
            Self::CertificateRequired => {
                (S::UNAUTHORIZED, "certificate_required", "Come with the device's certificate, or enrol.")
            }
            Self::BadToken => (S::FORBIDDEN, "bad_token", "The token is unknown or older than a day."),
            Self::DeviceUnknown => (S::FORBIDDEN, "device_unknown", "The device is not enrolled here."),
            Self::DeviceRevoked => (S::FORBIDDEN, "device_revoked", "The device's certificate was revoked."),
            Self::ConsentNotGiven => (
                S::FORBIDDEN,
                "consent_not_given",
                "The named entry does not grant this purpose, or not for this case.",
            ),
            Self::ConsentWithdrawn => {
                (S::FORBIDDEN, "consent_withdrawn", "A later entry ended the consent that is named.")
            }
            Self::ConsentRestricted => {
                (S::FORBIDDEN, "consent_restricted", "Processing for this purpose is restricted.")
            }
            Self::ConsentExpired => {
                (S::FORBIDDEN, "consent_expired", "The period of the consent that is named is over.")
            }
            Self::ConsentOtherPolicy => (
                S::FORBIDDEN,
                "consent_other_policy",
                "The named entry is under a policy whose text is not known here.",
            ),
            Self::ConsentOtherRetention => {
                (S::FORBIDDEN, "consent_other_retention", "The named entry allows another retention class.")
            }
            Self::ConsentOtherManifest => (
                S::FORBIDDEN,
                "consent_other_manifest",
                "The named entry covers another manifest than the bundle has.",
            ),
            Self::ConsentBroken => (
                S::FORBIDDEN,
                "consent_broken",
                "The ledger entry before the named one is not the one that it names.",
            ),
            Self::NotFound => (S::NOT_FOUND, "not_found", "There is nothing under this name."),
            Self::MethodNotAllowed => {
                (S::METHOD_NOT_ALLOWED, "method_not_allowed", "The route does not take this method.")
            }
            Self::Timeout => (S::REQUEST_TIMEOUT, "timeout", "The request took too long."),
            Self::TokenUsed => (S::CONFLICT, "token_used", "The token was used before; ask for another."),
            Self::BatchConflict => {
                (S::CONFLICT, "batch_conflict", "A batch of this name and with another content is held.")
            }
            Self::RequestConflict => {
                (S::CONFLICT, "request_conflict", "The request id was used for another request.")
            }
            Self::OffsetConflict => {
                (S::CONFLICT, "offset_conflict", "The upload does not stand at this offset; ask for it.")
            }
            Self::BundleConflict => {
                (S::CONFLICT, "bundle_conflict", "A bundle of this digest and another size is known.")
            }
            Self::BundleIncomplete => {
                (S::CONFLICT, "bundle_incomplete", "What came is not the bundle that was announced.")
            }
            Self::Superseded => (S::CONFLICT, "superseded", "A newer request has the upload."),
            Self::ChecksumMismatch => (
                S::from_u16(tus::CHECKSUM_MISMATCH).unwrap_or(S::BAD_REQUEST),
                "checksum_mismatch",
                "The chunk is not what its checksum says.",
            ),
            Self::NotAChunk => {
                (S::UNSUPPORTED_MEDIA_TYPE, "not_a_chunk", "A chunk is application/offset+octet-stream.")
            }
            Self::OtherTus => (S::PRECONDITION_FAILED, "other_tus", "Uploads go by tus 1.0.0."),
            Self::DeviceRetired => (S::GONE, "device_retired", "The device was decommissioned."),
            Self::TooLong => (S::PAYLOAD_TOO_LARGE, "too_long", "The body is longer than the limit."),
            Self::UnknownVersion => {
                (S::UNSUPPORTED_MEDIA_TYPE, "unknown_version", "The envelope's version is not read here.")
            }
            Self::ConsentRequired => {
                (S::PRECONDITION_REQUIRED, names::CONSENT_REQUIRED, "Upload the consent entry first.")
            }
            Self::Unavailable => (S::SERVICE_UNAVAILABLE, "unavailable", "The store failed; come again."),
            Self::Busy => (S::SERVICE_UNAVAILABLE, "busy", "The collector is busy; come again."),
            Self::TooManyRequests => (
                S::TOO_MANY_REQUESTS,
                "too_many_requests",
                "Too many requests of this device at once; come again.",
            ),
            Self::TooMany => {
                (S::TOO_MANY_REQUESTS, "too_many", "The device asked more often today than is answered.")
            }
            Self::LimitReached => {
                (S::SERVICE_UNAVAILABLE, "limit_reached", "The collector keeps no more for this device.")
            }
        }
    }
}

/// A device learns that the store failed; the log says which file.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        log::error!("{failure}");
        Self::Unavailable
    }
}

impl From<DecodeError> for Problem {
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::TooLong => Self::TooLong,
            DecodeError::Version(_) => Self::UnknownVersion,
            _ => Self::BadBatch,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, kind, title) = self.parts();
        let body = reply::Problem {
            kind: kind.to_owned(),
            title: title.to_owned(),
            status: status.as_u16(),
            rejected: Vec::new(),
        };
        // Strings and numbers always have a JSON form.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(names::PROBLEM));
        if matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(retry_seconds()));
        }
        response
    }
}

/// A random number of seconds; the longest where the system gives no randomness.
fn retry_seconds() -> u16 {
    let (least, most) = (*RETRY_SECONDS.start(), *RETRY_SECONDS.end());
    let random = ring::rand::generate::<[u8; 4]>(&ring::rand::SystemRandom::new());
    random.map_or(most, |random| {
        let share = u32::from_le_bytes(random.expose()) % u32::from(most - least + 1);
        least + u16::try_from(share).unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn devices_that_are_sent_away_together_come_back_over_five_minutes() {
        for problem in [Problem::Busy, Problem::TooManyRequests, Problem::Unavailable, Problem::LimitReached]
        {
            let seconds: Vec<u16> = (0..500)
                .map(|_| {
                    let response = problem.into_response();
                    response.headers()[RETRY_AFTER].to_str().unwrap().parse().unwrap()
                })
                .collect();
            assert!(seconds.iter().all(|seconds| RETRY_SECONDS.contains(seconds)));
            let buckets: BTreeSet<u16> = seconds.iter().map(|seconds| (*seconds).min(299) / 30).collect();
            assert_eq!(buckets, (1..=9).collect(), "{problem:?}");
        }
        assert!(Problem::NotFound.into_response().headers().get(RETRY_AFTER).is_none());
    }
}
