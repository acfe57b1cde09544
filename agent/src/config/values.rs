//! What a value of the configuration may be, for the error that names key, value and what may stand there.

use std::fmt;

use super::{ConfigError, KNOWN};
use crate::harmless;
use crate::nearest::nearest;

/// Characters of a value that an error repeats.
const SHOWN: usize = 60;

/// What a key's values are.
enum Kind {
    /// One of these words.
    Word(&'static [&'static str]),
    /// A number and a unit, or `true` and `false`: as this says.
    Plain(&'static str),
    /// Texts or paths, which may name somebody: never repeated.
    Private(&'static str),
}

fn kind(key: &str) -> Kind {
    match key {
        "language" => Kind::Word(&["en", "da"]),
        "keys.protector" => Kind::Word(&["auto", "dpapi", "systemd", "file"]),
        "consent.forbid" => Kind::Plain("true or false"),
        "ship.interval" => Kind::Plain("a whole number and ms, s, min, h or d, in quotes: interval = \"6h\""),
        "ship.rate" => {
            Kind::Plain("a whole number and B/s, KiB/s, MiB/s or GiB/s, in quotes: rate = \"64 KiB/s\"")
        }
        "spool.quota" => Kind::Plain("a whole number and B, KiB, MiB or GiB, in quotes: quota = \"64 MiB\""),
        "kathea.logs" | "kathea.scans" | "kathea.program" | "kathea.names" | "support.recipients" => {
            Kind::Private("a list of texts in quotes: [\"...\"]")
        }
        _ => Kind::Private("a text in quotes"),
    }
}

/// The error of the value that stands on `line`, if a known key does.
pub(super) fn wrong(text: &str, line: usize) -> Option<ConfigError> {
    let (mut table, mut found) = ("", None);
    for row in text.lines().take(line).map(str::trim) {
        if let Some((name, value)) = row.split_once('=') {
            found = Some((name.trim(), value.trim()));
        } else if let Some((name, _)) = row.strip_prefix('[').and_then(|row| row.split_once(']')) {
            (table, found) = (name.trim(), None);
        }
    }
    let (name, value) = found?;
    let full = if table.is_empty() { name.to_owned() } else { format!("{table}.{name}") };
    let key = KNOWN.iter().copied().find(|known| *known == full)?;
    let found = match kind(key) {
        Kind::Private(_) => None,
        Kind::Word(_) | Kind::Plain(_) => Some(value.chars().take(SHOWN).collect()),
    };
    Some(ConfigError::Value { line, key, found })
}

/// The error's sentence.
pub(super) fn explain(
    f: &mut fmt::Formatter<'_>,
    line: usize,
    key: &str,
    found: Option<&str>,
) -> fmt::Result {
    write!(f, "line {line} of the configuration: `{key}` ")?;
    if let Some(found) = found {
        write!(f, "is {}, and ", harmless::line(found))?;
    }
    match kind(key) {
        Kind::Plain(what) | Kind::Private(what) => write!(f, "has to be {what}"),
        Kind::Word(words) => {
            write!(f, "has to be one of \"{}\"", words.join("\", \""))?;
            let sent = found.unwrap_or_default().trim_matches(['"', '\'']);
            match nearest(sent, words.iter().copied()) {
                Some(word) => write!(f, "; the nearest is \"{word}\""),
                None => Ok(()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    #[test]
    fn an_error_names_key_value_and_what_may_stand_there() {
        for (text, parts) in [
            ("language = \"dk\"", &["line 1", "`language` is \"dk\"", "\"en\", \"da\""][..]),
            ("[keys]\nprotector = \"systmd\"", &["line 2", "`keys.protector`", "the nearest is \"systemd\""]),
            ("[ship]\ninterval = 6", &["`ship.interval` is 6", "interval = \"6h\""]),
            ("[ship]\nrate = \"64 kB\"", &["`ship.rate` is \"64 kB\"", "KiB/s"]),
            ("[consent]\nforbid = \"yes\"", &["`consent.forbid` is \"yes\"", "true or false"]),
            ("[kathea]\nlogs = \"x\"", &["line 2", "`kathea.logs` has to be a list"]),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{part}: {error}");
            }
        }
        let private = Config::parse("[kathea]\nnames = \"Jane Doe\"").unwrap_err().to_string();
        assert!(private.contains("`kathea.names`") && !private.contains("Jane"), "{private}");
    }
}
