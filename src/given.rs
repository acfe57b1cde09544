//! What a command is given in files: the configuration, and a secret of one word.

use std::path::Path;

use agent::config::Config;
use agent::presence;

use crate::exit::{Failure, unreadable};
use crate::texts::refusal::{Holds, Refusal};
use crate::texts::say;

/// The configuration in the file `path`.
pub(crate) fn load(path: &Path) -> Result<Config, Failure> {
    Config::load(path).map_err(|e| Failure::usage(say(e)))
}

/// The one word that a file holds, `what` it is.
pub(crate) fn read_word(file: &Path, what: Holds) -> Result<String, Failure> {
    let unread =
        |e: std::io::Error| Failure::usage(say(Refusal::FileOf { why: unreadable(file, e.kind()), what }));
    let text = presence::given_text(file).map_err(unread)?;
    match text.trim() {
        "" => Err(Failure::usage(say(Refusal::EmptyFile { path: file.to_owned(), what }))),
        word => Ok(word.to_owned()),
    }
}
