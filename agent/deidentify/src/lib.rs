//! De-identification: removes identifiers from DICOM files, logs, JSON and XML.
//!
//! ```text
//! parent (keys, network)         child (neither): one case
//! ----------------------         ----------------------------------------------------------------------
//! paths, the case's key -------> learn   identifiers <- every header, sidecar and context
//!                                          |
//! each file, opened -----------> scrub   DICOM: keep.tsv, PS3.15   text, JSON, XML: vocabulary, types, keys
//!                                          |  dates moved by whole weeks, names -> pseudonyms of the case
//! output.part <----------------- scan    each value that comes out, for every learned identifier
//!    |                                     |  found: cut out and scanned again; stays: quarantined
//! published when all are done    report  file, rule, line; never content
//! ```
//!
//! What no rule names is removed, not kept: rules say what may stay. `RULES.md`, written from the tables, lists it.

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
