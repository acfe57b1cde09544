//! Learning: every text of a header that could name a person or a clinic, so that it is found wherever else it is
//! written. Enters every sequence, private ones too.

use std::collections::BTreeSet;
use std::fmt;
use std::io::{Read, Seek};
use std::sync::LazyLock;

use dicom_core::header::{Tag, VR};

use super::Refused;
use super::reader::{Event, Reader};
use super::rules::{Rule, rows, tag};
use super::value::{is_text, values};
use crate::limits;

/// What kind of thing an identifier is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A person's name, patient or staff: components separated by `^` (PS3.5 6.2.1.1), or plain.
    Person,
    /// An identifier of a patient, a visit, an order, a study.
    Id,
    /// A date that belongs to a person: `YYYYMMDD`.
    Date,
    /// An address or a part of one.
    Address,
    /// A telephone number or another way to reach somebody.
    Phone,
    /// A clinic or a department.
    Institution,
    /// A name of a computer or of an application in a clinic's network.
    Station,
    /// Whatever else is written about a patient.
    Text,
    /// A UID of a study, series or object.
    Uid,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "person" => Self::Person,
            "id" => Self::Id,
            "date" => Self::Date,
            "address" => Self::Address,
            "phone" => Self::Phone,
            "institution" => Self::Institution,
            "station" => Self::Station,
            "text" => Self::Text,
            "uid" => Self::Uid,
            _ => return None,
        })
    }
}

/// One identifier.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identifier {
    /// Its kind.
    pub kind: Kind,
    /// As written, decoded and trimmed; of a name one of its groups (letters, ideographs, sounds).
    pub text: String,
    /// Of somebody who works here: a physician, an operator.
    pub is_staffs: bool,
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({:?})", self.kind)
    }
}

/// What one file taught. Its `Debug` names nobody.
pub struct Learned {
    /// Each once.
    pub identifiers: BTreeSet<Identifier>,
    /// The patient's name, in its first spelling; empty without one.
    pub patient_name: String,
    /// The patient's number; empty without one.
    pub patient_id: String,
    /// Bytes that were read from the file.
    pub bytes_read: u64,
    /// Why the file cannot be trusted to have shown everything; what it showed before is learned all the same.
    pub refused: Option<Refused>,
}

impl fmt::Debug for Learned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Learned({} identifiers)", self.identifiers.len())
    }
}

static KINDS: LazyLock<Vec<(Tag, Kind)>> = LazyLock::new(|| {
    let row = |row: &'static str| {
        let (digits, rest) = row.split_once('\t')?;
        Some((tag(digits)?, Kind::of(rest.split('\t').next()?)?))
    };
    let mut kinds: Vec<_> = rows(include_str!("learn.tsv")).filter_map(row).collect();
    kinds.sort_unstable();
    kinds
});

/// Physicians and operators, and how to reach them. A name anywhere else may be the patient's.
const STAFF: [Tag; 9] = [
    Tag(0x0008, 0x0090),
    Tag(0x0008, 0x0092),
    Tag(0x0008, 0x0094),
    Tag(0x0008, 0x009C),
    Tag(0x0008, 0x1048),
    Tag(0x0008, 0x1050),
    Tag(0x0008, 0x1060),
    Tag(0x0008, 0x1070),
    Tag(0x0032, 0x1032),
];
/// Patient information; what of its text is not kept is about somebody.
const PATIENT: u16 = 0x0010;
const PATIENT_NAME: Tag = Tag(0x0010, 0x0010);
const PATIENT_ID: Tag = Tag(0x0010, 0x0020);

/// Reads who and what is named in the header of one file, as far as it can be read.
///
/// # Errors
/// [`Refused`], when it has no header.
pub fn learn<R: Read + Seek>(file: R) -> Result<Learned, Refused> {
    let mut reader = Reader::new(file)?;
    let mut learned = Learned {
        identifiers: BTreeSet::new(),
        patient_name: String::new(),
        patient_id: String::new(),
        bytes_read: 0,
        refused: None,
    };
    learned.refused = learned.read(&mut reader).err();
    learned.bytes_read = reader.bytes_read();
    Ok(learned)
}

impl Learned {
    fn read<R: Read + Seek>(&mut self, reader: &mut Reader<R>) -> Result<(), Refused> {
        let mut size = 0;
        while let Some(event) = reader.next()? {
            let Event::Element(header) = event else { continue };
            let vr = header.effective_vr();
            let Some(kind) = kind(header.tag, vr) else { continue };
            let charset = reader.charset();
            let Some(bytes) = reader.value(limits::DICOM_VALUE)? else { continue };
            for reading in charset.readings(bytes) {
                for value in values(vr, &reading).flat_map(|value| groups(kind, value)) {
                    match header.tag {
                        PATIENT_ID if self.patient_id.is_empty() => value.clone_into(&mut self.patient_id),
                        PATIENT_NAME if self.patient_name.is_empty() => {
                            value.clone_into(&mut self.patient_name)
                        }
                        _ => {}
                    }
                    let identifier =
                        Identifier { kind, text: value.to_owned(), is_staffs: STAFF.contains(&header.tag) };
                    if self.identifiers.insert(identifier) {
                        size += value.len() + limits::DICOM_OVERHEAD;
                    }
                }
            }
            if size > limits::DICOM_LEARNED {
                return Err(Refused::TooLarge);
            }
        }
        Ok(())
    }
}

fn kind(tag: Tag, vr: VR) -> Option<Kind> {
    if let Some((_, kind)) =
        KINDS.binary_search_by_key(&tag, |(tag, _)| *tag).ok().and_then(|at| KINDS.get(at))
    {
        return Some(*kind);
    }
    match vr {
        VR::PN => Some(Kind::Person),
        VR::AE => Some(Kind::Station),
        VR::CS | VR::AS | VR::DS | VR::IS | VR::TM => None,
        _ if tag.group() == PATIENT && is_text(vr) && Rule::for_tag(tag).is_none() => Some(Kind::Text),
        _ => None,
    }
}

/// The groups of a person's name (PS3.5 6.2.1.2); anything else is one.
fn groups(kind: Kind, value: &str) -> impl Iterator<Item = &str> {
    let groups = value.split(move |letter| kind == Kind::Person && letter == '=');
    groups.map(|group| group.trim_matches(['^', ' '])).filter(|group| !group.is_empty())
}
