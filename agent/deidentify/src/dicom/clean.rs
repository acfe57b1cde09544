//! Scrubbing of DICOM: only attributes on the allow-list, each by its rule, written as DICOM JSON.

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use dicom_core::header::{Tag, VR};

use super::header::Header;
use super::outcome::{Change, Cleaned, Screen, Treatment};
use super::private::{Blocks, is_creator};
use super::reader::{Event, Reader};
use super::rules::{EDITION, Expected, Handling, OPTIONS, Rule};
use super::value::{Fate, Judge, values};
use super::{Refused, dictionary, json};
use crate::case::Case;
use crate::limits;

/// Cleans one file of `case`.
///
/// # Errors
/// [`Refused`], when nothing of the file may be used.
pub fn clean<R: Read + Seek>(file: R, case: &Case, screen: &dyn Screen) -> Result<Cleaned, Refused> {
    let mut reader = Reader::new(file)?;
    let mut output = Output::default();
    let judge = Judge { case, screen };
    while let Some(event) = reader.next()? {
        match event {
            Event::Element(header) => output.element(&header, &mut reader, &judge)?,
            Event::Sequence(header) => {
                if !output.enter(&header)? {
                    reader.leave()?;
                }
            }
            Event::Item => output.item()?,
            Event::ItemEnd => output.item_end(),
            Event::SequenceEnd => output.sequence_end(),
        }
    }
    output.finish(&reader)
}

/// A data set or item that is being written.
#[derive(Default)]
struct Level {
    /// By tag, because a file may be out of order.
    attributes: BTreeMap<Tag, String>,
    blocks: Blocks,
}

struct Output {
    levels: Vec<Level>,
    /// The sequences that are open, with their finished items.
    sequences: Vec<(Tag, Vec<String>)>,
    size: usize,
    kept: u64,
    replaced: u64,
    dropped: u64,
    changes: Vec<Change>,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            levels: vec![Level::default()],
            sequences: Vec::new(),
            size: 0,
            kept: 0,
            replaced: 0,
            dropped: 0,
            changes: Vec::new(),
        }
    }
}

impl Output {
    fn element<R: Read + Seek>(
        &mut self,
        header: &Header,
        reader: &mut Reader<R>,
        judge: &Judge<'_>,
    ) -> Result<(), Refused> {
        if is_creator(header.tag) {
            return self.creator(header, reader);
        }
        let Some(expected) = self.rule(header.tag, reader.is_signed()) else {
            let private = header.tag.group() % 2 == 1;
            self.drop(header, if private { Treatment::Private } else { Treatment::NotListed });
            return Ok(());
        };
        if self.has(header.tag) {
            self.drop(header, Treatment::Repeated);
            return Ok(());
        }
        let charset = reader.charset();
        let Some(bytes) = reader.value(limits::DICOM_VALUE)? else {
            self.drop(header, Treatment::TooLong);
            return self.put(header.tag, json::attribute(expected.vr.to_string(), &[]));
        };
        let text = charset.decode(bytes);
        let fates = judge.fates(&expected, header, bytes, &text);
        let mut treatment = None;
        let values: Vec<String> = fates
            .into_iter()
            .map(|fate| {
                let (worse, value) = match fate {
                    Fate::Kept(value) => (None, value),
                    Fate::Replaced(value) => (Some(Treatment::Replaced), value),
                    Fate::Names => (Some(Treatment::Names), json::NULL.to_owned()),
                    Fate::Unfit => (Some(Treatment::Unfit), json::NULL.to_owned()),
                };
                treatment = treatment.max(worse);
                value
            })
            .collect();
        let attribute = json::attribute(expected.vr.to_string(), &values);
        match treatment {
            None => self.kept += 1,
            Some(treatment) if values.iter().all(|value| value == json::NULL) => self.drop(header, treatment),
            Some(treatment) => {
                self.replaced += 1;
                self.note(
                    header,
                    treatment,
                    Some(values.join(",")).filter(|after| after.len() <= limits::DICOM_SHORT),
                );
            }
        }
        self.put(header.tag, attribute)
    }

    /// A creator element: passes, as it is known here, if the block is our own.
    fn creator<R: Read + Seek>(&mut self, header: &Header, reader: &mut Reader<R>) -> Result<(), Refused> {
        let charset = reader.charset();
        let value = reader.value(limits::DICOM_SHORT)?.map(|bytes| charset.decode(bytes)).unwrap_or_default();
        let name = values(VR::LO, &value).next().unwrap_or_default();
        let repeated = self.has(header.tag);
        let level = self.levels.last_mut().filter(|_| !repeated);
        let Some(creator) = level.and_then(|level| level.blocks.open(header.tag, name)) else {
            self.drop(header, Treatment::Private);
            return Ok(());
        };
        self.kept += 1;
        self.put(header.tag, json::attribute("LO", &[json::string(creator)]))
    }

    /// What a standard or a private rule expects of an element.
    fn rule(&self, tag: Tag, signed: bool) -> Option<Expected> {
        if tag.group() % 2 == 1 {
            return Some(self.levels.last()?.blocks.rule(tag)?.expected);
        }
        let rule = Rule::for_tag(tag)?;
        let mut expected = rule.expected;
        if rule.follows_samples && signed {
            expected.vr = VR::SS;
        }
        Some(expected)
    }

