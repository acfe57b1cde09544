//! Scrubbing of one file into one writer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use provenance::Table;

use super::checked::Checked;
use super::cleaned::{Cleaned, counted};
use super::inputs::{Format, Input, Reason, Take};
use super::window;
use crate::case::Case;
use crate::check::Layout;
use crate::dicom::{self, Screen};
use crate::identifiers::{Identifiers, View};
use crate::limits;
use crate::structured;
use crate::text::{self, Counts, Scrubber};

/// Cleans one file of `case` into `out`.
///
/// # Errors
/// Of reading: the reason for which the file is refused, in the value. Of writing: the error.
pub(super) fn clean(
    input: &Input,
    file: Option<&File>,
    case: &Case,
    identifiers: &Identifiers,
    out: &mut Checked<'_, '_>,
) -> io::Result<Result<Cleaned, Reason>> {
    if let Take::Given(bytes) = &input.found.take {
        out.document(Layout::OwnKeys, bytes)?;
        return Ok(Ok(counted(Format::Json, Counts::default())));
    }
    let Some(file) = file else { return Ok(Err(input.format.err().unwrap_or(Reason::Missing))) };
    match (&input.found.take, input.format) {
        (Take::Literals, _) => return super::programs::literals(file, out),
        (Take::Numbers, Ok(_)) => return super::numbers::clean(file, out.numbers()),
        (Take::Window { modified, start, end }, Ok(Format::Text | Format::Json | Format::Xml)) => {
            return part(file, (*modified, *start, *end), case, identifiers, out);
        }
        (Take::Window { .. }, Ok(Format::Dicom | Format::Other)) => return Ok(Err(Reason::OtherFormat)),
        (Take::Whole | Take::Given(_), _) | (_, Err(_)) => {}
    }
    match input.format {
        Ok(Format::Dicom) => header(file, case, identifiers, out),
        Ok(format @ (Format::Json | Format::Xml)) => match document(file) {
            Ok(Some(bytes)) => {
                let mut scrubber = Scrubber::new(case, identifiers);
                let text = structured::decoded(&bytes);
                let cleaned = match format {
                    Format::Xml => structured::xml::clean(&text, &mut scrubber),
                    _ => structured::json::clean(text.as_bytes(), &mut scrubber),
                };
                match cleaned {
                    Ok(cleaned) => {
                        let layout = if format == Format::Xml { Layout::Xml } else { Layout::Json };
                        out.document(layout, cleaned.as_bytes())?;
                        Ok(Ok(counted(format, scrubber.counts)))
                    }
                    Err(structured::Unparsed) => log(file, case, identifiers, out),
                }
            }
            Ok(None) => log(file, case, identifiers, out),
            Err(error) => Ok(Err(error.into())),
        },
        Ok(Format::Text) => log(file, case, identifiers, out),
        Ok(Format::Other) => Ok(Err(Reason::OtherFormat)),
        Err(reason) => Ok(Err(reason)),
    }
}

/// A small document whole, or `None` if it is none to be read as one.
pub(super) fn document(file: &File) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    file.take(limits::DOCUMENT + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limits::DOCUMENT).then_some(bytes))
}

/// The part of a log that lies in a span of time.
fn part(
    mut file: &File,
    (modified, start, end): (i64, i64, i64),
    case: &Case,
    identifiers: &Identifiers,
    out: &mut Checked<'_, '_>,
) -> io::Result<Result<Cleaned, Reason>> {
    let mut found = || {
        let part = window::part(&mut file, modified, start, end)?;
        if let Some(part) = part {
            file.seek(SeekFrom::Start(part.start))?;
        }
        io::Result::Ok(part)
    };
    let part = match found() {
        Ok(Some(part)) => part,
        Ok(None) => return Ok(Err(Reason::Empty)),
        Err(error) => return Ok(Err(error.into())),
    };
    let counts = text::clean(part.mark.chain(file.take(part.length)), out, case, identifiers)?;
    let mut cleaned = counted(Format::Text, counts);
    cleaned.bytes_read = part.is_cut.then_some(part.length);
    Ok(Ok(cleaned))
}

fn log(
    mut file: &File,
    case: &Case,
    identifiers: &Identifiers,
    out: &mut Checked<'_, '_>,
) -> io::Result<Result<Cleaned, Reason>> {
    // Read as a document in vain.
    if let Err(error) = file.rewind() {
        return Ok(Err(error.into()));
    }
    let counts = text::clean(file, out, case, identifiers)?;
    let is_text = counts.kept + counts.replaced > 0 || counts.dropped == 0;
    Ok(if is_text { Ok(counted(Format::Text, counts)) } else { Err(Reason::NoText) })
}

fn header(
    file: &File,
    case: &Case,
    identifiers: &Identifiers,
    out: &mut Checked<'_, '_>,
) -> io::Result<Result<Cleaned, Reason>> {
    let table = case.table();
    let screen = CaseScreen { identifiers, table, scrubber: RefCell::new(Scrubber::new(case, identifiers)) };
    let cleaned = match dicom::clean(file, case, &screen) {
        Ok(cleaned) => cleaned,
        Err(refused) => return Ok(Err(Reason::Dicom(refused))),
    };
    out.document(Layout::Dicom, &cleaned.json)?;
    let mut rules = BTreeMap::new();
    for change in &cleaned.changes {
        *rules.entry(change.treatment.as_str().to_owned()).or_default() += 1;
    }
    Ok(Ok(Cleaned {
        format: Format::Dicom,
        kept: cleaned.kept,
        replaced: cleaned.replaced,
        dropped: cleaned.dropped,
        rules,
        changes: cleaned.changes,
        bytes_read: Some(cleaned.bytes_read),
    }))
}

/// What a header's values are shown to.
struct CaseScreen<'a> {
    identifiers: &'a Identifiers,
    table: Option<&'a Table>,
    scrubber: RefCell<Scrubber<'a>>,
}

impl Screen for CaseScreen<'_> {
    fn identifies(&self, text: &str) -> bool {
        self.identifiers.is_in(text, &mut View::default())
    }

    fn is_own(&self, text: &str) -> bool {
        text::is_own(self.table, text)
    }

    fn descriptor(&self, text: &str) -> Option<String> {
        let mut clean = String::new();
        self.scrubber.borrow_mut().message(text, &mut clean);
        (clean != text).then(|| format!("[text removed, {} chars]", text.chars().count()))
    }
}
