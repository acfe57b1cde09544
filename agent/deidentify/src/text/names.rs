//! Common names: a word of the program's table that is one of them stays only inside a literal.

use std::sync::LazyLock;

use flate2::{Decompress, FlushDecompress};
use rustc_hash::FxHashSet;

use super::vocabulary;

/// `names.txt`, as `build.rs` deflated it.
static TEXT: LazyLock<String> =
    LazyLock::new(|| inflated(include_bytes!(concat!(env!("OUT_DIR"), "/names.deflate"))));

/// The list that `build.rs` deflated, behind its length in four bytes.
pub(crate) fn inflated(packed: &[u8]) -> String {
    let text = packed.split_first_chunk().and_then(|(length, deflated)| {
        // At once into its place: a reader's buffers are more memory than the list, in each process that reads files.
        let mut text = Vec::with_capacity(u32::from_le_bytes(*length) as usize);
        Decompress::new(false).decompress_vec(deflated, &mut text, FlushDecompress::Finish).ok()?;
        String::from_utf8(text).ok()
    });
    // Not input: a broken list fails every test, and no text may be read without it.
    #[allow(clippy::panic)]
    text.unwrap_or_else(|| panic!("a list in the program is broken"))
}

static NAMES: LazyLock<FxHashSet<&'static str>> = LazyLock::new(|| {
    let lines = TEXT.lines().filter(|line| !line.starts_with('#'));
    lines.flat_map(str::split_whitespace).collect()
});

/// Whether `word` is a common name, in any case.
pub(super) fn is_name(word: &str) -> bool {
    vocabulary::with_spelled(word, |word| {
        NAMES.contains(word)
            || vocabulary::is_also_name(word)
            || word.strip_suffix('s').is_some_and(|word| NAMES.contains(word) && !vocabulary::knows(word))
    })
}

/// Whether every word of `text` of two letters or more is a common name: a program may hold a list of them.
pub(super) fn are_names(text: &str) -> bool {
    let mut words =
        text.split(|c: char| !c.is_alphabetic()).filter(|word| word.chars().count() > 1).peekable();
    words.peek().is_some() && words.all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_names_are_known_in_any_case_and_words_of_the_trade_are_none() {
        assert!(*TEXT == include_str!("names.txt") && NAMES.len() > 20_000);
        for name in ["Hansen", "NIELSEN", "mary", "Young", "hansens", "Long"] {
            assert!(is_name(name), "{name}");
        }
        for word in ["detector", "Reader", "frames", "the", "", "bytes", "collimator", "states"] {
            assert!(!is_name(word), "{word}");
        }
        assert!(are_names("Mary Hansen") && !are_names("Mary loaded") && !are_names(", "));
    }
}
