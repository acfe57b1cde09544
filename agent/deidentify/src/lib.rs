//! De-identification: removes identifiers from DICOM files, logs, JSON and XML.

pub mod case;
pub mod check;
pub mod child;
pub mod dicom;
pub mod files;
pub mod identifiers;
mod keys;
pub mod limits;
pub mod structured;
pub mod text;
