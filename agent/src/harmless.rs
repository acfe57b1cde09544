//! Text from outside, such as names of files, as it may be shown on a terminal and in a log: nothing in it moves the
//! cursor, begins a line, or turns the order of what stands beside it.

use std::borrow::Cow;
use std::path::Path;

/// Whether a terminal does something else than to show a character, or shows it as nothing.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Directions and their isolates (Unicode UAX #9), marks without a width, ends of lines and paragraphs.
            '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            // Tags.
            | '\u{e0000}'..='\u{e007f}')
}

fn escaped(text: &str, is_kept: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_shown = |c| !is_harmful(c) || is_kept(c);
    if text.chars().all(is_shown) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_shown(c) { out.push(c) } else { out.extend(c.escape_unicode()) }
    }
    Cow::Owned(out)
}

/// A text of several lines.
pub fn text(text: &str) -> Cow<'_, str> {
    escaped(text, |c| matches!(c, '\n' | '\t'))
}

/// A text that stays on its line.
pub fn line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// A path in a sentence.
pub fn path(path: &Path) -> String {
    line(&path.to_string_lossy()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        let name = "a\u{1b}[2J\u{1b}]0;x\u{7}\nrefused: b\r\u{9b}31m\u{202e}gol.\u{2066}æ ø";
        let shown = line(name);
        assert_eq!(
            shown,
            "a\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{a}refused: b\\u{d}\\u{9b}31m\\u{202e}gol.\\u{2066}æ ø"
        );
        assert_eq!(text("one\n\ttwo\u{1b}[m"), "one\n\ttwo\\u{1b}[m");
        for c in (0..=0x0010_ffff).filter_map(char::from_u32).filter(|c| is_harmful(*c)) {
            assert!(!line(&c.to_string()).contains(c), "{c:?}");
        }
        assert!(matches!(line("C:\\Kathea Agent\\agent.toml, Sørensen"), Cow::Borrowed(_)));
        assert_eq!(path(Path::new("x\ny")), "x\\u{a}y");
    }
}
