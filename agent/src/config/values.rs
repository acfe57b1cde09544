//! What a value of the configuration may be, for the error that names key, value and what may stand there.

use super::{ConfigError, KNOWN};
use crate::harmless;
use crate::nearest::nearest;

/// Characters of a value that an error repeats.
const SHOWN: usize = 60;

crate::texts! {
    /// What may stand at a key.
    #[derive(PartialEq, Eq)]
    pub enum May {
        /// One of these words.
        Word { words: String } => "one of {words}", "en af {words}";
        /// One of these words; the value is near to one.
        WordNear { words: String, nearest: String } =>
            "one of {words}; the nearest is \"{nearest}\"", "en af {words}; den nærmeste er \"{nearest}\"";
        /// A truth value.
        Truth => "true or false", "true eller false";
        /// A length of time.
        Interval =>
            "a whole number and ms, s, min, h or d, in quotes: interval = \"6h\"",
            "et helt tal og ms, s, min, h eller d, i anførselstegn: interval = \"6h\"";
        /// Bytes in a time.
        Rate =>
            "a whole number and B/s, KiB/s, MiB/s or GiB/s, in quotes: rate = \"64 KiB/s\"",
            "et helt tal og B/s, KiB/s, MiB/s eller GiB/s, i anførselstegn: rate = \"64 KiB/s\"";
        /// Bytes.
        Quota =>
            "a whole number and B, KiB, MiB or GiB, in quotes: quota = \"64 MiB\"",
            "et helt tal og B, KiB, MiB eller GiB, i anførselstegn: quota = \"64 MiB\"";
        /// Texts or paths.
        Texts => "a list of texts in quotes: [\"...\"]", "en liste af tekster i anførselstegn: [\"...\"]";
        /// A text or path.
        Text => "a text in quotes", "en tekst i anførselstegn";
    }
}

/// The words that a key takes.
fn words(key: &str) -> Option<&'static [&'static str]> {
    match key {
        "language" => Some(&["en", "da"]),
        "keys.protector" => Some(&["auto", "dpapi", "systemd", "file"]),
        _ => None,
    }
}

/// What may stand at a key at which `found` stands.
fn may(key: &str, found: &str) -> May {
    match key {
        "consent.forbid" => May::Truth,
        "ship.interval" => May::Interval,
        "ship.rate" => May::Rate,
        "spool.quota" => May::Quota,
        "kathea.logs" | "kathea.scans" | "kathea.program" | "kathea.names" | "support.recipients" => {
            May::Texts
        }
        _ => match words(key) {
            Some(known) => {
                let words = format!("\"{}\"", known.join("\", \""));
                match nearest(found.trim_matches(['"', '\'']), known.iter().copied()) {
                    Some(nearest) => May::WordNear { words, nearest: nearest.to_owned() },
                    None => May::Word { words },
                }
            }
            None => May::Text,
        },
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
    let value: String = value.chars().take(SHOWN).collect();
    let may = may(key, &value);
    // Texts and paths may name somebody.
    let is_private = matches!(may, May::Texts | May::Text);
    let found = (!is_private).then(|| harmless::line(&value).into_owned());
    Some(ConfigError::Value { line, key, found, may })
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
            ("[kathea]\nlogs = \"x\"", &["line 2", "`kathea.logs` must be a list"]),
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
