//! Provenance: a word of a log may stay because the program that wrote the log contains it.
//!
//! ```text
//! program.exe, lib.so, catalogue.mo -- read_file --> literals, names -- Builder --> file -- Table -- spans(line)
//! ```
//!
//! [`read_file`] takes the string literals out of PE and ELF files and of message catalogues, and of .NET assemblies the
//! names of types and members, within bounded memory and without running or mapping anything. A [`Table`] holds literals
//! as templates: pieces with placeholders of printf, `{}`, `{0}` and `{Name}` between them. [`Table::spans`] says which
//! parts of a line are such pieces; what lies between is a slot, and is the caller's to judge, who may ask whether the
//! program has a word at all ([`Table::has_word`]).

mod builder;
mod catalogue;
mod dotnet;
mod program;
mod runs;
mod shape;
mod stored;
mod table;
mod template;
mod text;
mod uid;

use std::io::{self, Read, Seek};

pub use builder::{Builder, Entry};
pub use shape::has_shape;
pub use stored::StoredError;
pub use table::Table;
pub use text::{FILE_BYTES, Kind, Refused, Text};
pub use uid::{is_uid, uid_numbers};

/// Hands every string literal of `file` to `take`, one line of text at a time, and every name that it declares.
///
/// # Errors
/// [`Refused`] says why nothing, or not everything, was taken.
pub fn read_file(mut file: impl Read + Seek, take: &mut dyn FnMut(Text<'_>)) -> Result<Kind, Refused> {
    let length = file.seek(io::SeekFrom::End(0))?;
    if length > FILE_BYTES {
        return Err(Refused::TooLarge);
    }
    let mut magic = [0; 4];
    file.seek(io::SeekFrom::Start(0))?;
    if length < magic.len() as u64 {
        return Err(Refused::NotAProgram);
    }
    file.read_exact(&mut magic)?;
    let mut lines = |text: Text<'_>| match text {
        Text::Literal(text) => {
            text.lines().filter(|line| !line.is_empty()).for_each(|line| take(Text::Literal(line)));
        }
        name @ Text::Name(_) => take(name),
    };
    match magic {
        [0x7f, b'E', b'L', b'F'] => program::elf(file, &mut lines).map(|()| Kind::Elf),
        [b'M', b'Z', ..] => program::pe(file, &mut lines).map(|()| Kind::Pe),
        [0xde, 0x12, 0x04, 0x95] => catalogue::read(file, u32::from_le_bytes, &mut lines),
        [0x95, 0x04, 0x12, 0xde] => catalogue::read(file, u32::from_be_bytes, &mut lines),
        _ => Err(Refused::NotAProgram),
    }
}
