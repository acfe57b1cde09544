//! Classes of keys: how a key's values are handled. The rules are data, in `keys.txt`.

use std::sync::LazyLock;

use rustc_hash::FxHashMap;

use super::text::vocabulary;

/// How the value of a key is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Device identity: kept as it is.
    Device,
    /// Technique: numbers are kept within a bound.
    Keep(Bound),
    /// A date, a time: moved by the case's weeks.
    Time,
    /// Names a person, a place or a machine: goes.
    Person,
    /// Made of the product's words: scrubbed.
    Known,
    /// Anything else: the key itself may tell somebody.
    Unknown,
}

/// Which numbers a key keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The largest, whatever its sign.
    most: u64,
    of: Of,
}

/// What the numbers of a key say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// Something measured: with decimals, several beside each other.
    Measure,
    /// How many, or which: one number.
    Count,
    /// An outcome: one number, or a result code of Windows.
    Code,
}

/// Decimals of a double, and of a count.
const DECIMALS: [usize; 2] = [17, 3];
/// `HRESULT` and `NTSTATUS` of failures (MS-ERREF 2.1, 2.3): severity, and the facilities that Windows itself uses.
const WINDOWS: [std::ops::RangeInclusive<i64>; 2] = [0x8000_0000..=0x800f_ffff, 0xc000_0000..=0xc00f_ffff];

impl Bound {
    /// For keys made of the product's words that no list has.
    pub(crate) const OTHER: Self = Self { most: 9_999_999, of: Of::Count };

    /// Whether `number`, in decimal form, is one that the key keeps.
    pub(crate) fn holds(self, number: &str) -> bool {
        let Ok(value) = number.parse::<f64>() else { return false };
        let fraction = number.split(['e', 'E']).next().and_then(|number| number.split_once('.'));
        let decimals = fraction.map_or(0, |(_, decimals)| decimals.len());
        let [measured, counted] = DECIMALS;
        let is_short = decimals <= if self.of == Of::Measure { measured } else { counted };
        value.abs() <= self.most as f64 && is_short || self.of == Of::Code && is_windows(number)
    }

    /// Whether groups of digits beside each other, `28 71 93 40`, are together longer than its numbers.
    pub(crate) fn is_exceeded_by(self, groups: &str) -> bool {
        let digits = groups.bytes().filter(u8::is_ascii_digit).count();
        self.of != Of::Measure && digits > self.digits()
    }

    /// Digits of its largest number.
    pub(crate) fn digits(self) -> usize {
        self.most.to_string().len()
    }
}

/// A result code of Windows, as an unsigned number or as a signed one.
fn is_windows(number: &str) -> bool {
    let unsigned = |value: i64| if value < 0 { value + (1 << 32) } else { value };
    number.parse().is_ok_and(|value| WINDOWS.iter().any(|range| range.contains(&unsigned(value))))
}

/// Calls `look_up` with a key as it is looked up: no punctuation, no case.
fn with_looked_up<T>(key: &str, look_up: impl FnOnce(&str) -> T) -> T {
    vocabulary::with_spelled(key, |key| {
        if key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return look_up(key);
        }
        look_up(&key.chars().filter(|character| character.is_alphanumeric()).collect::<String>())
    })
}

static KEYS: LazyLock<FxHashMap<String, Class>> = LazyLock::new(|| {
    let mut class = Class::Unknown;
    let mut keys = FxHashMap::default();
    for line in include_str!("keys.txt").lines().filter(|line| !line.starts_with('#')) {
        match line {
            "[device]" => class = Class::Device,
            "[keep]" => class = Class::Keep(Bound::OTHER),
            "[time]" => class = Class::Time,
            "[person]" => class = Class::Person,
            _ => {
                let mut words = line.split_whitespace();
                if let Class::Keep(bound) = &mut class {
                    bound.of = match words.next() {
                        Some("measure") => Of::Measure,
                        Some("code") => Of::Code,
                        _ => Of::Count,
                    };
                    bound.most = words.next().and_then(|most| most.parse().ok()).unwrap_or(0);
                }
                keys.extend(words.map(|key| (with_looked_up(key, str::to_owned), class)));
            }
        }
    }
    keys
});

/// How the value of `key` is handled.
pub(crate) fn class(key: &str) -> Class {
    if let Some(class) = with_looked_up(key, |key| KEYS.get(key).copied()) {
        return class;
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
    with_looked_up(key, |key| KEYS.contains_key(key))
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
    fn every_line_of_what_is_kept_names_its_bound() {
        let lines = include_str!("keys.txt").lines();
        let kept =
            lines.skip_while(|line| *line != "[keep]").skip(1).take_while(|line| !line.starts_with('['));
        for line in kept.filter(|line| !line.starts_with('#')) {
            let mut words = line.split(' ');
            assert!(["measure", "count", "code"].contains(&words.next().unwrap()), "{line}");
            assert!(words.next().unwrap().parse::<u64>().is_ok() && words.next().is_some(), "{line}");
        }
    }

    #[test]
    fn a_number_is_kept_within_the_range_and_the_digits_of_its_key() {
        let holds = |key: &str, number: &str| match class(key) {
            Class::Keep(bound) => bound.holds(number),
            other => panic!("{key}: {other:?}"),
        };
        for (key, number) in [
            ("kv", "90"),
            ("ma", "8.25"),
            ("gain", "1.0312"),
            ("Line", "214"),
            ("event", "1074"),
            ("bytes", "402653184"),
            ("hresult", "-2147024891"),
            ("code", "3221225477"),
            ("frame", "412"),
            ("x", "-1204.25"),
        ] {
            assert!(holds(key, number), "{key} {number}");
        }
        for (key, number) in [
            ("kv", "1107843344"),
            ("Number", "709852233"),
            ("code", "31729455"),
            ("Index", "59311"),
            ("Line", "1107843344"),
            ("line", "1.1107843344e9"),
            ("count", "7.1107843344"),
            ("size", "709852233"),
            ("sequence", "1234567"),
            ("hresult", "-1107843344"),
            ("event", "NaN"),
        ] {
            assert!(!holds(key, number), "{key} {number}");
        }
    }

    #[test]
    fn a_key_is_classed_in_any_spelling() {
        for (key, wanted) in [
            ("SerialNumber", Class::Device),
            ("device_serial_number", Class::Device),
            ("patientPosition", Class::Keep(Bound { most: 9999, of: Of::Count })),
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
