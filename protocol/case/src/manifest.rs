//! What a manifest says, as far as it is needed here. `protocol/manifest.schema.json` describes all of it.

use std::collections::BTreeMap;

use protocol::{CaseId, CaseReason, DeviceId, Digest, Purpose};
use serde::Deserialize;

use crate::failure::Failure;

/// Its name in a bundle.
pub(crate) const FILE: &str = "manifest.json";
/// Bytes of one: some 300 for each of 20,000 files.
pub(crate) const MOST: u64 = 16 << 20;
/// Bytes of all files of a bundle together: what the agent collects at most.
const ALL: u64 = 4 << 30;
/// Files of a bundle: twice what the agent collects.
const FILES: usize = 40_000;
const SCHEMA: &str = "kathea-support-manifest/1";

/// The manifest. Fields of later versions are ignored.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    schema: String,
    pub(crate) case: CaseId,
    pub(crate) reason: CaseReason,
    pub(crate) contact: Option<String>,
    pub(crate) made: String,
    pub(crate) agent: String,
    pub(crate) device: DeviceId,
    pub(crate) purposes: Vec<Purpose>,
    pub(crate) operations: Vec<Operation>,
    pub(crate) files: Vec<FileEntry>,
    #[serde(default)]
    pub(crate) window: Option<Window>,
    pub(crate) checks: Vec<Check>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Window {
    pub(crate) from: String,
    pub(crate) until: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) outcome: String,
    pub(crate) why: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct FileEntry {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: Digest,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Check {
    pub(crate) check: String,
    pub(crate) result: String,
    pub(crate) what: String,
    pub(crate) remedy: String,
}

/// `summary.json`: the error codes of the logs with how often they came. Absent in bundles of the first version.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Summary {
    #[serde(default)]
    errors: Vec<ErrorCount>,
}

#[derive(Debug, Deserialize)]
struct ErrorCount {
    code: u32,
    count: u64,
}

impl Summary {
    pub(crate) fn errors(&self) -> BTreeMap<u32, u64> {
        self.errors.iter().map(|error| (error.code, error.count)).collect()
    }
}

impl Manifest {
    /// The manifest of these bytes, if every name in it may be a file below a folder.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| {
            Failure::new(format!(
                "manifest.json is not one that this version reads (line {}): the bundle is damaged, or of a newer agent",
                error.line()
            ))
        })?;
        if manifest.schema != SCHEMA {
            return Err(Failure::new(
                "the manifest is of another format: use a version of this program that is as new as the agent",
            ));
        }
        if let Some(at) = manifest.files.iter().position(|file| !is_plain(&file.name)) {
            return Err(Failure::new(format!(
                "the name of file {} of the manifest is no plain path: the bundle is hostile or damaged",
                at + 1
            )));
        }
        let bytes = manifest.files.iter().try_fold(0_u64, |sum, file| sum.checked_add(file.bytes));
        if manifest.files.len() > FILES || bytes.is_none_or(|bytes| bytes > ALL) {
            return Err(Failure::new(
                "the manifest lists more than an agent collects: the bundle is hostile or damaged",
            ));
        }
        Ok(manifest)
    }
}

/// Whether a name of a bundle stays below the folder: at most two parts, of letters, digits and `.-_`.
pub(crate) fn is_plain(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let is_part = |part: &str| {
        (1..=64).contains(&part.len())
            && part.bytes().all(is_letter)
            && !part.starts_with(['.', '-'])
            && !part.ends_with('.')
    };
    let parts: Vec<&str> = name.split('/').collect();
    parts.len() <= 2 && parts.iter().all(|part| is_part(part)) && name != FILE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_stay_below_the_folder() {
        for good in ["README.txt", "logs/kathea-0001.log", "scans/scan-0003.json", "device.json"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in [
            "",
            "/etc/passwd",
            "../a",
            "logs/../../a",
            "a/b/c",
            "logs//a",
            "logs/",
            "..",
            ".bashrc",
            "C:\\a",
            "a b",
            "a:b",
            "-rf",
            "nul.",
            "manifest.json",
            "æ",
            "a\n",
            &"x".repeat(65),
        ] {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
