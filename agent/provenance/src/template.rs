//! A literal as a template: pieces that are written as they stand, with placeholders between them.

/// The pieces of a literal in their order. Between two of them stood a placeholder; the first or last is empty where the
/// literal begins or ends with one.
pub(crate) fn pieces(literal: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut rest = literal;
    while let Some(next) = rest.chars().next() {
        let (taken, kept) = match next {
            '%' => printf(rest),
            '{' => braces(rest),
            '}' if rest.starts_with("}}") => (2, Some('}')),
            other => (other.len_utf8(), Some(other)),
        };
        match (kept, pieces.last_mut()) {
            (Some(character), Some(piece)) => piece.push(character),
            _ => pieces.push(String::new()),
        }
        rest = rest.get(taken..).unwrap_or_default();
    }
    pieces
}

/// Bytes of a conversion of printf (C11, 7.21.6.1) at the start of `rest`, or the character that stands there.
fn printf(rest: &str) -> (usize, Option<char>) {
    let bytes = rest.as_bytes();
    if bytes.get(1) == Some(&b'%') {
        return (2, Some('%'));
    }
    let mut at = 1;
    let mut skip = |set: &[u8]| {
        while bytes.get(at).is_some_and(|byte| set.contains(byte)) {
            at += 1;
        }
        at
    };
    // A blank is a flag too, but `50 % of` is said more often.
    skip(b"-+#0'");
    skip(b"0123456789*");
    skip(b".");
    skip(b"0123456789*");
    let end = skip(b"hljztLqIw3264");
    match bytes.get(end) {
        Some(conversion) if b"diouxXeEfFgGaAcCsSpnZ".contains(conversion) => (end + 1, None),
        _ => (1, Some('%')),
    }
}

/// Bytes of `{}`, `{0}`, `{0,8:X4}`, `{Name}`, `{@Name}` (.NET, Serilog, spdlog) at the start of `rest`.
fn braces(rest: &str) -> (usize, Option<char>) {
    const LONGEST: usize = 64;
    if rest.starts_with("{{") {
        return (2, Some('{'));
    }
    let end = rest.bytes().take(LONGEST).position(|byte| byte == b'}');
    let inside = end.and_then(|end| rest.get(1..end));
    match (end, inside) {
        (Some(end), Some(inside)) if is_placeholder(inside) => (end + 1, None),
        _ => (1, Some('{')),
    }
}

fn is_placeholder(inside: &str) -> bool {
    let name = inside.split([':', ',']).next().unwrap_or_default();
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.@$".contains(&byte))
}

/// Whether a text says enough to be recognised: two words, or eight letters.
pub(crate) fn is_telling<'a>(pieces: impl IntoIterator<Item = &'a str>) -> bool {
    let (mut words, mut letters) = (0, 0);
    for piece in pieces {
        letters += piece.chars().filter(|c| c.is_alphabetic()).count();
        let of_letters = |word: &&str| word.chars().filter(|c| c.is_alphabetic()).count() > 1;
        words += piece.split(|c: char| !c.is_alphanumeric()).filter(of_letters).count();
    }
    words >= 2 || letters >= 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_of_every_kind_part_the_pieces() {
        for (literal, expected) in [
            ("Mapped {0} bytes in {1} ms", vec!["Mapped ", " bytes in ", " ms"]),
            ("device %d: compute %d.%d, %zu MiB", vec!["device ", ": compute ", ".", ", ", " MiB"]),
            ("gain=%.4f at 100 %%", vec!["gain=", " at 100 %"]),
            ("CAN node 0x%02x", vec!["CAN node 0x", ""]),
            ("User {@User} {Name,10:l} done", vec!["User ", " ", " done"]),
            ("a {{literal}} brace {} end", vec!["a {literal} brace ", " end"]),
            ("50 % off, {not a name}", vec!["50 % off, {not a name}"]),
            ("{", vec!["{"]),
            ("%", vec!["%"]),
            ("", vec![""]),
        ] {
            assert_eq!(pieces(literal), expected, "{literal}");
        }
    }

    #[test]
    fn two_words_or_eight_letters_tell() {
        assert!(is_telling(["not ready"]) && is_telling(["collimator"]) && is_telling(["at ", " of"]));
        assert!(!is_telling(["ms"]) && !is_telling(["a b c"]) && !is_telling(["Peter"]) && !is_telling([]));
    }
}
