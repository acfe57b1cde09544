//! Compact storage of spellings: appended to one block while learning, then sorted for searching.
//!
//! ```text
//! block: rule u16 | length u16 | bytes, for each spelling; integers are little-endian
//! order: first four bytes of a spelling << 32 | where its record begins, sorted by the spellings
//! ```

use std::cmp::Ordering;

use super::fold::any_four;
use super::spell::Spelling;
use super::{Breaks, Kind, Pattern, Whose};

/// Bytes before each spelling.
const HEAD: usize = 4;
/// Bits of each filter, as a power of two: 256 KiB stay in a processor's cache.
const FILTER: u32 = 21;
/// Likewise of the one that is asked for every byte: 8 KiB stay in the nearest cache.
const STARTS: u32 = 16;

/// Spellings as they are learned, some of them more than once.
#[derive(Default)]
pub(super) struct Spellings {
    block: Vec<u8>,
    count: usize,
}

impl Spellings {
    /// Adds one.
    pub(super) fn add(&mut self, spelling: Spelling<'_>, pattern: Pattern) {
        let bytes = spelling.bytes();
        self.block.extend(pattern.packed().to_le_bytes());
        // A spelling is shorter than 64 KiB.
        self.block.extend((bytes.len() as u16).to_le_bytes());
        self.block.extend(bytes);
        self.count += 1;
    }

    /// Adds all of `other`.
    pub(super) fn append(&mut self, other: &Self) {
        self.block.extend(&other.block);
        self.count += other.count;
    }

    /// How many there are, with those that came more than once.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// What they are in memory.
    pub(super) fn block(&self) -> &[u8] {
        &self.block
    }

    /// Keeps each once, without a second block.
    pub(super) fn compact(&mut self) {
        let mut starts: Vec<usize> = self.sorted().into_iter().map(start).collect();
        starts.sort_unstable();
        let mut end = 0;
        for from in &starts {
            let until = from + HEAD + bytes(&self.block, *from).len();
            self.block.copy_within(*from..until, end);
            end += until - from;
        }
        self.block.truncate(end);
        self.count = starts.len();
    }

    /// Ready to be found.
    pub(super) fn index(mut self) -> Index {
        let order = self.sorted();
        let mut index = Index {
            order,
            block: self.block,
            anywhere: Filter::new(FILTER),
            edges: Filter::new(FILTER),
            starts: Filter::new(STARTS),
        };
        for key in &index.order {
            let at = start(*key);
            let first = (*key >> 32) as u32;
            // Whatever is found inside words is found at their beginning too.
            index.edges.add(first);
            index.starts.add(first & !0xff);
            if !rule(&index.block, at).whole {
                index.anywhere.add(first);
            }
        }
        index
    }

    /// Each once, by its spelling; what the others said of it is joined.
    fn sorted(&mut self) -> Vec<u64> {
        let mut order = Vec::with_capacity(self.count);
        let mut at = 0;
        while at < self.block.len() {
            let spelling = bytes(&self.block, at);
            order.push(u64::from(first(spelling)) << 32 | at as u64);
            at += HEAD + spelling.len();
        }
        let block = &self.block;
        order.sort_unstable_by(|one, two| match (one >> 32).cmp(&(two >> 32)) {
            Ordering::Equal => bytes(block, start(*one)).cmp(bytes(block, start(*two))).then(one.cmp(two)),
            other => other,
        });
        let block = &mut self.block;
        order.dedup_by(|later, kept| {
            let (later, kept) = (start(*later), start(*kept));
            let is_same = bytes(block, later) == bytes(block, kept);
            if is_same {
                let joined = rule(block, kept).joined(rule(block, later)).packed().to_le_bytes();
                if let Some(head) = block.get_mut(kept..kept + 2) {
                    head.copy_from_slice(&joined);
                }
            }
            is_same
        });
        order.shrink_to_fit();
        order
    }
}

/// Spellings that are found.
pub(super) struct Index {
    block: Vec<u8>,
    order: Vec<u64>,
    /// Beginnings of those that are found inside words.
    anywhere: Filter,
    /// Beginnings of all.
    edges: Filter,
    /// The first three bytes of all.
    starts: Filter,
}

impl Index {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether a spelling may stand in the view of `text`, which is of ASCII: most have no beginning of one, and no view is
    /// made of them.
    pub(super) fn may_be_in(&self, text: &str) -> bool {
        any_four(text, |long| self.may_begin(long & !0xff, long))
    }

