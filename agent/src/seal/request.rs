//! A request to the vendor as a payload for sealing.

use super::payload::{Clean, Payload, Queue};
use crate::consent::permit::Rights;
use crate::consent::vendor_request::VendorRequest;

impl From<VendorRequest> for Clean<VendorRequest> {
    /// Hashes, closed words and a random number: clean by its type.
    fn from(request: VendorRequest) -> Self {
        Clean::new(request)
    }
}

const V1: u8 = 1;

impl Payload for VendorRequest {
    type Purpose = Rights;
    const QUEUE: Queue = Queue::Requests;

    fn records(&self) -> u32 {
        1
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![V1];
        // Plain words and hashes have no way to fail.
        bytes.extend(serde_json::to_vec(self).unwrap_or_default());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.split_first()? {
            (&V1, body) => serde_json::from_slice(body).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::Digest;
    use protocol::rights::PrivacyKind;

    use super::*;
    use crate::consent::Flag;

    #[test]
    fn a_request_survives_its_bytes_and_another_version_is_not_read() {
        let ask = |kind| VendorRequest::privacy(kind, &Flag::UsageStatistics, Digest::of(b"entry"));
        let bytes = ask(PrivacyKind::Erase).to_bytes();
        assert_eq!(VendorRequest::from_bytes(&bytes), Some(ask(PrivacyKind::Erase)));
        assert_eq!(VendorRequest::from_bytes(&bytes[1..]), None);
    }
}
