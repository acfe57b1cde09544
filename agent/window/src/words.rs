//! Words of the closed lists, Danish and English, and small pieces of the pages.

use agent::config::Language;
use agent::consent::State;
use agent::consent::ground::Ground;
use agent::html::checks::Chip;
use agent::html::{Escaped, both};
use agent::support::record;
use agent::texts::Text;
use maud::{Markup, PreEscaped, html};
use protocol::CaseReason;
use protocol::answer::RefusalReason;
use protocol::ledger::Role;
use protocol::notice::{Notice, NoticeKind};
use protocol::reply::TicketState;

use crate::ask::Failure;

/// The same in both languages; the page shows the one that is chosen.
pub(crate) fn t(en: impl AsRef<str>, da: impl AsRef<str>) -> Markup {
    PreEscaped(both(en.as_ref(), da.as_ref()).to_string())
}

/// Text from anywhere. What controls more than it shows is shown as its code.
pub(crate) fn shown(text: &str) -> Markup {
    PreEscaped(Escaped(text).to_string())
}

/// Something of the report's templates.
pub(crate) fn written(what: impl std::fmt::Display) -> Markup {
    PreEscaped(what.to_string())
}

/// A time of RFC 3339, which the script shows in local time.
pub(crate) fn time(text: &str) -> Markup {
    html! { time datetime=(text) { (text.replace('T', " ").replace('Z', " UTC")) } }
}

/// The state of a flag as a word: on, off, paused, expired, needs renewal.
pub(crate) fn state(state: State) -> Markup {
    written(match state {
        State::Granted => Chip("good", both("on", "til")),
        State::Restricted => Chip("look", both("paused", "på pause")),
        State::Expired => Chip("look", both("expired", "udløbet")),
        State::StalePolicy => Chip("look", both("needs renewal", "skal fornyes")),
        State::NotOffered => Chip("", both("not offered", "tilbydes ikke")),
        State::Unset | State::Denied | State::Withdrawn => Chip("", both("off", "fra")),
    })
}

/// What that means, in a sentence.
pub(crate) fn means(state: State) -> Markup {
    match state {
        State::Granted => t("Statistics are collected and sent.", "Statistik indsamles og sendes."),
        State::Restricted => t(
            "Statistics that were collected are kept. Nothing is collected, used or sent.",
            "Indsamlet statistik gemmes. Intet indsamles, bruges eller sendes.",
        ),
        State::Expired => t(
            "The consent has ended. Nothing is collected until the clinic allows it again.",
            "Samtykket er udløbet. Intet indsamles, før klinikken giver samtykke igen.",
        ),
        State::StalePolicy => t(
            "The terms have changed. Nothing is collected until the clinic allows it again.",
            "Vilkårene er ændret. Intet indsamles, før klinikken giver samtykke igen.",
        ),
        State::NotOffered => t("The vendor does not ask for it.", "Leverandøren beder ikke om det."),
        State::Unset => t("Nobody has answered. Nothing is collected.", "Ingen har svaret. Intet indsamles."),
        State::Denied | State::Withdrawn => {
            t("The clinic said no. Nothing is collected.", "Klinikken har sagt nej. Intet indsamles.")
        }
    }
}

/// How far a bundle is.
pub(crate) fn bundle(state: record::State) -> Markup {
    written(match state {
        record::State::Queued => Chip("", both("queued", "i kø")),
        record::State::Sending => Chip("look", both("sending", "sendes")),
        record::State::Sent => Chip("good", both("delivered", "leveret")),
        record::State::Failed => Chip("bad", both("failed", "mislykket")),
    })
}

/// What long work does at the moment.
pub(crate) fn stage(stage: &str) -> Markup {
    match stage {
        "looking" => t("Looking", "Leder"),
        "learning" => t("Learning names to remove", "Læser navne, der skal fjernes"),
        "cleaning" => t("Removing identifiers", "Fjerner patientoplysninger"),
        "sealing" => t("Sealing", "Forsegler"),
        other => shown(other),
    }
}

/// How far a request to the vendor is.
pub(crate) fn ticket(state: TicketState) -> Markup {
    written(match state {
        TicketState::Open => Chip("", both("received by the vendor", "modtaget af leverandøren")),
        TicketState::Done => Chip("good", both("done", "udført")),
    })
}

/// The vendor's notices, which start nothing. They stand above everything else.
pub(crate) fn notices(notices: &[Notice]) -> Markup {
    html! {
        @for notice in notices {
            div.card role="note" {
                h2 { (t("The vendor informs you:", "Meddelelse fra leverandøren:")) " " (about(notice.kind)) }
                p { (t(&notice.en, &notice.da)) }
                p.soft { (time(&notice.issued)) }
            }
        }
    }
}

