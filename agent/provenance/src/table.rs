//! The table of a program's literals, and which parts of a line are made of them.
//!
//! A literal is found by its rarest word, which is looked up for every word of a line. All texts lie in one block of
//! memory, so that the table of a large program fits the process that reads files from outside.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use crate::builder::Entry;
use crate::template::{is_telling, pieces};

/// Bytes of what stands in one slot, at most.
const SLOT: usize = 256;
/// Literals that share their rarest word and are tried: of more, the first.
const SHARED: usize = 64;
/// Stands between two pieces; no literal has it.
const MARK: char = '\0';

/// The literals of a program, ready to be found in lines.
#[derive(Debug, Default)]
pub struct Table {
    /// The pieces of every literal, with marks between them.
    text: String,
    literals: usize,
    templates: Vec<Template>,
    /// Hashes of the templates' rarest words, in order, each with its template.
    anchors: Vec<(u64, u32)>,
    /// Hashes of all words, in order.
    words: Vec<u64>,
    folders: Vec<String>,
    shapes: Vec<String>,
}

/// A literal: where its pieces lie, and where in them the word by which it is found.
#[derive(Debug)]
struct Template {
    start: u32,
    end: u32,
    /// From the start.
    anchor: u32,
}

impl Table {
    pub(crate) fn new<'l>(entries: impl Iterator<Item = Entry<'l>> + Clone) -> Self {
        let mut table = Self::default();
        let mut often: HashMap<u64, u32> = HashMap::new();
        for entry in entries.clone() {
            match entry {
                Entry::Literal(literal) => {
                    for piece in pieces(literal) {
                        words(&piece).for_each(|(_, word)| *often.entry(hash(word)).or_default() += 1);
                    }
                }
                Entry::Word(word) => table.words.push(hash(word)),
                Entry::Folder(folder) => table.folders.push(folder.to_owned()),
                Entry::Shape(shape) => table.shapes.push(shape.to_owned()),
            }
        }
        table.words.sort_unstable();
        table.words.dedup();
        for entry in entries {
            if let Entry::Literal(literal) = entry {
                table.literal(literal, &often);
            }
        }
        table.anchors.sort_unstable();
        table.anchors.shrink_to_fit();
        table.templates.shrink_to_fit();
        table
    }

    fn literal(&mut self, literal: &str, often: &HashMap<u64, u32>) {
        let joined = pieces(literal).join("\0");
        // A word that a placeholder touches may be a part of a longer one in the line.
        let is_whole = |at: usize, word: &str| {
            let before = joined.get(..at).is_some_and(|text| text.ends_with(MARK));
            let after = joined.get(at + word.len()..).is_some_and(|text| text.starts_with(MARK));
            !before && !after
        };
        let best = |text: &str, from: usize| {
            words(text)
                .map(|(at, word)| (from + at, word.to_owned()))
                .filter(|(_, word)| word.chars().any(char::is_alphabetic))
                .min_by_key(|(at, word)| {
                    (!is_whole(*at, word), often.get(&hash(word)), usize::MAX - word.len())
                })
        };
        let mut from = 0;
        let mut found = Vec::new();
        for piece in joined.split(MARK) {
            // A piece that tells alone is found alone.
            if is_telling([piece]) {
                found.extend(best(piece, from));
            }
            from += piece.len() + MARK.len_utf8();
        }
        if found.is_empty() {
            found.extend(best(&joined, 0));
        }
        let place = |at: usize| u32::try_from(at).ok();
        for (anchor, word) in found {
            let end = self.text.len() + joined.len();
            let ends = (place(self.text.len()), place(end), place(anchor), place(self.templates.len()));
            let (Some(start), Some(end), Some(anchor), Some(number)) = ends else { return };
            self.anchors.push((hash(&word), number));
            self.templates.push(Template { start, end, anchor });
        }
        self.literals += 1;
        self.text.push_str(&joined);
    }

    /// How many literals it holds.
    pub fn len(&self) -> usize {
        self.literals
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// Whether the program has this word, spelled like this.
    pub fn has_word(&self, word: &str) -> bool {
        self.words.binary_search(&hash(word)).is_ok()
    }

    /// Whether `text` has one of the shapes that the vendor gave.
    pub fn has_shape(&self, text: &str) -> bool {
        self.shapes.iter().any(|shape| crate::has_shape(shape, text))
    }

    /// The folders in which the program lies.
    pub fn folders(&self) -> impl Iterator<Item = &str> {
        self.folders.iter().map(String::as_str)
    }

    /// Puts into `spans` which parts of `line` are pieces of literals, in order and without overlaps.
    pub fn spans(&self, line: &str, spans: &mut Vec<Range<usize>>) {
        spans.clear();
        for (at, word) in words(line) {
            let hash = hash(word);
            let first = self.anchors.partition_point(|(other, _)| *other < hash);
            let shared = self.anchors.iter().skip(first).take_while(|(other, _)| *other == hash).take(SHARED);
            for template in shared.filter_map(|(_, number)| self.templates.get(*number as usize)) {
                let text = self.text.get(template.start as usize..template.end as usize).unwrap_or_default();
                spread(text, template.anchor as usize, line, at, spans);
            }
        }
        spans.sort_unstable_by_key(|span| span.start);
        spans.dedup_by(|next, before| {
            let joins = next.start <= before.end;
            if joins {
                before.end = before.end.max(next.end);
            }
            joins
        });
    }
}

