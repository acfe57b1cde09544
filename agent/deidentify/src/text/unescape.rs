//! Escapes that programs put into text: JSON's `\u`, XML and HTML entities, percent signs, quoted-printable.

use std::borrow::Cow;

/// Entities beyond XML's five that hide a letter of a name or a separator of a date.
const ENTITIES: &[(&str, char)] = &[
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("nbsp", ' '),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("shy", '-'),
    ("dash", '-'),
    ("hyphen", '-'),
    ("ndash", '-'),
    ("mdash", '-'),
    ("horbar", '-'),
    ("minus", '-'),
    ("sol", '/'),
    ("bsol", '/'),
    ("period", '.'),
    ("comma", ','),
    ("colon", ':'),
    ("semi", ';'),
    ("vert", '|'),
    ("lowbar", '_'),
    ("lsquo", '\''),
    ("rsquo", '\''),
    ("aelig", 'æ'),
    ("AElig", 'Æ'),
    ("oslash", 'ø'),
    ("Oslash", 'Ø'),
    ("aring", 'å'),
    ("Aring", 'Å'),
    ("auml", 'ä'),
    ("Auml", 'Ä'),
    ("ouml", 'ö'),
    ("Ouml", 'Ö'),
    ("uuml", 'ü'),
    ("Uuml", 'Ü'),
    ("szlig", 'ß'),
    ("eacute", 'é'),
    ("Eacute", 'É'),
    ("egrave", 'è'),
    ("agrave", 'à'),
    ("ccedil", 'ç'),
    ("ntilde", 'ñ'),
    ("iacute", 'í'),
    ("oacute", 'ó'),
];
/// How often a text may have been escaped over.
const LAYERS: usize = 4;

/// The text without escapes, however often it was escaped.
pub(crate) fn unescape(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    for _ in 0..LAYERS {
        match once(&text) {
            Some(next) => text = Cow::Owned(next),
            None => break,
        }
    }
    text
}

/// One layer of escapes less, or `None` if there is none.
fn once(text: &str) -> Option<String> {
    let mut out: Option<String> = None;
    let (mut at, mut copied) = (0, 0);
    while let Some(mark) = text.as_bytes().get(at..).and_then(next_mark) {
        at += mark;
        let rest = text.get(at..)?;
        match escape(rest, text.get(..at)?) {
            Some((decoded, length)) => {
                let out = out.get_or_insert_with(|| String::with_capacity(text.len()));
                out.push_str(text.get(copied..at)?);
                out.push_str(&decoded);
                at += length;
                copied = at;
            }
            None => at += 1,
        }
    }
    let mut out = out?;
    out.push_str(text.get(copied..)?);
    Some(out)
}

/// Where the next character stands with which an escape begins.
fn next_mark(text: &[u8]) -> Option<usize> {
    let last = memchr::memchr(b'=', text);
    let before = text.get(..last.unwrap_or(text.len())).unwrap_or_default();
    memchr::memchr3(b'\\', b'&', b'%', before).or(last)
}

/// What the escape at the start of `rest` stands for, and its length.
fn escape(rest: &str, before: &str) -> Option<(String, usize)> {
    match rest.as_bytes() {
        [b'\\', b'u', ..] => unicode(rest),
        [b'\\', b'x', ..] => {
            let byte = byte(rest, 2)?;
            Some((printable(byte)?.to_string(), 4))
        }
        [b'&', ..] => entity(rest),
        [b'%', ..] => octets(rest, "%", 1),
        [b'=', ..] => octets(rest, "=", 2).or_else(|| {
            let letter =
                printable(byte(rest, 1)?).filter(|letter| letter.is_alphabetic() && !letter.is_ascii())?;
            let inside =
                before.ends_with(char::is_alphabetic) && rest.get(3..)?.starts_with(char::is_alphabetic);
            inside.then(|| (letter.to_string(), 3))
        }),
        _ => None,
    }
}

/// `\u00e6`, or two for a character beyond the first plane (RFC 8259, section 7).
fn unicode(rest: &str) -> Option<(String, usize)> {
    let unit = |at: usize| u16::from_str_radix(rest.get(at..at + 4)?, 16).ok();
    let first = unit(2)?;
    let pair = if rest.get(6..8) == Some("\\u") { unit(8) } else { None };
    let units = [first, pair.unwrap_or_default()];
    let (units, length) = match pair {
        Some(_) if (0xd800..0xdc00).contains(&first) => (units.as_slice(), 12),
        _ => (units.get(..1)?, 6),
    };
    let decoded: String = char::decode_utf16(units.iter().copied()).map(|unit| unit.unwrap_or(' ')).collect();
    Some((decoded.replace(char::is_control, " "), length))
}

fn entity(rest: &str) -> Option<(String, usize)> {
    let end = rest.as_bytes().iter().take(10).position(|byte| *byte == b';')?;
    let name = rest.get(1..end)?;
    let character = match name.strip_prefix('#') {
        Some(number) => {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(number).map(|character| if character.is_control() { ' ' } else { character })?
        }
        None => ENTITIES.iter().find(|(known, _)| *known == name)?.1,
    };
    Some((character.to_string(), end + 1))
}

/// Bytes written as `mark` and two hex digits each, at least `least` of them, as UTF-8 or else Latin-1.
fn octets(rest: &str, mark: &str, least: usize) -> Option<(String, usize)> {
    let mut bytes = Vec::new();
    while rest.get(bytes.len() * 3..).is_some_and(|rest| rest.starts_with(mark)) {
        match byte(rest, bytes.len() * 3 + 1) {
            Some(byte) => bytes.push(byte),
            None => break,
        }
    }
    if bytes.len() < least {
        return None;
    }
    let length = bytes.len() * 3;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => error.into_bytes().into_iter().map(char::from).collect(),
    };
    Some((text.replace(char::is_control, " "), length))
}

fn byte(text: &str, at: usize) -> Option<u8> {
    let digits = text.get(at..at + 2)?;
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| u8::from_str_radix(digits, 16).ok())?
}

fn printable(byte: u8) -> Option<char> {
    let character = char::from(byte);
    (!character.is_control()).then_some(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_escape_of_a_letter_is_undone() {
        for escaped in [
            "S\\u00f8ren",
            "S&oslash;ren",
            "S&#248;ren",
            "S&#xf8;ren",
            "S%C3%B8ren",
            "S%F8ren",
            "S=C3=B8ren",
            "S=F8ren",
            "S\\xf8ren",
            "S%25C3%25B8ren",
            "S\\u005cu00f8ren",
            "S&amp;#248;ren",
        ] {
            assert_eq!(unescape(escaped), "Søren", "{escaped}");
        }
        assert_eq!(unescape("\\ud83e\\uddb7"), "🦷");
    }

    #[test]
    fn what_is_no_escape_stays_and_nothing_is_copied() {
        for text in ["kV=85 mA=5", "at 50% of", "C:\\users", "a & b", "&", "\\u12", "%", "=", "&#xfffffff;"] {
            let plain = unescape(text);
            assert!(matches!(plain, Cow::Borrowed(_)), "{text} became {plain}");
        }
        assert_eq!(unescape("\\ud800"), " ", "half of a pair is no character, and no escape either");
    }
}
