//! The spellings in which a person's name or number comes back, as folded patterns.
//!
//! The view that is searched has no case, marks or separators, so what is left to spell out is order, joins,
//! initials and endings. A word of five letters and more is found inside any other word, joins included, so
//! joins are spelled out only for the shorter ones.

use super::fold::folded;

/// Bytes of the shortest spelling.
const SHORTEST: usize = 3;
/// Bytes of the longest: of a remark that is longer, its beginning tells it apart.
pub(super) const LONGEST: usize = 1 << 10;

/// A spelling that is searched for. It is made of whole characters, at least two of them in three bytes: a shorter
/// one, or a part of a character, would be found in every text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spelling<'s>(&'s str);

impl<'s> Spelling<'s> {
    /// The spelling that `folded` is; `None` if it is too short or too long to be one.
    pub(super) fn new(folded: &'s str) -> Option<Self> {
        let fits = (SHORTEST..=LONGEST).contains(&folded.len()) && folded.chars().nth(1).is_some();
        fits.then_some(Self(folded))
    }

    /// Its bytes, between [`SHORTEST`] and [`LONGEST`] of them.
    pub(super) fn bytes(self) -> &'s [u8] {
        self.0.as_bytes()
    }
}

/// Letters of a name's part from which on it is looked for alone; shorter ones only joined to others.
const LETTERS: usize = 3;
/// Letters from which on a word is looked for inside other words.
pub(super) const INSIDE: usize = 5;
/// Parts of one name that are combined: given names, two surnames and a middle one.
const PARTS: usize = 6;
/// Titles, particles and what stands in a name's place: none of them tells who somebody is. As they fold.
const NOT_NAMES: &[&str] = &[
    "dr",
    "med",
    "dent",
    "prof",
    "hr",
    "fru",
    "mr",
    "mrs",
    "miss",
    "jr",
    "sr",
    "von",
    "van",
    "der",
    "den",
    "del",
    "de",
    "la",
    "le",
    "las",
    "los",
    "af",
    "av",
    "und",
    "og",
    "and",
    "anonym",
    "anonymous",
    "anonymized",
    "unknown",
    "ukendt",
    "none",
    "null",
    "patient",
    "name",
    "removed",
    "nobody",
    "test",
    "demo",
    "phantom",
    "fantom",
    "na",
];

/// The parts of a name that tell who somebody is, folded: family names first in DICOM's order (PS3.5 6.2.1.2).
pub(super) fn parts(name: &str) -> Vec<String> {
    name.split(|character: char| {
        !character.is_alphanumeric() && !unicode_normalization::char::is_combining_mark(character)
    })
    .filter(|part| part.chars().any(char::is_alphabetic))
    .map(|part| folded(part).into_owned())
    .filter(|part| !part.is_empty() && !NOT_NAMES.contains(&part.as_str()))
    .collect()
}

/// Calls `each` with every spelling of the name in `name`; a group of another script is a name of its own.
pub(super) fn name(name: &str, mut each: impl FnMut(&str)) {
    for group in name.split('=') {
        let mut parts = parts(group);
        parts.truncate(PARTS);
        for part in &parts {
            if letters(part) >= LETTERS || (letters(part) >= 2 && !part.is_ascii()) {
                each(part);
                if letters(part) < INSIDE {
                    each(&format!("{part}s"));
                    each(&format!("{part}es"));
                }
            }
        }
        for (at, one) in parts.iter().enumerate() {
            for two in parts.iter().skip(at + 1) {
                joined(one, two, &mut each);
                joined(two, one, &mut each);
            }
        }
        if parts.len() > 2 && parts.iter().any(|part| letters(part) < INSIDE) {
            run_together(&parts.concat(), &mut each);
            let given_first: String = parts.iter().skip(1).chain(parts.first()).map(String::as_str).collect();
            run_together(&given_first, &mut each);
        }
    }
}

/// Two parts run together, and either with the other's initial, where neither would be found inside the other.
fn joined(one: &str, two: &str, each: &mut impl FnMut(&str)) {
    if letters(one) < INSIDE || letters(two) < INSIDE {
        run_together(&format!("{one}{two}"), each);
    }
    if let Some(initial) = one.chars().next().filter(|_| (LETTERS..INSIDE).contains(&letters(two))) {
        run_together(&format!("{initial}{two}"), each);
        run_together(&format!("{two}{initial}"), each);
    }
}

