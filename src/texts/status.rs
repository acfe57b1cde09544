//! The texts of `status`, `contact`, and what they share with others: states, queues, drop reasons.

use agent::api::status::{Keys, Service};
use agent::consent::State;
use agent::consent::ground::Ground;
use agent::support::record;
use protocol::notice::NoticeKind;
use protocol::rights::{ExtensionReason, HoldReason};
use protocol::{CaseReason, Reason};

agent::texts! {
    /// Headings, labels and sentences.
    pub(crate) enum Say {
        Agent => "Agent", "Agent";
        Version => "version", "version";
        Service => "service", "tjeneste";
        Device => "device", "enhed";
        Enrolled => "enrolled", "tilmeldt";
        NotEnrolled => "not enrolled", "ikke tilmeldt";
        Short => "short", "kortnavn";
        ForTheTelephone => "for the telephone", "til brug i telefonen";
        Policy => "policy", "politik";
        Keys => "keys", "nøgler";
        OnDisk => "on disk", "på disken";
        Unreadable => "cannot be read now", "kan ikke læses nu";
        Waiting => "Waiting", "I kø";
        Sent => "Sent", "Sendt";
        Last { at: String } => "last {at}", "senest {at}";
        Dropped => "Dropped", "Kasseret";
        Asked => "Asked of the vendor", "Anmodninger til leverandøren";
        Invited => "The vendor asks for a support bundle", "Leverandøren beder om en supportpakke";
        Invitation { command: String } =>
            "shows what it would be, and asks you: {command}",
            "viser, hvad der ville blive sendt, og spørger jer: {command}";
        Notices => "Notices of the vendor", "Meddelelser fra leverandøren";
        Problems => "Problems", "Kræver handling";
        None => "none", "intet";
        Nothing => "nothing", "intet";
        Consent => "Consent", "Samtykke";
        Until { end: String } => "until {end}", "til {end}";
        Cases => "Support cases", "Supportsager";
        VendorAsks { command: String } =>
            "The vendor asks for a support bundle. It shows what it would be, and asks you: {command}",
            "Leverandøren beder om en supportpakke. Denne kommando viser, hvad der ville blive sendt, og spørger jer: {command}";
        VendorAsksNothing =>
            "The vendor answered, and asks for nothing.",
            "Leverandøren har svaret og beder ikke om noget.";
        Unusable => "cannot be used", "kan ikke bruges";
        WindowOpens =>
            "The window opens in your browser, and ends when you close its page.",
            "Vinduet åbnes i jeres browser og lukker, når I lukker siden.";
        NoContact =>
            "the service does not run, so nobody talks to the vendor: `service start`",
            "tjenesten kører ikke, så leverandøren kan ikke kontaktes: `service start`";
        NoAnswer { why: String } =>
            "the vendor did not answer within a minute{why}; see `doctor`",
            "leverandøren svarede ikke inden for et minut{why}; se `doctor`";
    }
}

/// What a notice of the vendor is about.
pub(crate) struct NoticeAbout(pub(crate) NoticeKind);

agent::texts! { NoticeAbout {
    Self(NoticeKind::MaterialChange) => "material change", "væsentlig ændring";
    Self(NoticeKind::Breach) => "data breach", "brud på datasikkerheden";
    Self(NoticeKind::Advisory) => "advisory", "sikkerhedsmeddelelse";
    Self(NoticeKind::EndOfSupport) => "end of support", "support ophører";
    Self(NoticeKind::NewerVersion) => "newer version", "nyere version";
} }

/// What a state of a flag means.
pub(crate) struct Means(pub(crate) State);

agent::texts! { Means {
    Self(State::NotOffered) => "the policy does not ask for it", "politikken beder ikke om det";
    Self(State::Unset) => "nobody answered: nothing is collected", "ingen har svaret: intet indsamles";
    Self(State::Granted) => "yes: collected and sent", "ja: indsamles og sendes";
    Self(State::Denied) => "no: nothing is collected", "nej: intet indsamles";
    Self(State::Withdrawn) => "not any more: nothing is collected", "tilbagekaldt: intet indsamles";
    Self(State::Restricted) => "kept, but neither used nor sent", "opbevares, men hverken bruges eller sendes";
    Self(State::StalePolicy) =>
        "the policy changed: nothing is collected until a new yes",
        "politikken er ændret: intet indsamles før et nyt samtykke";
    Self(State::Expired) =>
        "the yes is over: nothing is collected until a new one",
        "samtykket er udløbet: intet indsamles før et nyt";
} }

