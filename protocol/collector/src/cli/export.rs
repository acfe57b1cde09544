//! The options of `export`, and what it does.

use std::path::PathBuf;

use clap::Args;
use protocol::{DeviceId, Purpose};
use time::OffsetDateTime;

use super::output::list;
use super::uses::Use;
use crate::audit::{Deed, Note};
use crate::failure::Failure;
use crate::store::{Cursor, Store};
use crate::tables::{self, Asked};

/// The export for analysts.
#[derive(Args)]
pub(super) struct Tables {
    /// Write one file per entry and month to a new directory, and print the cursor for the next export
    #[arg(short, long, value_name = "DIR", conflicts_with = "losses")]
    output: Option<PathBuf>,
    /// Only what arrived after the cursor that the last export printed [default: everything]
    #[arg(long, value_name = "CURSOR", requires = "output", value_parser = cursor)]
    since: Option<Since>,
    /// Only what arrived up to this cursor
    #[arg(long, value_name = "CURSOR", requires = "output")]
    until: Option<Cursor>,
    /// Only of this device, 32 hexadecimal digits
    #[arg(long, requires = "output")]
    device: Option<DeviceId>,
    /// Only for this purpose
    #[arg(long, requires = "output")]
    purpose: Option<Purpose>,
    /// Only of this entry of the catalog, as device.error
    #[arg(long, requires = "output")]
    entry: Option<String>,
    #[command(flatten)]
    of: Use,
}

/// Where an export begins.
#[derive(Clone)]
pub(super) enum Since {
    Start,
    Cursor(Cursor),
}

/// Prints every record, or writes the files for analysts; either is a copy that the audit names.
pub(super) fn export(store: &Store, tables: Tables, now: OffsetDateTime) -> Result<(), Failure> {
    let Tables { output, since, until, device, purpose, entry, of } = tables;
    let since = since.and_then(|since| match since {
        Since::Start => None,
        Since::Cursor(cursor) => Some(cursor),
    });
    // Before the first record: an export that is cut was one.
    let note = of.note("an export copies data of clinics", Deed::Export, store.readable(device)?)?;
    store.note(Note { device, purpose, ..note }, now)?;
    let mut read = None;
    list(|lines| {
        let Some(output) = &output else {
            return crate::export::records(store, lines).map(|(_, whole)| read = Some(whole));
        };
        let (exported, whole) =
            tables::write(store, &Asked { since, until, device, purpose, entry }, output)?;
        read = Some(whole);
        lines.put(&exported)
    })?;
    let Some(whole) = read else { return Ok(()) };
    whole.end("batches")
}

/// Prints the losses that devices declared; the audit names that too.
pub(super) fn losses(store: &Store, tables: Tables, now: OffsetDateTime) -> Result<(), Failure> {
    store.note(tables.of.noted(Deed::Losses, store.readable(None)?), now)?;
    list(|lines| crate::export::losses(store, lines))
}

fn cursor(text: &str) -> Result<Since, &'static str> {
    if text == "start" { Ok(Since::Start) } else { text.parse().map(Since::Cursor) }
}
