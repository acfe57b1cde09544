//! The kinds of faults and histories, and how often each happened.

use std::collections::BTreeMap;

/// Something that went wrong, or that somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs, reason = "their words are beside them")]
pub enum Fault {
    RequestLost,
    ReplyLost,
    RequestRepeated,
    ReplyDelayed,
    Busy,
    Partition,
    VendorDown,
    VendorRestarted,
    VendorRestored,
    PowerOff,
    Killed,
    ReadError,
    WriteError,
    DiskFull,
    ClockAhead,
    ClockBehind,
    ClockDead,
    ClockRight,
    ImageRestored,
    PolicyChanged,
    Granted,
    Denied,
    Withdrawn,
    WithdrawnErase,
    Restricted,
    Released,
    NewOwner,
    ErasedByLetter,
    Cloned,
    CaseOpened,
    UploadCut,
    StickTaken,
    StickTwice,
    StickOfDeadPc,
    VendorUpgraded,
    NewerStore,
}

impl Fault {
    /// As it stands in the story and in the totals.
    pub const fn word(self) -> &'static str {
        match self {
            Self::RequestLost => "request lost",
            Self::ReplyLost => "reply lost",
            Self::RequestRepeated => "request repeated",
            Self::ReplyDelayed => "reply delayed",
            Self::Busy => "collector busy",
            Self::Partition => "network partition",
            Self::VendorDown => "collector down",
            Self::VendorRestarted => "collector restarted",
            Self::VendorRestored => "collector restored from a backup",
            Self::PowerOff => "power off without a stop",
            Self::Killed => "killed between two steps",
            Self::ReadError => "disk read error",
            Self::WriteError => "disk write error",
            Self::DiskFull => "disk full",
            Self::ClockAhead => "clock ahead",
            Self::ClockBehind => "clock behind",
            Self::ClockDead => "clock battery dead",
            Self::ClockRight => "clock set right",
            Self::ImageRestored => "data of the workstation restored",
            Self::PolicyChanged => "policy changed",
            Self::Granted => "consent granted",
            Self::Denied => "consent denied",
            Self::Withdrawn => "consent withdrawn",
            Self::WithdrawnErase => "consent withdrawn, erasure asked",
            Self::Restricted => "restricted",
            Self::Released => "released",
            Self::NewOwner => "new owner",
            Self::ErasedByLetter => "erased by letter, then an older image",
            Self::Cloned => "a clone of the workstation runs",
            Self::CaseOpened => "support case opened, bundle queued",
            Self::UploadCut => "upload of a bundle cut",
            Self::StickTaken => "bundle carried by a stick",
            Self::StickTwice => "stick carried twice",
            Self::StickOfDeadPc => "stick of a PC that never met the vendor",
            Self::VendorUpgraded => "collector upgraded from the store of the version before",
            Self::NewerStore => "workstation finds the store of a later version",
        }
    }
}

/// How often each happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub BTreeMap<Fault, u64>);

impl Faults {
    /// Once more.
    pub fn count(&mut self, fault: Fault) {
        *self.0.entry(fault).or_default() += 1;
    }

    /// Those of another story.
    pub fn add(&mut self, other: &Self) {
        for (fault, count) in &other.0 {
            *self.0.entry(*fault).or_default() += count;
        }
    }
}
