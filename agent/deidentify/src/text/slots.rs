//! What may stay between the literals of a program: a slot is judged by the type of what stands in it.
//!
//! Only a text whose program's table is known has slots. Typed are versions, files of source or program with a line,
//! paths below the program's folder, private addresses beside a literal, words of the program and of the product that
//! are nobody's name, and numbers with a unit, under a key, or too short to be anybody's.

use std::net::Ipv4Addr;

use provenance::Table;

use super::words::{digits_of, is_measure, letters};
use super::{names, patterns, vocabulary};
use crate::keys::{self, Class};

/// Digits of a number without a type: a birth date and a patient's number have more.
const UNTYPED: usize = 4;
/// Endings of files of source text and of programs.
const FILES: &[&str] = &[
    "cs", "cpp", "cc", "cxx", "c", "h", "hpp", "inl", "rs", "py", "java", "kt", "js", "ts", "go", "vb", "fs",
    "m", "mm", "dll", "exe", "so", "sys", "pdb", "dylib", "ocx",
];
/// Digits of a number of a line.
const LINE: usize = 6;
/// Units that follow a number of five to seven digits.
const UNITS: &[&str] = &[
    "bytes", "byte", "b", "kb", "mb", "gb", "kib", "mib", "gib", "s", "ms", "us", "ns", "min", "hz", "khz",
    "mhz", "px", "pixels", "mm", "um", "mv", "v", "ma", "counts", "ticks", "frames", "rows", "columns",
    "lines", "files", "entries", "slices", "packets", "rpm", "steps", "voxels", "samples", "items",
    "records", "retries",
];

/// Those that follow a longer one.
const LARGE: &[&str] = &["bytes", "byte", "ms", "us", "ns", "kb", "counts", "ticks"];

/// Whether a word may stay in a slot; `before` and `after` are what stands around it.
pub(super) fn stays(table: &Table, word: &str, before: &str, after: &str) -> bool {
    if word.starts_with(|first: char| first.is_ascii_digit()) {
        return is_typed_number(word, before, after);
    }
    is_word(table, word)
}

/// Whether the program or the product has the word, or all its parts, and no list of names has it.
pub(super) fn is_word(table: &Table, word: &str) -> bool {
    let digits = digits_of(word);
    if digits >= patterns::LONG || names::is_name(word) {
        return false;
    }
    let is_of_person = || digits > 0 && vocabulary::parts(word).any(keys::is_person);
    if table.has_word(word) && (digits < UNTYPED || !word.ends_with(|last: char| last.is_ascii_digit())) {
        return !is_of_person();
    }
    let mut parts = vocabulary::parts(word).peekable();
    let is_known = |part: &str| !names::is_name(part) && (table.has_word(part) || vocabulary::knows(part));
    digits <= UNTYPED && parts.peek().is_some() && parts.all(is_known) && !is_of_person()
}

fn is_typed_number(word: &str, before: &str, after: &str) -> bool {
    if !is_measure(word) || word.starts_with("0x") {
        return is_measure(word);
    }
    let whole = |part: &str| match part.split_once('.') {
        Some((whole, decimals)) if !decimals.contains('.') => digits_of(whole),
        _ => digits_of(part),
    };
    let digits =
        word.split(['x', ':', '/']).flat_map(|part| part.split("..")).map(whole).max().unwrap_or_default();
    // `12.3-80` and `12/3-80` are days, in two of their spellings.
    let marks = ['-', '/', '.'].iter().filter(|mark| word.contains(**mark)).count();
    let is_mixed = marks > 1 && !word.contains("..");
    if digits <= UNTYPED {
        return !is_mixed;
    }
    let unit = letters(after.trim_start_matches([' ', '\u{a0}'])).to_ascii_lowercase();
    let has_unit = UNITS.contains(&unit.as_str()) || word.ends_with(|last: char| last.is_ascii_alphabetic());
    let of_key = || {
        // `00711` is no count.
        if word.len() > 1 && word.starts_with('0') {
            return false;
        }
        let key = before.trim_end_matches([' ', '=', ':', '#', '(', '"']);
        let key = key.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        matches!(keys::class(key), Class::Keep(bound) if bound.holds(word))
    };
    (digits < patterns::LONG || LARGE.contains(&unit.as_str())) && has_unit || of_key()
}