    #[inline]
    fn may_begin(&self, short: u32, long: u32) -> bool {
        // Whatever begins inside words is among those that begin at edges.
        self.starts.has(short) && (self.edges.has(long) || self.edges.has(short))
    }

    /// Calls `each` with the place, the length and the rule of every spelling in `text`; of those that are whole words,
    /// only with those that begin where `is_edge` says that a word does.
    pub(super) fn find(
        &self,
        text: &[u8],
        is_edge: impl Fn(usize) -> bool,
        mut each: impl FnMut(usize, usize, Pattern),
    ) {
        if self.order.is_empty() {
            return;
        }
        for (at, window) in text.windows(3).enumerate() {
            let &[one, two, three] = window else { return };
            let short = u32::from_be_bytes([one, two, three, 0]);
            let long = short | text.get(at + 3).copied().map_or(0, u32::from);
            if !self.may_begin(short, long) {
                continue;
            }
            if self.anywhere.has(long) || self.anywhere.has(short) || is_edge(at) {
                let rest = text.get(at..).unwrap_or_default();
                self.at_start(rest, short, long, |length, pattern| each(at, length, pattern));
            }
        }
    }

    /// Calls `each` with every spelling with which `text` begins.
    fn at_start(&self, text: &[u8], short: u32, long: u32, mut each: impl FnMut(usize, Pattern)) {
        let mut emit = |key: &u64, length| each(length, rule(&self.block, start(*key)));
        if long != short
            && let Some(key) = self.beginning(short).first()
        {
            emit(key, 3);
        }
        let mut range = self.beginning(long);
        let mut depth = 4.min(text.len());
        loop {
            // The shorter comes first, and each is there once.
            if let Some((key, rest)) =
                range.split_first().filter(|(key, _)| self.spelling(key).len() <= depth)
            {
                emit(key, depth);
                range = rest;
            }
            let Some(next) = text.get(depth).filter(|_| !range.is_empty()) else { return };
            let byte = |key: &u64| self.spelling(key).get(depth).copied();
            let from = range.partition_point(|key| byte(key) < Some(*next));
            range = range.get(from..).unwrap_or_default();
            let until = range.partition_point(|key| byte(key) <= Some(*next));
            range = range.get(..until).unwrap_or_default();
            depth += 1;
        }
    }

    /// Those that begin with these bytes.
    fn beginning(&self, first: u32) -> &[u64] {
        let from = self.order.partition_point(|key| (key >> 32) < u64::from(first));
        let range = self.order.get(from..).unwrap_or_default();
        let until = range.partition_point(|key| (key >> 32) == u64::from(first));
        range.get(..until).unwrap_or_default()
    }

    fn spelling(&self, key: &u64) -> &[u8] {
        bytes(&self.block, start(*key))
    }
}

/// The first four bytes, or three and none: no spelling has a byte of zero.
fn first(spelling: &[u8]) -> u32 {
    let byte = |at| spelling.get(at).copied().unwrap_or_default();
    u32::from_be_bytes([byte(0), byte(1), byte(2), byte(3)])
}

/// Where the record of a key begins.
fn start(key: u64) -> usize {
    (key & u64::from(u32::MAX)) as usize
}

/// The spelling whose record begins at `at`.
fn bytes(block: &[u8], at: usize) -> &[u8] {
    let length = u16_at(block, at + 2) as usize;
    block.get(at + HEAD..at + HEAD + length).unwrap_or_default()
}

fn rule(block: &[u8], at: usize) -> Pattern {
    Pattern::unpacked(u16_at(block, at))
}

fn u16_at(block: &[u8], at: usize) -> u16 {
    let two = block.get(at..at + 2).and_then(|two| two.try_into().ok()).unwrap_or_default();
    u16::from_le_bytes(two)
}

/// A set of beginnings that may say yes where it should say no, and never the other way round.
struct Filter {
    words: Vec<u64>,
    shift: u32,
}

impl Filter {
    /// An empty one of `2^bits` bits.
    fn new(bits: u32) -> Self {
        Self { words: vec![0; 1 << (bits - 6)], shift: 32 - bits }
    }

    #[inline]
    fn place(&self, first: u32) -> (usize, u32) {
        // Knuth's multiplicative hash: the upper bits depend on all of the number.
        let hash = first.wrapping_mul(0x9E37_79B1) >> self.shift;
        (hash as usize >> 6, hash & 63)
    }

