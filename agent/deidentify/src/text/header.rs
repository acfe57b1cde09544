//! The head of a log line: `2026-11-21 10:32:11.123 [LEVEL] module(code): message`.
//!
//! Variants: the time in brackets or of the day only, the level bare or behind the module, a thread's number in
//! brackets, no code. What fits nothing of this is message.

use super::vocabulary;

/// Levels that a head may name, in capitals.
const LEVELS: &[&str] = &[
    "TRACE", "DEBUG", "VERBOSE", "INFO", "NOTICE", "WARN", "WARNING", "ERROR", "FATAL", "CRITICAL", "SEVERE",
    "DBG", "INF", "WRN", "ERR", "CRIT", "FEJL", "ADVARSEL",
];
/// Levels of one letter, as DCMTK's and Android's logs have them: `D: `.
const LETTERS: &[u8] = b"TVDIWEFC";
/// Digits of a code or a thread's number: more could be somebody's.
const DIGITS: usize = 6;
/// Bytes of a module's name.
const MODULE: usize = 40;

/// A piece of a head at the start of `text`: its bytes, brackets and blanks included.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// A level, or the number of a thread.
    Fixed(&'a str),
    /// A module, and its code in brackets with what follows.
    Module(&'a str, &'a str),
}

/// The next piece of the head at the start of `text`.
pub(crate) fn piece(text: &str) -> Option<Piece<'_>> {
    bracketed(text).or_else(|| bare_level(text)).or_else(|| module(text))
}

/// `[INFO] `, `<WARN> `, `[1234] `, `[tid 12] `.
fn bracketed(text: &str) -> Option<Piece<'_>> {
    let close = match text.chars().next()? {
        '[' => ']',
        '<' => '>',
        '(' => ')',
        _ => return None,
    };
    let end = text.get(..20.min(text.len())).unwrap_or(text).find(close)?;
    let inner = text.get(1..end)?.trim();
    let number = inner
        .trim_start_matches(|character: char| character.is_ascii_alphabetic())
        .trim_start_matches([' ', ':', '=', '#', '-']);
    let word = inner.get(..inner.len() - number.len())?.trim_end_matches([' ', ':', '=', '#', '-']);
    let is_number =
        !number.is_empty() && number.len() <= DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
    let is_thread =
        is_number && ["", "t", "tid", "thread"].iter().any(|known| word.eq_ignore_ascii_case(known));
    (is_level(inner) || is_thread).then(|| fixed(text, end + 1))?
}

/// `INFO `, `WARN: `, `D: `.
fn bare_level(text: &str) -> Option<Piece<'_>> {
    let length = text.bytes().take_while(u8::is_ascii_alphabetic).count();
    let word = text.get(..length)?;
    let ends = matches!(text.as_bytes().get(length), Some(b' ' | b':' | b'\t' | b'|'));
    if ends && is_level(word) {
        return fixed(text, length);
    }
    let [letter, b':', rest @ ..] = text.as_bytes() else { return None };
    // Only one blank: what stands indented behind it is a literal that begins with blanks.
    let length = match rest {
        [] => 2,
        [b' ', ..] => 3,
        _ => return None,
    };
    LETTERS.contains(letter).then(|| text.get(..length).map(Piece::Fixed))?
}

/// `generator(1042): `, `X1.Detector(17) - `.
fn module(text: &str) -> Option<Piece<'_>> {
    let length =
        text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"_.-:".contains(byte)).count();
    let name = text.get(..length)?;
    let rest = text.get(length..)?;
    let code = rest.strip_prefix('(')?;
    let end = code.find(')')?;
    let number = code.get(..end)?;
    let (number, sign) = (number.trim_start_matches(['-', 'E', 'W', 'I', 'x']), number.len());
    let is_code = sign <= DIGITS + 2
        && (1..=DIGITS).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_hexdigit())
        && number.bytes().any(|byte| byte.is_ascii_digit());
    let after = rest.get(end + 2..)?;
    let ends = after.is_empty() || after.starts_with([':', ' ', '\t', ']']);
    let begins = name.starts_with(|character: char| character.is_ascii_alphabetic());
    // `Petersen(45)` waits for his turn: a module is called by words of the product.
    if !(is_code && ends && begins && length <= MODULE && vocabulary::is_no_name(name)) {
        return None;
    }
    let tail = end + 2 + blanks(after);
    Some(Piece::Module(name, rest.get(..tail)?))
}

fn fixed(text: &str, length: usize) -> Option<Piece<'_>> {
    let after = text.get(length..)?;
    Some(Piece::Fixed(text.get(..length + blanks(after))?))
}

/// Bytes of what separates the pieces.
fn blanks(text: &str) -> usize {
    text.bytes().take_while(|byte| b" \t:|".contains(byte)).count()
}

fn is_level(word: &str) -> bool {
    LEVELS.iter().any(|level| word.eq_ignore_ascii_case(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_threads_modules_and_codes_are_pieces() {
        for text in ["[INFO] ", "[ warn ] ", "ERROR: ", "<debug> ", "[1234] ", "[tid 12] ", "D: ", "W:"] {
            assert_eq!(piece(text), Some(Piece::Fixed(text)), "{text}");
        }
        assert_eq!(piece("generator(1042): arc"), Some(Piece::Module("generator", "(1042): ")));
        assert_eq!(piece("X1.Detector(E17) lost"), Some(Piece::Module("X1.Detector", "(E17) ")));
        for text in [
            "Hansen called",
            "[Hansen] ",
            "(0102031234) ",
            "hansen(anna): x",
            "x(1234567890): y",
            "Petersen(45) waiting",
            "Petersen(45): waiting",
            "YOUNG(45) waiting",
            "DetectorPetersen(45): x",
            "",
            "[",
            "INFORM x",
            "H: x",
            "D:/scans",
            "D Hansen",
        ] {
            assert_eq!(piece(text), None, "{text}");
        }
    }
}
