//! The normalised view of a text, in which all spellings of a word are equal.
//!
//! Lower-case letters without marks and digits, nothing between them; the transliterations of Danish and German
//! letters collapse, so that Sørensen, Soerensen and Sorensen are one word. Each byte knows where it came from.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// What each byte of ASCII folds to: letters and digits, the others to none.
const PLAIN: [u8; 128] = {
    let mut plain = [0; 128];
    let mut byte = 0;
    while byte < 128 {
        if (byte as u8).is_ascii_alphanumeric() {
            plain[byte] = (byte as u8).to_ascii_lowercase();
        }
        byte += 1;
    }
    plain
};

/// A text's normalised view. Kept and filled again for the next text, so that it allocates once.
#[derive(Debug, Default)]
pub struct View {
    bytes: Vec<u8>,
    /// For each byte, the bytes of the text that it stands for.
    from: Vec<Range<u32>>,
}

impl View {
    /// Becomes the view of `text`, of at most 4 GiB.
    pub(crate) fn fill(&mut self, text: &str) {
        self.bytes.clear();
        self.from.clear();
        let bytes = text.as_bytes();
        self.bytes.reserve(bytes.len());
        self.from.reserve(bytes.len());
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            match PLAIN.get(usize::from(*byte)) {
                Some(0) => at += 1,
                Some(folded) => {
                    self.push(*folded, at..at + 1);
                    at += 1;
                }
                None => {
                    let Some(character) = text.get(at..).and_then(|rest| rest.chars().next()) else { return };
                    let end = at + character.len_utf8();
                    fold(character, |byte| self.push(byte, at..end));
                    at = end;
                }
            }
        }
    }

    /// The folded bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes of the text for which the folded bytes `range` stand.
    pub(crate) fn origin(&self, range: Range<usize>) -> Option<Range<usize>> {
        let first = self.from.get(range.start)?;
        let last = self.from.get(range.end.checked_sub(1)?)?;
        Some(first.start as usize..last.end as usize)
    }

    /// How many bytes of the text stand between the folded byte at `at` and the one before it.
    pub(crate) fn gap(&self, at: usize) -> usize {
        match (at.checked_sub(1).and_then(|before| self.from.get(before)), self.from.get(at)) {
            (Some(before), Some(here)) => here.start.saturating_sub(before.end) as usize,
            _ => 0,
        }
    }

    /// Takes a byte, unless it is the second letter of a transliteration: ae, oe, ue and aa count as one.
    #[inline]
    fn push(&mut self, byte: u8, from: Range<usize>) {
        let from = from.start as u32..from.end as u32;
        if matches!(byte, b'e' | b'a')
            && let (Some(before), Some(origin)) = (self.bytes.last(), self.from.last_mut())
            && is_second(*before, byte)
            && origin.end >= from.start
        {
            origin.end = origin.end.max(from.end);
            return;
        }
        self.bytes.push(byte);
        self.from.push(from);
    }
}

/// Whether `byte` is the second letter of a transliteration whose first is `before`.
#[inline]
fn is_second(before: u8, byte: u8) -> bool {
    matches!((before, byte), (b'a' | b'o' | b'u', b'e') | (b'a', b'a'))
}

/// Calls `is_begun` with the last four bytes of the view of `text`, which is of ASCII, after each of its bytes, and at its end
/// with the last three and none; whether it holds for any. No view is made, and a view of fewer bytes begins with zeros.
#[inline]
pub(super) fn any_four(text: &str, is_begun: impl Fn(u32) -> bool) -> bool {
    let (mut four, mut is_joined) = (0_u32, false);
    for byte in text.bytes() {
        let folded = PLAIN.get(usize::from(byte)).copied().unwrap_or(0);
        let is_letter = folded != 0;
        if is_letter && !(is_joined && is_second(four as u8, folded)) {
            four = four << 8 | u32::from(folded);
            if is_begun(four) {
                return true;
            }
        }
        is_joined = is_letter;
    }
    is_begun(four << 8)
}

