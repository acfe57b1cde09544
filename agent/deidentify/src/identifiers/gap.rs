//! Separators between two numbers of a date.

/// Marks that one gap may hold.
const MARKS: usize = 4;
/// Characters of a gap, tags not counted.
const LENGTH: usize = 16;
/// Characters of a tag of HTML.
const TAG: usize = 40;
/// Words that people put between the parts of a date, in Danish, English and German.
const WORDS: &[&str] = &[
    "i", "d", "den", "dag", "af", "md", "maaned", "måned", "år", "aar", "anno", "te", "ste", "in", "of",
    "the", "day", "month", "year", "st", "nd", "rd", "th", "im", "am", "der", "des", "tag", "monat", "jahr",
    "ten",
];

/// Bytes of the longest of them.
const LONGEST: usize = 6;

/// A gap: where it ends, and the marks in it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Gap {
    pub(super) end: usize,
    marks: [char; MARKS],
    count: usize,
    /// Characters, whatever they are.
    pub(super) length: usize,
    /// Its last character is a mark.
    pub(super) ends_in_mark: bool,
    has_words: bool,
    has_tab: bool,
}

impl Gap {
    /// The gap at `at`; empty where there is none.
    pub(super) fn after(text: &str, at: usize) -> Self {
        let mut gap = Self { end: at, ..Self::default() };
        let mut before = ' ';
        while let Some(rest) = text.get(gap.end..)
            && let Some(character) = rest.chars().next()
            && gap.length < LENGTH
        {
            if before == '\\' && matches!(character, 'n' | 'r' | 't') {
                // A line's end, escaped.
                gap.end += 1;
            } else if character.is_alphabetic() {
                let length = rest.len() - rest.trim_start_matches(char::is_alphabetic).len();
                let word = rest.get(..length).unwrap_or_default();
                let is_known = length < 9 && is_known(word);
                if !is_known {
                    break;
                }
                gap.has_words = true;
                gap.end += word.len();
            } else if let Some(length) = tag(rest) {
                gap.end += length;
            } else if character.is_alphanumeric() || !gap.mark(character) {
                break;
            } else {
                gap.end += character.len_utf8();
            }
            gap.length += 1;
            gap.ends_in_mark = !character.is_alphanumeric() && !character.is_whitespace();
            before = character;
        }
        gap
    }

    /// Takes a blank or a mark; `false` if it is one too many.
    fn mark(&mut self, character: char) -> bool {
        self.has_tab |= character == '\t';
        if character.is_whitespace() || character == '\u{ad}' {
            return true;
        }
        if let Some(free) = self.marks.get_mut(self.count) {
            *free = character;
            self.count += 1;
            return true;
        }
        false
    }

    /// Nothing but blanks and words.
    pub(super) fn is_blank(&self) -> bool {
        self.count == 0
    }

    /// One mark and blanks.
    pub(super) fn is_only(&self, mark: char) -> bool {
        self.count == 1 && self.marks.first() == Some(&mark) && !self.has_words
    }

    /// Whether `mark` is among its marks.
    pub(super) fn has(&self, mark: char) -> bool {
        self.marks.iter().take(self.count).any(|known| *known == mark)
    }

    /// What would divide two cells of a table: a comma, a semicolon, a bar, a tab, blanks.
    pub(super) fn delimiter(&self) -> Option<char> {
        match (self.count, self.marks.first()) {
            _ if self.has_words => None,
            (0, _) if self.has_tab => Some('\t'),
            (0, _) => Some(' '),
            (1, Some(mark @ (',' | ';' | '|'))) => Some(*mark),
            _ => None,
        }
    }
}

/// Whether `word` is one of [`WORDS`], in any case.
pub(super) fn is_known(word: &str) -> bool {
    if word.is_ascii() {
        return word.len() <= LONGEST && WORDS.iter().any(|known| word.eq_ignore_ascii_case(known));
    }
    WORDS.contains(&word.to_lowercase().as_str())
}

/// Bytes of the tag at the start of `text`.
fn tag(text: &str) -> Option<usize> {
    let inner = text.strip_prefix('<')?;
    let end = inner.char_indices().take(TAG).find(|(_, c)| matches!(c, '<' | '>'))?;
    (end.1 == '>' && inner.starts_with(|c: char| c == '/' || c.is_ascii_alphabetic())).then_some(end.0 + 2)
}
