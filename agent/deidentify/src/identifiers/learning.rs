//! Learning of identifiers: every spelling of a value, and the confidence in it.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use protocol::Digest;
use time::Date;

use super::super::text::vocabulary;
use super::fold::folded;
use super::spell::Spelling;
use super::store::Spellings;
use super::{Breaks, Identifiers, Kind, Pattern, View, Whose, dates, everyday, spell};
use crate::limits;

/// What is being learned.
#[derive(Default)]
pub struct Learning {
    spellings: Spellings,
    births: HashSet<Date>,
    /// Patients by their number; hashed, because they are only counted.
    persons: HashSet<u64>,
    /// Names that stood beside a number.
    numbered: HashSet<u64>,
    /// Names that stood alone.
    named: HashSet<u64>,
    files: u64,
    /// What files taught that were taken: the slices of a series teach the same.
    seen: HashSet<[u8; 32]>,
    /// It is too much for the memory of a search.
    is_full: bool,
}

impl Learning {
    /// Takes one value of a patient's; a list of several is split by the caller.
    pub fn learn(&mut self, kind: Kind, value: &str) {
        self.learn_of(Whose::Patient, kind, value);
    }

    /// Takes one value; a list of several is split by the caller.
    pub fn learn_of(&mut self, whose: Whose, kind: Kind, value: &str) {
        let value = value.trim();
        match kind {
            Kind::Name => self.name(whose, value),
            Kind::Id => self.id(whose, value),
            Kind::BirthDate => self.birth(value),
            Kind::Phone => spell::phone(value, |spelling| {
                if spelling.len() >= 6 {
                    self.add(spelling, Pattern::whole(whose, Kind::Phone));
                }
            }),
            Kind::Email => {
                self.whole(whose, kind, value);
                let local = value.split('@').next().unwrap_or_default();
                if local.len() >= spell::INSIDE {
                    self.whole(whose, kind, local);
                }
            }
            Kind::Address => self.place(whose, kind, value),
            Kind::Clinic => self.place(Whose::Other, kind, value),
            Kind::Remark | Kind::Uid => self.whole(whose, kind, value),
        }
    }

    /// A patient: counted once however many files name them, and whether by name, by number or by both.
    pub fn person(&mut self, name: &str, id: &str) {
        let mut parts = spell::parts(name);
        parts.sort_unstable();
        let (name, id) = (parts.concat(), folded(id.trim()));
        if !id.is_empty() {
            self.persons.insert(hash(&id));
            self.numbered.insert(hash(&name));
        } else if !name.is_empty() {
            self.named.insert(hash(&name));
        }
    }

    /// Whether nothing was learned.
    pub(crate) fn is_empty(&self) -> bool {
        self.spellings.count() == 0 && self.births.is_empty()
    }

    /// Whether it is more than one file may teach.
    pub(crate) fn is_too_much(&mut self) -> bool {
        if self.spellings.count() > limits::SPELLINGS_OF_ONE {
            self.spellings.compact();
        }
        self.spellings.count() + self.births.len() > limits::SPELLINGS_OF_ONE
    }

    /// Takes all that was learned elsewhere, from one file more.
    pub(crate) fn take(&mut self, other: Self) {
        self.births.extend(other.births);
        self.persons.extend(other.persons);
        self.numbered.extend(other.numbered);
        self.named.extend(other.named);
        self.files += 1;
        let is_new = self.seen.insert(Digest::of(other.spellings.block()).to_bytes());
        if self.is_full || !is_new {
            return;
        }
        let bytes = self.spellings.block().len() + other.spellings.block().len();
        if bytes > limits::LEARNED {
            self.spellings.compact();
            let bytes = self.spellings.block().len() + other.spellings.block().len();
            // With a smaller buffer it would be sorted again for every file.
            self.is_full = bytes > limits::LEARNED / 8 * 7;
        }
        if !self.is_full {
            self.spellings.append(&other.spellings);
        }
    }

