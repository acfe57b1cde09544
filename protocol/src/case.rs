//! The ID of a support case, the same at the clinic and the vendor.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// Longest case number, in bytes.
const MAX: usize = 32;

/// A support case: 2 to 32 capital letters, digits and hyphens, no hyphen first. Nobody's name fits by accident:
/// the vendor's support gives it out, and it is shown wherever the case is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct CaseId(String);

/// A text that is no case number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a case number is 2 to 32 capital letters, digits and hyphens, as CASE-1042")]
pub struct NoCaseId;

impl CaseId {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CaseId {
    type Err = NoCaseId;

    fn from_str(text: &str) -> Result<Self, NoCaseId> {
        let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
        let fits = (2..=MAX).contains(&text.len())
            && text.bytes().all(|byte| is_plain(byte) || byte == b'-')
            && !text.starts_with('-');
        if fits { Ok(Self(text.to_owned())) } else { Err(NoCaseId) }
    }
}

impl<'de> Deserialize<'de> for CaseId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_number_is_of_one_form_only() {
        for good in ["A1", "CASE-1042", "9-", &"X".repeat(32)] {
            assert_eq!(good.parse::<CaseId>().unwrap().as_str(), good);
        }
        for bad in ["", "A", "-A", "case-1", "A B", "A_1", "A/1", "Å1", "A1\n", &"X".repeat(33)] {
            assert_eq!(bad.parse::<CaseId>(), Err(NoCaseId), "{bad:?}");
        }
        assert!(serde_json::from_str::<CaseId>("\"a1\"").is_err());
        assert_eq!(serde_json::to_string(&"A1".parse::<CaseId>().unwrap()).unwrap(), "\"A1\"");
    }
}