/// A state of a flag as a word.
pub(crate) struct Flag(pub(crate) State);

agent::texts! { Flag {
    Self(State::NotOffered) => "not_offered", "tilbydes ikke";
    Self(State::Unset) => "unset", "ubesvaret";
    Self(State::Granted) => "granted", "slået til";
    Self(State::Denied) => "denied", "slået fra";
    Self(State::Withdrawn) => "withdrawn", "tilbagekaldt";
    Self(State::Restricted) => "restricted", "på pause";
    Self(State::StalePolicy) => "stale_policy", "skal fornyes";
    Self(State::Expired) => "expired", "udløbet";
} }

/// How far a bundle is.
pub(crate) struct Bundle(pub(crate) record::State);

agent::texts! { Bundle {
    Self(record::State::Queued) => "queued", "i kø";
    Self(record::State::Sending) => "sending", "sendes";
    Self(record::State::Sent) => "sent", "leveret";
    Self(record::State::Failed) => "failed", "mislykket";
} }

/// Whether the service runs.
pub(crate) struct Runs(pub(crate) Service);

agent::texts! { Runs {
    Self(Service::Running) => "running", "kører";
    Self(Service::Stopped) => "stopped", "stoppet";
} }

/// What protects the keys.
pub(crate) struct ProtectedBy(pub(crate) Keys);

agent::texts! { ProtectedBy {
    Self(Keys::Dpapi) => "by Windows, for the service's account", "af Windows, til tjenestens konto";
    Self(Keys::Systemd) => "by systemd, sealed to this machine", "af systemd, forseglet til denne maskine";
    Self(Keys::File) =>
        "by a file beside them: a stolen disk gives them away",
        "af en fil ved siden af dem: stjæles disken, er nøglerne med";
} }

agent::texts! {
    /// Content of a queue, in words.
    pub(crate) enum Queue {
        Open =>
            "counts of the day and the month that run; never sent as they are",
            "tal for den igangværende dag og måned; sendes aldrig i den form";
        Usage => "statistics to be sent", "statistik, der skal sendes";
        Requests => "requests to the vendor about your data", "anmodninger til leverandøren om jeres data";
        Sent =>
            "what was sent last, as long as its key lives",
            "det senest sendte, så længe dets nøgle findes";
        Other => "", "";
    }
}

impl Queue {
    /// The queue of this name.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            "open" => Self::Open,
            "usage" => Self::Usage,
            "requests" => Self::Requests,
            "sent" => Self::Sent,
            _ => Self::Other,
        }
    }
}

/// Why something was dropped.
pub(crate) struct Why(pub(crate) Reason);

agent::texts! { Why {
    Self(Reason::NoConsent) => "there was no yes", "der var ikke samtykke";
    Self(Reason::BeforeGrant) => "happened before the yes", "skete før samtykket";
    Self(Reason::NotUtf8) => "a line that is no text", "en linje, der ikke er tekst";
    Self(Reason::NotJson) => "a line that is no flat JSON object", "en linje, der ikke er et fladt JSON-objekt";
    Self(Reason::TooLong) => "a line that is too long", "en linje, der er for lang";
    Self(Reason::UnknownEvent) =>
        "an event that the catalog does not list",
        "en hændelse, som kataloget ikke indeholder";
    Self(Reason::UnknownAttribute) =>
        "an attribute that the catalog does not list",
        "en attribut, som kataloget ikke indeholder";
    Self(Reason::MissingAttribute) => "an attribute was missing", "en attribut manglede";
    Self(Reason::RepeatedAttribute) => "an attribute was there twice", "en attribut stod der to gange";
    Self(Reason::BadType) =>
        "text where a number belongs, or the reverse",
        "tekst, hvor der skal stå et tal, eller omvendt";
    Self(Reason::OutOfRange) =>
        "a value outside its range or list",
        "en værdi uden for det tilladte område eller listen";
    Self(Reason::BadTime) =>
        "a time that is none, or not believable",
        "et tidspunkt, der er ugyldigt eller utroværdigt";
    Self(Reason::NotAFile) => "something in the outbox that is no file", "noget i udbakken, der ikke er en fil";
    Self(Reason::Quota) => "the space was full; the oldest went first", "pladsen var brugt op; det ældste blev kasseret først";
    Self(Reason::Expired) => "waited longer than the policy allows", "ventede længere, end politikken tillader";
    Self(Reason::Withdrawn) => "erased by a withdrawal", "slettet ved en tilbagekaldelse";
    Self(Reason::Damaged) => "lost to damage on the disk", "tabt på grund af en skade på disken";
    Self(Reason::Rejected) => "refused by the collector for good", "endeligt afvist af leverandørens server";
    Self(Reason::Ended) =>
        "after the last day of its collection in the catalog",
        "efter den sidste dag for indsamling i kataloget";
} }

