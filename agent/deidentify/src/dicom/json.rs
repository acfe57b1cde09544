//! The DICOM JSON model (PS3.18 annex F): written as text, and read again to be shown.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// A data set or item, its attributes by their tags. serde_json bounds the depth of what is read.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct DataSet(pub BTreeMap<String, Attribute>);

/// An attribute.
#[derive(Debug, Deserialize)]
pub struct Attribute {
    /// Its value representation.
    #[serde(default)]
    pub vr: String,
    /// Its values; an item each where it is a sequence.
    #[serde(default, rename = "Value")]
    pub values: Vec<Value>,
}

impl Attribute {
    /// Whether its values are items (PS3.5 section 7.5).
    pub fn is_sequence(&self) -> bool {
        self.vr == "SQ"
    }
}

/// `values` as the value of an attribute of representation `vr`; without any it is an empty attribute.
pub(super) fn attribute(vr: &str, values: &[String]) -> String {
    if values.iter().all(|value| value == NULL) {
        return format!(r#"{{"vr":"{vr}"}}"#);
    }
    let mut text = format!(r#"{{"vr":"{vr}","Value":["#);
    text.reserve(values.iter().map(|value| value.len() + 1).sum::<usize>() + 1);
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(value);
    }
    text.push_str("]}");
    text
}

/// What stands for an empty value among others (PS3.18 F.2.5).
pub(super) const NULL: &str = "null";

/// A text.
pub(super) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A number; `null` if it is none that JSON can write.
pub(super) fn number(number: impl Into<serde_json::Value>) -> String {
    number.into().to_string()
}

/// A data set or item from its attributes, which have to come in ascending order of their tags (F.2.2).
pub(super) fn object<'a>(attributes: impl IntoIterator<Item = (dicom_core::Tag, &'a str)>) -> String {
    let mut text = String::from("{");
    for (tag, attribute) in attributes {
        if text.len() > 1 {
            text.push(',');
        }
        text.push_str(&format!(r#""{:04X}{:04X}":{attribute}"#, tag.group(), tag.element()));
    }
    text.push('}');
    text
}
