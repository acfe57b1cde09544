//! The known word nearest to a misspelt one. The input is never repeated: it may contain anything.

/// Longer words are nobody's slip; comparing them would only take time.
const LONGEST: usize = 64;

/// The nearest of `known`, if it is near enough to be what was meant: at most a third of its letters differ.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST {
        return None;
    }
    let apart = |known: &str| strsim::damerau_levenshtein(known, word);
    let near = known.into_iter().map(|known| (apart(known), known));
    near.filter(|(apart, known)| *apart <= known.len().div_ceil(3)).min().map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_understood_and_another_word_is_not() {
        let known = ["status", "support", "busy"];
        assert_eq!(nearest("statsu", known), Some("status"));
        assert_eq!(nearest("suport", known), Some("support"));
        assert_eq!(nearest("bsy", known), Some("busy"));
        assert_eq!(nearest("Hansen", known), None);
        assert_eq!(nearest(&"status".repeat(100), known), None);
        assert_eq!(nearest("", known), None);
    }
}
