//! `bundles`: the list, what comes on a stick, and the consent to one.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Subcommand;
use protocol::bundle::receipt;
use protocol::stick::{self, BadStick, Carried, Stick};
use time::OffsetDateTime;

use super::output::{list, print};
use super::uses::Use;
use crate::audit::{Deed, Note};
use crate::failure::Failure;
use crate::store::Store;
use crate::{disk, listing, proof};

/// What is done about bundles.
#[derive(Subcommand)]
pub(super) enum Action {
    /// Import a sealed file from a USB stick with the consent beside it, FILE.consent, and print its number
    Import {
        /// What `support export` wrote
        file: PathBuf,
    },
    /// Copy a sealed bundle to a new file, with the header that the stored one lacks, and check its digest
    Get {
        /// The bundle's number, as `bundles` prints it
        id: String,
        /// The file to write
        file: PathBuf,
        #[command(flatten)]
        of: Use,
    },
    /// Print the clinic's signed consent to a bundle, for `kathea-case open`; it says how things stand today
    Proof {
        /// The bundle's number, as `bundles` prints it
        id: String,
        #[command(flatten)]
        of: Use,
    },
}

/// `bundles`.
pub(super) fn run(store: &Store, action: Option<Action>, now: OffsetDateTime) -> Result<(), Failure> {
    match action {
        None => list(|lines| listing::bundles(store, lines)),
        Some(Action::Import { file }) => {
            let carried = carried(&file)?;
            if carried.is_none() {
                let _ = writeln!(
                    io::stderr(),
                    "kathea-collector: {} has no consent beside it: whose it is, is unknown until its device reports it, and \
                     without that it is erased after 30 days; import it again together with FILE{}",
                    file.display(),
                    stick::ENDING
                );
            }
            print(&receipt(store.import(&file, carried, now)?))
        }
        Some(Action::Get { id, file, of }) => {
            // Before the copy: one that is cut was one.
            let note = of.note("a bundle is data of a clinic", Deed::Handover, 1)?;
            note_bundle(store, &id, note, now)?;
            store.copy_bundle(&id, &file)
        }
        Some(Action::Proof { id, of }) => {
            note_bundle(store, &id, of.noted(Deed::Proof, 1), now)?;
            list(|lines| proof::prove_bundle(store, &id, now, lines))
        }
    }
}

/// Notes the use of a bundle; of one that there is not, nothing is noted.
fn note_bundle(store: &Store, id: &str, note: Note, now: OffsetDateTime) -> Result<(), Failure> {
    let mut found = None;
    store.bundles(|bundle| {
        if let Ok((sha256, filed, _)) = bundle
            && receipt(sha256) == id
        {
            found = Some((filed.device, filed.case));
        }
        Ok(())
    })?;
    match found {
        Some((device, case)) => store.note(Note { device, case, ..note }, now),
        None => Ok(()),
    }
}

/// The consent beside a sealed file; `None` if there is none, as of agents that wrote none.
fn carried(file: &Path) -> Result<Option<Carried>, Failure> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(stick::ENDING);
    let beside = PathBuf::from(beside);
    let Some(bytes) = disk::read_up_to(&beside, stick::MAX + 1)? else { return Ok(None) };
    let bad = |bad| {
        let why = match bad {
            BadStick::TooLong => "is longer than 1 MiB",
            BadStick::Shape => "is not the consent to a bundle, or is of a later version",
            BadStick::Signature => "was changed: a signature is not the device's",
            BadStick::OtherEntry => "has an entry of another device or case",
        };
        Failure::new(format!("{} {why}; nothing was imported: export the bundle again", beside.display()))
    };
    Stick::read(&bytes).map(Some).map_err(bad)
}
