//! XML: no document type, and only the predefined entities; comments and instructions are dropped.

use quick_xml::Reader;
use quick_xml::escape::escape;
use quick_xml::events::Event as Token;

use super::{Patient, Unparsed, leaf, learn as learn_value};
use crate::identifiers::Learning;
use crate::keys::{self, Class};
use crate::limits;
use crate::text::rule::Rule;
use crate::text::scrub::Scrubber;

/// Attributes whose value is the key of the element's content: `<item name="PatientID">4711</item>`.
const NAMING: &[&str] = &["name", "key", "keyword", "tag", "field", "attribute", "id"];

enum Event<'a> {
    /// An element begins: its name without prefix, its attributes.
    Start(&'a str, &'a [(String, String)]),
    Text(&'a str),
    End,
}

/// Learns from a document.
pub fn learn(text: &str, learning: &mut Learning) -> Result<(), Unparsed> {
    let mut keys: Vec<String> = Vec::new();
    let mut patient = Patient::default();
    walk(text, &mut |event| match event {
        Event::Start(element, attributes) => {
            for (key, value) in attributes {
                learn_value(learning, key, value);
            }
            let key = named(attributes).unwrap_or(element).to_owned();
            let named_value =
                attributes.iter().filter(|(attribute, _)| attribute.eq_ignore_ascii_case("value"));
            named_value.for_each(|(_, value)| learn_value(learning, &key, value));
            keys.push(key);
        }
        Event::Text(text) => {
            let key = keys.last().map_or("", String::as_str);
            learn_value(learning, key, text);
            // The element of the name is itself in the one that is the patient's.
            patient.take(key, text, keys.len().saturating_sub(1));
        }
        Event::End => {
            patient.end(keys.len(), learning);
            keys.pop();
        }
    })
}

/// What may stay of a document.
///
/// # Errors
/// [`Unparsed`].
pub fn clean(text: &str, scrubber: &mut Scrubber<'_>) -> Result<String, Unparsed> {
    // First without output: a document that breaks off in the middle is none.
    walk(text, &mut |_| {})?;
    let mut writer = Writer {
        scrubber,
        out: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned(),
        open: Vec::new(),
        skipped: 0,
    };
    walk(text, &mut |event| writer.take(event))?;
    writer.out.push('\n');
    Ok(writer.out)
}

struct Writer<'w, 'a> {
    scrubber: &'w mut Scrubber<'a>,
    out: String,
    /// The elements that are open, and what they say of their content.
    open: Vec<(String, Class)>,
    /// Depth below an element that goes as a whole.
    skipped: usize,
}

impl Writer<'_, '_> {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(..) if self.skipped > 0 => self.skipped += 1,
            Event::Text(_) if self.skipped > 0 => {}
            Event::End if self.skipped > 1 => self.skipped -= 1,
            Event::Start(name, attributes) => self.start(name, attributes),
            Event::Text(text) => {
                let class = self.open.last().map_or(Class::Unknown, |(_, class)| *class);
                let text = self.leaf(class, text.trim());
                self.out.push_str(&escape(&text));
            }
            Event::End => {
                self.skipped = 0;
                if let Some((name, _)) = self.open.pop() {
                    self.out.push_str(&format!("</{name}>"));
                }
            }
        }
    }

    fn start(&mut self, name: &str, attributes: &[(String, String)]) {
        let class = named(attributes).map_or_else(|| keys::class(name), keys::class);
        let class = if keys::class(name) == Class::Person { Class::Person } else { class };
        let name = self.listed(name, "element");
        self.out.push_str(&format!("<{name}"));
        for (key, value) in attributes {
            let names = NAMING.iter().any(|naming| key.eq_ignore_ascii_case(naming));
            let value = match keys::class(key) {
                _ if names && keys::is_listed(value) && !self.scrubber.is_learned(value) => value.clone(),
                own if own == Class::Person || class == Class::Person => self.leaf(Class::Person, value),
                // `value="90"` means what the element's name means.
                _ if key.eq_ignore_ascii_case("value") => self.leaf(class, value),
                own => self.leaf(own, value),
            };
            let key = self.listed(key, "attribute");
            self.out.push_str(&format!(" {key}=\"{}\"", escape(&value)));
        }
        self.out.push('>');
        self.open.push((name, class));
        if class == Class::Person {
            self.scrubber.counts.replace(Rule::Key);
            self.out.push_str(Rule::Key.placeholder());
            self.skipped = 1;
        }
    }

    /// A name that may be written, or what stands for it.
    fn listed(&mut self, name: &str, other: &str) -> String {
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
            && name.starts_with(|first: char| first.is_ascii_alphabetic());
        if is_name && keys::is_listed(name) && !self.scrubber.is_learned(name) {
            return name.to_owned();
        }
        self.scrubber.counts.replace(Rule::Unlisted);
        other.to_owned()
    }

    fn leaf(&mut self, class: Class, text: &str) -> String {
        if text.parse::<f64>().is_ok_and(f64::is_finite) && class != Class::Device {
            return leaf::number(self.scrubber, class, text)
                .unwrap_or_else(|| Rule::Unlisted.placeholder().to_owned());
        }
        leaf::text(self.scrubber, class, text)
    }
}

