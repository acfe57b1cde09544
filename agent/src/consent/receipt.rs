//! The receipt of a withdrawal: what was erased, and what could not be erased.

use protocol::ledger::{Entry, EventKind, Role};
use protocol::rights::PrivacyKind;
use protocol::{DeviceId, Digest};

use super::flag::Flag;
use super::state;
use super::tickets::Ticket;
use crate::config::Language;
use crate::texts::Text;

/// What a withdrawal removed from this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Data keys overwritten and unlinked.
    pub keys: usize,
    /// Records that waited and were never sent.
    pub records: u64,
}

impl Erased {
    /// Both together.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self { keys: self.keys + more.keys, records: self.records + more.records }
    }
}

/// What becomes of what was sent before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentBefore {
    /// It stays with the vendor.
    Stays,
    /// The vendor is asked to erase it.
    ErasureAsked,
}

/// What is printed when a withdrawal is closed; `entry` is its line in the ledger, `now` seconds since 1970.
pub fn withdrawal(
    flag: &Flag,
    entry: Digest,
    erased: Erased,
    sent: SentBefore,
    now: i64,
    language: Language,
) -> String {
    let command = match flag.case() {
        None => format!("{} --erase", flag.purpose()),
        Some(case) => format!("{} --case {case} --erase", flag.purpose()),
    };
    let (at, Erased { keys, records }) = (state::to_text(now), erased);
    let before = match (sent, language) {
        (SentBefore::Stays, Language::En) => format!(
            "- what was sent before stays with the vendor, lawfully; a request to withdraw is on its way to it. To \
             have it deleted too, a member of the consent group, or whoever has the claim code, asks: \
             kathea-agent consent withdraw {command}"
        ),
        (SentBefore::Stays, Language::Da) => format!(
            "- det, der er sendt tidligere, er fortsat lovligt hos leverandøren; besked om tilbagekaldelsen er på \
             vej. Skal det også slettes, beder et medlem af samtykkegruppen, eller den, der har enhedens ejerkode, om det: \
             kathea-agent consent withdraw {command}"
        ),
        (SentBefore::ErasureAsked, Language::En) => {
            "- what was sent before: the vendor is asked to delete it. `kathea-agent status` shows its ticket until that \
             is done."
                .to_owned()
        }
        (SentBefore::ErasureAsked, Language::Da) => {
            "- det, der er sendt tidligere: leverandøren bedes slette det. `kathea-agent status` viser \
             nummeret, til det er gjort."
                .to_owned()
        }
    };
    let flag = flag.text(language);
    match language {
        Language::En => format!(
            "Consent to {flag} was withdrawn, {at}.\n\
             Ledger entry {entry}\n\
             \n\
             Erased on this device:\n\
             - data keys, overwritten and deleted: {keys}. Nothing that was kept under them can be read again.\n\
             - records that waited and were never sent: {records}.\n\
             - the files that held them.\n\
             \n\
             Not erased:\n\
             {before}\n\
             - this ledger, which proves your answers. It holds no name.\n\
             - old blocks of a flash disk may survive until the disk reuses them; without the key file they are \
             noise, but a key file may survive in the same way. An encrypted disk closes that.\n\
             - backups of this computer that hold the key files. They are marked not to be backed up; not every \
             program heeds it.\n\
             - support bundles sealed to the vendor: they could never be read here.\n"
        ),
        Language::Da => format!(
            "Samtykket til {flag} er tilbagekaldt, {at}.\n\
             Journalpost {entry}\n\
             \n\
             Slettet på denne enhed:\n\
             - datanøgler, overskrevet og slettet: {keys}. Intet, der blev opbevaret under dem, kan læses igen.\n\
             - poster, der ventede og aldrig blev sendt: {records}.\n\
             - filerne, de lå i.\n\
             \n\
             Ikke slettet:\n\
             {before}\n\
             - denne journal, som beviser jeres svar. Den indeholder intet navn.\n\
             - gamle blokke på en flashdisk kan bestå, til disken genbruger dem; uden nøglefilen er de støj, men en \
             nøglefil kan bestå på samme måde. En krypteret disk løser det.\n\
             - sikkerhedskopier af denne computer, der indeholder nøglefilerne. De er mærket til ikke at blive \
             kopieret; ikke alle programmer retter sig efter det.\n\
             - supportpakker, der er forseglet til leverandøren: de kunne aldrig læses her.\n"
        ),
    }
}

