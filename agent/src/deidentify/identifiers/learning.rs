//! What is learned of persons: every spelling of a value, and how sure one can be of it.

use std::collections::{HashMap, HashSet};

use aho_corasick::nfa::contiguous::NFA;
use time::Date;

use super::super::text::vocabulary;
use super::{Identifiers, Kind, Pattern, dates, everyday, folded, spell};
use crate::limits;

/// What is being learned.
#[derive(Default)]
pub struct Learning {
    patterns: HashMap<Vec<u8>, Pattern>,
    births: HashSet<Date>,
    /// Patients by their number.
    persons: HashSet<Vec<u8>>,
    /// Names that stood beside a number.
    numbered: HashSet<Vec<u8>>,
    /// Names that stood alone.
    named: HashSet<Vec<u8>>,
    files: u64,
}

impl Learning {
    /// Takes one value; a list of several is split by the caller.
    pub fn learn(&mut self, kind: Kind, value: &str) {
        let value = value.trim();
        match kind {
            Kind::Name => self.name(value),
            Kind::Id => self.id(value),
            Kind::BirthDate => self.birth(value),
            Kind::Phone => spell::phone(value, |spelling| {
                if spelling.len() >= 6 {
                    self.patterns.entry(spelling).or_insert(Pattern::number(Kind::Phone));
                }
            }),
            Kind::Email => {
                self.whole(kind, value);
                let local = value.split('@').next().unwrap_or_default();
                if local.len() >= spell::INSIDE {
                    self.whole(kind, local);
                }
            }
            Kind::Address | Kind::Clinic => self.place(kind, value),
            Kind::Remark | Kind::Uid => self.whole(kind, value),
        }
    }

    /// A patient: counted once however many files name them, and whether by name, by number or by both.
    pub fn person(&mut self, name: &str, id: &str) {
        let mut parts = spell::parts(name);
        parts.sort_unstable();
        let (name, id) = (parts.concat(), folded(id.trim()));
        if !id.is_empty() {
            self.persons.insert(id);
            self.numbered.insert(name);
        } else if !name.is_empty() {
            self.named.insert(name);
        }
    }

    /// Spellings so far.
    pub(crate) fn spellings(&self) -> usize {
        self.patterns.len() + self.births.len()
    }

    /// Takes all that was learned elsewhere, from one file more.
    pub(crate) fn take(&mut self, other: Self) {
        other.patterns.into_iter().for_each(|(spelling, pattern)| self.add(spelling, pattern));
        self.births.extend(other.births);
        self.persons.extend(other.persons);
        self.numbered.extend(other.numbered);
        self.named.extend(other.named);
        self.files += 1;
    }

    fn name(&mut self, value: &str) {
        let parts = spell::parts(value);
        spell::name(value, |spelling| {
            let weak = vocabulary::knows_folded(&spelling);
            let alone = parts.contains(&spelling) && spelling.len() >= spell::INSIDE;
            let whole = !alone || vocabulary::has_inside(&spelling);
            self.add(spelling, Pattern { kind: Kind::Name, weak, whole, unbroken: false });
        });
    }

    fn birth(&mut self, value: &str) {
        let mut found = Vec::new();
        dates::dates(value, |date| found.extend(date.days));
        if found.is_empty() {
            everyday::births(value, false, |_| true, |_, days| found.extend(days));
        }
        self.births.extend(found);
    }

    fn id(&mut self, value: &str) {
        spell::number(value, |spelling| {
            let digits = spelling.iter().filter(|byte| byte.is_ascii_digit()).count();
            let alike = spelling.iter().all(|byte| Some(byte) == spelling.first());
            let short = if digits == spelling.len() { spelling.len() < 7 } else { spelling.len() < 4 };
            if spelling.len() >= 4 || digits > 0 && digits < spelling.len() && spelling.len() >= 3 {
                let weak = short || alike || vocabulary::knows_folded(&spelling);
                let unbroken = spelling.len() < 7;
                self.add(spelling, Pattern { kind: Kind::Id, weak, whole: true, unbroken });
            }
        });
        // A Danish personal number begins with the day of birth.
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        if matches!(digits.len(), 6 | 10) && value.len() <= 11 {
            dates::dates(&digits, |found| self.births.extend(found.days.get(..2).unwrap_or_default()));
        }
    }

    /// An address or a clinic: as a whole, by its lines, and by its words that are not everybody's.
    fn place(&mut self, kind: Kind, value: &str) {
        self.whole(kind, value);
        for line in value.split([',', ';', '^', '\n', '\r']) {
            self.whole(kind, line);
            for word in line.split(|character: char| !character.is_alphabetic()) {
                let spelling = folded(word);
                if spelling.len() >= spell::INSIDE && !vocabulary::knows_folded(&spelling) {
                    self.add(spelling, Pattern { kind, weak: false, whole: true, unbroken: true });
                }
            }
        }
    }

    fn whole(&mut self, kind: Kind, value: &str) {
        let spelling = folded(value);
        if spelling.len() >= spell::INSIDE && !vocabulary::knows_all(value) {
            self.add(spelling, Pattern { kind, weak: false, whole: true, unbroken: false });
        }
    }

    fn add(&mut self, spelling: Vec<u8>, pattern: Pattern) {
        self.patterns
            .entry(spelling)
            .and_modify(|known| {
                known.weak &= pattern.weak;
                known.whole &= pattern.whole;
                known.unbroken &= pattern.unbroken;
            })
            .or_insert(pattern);
    }

    /// What was learned, ready to be searched for. `None` if it is too much for the memory of a search.
    pub fn finish(self) -> Option<Identifiers> {
        if self.spellings() > limits::SPELLINGS {
            return None;
        }
        let unnumbered = self.named.difference(&self.numbered).count();
        let (spellings, patterns): (Vec<_>, Vec<_>) = self.patterns.into_iter().unzip();
        Some(Identifiers {
            search: NFA::new(spellings).ok()?,
            patterns,
            births: self.births,
            persons: (self.persons.len() + unnumbered) as u64,
            files: self.files,
        })
    }
}

impl Pattern {
    fn number(kind: Kind) -> Self {
        Self { kind, weak: false, whole: true, unbroken: false }
    }
}
