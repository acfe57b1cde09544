//! `devices`: lines of JSON for programs, a table for people; `retire`.

use std::io::{self, BufWriter, Write};

use clap::{Args, ValueEnum};
use protocol::DeviceId;
use time::OffsetDateTime;

use super::data::Data;
use super::output::list;
use crate::failure::Failure;
use crate::fleet::{self, SILENT};
use crate::lines::Whole;
use crate::listing;
use crate::store::Store;

/// What `devices` takes.
#[derive(Args)]
pub(super) struct Devices {
    #[command(flatten)]
    data: Data,
    /// Print a table for people instead, whoever has been silent longest first
    #[arg(long)]
    table: bool,
}

impl Devices {
    pub(super) fn run(self, now: OffsetDateTime) -> Result<(), Failure> {
        let store = self.data.store()?;
        if self.table { table(&store, now) } else { list(|lines| listing::devices(&store, lines)) }
    }
}

/// What `retire` takes.
#[derive(Args)]
pub(super) struct Retire {
    #[command(flatten)]
    data: Data,
    /// Its id, 32 hexadecimal digits
    device: DeviceId,
    /// Reason; recorded in the audit log
    #[arg(long, value_enum, value_name = "REASON")]
    why: OutOfUse,
}

/// Why a device is out of use: a closed list, so that no name gets into the audit log.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum OutOfUse {
    /// It broke down
    Dead,
    /// It was stolen
    Stolen,
    /// Nobody knows where it is
    Lost,
    /// It was thrown away
    Scrapped,
    /// It has another owner
    Sold,
    /// Another computer has its place
    Replaced,
}

impl Retire {
    pub(super) fn run(self, now: OffsetDateTime) -> Result<(), Failure> {
        let why = match self.why {
            OutOfUse::Dead => "dead",
            OutOfUse::Stolen => "stolen",
            OutOfUse::Lost => "lost",
            OutOfUse::Scrapped => "scrapped",
            OutOfUse::Sold => "sold",
            OutOfUse::Replaced => "replaced",
        };
        self.data.store()?.retire(self.device, why, now)
    }
}

const HEAD: [&str; 9] =
    ["DEVICE", "SHORT", "LABEL", "STANDING", "AGENT", "LAST CONTACT (UTC)", "HELD", "LOST", "MISSING"];
/// The first of the columns that hold numbers, which stand right.
const NUMBERS: usize = 6;

fn table(store: &Store, now: OffsetDateTime) -> Result<(), Failure> {
    let (mut devices, mut whole) = (Vec::new(), Whole::default());
    fleet::devices(store, |device| {
        devices.extend(whole.pass(device));
        Ok(())
    })?;
    devices.sort_by_key(|device| (device.standing, device.last_contact));
    let rows: Vec<([String; 9], String)> = devices.iter().map(|device| row(device, now)).collect();
    let mut widths = HEAD.map(|name| name.chars().count());
    for (row, _) in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut out = BufWriter::new(io::stdout().lock());
    let head = (HEAD.map(str::to_owned), "NOTES".to_owned());
    let written = std::iter::once(&head).chain(&rows).try_for_each(|(row, notes)| {
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            if at < NUMBERS { write!(out, "{cell:<width$}  ")? } else { write!(out, "{cell:>width$}  ")? }
        }
        writeln!(out, "{notes}")
    });
    written
        .and_then(|()| out.flush())
        .map_err(|error| Failure::new(format!("cannot write to standard output: {}", error.kind())))?;
    whole.end("devices")
}

fn row(device: &fleet::Device, now: OffsetDateTime) -> ([String; 9], String) {
    let contact = crate::store::rfc3339(device.last_contact);
    let contact = contact.get(..16).unwrap_or_default().replace('T', " ");
    let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
    let cells = [
        device.id.to_string(),
        device.id.short(),
        or_dash(device.label.as_deref().unwrap_or_default()),
        device.standing.word().to_owned(),
        or_dash(&device.agent),
        contact,
        device.held.to_string(),
        device.lost.to_string(),
        device.missing.to_string(),
    ];
    let mut notes = Vec::new();
    if device.is_silent(now) {
        let days = (now - device.last_contact).whole_days();
        notes.push(format!("silent for {days} days, more than {}, reason unknown", SILENT.whole_days()));
    }
    if device.fork {
        notes.push("fork: two copies of this device".to_owned());
    }
    (cells, notes.join("; "))
}
