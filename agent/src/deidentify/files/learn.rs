//! The first look at every file: who is named in it.

use std::fs::File;

use super::inputs::{Format, Input};
use crate::deidentify::dicom;
use crate::deidentify::identifiers::{Identifiers, Kind, Learning};
use crate::deidentify::structured::{self, Unparsed};

/// What is learned from all files of a case and its contexts.
#[derive(Default)]
pub(super) struct Everything(Learning);

impl Everything {
    /// Learns from one file. The UIDs of a context are not searched for: what a log says of them is mapped anyway.
    pub(super) fn file(&mut self, input: &Input, own: bool) {
        let learned = match input.format {
            Ok(Format::Dicom) => self.dicom(input, own),
            Ok(format @ (Format::Json | Format::Xml)) => self.document(input, format),
            _ => None,
        };
        if learned.is_some() {
            self.0.file();
        }
    }

    /// What was learned, unless it is too much.
    pub(super) fn finish(self) -> Option<Identifiers> {
        self.0.finish()
    }

    fn dicom(&mut self, input: &Input, own: bool) -> Option<()> {
        let learned = dicom::learn(File::open(&input.path).ok()?).ok()?;
        self.0.person("", learned.patient.as_deref().unwrap_or_default());
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
            self.0.learn(kind, &identifier.text);
        }
        Some(())
    }

    fn document(&mut self, input: &Input, format: Format) -> Option<()> {
        let bytes = super::clean::document(&input.path).ok()??;
        let text = structured::decoded(&bytes);
        let learned: Result<(), Unparsed> = match format {
            Format::Xml => structured::xml::learn(&text, &mut self.0),
            _ => structured::json::learn(text.as_bytes(), &mut self.0),
        };
        learned.ok()
    }
}

/// Learns from all of `inputs`. `None` if that is too much for a search: [`SPELLINGS`](crate::limits::SPELLINGS).
pub fn learn<'a>(inputs: impl IntoIterator<Item = &'a Input>) -> Option<Identifiers> {
    let mut everything = Everything::default();
    inputs.into_iter().for_each(|input| everything.file(input, true));
    everything.finish()
}
