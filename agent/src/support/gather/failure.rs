//! Why there is no draft.

use std::io;
use std::path::PathBuf;

use crate::support::cause::{Cause, StopOr};
use deidentify::child;
use deidentify::files::Failed;

/// Why there is no draft.
#[derive(Debug)]
pub enum GatherError {
    /// Nothing matches the scans that were asked for.
    NoScans,
    /// A path that was named does not exist or may not be read.
    Unreadable(PathBuf, io::ErrorKind),
    /// More patients than can be searched for.
    TooMany,
    /// A patient's name or number seems to be in what was typed and leaves as it is: where, and by which rule.
    Personal(Typed, &'static str),
    /// The process that reads files can't be started or confined.
    Child(io::ErrorKind),
    /// The draft cannot be kept.
    Disk(io::ErrorKind),
    /// The table of the program's literals is not the one that was built.
    Table,
    /// Somebody stopped it.
    Stopped,
}

crate::texts! {
    /// What a person typed for a case.
    #[derive(Copy)]
    pub enum Typed {
        /// `--contact`.
        Contact => "the contact", "kontakten";
        /// `--description`.
        Description => "the description", "beskrivelsen";
        /// `--case`.
        CaseId => "the case ID", "sagsnummeret";
        /// One of them.
        Anything => "what was typed", "det skrevne";
    }
}

crate::texts! { GatherError {
    Self::NoScans =>
        "no requested scan was found: check [kathea] scans, or choose with --since, --pick or --scans",
        "ingen af de ønskede optagelser blev fundet: kontrollér [kathea] scans, eller vælg med --since, --pick eller --scans";
    Self::Unreadable(path, why) =>
        "{path} cannot be read ({why}): check the path and its rights",
        "{path} kan ikke læses ({why}): kontrollér stien og rettighederne", path, why;
    Self::TooMany =>
        "too many patients for one search: choose fewer scans, or inform the vendor",
        "for mange patienter til én søgning: vælg færre optagelser, eller giv leverandøren besked";
    Self::Personal(place, rule) =>
        "{place} may name a patient ({rule}), and would leave as typed: nothing was kept; remove the name, \
         or send it anyway with --as-typed",
        "{place} indeholder noget, der kan være en patients ({rule}), og sendes, som det er skrevet: intet er gemt; skriv \
         det uden, eller send det sådan med --as-typed", place, rule;
    Self::Child(why) =>
        "the process that reads the files can't be started or confined ({why}): nothing was kept; install \
         the program again, and tell the vendor if that does not help",
        "den proces, der læser filerne, kan ikke startes eller afgrænses ({why}): intet er gemt; installér programmet \
         igen, og giv leverandøren besked, hvis det ikke hjælper", why;
    Self::Table =>
        "the table of the program's literals cannot be read, or was changed: nothing was kept; build it again with \
         `kathea-agent provenance build`",
        "tabellen over programmets tekster kan ikke læses eller er ændret: intet er gemt; byg den igen med \
         `kathea-agent provenance build`";
    Self::Disk(io::ErrorKind::StorageFull) =>
        "the disk is full: nothing was kept; free some disk space and try again",
        "disken er fuld: intet er gemt; frigør plads, og prøv igen";
    Self::Disk(why) =>
        "the draft cannot be saved ({why}): check the space and rights of data_dir",
        "udkastet kan ikke gemmes ({why}): kontrollér plads og rettigheder i data_dir", why;
    Self::Stopped => "collecting was stopped: nothing was kept", "indsamlingen blev stoppet: intet er gemt";
} }

impl std::error::Error for GatherError {}

impl From<io::Error> for GatherError {
    fn from(e: io::Error) -> Self {
        if Cause::of(&e) == Some(Cause::Stopped) { Self::Stopped } else { Self::Disk(e.kind()) }
    }
}

impl From<StopOr<Self>> for GatherError {
    fn from(ended: StopOr<Self>) -> Self {
        match ended {
            StopOr::Stop(cause) => io::Error::from(cause).into(),
            StopOr::Error(error) => error,
        }
    }
}

impl From<child::Failure> for StopOr<GatherError> {
    fn from(failure: child::Failure) -> Self {
        match failure {
            child::Failure::Outlet(error) => error.into(),
            child::Failure::Child(kind) => Self::Error(GatherError::Child(kind)),
            child::Failure::Case(Failed::TooMany) => Self::Error(GatherError::TooMany),
            child::Failure::Case(Failed::Table) => Self::Error(GatherError::Table),
            child::Failure::Case(Failed::Unconfined) => {
                Self::Error(GatherError::Child(io::ErrorKind::Unsupported))
            }
        }
    }
}
