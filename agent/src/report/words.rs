//! The closed lists of consent and usage in plain Danish and English.

use protocol::civil::Granularity;
use protocol::ledger::{EventKind, Role};
use protocol::{Purpose, Reason};

use crate::consent::State;
use crate::html::checks::Chip;
use crate::html::{Both, both};

type Words = Both<&'static str>;

/// What the state of a flag means.
pub(super) const fn state(state: State) -> Chip {
    match state {
        State::Granted => Chip("good", both("yes: collected and sent", "ja: indsamles og sendes")),
        State::Denied => Chip("", both("no: nothing is collected", "nej: intet indsamles")),
        State::Withdrawn => Chip("", both("withdrawn: erased here", "tilbagekaldt: slettet her")),
        State::Restricted => Chip(
            "look",
            both("kept, but neither used nor sent", "opbevares, men hverken bruges eller sendes"),
        ),
        State::StalePolicy => Chip(
            "look",
            both("the policy changed: a new yes is needed", "politikken er ændret: et nyt samtykke kræves"),
        ),
        State::Expired => {
            Chip("look", both("the yes is over: a new one is needed", "samtykket er udløbet: et nyt kræves"))
        }
        State::NotOffered => Chip("", both("the policy does not ask for it", "politikken beder ikke om det")),
        State::Unset => {
            Chip("", both("nobody answered: nothing is collected", "ingen har svaret: intet indsamles"))
        }
    }
}

/// A purpose for which the policy has no title, because it does not ask for it.
pub(super) const fn purpose(purpose: Purpose) -> Words {
    match purpose {
        Purpose::UsageStatistics => both("Usage statistics", "Brugsstatistik"),
        Purpose::SupportCase => both("Support for one case", "Support i én sag"),
        Purpose::SupportScanData => {
            both("De-identified scan data for a case", "Afidentificerede optagelsesdata til en sag")
        }
    }
}

/// What was answered.
pub(super) const fn event(kind: EventKind) -> Words {
    match kind {
        EventKind::Granted => both("Yes", "Ja"),
        EventKind::Denied => both("No", "Nej"),
        EventKind::Withdrawn => both("Withdrawn", "Tilbagekaldt"),
        EventKind::Closed => both("Keys and records erased", "Nøgler og data slettet"),
        EventKind::Restricted => both("Paused", "Sat på pause"),
        EventKind::Released => both("Resumed", "Genoptaget"),
        EventKind::Expired => both("Consent has expired", "Samtykket er udløbet"),
    }
}

/// Who answered.
pub(super) const fn role(role: Option<Role>) -> Words {
    match role {
        Some(Role::Owner) => both("the owner", "ejeren"),
        Some(Role::PrivacyOfficer) => both("the privacy officer", "den databeskyttelsesansvarlige"),
        Some(Role::Delegate) => both("a delegate", "en befuldmægtiget"),
        None => both("not said", "ikke angivet"),
    }
}

/// Content of a queue, in words.
pub(super) fn queue(word: &str) -> Words {
    match word {
        "open" => both(
            "Counts of the day and month that run; never sent as they are",
            "Tal for den igangværende dag og måned; sendes aldrig i den form",
        ),
        "usage" => both("Statistics to be sent", "Statistik, der skal sendes"),
        "sent" => both("Statistics that were sent last", "Senest sendte statistik"),
        _ => both("Requests to the vendor about your data", "Anmodninger til leverandøren om jeres data"),
    }
}

/// Why something was dropped.
pub(super) const fn reason(reason: Reason) -> Words {
    match reason {
        Reason::NoConsent => both("there was no yes", "der var ikke samtykke"),
        Reason::BeforeGrant => both("it happened before the yes", "det skete før samtykket"),
        Reason::NotUtf8 => both("a line that is no text", "en linje, der ikke er tekst"),
        Reason::NotJson => both("a line of another form", "en linje i en anden form"),
        Reason::TooLong => both("a line that is too long", "en for lang linje"),
        Reason::UnknownEvent => {
            both("an event that is not on the list", "en hændelse, der ikke står på listen")
        }
        Reason::UnknownAttribute => {
            both("a detail that is not on the list", "en oplysning, der ikke står på listen")
        }
        Reason::MissingAttribute => both("a detail was missing", "en oplysning manglede"),
        Reason::RepeatedAttribute => both("a detail was there twice", "en oplysning stod der to gange"),
        Reason::BadType => {
            both("text where a number belongs, or the reverse", "tekst i stedet for tal eller omvendt")
        }
        Reason::OutOfRange => both("a value outside its range", "en værdi uden for området"),
        Reason::BadTime => both("a time that cannot be", "et tidspunkt, der ikke kan passe"),
        Reason::NotAFile => both("something that is no file", "noget, der ikke er en fil"),
        Reason::Quota => both(
            "the space was full; the oldest went first",
            "pladsen var brugt op; det ældste blev kasseret først",
        ),
        Reason::Expired => {
            both("it waited longer than the policy allows", "det ventede længere, end politikken tillader")
        }
        Reason::Withdrawn => {
            both("erased because the yes was taken back", "slettet, fordi samtykket blev tilbagekaldt")
        }
        Reason::Damaged => both("lost to damage on the disk", "tabt på grund af en skade på disken"),
        Reason::Rejected => both("refused by the vendor for good", "endeligt afvist af leverandøren"),
        Reason::Ended => {
            both("after the last day on which it is collected", "efter den sidste dag, hvor det indsamles")
        }
    }
}

/// How exactly in time.
pub(super) const fn granularity(granularity: Granularity) -> Words {
    match granularity {
        Granularity::Month => both("by month", "pr. måned"),
        Granularity::Week => both("by week", "pr. uge"),
        Granularity::Day => both("by day", "pr. dag"),
        Granularity::Hour => both("by hour", "pr. time"),
    }
}

/// Why an exposure was repeated, and by what it was made.
pub(super) fn of_exposures(word: &str) -> Both<&str> {
    match word {
        "incomplete_fov" => both("Not all of it in the picture", "Ikke alt var med på billedet"),
        "motion" => both("The patient moved", "Patienten bevægede sig"),
        "positioning" => both("Positioning", "Placering"),
        "technique" => both("Technique", "Teknik"),
        "software" => both("Software", "Software"),
        "not_given" => both("No reason given", "Ingen årsag angivet"),
        "cbct" => both("CBCT", "CBCT"),
        "panoramic" => both("Panoramic", "Panorama"),
        "cephalometric" => both("Cephalometric", "Kefalometri"),
        "face_scan" => both("Face scan", "Ansigtsskanning"),
        "scout" => both("Scout", "Scout"),
        other => both(other, other),
    }
}
