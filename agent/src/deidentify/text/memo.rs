//! Lines that came before, but for their time: a program writes the same ones again and again.
//!
//! What becomes of a line behind its time depends on nothing but its text, whether it is a row among rows, and what is the
//! same for all of a file. It is remembered with its counts, a few thousand lines at most; the final scan reads every
//! line all the same.

use std::hash::BuildHasher;

use rustc_hash::FxBuildHasher;

use super::rule::Counts;

/// Lines that are remembered: a later one takes the place of an earlier one, so that no file fills the memory.
const LINES: usize = 2048;
/// Bytes of such a line, and of what became of it.
const LENGTH: usize = 512;

/// The lines of one file that are remembered.
#[derive(Default)]
pub(super) struct Memo {
    lines: Vec<Option<Known>>,
}

struct Known {
    text: String,
    in_table: bool,
    out: String,
    counts: Counts,
}

impl Memo {
    /// What became of `text` before.
    pub(super) fn get(&self, text: &str, in_table: bool) -> Option<(&str, &Counts)> {
        let known = self.lines.get(place(text))?.as_ref()?;
        (known.text == text && known.in_table == in_table).then_some((known.out.as_str(), &known.counts))
    }

    /// Remembers what became of it.
    pub(super) fn put(&mut self, text: &str, in_table: bool, out: &str, counts: Counts) {
        if text.len() > LENGTH || out.len() > LENGTH {
            return;
        }
        if self.lines.is_empty() {
            self.lines.resize_with(LINES, || None);
        }
        if let Some(place) = self.lines.get_mut(place(text)) {
            *place = Some(Known { text: text.to_owned(), in_table, out: out.to_owned(), counts });
        }
    }
}

/// A hash that a file can make collide: then one line is forgotten for another.
fn place(text: &str) -> usize {
    (FxBuildHasher.hash_one(text) % LINES as u64) as usize
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::super::{Rule, Scrubber, clean};
    use crate::deidentify::case::Case;
    use crate::deidentify::identifiers::{Kind, Learning};

    /// A file of lines that come again, by one scrubber, and each of its lines by one of its own.
    #[test]
    fn a_line_that_came_before_becomes_what_it_became_and_counts_as_often() {
        let case = Case::new(Zeroizing::new([7; 32]));
        let mut learning = Learning::default();
        learning.learn(Kind::Name, "Sørensen^Anna");
        learning.learn(Kind::BirthDate, "19700305");
        let identifiers = learning.finish().unwrap();
        let bodies = [
            "[INFO] ui(12): detector of Sørensen lost, retry 2",
            "[INFO] ui(12): born 05-03-1970, xyzzy",
            "[DEBUG] archive(3): C:\\Scans\\Hansen\\volume.raw saved 1.2.826.0.1.3680043.8.498.1",
            "[WARN] detector(2107): lost 17 of 512 frames",
            "0.1 0.2 0.3",
        ];
        let lines: Vec<String> = (0..200)
            .map(|at| format!("2026-11-{:02} 10:32:11 {}\n", at % 28 + 1, bodies[at % 7 % bodies.len()]))
            .collect();
        let mut whole = Vec::new();
        let counts = clean(lines.concat().as_bytes(), &mut whole, &case, &identifiers).unwrap();
        let (mut single, mut kept, mut replaced, mut names) = (Vec::new(), 0, 0, 0);
        for line in &lines {
            let counts = clean(line.as_bytes(), &mut single, &case, &identifiers).unwrap();
            (kept, replaced) = (kept + counts.kept, replaced + counts.replaced);
            names += counts.rules.get(&Rule::Learned(Kind::Name)).unwrap_or(&0);
        }
        assert_eq!(String::from_utf8(whole), String::from_utf8(single));
        assert_eq!((counts.kept, counts.replaced), (kept, replaced));
        assert!(names > 0 && counts.rules.get(&Rule::Learned(Kind::Name)) == Some(&names));
    }

    #[test]
    fn a_row_among_rows_is_another_text_than_the_same_line_alone() {
        let case = Case::new(Zeroizing::new([7; 32]));
        let identifiers = Learning::default().finish().unwrap();
        let mut scrubber = Scrubber::new(&case, &identifiers);
        let mut becomes = |in_table| {
            let mut out = String::new();
            scrubber.in_table = in_table;
            scrubber.line("10:32:11 5 12 2001", &mut out);
            out
        };
        let (alone, in_table) = (becomes(false), becomes(true));
        assert_eq!((becomes(false), becomes(true)), (alone.clone(), in_table.clone()));
        assert_ne!(alone, in_table, "the negative control of the key");
    }
}
