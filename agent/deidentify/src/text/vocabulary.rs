//! The product's vocabulary: the words that free text may keep.

use std::borrow::Cow;
use std::sync::LazyLock;

use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};

use super::spelled::spelled;
use crate::identifiers::folded;

/// Whether a word stays only in lower case, because it is a name as well.
type AlsoName = bool;

/// Bytes of a word with the end of its line: fewer than most have, so that the words fit.
const LETTERS: usize = 6;

struct Vocabulary {
    // No word of a file is ever put in, so that a fast hash is enough.
    words: FxHashMap<&'static str, AlsoName>,
    folded: FxHashSet<Cow<'static, str>>,
    /// All of them folded, for a search inside words.
    joined: String,
}

/// The words of `vocabulary.txt` in lower case, a line each, as `build.rs` spelled and deflated them.
static TEXT: LazyLock<String> =
    LazyLock::new(|| super::names::inflated(include_bytes!(concat!(env!("OUT_DIR"), "/vocabulary.deflate"))));

// A process begins for a single file: what can be done once is done by `build.rs`, and most words are their own folded form.
static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let count = TEXT.len() / LETTERS;
    let mut words = FxHashMap::with_capacity_and_hasher(count, FxBuildHasher);
    let mut all = FxHashSet::with_capacity_and_hasher(count, FxBuildHasher);
    let mut joined = String::with_capacity(TEXT.len());
    for line in TEXT.lines() {
        let word = line.strip_prefix('=').unwrap_or(line);
        words.insert(word, word.len() < line.len());
        let folded = folded(word);
        joined.push_str(&folded);
        joined.push('\n');
        all.insert(folded);
    }
    Vocabulary { words, folded: all, joined }
});

/// Calls `look_up` with `word` in lower case, Danish letters spelled out. Short words cost no allocation.
pub(crate) fn with_spelled<T>(word: &str, look_up: impl FnOnce(&str) -> T) -> T {
    // As long as a row of numbers without blanks.
    let mut short = [0; 64];
    if let Some(short) = short.get_mut(..word.len()).filter(|_| word.is_ascii()) {
        short.copy_from_slice(word.as_bytes());
        short.make_ascii_lowercase();
        return look_up(std::str::from_utf8(short).unwrap_or_default());
    }
    look_up(&spelled(word))
}

/// Whether free text may keep `word`: itself, or each part of a name made of several, as in `tubeWarmup`.
pub(crate) fn knows(word: &str) -> bool {
    is_known(word)
        || {
            let bare = word.trim_end_matches(|last: char| last.is_ascii_digit());
            bare.len() < word.len() && is_known(bare)
        }
        || {
            let mut parts = parts(word).peekable();
            parts.peek().is_some() && parts.all(is_known)
        }
}

/// Whether `word` is one of the vocabulary, or made of them, and no part of it is a name as well.
pub(crate) fn is_no_name(word: &str) -> bool {
    let is_plain = |part: &str| with_spelled(part, |part| VOCABULARY.words.get(part)) == Some(&false);
    let mut parts = parts(word).peekable();
    parts.peek().is_some() && parts.all(is_plain)
}

/// Whether `word`, in lower case, is one of the vocabulary and a name as well.
pub(crate) fn is_also_name(word: &str) -> bool {
    VOCABULARY.words.get(word) == Some(&true)
}

/// Whether every word of `text` is known.
pub fn knows_all(text: &str) -> bool {
    text.split(|character: char| !character.is_alphanumeric()).filter(|word| !word.is_empty()).all(knows)
}

/// Whether the folded word is one of the vocabulary.
pub(crate) fn knows_folded(word: &str) -> bool {
    VOCABULARY.folded.contains(word)
}

/// Whether the folded word is part of one of the vocabulary.
pub(crate) fn has_inside(word: &str) -> bool {
    VOCABULARY.joined.contains(word)
}

fn is_known(word: &str) -> bool {
    let known = with_spelled(word, |word| VOCABULARY.words.get(word));
    known.is_some_and(|also_name| !also_name || word.chars().all(char::is_lowercase))
}

/// The parts of a programmer's name: cut at underscores, digits and capitals.
pub(crate) fn parts(word: &str) -> impl Iterator<Item = &str> {
    word.split(|character: char| !character.is_alphabetic()).flat_map(humps).filter(|part| !part.is_empty())
}

/// `TubeWarmup` as `Tube` and `Warmup`, `USBDevice` as `USB` and `Device`.
fn humps(word: &str) -> impl Iterator<Item = &str> {
    let mut rest = word;
    std::iter::from_fn(move || {
        let mut characters = rest.char_indices().peekable();
        let mut before: Option<char> = None;
        let mut cut = rest.len();
        while let Some((at, here)) = characters.next() {
            let next_is_small = characters.peek().is_some_and(|(_, next)| next.is_lowercase());
            let starts = here.is_uppercase()
                && before
                    .is_some_and(|before| before.is_lowercase() || next_is_small && before.is_uppercase());
            if starts {
                cut = at;
                break;
            }
            before = Some(here);
        }
        let (part, after) = rest.split_at_checked(cut)?;
        rest = after;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identifiers::View;

    #[test]
    fn the_words_are_those_of_the_list_however_they_are_spelled_there() {
        let list = include_str!("vocabulary.txt");
        let mut words: FxHashMap<String, AlsoName> = FxHashMap::default();
        for word in list.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace) {
            words.insert(spelled(word.trim_start_matches('=')), word.starts_with('='));
        }
        let held = VOCABULARY.words.iter().map(|(word, is_name)| ((*word).to_owned(), *is_name));
        assert_eq!(held.collect::<FxHashMap<_, _>>(), words);
        let mut view = View::default();
        let folds = words.keys().map(|word| {
            view.fill(word);
            view.bytes().to_vec()
        });
        let held = VOCABULARY.folded.iter().map(|word| word.as_bytes().to_vec());
        assert_eq!(held.collect::<FxHashSet<_>>(), folds.collect());
        assert!(knows_folded("maling") && !knows_folded("maaling") && !has_inside("maal"));
    }

    #[test]
    fn words_and_names_made_of_them_are_known() {
        for word in [
            "detector",
            "Detector",
            "DETECTOR",
            "tubeWarmup",
            "frame_grabber",
            "USBDevice",
            "queue",
            "måling",
            "maaling",
            "QueueReader2",
        ] {
            assert!(knows(word), "{word}");
        }
        for word in ["Hansen", "hansenScan", "AnnaDetector", "", "__", "Mark", "xyzzy"] {
            assert!(!knows(word), "{word}");
        }
        assert!(
            knows("mark") && knows_all("Copenhagen Imaging ApS") && !knows_all("Copenhagen Dental Hansen")
        );
        assert!(has_inside("nnect") && !has_inside("hansen"));
    }
}