fn about(kind: NoticeKind) -> Markup {
    match kind {
        NoticeKind::MaterialChange => t("material change", "væsentlig ændring"),
        NoticeKind::Breach => t("data breach", "brud på datasikkerheden"),
        NoticeKind::Advisory => t("advisory", "sikkerhedsmeddelelse"),
        NoticeKind::EndOfSupport => t("end of support", "support ophører"),
        NoticeKind::NewerVersion => t("newer version", "nyere version"),
    }
}

/// Why the vendor refuses a request.
pub(crate) fn ground(why: RefusalReason) -> Markup {
    let [en, da] = [Language::En, Language::Da].map(|language| Ground(why).text(language));
    t(format!("Refused: {en}."), format!("Afvist: {da}."))
}

/// Why a case is opened.
pub(crate) fn reason(reason: CaseReason) -> Markup {
    match reason.as_str() {
        "image_quality" => t("Image quality", "Billedkvalitet"),
        "error" => t("An error", "En fejl"),
        "performance" => t("Too slow", "For langsomt"),
        "connectivity" => t("The connection", "Forbindelsen"),
        "calibration" => t("Calibration", "Kalibrering"),
        _ => t("Something else", "Noget andet"),
    }
}

/// The roles, by their words on the wire.
const ROLES: [(Role, &str, &str, &str); 3] = [
    (Role::Owner, "owner", "the owner", "ejeren"),
    (Role::PrivacyOfficer, "privacy_officer", "the privacy officer", "den databeskyttelsesansvarlige"),
    (Role::Delegate, "delegate", "somebody they appointed", "en befuldmægtiget"),
];

/// The question who says so. `id` tells the choices of one form from those of another.
pub(crate) fn who(id: &str) -> Markup {
    html! {
        fieldset.choices {
            legend { (t("I answer as", "Jeg svarer som")) }
            @for (_, word, en, da) in ROLES {
                @let id = format!("{id}-{word}");
                div { input type="radio" name="by" value=(word) id=(id) required; label for=(id) { (t(en, da)) } }
            }
        }
    }
}

/// The role of a word.
pub(crate) fn role(word: &str) -> Option<Role> {
    ROLES.iter().find(|(_, known, ..)| *known == word).map(|(role, ..)| *role)
}

/// Why something could not be done or shown, and what to do.
pub(crate) fn failure(failure: &Failure) -> Markup {
    match failure {
        Failure::NotRunning => html! {
            p { (t("The service is not running, so nothing is collected or sent. An administrator starts it with:",
                   "Tjenesten kører ikke, så intet indsamles eller sendes. En administrator starter den med:")) }
            code.line { "kathea-agent service start" }
        },
        Failure::NoAnswer => html! {
            p { (t("The service is busy and did not answer. Nothing was changed: try again in a minute.",
                   "Tjenesten er optaget og svarede ikke. Intet er ændret: prøv igen om et minut.")) }
        },
        Failure::NotAllowed(what) => html! {
            p { (t("Your account may not do this. Consent is given by members of the group named in the configuration \
                    (kathea-consent); support cases are prepared by them and by administrators.",
                   "Denne konto må ikke gøre dette. Samtykke gives af medlemmer af den gruppe, som konfigurationen nævner \
                    (kathea-consent); supportsager forberedes af dem og af administratorer.")) }
            p.soft { (t(&what.en, &what.da)) }
        },
        Failure::Personal(what) => html! {
            p { (t("A patient's name or number seems to be in what you typed. Change it, or choose to send it as it is.",
                   "Det, I har skrevet, indeholder tilsyneladende en patients navn eller nummer. Ret det, eller vælg at sende \
                    det, som det er.")) }
            p.soft { (t(&what.en, &what.da)) }
        },
        Failure::Refused(what) => html! {
            p { (t("It was not done.", "Det blev ikke gjort.")) }
            p.soft { (t(&what.en, &what.da)) }
        },
        Failure::NotUnderstood => html! {
            p { (t("The service is of another version than this window: restart the computer after an update.",
                   "Tjenesten har en anden version end vinduet: genstart computeren efter en opdatering.")) }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_is_one_of_the_wire() {
        for (role, word, ..) in ROLES {
            assert_eq!(serde_json::to_value(role).unwrap(), word);
            assert_eq!(super::role(word), Some(role));
        }
        assert_eq!(super::role("ejer"), None);
    }
}
