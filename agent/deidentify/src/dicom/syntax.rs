//! Where a file's data set begins and how it is encoded (PS3.10 section 7, PS3.5 section 10 and annex A).
//!
//! What is declared is believed only as far as the first element agrees: preamble, file meta group, its length and
//! its transfer syntax may each be missing or wrong, or cut away but for the padding of their last value.

use std::io::{Read, Seek};

use dicom_core::header::{Tag, VR};

use super::Refused;
use super::header::Header;
use super::source::Source;
use crate::limits;

const PREAMBLE: usize = 128;
const MAGIC: &[u8] = b"DICM";
const META_GROUP: u16 = 0x0002;
/// Data sets begin below: with what identifies the object, the patient, the acquisition, or the image.
const LOW_GROUP: u16 = 0x0028;
const MEDIA_STORAGE_SOP_CLASS: Tag = Tag(META_GROUP, 0x0002);
const TRANSFER_SYNTAX: Tag = Tag(META_GROUP, 0x0010);
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// How elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    /// The value representation is in the dictionary, not in the file.
    pub(super) implicit: bool,
    /// Most significant byte first.
    pub(super) big: bool,
}

impl Encoding {
    /// Implicit VR little endian (PS3.5 A.1), also that of sequences of unknown representation (6.2.2, note 2).
    pub(super) const IMPLICIT: Self = Self { implicit: true, big: false };
    /// Explicit VR little endian (PS3.5 A.2), also that of every encapsulated transfer syntax (A.4).
    pub(super) const EXPLICIT: Self = Self { implicit: false, big: false };
    /// Explicit VR big endian (PS3.5 A.3), retired.
    const BIG: Self = Self { implicit: false, big: true };

    /// What the first bytes of a data set look like: a low group number, then a value representation or none.
    fn of(first: [u8; 8]) -> Option<Self> {
        let [a, b, ..] = first;
        match (u16::from_le_bytes([a, b]), u16::from_be_bytes([a, b])) {
            (META_GROUP..=LOW_GROUP, _) => Some(Self::little(first)),
            (_, META_GROUP..=LOW_GROUP) if Self::little(first) == Self::EXPLICIT => Some(Self::BIG),
            _ => None,
        }
    }

    /// Little endian, explicit if a value representation is there.
    fn little(first: [u8; 8]) -> Self {
        let [_, _, _, _, vr @ .., _, _] = first;
        if VR::from_binary(vr).is_some() { Self::EXPLICIT } else { Self::IMPLICIT }
    }
}

/// What was found in front of a data set.
pub(super) struct Start<R> {
    /// At the first element.
    pub(super) source: Source<R>,
    pub(super) encoding: Encoding,
    /// The declared transfer syntax and the class of the object, as they are written.
    pub(super) transfer_syntax: Vec<u8>,
    pub(super) sop_class: Vec<u8>,
}

/// Passes over preamble and file meta group.
pub(super) fn start<R: Read + Seek>(mut source: Source<R>) -> Result<Start<R>, Refused> {
    let mut head = [0; PREAMBLE + MAGIC.len()];
    let length = source.fill(&mut head)?;
    let head = head.get(..length).unwrap_or_default();
    // Whether anything says that this is DICOM.
    let mut said = head.get(PREAMBLE..) == Some(MAGIC);
    if !said {
        source.unread(head);
    }
    if !said && begins_padded(head) {
        source.skip(1)?;
    }
    let (mut transfer_syntax, mut sop_class) = (Vec::new(), Vec::new());
    for _ in 0..limits::DICOM_META {
        let mut first = [0; 8];
        let length = source.fill(&mut first)?;
        source.unread(first.get(..length).unwrap_or_default());
        let [a, b, ..] = first;
        let meta = u16::from_le_bytes([a, b]) == META_GROUP;
        if !meta && is(&transfer_syntax, DEFLATED) {
            let (source, encoding) = (source.inflate()?, Encoding::EXPLICIT);
            return Ok(Start { source, encoding, transfer_syntax, sop_class });
        }
        let encoding = match Encoding::of(first) {
            _ if meta => Encoding::little(first),
            _ if is(&transfer_syntax, BIG_ENDIAN) => Encoding::BIG,
            Some(encoding) if transfer_syntax.is_empty() => encoding,
            None if !said => return Err(Refused::NotDicom),
            _ => Encoding::little(first),
        };
        if !meta && length == 0 {
            return Err(Refused::Cut);
        }
        if !meta {
            return Ok(Start { source, encoding, transfer_syntax, sop_class });
        }
        let header = Header::read(&mut source, encoding)?.ok_or(Refused::NotDicom)?;
        let length = u64::from(header.length.ok_or(Refused::NotDicom)?);
        let wanted = match header.tag {
            TRANSFER_SYNTAX => Some(&mut transfer_syntax),
            MEDIA_STORAGE_SOP_CLASS => Some(&mut sop_class),
            _ => None,
        };
        match wanted {
            Some(value) if length <= limits::DICOM_UID => {
                value.resize(length as usize, 0);
                if source.fill(value)? < value.len() {
                    return Err(source.cut());
                }
            }
            _ => source.skip(length)?,
        }
        said = true;
    }
    Err(Refused::TooMany)
}

/// Whether the first byte is the padding of a value that is not there any more (PS3.5 section 6.2), and an element
/// with its value representation follows.
fn begins_padded(head: &[u8]) -> bool {
    match head {
        [b' ' | 0, first @ ..] => {
            first.first_chunk().is_some_and(|first| Encoding::of(*first) == Some(Encoding::EXPLICIT))
        }
        _ => false,
    }
}

fn is(value: &[u8], uid: &str) -> bool {
    value.trim_ascii_end().strip_suffix(b"\0").unwrap_or(value.trim_ascii_end()) == uid.as_bytes()
}
