//! The spellings in which a person's name or number comes back, as folded patterns.
//!
//! The view that is searched has no case, marks or separators, so what is left to spell out is order, joins,
//! initials and endings. A word of five letters and more is found inside any other word, joins included, so
//! joins are spelled out only for the shorter ones.

use super::fold::folded;

/// Letters of a name's part from which on it is looked for alone; shorter ones only joined to others.
const LETTERS: usize = 3;
/// Letters from which on a word is looked for inside other words.
pub(super) const INSIDE: usize = 5;
/// Parts of one name that are combined: given names, two surnames and a middle one.
const PARTS: usize = 6;
/// Titles, particles and what stands in a name's place: none of them tells who somebody is.
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
pub(super) fn parts(name: &str) -> Vec<Vec<u8>> {
    name.split(|character: char| {
        !character.is_alphanumeric() && !unicode_normalization::char::is_combining_mark(character)
    })
    .filter(|part| part.chars().any(char::is_alphabetic))
    .map(folded)
    .filter(|part| !part.is_empty() && !NOT_NAMES.iter().any(|other| folded(other) == *part))
    .collect()
}

/// Calls `each` with every spelling of the name in `name`; a group of another script is a name of its own.
pub(super) fn name(name: &str, mut each: impl FnMut(Vec<u8>)) {
    for group in name.split('=') {
        let mut parts = parts(group);
        parts.truncate(PARTS);
        for part in &parts {
            if letters(part) >= LETTERS || (letters(part) >= 2 && !part.is_ascii()) {
                each(part.clone());
                if letters(part) < INSIDE {
                    each([part, b"s".as_slice()].concat());
                    each([part, b"es".as_slice()].concat());
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
            run_together(parts.concat(), &mut each);
            run_together(parts.iter().skip(1).chain(parts.first()).flatten().copied().collect(), &mut each);
        }
    }
}

/// Two parts run together, and either with the other's initial, where neither would be found inside the other.
fn joined(one: &[u8], two: &[u8], each: &mut impl FnMut(Vec<u8>)) {
    if letters(one) < INSIDE || letters(two) < INSIDE {
        run_together([one, two].concat(), each);
    }
    if let Some(initial) = one.get(..1).filter(|_| letters(two) < INSIDE && letters(two) >= LETTERS) {
        run_together([initial, two].concat(), each);
        run_together([two, initial].concat(), each);
    }
}

/// A join, and what it folds to where its parts meet in a transliteration.
fn run_together(join: Vec<u8>, each: &mut impl FnMut(Vec<u8>)) {
    if letters(&join) <= LETTERS {
        return;
    }
    let refolded = std::str::from_utf8(&join).map(folded).unwrap_or_default();
    if refolded != join {
        each(refolded);
    }
    each(join);
}

fn letters(part: &[u8]) -> usize {
    part.iter().filter(|byte| **byte < 0x80 || **byte >= 0xc0).count()
}

/// A number's spellings: as it is, without leading zeros, and its digits without what stands before them.
pub(super) fn number(text: &str, mut each: impl FnMut(Vec<u8>)) {
    let whole = folded(text);
    let digits: Vec<u8> = whole.iter().copied().filter(u8::is_ascii_digit).collect();
    if digits.len() >= 6 && digits.len() < whole.len() && whole.ends_with(&digits) {
        each(digits.clone());
    }
    if whole.ends_with(&digits) {
        let bare = digits.iter().skip_while(|byte| **byte == b'0').copied().collect::<Vec<u8>>();
        if bare.len() >= 5 && bare.len() < digits.len() {
            each(bare);
        }
    }
    each(whole);
}

/// A telephone number's spellings: with and without the country's and the exchange's prefix.
pub(super) fn phone(text: &str, mut each: impl FnMut(Vec<u8>)) {
    let digits: Vec<u8> = folded(text).into_iter().filter(u8::is_ascii_digit).collect();
    let national = digits.strip_prefix(b"00").unwrap_or(&digits);
    let national = national.strip_prefix(b"45").filter(|rest| rest.len() == 8).unwrap_or(national);
    let national = national.strip_prefix(b"0").unwrap_or(national);
    for prefix in [b"".as_slice(), b"0", b"45", b"0045"] {
        each([prefix, national].concat());
    }
    each(digits);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spellings(text: &str) -> Vec<String> {
        let mut all = Vec::new();
        name(text, |spelling| all.push(String::from_utf8(spelling).unwrap()));
        all
    }

    #[test]
    fn a_short_name_is_joined_in_both_orders_and_with_initials() {
        let all = spellings("Lund^Bo Erik^^Dr");
        for wanted in ["lund", "lunds", "erik", "bolund", "lundbo", "blund", "lundb", "boeriklund"] {
            let folded = String::from_utf8(folded(wanted)).unwrap();
            assert!(all.contains(&folded), "{wanted} is missing in {all:?}");
        }
        assert!(!all.iter().any(|one| one == "bo" || one.contains("dr")), "{all:?}");
    }

    #[test]
    fn placeholders_are_nobodys_name() {
        assert_eq!(spellings("ANONYMOUS^Patient"), Vec::<String>::new());
        assert_eq!(spellings("^^^"), Vec::<String>::new());
    }

    #[test]
    fn a_number_is_known_without_its_prefix() {
        let mut all = Vec::new();
        number("P-0012345", |one| all.push(one));
        assert_eq!(all, [b"0012345".as_slice(), b"12345", b"p0012345"]);
    }
}
