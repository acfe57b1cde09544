//! The closed list of what can be wrong: who raises it, who clears it, and what a person does about it.

use std::time::Duration;

use crate::limits;

/// What a problem is about. Each variant names where it is raised and where it is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::agent) enum Subject {
    /// The outbox cannot be taken in. Raised and cleared by each turn of the intake (`Agent::take_some`).
    Intake,
    /// Nothing tells when the outbox changes. Raised by the start of the service, over with the next start.
    OutboxUnwatched,
    /// Files of the outbox stay although they were read. Raised by `usage::remove`, cleared by the next look.
    OutboxRemoval,
    /// A file of the outbox cannot be read now. Raised by `usage::note_unread`, cleared by the next look.
    OutboxUnread,
    /// Files of the outbox are too large. Raised by the look of the intake, cleared by the next look.
    OutboxLarge,
    /// A queue cannot be used. Raised and cleared by each turn of the loop (`Agent::mend`).
    Spool,
    /// The quota or small records could not be looked after. Raised and cleared after each commit.
    Upkeep,
    /// Periods that are over were not closed. Raised and cleared by each turn of the loop.
    Periods,
    /// The oldest usage was dropped. Raised by `Statistics::keep_quota`, cleared when no usage waits any more.
    Quota,
    /// What waited too long was not dropped. Raised and cleared by the daily look.
    Expiry,
    /// The counts are not saved. Raised and cleared by `Cx::save_counters`.
    Counts,
    /// The counts began anew. Raised by the start, over after a day.
    CountsLost,
    /// The list of privacy requests began anew. Raised by the start, over after a day.
    TicketsLost,
    /// The clinic's own history is not saved. Raised and cleared by `Statistics::save_own`.
    History,
    /// The clinic's own history does not open. Raised by the start, over after a day.
    HistoryLost,
    /// Keys do not verify. Raised by the start, over after a day; [`Subject::KeysSetAside`] stays.
    KeysLost,
    /// Bundles were erased with their keys. Raised by the start, over after a day.
    BundlesLost,
    /// The disk gave the spool only at the second look. Raised by `Cx::note_losses`, over after a day.
    ReadAgain,
    /// Records were damaged on the disk. Raised by `Cx::note_losses`, over after a day.
    Damage,
    /// The spool's numbering was damaged. Raised by `Cx::note_losses`, over after a day.
    Numbering,
    /// The collector does not answer. Raised and cleared by each answer, cleared when nothing may leave.
    Collector,
    /// What the vendor knows of the ledger is not kept. Raised and cleared by `Agent::note_head` with each answer.
    VendorHead,
    /// A transfer or its answer cannot be handled here. Raised by the loop, cleared by an answer that was handled and
    /// when nothing is due.
    Transfer,
    /// A new certificate cannot be used. Raised where it is kept, cleared by `Uplink::connect`.
    Connection,
    /// The certificate was not renewed. Raised by `Uplink::renewed`, cleared by `Uplink::connect` with a valid one.
    Certificate,
    /// What is over of a case was not erased. Raised and cleared by each turn of the loop.
    Cases,
    /// A bundle is not sent. Raised by `Cases::give_up` and the start, cleared when no bundle has failed.
    Bundle,
    /// A step of taking the device out of use failed. Raised and cleared by each turn of the loop.
    Decommissioning,
    /// The device is being taken out of use. Looked at by `status`.
    Leaving,
    /// The data is of another computer. Looked at by `status`.
    Copied,
    /// What Kathea reports stays in the outbox. Looked at by `status`.
    Kept,
    /// Keys were set aside. Looked at by `status`.
    KeysSetAside,
    /// Folders of logs or scans cannot be read. Looked at by `status`.
    FoldersUnread,
    /// The consent registry. Looked at by `status`.
    Registry,
    /// The vendor is late with a ticket, or does not prove an erasure. Looked at by `status`.
    Tickets,
    /// The vendor contradicts what it said of itself. Looked at by `status`.
    News,
    /// The uplink stands still. Looked at by `status`.
    Uplink,
    /// Something waits, and the device is not enrolled. Looked at by `status`.
    NotEnrolled,
    /// The size of the spool is not known. Looked at by `status`.
    DiskUse,
}

