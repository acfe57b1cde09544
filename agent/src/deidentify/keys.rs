//! What a key says about its value: the rules are data, in `keys.txt`.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::text::vocabulary;

/// How the value of a key is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Device identity: kept as it is.
    Device,
    /// Technique: numbers are kept as they are.
    Keep,
    /// A date, a time: moved by the case's weeks.
    Time,
    /// Names a person, a place or a machine: goes.
    Person,
    /// Made of the product's words: scrubbed.
    Known,
    /// Anything else: the key itself may tell somebody.
    Unknown,
}

/// A key as it is looked up: no punctuation, no case.
fn looked_up(key: &str) -> String {
    vocabulary::with_spelled(key, |key| key.chars().filter(|character| character.is_alphanumeric()).collect())
}

static KEYS: LazyLock<HashMap<String, Class>> = LazyLock::new(|| {
    let mut class = Class::Unknown;
    let mut keys = HashMap::new();
    for line in include_str!("keys.txt").lines().filter(|line| !line.starts_with('#')) {
        match line {
            "[device]" => class = Class::Device,
            "[keep]" => class = Class::Keep,
            "[time]" => class = Class::Time,
            "[person]" => class = Class::Person,
            _ => keys.extend(line.split_whitespace().map(|key| (looked_up(key), class))),
        }
    }
    keys
});

/// How the value of `key` is handled.
pub(crate) fn class(key: &str) -> Class {
    if let Some(class) = KEYS.get(&looked_up(key)) {
        return *class;
    }
    if vocabulary::parts(key).any(is_person) {
        Class::Person
    } else if vocabulary::knows_all(key) && !key.is_empty() {
        Class::Known
    } else {
        Class::Unknown
    }
}

/// Whether the key itself may be written: one of the lists, or made of the product's words and theirs.
pub(crate) fn is_listed(key: &str) -> bool {
    KEYS.contains_key(&looked_up(key))
        || vocabulary::parts(key).all(|part| {
            vocabulary::knows(part) || vocabulary::with_spelled(part, |part| KEYS.contains_key(part))
        }) && vocabulary::parts(key).next().is_some()
            && key.bytes().filter(u8::is_ascii_digit).count() < 4
}

/// Whether `word` alone tells that somebody or somewhere is named next.
pub(crate) fn is_person(word: &str) -> bool {
    vocabulary::with_spelled(word, |word| KEYS.get(word) == Some(&Class::Person))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_classed_in_any_spelling() {
        for (key, wanted) in [
            ("SerialNumber", Class::Device),
            ("device_serial_number", Class::Device),
            ("patientPosition", Class::Keep),
            ("Patient's Name", Class::Person),
            ("patient_id", Class::Person),
            ("fødselsdato", Class::Person),
            ("operatorName", Class::Person),
            ("StudyDate", Class::Time),
            ("frameGrabberState", Class::Known),
            ("Hansen", Class::Unknown),
            ("", Class::Unknown),
        ] {
            assert_eq!(class(key), wanted, "{key}");
        }
    }
}