/// The key that the attributes give the element.
fn named(attributes: &[(String, String)]) -> Option<&str> {
    let naming = |key: &str| NAMING.iter().any(|naming| key.eq_ignore_ascii_case(naming));
    attributes.iter().find(|(key, _)| naming(key)).map(|(_, value)| value.as_str())
}

/// Calls `each` with every event of one document.
fn walk(text: &str, each: &mut dyn FnMut(Event<'_>)) -> Result<(), Unparsed> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let (mut depth, mut elements) = (0_usize, 0_usize);
    let mut content = String::new();
    loop {
        let token = reader.read_event().map_err(|_| Unparsed)?;
        match &token {
            Token::Text(text) => {
                content.push_str(&text.decode().map_err(|_| Unparsed)?);
                continue;
            }
            Token::CData(text) => {
                content.push_str(&text.decode().map_err(|_| Unparsed)?);
                continue;
            }
            Token::GeneralRef(reference) => {
                content.push(character(reference)?);
                continue;
            }
            Token::Comment(_) | Token::PI(_) | Token::Decl(_) => continue,
            _ => {}
        }
        if !content.trim().is_empty() {
            if depth == 0 {
                return Err(Unparsed);
            }
            each(Event::Text(&content));
        }
        content.clear();
        match token {
            Token::Start(start) => {
                (depth, elements) = (depth + 1, elements + 1);
                if depth > limits::DOCUMENT_DEPTH {
                    return Err(Unparsed);
                }
                let mut attributes = Vec::new();
                // Looking for repeated ones would take time by the square of their number.
                for attribute in start.attributes().with_checks(false) {
                    if attributes.len() == limits::DOCUMENT_ATTRIBUTES {
                        return Err(Unparsed);
                    }
                    let attribute = attribute.map_err(|_| Unparsed)?;
                    let key =
                        std::str::from_utf8(attribute.key.local_name().into_inner()).map_err(|_| Unparsed)?;
                    let value = attribute.unescape_value().map_err(|_| Unparsed)?;
                    attributes.push((key.to_owned(), value.into_owned()));
                }
                let name = start.local_name();
                each(Event::Start(std::str::from_utf8(name.as_ref()).map_err(|_| Unparsed)?, &attributes));
            }
            Token::End(_) => {
                depth = depth.checked_sub(1).ok_or(Unparsed)?;
                each(Event::End);
            }
            Token::Eof => return if depth == 0 && elements > 0 { Ok(()) } else { Err(Unparsed) },
            // A document type may declare entities: none is read.
            _ => return Err(Unparsed),
        }
    }
}

fn character(reference: &quick_xml::events::BytesRef<'_>) -> Result<char, Unparsed> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| Unparsed)? {
        return Ok(character);
    }
    match &reference.decode().map_err(|_| Unparsed)?[..] {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(Unparsed),
    }
}
