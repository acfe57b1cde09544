//! *Support case*: from the reason to delivered.

use agent::api::status::Status;
use agent::api::support::{BundleRow, DraftRow, Progress};
use agent::consent::State;
use agent::html::size;
use agent::limits::DESCRIPTION;
use agent::request::{Request, SupportRequest};
use agent::support::record;
use maud::{Markup, html};
use protocol::{CaseReason, Invitation};

use super::{button, download, not_shown, status};
use crate::ask::Failure;
use crate::job::Came;
use crate::serve::Window;
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
        div.row { (button("contact", &[], "plain", &t("Ask the vendor", "Spørg leverandøren"))) }
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
                h2 { (t("Being prepared", "Forberedes")) }
                @if *held { p { (t("It waits while a scan runs.", "Der ventes, mens en optagelse er i gang.")) } }
                label for="progress" { (at_stage(stage)) }
                @if *total > 0 { progress id="progress" max=(total) value=(done) {} } @else { progress id="progress" {} }
                p { (button("stop", &[], "plain", &t("Cancel", "Annullér"))) }
            }
        }
        @if let Some(why) = &came.failure {
            section.card role="note" { h2 { (t("It was not prepared", "Det blev ikke forberedt")) } (failure(why)) }
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

/// The rule, and the place of what was found.
fn found(finding: &str) -> Markup {
    let danish = finding.replace(" in line ", " i linje ").replace(" in attribute ", " i attribut ");
    t(finding, danish)
}

fn drafted(draft: &DraftRow) -> Markup {
    html! {
        section.card {
            h2 { (t(format!("{}: ready to be looked at", draft.case), format!("{}: klar til at blive set", draft.case))) }
            p { (draft.files) " " (t("files", "filer")) ", " (written(size(draft.bytes))) ". "
                (t("Nothing was sent. It is erased", "Intet er sendt. Den slettes")) " " (time(&draft.ends)) "." }
            div.row {
                a href={ "#draft/" (draft.draft) } { (t("Look at it, and decide", "Se den, og afgør det")) }
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
                                                "Leverandørens server afviste den. Send den igen, eller tag den med på et USB-stik.")) },
                _ => {
                    label for={ "sent-" (row.id) } { (written(size(row.offset))) " / " (written(size(row.size)))
                        @if let (Some(rate), Some(left)) = (rate, left) {
                            ", " (written(size(rate as u64))) "/s, " (left) " s " (t("left", "tilbage")) } }
                    progress id={ "sent-" (row.id) } max=(row.size) value=(row.offset) {}
                    p.soft { (t("You may close this window: it goes on by itself.", "I kan lukke vinduet: den sendes videre af sig selv.")) }
                }
            }
            div.row {
                @if row.state == record::State::Failed { (button("send", &[("bundle", &row.id)], "", &t("Send again", "Send igen"))) }
                @if row.state != record::State::Sent {
                    (download(&format!("bundle/{}", row.id), &format!("{}.age", row.case), &t("Save for a stick", "Gem til et USB-stik")))
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
                    div { input type="radio" name="scans" id="scans-since" value="since"; label for="scans-since" { (t("Those of the last two hours", "Dem fra de sidste to timer")) } }
                    @for scan in came.scans.iter().flatten() {
                        @let id = format!("scan-{}", scan.key);
                        div { input type="checkbox" name="key" id=(id) value=(scan.key); label for=(id) { (time(&scan.at)) ", " (shown(&scan.mode)) ", " (shown(&scan.field)) " mm" } }
                    }
                }
                div.field {
                    label for="description" { (t("What happened? (leaves with the bundle; no patient, please)", "Hvad skete der? (sendes med; ingen patient, tak)")) }
                    textarea id="description" name="description" rows="3" maxlength=(DESCRIPTION) autocomplete="off" spellcheck="false" {}
                }
                div.field {
                    label for="contact" { (t("Whom the vendor may answer (leaves with the bundle)", "Hvem leverandøren kan svare (sendes med)")) }
                    input id="contact" name="contact" maxlength="200" autocomplete="off" spellcheck="false";
                }
                @if matches!(came.failure, Some(Failure::Personal(_))) {
                    div { input type="checkbox" name="as_typed" id="as_typed" value="yes"; label for="as_typed" { (t("Send description, contact and number as typed", "Send beskrivelse, kontakt og nummer, som de er skrevet")) } }
                }
                button { (t("Prepare", "Forbered")) }
            }
            (button("scans", &[], "plain", &t("List scans to choose from", "Vis optagelser at vælge imellem")))
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
                (button("close", &[("case", case.case.as_str())], "end", &t("Close the case, and erase it here", "Luk sagen, og slet den her")))
            }
        }
    }
}
