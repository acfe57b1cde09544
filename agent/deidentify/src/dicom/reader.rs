//! The walk over a data set: events in file order, iterative, within bounds, stopping at pixel data.
//!
//! A sequence lies on an explicit stack of bounded depth. A value is read only when it is asked for, up to what the
//! asker takes; the next event passes over the rest.

use std::io::{Read, Seek};

use dicom_core::header::{Tag, VR};

use super::Refused;
use super::charset::Charset;
use super::header::{Header, ITEM, ITEM_END, SEQUENCE_END};
use super::source::Source;
use super::syntax::{self, Encoding};
use crate::limits;

const SPECIFIC_CHARACTER_SET: Tag = Tag(0x0008, 0x0005);
const PIXEL_REPRESENTATION: Tag = Tag(0x0028, 0x0103);
/// Pixel data, as integers, floats and doubles (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25).
const PIXEL_DATA: [Tag; 3] = [Tag(0x7FE0, 0x0008), Tag(0x7FE0, 0x0009), Tag(0x7FE0, 0x0010)];

/// What comes next in a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// An element with a value that [`Reader::value`] may take.
    Element(Header),
    /// A sequence begins; [`Reader::leave`] passes over it.
    Sequence(Header),
    /// An item of the innermost sequence begins.
    Item,
    /// The innermost item is over.
    ItemEnd,
    /// The innermost sequence is over.
    SequenceEnd,
}

/// A reader of one file's data set.
pub(super) struct Reader<R> {
    source: Source<R>,
    stack: Vec<Frame>,
    elements: u32,
    /// Bytes of the last element's value that were not read.
    pending: u64,
    /// What was read of it.
    value: Vec<u8>,
    signed: bool,
    /// Declared in the file meta group.
    pub(super) transfer_syntax: Vec<u8>,
    /// Likewise.
    pub(super) sop_class: Vec<u8>,
}

/// An open sequence or item; the lowest is the data set itself.
#[derive(Clone, Copy)]
struct Frame {
    kind: Kind,
    /// Where it ends; `None`: at its delimiter.
    end: Option<u64>,
    /// Beyond what its elements must not reach.
    limit: u64,
    encoding: Encoding,
    charset: Charset,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    DataSet,
    Sequence,
    Item,
    /// Encapsulated pixel data of an icon (PS3.5 A.4): its items hold bytes.
    Fragments,
}

impl<R: Read + Seek> Reader<R> {
    /// A reader at the first element.
    pub(super) fn new(file: R) -> Result<Self, Refused> {
        let start = syntax::start(Source::new(file)?)?;
        let data_set = Frame {
            kind: Kind::DataSet,
            end: None,
            limit: start.source.end(),
            encoding: start.encoding,
            charset: Charset::DEFAULT,
        };
        Ok(Self {
            source: start.source,
            stack: vec![data_set],
            elements: 0,
            pending: 0,
            value: Vec::new(),
            signed: false,
            transfer_syntax: start.transfer_syntax,
            sop_class: start.sop_class,
        })
    }

    /// The next event; `None` at the end of the data set or its pixel data.
    pub(super) fn next(&mut self) -> Result<Option<Event>, Refused> {
        loop {
            self.source.skip(std::mem::take(&mut self.pending))?;
            self.value.clear();
            let Some(frame) = self.stack.last().copied() else { return Ok(None) };
            if frame.end.is_some_and(|end| self.source.position() >= end) {
                self.stack.pop();
                return Ok(Some(frame.kind.end_event()));
            }
            let header = match Header::read(&mut self.source, frame.encoding)? {
                Some(header) => header,
                None if frame.kind == Kind::DataSet => return Ok(None),
                None => return Err(self.source.cut()),
            };
            self.elements += 1;
            if self.elements > limits::DICOM_ELEMENTS {
                return Err(Refused::TooMany);
            }
            let event = match (frame.kind, header.tag) {
                (Kind::Sequence, ITEM) => Some(self.push(Kind::Item, &header, frame)?),
                (Kind::Fragments, ITEM) => {
                    self.pending = self.checked(&header, frame.limit)?;
                    None
                }
                (Kind::Sequence | Kind::Fragments, SEQUENCE_END) | (Kind::Item, ITEM_END)
                    if frame.end.is_none() =>
                {
                    self.stack.pop();
                    Some(frame.kind.end_event())
                }
                // Left over from a sequence whose length was given as well.
                (Kind::Item | Kind::DataSet, ITEM_END | SEQUENCE_END) => None,
                (Kind::Sequence | Kind::Fragments, _) | (_, ITEM) => return Err(Refused::Structure),
                (Kind::DataSet, tag) if PIXEL_DATA.contains(&tag) => {
                    self.stack.clear();
                    None
                }
                _ => self.element(header, frame)?,
            };
            // The fragments of an icon are nobody's business.
            if let Some(event) = event.filter(|_| frame.kind != Kind::Fragments) {
                return Ok(Some(event));
            }
        }
    }

