//! JSON and XML: parsed, walked without recursion, scrubbed by key, and written again.
//!
//! The input's own syntax never reaches the output. A file that does not parse is treated as a log.

pub mod json;
pub(crate) mod leaf;
mod schema;
pub mod xml;

use std::borrow::Cow;

use encoding_rs::WINDOWS_1252;

use super::identifiers::{Kind, Learning, Whose};
use super::keys;
use super::text::{decode, vocabulary};

/// Not parsed: no document of its kind, nested too deep, or with a document type of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unparsed;

/// A document as text, whatever its encoding.
pub(crate) fn decoded(bytes: &[u8]) -> Cow<'_, str> {
    match (decode::utf16(bytes.get(..512).unwrap_or(bytes)), std::str::from_utf8(bytes)) {
        (Some(encoding), _) => encoding.decode(bytes).0,
        (None, Ok(text)) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        (None, Err(_)) => WINDOWS_1252.decode_without_bom_handling(bytes).0,
    }
}

/// Learns the value of a key that names somebody or some place.
fn learn(learning: &mut Learning, key: &str, value: &str) {
    if keys::class(key) == keys::Class::Person
        && let Some(kind) = kind(key, value)
    {
        learning.learn_of(whose(key), kind, value);
    }
}

/// Keys of whoever works at a clinic.
const STAFF: &[&str] = &[
    "operator",
    "user",
    "bruger",
    "doctor",
    "dentist",
    "physician",
    "surgeon",
    "nurse",
    "behandler",
    "tandlaege",
    "laege",
    "technician",
    "radiographer",
    "author",
];

/// Whom the value of such a key is about.
fn whose(key: &str) -> Whose {
    let key = key.to_lowercase().replace('æ', "ae");
    if STAFF.iter().any(|part| key.contains(part)) { Whose::Other } else { Whose::Patient }
}

/// The patient of one object or element, whose name and number stand beside each other.
#[derive(Default)]
struct Patient {
    name: String,
    id: String,
    /// How many objects the one is in that names the patient.
    depth: usize,
}

impl Patient {
    /// Looks at a value below `depth` objects.
    fn take(&mut self, key: &str, value: &str, depth: usize) {
        match key.to_lowercase().replace('_', "").as_str() {
            "patientname" => value.clone_into(&mut self.name),
            "patientid" => value.clone_into(&mut self.id),
            _ => return,
        }
        self.depth = depth;
    }

    /// Counts the patient when the object ends that lies at `depth`.
    fn end(&mut self, depth: usize, learning: &mut Learning) {
        if depth <= self.depth {
            learning.person(&self.name, &self.id);
            *self = Self::default();
        }
    }
}

/// What the value of such a key tells; `None` for what is removed but names nobody: a comment, a sex, a machine.
fn kind(key: &str, value: &str) -> Option<Kind> {
    const KINDS: &[(Kind, &[&str])] = &[
        (Kind::BirthDate, &["birth", "dob", "foed"]),
        (Kind::Phone, &["phone", "tlf", "telefon", "mobil", "fax", "cell"]),
        (Kind::Email, &["mail"]),
        (Kind::Address, &["addr", "street", "city", "vej", "town", "postal", "zip"]),
        (
            Kind::Clinic,
            &[
                "clinic",
                "klinik",
                "institution",
                "hospital",
                "practice",
                "praksis",
                "department",
                "company",
                "organi",
                "site",
            ],
        ),
        (
            Kind::Id,
            &[
                "id",
                "nr",
                "number",
                "nummer",
                "cpr",
                "mrn",
                "accession",
                "ssn",
                "personn",
                "insurance",
                "yder",
            ],
        ),
        (
            Kind::Name,
            &[
                "name",
                "navn",
                "patient",
                "contact",
                "kontakt",
                "guardian",
                "parent",
                "mother",
                "father",
                "spouse",
                "relative",
                "given",
                "family",
                "owner",
                "by",
                "responsible",
            ],
        ),
        (Kind::Name, STAFF),
    ];
    const NOT: &[&str] = &[
        "host", "computer", "machine", "maskine", "server", "station", "comment", "note", "sex", "age",
        "url", "path",
    ];
    // Keys are written with Danish letters and without: `fødselsdag`, `foedselsdag`.
    let key: String = key.to_lowercase().replace('ø', "oe").replace('æ', "ae");
    if NOT.iter().any(|part| key.contains(part)) && !key.contains("patientname") {
        return None;
    }
    // The first kind wins: `patient_phone` is a number to search for, not a name.
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let (kind, _) = KINDS.iter().find(|(_, parts)| parts.iter().any(|part| key.contains(part)))?;
    let is_word = *kind == Kind::Name && digits > 2;
    // A word of the product under `name` would otherwise be removed from every log of the case.
    if *kind == Kind::Name && vocabulary::knows_all(value) && !value.contains(['^', ',', ' ']) {
        return None;
    }
    Some(if is_word { Kind::Id } else { *kind })
}

#[cfg(test)]
mod tests;
