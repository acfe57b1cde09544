//! The report on each file. It names the inputs, so it stays on this computer.

use std::collections::BTreeMap;
use std::path::Path;

use deidentify::case::Case;
use deidentify::dicom::EDITION;
use deidentify::files::{Cleaned, Reason, Refusal};
use serde::Serialize;

/// What became of all files of a case.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The case's own name, drawn from its key: no other has it.
    pub case: String,
    /// The files, in the order in which they were named and found.
    pub files: Vec<FileReport>,
    /// Their sums.
    pub totals: Totals,
    /// Patients whose names and numbers were searched for.
    pub persons_learned: u64,
    /// Files that they were learned from.
    pub files_learned: u64,
    /// Contexts of which nobody can tell who is named in them: those persons were not searched for.
    pub contexts_refused: Vec<Unlearned>,
    /// Edition of DICOM PS3.15 whose table was applied.
    pub edition: &'static str,
}

/// A context that taught nothing.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Unlearned {
    /// The file as it was named.
    pub input: String,
    /// Why.
    pub reason: &'static str,
}

/// What became of one file.
#[derive(Debug, Serialize)]
pub struct FileReport {
    /// The file as it was named.
    pub input: String,
    /// `dicom`, `text`, `json`, `xml` or `other`.
    pub kind: &'static str,
    /// The output's name, if there is one.
    pub output: Option<String>,
    /// `cleaned` or `refused`.
    pub outcome: &'static str,
    /// Why it was refused.
    pub reason: Option<&'static str>,
    /// What it was quarantined for: the rule, and the line of what came of it or the attribute. Never the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<String>,
    /// Attributes, values and words that stayed.
    pub kept: u64,
    /// Those with something else in their place.
    pub replaced: u64,
    /// Those that are gone.
    pub dropped: u64,
    /// Replacements and losses by rule.
    pub rules: BTreeMap<String, u64>,
    /// Bytes read of the file, where that is less than all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes_read: Option<u64>,
}

/// Sums over all files.
#[derive(Debug, Default, Serialize)]
pub struct Totals {
    /// Files.
    pub files: u64,
    /// Those that were cleaned.
    pub cleaned: u64,
    /// Those that were refused.
    pub refused: u64,
    /// Attributes, values and words that stayed.
    pub kept: u64,
    /// Those with something else in their place.
    pub replaced: u64,
    /// Those that are gone.
    pub dropped: u64,
}

impl Report {
    /// The report of a case before its first file.
    pub(super) fn new(case: &Case) -> Self {
        Self {
            case: case.pseudonym("the case itself", |_| false),
            files: Vec::new(),
            totals: Totals::default(),
            persons_learned: 0,
            files_learned: 0,
            contexts_refused: Vec::new(),
            edition: EDITION,
        }
    }

    /// Adds a context that taught nothing, once.
    pub(super) fn unlearned(&mut self, path: &Path, reason: Reason) {
        let context = Unlearned { input: path.display().to_string(), reason: reason.as_str() };
        if !self.contexts_refused.contains(&context) {
            self.contexts_refused.push(context);
        }
    }

    /// Adds a file, with its output's name or the reason why there is none.
    pub(super) fn add(&mut self, path: &Path, outcome: Result<(String, Cleaned), Refusal>) {
        let path = path.display().to_string();
        let file = match outcome {
            Ok((output, cleaned)) => FileReport {
                input: path,
                kind: cleaned.format.as_str(),
                output: Some(output),
                outcome: "cleaned",
                reason: None,
                finding: None,
                kept: cleaned.kept,
                replaced: cleaned.replaced,
                dropped: cleaned.dropped,
                rules: cleaned.rules,
                bytes_read: cleaned.bytes_read,
            },
            Err((format, reason)) => FileReport {
                input: path,
                kind: format.as_str(),
                output: None,
                outcome: "refused",
                reason: Some(reason.as_str()),
                finding: match reason {
                    Reason::Quarantined(finding) => Some(finding.to_string()),
                    _ => None,
                },
                kept: 0,
                replaced: 0,
                dropped: 0,
                rules: BTreeMap::new(),
                bytes_read: None,
            },
        };
        self.totals.files += 1;
        self.totals.cleaned += u64::from(file.output.is_some());
        self.totals.refused += u64::from(file.output.is_none());
        self.totals.kept += file.kept;
        self.totals.replaced += file.replaced;
        self.totals.dropped += file.dropped;
        self.files.push(file);
    }
}
