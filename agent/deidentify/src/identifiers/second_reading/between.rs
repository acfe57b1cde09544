//! What lies between two numbers, judged as a whole.

/// Bytes that a date may have between two of its numbers, and characters of them that are no letters.
pub(super) const LONGEST: usize = 40;
const APART: usize = 8;
/// Bytes of a word among them: no month has more, in any case.
const WORD: usize = 16;
/// Marks among them.
const MARKS: usize = 3;
/// The months in full, as far as their first three letters do not tell them.
const MONTHS: [&[&str]; 12] = [
    &["january", "januar", "januari"],
    &["february", "februar", "februari"],
    &["march", "marts", "märz", "maerz", "mrz", "mars"],
    &["april"],
    &["may", "maj", "mai"],
    &["june", "juni"],
    &["july", "juli"],
    &["august", "augusti"],
    &["september", "sept"],
    &["october", "oktober"],
    &["november"],
    &["december", "dezember"],
];
/// Words that belong to a date as it is spoken.
const SPOKEN: &[&str] = &[
    "i", "d", "den", "dag", "måned", "år", "of", "the", "day", "st", "nd", "rd", "th", "te", "af", "im",
    "am", "in", "md", "anno",
];
/// Hyphens, dashes and the minus sign.
const DASHES: &[char] =
    &['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}'];
/// What stands before a year of two digits in place of its century.
const APOSTROPHES: &[char] = &['\'', '\u{2019}', '\u{2018}', '\u{b4}', '`'];

/// The text between two numbers, if it may be part of a date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Between {
    /// The month that it names.
    pub(super) month: Option<i32>,
    /// Its marks, every dash as `-` and every apostrophe as `'`.
    marks: Marks,
    /// Words of a spoken date.
    has_words: bool,
    /// The mark stands alone, with no blank beside it.
    pub(super) is_tight: bool,
    /// A line ends in it.
    pub(super) ends_line: bool,
    /// The last mark stands directly before the number, behind another mark or a blank: it may be a sign.
    pub(super) ends_in_sign: bool,
}

/// At most [`MARKS`] of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Marks {
    marks: [char; MARKS],
    count: usize,
}

impl Marks {
    /// `None` if it is one too many.
    fn push(&mut self, mark: char) -> Option<()> {
        *self.marks.get_mut(self.count)? = mark;
        self.count += 1;
        Some(())
    }

    fn iter(&self) -> impl Iterator<Item = char> {
        self.marks.into_iter().take(self.count)
    }
}

