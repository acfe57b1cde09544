//! Identifiers recognisable by form alone: one word of a text, between blanks.

use std::net::{IpAddr, SocketAddr};

use super::rule::Rule;

/// Digits of a number from which on it may be somebody's: a Danish telephone number has eight.
pub(crate) const LONG: usize = 8;

/// The rule that `word`, without the punctuation around it, falls under.
pub(crate) fn of_word(word: &str) -> Option<Rule> {
    let bytes = word.as_bytes();
    if bytes.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    if word.contains('@') {
        return Some(Rule::Email);
    }
    if word.contains("://") || word.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("www.")) {
        return Some(Rule::Url);
    }
    if is_path(bytes) {
        return Some(Rule::Path);
    }
    let is_address = || word.parse::<SocketAddr>().is_ok() || word.parse::<IpAddr>().is_ok();
    // Every address has one of the two.
    if bytes.iter().any(|byte| b".:".contains(byte)) && is_address() || is_mac(word) || is_host(word) {
        return Some(Rule::Network);
    }
    if provenance::uid_numbers(word).is_some() {
        return Some(Rule::Uid);
    }
    is_guid(word).then_some(Rule::Guid)
}

/// `\\server\share`, `C:\…`, `/home/…`, `..\x`, `a/b/c`; not a ratio such as `12/34`, nor `read/write`.
fn is_path(bytes: &[u8]) -> bool {
    let slashes = bytes.iter().filter(|byte| matches!(byte, b'/' | b'\\')).count();
    let drive = matches!(bytes, [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic());
    let rooted = matches!(bytes, [b'/' | b'\\' | b'~', next, ..] if !next.is_ascii_digit() && *next != b' ');
    drive || rooted || bytes.contains(&b'\\') || slashes >= 2 && bytes.iter().any(u8::is_ascii_alphabetic)
}

/// Six pairs of hex digits.
fn is_mac(word: &str) -> bool {
    [':', '-'].iter().any(|by| {
        word.matches(*by).count() == 5
            && word
                .split(*by)
                .all(|part| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
    })
}

/// `ws-12.clinic.local`, `name.example.com:104`: labels with a top-level one of letters.
fn is_host(word: &str) -> bool {
    const TOP: &[&str] = &[
        "local", "lan", "dk", "com", "net", "org", "eu", "de", "se", "no", "intern", "internal", "corp",
        "home", "example", "io", "uk", "fi", "nl",
    ];
    let host = word.split_once(':').map_or(word, |(host, _)| host);
    host.rsplit_once('.').is_some_and(|(before, top)| {
        TOP.iter().any(|known| top.eq_ignore_ascii_case(known))
            && before.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    })
}

/// Thirty-two hex digits in five groups.
fn is_guid(word: &str) -> bool {
    let groups = || word.trim_matches(['{', '}']).split('-');
    groups().map(str::len).eq([8, 4, 4, 4, 12])
        && groups().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// A Danish personal number at the start of `text`, or an electronic replacement of one, in which letters take the
/// place of digits behind the date: its length. The modulus-11 test fails numbers issued since 2007 and is not
/// made.
pub(crate) fn cpr(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let date = bytes.get(..6)?;
    let pair = |at: usize| text.get(at..at + 2).and_then(|digits| digits.parse::<u8>().ok());
    // The day of a replacement number is raised by 60.
    let day = pair(0).map(|day| if day > 60 { day - 60 } else { day })?;
    if !date.iter().all(u8::is_ascii_digit) || !(1..=31).contains(&day) || !(1..=12).contains(&pair(2)?) {
        return None;
    }
    let gap = bytes.get(6..)?.iter().take_while(|byte| b"- .\xe2\x80\x93\x91".contains(byte)).count();
    let rest = bytes.get(6 + gap..6 + gap + 4)?;
    let form = rest.iter().all(u8::is_ascii_digit)
        || gap <= 3
            && rest.iter().all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
            && rest.last().is_some_and(u8::is_ascii_digit)
            && rest.iter().any(u8::is_ascii_digit)
            && gap < 2
            && bytes.get(6) != Some(&b' ');
    let ends = !bytes.get(6 + gap + 4).is_some_and(u8::is_ascii_alphanumeric);
    (gap <= 3 && form && ends).then_some(6 + gap + 4)
}

/// A telephone number at the start of `text`: `+45 12 34 56 78`, `12 34 56 78`, `(0)12-345 678`. Its length.
pub(crate) fn phone(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let plus = bytes.first() == Some(&b'+');
    let (mut at, mut groups, mut digits) = (usize::from(plus), 0, 0);
    let (mut pairs, mut fours) = (true, true);
    loop {
        let run = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if run == 0 || groups == 6 {
            break;
        }
        (pairs, fours) = (pairs && run == 2, fours && run == 4);
        (digits, groups, at) = (digits + run, groups + 1, at + run);
        match bytes.get(at..).unwrap_or_default() {
            [b' ' | b'-' | b'.', next, ..] if next.is_ascii_digit() => at += 1,
            _ => break,
        }
    }
    let ends = !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    let is_one = if plus { (8..=15).contains(&digits) } else { digits == 8 && (pairs || fours) };
    (is_one && ends).then_some(at)
}

/// A number in pieces at the start of `text`, as personal and telephone numbers are written: `110784 23456`, `850412-1234`,
/// `131052-308T`, `12 345 678 901`, `1 84 12 76 451 089 46`, `(555) 123-4567`. Its length. Three or four groups with points
/// alone are a version or an address, and numbers with decimals are none of these.
pub(crate) fn pieces(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut groups, mut digits, mut longest) = (usize::from(bytes.first() == Some(&b'+')), 0, 0, 0);
    let (mut points, mut others) = (false, false);
    let end = loop {
        let run = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (groups, digits, longest, at) = (groups + 1, digits + run, run.max(longest), at + run);
        let gap: &[u8] = match bytes.get(at..).unwrap_or_default() {
            [b')', b' ', next, ..] if next.is_ascii_digit() => b") ",
            [b' ', b'-' | b'/', b' ', next, ..] if next.is_ascii_digit() => b" - ",
            [gap @ (b' ' | b'-' | b'.' | b'/' | b'+'), next, ..] if next.is_ascii_digit() => {
                std::slice::from_ref(gap)
            }
            _ => break at,
        };
        (points, others) = (points || gap == b".", others || gap != b".");
        at += gap.len();
    };
    let is_version = points && !others && (3..=4).contains(&groups);
    let is_one = groups > 1
        && (digits >= 8 || groups > 2 && digits >= 6)
        && digits <= 18
        && longest <= 7
        && !(points && others)
        && !is_version;
    // A check letter, in some countries' numbers.
    let rest = bytes.get(end..).unwrap_or_default();
    let letter = matches!(rest, [letter, ..] if letter.is_ascii_uppercase())
        && !rest.get(1).is_some_and(u8::is_ascii_alphanumeric);
    let ends = !rest.first().is_some_and(u8::is_ascii_alphanumeric);
    (is_one && (ends || letter)).then_some(end + usize::from(letter))
}

/// `(0010,0010)` or `(0010, 0010)` at the start of `text`: an attribute in a dump of a DICOM file.
pub(crate) fn dump(text: &str) -> Option<usize> {
    let hex = |part: &str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let group = text.strip_prefix(['(', '['])?.get(..5)?.strip_suffix(',')?;
    let gap = usize::from(text.get(6..7) == Some(" "));
    let element = text.get(6 + gap..10 + gap)?;
    let closes = matches!(text.as_bytes().get(10 + gap), Some(b')' | b']'));
    (hex(group) && hex(element) && closes).then_some(11 + gap)
}

/// Bytes written as hex digits with a sign between them at the start of `text`, `5a 6f 72`, `5A-6F-72`, `0x5a, 0x6f`,
/// `5a6f:7276`: their length, if they may spell somebody's name. More than a frame of a field bus has are a dump of a file or
/// of the network; fewer are one where three letters follow each other, zeros of UTF-16 between them or not.
pub(crate) fn octets(text: &str) -> Option<usize> {
    const FRAME: usize = 8;
    const LETTERS: usize = 3;
    const TIME: usize = 3;
    let (mut at, mut count, mut letters, mut most, mut is_hex) = (0, 0, 0, 0, false);
    let (mut sign, mut digits) = (None, None);
    while let Some(next) = text.get(at..).and_then(|rest| octet(rest, count == 0)) {
        // One that is written otherwise is another number.
        let is_same = *digits.get_or_insert(next.digits.len()) == next.digits.len()
            && (count == 0 || *sign.get_or_insert(next.sign) == next.sign);
        if !is_same {
            break;
        }
        for pair in next.digits.as_bytes().chunks(2) {
            let byte = std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok())?;
            letters = match byte {
                0 => letters,
                byte if byte.is_ascii_alphabetic() || byte >= 0xc0 => letters + 1,
                _ => 0,
            };
            (count, most) = (count + 1, most.max(letters));
        }
        is_hex |= next.is_marked || !next.digits.bytes().all(|digit| digit.is_ascii_digit());
        at += next.length;
    }
    // Three numbers between colons are a time of day.
    let is_spelled = is_hex || sign == Some(":") && count > TIME;
    (is_spelled && (is_hex && count > FRAME || most >= LETTERS)).then_some(at)
}

/// One or two bytes among others, and what stands before them.
struct Octet<'t> {
    /// The signs before it, without blanks around them.
    sign: &'t str,
    digits: &'t str,
    /// It says that it is hexadecimal: `0x5a`, `\x5a`, `5ah`.
    is_marked: bool,
    /// Of all of it, with what stands before it.
    length: usize,
}