/// Stands for `=` before a word of the program while escapes are read: `state=Faulted` is no quoted-printable. A private
/// character that no file has for anything else.
pub(super) const EQUALS: char = '\u{f0001}';

/// The text with [`EQUALS`] in the place of such signs.
pub(super) fn guarded(table: &Table, text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('=') {
        out.push_str(before);
        let word = letters(after);
        out.push(if word.len() > 3 && table.has_word(word) { EQUALS } else { '=' });
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Whether the value of a key of the device is typed: its words of four letters or more are the program's, or its key says
/// that it is a number of a series.
pub(super) fn is_device(table: &Table, key: &str, value: &str) -> bool {
    const SERIES: &[&str] = &["serial", "version", "firmware", "revision", "id", "sn"];
    let key = key.to_ascii_lowercase();
    let value =
        value.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"')).next().unwrap_or_default();
    SERIES.iter().any(|word| key.contains(word))
        || value
            .split(|c: char| !c.is_alphabetic())
            .filter(|word| word.len() > 3)
            .all(|word| is_word(table, word))
}

/// Bytes of a version of three or four numbers at the start of `text`. Four numbers below 256 may be an address: they are
/// a version where `is_announced`.
pub(super) fn version(text: &str, is_announced: bool) -> Option<usize> {
    let word = text.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.trim_end_matches('.');
    let ends = !text
        .get(word.len()..)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_alphanumeric() || c == '@'));
    let parts: Vec<&str> = word.split('.').collect();
    let is_short = parts.iter().all(|part| (1..=5).contains(&part.len()));
    let pairs = parts.iter().all(|part| part.len() == 2);
    let is_address = word.parse::<Ipv4Addr>().is_ok();
    let fits = match parts.len() {
        3 => parts.last().is_some_and(|last| last.len() != 4 || is_announced) && !pairs,
        4 => !pairs && (!is_address || is_announced),
        _ => false,
    };
    (ends && is_short && fits).then_some(word.len())
}

/// Bytes of a version behind a `v`. Three numbers that may be a day of a year are none.
pub(super) fn marked_version(text: &str) -> Option<usize> {
    let is_of_four = |length: &usize| text.get(..*length).is_some_and(|word| word.matches('.').count() == 3);
    version(text, false).or_else(|| version(text, true).filter(is_of_four))
}

/// A UID at the start of `text`. One of four numbers looks like a version, and is left to what judges those.
pub(super) fn uid(text: &str) -> Option<&str> {
    let word = text.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.trim_end_matches('.');
    let ends = !text
        .get(word.len()..)?
        .starts_with(|c: char| c.is_alphanumeric() || matches!(c, '@' | '-' | '_' | '/'));
    (ends && provenance::is_uid(word)).then_some(word)
}

/// Whether what stands before says that a version follows: a file of the program, or a dash behind a word.
pub(super) fn announces_version(table: &Table, before: &str) -> bool {
    let Some(word) = before.trim_end_matches([' ', ':', ',', '(', 'v']).rsplit([' ', ',', ';', '(']).next()
    else {
        return false;
    };
    let file = file(table, word) == Some(word.len()) && !word.is_empty();
    file || before.strip_suffix('-').is_some_and(|before| {
        let stem = before.rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default();
        is_word(table, stem)
    })
}

