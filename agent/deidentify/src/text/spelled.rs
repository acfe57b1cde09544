//! How the words of the vocabulary and those of a text are spelled to be compared; `build.rs` spells the former with it.

/// A word in lower case, Danish letters spelled out.
pub(crate) fn spelled(word: &str) -> String {
    let mut spelled = String::with_capacity(word.len() + 2);
    for character in word.chars().flat_map(char::to_lowercase) {
        match character {
            'æ' => spelled.push_str("ae"),
            'ø' => spelled.push_str("oe"),
            'å' => spelled.push_str("aa"),
            _ => spelled.push(character),
        }
    }
    spelled
}