fn octet(text: &str, is_first: bool) -> Option<Octet<'_>> {
    const GAP: usize = 3;
    let gap = match is_first {
        true => usize::from(text.starts_with("\\x")),
        false => text.bytes().take_while(|byte| byte.is_ascii() && !byte.is_ascii_alphanumeric()).count(),
    };
    let (sign, rest) = text.split_at_checked(gap).filter(|_| is_first || (1..=GAP).contains(&gap))?;
    let marks: &[&str] = if sign.ends_with('\\') { &["x"] } else { &["0x", "0X"] };
    let bare = marks.iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest);
    let digits = bare.bytes().take_while(u8::is_ascii_hexdigit).count();
    let digits = bare.get(..digits).filter(|digits| matches!(digits.len(), 2 | 4))?;
    let after = bare.get(digits.len()..)?;
    let behind = usize::from(after.starts_with(['h', 'H']));
    let ends = !after.get(behind..)?.starts_with(char::is_alphanumeric);
    let mark = rest.len() - bare.len();
    ends.then_some(Octet {
        sign: sign.trim_matches(' '),
        digits,
        is_marked: mark + behind > 0,
        length: gap + mark + digits.len() + behind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_tell_somebody_or_somewhere() {
        for (word, rule) in [
            ("anna@example.com", Rule::Email),
            ("https://pacs/x", Rule::Url),
            ("www.klinik.dk", Rule::Url),
            ("C:\\Users\\anna", Rule::Path),
            ("\\\\server\\share", Rule::Path),
            ("/home/anna", Rule::Path),
            ("scans/hansen/1.dcm", Rule::Path),
            ("192.168.1.20", Rule::Network),
            ("1.5.2.0", Rule::Network), // a version of four numbers is an address too
            ("192.168.1.20:104", Rule::Network),
            ("fe80::1", Rule::Network),
            ("00:1a:2b:3c:4d:5e", Rule::Network),
            ("ws-12.klinik.local:104", Rule::Network),
            ("1.2.826.0.1.3680043.8.498.1", Rule::Uid),
            ("6F9619FF-8B86-D011-B42D-00CF4FC964FF", Rule::Guid),
        ] {
            assert_eq!(of_word(word), Some(rule), "{word}");
        }
        for word in ["85", "4.2.1", "12/34", "read/write", "10:32:11", "detector", "X1-0001", "0x80070005"] {
            assert_eq!(of_word(word), None, "{word}");
        }
    }

    #[test]
    fn numbers_in_pieces_of_seven_countries_and_no_versions() {
        for text in [
            "110784 23456", // Norway
            "912 34 567",
            "850412-1234", // Sweden
            "070-123 45 67",
            "131052-308T", // Finland
            "040 123 4567",
            "12 345 678 901", // Germany
            "0171 1234567",
            "943 476 5919", // United Kingdom
            "020 7946 0958",
            "123-45-6789", // United States
            "555-123-4567",
            "1 84 12 76 451 089 46", // France
            "06.12.34.56.78",
        ] {
            assert_eq!(pieces(text), Some(text.len()), "{text}");
        }
        for text in
            ["31.0.15.3742", "1.25 2.50 3.75", "10.2.1.40", "12 34", "5000", "2/5", "402653184 bytes", "85"]
        {
            assert_eq!(pieces(text), None, "{text}");
        }
    }

    #[test]
    fn personal_and_telephone_numbers_need_no_modulus() {
        for text in [
            "010203-1234",
            "010203.1234",
            "0102031234",
            "010203 1234",
            "710203-1234",
            "010203-12A4",
            "0102031AB4,",
        ] {
            assert!(cpr(text).is_some(), "{text}");
        }
        for text in ["990203-1234", "019903-1234", "010203", "010203-123", "01020312345", "010203 abcd"] {
            assert_eq!(cpr(text), None, "{text}");
        }
        for text in ["+45 12 34 56 78", "12 34 56 78", "1234 5678", "+4512345678", "12-34-56-78"] {
            assert_eq!(phone(text), Some(text.len()), "{text}");
        }
        for text in ["12 34 56", "85", "12.34", "1042 17"] {
            assert_eq!(phone(text), None, "{text}");
        }
        assert_eq!(dump("(0010,0010) PN"), Some(11));
        assert_eq!(dump("(0010, 0010) Patient"), Some(12));
        assert_eq!(dump("(12,0010)"), None);
    }

    #[test]
    fn bytes_that_may_spell_a_name_are_no_numbers() {
        for (text, length) in [
            ("5a 6f 72 76 69 6b", Some(17)),
            ("5a 6f 72 76 69 6b is here", Some(17)),
            ("02  00  00  00  00  b8  00  01  00  00 ", Some(38)),
            // A frame of a field bus, numbers, and words.
            ("01 a4 00 3f 00 00 12 00", None),
            ("12 34 56 78 90 12 34 56 78 90", None),
            ("be de", None),
            ("5a6f72 76", None),
            // With any other sign between them, and however they say that they are hexadecimal.
            ("5A-6F-72-76-69-6B", Some(17)),
            ("5a:6f:72, 7", Some(8)),
            ("5a.6f.72.76.69.6b", Some(17)),
            ("5a_6f_72", Some(8)),
            ("5a,6f,72", Some(8)),
            ("5a, 6f, 72; x", Some(10)),
            ("0x5a, 0x6f, 0x72]", Some(16)),
            ("0x50 0x65 0x74", Some(14)),
            ("5Ah 6Fh 72h", Some(11)),
            ("\\x5a\\x6f\\x72", Some(12)),
            ("5a] [6f] [72", Some(12)),
            ("5a6f 7276 696b", Some(14)),
            ("5a-00-6f-00-72-00", Some(17)),
            ("50:65:74:65:72", Some(14)),
            // Times, days, versions, an address of hardware, identifiers of USB.
            ("10:45:50 de", None),
            ("41:55:59", None),
            ("2026-11-21 10:45:50", None),
            ("21.11.26", None),
            ("50.65.74.65", None),
            ("00:1a:2b:3c:4d:5e", None),
            ("046d c52b", None),
            ("0x8007, 0x0005", None),
            ("", None),
        ] {
            assert_eq!(octets(text), length, "{text}");
        }
    }
}
