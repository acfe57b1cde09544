//! A ledger entry to fill in.

use protocol::ledger::{Entry, EntryHeader, Event, EventKind, Processing};
use protocol::{CaseId, DeviceId, Digest, Purpose, Retention};

/// An entry of `device` under the built-in policy of Copenhagen Imaging, by nobody in particular.
pub fn entry(device: DeviceId, index: u64, purpose: Purpose, case: Option<CaseId>, kind: EventKind) -> Entry {
    Entry {
        header: EntryHeader { schema: "kathea-consent-1".to_owned(), index, device, previous: None },
        processing: Processing {
            purpose,
            case,
            policy: "copenhagen-imaging".to_owned(),
            policy_version: "2024-05-16".to_owned(),
            policy_sha256: Digest::of(protocol::policy::POLICIES[0].1.as_bytes()),
            notice_sha256: Digest::of(b"notice"),
            manifest_sha256: None,
            legal_basis: "GDPR art. 6(1)(a)".to_owned(),
            data_categories: vec!["usage".to_owned()],
            controller: "Copenhagen Imaging ApS".to_owned(),
            recipients: Vec::new(),
            storage_place: "EEA".to_owned(),
            retention: match purpose {
                Purpose::UsageStatistics => Retention::Usage24Months,
                Purpose::SupportCase | Purpose::SupportScanData => Retention::SupportDecommission10Years,
            },
            retention_period: None,
        },
        event: Event {
            kind,
            at: "2026-11-21T10:00:00Z".to_owned(),
            until: None,
            role: None,
            channel: "command_line".to_owned(),
            session: None,
            owner: None,
        },
    }
}
