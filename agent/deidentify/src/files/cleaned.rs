//! What became of a file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::inputs::Format;
use crate::dicom::Change;
use crate::text::Counts;

/// What became of a file.
#[derive(Debug, Serialize, Deserialize)]
pub struct Cleaned {
    /// What it turned out to be: JSON that does not parse is a log.
    pub format: Format,
    /// Attributes, values and words that stayed.
    pub kept: u64,
    /// Those with something else in their place.
    pub replaced: u64,
    /// Those that are gone.
    pub dropped: u64,
    /// Replacements and losses by rule.
    pub rules: BTreeMap<String, u64>,
    /// DICOM: what happened to which attribute.
    pub changes: Vec<Change>,
    /// Bytes read of the input, where that is less than all.
    pub bytes_read: Option<u64>,
}

/// The counts of a text, which became something of this format.
pub(super) fn counted(format: Format, counts: Counts) -> Cleaned {
    Cleaned {
        format,
        kept: counts.kept,
        replaced: counts.replaced,
        dropped: counts.dropped,
        rules: counts.rules.into_iter().map(|(rule, count)| (rule.as_str().to_owned(), count)).collect(),
        changes: Vec::new(),
        bytes_read: None,
    }
}
