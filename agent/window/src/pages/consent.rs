//! *Consent*: what is asked, in full; a click answers, and the digest of the text travels with it.

use agent::api::consent::Notice;
use agent::consent::State;
use agent::html::Escaped;
use agent::request::{ConsentAction, ConsentRequest, Request};
use maud::{Markup, PreEscaped, html};
use protocol::Purpose;

use super::parts::{button, list, not_shown, print_button};
use crate::state::Window;
use crate::words::{means, state, t, time, who};

/// What is asked case by case, on the page of the case.
const CASE_PURPOSES: [Purpose; 2] = [Purpose::SupportCase, Purpose::SupportScanData];

pub(super) fn page(window: &Window) -> Markup {
    let title = t("What may this computer send?", "Hvad må denne computer sende?");
    let show = ConsentRequest {
        purpose: Some(Purpose::UsageStatistics),
        ..ConsentRequest::new(ConsentAction::Show)
    };
    let answer = list(&window.agent)
        .and_then(|list| window.agent.ask::<Notice>(&Request::Consent(show)).map(|notice| (list, notice)));
    let (list, notice) = match answer {
        Ok(both) => both,
        Err(why) => return not_shown(&title, &why),
    };
    let flag = notice.consent.usage_statistics;
    let (en, da) = (Escaped(&notice.text.en).to_string(), Escaped(&notice.text.da).to_string());
    html! {
        h1 { (title) }
        section.card id="flag" data-live {
            h2 { (t("Usage statistics", "Brugsstatistik")) " " (state(flag)) }
            p { (means(flag)) }
            @if let Some(end) = notice.ends.usage_statistics.as_deref().filter(|_| flag == State::Granted) {
                p { (t("The consent lasts until", "Samtykket gælder til")) " " (time(end)) "." }
            }
        }
        section {
            h2 { (t("What you are asked", "Hvad I bliver spurgt om")) }
            div.terms tabindex="0" role="region" aria-label="Samtykke · Consent" {
                div lang="en" { (PreEscaped(en.trim())) }
                div lang="da" { (PreEscaped(da.trim())) }
            }
            form data-do="grant" {
                input type="hidden" name="purpose" value="usage_statistics";
                input type="hidden" name="yes" value=(notice.digest.to_string());
                (who("grant"))
                button { (t("Allow", "Giv samtykke")) }
            }
            div.row {
                (button("deny", &[("purpose", "usage_statistics")], "plain", &t("Don't allow", "Giv ikke samtykke")))
                (print_button())
            }
        }
        section {
            h2 { (t("Support cases", "Supportsager")) }
            p { (t("Support data is asked for case by case: you see everything that would leave before you say yes.",
                   "Til supportdata spørges der fra sag til sag: I ser alt, hvad der ville blive sendt, før I giver samtykke.")) }
            @for asked in list.asked.iter().filter(|asked| asked.offered && CASE_PURPOSES.contains(&asked.purpose)) {
                p.soft { (purpose(asked.purpose)) ": " (t(format!("a consent lasts {}", asked.lasts), format!("et samtykke gælder i {}", asked.lasts.replace("days", "dage")))) }
            }
        }
    }
}

/// What a flag of a case is about.
fn purpose(purpose: Purpose) -> Markup {
    match purpose {
        Purpose::SupportScanData => {
            t("De-identified scan data for a case", "Afidentificerede optagelsesdata til en sag")
        }
        _ => t("Support for one case", "Support i én sag"),
    }
}
