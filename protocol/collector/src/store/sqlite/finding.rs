//! What verification finds.

use protocol::{DeviceId, Epoch, Purpose};
use serde::Serialize;

use crate::failure::Failure;

/// One thing that is not as it was acknowledged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What is lost or changed.
    pub(crate) what: String,
    /// Whose it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) device: Option<DeviceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) purpose: Option<Purpose>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) epoch: Option<Epoch>,
    /// Numbers of the records, where they are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) lo: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hi: Option<i64>,
    /// When all was last known to be whole, RFC 3339; absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) since: Option<String>,
}

impl Finding {
    /// About the store.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// About a device.
    pub(crate) fn of(device: DeviceId, what: impl Into<String>) -> Self {
        Self { device: Some(device), ..Self::new(what) }
    }
}

/// Takes findings.
pub(crate) type Tell<'a> = &'a mut dyn FnMut(Finding) -> Result<(), Failure>;
