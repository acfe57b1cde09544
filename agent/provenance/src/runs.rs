//! Runs of printable text in bytes that are no text as a whole: UTF-8 and UTF-16, little-endian.

use crate::text::LITERAL_BYTES;

/// Bytes at a time.
const WINDOW: usize = 64 << 10;

/// Finds the runs of a section whose bytes come piece by piece.
pub(crate) struct Runs<'t> {
    take: &'t mut dyn FnMut(&str),
    utf8: Vec<u8>,
    /// One for the units that begin at even places, one for odd ones.
    utf16: [Vec<u16>; 2],
    at: usize,
    before: u8,
    /// Bytes of the run of UTF-8 that ended with the last byte.
    ended: usize,
}

impl<'t> Runs<'t> {
    pub(crate) fn new(take: &'t mut dyn FnMut(&str)) -> Self {
        Self { take, utf8: Vec::new(), utf16: [Vec::new(), Vec::new()], at: 0, before: 0, ended: 0 }
    }

    /// Bytes that a reader should hand over at a time.
    pub(crate) const fn window() -> usize {
        WINDOW
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.ended = 0;
            self.utf8_byte(*byte);
            let unit = u16::from_le_bytes([self.before, *byte]);
            // The unit ends here, so it began one place before.
            if self.at > 0 {
                self.utf16_unit(unit, (self.at + 1) % 2);
            }
            self.before = *byte;
            self.at += 1;
        }
    }

    pub(crate) fn end(mut self) {
        self.end_utf8();
        self.end_utf16(0);
        self.end_utf16(1);
    }

    fn utf8_byte(&mut self, byte: u8) {
        if byte >= 0x20 && byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r') {
            if self.utf8.len() <= LITERAL_BYTES {
                self.utf8.push(byte);
            }
        } else {
            self.end_utf8();
        }
    }

    fn end_utf8(&mut self) {
        const SHORTEST: usize = 4;
        // Three small letters are the value of an enumeration more often than chance.
        let is_word = self.utf8.len() == SHORTEST - 1 && self.utf8.iter().all(u8::is_ascii_lowercase);
        if (SHORTEST..=LITERAL_BYTES).contains(&self.utf8.len()) || is_word {
            // What is no UTF-8 parts a run as a control character does.
            for chunk in self.utf8.utf8_chunks() {
                (self.take)(chunk.valid());
            }
        }
        self.ended = self.utf8.len();
        self.utf8.clear();
    }

    fn utf16_unit(&mut self, unit: u16, parity: usize) {
        // Latin and general punctuation: of other scripts nothing would tell text from numbers.
        if matches!(unit, 0x20..=0x7e | 0xa0..=0x24f | 0x2010..=0x2026 | 9 | 10 | 13) {
            // The last letter of UTF-8 with its NUL looks like the first unit of what follows.
            let is_end = self.ended > 1;
            if let Some(run) = self.utf16.get_mut(parity)
                && run.len() <= LITERAL_BYTES
                && !(run.is_empty() && is_end)
            {
                run.push(unit);
            }
        } else {
            self.end_utf16(parity);
        }
    }

    fn end_utf16(&mut self, parity: usize) {
        const SHORTEST: usize = 4;
        let Some(run) = self.utf16.get_mut(parity) else { return };
        if (SHORTEST..=LITERAL_BYTES).contains(&run.len())
            && let Ok(text) = String::from_utf16(run)
        {
            (self.take)(&text);
        }
        run.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(bytes: &[u8], step: usize) -> Vec<String> {
        let mut all = Vec::new();
        let mut take = |text: &str| all.push(text.to_owned());
        let mut runs = Runs::new(&mut take);
        bytes.chunks(step).for_each(|piece| runs.push(piece));
        runs.end();
        all
    }

    #[test]
    fn both_encodings_are_found_at_any_place_and_piece_size() {
        let utf16: Vec<u8> = "Warm-up cancelled at å".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for shift in 0..4 {
            let mut bytes = vec![0xff; shift];
            bytes.extend(b"\0\x01Loading caf\xc3\xa9 volume\0");
            bytes.extend(&utf16);
            bytes.extend([0, 0, 0x80]);
            for step in [1, 3, 64] {
                let all = found(&bytes, step);
                assert!(all.iter().any(|text| text == "Loading café volume"), "{shift} {step} {all:?}");
                assert!(all.iter().any(|text| text == "Warm-up cancelled at å"), "{shift} {step} {all:?}");
            }
        }
    }

    #[test]
    fn a_run_without_end_is_no_literal_and_holds_no_memory() {
        let all = found(&vec![b'a'; 1 << 20], 4096);
        assert_eq!(all, Vec::<String>::new());
    }
}
