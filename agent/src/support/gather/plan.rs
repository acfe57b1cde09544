//! What a step wants of this workstation: files to read, a document of the agent's, or why there is none.

use serde::Serialize;

use super::missing::Missing;
use crate::support::manifest::Outcome;
use deidentify::files::{Format, Found, Take};
use regular::Identity;

/// What a step wants of this workstation.
#[derive(Debug)]
pub(super) struct Plan {
    /// Begins the names of its files in the bundle.
    name: &'static str,
    pub(super) files: Vec<Found>,
    /// Why nothing is wanted, or not all.
    pub(super) missing: Option<(Outcome, Missing)>,
}

impl Plan {
    /// These files; of more than `most`, the first.
    pub(super) fn files(name: &'static str, mut files: Vec<Found>, most: usize) -> Self {
        let missing = (files.len() > most).then_some((Outcome::Cut, Missing::TooManyFiles));
        files.truncate(most);
        Self { name, files, missing }
    }

    /// What the agent itself wrote, from numbers and words of closed lists.
    pub(super) fn document(name: &'static str, document: &impl Serialize) -> Self {
        // By way of a value: its fields stand in the order of their names, whatever the type's is.
        let Ok(document) = serde_json::to_value(document) else {
            return Self::failed(Missing::NoJson);
        };
        let bytes = format!("{document:#}\n").into_bytes();
        let take = Take::Given(bytes);
        let file = Found { path: name.into(), listed: Identity::ANY, refused: None, take };
        Self { name, files: vec![file], missing: None }
    }

    /// This workstation has no such source.
    pub(super) fn absent(why: Missing) -> Self {
        Self { name: "", files: Vec::new(), missing: Some((Outcome::Absent, why)) }
    }

    /// There is something, and it is left out.
    pub(super) fn failed(why: Missing) -> Self {
        Self { name: "", files: Vec::new(), missing: Some((Outcome::Failed, why)) }
    }

    pub(super) fn is_log(&self) -> bool {
        matches!(self.files.first(), Some(Found { take: Take::Window { .. }, .. }))
    }

    /// The name of its next file: `logs/kathea-03.log`, and of a document of the agent's the name itself.
    pub(super) fn next_name(&self, format: Format, number: u64) -> String {
        match self.files.first() {
            Some(Found { take: Take::Given(_), .. }) => format!("{}.json", self.name),
            Some(Found { take: Take::Numbers, .. }) => format!("{}-{number:04}.csv", self.name),
            _ => format!("{}-{number:04}.{}", self.name, format.ending()),
        }
    }
}