/// The folded form of one text; most words of the product are their own.
pub(crate) fn folded(text: &str) -> Cow<'_, str> {
    if is_folded(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut view = View::default();
    view.fill(text);
    // Whole characters go into a view, and only letters of ASCII are left out of it.
    Cow::Owned(String::from_utf8(view.bytes).unwrap_or_default())
}

/// Whether a text of ASCII is its own folded form.
fn is_folded(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.iter().all(is_plain)
        && !text.windows(2).any(|pair| matches!(pair, [one, two] if is_second(*one, *two)))
}

/// One character beyond ASCII: decomposed (Unicode NFKD), marks dropped, lower case.
fn fold(character: char, mut push: impl FnMut(u8)) {
    let spelled = match character {
        'æ' | 'Æ' | 'ǽ' | 'Ǽ' => "ae",
        'ø' | 'Ø' | 'ǿ' | 'Ǿ' => "oe",
        'œ' | 'Œ' => "oe",
        'ß' | 'ẞ' => "ss",
        'ł' | 'Ł' => "l",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'þ' | 'Þ' => "th",
        'ı' | 'İ' => "i",
        _ => "",
    };
    if !spelled.is_empty() {
        spelled.bytes().for_each(push);
        return;
    }
    decompose_compatible(character, |part| {
        if !is_combining_mark(part) && part.is_alphanumeric() {
            for lower in part.to_lowercase() {
                lower.encode_utf8(&mut [0; 4]).bytes().for_each(&mut push);
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_name_folds_alike() {
        for spelling in
            ["Sørensen", "SOERENSEN", "Sorensen", "so\u{308}rensen", "S-ø-rensen", "ｓorensen", "sÖrensen"]
        {
            assert_eq!(folded(spelling), "sorensen", "{spelling}");
        }
        for spelling in ["Ågård", "Aagaard", "AGARD", "A\u{30a}ga\u{30a}rd"] {
            assert_eq!(folded(spelling), "agard", "{spelling}");
        }
        assert_eq!(folded("Müller-Weiß"), folded("muellerweiss"));
        assert_eq!(folded("Łódź, Ærø"), "lodzaro");
        assert_eq!(folded("Иванов"), "иванов");
    }

    #[test]
    fn a_word_that_is_taken_for_its_own_folded_form_is_that() {
        for text in
            ["detector", "maaling", "aeon", "a", "", "queue", "e2107", "Detector", "måling", "a b", "ea"]
        {
            let mut view = View::default();
            view.fill(text);
            assert_eq!(folded(text).as_bytes(), view.bytes(), "{text}");
        }
        assert!(is_folded(b"detector") && !is_folded(b"maaling") && !is_folded("må".as_bytes()));
    }

    /// Every four bytes of a view are among those of its text, and no others but those before the first.
    #[test]
    fn the_fours_of_a_text_are_those_of_its_view() {
        for text in
            ["Kaae, Aarhus oe o-e aaa AAE u.e. 12 34", "", "a", "ae", "aaeb", "x-y-z", "Bo Aa Eee ooe uae"]
        {
            let view = folded(text).into_owned().into_bytes();
            let seen = std::cell::RefCell::new(Vec::new());
            assert!(!any_four(text, |four| {
                seen.borrow_mut().push(four);
                false
            }));
            let mut padded = [vec![0; 3], view].concat();
            padded.push(0);
            let four = |bytes: &[u8]| u32::from_be_bytes(bytes.try_into().unwrap());
            let wanted: Vec<u32> = padded.windows(4).map(four).collect();
            assert_eq!(*seen.borrow(), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_folded_knows_where_it_came_from() {
        let text = "kV=85 Bjørn Aagaard!";
        let mut view = View::default();
        view.fill(text);
        let at = view.bytes().windows(5).position(|bytes| bytes == b"bjorn").unwrap();
        assert_eq!(text.get(view.origin(at..at + 5).unwrap()), Some("Bjørn"));
        assert_eq!(text.get(view.origin(at + 5..view.bytes().len()).unwrap()), Some("Aagaard"));
        assert_eq!(view.gap(at + 5), 1);
        assert_eq!(view.origin(0..0), None);
    }
}