/// One answer, in words.
pub fn answer(entry: &Entry, language: Language) -> String {
    let Entry { header, processing, event } = entry;
    let role = match (event.role, language) {
        (None, _) => "-",
        (Some(Role::Owner), Language::En) => "the owner",
        (Some(Role::PrivacyOfficer), Language::En) => "the privacy officer",
        (Some(Role::Delegate), Language::En) => "a delegate",
        (Some(Role::Owner), Language::Da) => "ejeren",
        (Some(Role::PrivacyOfficer), Language::Da) => "den databeskyttelsesansvarlige",
        (Some(Role::Delegate), Language::Da) => "en befuldmægtiget",
    };
    let said = match (event.kind, language) {
        (EventKind::Granted, Language::En) => "yes",
        (EventKind::Denied, Language::En) => "no",
        (EventKind::Withdrawn, Language::En) => "not any more",
        (EventKind::Closed, Language::En) => "erased after a withdrawal",
        (EventKind::Restricted, Language::En) => "not for now",
        (EventKind::Released, Language::En) => "restriction ended",
        (EventKind::Expired, Language::En) => "ended",
        (EventKind::Granted, Language::Da) => "ja",
        (EventKind::Denied, Language::Da) => "nej",
        (EventKind::Withdrawn, Language::Da) => "ikke længere",
        (EventKind::Closed, Language::Da) => "slettet efter tilbagekaldelse",
        (EventKind::Restricted, Language::Da) => "ikke for tiden",
        (EventKind::Released, Language::Da) => "begrænsning ophævet",
        (EventKind::Expired, Language::Da) => "ophørt",
    };
    let labels = match language {
        Language::En => ["Answer", "to", "at", "until", "by", "policy", "legal basis", "controller", "place"],
        Language::Da => {
            ["Svar", "på", "den", "indtil", "af", "politik", "retsgrundlag", "dataansvarlig", "opbevares i"]
        }
    };
    let case = processing.case.as_ref().map_or_else(String::new, |case| format!(", {case}"));
    let contents = [
        format!("{} ({said})", header.index),
        format!("{}{case}", processing.purpose),
        event.at.clone(),
        event.until.clone().unwrap_or_else(|| "-".to_owned()),
        role.to_owned(),
        format!("{}, {}", processing.policy, processing.policy_version),
        processing.legal_basis.clone(),
        processing.controller.clone(),
        processing.storage_place.clone(),
    ];
    let mut text: String =
        labels.iter().zip(contents).map(|(label, content)| format!("{label:<14} {content}\n")).collect();
    text.push('\n');
    text
}

/// The certificate of deletion of a device that was taken out of use; `dropped` records were never sent.
pub fn decommissioning(
    device: DeviceId,
    dropped: u64,
    tickets: &[Ticket],
    now: i64,
    language: Language,
) -> String {
    let at = state::to_text(now);
    let vendor_notice = tickets.iter().rev().find(|ticket| ticket.kind == PrivacyKind::Decommission);
    let vendor_notice = match (vendor_notice, language) {
        (Some(vendor_notice), Language::En) => format!(
            "The vendor was informed; its ticket: {}. Periods that start when a device is taken out of use start now.",
            vendor_notice.ticket
        ),
        (Some(vendor_notice), Language::Da) => format!(
            "Leverandøren har fået besked; dens sagsnummer: {}. Frister, der løber fra en enhed tages ud af brug, \
             løber fra nu.",
            vendor_notice.ticket
        ),
        (None, Language::En) => {
            "The vendor was not informed: this device has no valid certificate. Inform it \
                                 yourself."
                .to_owned()
        }
        (None, Language::Da) => {
            "Leverandøren har ikke fået besked: enheden havde intet gyldigt certifikat at give den \
                                 med. Giv selv besked."
                .to_owned()
        }
    };
    match language {
        Language::En => format!(
            "Certificate of deletion\n\
             \n\
             Device {device} was taken out of use, {at}.\n\
             \n\
             Erased on this device:\n\
             - every key, the device's own identity among them, overwritten and deleted. Nothing that was kept under \
             them can be read again.\n\
             - what waited, never sent: {dropped} records.\n\
             - the store, support bundles and drafts.\n\
             \n\
             Kept: ledger.ndjson, which proves your answers. It holds no name.\n\
             {vendor_notice}\n\
             \n\
             What nobody can promise: old blocks of a flash disk, and backups of this computer, may still hold a key \
             file. Destroy them with the disk.\n"
        ),
        Language::Da => format!(
            "Sletteattest\n\
             \n\
             Enhed {device} er taget ud af brug, {at}.\n\
             \n\
             Slettet på denne enhed:\n\
             - alle nøgler, også enhedens egen identitet, overskrevet og slettet. Intet, der blev opbevaret under dem, \
             kan læses igen.\n\
             - det, der ventede og aldrig blev sendt: {dropped} poster.\n\
             - lageret, supportpakker og udkast.\n\
             \n\
             Bevaret: ledger.ndjson, som beviser jeres svar. Der står intet navn i den.\n\
             {vendor_notice}\n\
             \n\
             Hvad ingen kan love: gamle blokke på en flashdisk og sikkerhedskopier af denne computer kan stadig \
             indeholde en nøglefil. Destruer dem med disken.\n"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_receipt_says_what_is_gone_and_what_is_not() {
        let erased = Erased { keys: 2, records: 1234 };
        for (language, said) in [
            (Language::En, ["keys, overwritten and deleted: 2", "1234", "flash", "backups", "bundles"]),
            (
                Language::Da,
                ["datanøgler, overskrevet og slettet: 2", "1234", "flash", "sikkerhedskopier", "pakker"],
            ),
        ] {
            let text = withdrawal(
                &Flag::UsageStatistics,
                Digest::of(b"line"),
                erased,
                SentBefore::Stays,
                1_780_000_000,
                language,
            );
            for word in said {
                assert!(text.contains(word), "{word}:\n{text}");
            }
            assert!(text.contains("2026-05-28T20:26:40Z") && !text.contains("\n "));
        }
    }
}