    fn add(&mut self, first: u32) {
        let (word, bit) = self.place(first);
        if let Some(word) = self.words.get_mut(word) {
            *word |= 1 << bit;
        }
    }

    #[inline]
    fn has(&self, first: u32) -> bool {
        let (word, bit) = self.place(first);
        self.words.get(word).is_some_and(|word| word >> bit & 1 == 1)
    }
}

impl Pattern {
    /// In sixteen bits.
    fn packed(self) -> u16 {
        let flag = |is: bool, bit: u16| u16::from(is) << bit;
        self.kind as u16
            | flag(self.weak, 4)
            | flag(self.whole, 5)
            | flag(self.whose == Whose::Other, 7)
            | u16::from(self.breaks.0) << 8
    }

    fn unpacked(bits: u16) -> Self {
        const KINDS: [Kind; 9] = [
            Kind::Name,
            Kind::Id,
            Kind::BirthDate,
            Kind::Phone,
            Kind::Email,
            Kind::Address,
            Kind::Clinic,
            Kind::Remark,
            Kind::Uid,
        ];
        let flag = |bit: u16| bits >> bit & 1 == 1;
        Self {
            kind: KINDS.get(usize::from(bits & 15)).copied().unwrap_or(Kind::Remark),
            weak: flag(4),
            whole: flag(5),
            breaks: Breaks((bits >> 8) as u8),
            whose: if flag(7) { Whose::Other } else { Whose::Patient },
        }
    }

    /// What holds for a spelling that both are rules of: the stricter finds more.
    fn joined(self, other: Self) -> Self {
        Self {
            kind: self.kind.min(other.kind),
            weak: self.weak && other.weak,
            whole: self.whole && other.whole,
            breaks: Breaks(self.breaks.0 | other.breaks.0),
            whose: self.whose.max(other.whose),
        }
    }
}

#[cfg(test)]
mod tests {
    use test_support::proptest::collection::vec;

    use super::*;

    const NAME: Pattern = Pattern {
        kind: Kind::Name,
        weak: false,
        whole: false,
        breaks: Breaks::ANYWHERE,
        whose: Whose::Patient,
    };

    fn found(spellings: Spellings, text: &str) -> Vec<(usize, usize, Pattern)> {
        let mut found = Vec::new();
        spellings.index().find(
            text.as_bytes(),
            |at| at == 0,
            |at, length, pattern| found.push((at, length, pattern)),
        );
        found
    }

    fn of(texts: &[(&str, Pattern)]) -> Spellings {
        let mut all = Spellings::default();
        for (text, pattern) in texts {
            all.add(Spelling::new(text).unwrap(), *pattern);
        }
        all
    }

    #[test]
    fn every_spelling_is_found_wherever_it_stands() {
        let values = (vec("[abc]{3,7}", 1..=40), "[abc]{60}");
        test_support::holds(300, &values, |(texts, text)| {
            let all = of(&texts.iter().map(|text| (text.as_str(), NAME)).collect::<Vec<_>>());
            let mut wanted: Vec<(usize, usize)> = (0..text.len())
                .flat_map(|at| texts.iter().map(move |one| (at, one)))
                .filter(|(at, one)| text[*at..].starts_with(one.as_str()))
                .map(|(at, one)| (at, one.len()))
                .collect();
            wanted.sort_unstable();
            wanted.dedup();
            let mut found: Vec<_> =
                found(all, &text).into_iter().map(|(at, length, _)| (at, length)).collect();
            found.sort_unstable();
            assert_eq!(found, wanted, "{texts:?} in {text}");
        });
    }

    #[test]
    fn one_that_came_twice_is_kept_once_by_the_stricter_rule() {
        let (weak, other) = (Pattern { weak: true, ..NAME }, Pattern { whose: Whose::Other, ..NAME });
        let mut all = of(&[("anna", weak), ("annas", weak), ("anna", other), ("bo bo", NAME)]);
        all.append(&of(&[("annas", weak)]));
        assert_eq!(all.count(), 5);
        all.compact();
        assert_eq!(all.count(), 3);
        assert_eq!(found(all, "annas"), [(0, 4, other), (0, 5, weak)]);
    }

    #[test]
    fn a_whole_word_is_found_at_edges_only() {
        let whole = Pattern { whole: true, ..NAME };
        assert_eq!(
            found(of(&[("bea", whole), ("beate", whole)]), "beatebea"),
            [(0, 3, whole), (0, 5, whole)]
        );
    }
}
