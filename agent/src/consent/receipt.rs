//! The receipt of a withdrawal: what was erased, and honestly, what could not be.

use protocol::Digest;

use super::flag::Flag;
use super::state;
use crate::config::Language;

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

/// What is printed when a withdrawal is closed; `entry` is its line in the ledger, `now` seconds since 1970.
pub fn withdrawal(flag: &Flag, entry: Digest, erased: Erased, now: i64, language: Language) -> String {
    let command = match flag.case() {
        None => format!("{} --erase", flag.purpose()),
        Some(case) => format!("{} --case {case} --erase", flag.purpose()),
    };
    let (at, Erased { keys, records }) = (state::to_text(now), erased);
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
             - what was sent before stays with the vendor, lawfully; a request to withdraw is on its way to it. To \
             have it deleted too: kathea-agent consent withdraw {command}\n\
             - this ledger, which proves your answers. It holds no name.\n\
             - old blocks of a flash disk may survive until the disk reuses them; without the key file they are \
             noise, but a key file may survive in the same way. An encrypted disk closes that.\n\
             - backups of this computer that hold the key files. They are marked not to be backed up; not every \
             program heeds it.\n\
             - support bundles sealed to the vendor: they could never be read here.\n"
        ),
        Language::Da => format!(
            "Samtykket til {flag} er trukket tilbage, {at}.\n\
             Journalpost {entry}\n\
             \n\
             Slettet på denne enhed:\n\
             - datanøgler, overskrevet og slettet: {keys}. Intet, der blev opbevaret under dem, kan læses igen.\n\
             - poster, der ventede og aldrig blev sendt: {records}.\n\
             - filerne, de lå i.\n\
             \n\
             Ikke slettet:\n\
             - det, der er sendt tidligere, er fortsat lovligt hos leverandøren; besked om tilbagetrækningen er på \
             vej. Skal det også slettes: kathea-agent consent withdraw {command}\n\
             - denne journal, som beviser dine svar. Den indeholder intet navn.\n\
             - gamle blokke på en flashdisk kan bestå, til disken genbruger dem; uden nøglefilen er de støj, men en \
             nøglefil kan bestå på samme måde. En krypteret disk løser det.\n\
             - sikkerhedskopier af denne computer, der indeholder nøglefilerne. De er mærket til ikke at blive \
             kopieret; ikke alle programmer retter sig efter det.\n\
             - supportpakker, der er forseglet til leverandøren: de kunne aldrig læses her.\n"
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
            let text =
                withdrawal(&Flag::UsageStatistics, Digest::of(b"line"), erased, 1_780_000_000, language);
            for word in said {
                assert!(text.contains(word), "{word}:\n{text}");
            }
            assert!(text.contains("2026-05-28T20:26:40Z") && !text.contains("\n "));
        }
    }
}
