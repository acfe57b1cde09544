//! Facts of an outbox file that is not read: size, age, number of events.

use std::io::{self, Read};
use std::path::Path;

use super::{Found, Source, each};
use crate::limits;
use regular::{self, Identity};

impl Source {
    /// Bytes of it.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Modification time in seconds since 1970, if the system knows it.
    pub fn written_at(&self) -> Option<i64> {
        i64::try_from(self.modified / 1_000_000_000).ok()
    }

    /// How many events it holds behind the first `taken` lines: lines that are not blank. They are counted by their
    /// ends, in [`limits::OUTBOX_COUNTED`] bytes; what lies behind counts as one.
    ///
    /// # Errors
    /// It cannot be read now.
    pub fn events(&self, taken: u64) -> io::Result<u64> {
        let mut file =
            regular::open(&self.path(), Identity::ANY)?.take(self.size.min(limits::OUTBOX_COUNTED));
        let (mut piece, mut lines, mut events, mut is_blank) = (vec![0; 64 << 10], 0_u64, 0_u64, true);
        loop {
            let read = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            for byte in &piece[..read] {
                if *byte == b'\n' {
                    events += u64::from(!is_blank && lines >= taken);
                    (lines, is_blank) = (lines + 1, true);
                } else {
                    is_blank &= byte.is_ascii_whitespace();
                }
            }
        }
        Ok(events + u64::from(!is_blank && lines >= taken || self.size > limits::OUTBOX_COUNTED))
    }
}

/// Bytes of all files that are there.
pub fn bytes(outbox: &Path) -> io::Result<u64> {
    let mut bytes = 0_u64;
    each(outbox, |found| {
        if let Found::File(source) = found {
            bytes = bytes.saturating_add(source.size);
        }
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::super::list;
    use super::*;

    #[test]
    fn events_are_counted_by_their_ends_and_not_the_files() {
        let dir = tempfile::tempdir().unwrap();
        let count = |text: &[u8], taken| {
            std::fs::write(dir.path().join("a.ndjson"), text).unwrap();
            list(dir.path(), i64::from(u32::MAX)).unwrap().sources.next().unwrap().events(taken).unwrap()
        };
        assert_eq!((count(b"", 0), count(b"\n \r\n", 0)), (0, 0));
        assert_eq!((count(b"one\ntwo\n", 0), count(b"one\ntwo", 0)), (2, 2), "the last may lack its end");
        assert_eq!((count(b"one\n\ntwo\n", 1), count(b"one\n", 5)), (1, 0), "what was taken in is no more");
        let long = [vec![b'x'; 200_000], b"\n\xff\n".to_vec()].concat();
        assert_eq!(count(&long, 0), 2, "whatever is in a line");
        assert_eq!(bytes(dir.path()).unwrap(), long.len() as u64);
    }

    #[test]
    fn a_file_without_end_is_counted_to_a_limit() {
        let dir = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(dir.path().join("a.ndjson")).unwrap();
        file.set_len(1 << 40).unwrap(); // sparse
        let source = list(dir.path(), i64::from(u32::MAX)).unwrap().too_large.next().unwrap();
        assert_eq!(source.events(0).unwrap(), 1);
    }
}