/// Bytes of the name of a file of source or program at the start of `text`, with its line: `Link.cs:line 214`,
/// `gpu.cpp:188`, `fdk.cpp(402)`.
pub(super) fn file(table: &Table, text: &str) -> Option<usize> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '-' | '+'))
        .unwrap_or(text.len());
    let name = text.get(..end)?.trim_end_matches('.');
    let mut parts: Vec<&str> = name.split('.').collect();
    let numbers = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit()) && part.len() <= 3;
    // `libusb-1.0.so.0.4.0`
    while parts.len() > 2 && parts.contains(&"so") && parts.last().is_some_and(numbers) {
        parts.pop();
    }
    let ending = parts.pop()?;
    let is_file = FILES.iter().any(|known| ending.eq_ignore_ascii_case(known)) && !parts.is_empty();
    let mut words = parts.iter().flat_map(|part| part.split(['-', '+', '_'])).filter(|word| !word.is_empty());
    let is_listed = |word: &str| numbers(&word) || is_word(table, word);
    let whole = parts.join(".");
    if !is_file || !(table.has_word(&whole) && !names::is_name(&whole) || words.all(is_listed)) {
        return None;
    }
    let rest = text.get(name.len()..)?;
    let (opened, closes) = match rest {
        _ if rest.starts_with(":line ") => (":line ", ""),
        _ if rest.starts_with(':') => (":", ""),
        _ if rest.starts_with('(') => ("(", ")"),
        _ => return Some(name.len()),
    };
    let digits = rest.get(opened.len()..)?;
    let line = digits.len() - digits.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let after = digits.get(line..)?;
    let is_line =
        (1..=LINE).contains(&line) && after.starts_with(closes) && !after.starts_with(char::is_alphanumeric);
    Some(name.len() + if is_line { opened.len() + line + closes.len() } else { 0 })
}

/// Bytes of a path at the start of `text` up to its last part, and what of it may stay: the folder of the program, and
/// the parts below it that are words of the program.
pub(super) fn path<'t>(table: &Table, text: &'t str) -> Option<(usize, &'t str)> {
    let is_separator = |c: char| matches!(c, '/' | '\\');
    let folder = table.folders().find(|folder| {
        let bare = folder.strip_prefix(r"\\?\").unwrap_or(folder);
        text.get(..bare.len()).is_some_and(|start| start.eq_ignore_ascii_case(bare))
            && text.get(bare.len()..).is_some_and(|rest| rest.is_empty() || rest.starts_with(is_separator))
    });
    let kept = folder.map_or(0, |folder| folder.strip_prefix(r"\\?\").unwrap_or(folder).len());
    let rest = text.get(kept..)?;
    let end = rest
        .find(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '<' | '>' | '|' | ',' | ';' | '\'' | ')' | ']')
        })
        .unwrap_or(rest.len());
    let below = rest.get(..end)?;
    if folder.is_none() {
        let last = below.rfind(is_separator)? + 1;
        return file(table, rest.get(last..)?).map(|_| (last, ""));
    }
    let mut at = 0;
    for part in below.split_inclusive(is_separator) {
        let name = part.trim_end_matches(is_separator);
        let listed = |word: &str| {
            word.len() <= UNTYPED && word.bytes().all(|byte| byte.is_ascii_digit()) || is_word(table, word)
        };
        let is_known =
            name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).all(|word| {
                listed(word) || word.len() < 3 || word.get(1..).is_some_and(|rest| rest.parse::<u8>().is_ok())
            });
        if !is_known {
            break;
        }
        at += part.len();
    }
    Some((kept + end, text.get(..kept + at)?))
}

/// Bytes of a private address with its port at the start of `text` (RFC 1918, RFC 3927).
pub(super) fn private_address(text: &str) -> Option<usize> {
    let word = text.split(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ':')).next()?;
    let word = word.trim_end_matches(['.', ':']);
    let (host, port) = word.split_once(':').unwrap_or((word, "1"));
    let host: Ipv4Addr = host.parse().ok()?;
    let ends = !text.get(word.len()..)?.starts_with(|c: char| c.is_alphanumeric() || c == '/');
    let is_private = host.is_private() || host.is_link_local() || host.is_loopback();
    (is_private && ends && port.parse::<u16>().is_ok()).then_some(word.len())
}

#[cfg(test)]
mod tests {
    use provenance::{Builder, Entry};

    use super::*;

    fn table() -> Table {
        let mut builder = Builder::default();
        for literal in
            ["Command SetCollimator from X1 Link", "recon fdk gpu libusb x1sdk cache", "Hansen list"]
        {
            builder.add(Entry::Literal(literal));
        }
        builder.add(Entry::Folder("C:\\Program Files\\Kathea"));
        builder.table()
    }

