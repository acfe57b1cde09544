//! The final scan: every value of a finished output, one at a time, is searched for every identifier that was learned.
//!
//! ```text
//! values   an output as its values: lines, cells, strings and numbers of JSON, texts and attributes of XML
//! value    what of one value is somebody's
//! ```
//!
//! What is found is cut out and the output searched again; where something stays, the output is quarantined.

mod value;
mod values;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::case::Case;
use super::identifiers::{Identifiers, Kind, View};
use super::text::Rule;
use values::{Form, Value};

/// How an output is divided into values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Lines of text; one that is JSON is divided as such.
    Lines,
    /// Lines of numbers between commas, semicolons or tabs.
    Numbers,
    /// JSON whose keys come from outside as well.
    Json,
    /// JSON whose keys this program wrote.
    OwnKeys,
    /// The DICOM JSON model.
    Dicom,
    /// XML.
    Xml,
}

/// Where an identifier was found, without saying which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What it tells.
    pub kind: Kind,
    /// The line of the output, from 1.
    pub line: u64,
    /// The attribute of a DICOM file.
    pub tag: Option<u32>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.kind.as_str();
        match self.tag {
            Some(tag) => write!(f, "{rule} in attribute ({:04X},{:04X})", tag >> 16, tag & 0xffff),
            None => write!(f, "{rule} in line {}", self.line),
        }
    }
}

/// A scan of one output.
#[derive(Debug)]
pub struct Scan<'a> {
    identifiers: &'a Identifiers,
    /// The case whose moved dates are not taken for somebody's birthday.
    case: &'a Case,
    view: View,
    /// Lines of the output before what is scanned next.
    lines: u64,
}

/// What stands in the place of a text in which something was found, and what that was.
#[derive(Debug, PartialEq, Eq)]
pub struct Scrubbed {
    /// The text without it.
    pub text: String,
    /// Each of what was found.
    pub kinds: Vec<Kind>,
}

impl<'a> Scan<'a> {
    /// A scan for all that was learned, of an output that `case` wrote.
    pub fn new(identifiers: &'a Identifiers, case: &'a Case) -> Self {
        Self { identifiers, case, view: View::default(), lines: 0 }
    }

    /// Scans the next whole lines of the output, or all of it. What is found is cut out.
    ///
    /// # Errors
    /// What is still there then.
    pub fn pass(&mut self, text: &str, layout: Layout) -> Result<Option<Scrubbed>, Finding> {
        let edits = self.edits(text, layout);
        let mut scrubbed = None;
        if !edits.is_empty() {
            let kinds = edits.iter().map(|edit| edit.finding.kind).collect();
            let text = applied(text, &edits).ok_or_else(|| edits.first().map(|edit| edit.finding));
            let text = text.map_err(|finding| finding.unwrap_or(self.nowhere()))?;
            if let Some(edit) = self.edits(&text, layout).first() {
                return Err(edit.finding);
            }
            scrubbed = Some(Scrubbed { text, kinds });
        }
        self.lines += newlines(text);
        Ok(scrubbed)
    }

    /// What is to be cut out of `text`, in its order.
    fn edits(&mut self, text: &str, layout: Layout) -> Vec<Edit> {
        let mut edits = Vec::new();
        let births = if layout == Layout::Lines { value::days(self.identifiers, text) } else { Vec::new() };
        let (mut counted, mut line) = (0, self.lines + 1);
        values::each(text, layout, &mut |value| {
            let found = value::find(self.identifiers, self.case, &mut self.view, &value, &births);
            let Some(kind) = found.kind() else { return };
            line += newlines(text.get(counted..value.range.start).unwrap_or_default());
            counted = value.range.start;
            let finding = Finding { kind, line, tag: value.tag };
            edits.push(Edit { range: value.range.clone(), with: replacement(&value, &found), finding });
        });
        edits
    }

    fn nowhere(&self) -> Finding {
        Finding { kind: Kind::Remark, line: self.lines + 1, tag: None }
    }
}

/// A part of an output and what takes its place; `None` where nothing can.
struct Edit {
    range: Range<usize>,
    with: Option<String>,
    finding: Finding,
}

/// The text with all of `edits`, which are in its order; `None` if one is not possible.
fn applied(text: &str, edits: &[Edit]) -> Option<String> {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for edit in edits {
        out.push_str(text.get(at..edit.range.start)?);
        out.push_str(edit.with.as_ref()?);
        at = edit.range.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

/// What takes the place of a value, as its form is written.
fn replacement(value: &Value<'_>, found: &value::Found) -> Option<String> {
    let without = || match found {
        value::Found::Parts(parts) => {
            let (mut out, mut at) = (String::new(), 0);
            for (range, kind) in parts {
                out.push_str(value.text.get(at..range.start).unwrap_or_default());
                out.push_str(Rule::Learned(*kind).placeholder());
                at = range.end;
            }
            out.push_str(value.text.get(at..).unwrap_or_default());
            out
        }
        value::Found::Whole(kind) => Rule::Learned(*kind).placeholder().to_owned(),
        value::Found::Nothing => value.text.clone().into_owned(),
    };
    match value.form {
        Form::Plain => Some(without()),
        Form::Cell => Some(String::new()),
        Form::JsonText => serde_json::to_string(&without()).ok(),
        Form::JsonNumber => Some("null".to_owned()),
        Form::XmlText => Some(quick_xml::escape::escape(without()).into_owned()),
        Form::Key => None,
    }
}

fn newlines(text: &str) -> u64 {
    memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64
}

/// The first that is found in a finished `output`, of bytes that should be UTF-8.
pub fn search(output: &[u8], layout: Layout, identifiers: &Identifiers, case: &Case) -> Option<Finding> {
    let text: Cow<'_, str> = String::from_utf8_lossy(output);
    Scan::new(identifiers, case).edits(&text, layout).first().map(|edit| edit.finding)
}

#[cfg(test)]
mod tests;
