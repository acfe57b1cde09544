//! *Start*: on, off or paused; what left last and when; what waits; what needs attention.

use agent::api::status::Status;
use agent::consent::State;
use agent::html::grouped;
use maud::{Markup, html};

use super::parts::{button, list, not_shown, status};
use crate::ask::Failure;
use crate::state::Window;
use crate::words::{means, notices, state, t, time, who, written};

const USAGE: &str = "usage_statistics";

pub(super) fn page(window: &Window) -> Markup {
    let title = t("Is anything leaving this computer?", "Sendes der noget fra denne computer?");
    let listed = match list(&window.agent) {
        Ok(listed) => listed,
        Err(why) => return not_shown(&title, &why),
    };
    let status = status(&window.agent);
    let flag = listed.consent.usage_statistics;
    html! {
        h1 { (title) }
        div id="asked" data-live { @if let Ok(status) = &status { (notices(&status.notices)) (asked(status)) } }
        section.card id="flag" data-live {
            h2 { (t("Usage statistics", "Brugsstatistik")) " " (state(flag)) }
            p { (means(flag)) " " (t(format!("Asked by {}.", listed.policy.controller), format!("Dataansvarlig: {}.", listed.policy.controller))) }
            @if let Some(end) = listed.ends.usage_statistics.as_deref().filter(|_| flag == State::Granted) {
                p { (t("The consent lasts until", "Samtykket gælder til")) " " (time(end)) "." }
            }
            (answers(flag))
        }
        @match &status {
            Ok(status) => (facts(status)),
            Err(Failure::NotAllowed(_)) => section id="facts" data-live {
                p.soft { (t("Your account sees whether something is on, and may say no. What was sent is shown to members of kathea-consent and to administrators.",
                            "Denne konto kan se, om noget er slået til, og må sige nej. Hvad der er sendt, vises kun for medlemmer af kathea-consent og for administratorer.")) }
            },
            Err(why) => section id="facts" data-live { (crate::words::failure(why)) },
        }
    }
}

/// The buttons that go with a state. Saying no is always one click away.
fn answers(flag: State) -> Markup {
    let purpose = [("purpose", USAGE)];
    let stop = html! {
        (button("withdraw", &purpose, "end", &t("Stop and erase on this computer", "Stop, og slet her på computeren")))
        (button("withdraw", &[("purpose", USAGE), ("erase", "yes")], "end",
                &t("Stop, and have the vendor erase too", "Stop, og få også leverandøren til at slette")))
    };
    html! {
        div.row {
            @match flag {
                State::Granted => {
                    (button("restrict", &purpose, "plain", &t("Pause", "Sæt på pause")))
                    (stop)
                }
                State::Restricted => {
                    form data-do="release" {
                        input type="hidden" name="purpose" value=(USAGE);
                        (who("release"))
                        button { (t("Resume", "Genoptag")) }
                    }
                    (stop)
                }
                State::NotOffered => {}
                _ => { p { a.button href="#consent" { (t("Read what you are asked, and answer", "Læs, hvad I bliver spurgt om, og svar")) } } }
            }
        }
    }
}

/// What the vendor asks for. Nothing happens by itself.
pub(super) fn asked(status: &Status) -> Markup {
    html! {
            @for invitation in &status.invitations {
                div.card role="note" {
                    p { (t(format!("The vendor asks for a support bundle for the case {}.", invitation.case),
                           format!("Leverandøren beder om en supportpakke til sagen {}.", invitation.case))) " "
                        (crate::words::reason(invitation.reason)) ". "
                        (t("Nothing is sent unless you say so.", "Intet sendes, medmindre I siger ja.")) }
                    p { a href="#case" { (t("Prepare it, and review it first", "Forbered den, og gennemgå den først")) } }
                }
            }
    }
}

fn facts(status: &Status) -> Markup {
    let sent = status.sent.get(USAGE);
    let records = sent.map_or(0, |sent| sent.records);
    let waiting: u64 = status.waiting.each().iter().map(|(_, waiting)| waiting.records).sum();
    let open_cases = status.cases.iter().filter(|case| case.support_case == State::Granted).count() as u64;
    html! {
        div id="facts" data-live {
            ul.tiles {
                li { b { (written(grouped(records))) } (t("records of statistics delivered", "statistikposter leveret")) }
                li { b { (written(grouped(waiting))) } (t("records wait on this computer", "poster venter på denne computer")) }
                li { b { (written(grouped(open_cases))) } (t("support cases open", "åbne supportsager")) }
                li { b { (status.device.short()) } (t("this device's name on the telephone", "enhedens navn i telefonen")) }
            }
            @if let Some(last) = sent.and_then(|sent| sent.last.as_deref()) {
                p { (t("Last delivered:", "Senest leveret:")) " " (time(last)) ". " a href="#leaves" { (t("See what", "Se hvad")) } }
            } @else {
                p { (t("Nothing was delivered yet.", "Intet er leveret endnu.")) }
            }
            section {
                h2 { (t("What needs attention", "Kræver handling")) }
                @if status.problems.is_empty() { p { (t("Nothing.", "Intet.")) } }
                @else {
                    ul { @for problem in &status.problem_texts { li { (t(&problem.en, &problem.da)) } } }
                    p { a href="#check" { (t("What to do about it", "Hvad I kan gøre")) } }
                }
            }
        }
    }
}