    #[test]
    fn numbers_stay_with_a_unit_under_a_key_or_short() {
        for (before, word, after) in [
            ("", "5000", " ms"),
            ("", "402653", " bytes"),
            ("sequence ", "48812", ")"),
            ("at ", "130.2791", " deg"),
            ("", "0xC0000005", ""),
            ("", "12345ms", ""),
            ("", "1024x768", ""),
        ] {
            assert!(is_typed_number(word, before, after), "{before}{word}{after}");
        }
        for (before, word, after) in [
            ("patient ", "59311", ""),
            ("", "110784", " K"),
            ("val ", "110784", " 23456"),
            ("kv ", "59311", ""),
        ] {
            assert!(!is_typed_number(word, before, after), "{before}{word}{after}");
        }
    }

    #[test]
    fn words_of_the_program_stay_and_names_never() {
        let table = table();
        for word in ["SetCollimator", "Collimator", "Link", "LinkReader", "libusb", "x1sdk"] {
            assert!(is_word(&table, word), "{word}");
        }
        for word in ["Hansen", "hansen", "HANSEN", "HansenLink", "xyzzy", "SetCollimator12345678", ""] {
            assert!(!is_word(&table, word), "{word}");
        }
    }

    #[test]
    fn versions_of_four_numbers_are_no_addresses_behind_a_file() {
        let table = table();
        assert_eq!(version("3.14.0.20118 on", false), Some(12));
        assert_eq!(version("1.0.26.11724", false), Some(12));
        assert_eq!(version("550.54.14", false), Some(9));
        assert_eq!(version("10.2.1.0", true), Some(8));
        for text in ["10.2.1.0", "06.12.34.56", "12.03.1980", "1.2.3", "1.2.840.10008.1.2", "10.2"] {
            assert_eq!(version(text, false).filter(|_| text != "1.2.3"), None, "{text}");
        }
        assert!(announces_version(&table, "in x1sdk.dll ") && announces_version(&table, "libusb-"));
        assert!(!announces_version(&table, "from ") && !announces_version(&table, "Hansen-"));
    }

    #[test]
    fn files_with_their_lines_and_paths_of_the_program_stay() {
        let table = table();
        for text in ["Link.cs:line 214", "gpu.cpp:188", "fdk.cpp(402)", "x1sdk.dll", "libusb-1.0.so.0.4.0"] {
            assert_eq!(file(&table, text), Some(text.len()), "{text}");
        }
        for text in ["Hansen.cs:line 2", "gpu.docx", "gpu", "12345678.cs:1", ""] {
            assert_eq!(file(&table, text), None, "{text}");
        }
        assert_eq!(path(&table, r"C:\build\hansen\Link.cs:line 214"), Some((16, "")));
        let kept = r"c:\program files\kathea\cache\v4";
        assert_eq!(path(&table, kept), Some((kept.len(), kept)));
        let left = path(&table, r"C:\Program Files\Kathea\cache\hansen\x.dcm, 3");
        assert_eq!(left, Some((42, r"C:\Program Files\Kathea\cache\")));
        assert_eq!(path(&table, r"C:\Users\hansen\x.dcm"), None);
    }

    #[test]
    fn only_private_addresses_are_the_devices_own_network() {
        assert_eq!(private_address("10.2.1.40:5021 late"), Some(14));
        assert_eq!(private_address("169.254.1.1,"), Some(11));
        for text in ["8.8.8.8", "10.2.1.40.5", "10.2.1", "10.2.1.40/24", "10.2.1.40:x"] {
            assert_eq!(private_address(text).filter(|_| !text.ends_with('x')), None, "{text}");
        }
    }

    #[test]
    fn behind_a_v_stands_a_version_and_no_day() {
        for (text, length) in [
            ("3.6.7 2022", Some(5)),
            ("10.2.1.0", Some(8)),
            ("12.03.1980", None),
            ("12.03.80", None),
            ("4", None),
        ] {
            assert_eq!(marked_version(text), length, "{text}");
        }
    }
}
