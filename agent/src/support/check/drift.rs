//! What the clinic's own history says of drifts, as findings. They are shown here and go into no bundle.

use super::{Finding, pass};
use crate::history::shown::History;
use crate::history::trend::{Level, Trend, trends};
use crate::html::{Both, both};

/// Judges the history. Nothing where it has too few values.
pub fn judge_history(history: &History) -> Vec<Finding> {
    let (found, is_judged) = trends(history);
    if found.is_empty() && is_judged {
        return vec![pass(
            "trends",
            both(
                "no figure of the own history drifts",
                "ingen værdi i klinikkens egen historik ændrer sig gradvist",
            ),
        )];
    }
    found.iter().map(finding).collect()
}

fn finding(trend: &Trend) -> Finding {
    match trend {
        Trend::Beyond(Level { figure, now, limit, .. }) => hint(
            both(
                format!("{} is {now:.1}, beyond the limit of {limit}", name(figure).en),
                format!("{} er {now:.1} og over grænsen på {limit}", name(figure).da),
            ),
            both(
                "calibrate, and call service if it stays",
                "kalibrér, og tilkald service, hvis det fortsætter",
            ),
        ),
        Trend::Drifts(Level { figure, usual, now, limit }) => hint(
            both(
                format!("{} drifts: {usual:.1} before, {now:.1} now, the limit is {limit}", name(figure).en),
                format!(
                    "{} ændrer sig gradvist: {usual:.1} før, {now:.1} nu, grænsen er {limit}",
                    name(figure).da
                ),
            ),
            both(
                "name it at the next service; nothing has failed",
                "nævn det ved næste service; intet har fejlet",
            ),
        ),
        Trend::Fills { figure, days, limit } => hint(
            both(
                format!("{} falls below {limit} GiB in about {days} days", name(figure).en),
                format!("{} falder under {limit} GiB om cirka {days} dage", name(figure).da),
            ),
            both("archive scans in time", "arkivér optagelser i tide"),
        ),
    }
}

fn hint(what: Both<String>, remedy: Both<&str>) -> Finding {
    let danish = what.da.replace('.', ",");
    Finding::warn("trends", both(what.en, danish), remedy)
}

fn name(figure: &str) -> Both<&'static str> {
    match figure {
        "detector_gain" => {
            both("the detector's gain (‰ of baseline)", "detektorens forstærkning (‰ af udgangsværdien)")
        }
        "generator_kv" => both("the generator's voltage error (%)", "generatorens spændingsfejl (%)"),
        "generator_ma" => both("the generator's current error (%)", "generatorens strømfejl (%)"),
        "axis_rotation" => both("the rotation's position error", "rotationens positionsfejl"),
        "axis_column" => both("the column's position error", "søjlens positionsfejl"),
        "axis_x" => both("the x axis' position error", "x-aksens positionsfejl"),
        "axis_y" => both("the y axis' position error", "y-aksens positionsfejl"),
        "axis_ceph" => both("the ceph arm's position error", "ceph-armens positionsfejl"),
        "disk_system" => both("free space for the system", "ledig plads til systemet"),
        _ => both("free space for scans", "ledig plads til optagelser"),
    }
}