/// The words of a text with their places: letters and digits.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = rest.find(char::is_alphanumeric)?;
        let word = rest.get(start..)?;
        let word = word.split(|c: char| !c.is_alphanumeric()).next()?;
        let place = at + start;
        at = place + word.len();
        Some((place, word))
    })
}

fn hash(word: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    word.hash(&mut hasher);
    hasher.finish()
}

/// Adds the pieces around the word that was found at `found`: all of them, if all are there, else those that tell enough
/// alone. `text` is the literal, its word at `anchor`.
fn spread(text: &str, anchor: usize, line: &str, found: usize, spans: &mut Vec<Range<usize>>) {
    let start = text.get(..anchor).and_then(|text| text.rfind(MARK)).map_or(0, |mark| mark + 1);
    let end = text.get(anchor..).and_then(|text| text.find(MARK)).map_or(text.len(), |mark| anchor + mark);
    let Some(piece) = text.get(start..end) else { return };
    let Some(begin) = found.checked_sub(anchor - start) else { return };
    if line.get(begin..begin + piece.len()) != Some(piece) {
        return;
    }
    let anchored = begin..begin + piece.len();
    let mut pieces = vec![anchored.clone()];
    let mut is_whole = true;
    let mut at = anchored.end;
    for piece in text.get(end + 1..).into_iter().flat_map(|text| text.split(MARK)) {
        let place = line.get(at..floor(line, at.saturating_add(SLOT + piece.len())));
        match place.and_then(|place| place.find(piece)) {
            Some(offset) if !piece.is_empty() => {
                pieces.push(at + offset..at + offset + piece.len());
                at += offset + piece.len();
            }
            Some(_) => {}
            None => {
                is_whole = false;
                break;
            }
        }
    }
    let mut at = anchored.start;
    let before = start.checked_sub(1).and_then(|end| text.get(..end));
    for piece in before.into_iter().flat_map(|text| text.rsplit(MARK)) {
        let place = line.get(ceil(line, at.saturating_sub(SLOT + piece.len()))..at);
        match place.and_then(|place| Some((place, place.rfind(piece)?))) {
            Some((place, offset)) if !piece.is_empty() => {
                at = at - place.len() + offset;
                pieces.push(at..at + piece.len());
            }
            Some(_) => {}
            None => {
                is_whole = false;
                break;
            }
        }
    }
    let low = pieces.iter().map(|span| span.start).min().unwrap_or(anchored.start);
    let high = pieces.iter().map(|span| span.end).max().unwrap_or(anchored.end);
    // A literal that begins or ends inside a word of the line is another word.
    if !text.starts_with(MARK) && !is_edge(line, low) || !text.ends_with(MARK) && !is_edge(line, high) {
        is_whole = false;
    }
    if is_whole {
        pieces.sort_unstable_by_key(|span| span.start);
        pieces.dedup_by(|next, before| {
            let joins = next.start == before.end;
            if joins {
                before.end = next.end;
            }
            joins
        });
        spans.extend(pieces.into_iter().filter_map(|span| without_parts_of_words(line, span)));
    } else {
        let tells = |span: &Range<usize>| {
            is_edge(line, span.start)
                && is_edge(line, span.end)
                && line.get(span.clone()).is_some_and(|text| is_telling([text]))
        };
        spans.extend(pieces.into_iter().filter(tells));
    }
}