    fn name(&mut self, whose: Whose, value: &str) {
        let parts = spell::parts(value);
        spell::name(value, |spelling| {
            let weak = vocabulary::knows_folded(spelling);
            let alone = spelling.len() >= spell::INSIDE && parts.iter().any(|part| part == spelling);
            let whole = !alone || vocabulary::has_inside(spelling);
            self.add(spelling, Pattern { weak, whole, ..Pattern::whole(whose, Kind::Name) });
        });
    }

    fn birth(&mut self, value: &str) {
        let mut found: Vec<Date> = Vec::new();
        dates::dates(value, |date| found.extend(date.days));
        if found.is_empty() {
            everyday::births(value, false, |_| true, |_, days| found.extend(days));
        }
        self.births.extend(found);
    }

    fn id(&mut self, whose: Whose, value: &str) {
        let mut view = View::default();
        view.fill(value);
        spell::number(value, |spelling| {
            let digits = spelling.bytes().filter(u8::is_ascii_digit).count();
            let alike = spelling.bytes().all(|byte| Some(byte) == spelling.bytes().next());
            let short = if digits == spelling.len() { spelling.len() < 7 } else { spelling.len() < 4 };
            if spelling.len() >= 4 || digits > 0 && digits < spelling.len() && spelling.len() >= 3 {
                let weak = short || alike || vocabulary::knows_folded(spelling);
                // Every spelling of a number is an end of it.
                let length = spelling.len();
                let breaks = if length < 7 { Breaks::learned(&view, length) } else { Breaks::ANYWHERE };
                self.add(spelling, Pattern { weak, breaks, ..Pattern::whole(whose, Kind::Id) });
            }
        });
        // A Danish personal number begins with the day of birth.
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        if matches!(digits.len(), 6 | 10) && value.len() <= 11 {
            dates::dates(&digits, |found| self.births.extend(found.days.get(..2).unwrap_or_default()));
        }
    }

    /// An address or a clinic: as a whole, by its lines, and by its words that are not everybody's.
    fn place(&mut self, whose: Whose, kind: Kind, value: &str) {
        self.whole(whose, kind, value);
        for line in value.split([',', ';', '^', '\n', '\r']) {
            self.whole(whose, kind, line);
            for word in line.split(|character: char| !character.is_alphabetic()) {
                let spelling = folded(word);
                if spelling.len() >= spell::INSIDE && !vocabulary::knows_folded(&spelling) {
                    self.add(&spelling, Pattern { breaks: Breaks::NOWHERE, ..Pattern::whole(whose, kind) });
                }
            }
        }
    }

    fn whole(&mut self, whose: Whose, kind: Kind, value: &str) {
        let spelling = folded(value);
        if spelling.len() < spell::INSIDE || vocabulary::knows_all(value) {
            return;
        }
        let beginning = spelling.get(..spelling.floor_char_boundary(spell::LONGEST)).unwrap_or_default();
        // The beginning of a long one ends anywhere.
        let whole = beginning.len() == spelling.len();
        self.add(beginning, Pattern { whole, ..Pattern::whole(whose, kind) });
    }

    fn add(&mut self, spelling: &str, pattern: Pattern) {
        if let Some(spelling) = Spelling::new(spelling) {
            self.spellings.add(spelling, pattern);
        }
    }

    /// What was learned, ready to be searched for. `None` if it is too much for the memory of a search.
    pub fn finish(self) -> Option<Identifiers> {
        if self.is_full || self.spellings.block().len() > limits::LEARNED {
            return None;
        }
        let unnumbered = self.named.difference(&self.numbered).count();
        Some(Identifiers {
            spellings: self.spellings.index(),
            births: self.births.into_iter().collect(),
            persons: (self.persons.len() + unnumbered) as u64,
            files: self.files,
        })
    }
}

/// What stands for somebody who is only counted.
fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Pattern {
    fn whole(whose: Whose, kind: Kind) -> Self {
        Self { kind, weak: false, whole: true, breaks: Breaks::ANYWHERE, whose }
    }
}
