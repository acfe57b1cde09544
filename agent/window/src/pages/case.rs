//! *Support case*: from the reason to delivered.

use agent::api::status::Status;
use agent::api::support::{BundleRow, DraftRow, Progress};
use agent::cleaning::words as rules;
use agent::consent::State;
use agent::html::size;
use agent::limits::DESCRIPTION;
use agent::request::{Request, SupportRequest};
use agent::support::record;
use maud::{Markup, html};
use protocol::{CaseReason, Invitation};

use super::parts::{button, download, not_shown, status};
use crate::ask::Failure;
use crate::job::Came;
use crate::state::Window;
use crate::words::{bundle, failure, reason, shown, stage as at_stage, t, time, written};

pub(super) fn page(window: &Window) -> Markup {
    let title = t("Support case", "Supportsag");
    let asked = window.agent.ask(&Request::Support(SupportRequest::List));
    let list: agent::api::support::List = match asked {
        Ok(list) => list,
        Err(why) => return not_shown(&title, &why),
    };
    let status = status(&window.agent).ok();
    if let Some(status) = &status {
        window.jobs.watch(status, std::time::Instant::now());
    }
    let running = window.jobs.look(&window.agent);
    let came = window.jobs.came();
    html! {
        h1 { (title) }
        div.row {
            (button("contact", &[], "plain", &t("Ask the vendor", "Spørg leverandøren")))
            span.soft { (t("Fetches what the vendor asks for, and its receipts.", "Henter leverandørens anmodninger og kvitteringer.")) }
        }
        div id="asked" data-live { @if let Some(status) = &status { (super::start::asked(status)) } }
        div id="work" data-live { (work(running.as_ref(), &came)) }
        div id="drafts" data-live { @for draft in &list.drafts { (drafted(draft)) } }
        div id="bundles" data-live { @for row in &list.bundles { (bundled(row, window.jobs.rate(&row.id))) } }
        (new_case(status.as_ref(), &came))
        div id="cases" data-live { @if let Some(status) = &status { (cases(status)) } }
    }
}

/// What is being done, or why it was not.
fn work(running: Option<&Progress>, came: &Came) -> Markup {
    html! {
        @if let Some(Progress { stage, done, total, held, .. }) = running {
            section.card {
                h2 { (t("Being prepared", "Under forberedelse")) }
                @if *held { p { (t("It waits while a scan runs.", "Der ventes, mens en optagelse er i gang.")) } }
                label for="progress" { (at_stage(stage)) }
                @if *total > 0 { progress id="progress" max=(total) value=(done) {} } @else { progress id="progress" {} }
                p { (button("stop", &[], "plain", &t("Cancel", "Annullér"))) }
            }
        }
        @if let Some(why) = &came.failure {
            section.card role="note" { h2 { (t("The case was not prepared", "Sagen blev ikke forberedt")) } (failure(why)) }
        }
        @if !came.left_out.is_empty() {
            section.card role="note" {
                h2 { (t("Left out", "Udeladt")) }
                p { (t("Something of a patient would have stayed in these files, so they are not in the bundle. Everything else is there.",
                       "Noget om en patient ville være blevet stående i disse filer, så de er ikke med. Alt andet er med.")) }
                ul {
                    @for (at, file) in came.left_out.iter().enumerate() {
                        li { span.mono { (shown(&file.input)) } " " span.soft { (found(&file.finding)) } " "
                             (button("look", &[("at", &at.to_string())], "plain", &t("Open it on this computer", "Åbn den på denne computer"))) }
                    }
                }
            }
        }
    }
}

/// What was found, with the rule's name for the vendor, and its place.
fn found(finding: &str) -> Markup {
    let rule = finding.split(" in ").next().unwrap_or(finding);
    let place = finding.get(rule.len()..).unwrap_or_default().replacen(" in ", ", ", 1);
    let danish = place.replace("line ", "linje ").replace("attribute ", "attribut ");
    let known = rules::rule(rule);
    t(format!("{} ({rule}){place}", known.en), format!("{} ({rule}){danish}", known.da))
}

fn drafted(draft: &DraftRow) -> Markup {
    html! {
        section.card {
            h2 { (t(format!("{}: ready for your review", draft.case), format!("{}: klar til gennemgang", draft.case))) }
            p { (draft.files) " " (t("files", "filer")) ", " (written(size(draft.bytes))) ". "
                (t("Nothing was sent. It is erased", "Intet er sendt. Den slettes")) " " (time(&draft.ends)) "." }
            div.row {
                a.button href={ "#draft/" (draft.draft) } { (t("Review it, and decide", "Gennemgå den, og tag stilling")) }
                (button("discard", &[("id", &draft.draft)], "end", &t("Erase it", "Slet den")))
            }
        }
    }
}

