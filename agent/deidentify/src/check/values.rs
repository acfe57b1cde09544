//! An output file as a sequence of values. If it is not well-formed, the whole file is one value.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

use super::Layout;

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Plain,
    /// A number among others in a line.
    Cell,
    JsonText,
    JsonNumber,
    XmlText,
    /// A key of JSON, a name of XML: nothing can take its place.
    Key,
}

/// One value.
#[derive(Debug)]
pub(super) struct Value<'t> {
    /// Its bytes in the output, with quotes if it has some.
    pub(super) range: Range<usize>,
    /// What it says.
    pub(super) text: Cow<'t, str>,
    pub(super) form: Form,
    /// The attribute of a DICOM file that it is of.
    pub(super) tag: Option<u32>,
}

/// Attributes whose values are the same in every output: how it was de-identified.
const OWN: [u32; 2] = [0x0012_0063, 0x0012_0064];

/// Calls `each` with every value of `text`.
pub(super) fn each<'t>(text: &'t str, layout: Layout, each: &mut dyn FnMut(Value<'t>)) {
    match layout {
        Layout::Lines => lines(text, each),
        Layout::Numbers => cells(text, each),
        Layout::Json | Layout::OwnKeys | Layout::Dicom => json(text, 0, layout, each),
        Layout::Xml => xml(text, each),
    }
}

fn plain<'t>(text: &'t str, range: Range<usize>, form: Form, each: &mut dyn FnMut(Value<'t>)) {
    let part = text.get(range.clone()).unwrap_or_default();
    if !part.trim().is_empty() {
        each(Value { range, text: Cow::Borrowed(part), form, tag: None });
    }
}

fn lines<'t>(text: &'t str, each: &mut dyn FnMut(Value<'t>)) {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        if bare.starts_with('{') && serde_json::from_str::<IgnoredAny>(bare).is_ok() {
            json(text.get(..at + bare.len()).unwrap_or_default(), at, Layout::Json, each);
        } else {
            plain(text, at..at + bare.len(), Form::Plain, each);
        }
        at += line.len();
    }
}

fn cells<'t>(text: &'t str, each: &mut dyn FnMut(Value<'t>)) {
    let mut at = 0;
    for cell in text.split_inclusive([',', ';', '\t', '\n']) {
        let bare = cell.trim_end_matches([',', ';', '\t', '\n', '\r']);
        plain(text, at..at + bare.len(), Form::Cell, each);
        at += cell.len();
    }
}

/// Strings and numbers of JSON from `at` on.
fn json<'t>(text: &'t str, mut at: usize, layout: Layout, each: &mut dyn FnMut(Value<'t>)) {
    let bytes = text.as_bytes();
    let (mut depth, mut tag, mut top) = (0_usize, None, None);
    while let Some(byte) = bytes.get(at) {
        let start = at;
        match byte {
            b'"' => {
                at = string_end(bytes, at);
                let quoted = text.get(start..at).unwrap_or_default();
                let Ok(string) = serde_json::from_str::<String>(quoted) else {
                    return plain(text, start..text.len(), Form::Key, each);
                };
                let is_key = text.get(at..).is_some_and(|rest| rest.trim_start().starts_with(':'));
                let number = u32::from_str_radix(&string, 16).ok().filter(|_| string.len() == 8);
                if is_key && layout == Layout::Dicom && number.is_some() {
                    tag = number;
                    if depth == 1 {
                        top = number;
                    }
                }
                let is_own = is_key && layout != Layout::Json || top.is_some_and(|top| OWN.contains(&top));
                if !is_own {
                    let form = if is_key { Form::Key } else { Form::JsonText };
                    each(Value { range: start..at, text: Cow::Owned(string), form, tag });
                }
            }
            b'-' | b'0'..=b'9' => {
                let rest = bytes.get(at..).unwrap_or_default();
                at += rest.iter().take_while(|byte| byte.is_ascii_digit() || b"+-.eE".contains(byte)).count();
                let number = Cow::Borrowed(text.get(start..at).unwrap_or_default());
                each(Value { range: start..at, text: number, form: Form::JsonNumber, tag });
            }
            b'{' => (depth, at) = (depth + 1, at + 1),
            b'}' => (depth, at) = (depth.saturating_sub(1), at + 1),
            _ => at += 1,
        }
    }
}

/// Behind the closing quote of the string that begins at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    loop {
        match bytes.get(at) {
            Some(b'\\') => at += 2,
            Some(b'"') => return at + 1,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

/// Names, attributes and texts of XML without comments, as this program writes it.
fn xml<'t>(text: &'t str, each: &mut dyn FnMut(Value<'t>)) {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(inside) = rest.strip_prefix('<') else {
            let length = rest.find('<').unwrap_or(rest.len());
            escaped(text, at..at + length, each);
            at += length;
            continue;
        };
        let length = rest.find('>').map_or(rest.len(), |end| end + 1);
        if !inside.starts_with(['?', '/']) {
            element(text, at + 1..at + length - 1, each);
        }
        at += length;
    }
}

/// The name and the attributes between `<` and `>`; a `>` in a value is escaped.
fn element<'t>(text: &'t str, range: Range<usize>, each: &mut dyn FnMut(Value<'t>)) {
    let (mut at, mut is_value) = (range.start, false);
    for part in text.get(range).unwrap_or_default().split_inclusive('"') {
        let bare = part.trim_end_matches('"');
        if is_value {
            escaped(text, at..at + bare.len(), each);
        } else {
            let mut from = at;
            for name in bare.split_inclusive([' ', '=', '/']) {
                let end = from + name.trim_end_matches([' ', '=', '/']).len();
                plain(text, from..end, Form::Key, each);
                from += name.len();
            }
        }
        is_value = !is_value;
        at += part.len();
    }
}

fn escaped<'t>(text: &'t str, range: Range<usize>, each: &mut dyn FnMut(Value<'t>)) {
    let part = text.get(range.clone()).unwrap_or_default();
    if part.trim().is_empty() {
        return;
    }
    let plain = quick_xml::escape::unescape(part).unwrap_or(Cow::Borrowed(part));
    each(Value { range, text: plain, form: Form::XmlText, tag: None });
}
