//! *Check*: what is wrong with this computer, and what to do about it. Nothing leaves, unless a click asks for one
//! connection to the collector.

use agent::checks::{Check, Finding};
use agent::config::Language;
use agent::doctor::{Reach, SystemProxy, examine};
use agent::history::shown::History;
use agent::html::{both, checks};
use agent::request::{HistoryAsk, Request};
use agent::support::check::look::look;
use agent::support::check::{judge, judge_history};
use maud::{Markup, PreEscaped, html};
use time::OffsetDateTime;

use super::parts::button;
use crate::state::Window;
use crate::words::t;

/// What `doctor` looks at, whose sentences do not say it.
const LOOKED_AT: [(&str, &str, &str); 18] = [
    ("configuration", "Configuration", "Konfigurationen"),
    ("data_dir", "Data folder", "Datamappen"),
    ("disk", "Disk", "Disken"),
    ("outbox", "Outbox", "Udbakken"),
    ("logs", "Logs", "Logfilerne"),
    ("scans", "Scans", "Optagelserne"),
    ("service", "Service", "Tjenesten"),
    ("clock", "Clock", "Uret"),
    ("clock offset", "Clock compared with the vendor's", "Uret i forhold til leverandørens"),
    ("catalog", "Statistics", "Statistikken"),
    ("keys", "Keys", "Nøglerne"),
    ("device", "Device", "Enheden"),
    ("enrolment", "Enrolment", "Tilmeldingen"),
    ("certificate", "Certificate", "Certifikatet"),
    ("proxy", "Proxy", "Proxyen"),
    ("ca", "The vendor's CA", "Leverandørens CA"),
    ("collector", "The vendor's server", "Leverandørens server"),
    ("tls", "TLS", "TLS"),
];

/// A check as it is shown, with what it looked at.
fn named(finding: &Finding, language: Language) -> Check {
    let mut check = finding.in_language(language);
    let known = LOOKED_AT.iter().find(|(name, ..)| *name == finding.check);
    if let Some((_, en, da)) = known {
        check.what = format!("{}: {}", language.pick(*en, *da), check.what);
    }
    check
}

pub(super) fn page(window: &Window, connects: bool) -> Markup {
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let mut findings = judge(&look(&window.config, now));
    // Who may not read the history sees the other checks.
    let history = window.agent.ask::<History>(&Request::History(HistoryAsk::Show));
    findings.extend(history.map(|history| judge_history(&history)).unwrap_or_default());
    let table = |findings: &[Finding], shown: fn(&Finding, Language) -> Check| {
        let in_each = [Language::En, Language::Da]
            .map(|language| findings.iter().map(|one| shown(one, language)).collect::<Vec<_>>());
        let [english, danish] = &in_each;
        let mut out = Vec::new();
        // Writing to memory does not fail.
        let _ = checks::table(&mut out, english.iter().zip(danish).map(|(en, da)| both(en, da)));
        PreEscaped(String::from_utf8_lossy(&out).into_owned())
    };
    let reach = if connects { Reach::Collector } else { Reach::Offline };
    let doctor = examine(&window.config, reach, &SystemProxy::default(), now);
    html! {
        h1 { (t("Is everything in order?", "Er alt i orden?")) }
        section { h2 { (t("This workstation and its scanner", "Denne arbejdsstation og dens scanner")) } div.wide-table { (table(&findings, Finding::in_language)) } }
        section {
            h2 { (t("The agent", "Agenten")) }
            div.wide-table { (table(&doctor, named)) }
            @if !connects {
                (button("connection", &[], "plain", &t("Also try the connection to the vendor", "Prøv også forbindelsen til leverandøren")))
                p.soft { (t("It makes one connection without any data.", "Der oprettes én forbindelse uden data.")) }
            }
        }
    }
}