/// Why a case is opened.
pub(crate) struct About(pub(crate) CaseReason);

agent::texts! { About {
    Self(CaseReason::ImageQuality) => "image_quality", "billedkvalitet";
    Self(CaseReason::Error) => "error", "fejl";
    Self(CaseReason::Performance) => "performance", "langsomhed";
    Self(CaseReason::Connectivity) => "connectivity", "forbindelse";
    Self(CaseReason::Calibration) => "calibration", "kalibrering";
    Self(CaseReason::Other) => "other", "andet";
} }

/// Why the vendor takes longer.
#[derive(Clone, Debug)]
pub(crate) struct Extended(pub(crate) ExtensionReason);

agent::texts! { Extended {
    Self(ExtensionReason::Complexity) => "complexity", "anmodningen er kompleks";
    Self(ExtensionReason::ManyRequests) => "many_requests", "der er mange anmodninger";
} }

/// Why the vendor keeps something.
#[derive(Clone, Debug)]
pub(crate) struct Held(pub(crate) HoldReason);

agent::texts! { Held {
    Self(HoldReason::LegalClaim) => "legal_claim", "retskrav";
    Self(HoldReason::VigilanceRecord) => "vigilance_record", "sikkerhedsovervågning af medicinsk udstyr";
    Self(HoldReason::ComplaintRecord) => "complaint_record", "reklamationssag";
} }

agent::texts! {
    /// How far a request to the vendor is.
    pub(crate) enum Standing {
        Revoked => "taken back", "trukket tilbage";
        Erased { records: u64, bundles: u64, copies: Copies } =>
            "done, certified: {records} records and {bundles} bundles erased{copies}",
            "udført, attesteret: {records} poster og {bundles} pakker slettet{copies}";
        InPart { records: u64, bundles: u64, copies: Copies, what: String, end: String, why: Held } =>
            "refused in part, certified: {records} records and {bundles} bundles erased{copies}; {what} kept until {end} \
             ({why})",
            "delvist afvist, attesteret: {records} poster og {bundles} pakker slettet{copies}; {what} opbevares til {end} \
             ({why})";
        DoneUnproven =>
            "done, as the vendor says; no certificate",
            "udført ifølge leverandøren; ingen attest";
        InPartUnproven =>
            "refused in part, as the vendor says; no certificate",
            "delvist afvist ifølge leverandøren; ingen attest";
        Done => "done", "udført";
        Refused { why: Ground } => "refused: {why}", "afvist: {why}";
        Answered =>
            "answered: `privacy export --from-vendor -o FILE` writes it",
            "besvaret: `privacy export --from-vendor -o FIL` skriver svaret";
        Open => "open", "åben";
        Due { due: String } => "open, due {due}", "åben, frist {due}";
        Longer { due: String, why: Extended } => "open, due {due} ({why})", "åben, frist {due} ({why})";
    }
}

agent::texts! {
    /// Copies that were made before an erasure.
    pub(crate) enum Copies {
        None => "", "";
        Remain { count: usize } =>
            "; {count} copies made before remain",
            "; {count} tidligere kopier findes stadig";
        Unreadable { count: usize, day: String } =>
            "; not yet in {count} backups, which nobody can read from {day} on",
            "; endnu ikke i {count} sikkerhedskopier, som ingen kan læse fra {day}";
    }
}
