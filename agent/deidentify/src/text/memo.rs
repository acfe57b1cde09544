//! Lines that came before, but for their time and their loose numbers: a program writes the same ones again and again.
//!
//! What becomes of a line behind its time depends on nothing but its text and what is the same for all of a file. It is
//! remembered with its counts, a few thousand lines at most, by its text and by its shape (`shape`). A line of a shape that
//! came before is still searched for everything that was learned and for dates: only where neither has any of it does the
//! line become what the other became, with its own numbers. The final scan reads every line all the same.

use std::hash::BuildHasher;
use std::ops::Range;

use rustc_hash::FxBuildHasher;

use super::rule::Counts;
use super::shape;

/// Lines that are remembered, and as many shapes: a later one takes the place of an earlier one, so that no file fills the
/// memory.
const LINES: usize = 2048;
/// Bytes of such a line, and of what became of it.
const LENGTH: usize = 512;

/// The lines of one file that are remembered.
#[derive(Default)]
pub(super) struct Memo {
    lines: Vec<Option<Known>>,
    shapes: Vec<Option<Shaped>>,
    /// The shape of the line that is looked up.
    pub(super) shape: Vec<u8>,
}

struct Known {
    text: String,
    out: String,
    counts: Counts,
}

/// A part of a line that stands in what became of it, unchanged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Copied {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) length: usize,
}

/// What became of the first line of a shape.
pub(super) struct Shaped {
    shape: Vec<u8>,
    /// Where its message begins, and the literals of the program in that.
    pub(super) message: usize,
    pub(super) literals: Vec<Range<usize>>,
    out: String,
    /// Its loose numbers that stayed, in order.
    numbers: Vec<Copied>,
    pub(super) counts: Counts,
}

impl Shaped {
    /// What became of a line of the shape `shape`, of which `copied` stayed. `None` if a literal has a loose number: it would
    /// be another text with another one.
    pub(super) fn new(
        shape: &[u8],
        (message, literals): (usize, Vec<Range<usize>>),
        (out, counts): (&str, Counts),
        copied: &[Copied],
    ) -> Option<Self> {
        let loose = shape::loose(shape);
        let is_literal = |number: &Range<usize>| {
            literals.iter().any(|span| span.start + message < number.end && number.start < span.end + message)
        };
        if shape.len() > LENGTH || out.len() > LENGTH || loose.iter().any(is_literal) {
            return None;
        }
        let mut numbers = Vec::new();
        for part in copied {
            for number in &loose {
                let (start, end) = (number.start.max(part.from), number.end.min(part.from + part.length));
                if start < end {
                    numbers.push(Copied {
                        from: start,
                        to: part.to + start - part.from,
                        length: end - start,
                    });
                }
            }
        }
        Some(Self { shape: shape.to_owned(), message, literals, out: out.to_owned(), numbers, counts })
    }

    /// Appends to `out` what becomes of `line`, which has the shape.
    pub(super) fn write(&self, line: &str, out: &mut String) {
        let mut at = 0;
        for number in &self.numbers {
            out.push_str(self.out.get(at..number.to).unwrap_or_default());
            out.push_str(line.get(number.from..number.from + number.length).unwrap_or_default());
            at = number.to + number.length;
        }
        out.push_str(self.out.get(at..).unwrap_or_default());
    }
}

impl Memo {
    /// What became of `text` before.
    pub(super) fn get(&self, text: &str) -> Option<(&str, &Counts)> {
        let known = self.lines.get(place(text))?.as_ref()?;
        (known.text == text).then_some((known.out.as_str(), &known.counts))
    }

    /// Remembers what became of it.
    pub(super) fn put(&mut self, text: &str, out: &str, counts: Counts) {
        if text.len() > LENGTH || out.len() > LENGTH {
            return;
        }
        if self.lines.is_empty() {
            self.lines.resize_with(LINES, || None);
        }
        if let Some(place) = self.lines.get_mut(place(text)) {
            *place = Some(Known { text: text.to_owned(), out: out.to_owned(), counts });
        }
    }

    /// What became of a line of the same shape as the one that is looked up.
    pub(super) fn shaped(&self) -> Option<&Shaped> {
        let shaped = self.shapes.get(place(self.shape.as_slice()))?.as_ref()?;
        (shaped.shape == self.shape).then_some(shaped)
    }

    /// Remembers what became of that line.
    pub(super) fn put_shaped(&mut self, shaped: Shaped) {
        if self.shapes.is_empty() {
            self.shapes.resize_with(LINES, || None);
        }
        if let Some(place) = self.shapes.get_mut(place(shaped.shape.as_slice())) {
            *place = Some(shaped);
        }
    }
}

