//! What the command line says to people, in English and Danish: one table for each group of commands.
//!
//! The language is that of the configuration, looked for before the command line is read; where there is none, English.
//!
//! ```text
//! status   the status, flags, queues, reasons
//! consent  notice, answers, receipts
//! support  a case from the first question to the bundle
//! privacy  what is held, corrected, erased; the end of a device
//! refusal  why a command was not carried out
//! machine  files, single events, the table of literals, the service
//! inventory  the catalog as a table
//! help     what `--help` says of each command and argument
//! syntax   what is wrong with a command line
//! windows  the Windows service
//! ```

pub(crate) mod consent;
pub(crate) mod help;
pub(crate) mod inventory;
pub(crate) mod machine;
pub(crate) mod privacy;
pub(crate) mod refusal;
pub(crate) mod status;
pub(crate) mod support;
pub(crate) mod syntax;
pub(crate) mod windows;

use std::sync::OnceLock;

use agent::texts::{Language, Text};

static LANGUAGE: OnceLock<Language> = OnceLock::new();

/// From here on people are addressed in this language.
pub(crate) fn speak(language: Language) {
    // A second configuration is not read in one call.
    let _ = LANGUAGE.set(language);
}

/// The language that people are addressed in.
pub(crate) fn language() -> Language {
    LANGUAGE.get().copied().unwrap_or(Language::En)
}

/// A text in that language.
pub(crate) fn say(text: impl Text) -> String {
    text.text(language())
}
