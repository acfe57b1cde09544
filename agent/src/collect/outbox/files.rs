//! The files that one look into the outbox remembers, the oldest first: some forty bytes each, so that tens of thousands are
//! looked at once.

use std::cmp::Ordering;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use super::Source;

/// Files of the outbox, the oldest first.
#[derive(Debug)]
pub struct Files {
    outbox: Arc<Path>,
    /// The latest first: the next one is taken from the end.
    files: Vec<Small>,
    names: String,
    /// Those that no [`Small`] can tell: names that are no UTF-8, times beyond the year 2262.
    odd: Vec<Source>,
    most: usize,
    /// The latest that is remembered, where more were found than that: a later one waits for another look.
    last: Option<Source>,
}

/// A file, as small as it gets.
#[derive(Clone, Copy, Debug)]
struct Small {
    modified: i64,
    size: u64,
    /// Where its name begins, or which of the odd ones it is.
    at: u32,
    /// Bytes of its name; none for an odd one.
    length: u16,
    is_renamed: bool,
}

impl Files {
    /// None yet, and never more than `most`.
    pub(super) fn new(outbox: Arc<Path>, most: usize) -> Self {
        Self { outbox, files: Vec::new(), names: String::new(), odd: Vec::new(), most, last: None }
    }

    /// Whether the file would be remembered.
    pub(super) fn would_remember(&self, source: &Source) -> bool {
        self.last.as_ref().is_none_or(|last| source < last)
    }

    /// Remembers a file; of too many, the oldest.
    pub(super) fn push(&mut self, source: Source) {
        let small = self.small(&source).unwrap_or_else(|| {
            self.odd.push(source);
            Small { modified: 0, size: 0, at: self.odd.len() as u32 - 1, length: 0, is_renamed: false }
        });
        self.files.push(small);
        // Sorted now and then, so that each file costs a few comparisons.
        if self.files.len() > self.most + self.most / 4 {
            self.shorten();
        }
    }

    fn small(&mut self, source: &Source) -> Option<Small> {
        let name = source.name.to_str().filter(|name| !name.is_empty())?;
        let small = Small {
            modified: source.modified.try_into().ok()?,
            size: source.size,
            at: self.names.len().try_into().ok()?,
            length: name.len().try_into().ok()?,
            is_renamed: source.is_renamed,
        };
        self.names.push_str(name);
        Some(small)
    }

    /// Ends adding: in order, and no more than are remembered.
    pub(super) fn sorted(mut self) -> Self {
        self.shorten();
        self.files.reverse();
        self
    }

    fn shorten(&mut self) {
        let mut files = std::mem::take(&mut self.files);
        files.sort_unstable_by(|one, two| self.order(one, two));
        if files.len() <= self.most {
            self.files = files;
            return;
        }
        files.truncate(self.most);
        self.last = files.last().map(|last| self.source(last));
        // What is forgotten takes no memory.
        let mut kept = Self::new(Arc::clone(&self.outbox), self.most);
        kept.last = self.last.take();
        kept.files.reserve_exact(self.most + self.most / 4 + 1);
        files.iter().for_each(|small| kept.push(self.source(small)));
        *self = kept;
    }

    /// As sources are ordered, without making them.
    fn order(&self, one: &Small, two: &Small) -> Ordering {
        if one.length == 0 || two.length == 0 {
            return self.source(one).cmp(&self.source(two));
        }
        one.modified.cmp(&two.modified).then_with(|| self.name(one).cmp(self.name(two)))
    }

    fn name(&self, small: &Small) -> &str {
        let start = small.at as usize;
        self.names.get(start..start + usize::from(small.length)).unwrap_or_default()
    }

    fn source(&self, small: &Small) -> Source {
        let odd = self.odd.get(small.at as usize).filter(|_| small.length == 0);
        odd.cloned().unwrap_or_else(|| Source {
            modified: small.modified.into(),
            name: OsString::from(self.name(small)),
            size: small.size,
            outbox: Arc::clone(&self.outbox),
            is_renamed: small.is_renamed,
        })
    }

    /// How many are left.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether none is left.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether there may be more files than are remembered.
    pub fn is_full(&self) -> bool {
        self.files.len() >= self.most
    }

    /// Forgets those that are not to be kept.
    pub fn retain(&mut self, keeps: impl Fn(&Source) -> bool) {
        let mut files = std::mem::take(&mut self.files);
        files.retain(|small| keeps(&self.source(small)));
        self.files = files;
    }

    /// Forgets the first that is not to be kept, and all behind it.
    pub fn keep_first(&mut self, keeps: impl Fn(&Source) -> bool) {
        let kept = self.iter().take_while(keeps).count();
        self.files.drain(..self.files.len() - kept);
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Source> {
        self.files.iter().rev().map(|small| self.source(small))
    }
}

impl Iterator for Files {
    type Item = Source;

