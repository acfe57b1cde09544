//! *Rights and proofs*: what was asked of the vendor, every answer that was given, and the clinic's rights as buttons.

use agent::consent::tickets::Ticket;
use maud::{Markup, html};

use super::leaves;
use super::parts::{button, download, not_shown, print_button, status};
use crate::state::Window;
use crate::words::{ground, notices, shown, t, ticket, time, who};

pub(super) fn page(window: &Window) -> Markup {
    let title = t("Your rights, and the proofs", "Jeres rettigheder og dokumentation");
    let status = match status(&window.agent) {
        Ok(status) => status,
        Err(why) => return not_shown(&title, &why),
    };
    let answers = leaves::with_report(window, |report, out| report.write_answers(out));
    html! {
        h1 { (title) }
        div.row {
            (download("export.json", "kathea-agent-export.json", &t("Save everything that is held", "Gem alt, der opbevares her")))
            (download("receipt.txt", "kathea-agent-receipts.txt", &t("Save the receipts", "Gem kvitteringerne")))
            (print_button())
        }
        div id="notices" data-live { (notices(&status.notices)) }
        section id="tickets" data-live {
            h2 { (t("Requests to the vendor", "Anmodninger til leverandøren")) }
            @if status.requests.is_empty() { p { (t("Nothing yet.", "Intet endnu.")) } }
            @else { div.wide-table { (tickets(&status.requests)) } }
        }
        @match answers {
            Ok(answers) => div.wide-table id="answers" data-live { (answers) },
            Err(why) => div.card { (crate::words::failure(&why)) },
        }
        section {
            h2 { (t("Have it erased", "Få det slettet")) }
            p { (t("Every consent ends, everything that is kept here is erased, and the vendor is asked to erase what was sent. It cannot be undone.",
                   "Alle samtykker ophører, alt, hvad der opbevares her, slettes, og leverandøren bliver bedt om at slette det sendte. Det kan ikke fortrydes.")) }
            form data-do="erase" {
                (claim("erase-claim"))
                button.end { (t("Erase everything", "Slet alt")) }
            }
        }
        section id="held" data-live {
            h2 { (t("What does the vendor hold?", "Hvad opbevarer leverandøren?")) }
            (button("access", &[], "plain", &t("Ask the vendor", "Spørg leverandøren")))
            @if status.requests.iter().any(|ticket| ticket.sealed.is_some()) {
                (download("vendor.ndjson", "kathea-vendor-answer.ndjson", &t("Save the vendor's answer", "Gem leverandørens svar")))
                p { (t("The answer itself stays on this computer, sealed, until 30 days after it came.", "Selve svaret bliver på denne computer, forseglet, indtil 30 dage efter, at det kom.")) }
            }
        }
        section {
            h2 { (t("Object to its use", "Gør indsigelse mod brugen")) }
            p { (t("The vendor uses what was sent no more, unless it shows a reason that the law allows. What is collected from now on is ended by withdrawing the consent.",
                   "Leverandøren bruger ikke længere det sendte, medmindre den viser en grund efter loven. Det, der indsamles fra nu af, standses ved at tilbagekalde samtykket.")) }
            (button("object", &[], "plain", &t("Object", "Gør indsigelse")))
        }
        section {
            h2 { (t("The clinic has a new owner", "Klinikken har fået ny ejer")) }
            form data-do="new_owner" {
                (who("owner"))
                (claim("owner-claim"))
                button.end { (t("End every consent", "Afslut alle samtykker")) }
            }
        }
    }
}

/// Where the device's claim code goes, for whoever is not in the group.
fn claim(id: &str) -> Markup {
    html! {
        div.field {
            label for=(id) { (t("Claim code, if you are not in the group kathea-consent", "Ejerkode, hvis I ikke er medlem af gruppen kathea-consent")) }
            input id=(id) name="claim" maxlength="100" autocomplete="off" spellcheck="false";
        }
    }
}

fn tickets(tickets: &[Ticket]) -> Markup {
    html! {
        table.stack {
            thead { tr { th { (t("What", "Hvad")) } th { (t("When", "Hvornår")) } th { (t("State", "Tilstand")) } th { (t("Number", "Nummer")) } } }
            tbody { @for one in tickets {
                tr { td { (kind(one.kind.as_str())) } td { (time(&one.taken_at)) } td { (ticket(one.state)) @if let Some(why) = one.refused { " " (ground(why)) } } td { span.label { (t("Number", "Nummer")) ": " } span.mono { (shown(&one.ticket)) } } }
            } }
        }
    }
}

fn kind(word: &str) -> Markup {
    match word {
        "erase" | "erasure" => t("Erase what was sent", "Slet det sendte"),
        "access" => t("Tell what is held", "Oplys, hvad der opbevares"),
        "rectify" => t("Correct what is held", "Ret det, der opbevares"),
        "restrict" => t("Pause the use", "Sæt brugen på pause"),
        "release" => t("Resume the use", "Genoptag brugen"),
        "withdraw" => t("Consent withdrawn", "Samtykket tilbagekaldt"),
        "revoke" => t("Don't erase after all", "Slet alligevel ikke"),
        "object" => t("Object to the use", "Indsigelse mod brugen"),
        "decommission" => t("The device is out of use", "Enheden er taget ud af brug"),
        other => html! { (other) },
    }
}
