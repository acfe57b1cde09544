//! What an attribute may say: a number with a range, a word of a closed list, a version. No text.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::identity::Reason;

/// One attribute of an event or of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// As Kathea writes it, and as exports show it.
    pub name: String,
    /// What it may say.
    pub kind: AttributeKind,
    /// An event may omit it; never true in an entry.
    pub optional: bool,
    /// In a state: part of what tells its rows apart (which panel, which volume).
    pub key: bool,
}

/// What an attribute may say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeKind {
    /// A number, kept as an integer: `value * 10^decimals`, and so are the limits here.
    Integer {
        /// Unit of the value as Kathea writes it; empty for a bare number.
        unit: String,
        /// Smallest, inclusive.
        min: u64,
        /// Largest, inclusive.
        max: u64,
        /// Values are rounded down to a multiple.
        step: u64,
        /// Decimals that Kathea may write.
        decimals: u8,
    },
    /// A word of a closed list; kept as its index.
    Enumeration {
        /// The list; new words go to its end.
        values: Vec<String>,
    },
    /// Up to four numbers below 65,536 with dots between; kept as four 16-bit fields, the first
    /// in the highest bits.
    Version,
}

/// A JSON number as its parser gives it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Written without sign, point and exponent.
    Unsigned(u64),
    /// A negative integer: outside every range.
    Negative,
    /// Anything else.
    Decimal(f64),
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::Unsigned(value)
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        u64::try_from(value).map_or(Self::Negative, Self::Unsigned)
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self::Decimal(value)
    }
}

impl Number {
    /// `self * 10^decimals`, if that is a whole number. Below zero counts as out of range.
    pub(super) fn scaled(self, decimals: u8) -> Result<u64, Reason> {
        let scale = 10_u64.pow(u32::from(decimals));
        match self {
            Self::Unsigned(value) => value.checked_mul(scale).ok_or(Reason::OutOfRange),
            Self::Negative => Err(Reason::OutOfRange),
            Self::Decimal(value) => {
                let scaled = value * scale as f64;
                // Above 2^53 a double no longer tells neighbouring integers apart.
                if !(0.0..9_007_199_254_740_992.0).contains(&scaled) {
                    return Err(Reason::OutOfRange);
                }
                // 1.1 * 10.0 is 11.000000000000002: what is off by rounding only is whole.
                let whole = scaled.round();
                if (scaled - whole).abs() > 1e-6 { Err(Reason::BadType) } else { Ok(whole as u64) }
            }
        }
    }
}

impl AttributeKind {
    /// The value to keep for a JSON number, rounded down to the step.
    ///
    /// # Errors
    /// [`Reason::BadType`] if no number is wanted or it has more decimals than the attribute,
    /// [`Reason::OutOfRange`].
    pub fn check_number(&self, number: impl Into<Number>) -> Result<u64, Reason> {
        let Self::Integer { min, max, step, decimals, .. } = self else { return Err(Reason::BadType) };
        let value = number.into().scaled(*decimals)?;
        if value < *min || value > *max {
            return Err(Reason::OutOfRange);
        }
        Ok(value - value % step)
    }

    /// The value to keep for a JSON string.
    ///
    /// # Errors
    /// [`Reason::BadType`] if a number is wanted, [`Reason::OutOfRange`] for a word that is not on
    /// the list or a text that is not a version.
    pub fn check_text(&self, text: &str) -> Result<u64, Reason> {
        match self {
            Self::Integer { .. } => Err(Reason::BadType),
            Self::Enumeration { values } => values
                .iter()
                .position(|word| word == text)
                .map(|index| index as u64)
                .ok_or(Reason::OutOfRange),
            Self::Version => parse_version(text).ok_or(Reason::OutOfRange),
        }
    }