/// A join, and what it folds to where its parts meet in a transliteration.
fn run_together(join: &str, each: &mut impl FnMut(&str)) {
    // Two ideographs are a whole name.
    let fewest = if join.is_ascii() { LETTERS + 1 } else { 2 };
    if letters(join) < fewest {
        return;
    }
    let refolded = folded(join);
    if refolded != join {
        each(&refolded);
    }
    each(join);
}

fn letters(part: &str) -> usize {
    part.chars().count()
}

/// A number's spellings: as it is, without leading zeros, and its digits without what stands before them.
pub(super) fn number(text: &str, mut each: impl FnMut(&str)) {
    let whole = folded(text);
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    if digits.len() >= 6 && digits.len() < whole.len() && whole.ends_with(&digits) {
        each(&digits);
    }
    if whole.ends_with(&digits) {
        let bare = digits.trim_start_matches('0');
        if bare.len() >= 5 && bare.len() < digits.len() {
            each(bare);
        }
    }
    each(&whole);
}

/// A telephone number's spellings: with and without the country's and the exchange's prefix.
pub(super) fn phone(text: &str, mut each: impl FnMut(&str)) {
    let digits: String = folded(text).chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix("00").unwrap_or(&digits);
    let national = national.strip_prefix("45").filter(|rest| rest.len() == 8).unwrap_or(national);
    let national = national.strip_prefix('0').unwrap_or(national);
    for prefix in ["", "0", "45", "0045"] {
        each(&format!("{prefix}{national}"));
    }
    each(&digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spellings(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        name(text, |spelling| all.push(spelling.to_owned()));
        all
    }

    #[test]
    fn a_short_name_is_joined_in_both_orders_and_with_initials() {
        let all = spellings("Lund^Bo Erik^^Dr");
        for wanted in ["lund", "lunds", "erik", "bolund", "lundbo", "blund", "lundb", "boeriklund"] {
            assert!(all.contains(&folded(wanted).into_owned()), "{wanted} is missing in {all:?}");
        }
        assert!(!all.iter().any(|one| one == "bo" || one.contains("dr")), "{all:?}");
    }

    #[test]
    fn no_spelling_is_empty_or_a_part_of_a_character() {
        for text in ["", "a", "ab", "\u{e6}", "\u{416}", "\u{738b}", &"a".repeat(LONGEST + 1)] {
            assert_eq!(Spelling::new(text), None, "{text}");
        }
        for text in ["abc", "\u{43b}\u{438}", "\u{738b}\u{660e}", &"a".repeat(LONGEST)] {
            assert_eq!(Spelling::new(text).map(Spelling::bytes), Some(text.as_bytes()));
        }
        let names = [
            "\u{41e}\u{440}\u{43b}\u{43e}\u{432}^\u{42e}\u{440}\u{438}\u{439}",
            "\u{62d}\u{633}\u{646}^\u{639}\u{644}\u{64a}",
            "\u{5db}\u{5d4}\u{5df}^\u{5d3}\u{5df}",
            "\u{3084}\u{307e}\u{3060}^\u{305f}\u{308d}\u{3046}",
            "\u{ae40}^\u{c9c0}\u{c6d0}",
            "\u{738b}^\u{660e}",
        ];
        for name in names {
            let all = spellings(name);
            let whole = parts(name).concat();
            assert!(all.contains(&whole) || letters(&whole) > 8, "{name}: {all:?}");
            for spelling in all {
                assert!(Spelling::new(&spelling).is_some(), "{name}: {spelling:?}");
            }
        }
    }

    #[test]
    fn what_is_no_name_is_written_as_it_folds() {
        NOT_NAMES.iter().for_each(|word| assert_eq!(folded(word), *word));
    }

    #[test]
    fn placeholders_are_nobodys_name() {
        assert_eq!(spellings("ANONYMOUS^Patient"), Vec::<String>::new());
        assert_eq!(spellings("^^^"), Vec::<String>::new());
    }

    #[test]
    fn a_number_is_known_without_its_prefix() {
        let mut all = Vec::new();
        number("P-0012345", |one| all.push(one.to_owned()));
        assert_eq!(all, ["0012345", "12345", "p0012345"]);
    }
}
