//! Values (PS3.5 section 6.2): from bytes to the text in the output.

use dicom_core::header::VR;

use super::header::Header;
use super::json;
use super::outcome::Screen;
use super::rules::{Expected, Handling};
use crate::case::Case;
use crate::limits;

/// What became of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// The same, as JSON.
    Kept(String),
    /// Something else, as JSON.
    Replaced(String),
    /// It names somebody who was learned.
    Names,
    /// It is not what its rule expects.
    Unfit,
}

/// By what a value is judged.
pub(super) struct Judge<'a> {
    pub(super) case: &'a Case,
    pub(super) screen: &'a dyn Screen,
}

impl Judge<'_> {
    /// The fates of an attribute's values, which `text` decodes.
    pub(super) fn fates(&self, expected: &Expected, header: &Header, bytes: &[u8], text: &str) -> Vec<Fate> {
        let vr = expected.vr;
        if is_text(vr) {
            let fits = header.vr.is_none_or(|written| written == VR::UN || is_text(written));
            return values(vr, text)
                .map(|value| if fits { self.text(expected, value) } else { Fate::Unfit })
                .collect();
        }
        // Bytes of unknown representation have no known order either, unless it is the usual one.
        let fits =
            header.vr.is_none_or(|written| written == vr || (written == VR::UN && !header.encoding.big));
        let Some(width) = width(vr).filter(|_| fits) else { return vec![Fate::Unfit] };
        let value = |bytes: &[u8]| {
            let value = match expected.handling {
                Handling::Tag => tag(bytes, header).map(Fate::Kept),
                _ => binary(vr, bytes, header).map(|value| self.number(expected, value)),
            };
            value.unwrap_or(Fate::Unfit)
        };
        bytes.chunks(width).map(value).collect()
    }

    fn text(&self, expected: &Expected, value: &str) -> Fate {
        let vr = expected.vr;
        // A UID has no words: only its form tells.
        let is_known = || vr == VR::UI || expected.has_term(value) || self.screen.is_own(value);
        let found = match expected.handling {
            _ if value.is_empty() => Some(Fate::Kept(json::NULL.to_owned())),
            Handling::Keep if !is_short_text(vr, value) => None,
            Handling::Code if !is_code(value) => None,
            Handling::Keep | Handling::Code if self.screen.identifies(value) => Some(Fate::Names),
            Handling::Keep | Handling::Code => is_known().then(|| Fate::Kept(json::string(value))),
            Handling::Number => decimal(vr, value).map(|number| self.number(expected, number)),
            Handling::Uid => Some(replaced(value, self.case.uid(value))),
            Handling::Date => self.date(value).map(|date| Fate::Replaced(json::string(&date))),
            Handling::DateTime => self.date_time(value).map(|moment| Fate::Replaced(json::string(&moment))),
            Handling::Time => time(value).map(|time| Fate::Kept(json::string(&time))),
            Handling::Descriptor if value.len() > limits::DICOM_DESCRIPTOR => None,
            Handling::Descriptor => Some(match self.screen.descriptor(value) {
                None => Fate::Kept(json::string(value)),
                Some(clean) => Fate::Replaced(json::string(&clean)),
            }),
            Handling::Age => age(value).map(|age| replaced(value, age)),
            Handling::Pseudonym => {
                let pseudonym = self.case.pseudonym(value, |drawn| self.screen.identifies(drawn));
                Some(Fate::Replaced(json::string(&pseudonym)))
            }
            Handling::Tag | Handling::Sequence => None,
        };
        found.unwrap_or(Fate::Unfit)
    }

    /// A number that such an attribute may have, unless its digits are those of a person.
    fn number(&self, expected: &Expected, number: String) -> Fate {
        if !number.parse().is_ok_and(|number| expected.is_within(number)) {
            return Fate::Unfit;
        }
        if number.len() >= limits::DICOM_TELLING_DIGITS && self.screen.identifies(&number) {
            return Fate::Names;
        }
        Fate::Kept(number)
    }

    /// DA, also in its form before 1993 with full stops, and with hyphens.
    fn date(&self, value: &str) -> Option<String> {
        let digits: String = value.chars().filter(|letter| !['.', '-'].contains(letter)).collect();
        if digits.len() != 8 || !is_digits(&digits) {
            return None;
        }
        let (year, month, day) = (digits.get(..4)?, digits.get(4..6)?, digits.get(6..)?);
        let moved = self.case.shift_date(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        let (year, month, day) = moved.filter(|(year, ..)| (1..=9999).contains(year))?;
        Some(format!("{year:04}{month:02}{day:02}"))
    }

    /// DT, which needs its day to be moved; its offset from UTC would tell a region.
    fn date_time(&self, value: &str) -> Option<String> {
        let date = self.date(value.get(..8)?)?;
        let rest = value.get(8..)?;
        let rest = rest.split(['+', '-']).next()?;
        if rest.is_empty() { Some(date) } else { Some(format!("{date}{}", time(rest)?)) }
    }
}

