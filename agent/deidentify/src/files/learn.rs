//! First pass over every file: learn the identifiers in it.

use std::fs::File;
use std::io::Seek;

use super::inputs::{Format, Input, Reason, Take};
use crate::dicom;
use crate::identifiers::{Identifiers, Kind, Learning, Whose};
use crate::structured;
use crate::text::knows_all;

/// What is learned from all files of a case and its contexts.
#[derive(Default)]
pub(super) struct Everything(Learning);

impl Everything {
    /// Learns from one file; a log or a trace names nobody that a scan does not. The UIDs of a context are not searched for: what a log says of them is mapped anyway.
    ///
    /// # Errors
    /// The reason why nobody can tell who is named in it: a file of the case is refused for it.
    pub(super) fn file(&mut self, input: &Input, file: Option<&File>, own: bool) -> Result<(), Reason> {
        if input.found.take != Take::Whole {
            return Ok(());
        }
        let format = input.format?;
        let Some(file) = file else { return Ok(()) };
        let mut learning = Learning::default();
        let learned = match format {
            Format::Dicom => header(file, own, &mut learning),
            format @ (Format::Json | Format::Xml) => document(file, format, &mut learning),
            Format::Text | Format::Other => return Ok(()),
        };
        let has_learned = !learning.is_empty();
        if learning.is_too_much() {
            return Err(Reason::Dicom(dicom::Refused::TooLarge));
        }
        // What a file showed before it broke off is named in its logs as well.
        if learned == Ok(true) || has_learned {
            self.0.take(learning);
        }
        learned.map(|_| ())
    }

    /// Learns what names this computer and its accounts, which no file says. A name that the product uses itself says
    /// nothing of the clinic, and would cost device and technique: it is left out.
    pub(super) fn machine(&mut self, names: &[(Kind, String)]) {
        for (kind, name) in names.iter().filter(|(_, name)| !knows_all(name)) {
            self.0.learn_of(Whose::Other, *kind, name);
        }
    }

    /// What was learned, unless it is too much.
    pub(super) fn finish(self) -> Option<Identifiers> {
        self.0.finish()
    }
}

fn header(file: &File, own: bool, learning: &mut Learning) -> Result<bool, Reason> {
    let learned = dicom::learn(file).map_err(Reason::Dicom)?;
    learning.person(&learned.patient_name, &learned.patient_id);
    for identifier in &learned.identifiers {
        let kind = match identifier.kind {
            dicom::Kind::Person => Kind::Name,
            dicom::Kind::Id => Kind::Id,
            dicom::Kind::Date => Kind::BirthDate,
            dicom::Kind::Address => Kind::Address,
            dicom::Kind::Phone => Kind::Phone,
            dicom::Kind::Institution | dicom::Kind::Station => Kind::Clinic,
            dicom::Kind::Text => Kind::Remark,
            dicom::Kind::Uid if own => Kind::Uid,
            dicom::Kind::Uid => continue,
        };
        let whose = if identifier.is_staffs { Whose::Other } else { Whose::Patient };
        learning.learn_of(whose, kind, &identifier.text);
    }
    learned.refused.map_or(Ok(true), |refused| Err(Reason::Dicom(refused)))
}

/// Whether it is a document; of one that does not parse is learned what stands before it breaks off.
fn document(mut file: &File, format: Format, learning: &mut Learning) -> Result<bool, Reason> {
    file.rewind()?;
    let Some(bytes) = super::clean::document(file)? else { return Ok(false) };
    let text = structured::decoded(&bytes);
    let learned = match format {
        Format::Xml => structured::xml::learn(&text, learning),
        _ => structured::json::learn(text.as_bytes(), learning),
    };
    Ok(learned.is_ok())
}
