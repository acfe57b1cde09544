//! One element's header (PS3.5 section 7.1): tag, value representation, length.

use std::io::{Read, Seek};

use dicom_core::header::{Tag, VR};

use super::source::Source;
use super::syntax::Encoding;
use super::{Refused, dictionary};

/// Begins an item.
pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);
/// Ends an item of undefined length.
pub(super) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
/// Ends a sequence of undefined length.
pub(super) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

const UNDEFINED: u32 = u32::MAX;

/// An element's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) tag: Tag,
    /// As written; `None` if it is not written, or not one that PS3.5 knows.
    pub(super) vr: Option<VR>,
    /// `None` if undefined: a delimiter ends the value.
    pub(super) length: Option<u32>,
    /// How its value, and its elements if it is a sequence, are written.
    pub(super) encoding: Encoding,
}

impl Header {
    /// Reads a header; `None` at the end of the bytes or at less than a header of zeros that pad them. One without
    /// a value representation amid explicit ones is taken as implicit.
    pub(super) fn read<R: Read + Seek>(
        source: &mut Source<R>,
        encoding: Encoding,
    ) -> Result<Option<Self>, Refused> {
        let mut bytes = [0; 8];
        let length = source.fill(&mut bytes)?;
        if length < bytes.len() {
            return if bytes.iter().all(|byte| *byte == 0) { Ok(None) } else { Err(source.cut()) };
        }
        let [a, b, c, d, rest @ ..] = bytes;
        let tag = Tag(short([a, b], encoding), short([c, d], encoding));
        let [v, w, x, y] = rest;
        let written = v.is_ascii_uppercase() && w.is_ascii_uppercase();
        if tag.group() == ITEM.group() || encoding.implicit || !written {
            return Ok(Some(Self { tag, vr: None, length: defined(long(rest, encoding)), encoding }));
        }
        let vr = VR::from_binary([v, w]);
        // A representation newer than this dictionary has the long form (PS3.5 7.1.2).
        let length = if vr.is_some_and(is_short) {
            Some(u32::from(short([x, y], encoding)))
        } else {
            defined(long(source.take()?, encoding))
        };
        Ok(Some(Self { tag, vr, length, encoding }))
    }

    /// The value representation: the written one, or else the dictionary's.
    pub(super) fn effective_vr(&self) -> VR {
        match self.vr {
            Some(vr) if vr != VR::UN => vr,
            _ => dictionary_vr(self.tag),
        }
    }
}

/// What the dictionary (PS3.6) says; `UN` if it does not know the tag.
pub(super) fn dictionary_vr(tag: Tag) -> VR {
    dictionary::vr(tag).unwrap_or(VR::UN)
}

/// Whether the length has 16 bits in explicit encodings (PS3.5 table 7.1-2).
fn is_short(vr: VR) -> bool {
    use VR::{AE, AS, AT, CS, DA, DS, DT, FD, FL, IS, LO, LT, PN, SH, SL, SS, ST, TM, UI, UL, US};
    matches!(
        vr,
        AE | AS
            | AT
            | CS
            | DA
            | DS
            | DT
            | FL
            | FD
            | IS
            | LO
            | LT
            | PN
            | SH
            | SL
            | SS
            | ST
            | TM
            | UI
            | UL
            | US
    )
}

fn defined(length: u32) -> Option<u32> {
    (length != UNDEFINED).then_some(length)
}

fn short(bytes: [u8; 2], encoding: Encoding) -> u16 {
    if encoding.big { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
}

fn long(bytes: [u8; 4], encoding: Encoding) -> u32 {
    if encoding.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
}