impl Subject {
    /// All of them.
    #[cfg(test)]
    pub(super) const ALL: [Self; 39] = [
        Self::Intake,
        Self::OutboxUnwatched,
        Self::OutboxRemoval,
        Self::OutboxUnread,
        Self::OutboxLarge,
        Self::Spool,
        Self::Upkeep,
        Self::Periods,
        Self::Quota,
        Self::Expiry,
        Self::Counts,
        Self::CountsLost,
        Self::TicketsLost,
        Self::History,
        Self::HistoryLost,
        Self::KeysLost,
        Self::BundlesLost,
        Self::ReadAgain,
        Self::Damage,
        Self::Numbering,
        Self::Collector,
        Self::VendorHead,
        Self::Transfer,
        Self::Connection,
        Self::Certificate,
        Self::Cases,
        Self::Bundle,
        Self::Decommissioning,
        Self::Leaving,
        Self::Copied,
        Self::Kept,
        Self::KeysSetAside,
        Self::FoldersUnread,
        Self::Registry,
        Self::Tickets,
        Self::News,
        Self::Uplink,
        Self::NotEnrolled,
        Self::DiskUse,
    ];

    /// For how long what happened is shown; none for a condition, which stays until its cause is gone.
    pub(super) const fn shown_for(self) -> Option<Duration> {
        match self {
            Self::CountsLost
            | Self::TicketsLost
            | Self::HistoryLost
            | Self::KeysLost
            | Self::BundlesLost
            | Self::ReadAgain
            | Self::Damage
            | Self::Numbering => Some(limits::LOSS_SHOWN),
            _ => None,
        }
    }
}

