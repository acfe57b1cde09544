//! The check at the end: a finished output, in every view that a reader may take of its bytes, is searched for
//! every identifier that was learned. One hit, and nothing of the case is written.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use serde::{Deserialize, Serialize};
use time::Date;

use super::case::Case;
use super::identifiers::{Identifiers, Kind, View, second_reading};
use super::text::unescape::unescape;
use crate::limits;

/// Year from which on a date may be a scan's that was moved there: no X1 is older.
const FIRST_YEAR: i32 = 2012;
/// Bytes at a window's edge in which no date is judged: the windows overlap by more.
const DATE_EDGE: usize = 1 << 10;

/// A way in which a reader may take the bytes of an output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seen {
    /// As they are.
    Plain,
    /// With the escapes of JSON, XML, URLs and mails resolved.
    Unescaped,
    /// In the encoding of Western Windows.
    Windows1252,
    /// In the wide encoding of Windows, in any alignment.
    Utf16,
}

/// Where an identifier was found, without saying which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it tells.
    pub kind: Kind,
    /// Bytes of the output before the window in which it lies.
    pub offset: u64,
    /// The view in which it was found.
    pub seen: Seen,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = match self.seen {
            Seen::Plain => "plain",
            Seen::Unescaped => "unescaped",
            Seen::Windows1252 => "Windows-1252",
            Seen::Utf16 => "UTF-16",
        };
        write!(f, "{} in the {seen} view from byte {} on", self.kind.as_str(), self.offset)
    }
}

/// A search in one output, as it is written.
#[derive(Debug)]
pub struct Search<'a> {
    identifiers: &'a Identifiers,
    /// The case whose moved dates are not taken for somebody's birthday.
    excused: Option<&'a Case>,
    window: Vec<u8>,
    view: View,
    /// Bytes that were searched and are out of sight.
    offset: u64,
    found: Option<Finding>,
}

impl<'a> Search<'a> {
    /// A search for all that was learned. A birthday may be the day to which the case moved a scan; where that can't
    /// be told, `excused` lets it pass.
    pub fn new(identifiers: &'a Identifiers, excused: Option<&'a Case>) -> Self {
        Self { identifiers, excused, window: Vec::new(), view: View::default(), offset: 0, found: None }
    }

    /// The next bytes of the output.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while self.found.is_none() && !bytes.is_empty() {
            let room = limits::CHECK_WINDOW.saturating_sub(self.window.len()).min(bytes.len());
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            self.window.extend_from_slice(now);
            bytes = later;
            if self.window.len() >= limits::CHECK_WINDOW {
                self.look(false);
                let done = self.window.len().saturating_sub(limits::CHECK_OVERLAP);
                self.window.drain(..done);
                self.offset += done as u64;
            }
        }
    }

    /// What was found, at the end of the output.
    pub fn finish(mut self) -> Option<Finding> {
        if self.found.is_none() {
            self.look(true);
        }
        self.found
    }

    /// Looks at the window in every view.
    fn look(&mut self, is_last: bool) {
        let (window, offset) = (std::mem::take(&mut self.window), self.offset);
        let mut found =
            |text: &str, seen| self.told(text, is_last).map(|kind| Finding { kind, offset, seen });
        let text = String::from_utf8_lossy(&window);
        let finding = found(&text, Seen::Plain)
            .or_else(|| {
                let open = match text.contains('\\') {
                    true => Cow::Owned(
                        ["\\n", "\\r", "\\t", "\\\"", "\\/"]
                            .iter()
                            .fold(text.to_string(), |text, escape| text.replace(escape, " ")),
                    ),
                    false => Cow::Borrowed(text.as_ref()),
                };
                let plain = unescape(&open);
                let is_new = matches!((&open, &plain), (Cow::Owned(_), _) | (_, Cow::Owned(_)));
                is_new.then(|| found(&plain, Seen::Unescaped))?
            })
            .or_else(|| {
                let is_utf8 = matches!(text, Cow::Borrowed(_));
                let decoded = |bytes| WINDOWS_1252.decode_without_bom_handling(bytes).0;
                (!is_utf8).then(|| found(&decoded(&window), Seen::Windows1252))?
            })
            .or_else(|| {
                let wide = [UTF_16LE, UTF_16BE].into_iter().filter(|_| window.contains(&0));
                wide.flat_map(|encoding| {
                    [encoding.decode(&window).0, encoding.decode(window.get(1..).unwrap_or_default()).0]
                })
                .find_map(|text| found(&text, Seen::Utf16))
            });
        drop(text);
        (self.found, self.window) = (finding, window);
    }

    /// What `text` tells. What touches the edge of a window may be a part of something longer; the windows overlap.
    fn told(&mut self, text: &str, is_last: bool) -> Option<Kind> {
        let (mut told, offset, excused) = (None, self.offset, self.excused);
        let recent = |case: &Case, day: &Date| {
            day.checked_add(case.shift()).is_some_and(|day| day.year() >= FIRST_YEAR)
        };
        self.identifiers.find_words(text, &mut self.view, |hit| {
            let is_cut = hit.range.start == 0 && offset > 0 || hit.range.end == text.len() && !is_last;
            if !hit.weak && !is_cut {
                told = Some(hit.kind);
            }
        });
        let is_birth =
            |day: Date| self.identifiers.is_birth(day) && !excused.is_some_and(|case| recent(case, &day));
        second_reading::find(text, is_birth, |range| {
            // What stands around it says whether it is a date.
            let is_cut =
                range.start < DATE_EDGE && offset > 0 || range.end + DATE_EDGE > text.len() && !is_last;
            if !is_cut {
                told = Some(Kind::BirthDate);
            }
        });
        told
    }
}