/// A hash that a file can make collide: then one line is forgotten for another.
fn place(text: impl std::hash::Hash) -> usize {
    (FxBuildHasher.hash_one(text) >> 20) as usize % LINES
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::super::{Rule, Scrubber, clean};
    use crate::case::Case;
    use crate::identifiers::{Kind, Learning};

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

    /// Lines of few shapes with other numbers in each: what a file becomes is what each line becomes by itself, with and
    /// without a table, whatever was learned.
    #[test]
    fn a_line_of_a_shape_that_came_before_becomes_what_it_would_alone() {
        const SHAPES: &[&str] = &[
            "[DEBUG] detector(2107): frame # of #, offset -#.# counts",
            "[INFO] ui(#): kV=# mA=#.# ms=# state=# bytes=# line=# x=-#",
            "[INFO] link(41): sequence # acknowledged in # us, retry #/#, #:#",
            "ERROR column(1204) - position # (#), cell [#; #] of #ms",
            "patient # opened, chair # # #, tel # # # #, pin=# code=#",
            "# # # and #.#.# and #-#-# and #/#",
            "version # build #.#, serial # sn=# gpu.cpp(#) x1sdk.dll #",
            "[1234] <WARN> at # % of #kB, # percent; #, # # xyzzy #",
            "Command SetCollimator # from X1 Link, slot # of #",
            "=#=#, %# a=# (#, #) +# $#$ #e# 0x# 0#",
        ];
        let mut builder = provenance::Builder::default();
        for literal in ["Command SetCollimator {0} from X1 Link", "slot 12 of", "frame {0} of"] {
            builder.add(provenance::Entry::Literal(literal));
        }
        let table = std::sync::Arc::new(builder.table());
        let mut learning = Learning::default();
        learning.learn(Kind::Name, "Sørensen^Anna");
        learning.learn(Kind::BirthDate, "19120305");
        for id in ["512", "4711", "77 14"] {
            learning.learn(Kind::Id, id);
        }
        let identifiers = learning.finish().unwrap();
        for (seed, table) in [(1_u64, None), (2, Some(table))] {
            let case = || Case::new(Zeroizing::new([7; 32])).with_table(table.clone());
            let mut random = test_support::Random::new(seed);
            let mut draw = |below: u64| random.below(below);
            let mut number = || match draw(12) {
                digits @ 0..=5 => draw(10_u64.pow(digits as u32 + 1)).to_string(),
                6 => ["200", "2000", "199", "9999.5", "99999", "110784", "0512"][draw(7) as usize].to_owned(),
                7 => ["512", "4711", "1912", "03", "05", "7714", "12"][draw(7) as usize].to_owned(),
                8 => draw(1_000_000_000_000).to_string(),
                _ => format!("{}", draw(40)),
            };
            let lines: Vec<String> = (0..3000)
                .map(|at| {
                    let shape = SHAPES[at % SHAPES.len()];
                    let filled: String =
                        shape.chars().map(|c| if c == '#' { number() } else { c.to_string() }).collect();
                    format!("2026-11-{:02} 10:32:11.5 {filled}\n", at % 28 + 1)
                })
                .collect();
            let mut whole = Vec::new();
            let counts = clean(lines.concat().as_bytes(), &mut whole, &case(), &identifiers).unwrap();
            let (mut kept, mut replaced) = (0, 0);
            let whole = String::from_utf8(whole).unwrap();
            let case_alone = case();
            for (line, became) in lines.iter().zip(whole.lines()) {
                let mut alone = Vec::new();
                let counts = clean(line.as_bytes(), &mut alone, &case_alone, &identifiers).unwrap();
                (kept, replaced) = (kept + counts.kept, replaced + counts.replaced);
                assert_eq!(String::from_utf8(alone).unwrap().trim_end(), became, "seed {seed}: {line}");
            }
            assert_eq!((counts.kept, counts.replaced), (kept, replaced), "seed {seed}");
        }
    }

    /// The negative control: most lines of one shape do come from the first of them, and one with something learned does not.
    #[test]
    fn a_shape_is_remembered_once_and_used_only_where_nothing_is_found() {
        let case = Case::new(Zeroizing::new([7; 32]));
        let mut learning = Learning::default();
        learning.learn(Kind::Id, "47115");
        let identifiers = learning.finish().unwrap();
        let mut scrubber = Scrubber::new(&case, &identifiers);
        let mut out = String::new();
        scrubber.line("detector: frame 10 of 51200 lost", &mut out);
        assert_eq!(out, "detector: frame 10 of 51200 lost");
        // What is remembered is what is written: here something else, so that it shows.
        let known = scrubber.memo.shapes.iter_mut().flatten().next().unwrap();
        known.out = known.out.replace("lost", "kept");
        for (line, wanted) in [
            ("detector: frame 33 of 51277 lost", "detector: frame 33 of 51277 kept"),
            ("detector: frame 33 of 47115 lost", "detector: frame 33 of [id] lost"),
            ("detector: frame 33 of 5127 lost", "detector: frame 33 of 5127 lost"),
        ] {
            out.clear();
            scrubber.line(line, &mut out);
            assert_eq!(out, wanted);
        }
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
