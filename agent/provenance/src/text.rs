//! What a file can hold, and why nothing was taken from it.

use std::io;

/// Bytes of the largest file that is read.
pub const FILE_BYTES: u64 = 2 << 30;
/// Bytes of the longest literal; a longer run of text is no message.
pub(crate) const LITERAL_BYTES: usize = 4096;

/// What a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Windows program or library, also a .NET assembly.
    Pe,
    /// A Linux program or library.
    Elf,
    /// A message catalogue of gettext.
    Catalogue,
}

/// What a text of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Text<'a> {
    /// A string literal, one line of it.
    Literal(&'a str),
    /// The name of a type or member of a .NET assembly.
    Name(&'a str),
}

/// Why nothing was taken from a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is neither a program nor a message catalogue.
    #[error("it is neither a program nor a message catalogue")]
    NotAProgram,
    /// It looks like one, and is damaged.
    #[error("it looks like a program and is damaged")]
    Damaged,
    /// It is larger than [`FILE_BYTES`].
    #[error("it is larger than 2 GiB")]
    TooLarge,
    /// It cannot be read now.
    #[error("it cannot be read now ({0})")]
    Unreadable(io::ErrorKind),
}

impl From<io::Error> for Refused {
    fn from(e: io::Error) -> Self {
        match e.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged,
            kind => Self::Unreadable(kind),
        }
    }
}
