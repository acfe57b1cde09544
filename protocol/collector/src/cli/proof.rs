//! `proof`: of one record, or of all that is held.

use clap::{ArgGroup, Args};
use protocol::DeviceId;
use time::OffsetDateTime;

use super::data::Data;
use super::output::{found, list};
use super::uses::Use;
use crate::audit::{Deed, Note};
use crate::failure::Failure;
use crate::proof;

/// What `proof` takes.
#[derive(Args)]
#[command(group(ArgGroup::new("of").required(true).args(["device", "all"])))]
pub(super) struct Proof {
    #[command(flatten)]
    data: Data,
    /// The device's id, 32 hexadecimal digits
    #[arg(long, requires = "seq")]
    device: Option<DeviceId>,
    /// The record's number, as `export` prints it
    #[arg(long, requires = "device")]
    seq: Option<u64>,
    /// Check the consent of every batch and bundle that is held, print those without one, then the counts; exit code 1 if
    /// there are any
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    of: Use,
}

impl Proof {
    /// Prints the proof.
    pub(super) fn run(self, now: OffsetDateTime) -> Result<(), Failure> {
        let store = self.data.store()?;
        if let Some((device, seq)) = self.device.zip(self.seq) {
            // Of a device that there is not, nothing is read.
            if store.device(device)?.is_some() {
                let note = Note { device: Some(device), ..self.of.noted(Deed::Proof, 1) };
                store.note(note, now)?;
            }
            return list(|lines| proof::prove(&store, device, seq, lines));
        }
        // Before the first: one that is cut was one.
        store.note(self.of.noted(Deed::Proofs, store.readable(None)?), now)?;
        let mut without = 0;
        list(|lines| proof::all::prove(&store, lines).map(|count| without = count))?;
        found(without, "batches and bundles are held without a consent that covers them; see above")
    }
}