/// The values of a text, trimmed (PS3.5 6.2 and 6.4).
pub(super) fn values(vr: VR, text: &str) -> impl Iterator<Item = &str> {
    let whole = matches!(vr, VR::LT | VR::ST | VR::UT | VR::UR);
    let text = text.trim_end_matches(['\0', ' ']);
    let parts = text.split(move |letter| !whole && letter == '\\');
    parts.map(|part| part.trim_matches([' ', '\0'])).filter(move |_| !text.is_empty())
}

/// Whether values of this representation are written in characters.
pub(super) fn is_text(vr: VR) -> bool {
    width(vr).is_none()
        && !matches!(vr, VR::OB | VR::OW | VR::OD | VR::OF | VR::OL | VR::OV | VR::SQ | VR::UN)
}

/// Bytes of one binary number.
fn width(vr: VR) -> Option<usize> {
    match vr {
        VR::US | VR::SS => Some(2),
        VR::AT | VR::UL | VR::SL | VR::FL => Some(4),
        VR::FD | VR::UV | VR::SV => Some(8),
        _ => None,
    }
}

fn binary(vr: VR, bytes: &[u8], header: &Header) -> Option<String> {
    match vr {
        VR::US => Some(json::number(u16::from_le_bytes(ordered(bytes, header)?))),
        VR::SS => Some(json::number(i16::from_le_bytes(ordered(bytes, header)?))),
        VR::UL => Some(json::number(u32::from_le_bytes(ordered(bytes, header)?))),
        VR::SL => Some(json::number(i32::from_le_bytes(ordered(bytes, header)?))),
        // Through its own shortest digits: as a double it would gain some.
        VR::FL => f32::from_le_bytes(ordered(bytes, header)?).to_string().parse().ok().and_then(finite),
        VR::FD => finite(f64::from_le_bytes(ordered(bytes, header)?)),
        VR::UV => Some(json::number(u64::from_le_bytes(ordered(bytes, header)?))),
        VR::SV => Some(json::number(i64::from_le_bytes(ordered(bytes, header)?))),
        _ => None,
    }
}

/// A tag: eight hex digits (PS3.18 F.2.3).
fn tag(bytes: &[u8], header: &Header) -> Option<String> {
    let group = u16::from_le_bytes(ordered(bytes.get(..2)?, header)?);
    let element = u16::from_le_bytes(ordered(bytes.get(2..)?, header)?);
    Some(json::string(&format!("{group:04X}{element:04X}")))
}

fn ordered<const N: usize>(bytes: &[u8], header: &Header) -> Option<[u8; N]> {
    let mut bytes: [u8; N] = bytes.try_into().ok()?;
    if header.encoding.big {
        bytes.reverse();
    }
    Some(bytes)
}

/// DS and IS as the number they are.
fn decimal(vr: VR, value: &str) -> Option<String> {
    let value = value.strip_prefix('+').unwrap_or(value);
    if value.len() > limits::DICOM_DECIMAL
        || value.bytes().any(|byte| byte.is_ascii_alphabetic() && !b"eE".contains(&byte))
    {
        return None;
    }
    match value.parse::<i64>() {
        Ok(number) => Some(json::number(number)),
        Err(_) if vr == VR::IS => None,
        Err(_) => value.parse().ok().and_then(finite),
    }
}

fn finite(number: f64) -> Option<String> {
    number.is_finite().then(|| json::number(number))
}

fn replaced(before: &str, after: String) -> Fate {
    if before == after { Fate::Kept(json::string(&after)) } else { Fate::Replaced(json::string(&after)) }
}

fn is_short_text(vr: VR, value: &str) -> bool {
    let fits = vr != VR::UI || value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    fits && value.len() <= limits::DICOM_SHORT
        && !value.contains(|letter: char| letter.is_control() || letter == '\u{FFFD}')
}

/// CS (PS3.5 table 6.2-1).
fn is_code(value: &str) -> bool {
    value.len() <= 16 && value.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_' | b' '))
}

/// TM, also in its form before 1993 with colons: `HH[MM[SS[.FFFFFF]]]`.
fn time(value: &str) -> Option<String> {
    let value = value.replace(':', "");
    let (clock, fraction) = value.split_once('.').unwrap_or((&value, ""));
    let bounds = [24, 60, 61];
    let fits = clock.as_bytes().chunks(2).zip(bounds).all(|(pair, bound)| {
        matches!(pair, [b'0'..=b'9', b'0'..=b'9'])
            && std::str::from_utf8(pair).is_ok_and(|pair| pair.parse().is_ok_and(|number: u8| number < bound))
    });
    let whole = fits && matches!(clock.len(), 2 | 4 | 6) && fraction.len() <= 6 && is_digits(fraction);
    (whole && (fraction.is_empty() || clock.len() == 6)).then_some(value)
}

/// AS, down to five years and up to ninety, so that it tells a dose but nobody.
fn age(value: &str) -> Option<String> {
    let (number, unit) = value.split_at_checked(3)?;
    let number: u16 = number.parse().ok().filter(|_| is_digits(number))?;
    let years = match unit {
        "Y" => Some(number),
        "M" => Some(number / 12),
        "W" => Some(number / 52),
        "D" => Some(number / 365),
        _ => None,
    };
    Some(format!("{:03}Y", (years? / 5 * 5).min(90)))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}
