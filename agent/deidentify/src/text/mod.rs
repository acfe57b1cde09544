//! Logs: the head of a line is parsed by a grammar, its message is scrubbed word by word.
//!
//! ```text
//! bytes -> decode    lines, whatever the encoding
//!          neighbours  a day of birth that a line's end cuts, and rows of a table
//!          header    time (moved by the case's weeks), level, module, code: kept
//!          memo      what became of the same line before, but for its time and loose numbers (shape)
//!          unescape  \u, entities, percent, quoted-printable
//!          scrub     learned identifiers marked
//!          pass      literals of the program stay; between them forms (patterns), keys, and of what is left what has a
//!                    type (slots), or without a table the vocabulary's words
//! ```
//!
//! Memory is that of a line, whatever the file.

mod columns;
pub(crate) mod decode;
mod header;
mod lines;
mod memo;
pub(crate) mod moment;
pub(crate) mod names;
mod neighbours;
mod own;
mod pass;
pub(crate) mod patterns;
pub(crate) mod rule;
pub(crate) mod scrub;
mod shape;
mod slots;
mod spelled;
mod stamp;
pub(crate) mod unescape;
pub(crate) mod vocabulary;
mod words;

pub use lines::clean;
pub(crate) use own::is_own;
pub use rule::{Counts, Rule};
pub use scrub::Scrubber;
pub use vocabulary::knows_all;

/// Whether a Danish personal number, or what is written like one, is in `text`.
pub fn has_personal_number(text: &str) -> bool {
    let mut before = None;
    text.char_indices().any(|(at, here)| {
        let begins =
            here.is_ascii_digit() && !before.replace(here).is_some_and(|before| before.is_ascii_digit());
        begins && text.get(at..).and_then(patterns::cpr).is_some()
    })
}