    fn next(&mut self) -> Option<Source> {
        let small = self.files.pop()?;
        Some(self.source(&small))
    }
}

#[cfg(test)]
mod tests {
    use test_support::proptest::collection::vec;
    use test_support::proptest::prelude::{Just, any};
    use test_support::proptest::prop_oneof;

    use super::*;

    fn source(modified: i128, name: &str, is_renamed: bool) -> Source {
        Source { modified, name: name.into(), size: 7, outbox: Path::new("/x").into(), is_renamed }
    }

    /// Whatever comes in whatever order, what is remembered is what sorting all of it gives.
    #[test]
    fn the_oldest_come_first_and_of_too_many_the_oldest_are_kept() {
        let modified = prop_oneof![1 => Just(i128::MAX), 19 => 0..30_i128];
        let most = prop_oneof![Just(1_usize), Just(3), Just(10), Just(64), Just(1000)];
        let values = (most, vec((modified, 0..9_u8, any::<bool>()), 0..=200));
        test_support::holds(100, &values, |(most, came)| {
            let mut all: Vec<Source> = came
                .into_iter()
                .enumerate()
                .map(|(number, (modified, name, is_renamed))| {
                    source(modified, &format!("{name}-{number}.ndjson"), is_renamed)
                })
                .collect();
            let mut files = Files::new(Path::new("/x").into(), most);
            for source in &all {
                if files.would_remember(source) {
                    files.push(source.clone());
                }
                assert!(files.files.len() <= most + most / 4 && files.names.len() <= 16 * (most + most / 4));
            }
            let is_full = most <= all.len();
            all.sort_unstable();
            all.truncate(most);
            let mut files = files.sorted();
            assert!(files.len() == all.len() && files.is_full() == is_full, "{most}");
            let kept: Vec<Source> = files.iter().collect();
            assert_eq!(kept, all, "{most}");
            files.retain(|source| source.size == 7);
            assert_eq!(files.len(), all.len(), "{most}");
            files.keep_first(Source::is_renamed);
            let whole = all.iter().take_while(|source| source.is_renamed()).count();
            assert_eq!(files.collect::<Vec<_>>(), all[..whole], "{most}");
        });
    }

    /// Each further look asks the file system about every file that is left: one look for each few thousand made a hundred
    /// thousand files cost three times what twice fifty thousand did.
    #[test]
    fn one_look_remembers_what_many_looks_would_ask_for_again() {
        use std::{cell::Cell, rc::Rc};

        use super::super::list;
        let dir = tempfile::tempdir().unwrap();
        (0..13_000).for_each(|number| {
            drop(std::fs::File::create(dir.path().join(format!("{number}.ndjson"))).unwrap())
        });
        let (looks, path) = (Rc::new(Cell::new(0)), dir.path().to_owned());
        let counted = Rc::clone(&looks);
        crate::killpoint::watch(Some(Box::new(move |point| {
            let is_look = matches!(point, crate::killpoint::Point::Read(read) if read == path);
            counted.set(counted.get() + u32::from(is_look));
            Ok(())
        })));
        let mut taken = 0;
        loop {
            let group: Vec<Source> = list(dir.path(), 4_000_000_000).unwrap().sources.collect();
            if group.is_empty() {
                break;
            }
            taken += group.len();
            group.iter().for_each(|source| source.remove().unwrap());
        }
        crate::killpoint::watch(None);
        assert_eq!((taken, looks.get()), (13_000, 2), "one that finds all, and one that finds nothing");
    }

    /// However many files there are: 100,000 at once took 5 MiB.
    #[test]
    fn what_a_look_remembers_stays_below_three_mebibytes() {
        let mut files = Files::new(Path::new("/x").into(), crate::limits::OUTBOX_FILES);
        let mut most = 0;
        for number in (0..150_000).rev() {
            let source = source(number, &format!("{number:08}.ndjson"), true);
            if files.would_remember(&source) {
                files.push(source);
            }
            most = most.max(files.files.capacity() * size_of::<Small>() + files.names.capacity());
        }
        assert!(most < 3 << 20, "{most} bytes");
        assert!(files.sorted().is_full());
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_no_text_is_remembered_as_it_is() {
        use std::os::unix::ffi::OsStringExt;
        let mut odd = source(5, "", true);
        odd.name = OsString::from_vec(b"\xff.ndjson".to_vec());
        let mut files = Files::new(Path::new("/x").into(), 9);
        files.push(source(6, "b.ndjson", false));
        files.push(odd.clone());
        assert_eq!(files.sorted().next(), Some(odd));
    }
}
