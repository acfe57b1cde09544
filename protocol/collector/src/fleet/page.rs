//! The operators' page: one document without scripts and without anything from elsewhere. Searching and sorting are
//! questions to the server.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde::Deserialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Device, Fleet, Request};

/// Devices on one page: a browser shows more only slowly.
const ROWS: usize = 500;
const STYLE: &str = include_str!("page.css");

/// What was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Question {
    /// Only devices with this in label, id, version or standing.
    #[serde(default)]
    pub(crate) q: String,
    /// By which column.
    #[serde(default)]
    pub(crate) sort: Sort,
}

/// A column to sort by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Sort {
    /// Who has been silent longest first.
    #[default]
    Contact,
    Device,
    Standing,
    Agent,
    Missing,
    Lost,
}

impl Sort {
    fn word(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Device => "device",
            Self::Standing => "standing",
            Self::Agent => "agent",
            Self::Missing => "missing",
            Self::Lost => "lost",
        }
    }

    fn arrange(self, devices: &mut [&Device]) {
        match self {
            Self::Contact => devices.sort_by_key(|device| (device.standing, device.last_contact)),
            Self::Device => devices.sort_by_key(|device| device.name().to_lowercase()),
            Self::Standing => devices.sort_by_key(|device| std::cmp::Reverse(device.standing)),
            Self::Agent => devices.sort_by(|one, other| one.agent.cmp(&other.agent)),
            Self::Missing => devices.sort_by_key(|device| std::cmp::Reverse(device.missing)),
            Self::Lost => devices.sort_by_key(|device| std::cmp::Reverse(device.lost)),
        }
    }
}

/// The whole page.
pub(crate) fn page(fleet: &Fleet, question: &Question, version: &str, now: OffsetDateTime) -> Markup {
    let totals = fleet.totals(now);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Fleet - Kathea collector" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Kathea collector" }
                    p { "Version " (version) ", as of " (moment(now)) " UTC. Read-only." }
                }
                main {
                    section aria-label="Totals" class="tiles" {
                        (tile("Active devices", &number(totals.active), ""))
                        (tile("Silent for 14 days", &number(totals.silent), if totals.silent > 0 { "warning" } else { "" }))
                        (tile("Records missing", &number(totals.missing), if totals.missing > 0 { "warning" } else { "" }))
                        (tile("Forks", &number(totals.forks), if totals.forks > 0 { "warning" } else { "" }))
                        (tile("Open requests", &number(fleet.requests.len() as u64), overdue(fleet, now)))
                        (tile("Database", &bytes(fleet.bytes.database), ""))
                        (tile("Bundles", &bytes(fleet.bytes.bundles), ""))
                    }
                    (damaged(fleet))
                    (requests(fleet, now))
                    (devices(fleet, question, now))
                    (super::errors::section(&fleet.errors))
                    (bundles(fleet))
                }
            }
        }
    }
}

fn tile(name: &str, figure: &str, class: &str) -> Markup {
    html! { div class={ "tile " (class) } { span class="name" { (name) } span class="figure" { (figure) } } }
}

fn overdue(fleet: &Fleet, now: OffsetDateTime) -> &'static str {
    if fleet.requests.iter().any(|request| request.due < now) { "problem" } else { "" }
}

fn damaged(fleet: &Fleet) -> Markup {
    html! {
        @if !fleet.damaged.is_empty() {
            section class="problem" {
                h2 { "Damaged" }
                p { "These rows can't be read; `kathea-collector verify` says more." }
                ul { @for sentence in fleet.damaged.iter().take(50) { li { (sentence) } } }
            }
        }
    }
}

fn requests(fleet: &Fleet, now: OffsetDateTime) -> Markup {
    let mut open: Vec<&Request> = fleet.requests.iter().collect();
    open.sort_by_key(|request| request.due);
    html! {
        section {
            h2 { "Open privacy requests" }
            @if open.is_empty() { p class="none" { "None." } } @else {
                div class="scroll" tabindex="0" role="region" aria-label="Open privacy requests" { table {
                    thead { tr { th scope="col" { "Due" } th scope="col" { "Kind" } th scope="col" { "Device" }
                        th scope="col" { "Received" } th scope="col" { "Ticket" } } }
                    tbody { @for request in open { tr {
                        td class=[(request.due < now).then_some("problem")] {
                            (day(request.due)) " " (left(request.due, now))
                        }
                        td { (request.kind) }
                        td class="name" { (called(fleet, request)) }
                        td { (day(request.received)) }
                        td class="id" { (request.ticket) }
                    } } }
                } }
            }
        }
    }
}

