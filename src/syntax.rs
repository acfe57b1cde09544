//! A command line that cannot be read, and help: what the parser found, said in the language of the configuration.
//!
//! The parser's own sentences are English. What it found comes as a kind and its parts; the sentences are in
//! `texts/syntax.rs`, in English as the parser would write them.

use std::error::Error as _;

use agent::texts::Language;
use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::exit::Exit;
use crate::print;
use crate::texts::syntax::{AROUND, Placeholder, Syntax};
use crate::texts::{language, say};

/// Shows it, and gives the code by which the program ends.
pub(crate) fn end(error: &Error) -> Exit {
    if !error.use_stderr() {
        // A reader that is gone needs no help.
        let _ = print::data(&around(&error.to_string()));
        return Exit::Done;
    }
    print::words(shown(error).trim_end());
    if error.kind() == ErrorKind::MissingRequiredArgument {
        let text = error.to_string();
        let missing = PLACEHOLDERS.iter().filter(|(placeholder, _)| text.contains(placeholder));
        missing.for_each(|(_, what)| print::words(&say(what)));
    }
    Exit::Usage
}

const PLACEHOLDERS: &[(&str, Placeholder)] = &[
    ("<PURPOSE>", Placeholder::Purpose),
    ("<ROLE>", Placeholder::Role),
    ("<DIGEST>", Placeholder::Digest),
    ("<KIND>", Placeholder::Kind),
    ("<ID>", Placeholder::Id),
    ("<SHELL>", Placeholder::Shell),
    ("<DRAFT_OR_BUNDLE>", Placeholder::DraftOrBundle),
    ("<DRAFT>", Placeholder::Draft),
    ("<BUNDLE>", Placeholder::Bundle),
];

/// Help, with the parser's own words in the language that is spoken.
fn around(text: &str) -> String {
    match language() {
        Language::En => text.to_owned(),
        Language::Da => AROUND.iter().fold(text.to_owned(), |text, (en, da)| text.replace(en, da)),
    }
}

/// What is wrong, what helps, and how the command is used.
fn shown(error: &Error) -> String {
    // Help instead of a missing command, and what no command of this program can bring about.
    let Some(what) = what(error) else { return around(&error.to_string()) };
    let mut text = say(Syntax::Error { what });
    let tips = tips(error);
    if !tips.is_empty() {
        text.push('\n');
    }
    for tip in tips {
        text += &format!("\n  {}", say(Syntax::Tip { tip }));
    }
    if let Some(usage) = error.get(ContextKind::Usage) {
        text += &format!("\n\n{}", around(&usage.to_string()));
    }
    format!("{text}\n\n{}\n", say(Syntax::More))
}

/// The sentence; none for what has no table entry.
fn what(error: &Error) -> Option<String> {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => Some(name.clone()),
        _ => None,
    };
    let lines = |kind| match error.get(kind) {
        Some(ContextValue::Strings(names)) => {
            names.iter().fold(String::new(), |text, name| format!("{text}\n  {name}"))
        }
        _ => String::new(),
    };
    let argument = named(ContextKind::InvalidArg);
    let value = named(ContextKind::InvalidValue);
    Some(say(match error.kind() {
        ErrorKind::ArgumentConflict => {
            let others = match named(ContextKind::PriorArg) {
                Some(other) if argument.as_ref() == Some(&other) => {
                    return Some(say(Syntax::Repeated { argument: other }));
                }
                Some(other) => format!(" '{other}'"),
                None => format!(":{}", lines(ContextKind::PriorArg)),
            };
            match argument {
                Some(argument) => Syntax::Conflict { argument, others },
                None => Syntax::CommandConflict { command: named(ContextKind::InvalidSubcommand)?, others },
            }
        }
        ErrorKind::InvalidValue => {
            let (argument, value) = (argument?, value?);
            let first = match value.as_str() {
                "" => Syntax::NoValue { argument },
                _ => Syntax::Invalid { value, argument },
            };
            let values = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(values)) if !values.is_empty() => values.join(", "),
                _ => return Some(say(first)),
            };
            return Some(format!("{}\n  {}", say(first), say(Syntax::PossibleValues { values })));
        }
        ErrorKind::ValueValidation => {
            let first = say(Syntax::Invalid { value: value?, argument: argument? });
            let why = error.source().map(|why| format!(": {why}")).unwrap_or_default();
            return Some(first + &why);
        }
        ErrorKind::TooManyValues => Syntax::TooMany { value: value?, argument: argument? },
        ErrorKind::InvalidSubcommand => {
            Syntax::UnknownCommand { command: named(ContextKind::InvalidSubcommand)? }
        }
        ErrorKind::UnknownArgument => Syntax::Unknown { argument: argument? },
        ErrorKind::MissingRequiredArgument => Syntax::Missing { arguments: lines(ContextKind::InvalidArg) },
        ErrorKind::InvalidUtf8 => Syntax::NotText,
        _ => return None,
    }))
}

/// Names that were perhaps meant.
fn tips(error: &Error) -> Vec<String> {
    let quoted = |kind| match error.get(kind) {
        Some(ContextValue::String(name)) => vec![format!("'{name}'")],
        Some(ContextValue::Strings(names)) => names.iter().map(|name| format!("'{name}'")).collect(),
        _ => Vec::new(),
    };
    let commands = quoted(ContextKind::SuggestedSubcommand);
    let names = commands.join(", ");
    let mut tips = match commands.len() {
        0 => Vec::new(),
        1 => vec![say(Syntax::Like { name: names })],
        _ => vec![say(Syntax::SomeLike { names })],
    };
    let name = |kind| quoted(kind).into_iter().next();
    tips.extend(name(ContextKind::SuggestedArg).map(|name| say(Syntax::ArgumentLike { name })));
    tips.extend(name(ContextKind::SuggestedValue).map(|name| say(Syntax::ValueLike { name })));
    // How else it could be typed: the parser writes whole sentences, in English alone.
    if let (Language::En, Some(ContextValue::StyledStrs(more))) =
        (language(), error.get(ContextKind::Suggested))
    {
        tips.extend(more.iter().map(ToString::to_string));
    }
    tips
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    /// The sentences are the parser's own, so that its next version does not say more than these without being noticed.
    #[test]
    fn in_english_a_wrong_command_line_is_shown_as_the_parser_shows_it() {
        let mut seen = std::collections::BTreeSet::new();
        for line in [
            "statsu",
            "consent",
            "consent grant",
            "consent grant usage_statistics --by doctor --yes 00",
            "consent deny usage",
            "consent show",
            "status --jsno",
            "status --json=1",
            "status --json --json",
            "history of",
            "history --csv --json",
            "support --case c",
            "support --case CASE-1 list",
            "support preview --last-scan --pick --case CASE-1 -o x",
            "support preview --since 9d",
            "catalog --format xml",
            "run --close",
            "record device.error =1",
            "decommission",
            "status extra",
            "status --config",
            "-- status",
        ] {
            let error = Cli::try_parse_from(format!("kathea-agent {line}").split(' ')).err().unwrap();
            assert_eq!(shown(&error).trim_end(), error.to_string().trim_end(), "{line}");
            seen.insert(format!("{:?}", error.kind()));
        }
        assert!(seen.len() > 7, "{seen:?}");
    }
}