/// The span without letters at its ends that belong to a word of a slot: `{0}s` would keep the end of a name.
fn without_parts_of_words(line: &str, span: Range<usize>) -> Option<Range<usize>> {
    let text = line.get(span.clone())?;
    let is_hex = text.ends_with("0x") || text.ends_with("0X");
    let before = line.get(..span.start).and_then(|text| text.chars().next_back());
    let after = line.get(span.end..).and_then(|text| text.chars().next());
    let mut kept = text;
    if before.is_some_and(char::is_alphabetic) {
        kept = kept.trim_start_matches(char::is_alphabetic);
    }
    let start = span.end - kept.len();
    if after.is_some_and(char::is_alphabetic) && !is_hex {
        kept = kept.trim_end_matches(char::is_alphabetic);
    }
    (!kept.is_empty()).then(|| start..start + kept.len())
}

/// Whether no word of the line goes through this place.
fn is_edge(line: &str, at: usize) -> bool {
    let word = |c: char| c.is_alphanumeric();
    let before = line.get(..at).and_then(|text| text.chars().next_back());
    let after = line.get(at..).and_then(|text| text.chars().next());
    !(before.is_some_and(word) && after.is_some_and(word))
}

/// The next place at or below `at` where a character begins.
fn floor(line: &str, at: usize) -> usize {
    (0..=at.min(line.len())).rev().find(|place| line.is_char_boundary(*place)).unwrap_or(0)
}

fn ceil(line: &str, at: usize) -> usize {
    (at..=line.len()).find(|place| line.is_char_boundary(*place)).unwrap_or(line.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builder::Builder;

    fn table(literals: &[&str]) -> Table {
        let mut builder = Builder::default();
        literals.iter().for_each(|literal| builder.add(Entry::Literal(literal)));
        builder.table()
    }

    /// The line with everything that is no literal as dots.
    fn shown(table: &Table, line: &str) -> String {
        let mut spans = Vec::new();
        table.spans(line, &mut spans);
        let mut out = String::new();
        let mut at = 0;
        for span in spans {
            if span.start > at {
                out.push('…');
            }
            out.push_str(&line[span.clone()]);
            at = span.end;
        }
        if at < line.len() {
            out.push('…');
        }
        out
    }

    #[test]
    fn literals_stay_and_slots_are_left_to_the_caller() {
        let table = table(&[
            "Mapped {0} bytes in {1} ms",
            "Command {0} timed out after {1} ms, state={2}, retry={3}/{4}",
            "bulk read failed: %s (%d), endpoint 0x%02x, %s",
            "The operation has timed out.",
            "saved for {User}",
        ]);
        for (line, expected) in [
            ("Mapped 402653184 bytes in 118 ms", "Mapped … bytes in … ms"),
            (
                "ERROR Kathea.Link - Command SetCollimator timed out after 5000 ms, state=Arming, retry=2/5",
                "…Command … timed out after … ms, state=…, retry=…/…",
            ),
            ("bulk read failed: EIO (-5), endpoint 0x81, Hansen", "bulk read failed: … (…), endpoint 0x…, …"),
            ("The operation has timed out.", "The operation has timed out."),
            // A part of a template tells by itself, or goes.
            ("it timed out after Hansen", "… timed out after …"),
            ("Mapped Hansen", "…"),
            ("saved for Anna Hansen", "saved for …"),
            ("unsaved for Anna", "…"),
            ("Hansen", "…"),
            ("", ""),
        ] {
            assert_eq!(shown(&table, line), expected, "{line}");
        }
    }

    #[test]
    fn many_bytes_of_many_scripts_are_no_trouble() {
        let table = table(&["æøå {0} ÆØÅ måling", "日本語テスト {} 終了", "warm-up {0}"]);
        let line = "æøå 日本語テスト é終了 ÆØÅ måling warm-up ".repeat(500);
        let mut spans = Vec::new();
        table.spans(&line, &mut spans);
        assert!(spans.iter().all(|span| line.get(span.clone()).is_some()));
        assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start));
    }

    #[test]
    fn a_piece_keeps_no_part_of_a_word_in_a_slot() {
        let table = table(&["deleted {0} file{1}s of {2}an series"]);
        assert_eq!(shown(&table, "deleted 3 files of Johan series"), "deleted … files of … series");
        assert_eq!(shown(&table, "deleted x filehansens of Joan series"), "deleted … … of … series");
    }
}