fn called(fleet: &Fleet, request: &Request) -> String {
    let device = fleet.devices.iter().find(|device| device.id == request.device);
    device.map_or_else(|| request.device.to_string(), Device::name)
}

fn left(due: OffsetDateTime, now: OffsetDateTime) -> String {
    match (due - now).whole_days() {
        days if due < now => format!("({} days overdue)", -days),
        days => format!("({days} days left)"),
    }
}

fn devices(fleet: &Fleet, question: &Question, now: OffsetDateTime) -> Markup {
    let wanted = question.q.trim().to_lowercase();
    let found = |device: &&Device| {
        let text = [
            device.name(),
            device.id.to_string(),
            device.id.short(),
            device.agent.clone(),
            device.standing.word().into(),
        ];
        text.iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    let mut rows: Vec<&Device> = fleet.devices.iter().filter(found).collect();
    question.sort.arrange(&mut rows);
    let (all, shown) = (fleet.devices.len(), rows.len());
    html! {
        section {
            h2 { "Devices" }
            form method="get" role="search" {
                label for="q" { "Label, id, version or standing" }
                input type="search" id="q" name="q" value=(question.q) maxlength="100";
                input type="hidden" name="sort" value=(question.sort.word());
                button { "Search" }
            }
            p class="none" {
                (number(shown as u64)) " of " (number(all as u64)) " devices"
                @if shown > ROWS { ", the first " (ROWS) " are shown" }
                "."
            }
            @if shown > 0 {
                div class="scroll" tabindex="0" role="region" aria-label="Devices" { table {
                    thead { tr {
                        (column(question, Sort::Device, "Device")) (column(question, Sort::Standing, "Standing"))
                        (column(question, Sort::Agent, "Agent")) (column(question, Sort::Contact, "Last contact"))
                        th scope="col" class="figure" { "Held" }
                        (column(question, Sort::Lost, "Lost")) (column(question, Sort::Missing, "Missing"))
                        th scope="col" { "Notes" }
                    } }
                    tbody { @for device in rows.iter().take(ROWS) { (row(device, now)) } }
                } }
            }
        }
    }
}

fn column(question: &Question, sort: Sort, name: &str) -> Markup {
    let is_sorted = question.sort == sort;
    let class = matches!(sort, Sort::Lost | Sort::Missing).then_some("figure");
    // Percent-encoding by the one who knows how: a form.
    let link = format!("?sort={}&q={}", sort.word(), encoded(&question.q));
    html! { th scope="col" class=[class] aria-sort=[is_sorted.then_some("other")] {
        a href=(link) { (name) @if is_sorted { " \u{2022}" } }
    } }
}

/// For a query: every byte but letters and digits as `%XX`.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}

fn row(device: &Device, now: OffsetDateTime) -> Markup {
    html! { tr {
        td class="name" { @if let Some(label) = &device.label { span class="label" { (label) } " " } span class="id" { (device.id) " " b { (device.id.short()) } } }
        td { (device.standing.word()) }
        td { @if device.agent.is_empty() { "none yet" } @else { (device.agent) } }
        td class=[device.is_silent(now).then_some("warning")] {
            (moment(device.last_contact))
            @if device.is_silent(now) { " (silent for " ((now - device.last_contact).whole_days()) " days, reason unknown)" }
        }
        td class="figure" { (number(device.held)) }
        td class="figure" { (number(device.lost)) }
        td class={ "figure" @if device.missing > 0 { " warning" } } { (number(device.missing)) }
        td { @if device.fork { span class="warning" { "fork: two copies of this device" } } }
    } }
}

fn bundles(fleet: &Fleet) -> Markup {
    html! {
        section {
            h2 { "Support bundles by case" }
            @if fleet.bundles.is_empty() { p class="none" { "None." } } @else {
                div class="scroll" tabindex="0" role="region" aria-label="Support bundles by case" { table {
                    thead { tr { th scope="col" { "Case" } th scope="col" class="figure" { "Bundles" }
                        th scope="col" class="figure" { "Size" } th scope="col" { "Last" } } }
                    tbody { @for (case, of) in &fleet.bundles { tr {
                        td { @if let Some(case) = case { (case) } @else { "not known yet: came on a stick" } }
                        td class="figure" { (number(of.count)) }
                        td class="figure" { (bytes(of.bytes)) }
                        td { @if let Some(last) = of.last { (day(last)) } }
                    } } }
                } }
            }
        }
    }
}

pub(super) fn moment(time: OffsetDateTime) -> String {
    let text = time.truncate_to_second().format(&Rfc3339).unwrap_or_default();
    text.chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

fn day(time: OffsetDateTime) -> String {
    moment(time).chars().take(10).collect()
}

/// With a narrow space between thousands.
pub(super) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

fn bytes(count: u64) -> String {
    let mut size = count as f64;
    let mut unit = "B";
    for next in ["KiB", "MiB", "GiB", "TiB"] {
        if size < 1024.0 {
            break;
        }
        size /= 1024.0;
        unit = next;
    }
    if unit == "B" { format!("{count} B") } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use protocol::DeviceId;
    use time::Duration;

    use super::super::{Bytes, Standing};
    use super::*;

    fn now() -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + Duration::days(20_000)
    }

    fn device(number: u8, label: &str, silent: i64) -> Device {
        Device {
            id: DeviceId::of_public_key(&[number]),
            label: Some(label.to_owned()).filter(|label| !label.is_empty()),
            standing: Standing::Active,
            agent: format!("0.{number}.0"),
            last_contact: now() - Duration::days(silent),
            held: 1_234_567,
            lost: number.into(),
            missing: 0,
            fork: false,
        }
    }

    fn shown(fleet: &Fleet, q: &str, sort: Sort) -> String {
        page(fleet, &Question { q: q.to_owned(), sort }, "0.1.0", now()).into_string()
    }

    #[test]
    fn what_others_wrote_is_text_and_never_markup() {
        let hostile = "<script>alert(1)</script>\"'&";
        let mut fleet = Fleet { devices: vec![device(1, hostile, 0)], ..Fleet::default() };
        fleet.damaged.push(hostile.to_owned());
        fleet.devices[0].agent = hostile.to_owned();
        let text = shown(&fleet, hostile, Sort::Contact);
        assert!(!text.contains("<script") && text.contains("&lt;script&gt;"));
        assert!(!text.contains("\"'&\""), "{text}");
        assert!(text.contains("q=%3Cscript%3E"));
    }

    #[test]
    fn devices_are_searched_sorted_and_their_silence_is_shown() {
        let devices = vec![device(1, "Aarhus", 3), device(2, "Vejle", 40), device(3, "", 1)];
        let fleet =
            Fleet { devices, bytes: Bytes { database: 3 << 20, ..Bytes::default() }, ..Fleet::default() };
        let text = shown(&fleet, "", Sort::Contact);
        assert!(text.find("Vejle").unwrap() < text.find("Aarhus").unwrap());
        assert!(
            text.contains("silent for 40 days, reason unknown") && text.contains("1\u{202f}234\u{202f}567")
        );
        assert!(text.contains("3.0 MiB") && text.contains("3 of 3 devices"));
        let text = shown(&fleet, "aar", Sort::Lost);
        assert!(text.contains("Aarhus") && !text.contains("Vejle") && text.contains("1 of 3 devices"));
        let text = shown(&fleet, "", Sort::Lost);
        let ids =
            [3_u8, 2, 1].map(|number| text.find(&DeviceId::of_public_key(&[number]).to_string()).unwrap());
        assert!(ids.is_sorted());
    }

    #[test]
    fn requests_are_listed_by_their_due_date() {
        let request = |days: i64, kind| Request {
            ticket: format!("ticket-{days}"),
            device: DeviceId::of_public_key(&[1]),
            kind,
            received: now() - Duration::days(days),
            due: now() + Duration::days(30 - days),
        };
        let requests = vec![request(2, "access"), request(33, "erase")];
        let fleet = Fleet { devices: vec![device(1, "Aarhus", 3)], requests, ..Fleet::default() };
        let text = shown(&fleet, "", Sort::Contact);
        assert!(text.contains("(3 days overdue)") && text.contains("(28 days left)"));
        assert!(text.find("ticket-33").unwrap() < text.find("ticket-2").unwrap());
        assert_eq!(fleet.oldest_request(now()), 33 * 86_400);
    }
}
