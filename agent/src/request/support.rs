//! Requests about a support case.

use protocol::CaseId;
use protocol::ledger::{Role, Session};
use serde::{Deserialize, Serialize};

use super::Caller;
use crate::support::gather::CaseRequest;

/// `{"request":"support","action":"list"}`
///
/// What takes long is begun by one request, and asked after with `progress` until the answer is no longer
/// `{"working":true,...}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum SupportRequest {
    /// Begins to list the newest scans: `{"scans":[{"key","at","mode","field","files"}]}`
    Scans,
    /// Begins to gather a draft: `{"case","draft","digest","files","bytes","persons_learned",
    /// "left_out":[{"input","finding"}]}`
    Preview {
        /// What is asked for.
        #[serde(rename = "wish")]
        case_request: CaseRequest,
    },
    /// `{"working","stage","done","total","held"}`, or what came of it.
    Progress,
    /// Ends what runs.
    Stop,
    /// What is needed to gather elsewhere: `{"draft","device","policy","status","pseudonyms"}`
    Begin {
        /// For this case.
        case: CaseId,
    },
    /// Takes in a draft that was gathered elsewhere; answered like a preview.
    Adopt {
        /// Its name.
        draft: String,
        /// Its key.
        key: String,
    },
    /// A piece of a file of a draft: `{"data","offset","bytes"}`
    Show {
        /// The draft.
        draft: String,
        /// A file of its manifest, or `manifest.json`.
        file: String,
        /// From where on.
        offset: u64,
    },
    /// Says yes, and begins to seal: `{"case","bundle","size","sha256","digest"}`
    Create {
        /// The draft.
        draft: String,
        /// Its digest, 16 or more of its digits.
        yes: String,
        /// Who says so.
        by: Role,
        /// Where the person sits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<Session>,
    },
    /// `{"drafts":[...],"bundles":[...]}`
    List,
    /// Which file of this workstation a scan of a draft or bundle is: `{"scans":[{"id","case","name","path","at"}]}`
    Find {
        /// Its name there: `scan-0003`.
        file: String,
    },
    /// A piece of a sealed bundle: `{"data","offset","bytes"}`
    Export {
        /// The bundle.
        bundle: String,
        /// From where on.
        offset: u64,
    },
    /// Once more, if it failed: `{"bundle","state"}`
    Send {
        /// The bundle.
        bundle: String,
    },
    /// Erases a draft or a bundle: `{"drafts","bundles"}`
    Discard {
        /// Its name.
        id: String,
    },
}

impl SupportRequest {
    /// Whether this caller may ask that: a yes needs the group, erasing nothing, and what a command line of another
    /// account gathered is trusted only if that account may read everything here anyway.
    pub(super) fn is_for(&self, caller: Caller) -> bool {
        match self {
            Self::Create { .. } => caller.may_grant,
            Self::Begin { .. } | Self::Adopt { .. } => caller.administrator,
            Self::Discard { .. } => true,
            _ => caller.administrator || caller.may_grant,
        }
    }
}