impl Between {
    /// What `text` is between two numbers; `None` if no date has that there.
    pub(super) fn read(text: &str) -> Option<Self> {
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let apart = text.chars().filter(|c| !c.is_alphabetic()).count();
        // A line between is a paragraph's end.
        let paragraphs = text.matches('\n').count() > 1;
        if apart > APART || paragraphs {
            return None;
        }
        let mut between = Self {
            month: None,
            marks: Marks::default(),
            has_words: false,
            is_tight: text.chars().count() == 1 && !text.chars().all(char::is_whitespace),
            ends_line: text.contains(['\n', '\r']),
            ends_in_sign: false,
        };
        let mut word = 0..0;
        // The blank at the end closes the last word.
        for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
            if character.is_alphabetic() {
                word.end = at + character.len_utf8();
                continue;
            }
            between.word(text.get(word).unwrap_or_default())?;
            word = at + character.len_utf8()..0;
            match character {
                _ if character.is_whitespace() || character == '\u{ad}' => {}
                _ if DASHES.contains(&character) => between.marks.push('-')?,
                _ if APOSTROPHES.contains(&character) => between.marks.push('\'')?,
                '.' | '/' | '_' | ':' | '|' | ',' | ';' | '\\' => between.marks.push(character)?,
                _ => return None,
            }
        }
        let mut ends = text.chars().rev();
        let (last, previous) = (ends.next(), ends.next());
        between.ends_in_sign =
            last == Some('-') && previous.is_some_and(|c| c.is_whitespace() || ",;".contains(c));
        Some(between)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        if word.is_empty() {
            return Some(());
        }
        // Longer than any word of a date, in bytes.
        if word.len() > WORD {
            return None;
        }
        let word = word.to_lowercase();
        if SPOKEN.contains(&word.as_str()) {
            self.has_words = true;
            return Some(());
        }
        let month = month(&word).filter(|_| self.month.is_none())?;
        self.month = Some(month);
        Some(())
    }

    /// Nothing but blanks and words.
    pub(super) fn has_no_mark(&self) -> bool {
        self.marks.count == 0
    }

    /// Whether a year of two digits may stand beside it.
    pub(super) fn separates(&self) -> bool {
        self.month.is_some() || self.marks.iter().any(|mark| mark != ';')
    }

    /// The mark, if it is the only one and no word stands beside it.
    pub(super) fn only(&self) -> Option<char> {
        let mut marks = self.marks.iter();
        let mark = marks.next().filter(|_| !self.has_words && self.month.is_none());
        mark.filter(|_| marks.next().is_none())
    }

    pub(super) fn has(&self, mark: char) -> bool {
        self.marks.iter().any(|known| known == mark)
    }

    /// What would divide cells: blanks, or one of the usual marks.
    pub(super) fn divides(&self) -> Option<char> {
        match self.only() {
            None if self.marks.count == 0 && !self.has_words && self.month.is_none() => Some(' '),
            mark => mark.filter(|mark| ",;|".contains(*mark)),
        }
    }

    /// Whether it stands between a year and the number of its day.
    pub(super) fn joins_day_of_year(&self) -> bool {
        self.is_tight && self.only().is_some_and(|mark| "-/_:|".contains(mark))
    }
}

/// The month that `word`, in small letters, names: whole or by three letters or more of it.
fn month(word: &str) -> Option<i32> {
    let short = word.chars().count() >= 3;
    let names = |month: &str| month == word || short && month.starts_with(word);
    let at = MONTHS.iter().position(|months| months.iter().any(|month| names(month)))?;
    i32::try_from(at).ok().map(|at| at + 1)
}

/// Whether `text` may stand between two numbers and one of its words is a month.
pub(super) fn has_month(text: &str) -> bool {
    let may_begin = |word: &str| word.starts_with(|first: char| "jfmasondJFMASOND".contains(first));
    let mut words = text.split(|c: char| !c.is_alphabetic()).filter(|word| word.len() >= 3);
    text.len() <= LONGEST && words.any(|word| may_begin(word) && month(&word.to_lowercase()).is_some())
}

/// The month whose name ends `text`, but for marks and blanks, and where it begins.
pub(super) fn month_at_end(text: &str) -> Option<(i32, usize)> {
    const BESIDE: [char; 6] = [' ', '.', '-', '/', ',', '_'];
    let bare = text.trim_end_matches(BESIDE);
    let bare = bare.strip_suffix(" the").unwrap_or(bare).trim_end_matches(BESIDE);
    if bare.len() + 7 < text.len() {
        return None;
    }
    let start = bare.trim_end_matches(char::is_alphabetic).len();
    let word = bare.get(start..).filter(|word| word.len() >= 3)?;
    month(&word.to_lowercase()).map(|month| (month, start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_with_a_month_has_one_and_no_other() {
        for text in
            [". marts ", "-MAR-", " of dec. ", " den af Sept ", ".m\u{e4}rz.", " January, ", "jun", "okt"]
        {
            assert!(has_month(text), "{text}");
            assert!(
                text.contains('5') || Between::read(text).is_some_and(|gap| gap.month.is_some()),
                "{text}"
            );
        }
        for text in ["", " ", ".", " of ", " frame ", " ma ", " xdec ", " mrzx "] {
            assert!(!has_month(text) && Between::read(text).is_none_or(|gap| gap.month.is_none()), "{text}");
        }
        // Every name and each of its beginnings begins as `has_month` asks.
        for name in MONTHS.iter().flat_map(|names| names.iter()) {
            assert!(has_month(name) && has_month(&name.to_uppercase()), "{name}");
        }
    }
}
