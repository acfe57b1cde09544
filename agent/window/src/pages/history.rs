//! *History*: the clinic's own figures over 24 months, as charts and in numbers. Nothing of them is sent.

use std::collections::BTreeMap;

use agent::history::shown::{History, Keeping, Series};
use agent::html::checks;
use agent::limits;
use agent::request::{HistoryAsk, Request};
use agent::support::check::judge_history;
use maud::{Markup, PreEscaped, html};
use protocol::civil::{Granularity, Moment};
use time::OffsetDateTime;

use super::parts::{button, download, not_shown, print_button};
use crate::state::Window;
use crate::words::t;

/// How the days of a month become its bar.
#[derive(Clone, Copy)]
enum Month {
    Sum,
    Mean,
    Least,
}

/// A chart: the figure, what it is in English and Danish, the unit in both, and how a month is made of days.
type Chart = (&'static str, &'static str, &'static str, &'static str, &'static str, Month);

const CHARTS: [(&str, &str, &[Chart]); 6] = [
    (
        "Exposures",
        "Optagelser",
        &[
            ("exposures_cbct", "CBCT", "CBCT", "exposures", "optagelser", Month::Sum),
            ("exposures_panoramic", "Panoramic", "Panorama", "exposures", "optagelser", Month::Sum),
            (
                "exposures_cephalometric",
                "Cephalometric",
                "Kefalometri",
                "exposures",
                "optagelser",
                Month::Sum,
            ),
            ("exposures_face_scan", "Face scans", "Ansigtsskanninger", "scans", "skanninger", Month::Sum),
            ("exposures_scout", "Scouts", "Scoutoptagelser", "exposures", "optagelser", Month::Sum),
            ("retakes", "Retakes", "Omtagninger", "exposures", "optagelser", Month::Sum),
        ],
    ),
    (
        "Mean dose-area product of an exposure",
        "Gennemsnitligt dosis-areal-produkt pr. optagelse",
        &[
            ("dap_cbct", "CBCT", "CBCT", "mGy·cm²", "mGy·cm²", Month::Mean),
            ("dap_panoramic", "Panoramic", "Panorama", "mGy·cm²", "mGy·cm²", Month::Mean),
            ("dap_cephalometric", "Cephalometric", "Kefalometri", "mGy·cm²", "mGy·cm²", Month::Mean),
        ],
    ),
    (
        "Work",
        "Arbejde",
        &[
            (
                "reconstruction",
                "Mean reconstruction time",
                "Gennemsnitlig rekonstruktionstid",
                "seconds",
                "sekunder",
                Month::Mean,
            ),
            ("errors", "Errors of the X1", "Fejl fra X1'eren", "errors", "fejl", Month::Sum),
            ("calibrations", "Calibrations", "Kalibreringer", "calibrations", "kalibreringer", Month::Sum),
        ],
    ),
    (
        "Least free space",
        "Mindste ledige plads",
        &[
            ("disk_scans", "For scans", "Til optagelser", "GiB", "GiB", Month::Least),
            ("disk_system", "For the system", "Til systemet", "GiB", "GiB", Month::Least),
        ],
    ),
    (
        "Detector and generator",
        "Detektor og generator",
        &[
            (
                "detector_gain",
                "Detector gain",
                "Detektorens forstærkning",
                "‰ of baseline",
                "‰ af udgangsværdien",
                Month::Mean,
            ),
            ("generator_kv", "Error of the voltage", "Afvigelse i spænding", "%", "%", Month::Mean),
            ("generator_ma", "Error of the current", "Afvigelse i strøm", "%", "%", Month::Mean),
        ],
    ),
    (
        "Mean position error",
        "Gennemsnitlig positionsfejl",
        &[
            ("axis_rotation", "Rotation", "Rotation", "mdeg", "mgrad", Month::Mean),
            ("axis_column", "Column", "Søjle", "µm", "µm", Month::Mean),
            ("axis_x", "X axis", "X-akse", "µm", "µm", Month::Mean),
            ("axis_y", "Y axis", "Y-akse", "µm", "µm", Month::Mean),
            ("axis_ceph", "Ceph arm", "Ceph-arm", "µm", "µm", Month::Mean),
        ],
    ),
];

pub(super) fn page(window: &Window) -> Markup {
    let title = t("The clinic's own history", "Klinikkens egen historik");
    match window.agent.ask::<History>(&Request::History(HistoryAsk::Show)) {
        Err(why) => not_shown(&title, &why),
        Ok(history) => html! {
            h1 { (title) }
            (setting(&history))
            @if !history.figures.is_empty() {
                div.row {
                    (download("history.csv", "kathea-history.csv", &t("Save as CSV for Excel", "Gem som CSV til Excel")))
                    (download("history-programs.csv", "kathea-history-programs.csv", &t("Save as CSV for programs", "Gem som CSV til programmer")))
                    (print_button())
                }
                (hints(&history))
                (charts(&history, OffsetDateTime::now_utc().unix_timestamp()))
            }
        },
    }
}

/// Whether it is kept, and the buttons.
fn setting(history: &History) -> Markup {
    html! {
        section.card id="setting" data-live {
            p { (t("Figures of this scanner for the clinic alone: one value a day at most, no single exposure, nobody's name. They stay on this computer for 24 months, and nothing of them is sent, whatever you answer to the vendor.",
                   "Tal for denne scanner, kun til klinikken: højst én værdi om dagen, ingen enkelte optagelser og ingen navne. De opbevares på denne computer i 24 måneder og sendes aldrig, uanset hvad I svarer leverandøren.")) }
            @match history.keeping {
                Keeping::On => {
                    p { (t("The history is on.", "Historikken er slået til.")) }
                    (button("history_off", &[], "plain", &t("Switch the history off", "Slå historikken fra")))
                }
                Keeping::Off => {
                    p { (t("The history is off.", "Historikken er slået fra.")) }
                    (button("history_on", &[], "", &t("Switch the history on", "Slå historikken til")))
                }
            }
            @if !history.figures.is_empty() {
                (button("history_erase", &[], "end", &t("Erase the history", "Slet historikken")))
            }
        }
    }
}

/// What it says of drifts.
fn hints(history: &History) -> Markup {
    let findings = judge_history(history);
    let in_language = |language| findings.iter().map(|one| one.in_language(language)).collect::<Vec<_>>();
    let (english, danish) =
        (in_language(agent::config::Language::En), in_language(agent::config::Language::Da));
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = checks::table(&mut text, english.iter().zip(&danish).map(|(en, da)| agent::html::both(en, da)));
    html! {
        @if !findings.is_empty() {
            section { h2 { (t("Trends", "Tendenser")) } div.wide-table { (PreEscaped(String::from_utf8_lossy(&text))) } }
        }
    }
}

fn charts(history: &History, now: i64) -> Markup {
    let months = months(now);
    html! {
        @for (en, da, charts) in CHARTS {
            @let shown: Vec<_> = charts.iter().filter_map(|chart| Some((chart, history.series(chart.0)?))).collect();
            @if !shown.is_empty() {
                section {
                    h2 { (t(en, da)) }
                    div.charts { @for (chart, series) in &shown { (drawn(chart, &by_month(series, chart.5, &months), &months)) } }
                    details {
                        summary { (t("In numbers", "I tal")) }
                        div.wide-table { (numbers(&shown, &months)) }
                    }
                }
            }
        }
    }
}

/// The months that are shown, the oldest first.
fn months(now: i64) -> Vec<String> {
    let moment = Moment { utc: now, civil: u64::try_from(now).unwrap_or(0) };
    let last = Granularity::Month.period(moment);
    (0..limits::HISTORY_MONTHS).rev().map(|ago| Granularity::Month.text(last.saturating_sub(ago))).collect()
}

/// A value for each month that has one.
fn by_month(series: &Series, how: Month, months: &[String]) -> Vec<Option<f64>> {
    let mut days: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (at, value) in &series.values {
        days.entry(at.get(..7).unwrap_or(at)).or_default().push(*value);
    }
    let folded = |values: &Vec<f64>| match how {
        Month::Sum => values.iter().sum(),
        Month::Mean => values.iter().sum::<f64>() / values.len() as f64,
        Month::Least => values.iter().copied().fold(f64::INFINITY, f64::min),
    };
    months.iter().map(|month| days.get(month.as_str()).map(folded)).collect()
}

const STEP: usize = 14;
const WIDTH: usize = 24 * STEP + 4;
const HEIGHT: f64 = 110.0;

/// Bars of 24 months. The numbers stand below as text, so the drawing is not read aloud.
fn drawn(chart: &Chart, values: &[Option<f64>], months: &[String]) -> Markup {
    let (_, en, da, unit_en, unit_da, _) = chart;
    let most = values.iter().flatten().copied().fold(0.0, f64::max);
    let height = |value: f64| if most > 0.0 { (value / most * (HEIGHT - 18.0)).max(1.0) } else { 0.0 };
    let top = number(most);
    html! {
        figure {
            figcaption { b { (t(en, da)) } " " span.soft { "(" (t(unit_en, unit_da)) ")" } }
            svg aria-hidden="true" viewBox={ "0 0 " (WIDTH) " 128" } width=(WIDTH) height="128" {
                line class="axis" x1="0" x2=(WIDTH) y1="18" y2="18" {}
                line class="axis" x1="0" x2=(WIDTH) y1="110" y2="110" {}
                text lang="en" x="0" y="13" { (top) }
                text lang="da" x="0" y="13" { (top.replace('.', ",")) }
                @for (at, value) in values.iter().enumerate() {
                    @if let Some(value) = value {
                        @let height = height(*value);
                        rect class="bar" x=(at * STEP + 3) y=(format!("{:.1}", HEIGHT - height)) width=(STEP - 3) height=(format!("{height:.1}")) {}
                    }
                }
                @for (at, month) in months.iter().enumerate().filter(|(at, _)| at % 6 == 0) {
                    text x=(at * STEP + 3) y="124" { (month) }
                }
            }
        }
    }
}

fn numbers(shown: &[(&Chart, &Series)], months: &[String]) -> Markup {
    let columns: Vec<_> = shown.iter().map(|(chart, series)| by_month(series, chart.5, months)).collect();
    html! {
        table {
            thead { tr {
                th { (t("Month", "Måned")) }
                @for (chart, _) in shown { th.n { (t(chart.1, chart.2)) " (" (t(chart.3, chart.4)) ")" } }
            } }
            tbody { @for (row, month) in months.iter().enumerate().rev() {
                @if columns.iter().any(|column| column[row].is_some()) {
                    tr {
                        th scope="row" { (month) }
                        @for column in &columns {
                            td.n { @if let Some(value) = column[row] { @let text = number(value); (t(&text, text.replace('.', ","))) } }
                        }
                    }
                }
            } }
        }
    }
}

/// At most one decimal.
fn number(value: f64) -> String {
    ((value * 10.0).round() / 10.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-29.
    const NOW: i64 = 1_795_910_400;

    fn series(figure: &str, values: &[(&str, f64)]) -> Series {
        let values = values.iter().map(|(at, value)| ((*at).to_owned(), *value)).collect();
        Series { figure: figure.to_owned(), unit: String::new(), values }
    }

    #[test]
    fn a_chart_shows_what_the_history_says() {
        let figures = vec![
            series(
                "exposures_cbct",
                &[("2026-10-01", 7.0), ("2026-11-02", 5.0), ("2026-11-03", 6.0), ("2024-11-30", 99.0)],
            ),
            series("dap_cbct", &[("2026-11", 325.5)]),
            series("disk_scans", &[("2026-11-02", 500.0), ("2026-11-03", 410.0)]),
        ];
        let shown = charts(&History { keeping: Keeping::On, figures }, NOW).into_string();
        let row = "<tr><th scope=\"row\">2026-11</th><td class=\"n\">11</td></tr>";
        assert!(shown.contains(row) && shown.contains("2026-10</th><td class=\"n\">7<"), "{shown}");
        assert!(!shown.contains("99"), "older than two years");
        assert!(shown.contains("<span lang=\"en\">325.5</span><span lang=\"da\">325,5</span>"));
        assert!(shown.contains("<td class=\"n\">410<") && !shown.contains(">500<"));
        // The highest bar is the whole chart, and the other stands to it as 7 to 11.
        assert!(shown.contains("height=\"92.0\"") && shown.contains("height=\"58.5\""), "{shown}");
        assert_eq!(shown.matches("<svg").count(), 3);
    }

    #[test]
    fn a_figure_without_a_value_draws_nothing() {
        let shown = charts(&History { keeping: Keeping::Off, figures: Vec::new() }, NOW).into_string();
        assert_eq!(shown, "");
    }
}