fn bundled(row: &BundleRow, rate: Option<f64>) -> Markup {
    let left = rate.map(|rate| ((row.size.saturating_sub(row.offset)) as f64 / rate).ceil() as u64);
    html! {
        section.card {
            h2 { (row.case.as_str()) " " (bundle(row.state)) }
            @match row.state {
                record::State::Sent => {
                    p { (t("The vendor has all of it and has confirmed that.", "Leverandøren har det hele og har bekræftet det.")) }
                    @if let Some(receipt) = &row.receipt { p.soft { (t("Receipt", "Kvittering")) ": " span.mono { (shown(receipt)) } } }
                }
                record::State::Failed => p { (t("The vendor's server refused it. Send it again, or take it on a stick.",
                                                "Leverandørens server afviste den. Send den igen, eller overdrag den på et USB-stik.")) },
                _ => {
                    label for={ "sent-" (row.id) } { (written(size(row.offset))) " / " (written(size(row.size)))
                        @if let (Some(rate), Some(left)) = (rate, left) {
                            ", " (written(size(rate as u64))) "/s, " (left) " s " (t("left", "tilbage")) } }
                    progress id={ "sent-" (row.id) } max=(row.size) value=(row.offset) {}
                    p.soft { (t("You may close this window: sending continues by itself.", "I kan lukke vinduet: afsendelsen fortsætter af sig selv.")) }
                }
            }
            div.row {
                @if row.state == record::State::Failed { (button("send", &[("bundle", &row.id)], "", &t("Send again", "Send igen"))) }
                @if row.state != record::State::Sent {
                    (download(&format!("bundle/{}", row.id), &format!("{}.age", row.case), &t("Save for a USB stick", "Gem til et USB-stik")))
                    (download(&format!("consent/{}", row.id), &format!("{}.age.consent", row.case), &t("Save the consent that goes with it", "Gem samtykket, der skal med")))
                    (button("discard", &[("id", &row.id)], "end", &t("Don't send, and erase it", "Send ikke, og slet den")))
                }
            }
        }
    }
}

fn new_case(status: Option<&Status>, came: &Came) -> Markup {
    let invitation: Option<&Invitation> = status.and_then(|status| status.invitations.first());
    html! {
        section {
            h2 { (t("Prepare a support case", "Forbered en supportsag")) }
            @if let Some(invitation) = invitation {
                p.card role="note" { (t(format!("The vendor asks for {}.", invitation.case), format!("Leverandøren beder om {}.", invitation.case))) " "
                    (t("Nothing is sent unless you say so.", "Intet sendes, medmindre I siger ja.")) }
            }
            p { (t("Names and numbers of patients are removed, and you see everything before it leaves.",
                   "Patienters navne og numre fjernes, og I ser alt, før det sendes.")) }
            form data-do="preview" {
                div.field {
                    label for="case" { (t("Number of the case, from the vendor", "Sagens nummer, fra leverandøren")) }
                    input id="case" name="case" required maxlength="32" autocomplete="off" spellcheck="false" value=[invitation.map(|invitation| invitation.case.as_str())];
                }
                fieldset.choices {
                    legend { (t("What is it about?", "Hvad drejer det sig om?")) }
                    @for one in CaseReason::ALL {
                        @let id = format!("reason-{}", one.as_str());
                        div { input type="radio" name="reason" id=(id) value=(one.as_str()) required checked[invitation.is_some_and(|invitation| invitation.reason == *one)];
                              label for=(id) { (reason(*one)) } }
                    }
                }
                fieldset.choices {
                    legend { (t("Which scans?", "Hvilke optagelser?")) }
                    div { input type="radio" name="scans" id="scans-none" value="none" checked; label for="scans-none" { (t("None, only logs and settings", "Ingen, kun logfiler og indstillinger")) } }
                    div { input type="radio" name="scans" id="scans-last" value="last"; label for="scans-last" { (t("The newest, and the logs around it", "Den nyeste og logfilerne omkring den")) } }
                    div { input type="radio" name="scans" id="scans-since" value="since"; label for="scans-since" { (t("Scans of the last two hours", "Optagelser fra de seneste to timer")) } }
                    @for scan in came.scans.iter().flatten() {
                        @let id = format!("scan-{}", scan.key);
                        div { input type="checkbox" name="key" id=(id) value=(scan.key); label for=(id) { (time(&scan.at)) ", " (shown(&scan.mode)) ", " (shown(&scan.field)) " mm" } }
                    }
                    div { button.plain form="list" { (t("List scans to choose from", "Vis optagelser at vælge imellem")) } }
                }
                div.field {
                    label for="description" { (t("What happened? (sent with the bundle; write nothing about a patient)", "Hvad skete der? (sendes med; skriv intet om en patient)")) }
                    textarea id="description" name="description" rows="3" maxlength=(DESCRIPTION) autocomplete="off" spellcheck="false" {}
                }
                div.field {
                    label for="contact" { (t("Whom may the vendor contact? (sent with the bundle)", "Hvem må leverandøren kontakte? (sendes med)")) }
                    input id="contact" name="contact" maxlength="200" autocomplete="off" spellcheck="false";
                }
                @if matches!(came.failure, Some(Failure::Personal(_))) {
                    div { input type="checkbox" name="as_typed" id="as_typed" value="yes"; label for="as_typed" { (t("Send description, contact and number as typed", "Send beskrivelse, kontakt og nummer, som de er skrevet")) } }
                }
                button { (t("Prepare", "Forbered")) }
            }
            form id="list" data-do="scans" {}
        }
    }
}

fn cases(status: &Status) -> Markup {
    let open =
        status.cases.iter().filter(|case| matches!(case.support_case, State::Granted | State::Restricted));
    html! {
        @for case in open {
            section.card {
                h2 { (case.case.as_str()) " " (crate::words::state(case.support_case)) }
                @if let Some(end) = &case.ends { p { (t("The case ends", "Sagen slutter")) " " (time(end)) "." } }
                (button("close", &[("case", case.case.as_str())], "end", &t("Close the case, and erase it on this computer", "Luk sagen, og slet den her på computeren")))
            }
        }
    }
}
