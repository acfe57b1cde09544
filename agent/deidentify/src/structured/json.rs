//! JSON: one walk produces events, for learning identifiers and for writing the scrubbed document.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Patient, Unparsed, leaf, learn as learn_value, schema};
use crate::identifiers::Learning;
use crate::keys::{self, Class};
use crate::text::rule::Rule;
use crate::text::scrub::Scrubber;

/// Keys whose value is the key of what follows: `{"name": "PatientID", "value": 4711}`.
const NAMING: &[&str] = &["name", "key", "keyword", "tag", "field", "attribute", "id"];

enum Event<'a> {
    Object,
    Array,
    Key(&'a str),
    /// The end of an object or an array.
    End,
    Text(&'a str),
    Number(String),
    /// `true`, `false`, `null`.
    Word(&'static str),
}

/// Learns from a document.
pub fn learn(bytes: &[u8], learning: &mut Learning) -> Result<(), Unparsed> {
    let mut path = Path::default();
    let mut patient = Patient::default();
    let value = |path: &Path, patient: &mut Patient, learning: &mut Learning, value: &str| {
        let key = path.key();
        learn_value(learning, &key, value);
        patient.take(&key, value, path.0.len());
    };
    walk(bytes, &mut |event| match event {
        Event::Object | Event::Array => path.0.push((String::new(), None)),
        Event::End => {
            patient.end(path.0.len(), learning);
            path.0.pop();
        }
        Event::Key(key) => {
            if let Some((last, _)) = path.0.last_mut() {
                key.clone_into(last);
            }
        }
        Event::Text(text) => {
            value(&path, &mut patient, learning, text);
            if let Some((key, named)) = path.0.last_mut()
                && NAMING.iter().any(|naming| key.eq_ignore_ascii_case(naming))
                && keys::class(text) == Class::Person
            {
                *named = Some(text.to_owned());
            }
        }
        Event::Number(number) => value(&path, &mut patient, learning, &number),
        Event::Word(_) => {}
    })
}

/// The keys that lead to a value; with each the name that its object gave to what follows.
#[derive(Default)]
struct Path(Vec<(String, Option<String>)>);

impl Path {
    /// What the value is called: by its key, by its object's name, or within what names somebody.
    fn key(&self) -> String {
        if let Some((_, Some(named))) = self.0.last() {
            return named.clone();
        }
        let mut keys = self.0.iter().rev().map(|(key, _)| key.as_str()).filter(|key| !key.is_empty());
        let key = keys.next().unwrap_or_default();
        match keys.find(|key| keys::class(key) == Class::Person) {
            Some(whose) if keys::class(key) != Class::Person => format!("{whose}_{key}"),
            _ => key.to_owned(),
        }
    }
}

/// What may stay of a document.
///
/// # Errors
/// [`Unparsed`].
pub fn clean(bytes: &[u8], scrubber: &mut Scrubber<'_>) -> Result<String, Unparsed> {
    written(bytes, scrubber, true)
}

/// Likewise in one line, for a line of a log.
pub(crate) fn clean_line(line: &str, scrubber: &mut Scrubber<'_>) -> Result<String, Unparsed> {
    written(line.as_bytes(), scrubber, false)
}

fn written(bytes: &[u8], scrubber: &mut Scrubber<'_>, in_lines: bool) -> Result<String, Unparsed> {
    // First without output: a document that breaks off in the middle is none.
    walk(bytes, &mut |_| {})?;
    if let Some(own) = schema::clean(bytes, scrubber, in_lines) {
        return Ok(own);
    }
    let mut writer =
        Writer { scrubber, out: String::new(), frames: Vec::new(), skipped: 0, unlisted: 0, in_lines };
    walk(bytes, &mut |event| writer.take(event))?;
    Ok(writer.out)
}

struct Frame {
    class: Class,
    is_object: bool,
    is_empty: bool,
    /// The key last read names what follows.
    names: bool,
    /// Everything that follows in this object belongs to such a name.
    hidden: bool,
}

struct Writer<'w, 'a> {
    scrubber: &'w mut Scrubber<'a>,
    out: String,
    frames: Vec<Frame>,
    /// Depth below a value that goes as a whole.
    skipped: usize,
    unlisted: usize,
    in_lines: bool,
}

impl Writer<'_, '_> {
    fn take(&mut self, event: Event<'_>) {
        if self.skipped > 0 {
            match event {
                Event::Object | Event::Array => self.skipped += 1,
                Event::End => self.skipped -= 1,
                _ => {}
            }
            return;
        }
        match event {
            Event::Key(key) => self.key(key),
            Event::Object | Event::Array => self.open(matches!(event, Event::Object)),
            Event::End => self.close(),
            Event::Text(text) => {
                self.element();
                let class = self.class();
                let text_out = leaf::text(self.scrubber, class, text);
                quote(&text_out, &mut self.out);
                if let Some(frame) = self.frames.last_mut() {
                    frame.hidden |= frame.names && keys::class(text) == Class::Person;
                }
            }
            Event::Number(number) => {
                self.element();
                let class = self.class();
                let kept = leaf::number(self.scrubber, class, &number);
                self.out.push_str(kept.as_deref().unwrap_or("null"));
            }
            Event::Word(word) => {
                self.element();
                self.scrubber.counts.kept += 1;
                self.out.push_str(if self.class() == Class::Person { "null" } else { word });
            }
        }
    }

    fn class(&self) -> Class {
        self.frames
            .last()
            .map_or(Class::Unknown, |frame| if frame.hidden { Class::Person } else { frame.class })
    }

    fn key(&mut self, key: &str) {
        self.comma();
        let listed = keys::is_listed(key) && !self.scrubber.is_learned(key);
        if listed {
            quote(key, &mut self.out);
        } else {
            self.unlisted += 1;
            self.scrubber.counts.replace(Rule::Unlisted);
            quote(&format!("key_{}", self.unlisted), &mut self.out);
        }
        self.out.push_str(if self.in_lines { ": " } else { ":" });
        if let Some(frame) = self.frames.last_mut() {
            frame.class = keys::class(key);
            frame.names = NAMING.iter().any(|naming| key.eq_ignore_ascii_case(naming));
        }
    }

    fn open(&mut self, is_object: bool) {
        self.element();
        let class = self.class();
        if class == Class::Person {
            self.scrubber.counts.replace(Rule::Key);
            quote(Rule::Key.placeholder(), &mut self.out);
            self.skipped = 1;
            return;
        }
        self.out.push(if is_object { '{' } else { '[' });
        self.frames.push(Frame { class, is_object, is_empty: true, names: false, hidden: false });
    }

    fn close(&mut self) {
        if let Some(frame) = self.frames.pop() {
            if !frame.is_empty {
                self.line();
            }
            self.out.push(if frame.is_object { '}' } else { ']' });
        }
    }

    /// An array's next element begins.
    fn element(&mut self) {
        if self.frames.last().is_some_and(|frame| !frame.is_object) {
            self.comma();
        }
    }

    fn comma(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            if !frame.is_empty {
                self.out.push(',');
            }
            frame.is_empty = false;
        }
        self.line();
    }

    fn line(&mut self) {
        if self.in_lines {
            self.out.push('\n');
            self.out.extend(std::iter::repeat_n(' ', self.frames.len()));
        }
    }
}

fn quote(text: &str, out: &mut String) {
    // A string can't fail to be written as JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
}

/// Calls `each` with every event of one document; serde_json bounds the depth.
fn walk(bytes: &[u8], each: &mut dyn FnMut(Event<'_>)) -> Result<(), Unparsed> {
    let mut document = serde_json::Deserializer::from_slice(bytes);
    Walk(each).deserialize(&mut document).map_err(|_| Unparsed)?;
    document.end().map_err(|_| Unparsed)
}

struct Walk<'w, 'e>(&'w mut (dyn FnMut(Event<'_>) + 'e));

impl<'de> DeserializeSeed<'de> for Walk<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<(), D::Error> {
        document.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        (self.0)(Event::Object);
        while map.next_key_seed(Key(&mut *self.0))?.is_some() {
            map.next_value_seed(Walk(&mut *self.0))?;
        }
        (self.0)(Event::End);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        (self.0)(Event::Array);
        while seq.next_element_seed(Walk(&mut *self.0))?.is_some() {}
        (self.0)(Event::End);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        (self.0)(Event::Text(text));
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        (self.0)(Event::Number(number.to_string()));
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        (self.0)(Event::Number(number.to_string()));
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        (self.0)(Event::Number(number.to_string()));
        Ok(())
    }

    fn visit_bool<E>(self, truth: bool) -> Result<(), E> {
        (self.0)(Event::Word(if truth { "true" } else { "false" }));
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        (self.0)(Event::Word("null"));
        Ok(())
    }
}

/// A key of an object: text, never a value.
struct Key<'w, 'e>(&'w mut (dyn FnMut(Event<'_>) + 'e));

impl<'de> DeserializeSeed<'de> for Key<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, document: D) -> Result<(), D::Error> {
        document.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Key<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<(), E> {
        (self.0)(Event::Key(key));
        Ok(())
    }
}
