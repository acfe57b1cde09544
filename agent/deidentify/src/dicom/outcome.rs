//! Input and result of scrubbing one file.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What knows the persons of a case and the words of the product.
pub trait Screen {
    /// Whether `text` contains what identifies somebody who was learned.
    fn identifies(&self, text: &str) -> bool;
    /// Whether every word of `text` is the program's or the product's, or all of it has a shape that the vendor gave.
    fn is_own(&self, text: &str) -> bool;
    /// What to write instead of the free text `text`; `None` if nothing has to go.
    fn descriptor(&self, text: &str) -> Option<String>;
}

/// A file that was cleaned.
pub struct Cleaned {
    /// The kept attributes in the DICOM JSON model (PS3.18 annex F), UTF-8.
    pub json: Vec<u8>,
    /// Attributes that are the same as before.
    pub kept: u64,
    /// Attributes with another value than before.
    pub replaced: u64,
    /// Attributes that are gone, or empty now; a sequence that is gone counts once.
    pub dropped: u64,
    /// The replaced and dropped ones, the first [`limits::DICOM_CHANGES`](crate::limits::DICOM_CHANGES) of them.
    pub changes: Vec<Change>,
    /// Bytes that were read from the file.
    pub bytes_read: u64,
}

impl fmt::Debug for Cleaned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cleaned(..)")
    }
}

/// What happened to one attribute. Says nothing of the value that was there but its size.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Where it lies: tags from the data set down, such as `(0040,0275) (0040,0007)`.
    pub path: String,
    /// Its name, empty if no dictionary knows it.
    pub name: String,
    /// Its value representation.
    pub vr: String,
    /// Bytes of the value that was there; `None` for a sequence delimited otherwise.
    pub length: Option<u32>,
    /// The rule.
    pub treatment: Treatment,
    /// What the output has instead, as JSON, if it is short.
    pub after: Option<String>,
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Change({} {:?})", self.path, self.treatment)
    }
}

/// Why an attribute is not what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Treatment {
    /// Replaced by the case's own: a UID, a pseudonym, a moved date, an age, a screened text.
    Replaced,
    /// Dropped: no rule names it.
    NotListed,
    /// Dropped: private, and not ours.
    Private,
    /// Dropped: it names somebody.
    Names,
    /// Dropped: not what the rule expects of its value.
    Unfit,
    /// Dropped: longer than any value of its kind.
    TooLong,
    /// Dropped: the same attribute came before.
    Repeated,
}

impl Treatment {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Replaced => "replaced",
            Self::NotListed => "not_listed",
            Self::Private => "private",
            Self::Names => "names",
            Self::Unfit => "unfit",
            Self::TooLong => "too_long",
            Self::Repeated => "repeated",
        }
    }
}
