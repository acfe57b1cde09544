//! What a table is made of: literals, words and folders, each once, within a bound.

use std::collections::BTreeSet;

use crate::table::Table;
use crate::template::{is_telling, pieces};
use crate::uid::is_uid;

/// Bytes of all entries together; what is beyond is left out and counted. A table of them fits a process of 64 MB.
pub(crate) const TABLE_BYTES: usize = 8 << 20;
/// Letters of a word that is worth knowing.
const LETTERS: usize = 3;
/// Bytes of the longest word.
const WORD: usize = 64;

/// One entry of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A literal, with its placeholders.
    Literal(&'a str),
    /// A word, wherever it stands.
    Word(&'a str),
    /// The folder in which the program lies.
    Folder(&'a str),
    /// The shape of a value that a vendor gives ([`has_shape`](crate::has_shape)).
    Shape(&'a str),
}

impl<'a> Entry<'a> {
    /// The entry on one line of a table's file.
    pub fn parse(line: &'a str) -> Option<Self> {
        let (kind, text) = (line.get(..1)?, line.get(1..)?);
        match kind {
            "L" => Some(Self::Literal(text)),
            "W" => Some(Self::Word(text)),
            "F" => Some(Self::Folder(text)),
            "S" => Some(Self::Shape(text)),
            _ => None,
        }
    }

    /// That line, with its end.
    pub fn to_line(self) -> String {
        match self {
            Self::Literal(text) => format!("L{text}\n"),
            Self::Word(text) => format!("W{text}\n"),
            Self::Folder(text) => format!("F{text}\n"),
            Self::Shape(text) => format!("S{text}\n"),
        }
    }
}

/// Collects entries, each once.
#[derive(Debug, Default)]
pub struct Builder {
    literals: BTreeSet<String>,
    words: BTreeSet<String>,
    folders: BTreeSet<String>,
    shapes: BTreeSet<String>,
    bytes: usize,
    left_out: u64,
}

impl Builder {
    /// Adds an entry. A literal counts as one if it says enough to be recognised: two words, or eight letters. Its words
    /// are added in any case.
    pub fn add(&mut self, entry: Entry<'_>) {
        match entry {
            Entry::Literal(literal) => self.literal(literal),
            Entry::Word(word) => self.word(word),
            Entry::Folder(folder) => {
                self.folders.insert(folder.to_owned());
            }
            Entry::Shape(shape) => {
                if !shape.is_empty()
                    && shape.len() <= WORD
                    && !self.shapes.contains(shape)
                    && self.fits(shape)
                {
                    self.shapes.insert(shape.to_owned());
                }
            }
        }
    }

    fn literal(&mut self, literal: &str) {
        // One of the program's own names its implementation, for example (PS3.7, annex D.3.3.2).
        if is_uid(literal) {
            return self.word(literal);
        }
        // A line feed, and the mark between pieces, are no part of a line of a log.
        if literal.contains(|c: char| c.is_control() && c != '\t') {
            return;
        }
        let pieces = pieces(literal);
        for piece in &pieces {
            piece.split(|c: char| !c.is_alphanumeric() && c != '_').for_each(|word| self.word(word));
        }
        let is_new = is_telling(pieces.iter().map(String::as_str)) && !self.literals.contains(literal);
        if is_new && self.fits(literal) {
            self.literals.insert(literal.to_owned());
        }
    }

    fn word(&mut self, word: &str) {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        if letters < LETTERS && !is_uid(word)
            || word.len() > WORD
            || word.contains(char::is_control)
            || self.words.contains(word)
        {
            return;
        }
        if self.fits(word) {
            self.words.insert(word.to_owned());
        }
    }

    fn fits(&mut self, text: &str) -> bool {
        let fits = self.bytes + text.len() <= TABLE_BYTES;
        if fits {
            self.bytes += text.len();
        } else {
            self.left_out += 1;
        }
        fits
    }

    /// All entries: folders, shapes, words, literals, each kind in order.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> + Clone {
        let folders = self.folders.iter().map(|folder| Entry::Folder(folder));
        let words = self.words.iter().map(|word| Entry::Word(word));
        let shapes = self.shapes.iter().map(|shape| Entry::Shape(shape));
        folders.chain(shapes).chain(words).chain(self.literals.iter().map(|literal| Entry::Literal(literal)))
    }

    /// How many literals there are.
    pub fn literals(&self) -> usize {
        self.literals.len()
    }

    /// How many words there are.
    pub fn words(&self) -> usize {
        self.words.len()
    }

    /// How many entries did not fit.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The table of them.
    pub fn table(&self) -> Table {
        Table::new(self.entries())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_too_little_is_no_literal_but_gives_its_words() {
        let mut builder = Builder::default();
        for literal in ["Hansen", "{0} ms", "%s", "a b", "", "--------", "Hansen Lund", "calibrate"] {
            builder.add(Entry::Literal(literal));
        }
        let literals = |entry: Entry<'_>| matches!(entry, Entry::Literal(_));
        assert_eq!(builder.entries().filter(|entry| literals(*entry)).count(), 2);
        assert_eq!((builder.literals(), builder.words()), (2, 3));
    }

    #[test]
    fn a_table_has_a_bound() {
        let mut builder = Builder::default();
        let long = "word ".repeat(800);
        for number in 0..3000 {
            builder.add(Entry::Literal(&format!("{long}{number}")));
        }
        assert!(builder.left_out() > 0 && builder.bytes <= TABLE_BYTES);
    }

    #[test]
    fn a_uid_of_the_programs_own_is_a_word_and_a_version_is_none() {
        let mut builder = Builder::default();
        for text in ["1.2.276.0.7230010.3.0.3.6.7", "10.2.1.0", "1.2.3", "1..2.3.4.5", "1.2.276.0.7230010.x"]
        {
            builder.add(Entry::Literal(text));
        }
        let again: Vec<String> = builder.entries().map(Entry::to_line).collect();
        assert_eq!(again, ["W1.2.276.0.7230010.3.0.3.6.7\n"]);
        let mut read = Builder::default();
        again.iter().filter_map(|line| Entry::parse(line.trim_end())).for_each(|entry| read.add(entry));
        assert!(read.table().has_word("1.2.276.0.7230010.3.0.3.6.7"));
    }
}