    /// Whether a sequence is entered; otherwise it is dropped.
    fn enter(&mut self, header: &Header) -> Result<bool, Refused> {
        let listed =
            Rule::for_tag(header.tag).is_some_and(|rule| rule.expected.handling == Handling::Sequence);
        let treatment = match () {
            () if self.has(header.tag) => Treatment::Repeated,
            () if listed => {
                self.grow(0)?;
                self.sequences.push((header.tag, Vec::new()));
                return Ok(true);
            }
            () if header.tag.group() % 2 == 1 => Treatment::Private,
            () => Treatment::NotListed,
        };
        self.drop(header, treatment);
        Ok(false)
    }

    fn item(&mut self) -> Result<(), Refused> {
        self.levels.push(Level::default());
        self.grow(0)
    }

    fn item_end(&mut self) {
        let item = self.levels.pop().unwrap_or_default().json();
        if let Some((_, items)) = self.sequences.last_mut() {
            items.push(item);
        }
    }

    fn sequence_end(&mut self) {
        if let (Some((tag, items)), Some(level)) = (self.sequences.pop(), self.levels.last_mut()) {
            self.kept += 1;
            level.attributes.insert(tag, json::attribute("SQ", &items));
        }
    }

    fn has(&self, tag: Tag) -> bool {
        self.levels.last().is_some_and(|level| level.attributes.contains_key(&tag))
    }

    fn put(&mut self, tag: Tag, attribute: String) -> Result<(), Refused> {
        self.grow(attribute.len())?;
        if let Some(level) = self.levels.last_mut() {
            level.attributes.insert(tag, attribute);
        }
        Ok(())
    }

    /// Counts what is held, for an attribute or an item; joining them later holds no more.
    fn grow(&mut self, bytes: usize) -> Result<(), Refused> {
        self.size += bytes + limits::DICOM_OVERHEAD;
        if self.size > limits::DICOM_KEPT { Err(Refused::TooLarge) } else { Ok(()) }
    }

    fn drop(&mut self, header: &Header, treatment: Treatment) {
        self.dropped += 1;
        self.note(header, treatment, None);
    }

    fn note(&mut self, header: &Header, treatment: Treatment, after: Option<String>) {
        if self.changes.len() >= limits::DICOM_CHANGES {
            return;
        }
        let tags = self.sequences.iter().map(|(tag, _)| *tag).chain([header.tag]);
        let path: Vec<String> = tags.map(|tag| tag.to_string()).collect();
        self.changes.push(Change {
            path: path.join(" "),
            name: self.name(header.tag).to_owned(),
            vr: header.effective_vr().to_string().to_owned(),
            length: header.length,
            treatment,
            after,
        });
    }

    fn name(&self, tag: Tag) -> &'static str {
        let private = || Some(self.levels.last()?.blocks.rule(tag)?.name);
        let listed = Rule::for_tag(tag).map(|rule| rule.name).or_else(private);
        listed.unwrap_or_else(|| dictionary::keyword(tag))
    }

    /// The data set with the marks of what was done to it (PS3.15 E.3, PS3.3 C.7.1.1 and C.12.1).
    fn finish<R: Read + Seek>(mut self, reader: &Reader<R>) -> Result<Cleaned, Refused> {
        let mut root = self.levels.pop().unwrap_or_default();
        let uid = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes);
            let text = text.trim_matches(['\0', ' ']);
            dictionary::is_registered(text).then(|| json::attribute("UI", &[json::string(text)]))
        };
        if let Some(class) = uid(&reader.sop_class) {
            root.attributes.entry(Tag(0x0008, 0x0016)).or_insert(class);
        }
        if let Some(syntax) = uid(&reader.transfer_syntax) {
            root.attributes.insert(Tag(0x0008, 0x3002), syntax);
        }
        let method =
            [format!("DICOM PS3.15 {EDITION} Annex E"), "Allow-list of support attributes".to_owned()];
        let codes = OPTIONS.map(|(code, meaning)| {
            json::object([
                (Tag(0x0008, 0x0100), &*json::attribute("SH", &[json::string(code)])),
                (Tag(0x0008, 0x0102), &*json::attribute("SH", &[json::string("DCM")])),
                (Tag(0x0008, 0x0104), &*json::attribute("LO", &[json::string(meaning)])),
            ])
        });
        root.attributes.extend([
            (Tag(0x0012, 0x0062), json::attribute("CS", &[json::string("YES")])),
            (Tag(0x0012, 0x0063), json::attribute("LO", &method.map(|text| json::string(&text)))),
            (Tag(0x0012, 0x0064), json::attribute("SQ", &codes)),
            (Tag(0x0028, 0x0303), json::attribute("CS", &[json::string("MODIFIED")])),
        ]);
        Ok(Cleaned {
            json: root.json().into_bytes(),
            kept: self.kept,
            replaced: self.replaced,
            dropped: self.dropped,
            changes: self.changes,
            bytes_read: reader.bytes_read(),
        })
    }
}

impl Level {
    fn json(&self) -> String {
        json::object(self.attributes.iter().map(|(tag, attribute)| (*tag, attribute.as_str())))
    }
}
