//! What `status` says of consent and of requests to the vendor, in both languages.

use protocol::rights::NotProven;

use super::chain::{Finding, Flaw};
use super::flag::Flag;

crate::texts! {
    /// What is wrong with consent, and what to do about it.
    pub(super) enum Problem {
        Torn =>
            "an answer was being written when the power went: ask again (see ledger.torn)",
            "et svar var ved at blive skrevet, da strømmen gik: spørg igen (se ledger.torn)";
        Ledger { finding: Finding, remedy: Mending } => "{finding}; {remedy}", "{finding}; {remedy}";
        Restored =>
            "the vendor knows newer answers than this device: an old copy of its data was restored; nothing \
             is allowed until `consent withdraw` begins a new ledger",
            "leverandøren kender nyere svar end enheden: en gammel kopi af dens data er gendannet; intet er tilladt, \
             før `consent withdraw` begynder en ny journal";
        FuturePolicy { line: usize } =>
            "line {line} of the policy: it takes effect in the future, and nothing is allowed before; name the \
             policy that is in force, or set the clock",
            "linje {line} i politikken: den træder først i kraft senere, og intet er tilladt før; angiv den gældende \
             politik, eller stil uret";
        Ends { flag: Flag, end: String } =>
            "the yes to {flag} ends {end}: `consent ask` asks again; without a new yes nothing is collected from \
             then on",
            "samtykket til {flag} ophører {end}: `consent ask` spørger igen; uden et nyt samtykke indsamles intet derefter";
        ClockBehind =>
            "the clock is behind the last consent: set it right",
            "uret er bagud for det seneste samtykke: stil det";
        NotProven { ticket: String, why: NotProvenText } =>
            "the certificate of erasure for ticket {ticket} {why}: the request stays open; ask the vendor",
            "sletteattesten til anmodning {ticket} {why}: anmodningen forbliver åben; spørg leverandøren";
        Late { ticket: String, due: String } =>
            "the vendor was to answer ticket {ticket} until {due}: `consent show` names whom to write to",
            "leverandøren skulle have besvaret anmodning {ticket} senest {due}: `consent show` viser, hvem I skriver til";
        Contradicts { missing: u64, changed: u64, gone: u64 } =>
            "what the vendor says about who read this device's data contradicts what it said before ({missing} receipts \
             missing, {changed} changed, {gone} taken back): ask the vendor why",
            "leverandørens oplysninger om, hvem der har læst enhedens data, modsiger tidligere oplysninger ({missing} \
             kvitteringer mangler, {changed} er ændret, {gone} er trukket tilbage): spørg leverandøren hvorfor";
        NotAccepted { count: u64 } =>
            "{count} receipts or notices of the vendor were not accepted: no key of [vendor] keys signed them as they are, \
             or they are of another device",
            "{count} kvitteringer eller meddelelser fra leverandøren er ikke accepteret: ingen nøgle i [vendor] keys har \
             signeret dem, som de er, eller de gælder en anden enhed";
    }
}

crate::texts! {
    /// What to do about a ledger.
    pub(super) enum Mending {
        ReadAgain =>
            "check its rights and the disk; it is read again",
            "kontrollér dens rettigheder og disken; den læses igen";
        AnswerAnew =>
            "nothing is allowed until the clinic answers anew: `consent ask`",
            "intet er tilladt, før klinikken svarer på ny: `consent ask`";
        BeginAnew =>
            "nothing is allowed until `consent withdraw` begins a new ledger",
            "intet er tilladt, før `consent withdraw` begynder en ny journal";
    }
}

impl Mending {
    /// Of a ledger with this flaw.
    pub(super) const fn of(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Unreadable(_) => Self::ReadAgain,
            Flaw::OtherDevice => Self::AnswerAnew,
            _ => Self::BeginAnew,
        }
    }
}

/// Why a certificate of erasure proves nothing.
#[derive(Clone, Debug)]
pub(super) struct NotProvenText(pub(super) NotProven);

crate::texts! { NotProvenText {
    Self(NotProven::Format) => "is not a certificate", "er ikke en attest";
    Self(NotProven::Other) => "is about something else than was asked", "handler om noget andet end anmodningen";
    Self(NotProven::Signature) => "is not signed by a key of [vendor] keys", "er ikke signeret med en nøgle i [vendor] keys";
} }