    /// A kept value as a person or an export reads it. A value that the kind cannot have (another
    /// catalog's) is shown as the number it is.
    pub fn show(&self, value: u64) -> Shown<'_> {
        match self {
            Self::Integer { decimals: 0, .. } => Shown::Integer(value),
            Self::Integer { decimals, .. } => {
                Shown::Decimal(value as f64 / 10_f64.powi(i32::from(*decimals)))
            }
            Self::Enumeration { values } => match values.get(value as usize) {
                Some(word) => Shown::Text(Cow::Borrowed(word)),
                None => Shown::Integer(value),
            },
            Self::Version => Shown::Text(Cow::Owned(version_text(value))),
        }
    }
}

/// A value as a person or an export reads it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Shown<'a> {
    /// An enumeration's word, a version.
    Text(Cow<'a, str>),
    /// A whole number.
    Integer(u64),
    /// A number with the attribute's decimals.
    Decimal(f64),
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Integer(value) => value.fmt(f),
            Self::Decimal(value) => value.fmt(f),
        }
    }
}

fn parse_version(text: &str) -> Option<u64> {
    let mut fields = 0;
    let mut version = 0_u64;
    for field in text.split('.') {
        // `parse` alone would take a sign.
        if !field.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        fields += 1;
        version = version << 16 | u64::from(field.parse::<u16>().ok()?);
    }
    (1..=4).contains(&fields).then(|| version << (16 * (4 - fields)))
}

fn version_text(version: u64) -> String {
    let field = |n: u32| version >> (48 - 16 * n) & 0xffff;
    match field(3) {
        0 => format!("{}.{}.{}", field(0), field(1), field(2)),
        last => format!("{}.{}.{}.{last}", field(0), field(1), field(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds() -> AttributeKind {
        AttributeKind::Integer { unit: "s".to_owned(), min: 1, max: 400, step: 1, decimals: 1 }
    }

    #[test]
    fn numbers_keep_their_range_and_decimals() {
        assert_eq!(seconds().check_number(0.1), Ok(1));
        assert_eq!(seconds().check_number(1.1), Ok(11));
        assert_eq!(seconds().check_number(40_u64), Ok(400));
        assert_eq!(seconds().check_number(40.1), Err(Reason::OutOfRange));
        assert_eq!(seconds().check_number(0_u64), Err(Reason::OutOfRange));
        assert_eq!(seconds().check_number(-1_i64), Err(Reason::OutOfRange));
        assert_eq!(seconds().check_number(u64::MAX), Err(Reason::OutOfRange));
        assert_eq!(seconds().check_number(f64::NAN), Err(Reason::OutOfRange));
        assert_eq!(seconds().check_number(1.25), Err(Reason::BadType));
        assert_eq!(seconds().check_text("40"), Err(Reason::BadType));
        assert_eq!(seconds().show(125).to_string(), "12.5");
    }

    #[test]
    fn a_step_rounds_down() {
        let hundreds =
            AttributeKind::Integer { unit: String::new(), min: 0, max: 1000, step: 100, decimals: 0 };
        assert_eq!(hundreds.check_number(199_u64), Ok(100));
    }

    #[test]
    fn words_are_those_of_the_list() {
        let kind = AttributeKind::Enumeration { values: vec!["off".to_owned(), "on".to_owned()] };
        assert_eq!(kind.check_text("on"), Ok(1));
        assert_eq!(kind.check_text("On"), Err(Reason::OutOfRange));
        assert_eq!(kind.check_number(1_u64), Err(Reason::BadType));
        assert_eq!(kind.show(1), Shown::Text("on".into()));
        assert_eq!(kind.show(2), Shown::Integer(2));
    }

    #[test]
    fn versions_have_up_to_four_fields() {
        let version = |text| AttributeKind::Version.check_text(text);
        assert_eq!(version("10.0.19045.5131"), Ok(0x000a_0000_4a65_140b));
        assert_eq!(version("2.7"), Ok(0x0002_0007_0000_0000));
        for bad in ["", "1.", "1.2.3.4.5", "65536", "1.-2", "1.+2", "v1", "1.2-rc"] {
            assert_eq!(version(bad), Err(Reason::OutOfRange), "{bad}");
        }
        for text in ["10.0.19045.5131", "2.7.0", "0.1.0"] {
            assert_eq!(AttributeKind::Version.show(version(text).unwrap()).to_string(), text);
        }
    }
}