    /// The value of the element that was announced last, or `None` if it has more than `most` bytes.
    pub(super) fn value(&mut self, most: usize) -> Result<Option<&[u8]>, Refused> {
        if self.pending > most as u64 {
            return Ok(None);
        }
        if self.pending > 0 {
            self.value.resize(std::mem::take(&mut self.pending) as usize, 0);
            if self.source.fill(&mut self.value)? < self.value.len() {
                return Err(self.source.cut());
            }
        }
        Ok((self.value.len() <= most).then_some(&self.value))
    }

    /// Passes over the innermost sequence, which just began; its end is no event. It is walked all the same, so that
    /// a file is refused by whoever reads it or by nobody.
    pub(super) fn leave(&mut self) -> Result<(), Refused> {
        let depth = self.stack.len();
        while self.stack.len() >= depth && self.next()?.is_some() {}
        Ok(())
    }

    /// The character set of the innermost item.
    pub(super) fn charset(&self) -> Charset {
        self.stack.last().map_or(Charset::DEFAULT, |frame| frame.charset)
    }

    /// Whether Pixel Representation (0028,0103) said that samples are signed.
    pub(super) fn is_signed(&self) -> bool {
        self.signed
    }

    /// Bytes that were read from the file so far.
    pub(super) fn bytes_read(&self) -> u64 {
        self.source.bytes_read()
    }

    fn element(&mut self, header: Header, frame: Frame) -> Result<Option<Event>, Refused> {
        let Some(length) = header.length else {
            // PS3.5 7.1.2: only a sequence, one of unknown representation, and encapsulated data have none.
            let kind = match header.vr {
                Some(VR::OB | VR::OW) => Kind::Fragments,
                None if PIXEL_DATA.contains(&header.tag) => Kind::Fragments,
                Some(VR::SQ | VR::UN) | None => Kind::Sequence,
                Some(_) => return Err(Refused::Structure),
            };
            let event = self.push(kind, &header, frame)?;
            return Ok((kind == Kind::Sequence).then_some(event));
        };
        self.pending = self.checked(&header, frame.limit)?;
        if header.effective_vr() == VR::SQ || (header.effective_vr() == VR::UN && self.shows_item(length)?) {
            self.pending = 0;
            return self.push(Kind::Sequence, &header, frame).map(Some);
        }
        match header.tag {
            SPECIFIC_CHARACTER_SET => {
                let charset = Charset::of(self.value(limits::DICOM_SHORT)?.unwrap_or_default());
                if let Some(frame) = self.stack.last_mut() {
                    frame.charset = charset;
                }
            }
            PIXEL_REPRESENTATION => self.signed = self.value(2)?.is_some_and(|value| value.contains(&1)),
            _ => {}
        }
        Ok(Some(Event::Element(header)))
    }

    /// Opens a sequence or an item.
    fn push(&mut self, kind: Kind, header: &Header, outer: Frame) -> Result<Event, Refused> {
        if self.stack.len() > 2 * limits::DICOM_DEPTH {
            return Err(Refused::TooDeep);
        }
        let end = match header.length {
            Some(_) => Some(self.source.position() + self.checked(header, outer.limit)?),
            None => None,
        };
        // PS3.5 6.2.2, note 2: what is inside a sequence of unknown representation is implicit little endian.
        let unknown = kind == Kind::Sequence && header.vr == Some(VR::UN);
        let encoding = if unknown { Encoding::IMPLICIT } else { outer.encoding };
        self.stack.push(Frame {
            kind,
            end,
            limit: end.unwrap_or(outer.limit),
            encoding,
            charset: outer.charset,
        });
        Ok(if kind == Kind::Item { Event::Item } else { Event::Sequence(*header) })
    }

    /// The length, if the value ends within `limit`.
    fn checked(&self, header: &Header, limit: u64) -> Result<u64, Refused> {
        let length = header.length.map(u64::from).ok_or(Refused::Structure)?;
        let end = self.source.position().checked_add(length).filter(|end| *end <= limit);
        end.map(|_| length).ok_or_else(|| self.source.cut())
    }

    /// Whether a value of unknown representation is a sequence: it begins with an item that fits.
    fn shows_item(&mut self, length: u32) -> Result<bool, Refused> {
        if length < 8 {
            return Ok(false);
        }
        let first: [u8; 8] = self.source.take()?;
        self.source.unread(&first);
        let [a, b, c, d, size @ ..] = first;
        let size = u32::from_le_bytes(size);
        Ok([a, b, c, d] == [0xFE, 0xFF, 0x00, 0xE0] && (size == u32::MAX || size <= length - 8))
    }
}

impl Kind {
    fn end_event(self) -> Event {
        match self {
            Self::Item | Self::DataSet => Event::ItemEnd,
            Self::Sequence | Self::Fragments => Event::SequenceEnd,
        }
    }
}