// What a person does about it.
crate::texts! { Subject {
    Self::Intake =>
        "until then reports stay in the outbox, and nothing is lost",
        "indtil da bliver rapporterne i udbakken, og intet går tabt";
    Self::OutboxUnwatched =>
        "reports are taken in late, and none is lost",
        "rapporter hentes ind senere end ellers, og ingen går tabt";
    Self::OutboxRemoval =>
        "give the agent's account the right to remove files from the outbox",
        "giv agentens konto ret til at fjerne filer fra udbakken";
    Self::OutboxUnread =>
        "check the disk and the rights of the outbox; the file is tried again",
        "kontrollér disken og rettighederne til udbakken; filen prøves igen";
    Self::OutboxLarge => "split these files, or remove them", "del filerne, eller fjern dem";
    Self::Spool =>
        "the agent tries again every 15 seconds; restart it if this stays",
        "agenten prøver igen hvert 15. sekund; genstart den, hvis det bliver ved";
    Self::Upkeep => "the agent tries again after the next report", "agenten prøver igen efter næste rapport";
    Self::Periods =>
        "the agent tries again every 15 seconds; nothing is lost meanwhile",
        "agenten prøver igen hvert 15. sekund; intet går tabt imens";
    Self::Quota =>
        "connect this computer to the collector, or raise [spool] quota",
        "forbind computeren med leverandørens server, eller hæv [spool] quota";
    Self::Expiry =>
        "the agent tries again tomorrow, and after a restart",
        "agenten prøver igen i morgen og efter en genstart";
    Self::Counts =>
        "the counts of this run are lost if the agent ends before they are saved",
        "denne kørsels tal går tabt, hvis agenten stopper, før de er gemt";
    Self::CountsLost =>
        "nothing needs to be done; check the disk if it happens again",
        "der skal ikke gøres noget; kontrollér disken, hvis det sker igen";
    Self::TicketsLost =>
        "ask the vendor how far earlier privacy requests are",
        "spørg leverandøren, hvor langt tidligere anmodninger er";
    Self::History =>
        "what was counted since is kept in memory and saved with the next report",
        "det, der er talt siden, er i hukommelsen og gemmes med næste rapport";
    Self::HistoryLost =>
        "`kathea-agent history on` begins it anew; check the disk",
        "`kathea-agent history on` begynder den på ny; kontrollér disken";
    Self::KeysLost =>
        "restore the files of `keys` from this computer's own copy, or check the disk",
        "gendan filerne i `keys` fra computerens egen sikkerhedskopi, eller kontrollér disken";
    Self::BundlesLost => "gather them again with `kathea-agent support`", "saml dem igen med `kathea-agent support`";
    Self::ReadAgain => "nothing is lost; check the disk", "intet er gået tabt; kontrollér disken";
    Self::Damage =>
        "the vendor learns how many are missing; check the disk",
        "leverandøren får at vide, hvor mange der mangler; kontrollér disken";
    Self::Numbering =>
        "the collector tells repeated records apart; check the disk",
        "leverandørens server genkender gentagne poster; kontrollér disken";
    Self::Collector =>
        "`kathea-agent doctor` checks the connection step by step; the agent tries again",
        "`kathea-agent doctor` kontrollerer forbindelsen trin for trin; agenten prøver igen";
    Self::VendorHead =>
        "the agent keeps it with the collector's next answer",
        "agenten gemmer det ved det næste svar fra leverandørens server";
    Self::Transfer =>
        "what waits is kept and tried again every 15 seconds",
        "det, der venter, bevares og prøves igen hvert 15. sekund";
    Self::Connection =>
        "make [collector] ca and data_dir readable and restart the agent",
        "gør [collector] ca og data_dir læsbare, og genstart agenten";
    Self::Certificate =>
        "the agent tries again within a day; afterwards enrol with a new token",
        "agenten prøver igen inden for et døgn; tilmeld derefter enheden med en ny engangskode";
    Self::Cases => "the agent tries again every 15 seconds", "agenten prøver igen hvert 15. sekund";
    Self::Bundle => "`kathea-agent support list` shows it", "`kathea-agent support list` viser den";
    Self::Decommissioning => "the agent tries again every 15 seconds", "agenten prøver igen hvert 15. sekund";
    Self::Leaving =>
        "connect this computer to the collector until the certificate is written",
        "lad computeren have forbindelse til leverandørens server, til attesten er skrevet";
    Self::Copied =>
        "`kathea-agent doctor` says how to make this computer a device of its own",
        "`kathea-agent doctor` viser, hvordan computeren bliver sin egen enhed";
    Self::Kept => "`kathea-agent consent list` shows the answers", "`kathea-agent consent list` viser svarene";
    Self::KeysSetAside =>
        "restore the files, or let `consent withdraw` erase what they keep",
        "gendan filerne, eller lad `consent withdraw` slette det, de opbevarer";
    Self::FoldersUnread =>
        "a support bundle will lack it: let the agent's account read it, or correct the path",
        "en supportpakke vil mangle den: giv agentens konto læseadgang, eller ret stien";
    Self::Registry => "`kathea-agent consent verify` says more", "`kathea-agent consent verify` viser mere";
    Self::Tickets => "`status` shows the ticket until it is done", "`status` viser anmodningens nummer, til den er afsluttet";
    Self::News =>
        "`kathea-agent privacy export` keeps what it signed",
        "`kathea-agent privacy export` gemmer det, den har signeret";
    Self::Uplink =>
        "what waits is kept; `kathea-agent doctor` checks the connection",
        "det, der venter, bevares; `kathea-agent doctor` kontrollerer forbindelsen";
    Self::NotEnrolled =>
        "enrol this device with a token of the vendor (`kathea-agent enroll`)",
        "tilmeld enheden med en engangskode fra leverandøren (`kathea-agent enroll`)";
    Self::DiskUse => "check the disk and the rights of data_dir", "kontrollér disken og rettighederne til data_dir";
} }
