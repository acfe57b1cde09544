//! A short value without a context, such as the manufacturer or the serial number in the header of a scan: it is the
//! program's, the product's or the vendor's as a whole, or it is somebody's.

use provenance::{Table, has_shape};

use super::words::digits_of;
use super::{names, slots, vocabulary};

/// Shapes of the product's own serial numbers; signed lists bring others.
const SHAPES: &[&str] = &["X1-####", "X1-#####", "X1-######", "X1-########", "X1-##-#####"];
/// Digits of a value without a shape, those of versions aside: a birth date has six.
const DIGITS: usize = 5;
/// Digits of one number in it.
const NUMBER: usize = 4;

/// Whether every word of `text` is the program's or the product's and nobody's name, and its numbers are versions or few; or
/// all of it has a shape that the vendor gave.
pub(crate) fn is_own(table: Option<&Table>, text: &str) -> bool {
    let is_shaped = SHAPES.iter().any(|shape| has_shape(shape, text));
    if is_shaped || table.is_some_and(|table| table.has_shape(text)) {
        return true;
    }
    let mut digits = 0;
    let tokens =
        text.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '/' | ',' | ';' | '+' | '_' | ':'));
    tokens
        .filter(|token| !is_version(token))
        .flat_map(|token| token.split(|c: char| !c.is_alphanumeric()))
        .all(|word| {
            digits += digits_of(word);
            digits <= DIGITS && is_word(table, word)
        })
}

fn is_version(token: &str) -> bool {
    let bare = token.trim_start_matches(['v', 'V']);
    let is_pair = || {
        let short =
            |part: &str| (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        bare.split_once('.').is_some_and(|(major, minor)| short(major) && short(minor))
    };
    slots::marked_version(bare) == Some(bare.len()) && !bare.is_empty() || is_pair()
}

fn is_word(table: Option<&Table>, word: &str) -> bool {
    if word.chars().filter(|c| c.is_alphabetic()).count() <= 1 {
        return digits_of(word) <= NUMBER && word.is_ascii();
    }
    match table {
        Some(table) => slots::is_word(table, word),
        None => digits_of(word) <= NUMBER && vocabulary::knows(word) && !names::is_name(word),
    }
}

#[cfg(test)]
mod tests {
    use provenance::{Builder, Entry};

    use super::*;

    #[test]
    fn a_value_is_the_programs_or_the_vendors_as_a_whole_or_somebodys() {
        for text in [
            "Copenhagen Imaging ApS",
            "X1",
            "X1 scanner",
            "X1-00123456",
            "4.2.1",
            "v3.14.0.20118",
            "CT 90 kV",
            "",
        ] {
            assert!(is_own(None, text), "{text}");
        }
        for text in [
            "Hansen",
            "Copenhagen Dental Hansen",
            "X1 Anna",
            "X1-Hansen",
            "010180-1234",
            "0101 8012",
            "12.03.1980",
            "12.03.80",
            "12 03 80",
            "120380",
            "59311",
            "MAX-00123456",
            "\u{663}\u{664}",
            "Zorvik",
        ] {
            assert!(!is_own(None, text), "{text}");
        }
        // What the program has, and what the vendor gave a shape; a name never.
        let mut builder = Builder::default();
        builder.add(Entry::Literal("Zorvik Hansen list"));
        builder.add(Entry::Shape("MAX-########"));
        let table = builder.table();
        assert!(is_own(Some(&table), "Zorvik X1") && is_own(Some(&table), "MAX-00123456"));
        assert!(!is_own(Some(&table), "Hansen") && !is_own(Some(&table), "MAX-0012345"));
    }
}