/// Searches all of `output`.
///
/// # Errors
/// Whatever keeps it from being read.
pub fn search(
    mut output: impl Read,
    identifiers: &Identifiers,
    excused: Option<&Case>,
) -> io::Result<Option<Finding>> {
    let mut search = Search::new(identifiers, excused);
    let mut bytes = vec![0; limits::CHECK_OVERLAP];
    loop {
        match output.read(&mut bytes) {
            Ok(0) => return Ok(search.finish()),
            Ok(count) => search.push(bytes.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::deidentify::identifiers::Learning;

    fn identifiers() -> Identifiers {
        let mut learning = Learning::default();
        learning.learn(Kind::Name, "Sørensen^Anna");
        learning.learn(Kind::BirthDate, "19700305");
        learning.learn(Kind::Id, "010203-1234");
        learning.learn(Kind::BirthDate, "20140509");
        learning.finish().unwrap()
    }

    fn finding(output: &[u8]) -> Option<Finding> {
        search(output, &identifiers(), None).unwrap()
    }

    #[test]
    fn every_view_is_searched() {
        for hidden in [
            "Sørensen",
            "S\\u00f8rensen",
            "x\\nAnna",
            "S&#xf8;rensen",
            "S%C3%B8rensen",
            "1970-03-05",
            "5/3-1970",
            "den 5. i 3. 1970",
            "0102031234",
            "S=C3=B8rensen",
        ] {
            for padding in [0, limits::CHECK_WINDOW - 3, 2 * limits::CHECK_WINDOW] {
                let output = [vec![b' '; padding], hidden.as_bytes().to_vec(), b" kV=90".to_vec()].concat();
                assert!(finding(&output).is_some(), "{hidden} behind {padding}");
            }
        }
        let latin: Vec<u8> = "S\u{f8}rensen".chars().map(|character| character as u8).collect();
        let wide: Vec<u8> = "kV Sørensen".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(finding(&latin).is_some() && finding(&wide).is_some());
        assert!(finding(&wide[1..]).is_some());
    }

    #[test]
    fn what_is_clean_passes() {
        let log = "2026-11-21 10:32:11.123 [INFO] generator(1042): ready at 90 kV\n".repeat(5000);
        assert_eq!(finding(log.as_bytes()), None);
        assert_eq!(finding(b""), None);
    }

    #[test]
    fn what_the_edge_of_a_window_cuts_is_not_taken_for_somebodys() {
        for longer in ["01020312345", "90102031234"] {
            for before in 0..=limits::CHECK_OVERLAP + longer.len() {
                let padding = vec![b' '; limits::CHECK_WINDOW - before];
                let output = [padding, longer.as_bytes().to_vec(), vec![b' '; 9000]].concat();
                if before <= longer.len() || before > limits::CHECK_OVERLAP {
                    assert_eq!(finding(&output), None, "{longer}, {before} bytes before the edge");
                }
            }
        }
    }

    #[test]
    fn a_birthday_is_excused_only_where_the_case_may_have_moved_a_scan() {
        let case = Case::new(Zeroizing::new([7; 32]), 0);
        let excused = |output: &[u8]| search(output, &identifiers(), Some(&case)).unwrap();
        assert!(finding(b"2014-05-09").is_some() && excused(b"2014-05-09").is_none());
        assert!(excused(b"1970-03-05").is_some());
    }

    #[test]
    fn a_finding_says_where_and_not_what() {
        let text = finding(b"scan of Anna").unwrap().to_string();
        assert_eq!(text, "learned_name in the plain view from byte 0 on");
    }
}
