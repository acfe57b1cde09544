//! DICOM files: reads only the header, and writes what a support case needs as DICOM JSON.
//!
//! ```text
//! file -> source    bytes, counted; inflated where the transfer syntax says so
//!         syntax    where the data set begins and how it is encoded
//!         header    one element: tag, value representation, length
//!         reader    the walk: events, in file order, without recursion
//!           |-> learn    whatever could name somebody           -> Learned
//!           '-> clean    what the rules list, and nothing else  -> Cleaned
//! ```
//!
//! Every file ends as one of two: cleaned, or [`Refused`] whole. Memory follows what is kept, never a length that
//! a file declares; time follows what is read; pixel data is never reached.

mod charset;
mod clean;
mod dictionary;
mod header;
mod json;
mod learn;
mod names;
mod outcome;
mod private;
mod reader;
mod rules;
mod source;
mod syntax;
mod value;

use std::io;

pub use clean::clean;
pub(crate) use dictionary::is_registered;
pub use json::DataSet;
pub use learn::{Identifier, Kind, Learned, learn};
pub use names::Names;
pub use outcome::{Change, Cleaned, Screen, Treatment};
pub use rules::EDITION;
use serde::{Deserialize, Serialize};

/// Why a file is refused. A file that is refused leaves nothing behind.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, thiserror::Error,
)]
pub enum Refused {
    /// It neither begins like DICOM nor like a data set without its preamble.
    #[error("not a DICOM file; leave it out")]
    NotDicom,
    /// It could not be read to its end: the disk, the share or the permission.
    #[error("could not be read to its end; check the disk and the permission")]
    Unreadable,
    /// An element is longer than what is left of the file or of its sequence.
    #[error("an element is longer than the file; export the scan again")]
    Cut,
    /// Items and delimiters do not fit together (PS3.5 section 7.5).
    #[error("its sequences are damaged; export the scan again")]
    Structure,
    /// Sequences lie in each other deeper than [`limits::DICOM_DEPTH`](crate::limits::DICOM_DEPTH).
    #[error("its sequences are nested deeper than any scanner writes; leave it out")]
    TooDeep,
    /// More elements than [`limits::DICOM_ELEMENTS`](crate::limits::DICOM_ELEMENTS).
    #[error("it has more elements than any scan; leave it out")]
    TooMany,
    /// What would be kept, or what a deflated data set amounts to, exceeds its bound.
    #[error("its header is larger than any scan's; leave it out")]
    TooLarge,
    /// A deflated data set that does not inflate.
    #[error("its compressed part is damaged; export the scan again")]
    Deflate,
}

impl Refused {
    /// The reason's name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotDicom => "not_dicom",
            Self::Unreadable => "unreadable",
            Self::Cut => "cut",
            Self::Structure => "structure",
            Self::TooDeep => "too_deep",
            Self::TooMany => "too_many",
            Self::TooLarge => "too_large",
            Self::Deflate => "deflate",
        }
    }
}

impl From<io::Error> for Refused {
    /// The error's own text may quote a path; the reason does not.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Cut,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Self::Deflate,
            _ => Self::Unreadable,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
