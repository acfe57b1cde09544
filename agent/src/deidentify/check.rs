//! The check at the end: a finished output, in every view that a reader may take of its bytes, is searched for
//! every identifier that was learned. One hit, and nothing of the case is written.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use time::Date;

use super::case::Case;
use super::identifiers::{Identifiers, Kind, View};
use super::text::unescape::unescape;
use crate::limits;

/// Year from which on a date may be a scan's that was moved there: no X1 is older.
const FIRST_YEAR: i32 = 2012;

/// Where an identifier was found, without saying which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it tells.
    pub kind: Kind,
    /// Bytes of the output before the window in which it lies.
    pub offset: u64,
    /// The view in which it was found.
    pub view: &'static str,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in the {} view from byte {} on", self.kind.as_str(), self.view, self.offset)
    }
}

/// Searches all of `output`.
pub fn search(mut output: impl Read, identifiers: &Identifiers, case: &Case) -> io::Result<Option<Finding>> {
    let mut window = Vec::new();
    let mut view = View::default();
    let mut offset = 0;
    loop {
        let more = (limits::CHECK_WINDOW - window.len().min(limits::CHECK_WINDOW)) as u64;
        let read = output.by_ref().take(more).read_to_end(&mut window)?;
        if let Some((kind, seen)) = look(&window, identifiers, case, &mut view) {
            return Ok(Some(Finding { kind, offset, view: seen }));
        }
        if (read as u64) < more {
            return Ok(None);
        }
        let done = window.len().saturating_sub(limits::CHECK_OVERLAP);
        window.drain(..done);
        offset += done as u64;
    }
}

fn look(
    bytes: &[u8],
    identifiers: &Identifiers,
    case: &Case,
    view: &mut View,
) -> Option<(Kind, &'static str)> {
    let text = String::from_utf8_lossy(bytes);
    let mut found = |text: &str, seen| told(text, identifiers, case, view).map(|kind| (kind, seen));
    found(&text, "plain")
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
            is_new.then(|| found(&plain, "unescaped"))?
        })
        .or_else(|| {
            let is_utf8 = matches!(text, Cow::Borrowed(_));
            (!is_utf8).then(|| found(&WINDOWS_1252.decode_without_bom_handling(bytes).0, "Windows-1252"))?
        })
        .or_else(|| {
            let wide = [UTF_16LE, UTF_16BE].into_iter().filter(|_| bytes.contains(&0));
            wide.flat_map(|encoding| {
                [encoding.decode(bytes).0, encoding.decode(bytes.get(1..).unwrap_or_default()).0]
            })
            .find_map(|text| found(&text, "UTF-16"))
        })
}

/// What `text` tells. A birth date that is also where the case's shift takes a recent day tells nothing.
fn told(text: &str, identifiers: &Identifiers, case: &Case, view: &mut View) -> Option<Kind> {
    let mut told = None;
    identifiers.find(text, view, |hit| {
        let moved = |day: &Date| day.checked_add(case.shift()).is_some_and(|day| day.year() >= FIRST_YEAR);
        let may_be_moved = hit.kind == Kind::BirthDate && hit.days.iter().all(moved);
        if !hit.weak && !may_be_moved {
            told = Some(hit.kind);
        }
    });
    told
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use super::*;
    use crate::deidentify::identifiers::Learning;

    fn finding(output: &[u8]) -> Option<Finding> {
        let case = Case::new(Zeroizing::new([7; 32]));
        let mut learning = Learning::default();
        learning.learn(Kind::Name, "Sørensen^Anna");
        learning.learn(Kind::BirthDate, "19700305");
        learning.learn(Kind::Id, "010203-1234");
        search(output, &learning.finish().unwrap(), &case).unwrap()
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
    fn a_finding_says_where_and_not_what() {
        let text = finding(b"scan of Anna").unwrap().to_string();
        assert_eq!(text, "learned_name in the plain view from byte 0 on");
    }
}
