//! Lines from bytes in any of the encodings that a log comes in.
//!
//! UTF-8, and line by line Windows-1252 where it is not; UTF-16 of both byte orders, with or without a mark.
//! Memory is that of one line.

use std::io::{self, BufRead, BufReader, Read};

use encoding_rs::{Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::limits;

/// One line, without its end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its text.
    Text(&'a str),
    /// Longer than [`limits::TEXT_LINE`], or no text in any encoding.
    Unreadable,
}

/// The lines of a file.
pub(crate) struct Lines<'a> {
    input: BufReader<Box<dyn Read + 'a>>,
    line: Vec<u8>,
    decoded: String,
}

impl<'a> Lines<'a> {
    /// The lines of `input`, whose first bytes tell how it is encoded.
    pub(crate) fn new(mut input: impl Read + 'a) -> io::Result<Self> {
        let mut head = Vec::new();
        input.by_ref().take(512).read_to_end(&mut head)?;
        let encoding = utf16(&head);
        let bytes = io::Cursor::new(head).chain(input);
        let input: Box<dyn Read + 'a> = match encoding {
            Some(encoding) => Box::new(Transcoded {
                input: bytes,
                decoder: encoding.new_decoder_with_bom_removal(),
                raw: Vec::new(),
                ended: false,
                rest: io::Cursor::default(),
            }),
            None => Box::new(bytes),
        };
        Ok(Self {
            input: BufReader::with_capacity(limits::TEXT_LINE, input),
            line: Vec::new(),
            decoded: String::new(),
        })
    }

    /// The next line, and whether a line feed ended it.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<(Line<'_>, End)>> {
        self.line.clear();
        let mut length = 0_usize;
        let end = loop {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                break End::File;
            }
            let feed = memchr::memchr(b'\n', buffer);
            let (piece, _) = buffer.split_at_checked(feed.unwrap_or(buffer.len())).unwrap_or((buffer, &[]));
            length = length.saturating_add(piece.len());
            if length <= limits::TEXT_LINE {
                self.line.extend_from_slice(piece);
            }
            let used = piece.len() + usize::from(feed.is_some());
            self.input.consume(used);
            if feed.is_some() {
                break if self.line.last() == Some(&b'\r') { End::ReturnAndFeed } else { End::Feed };
            }
        };
        if end == End::File && length == 0 {
            return Ok(None);
        }
        if end == End::ReturnAndFeed {
            self.line.pop();
        }
        if length > limits::TEXT_LINE {
            return Ok(Some((Line::Unreadable, end)));
        }
        let bytes = self.line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.line);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(_) => {
                self.decoded.clear();
                self.decoded.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0);
                &self.decoded
            }
        };
        let is_text =
            |character: char| character == '\t' || !character.is_control() && character != '\u{fffd}';
        let is_plain = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let line = if is_plain || text.chars().all(is_text) { Line::Text(text) } else { Line::Unreadable };
        Ok(Some((line, end)))
    }
}

/// What ended a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A line feed.
    Feed,
    /// A carriage return and a line feed.
    ReturnAndFeed,
    /// The end of the file.
    File,
}

impl End {
    /// What is written after the line.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "\n",
            Self::ReturnAndFeed => "\r\n",
            Self::File => "",
        }
    }
}

/// UTF-16, by its mark or by the zeros that Latin letters leave in it.
pub(crate) fn utf16(head: &[u8]) -> Option<&'static encoding_rs::Encoding> {
    match head {
        [0xff, 0xfe, ..] => return Some(UTF_16LE),
        [0xfe, 0xff, ..] => return Some(UTF_16BE),
        _ => {}
    }
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    let most = head.len() / 4;
    match (even > most, odd > most) {
        (false, true) if even == 0 => Some(UTF_16LE),
        (true, false) if odd == 0 => Some(UTF_16BE),
        _ => None,
    }
}

/// UTF-16 read as UTF-8.
struct Transcoded<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    ended: bool,
    rest: io::Cursor<Vec<u8>>,
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.rest.read(buffer)?;
            if count > 0 || buffer.is_empty() || self.ended {
                return Ok(count);
            }
            self.raw.clear();
            self.ended = self.input.by_ref().take(16 << 10).read_to_end(&mut self.raw)? == 0;
            let most = self.decoder.max_utf8_buffer_length(self.raw.len()).unwrap_or(64 << 10);
            let mut text = String::with_capacity(most);
            let _ = self.decoder.decode_to_string(&self.raw, &mut text, self.ended);
            self.rest = io::Cursor::new(text.into_bytes());
            if self.ended {
                return self.rest.read(buffer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Option<String>> {
        let mut lines = Lines::new(bytes).unwrap();
        let mut all = Vec::new();
        while let Some((line, _)) = lines.next_line().unwrap() {
            all.push(match line {
                Line::Text(text) => Some(text.to_owned()),
                Line::Unreadable => None,
            });
        }
        all
    }

    #[test]
    fn every_encoding_gives_the_same_lines() {
        let text = "[INFO] måling\r\nfærdig";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let latin: Vec<u8> = text.chars().map(|character| character as u8).collect();
        let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
        let wanted = vec![Some("[INFO] måling".to_owned()), Some("færdig".to_owned())];
        for bytes in [
            text.as_bytes().to_vec(),
            marked(b"\xef\xbb\xbf", text.as_bytes()),
            latin,
            little.clone(),
            big.clone(),
            marked(b"\xff\xfe", &little),
            marked(b"\xfe\xff", &big),
        ] {
            assert_eq!(lines(&bytes), wanted);
        }
    }

    #[test]
    fn a_line_without_end_costs_no_memory_and_the_next_is_read() {
        let mut bytes = vec![b'x'; 3 * limits::TEXT_LINE];
        bytes.extend_from_slice(b"\nnext\n\x01\x02\n\nlast");
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(lines(&bytes), [None, text("next"), None, text(""), text("last")]);
        assert_eq!(lines(b""), []);
    }
}
