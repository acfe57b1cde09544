//! The history as it is shown: for programs, for people, and as a table for a spreadsheet.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::figures::FIGURES;
use super::{Days, Kept};

/// The answer to `history`: the setting, and the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Whether it is kept: `on` or `off`.
    pub keeping: Keeping,
    /// The figures that have a value.
    pub figures: Vec<Series>,
}

/// Whether it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Keeping {
    /// Values are added.
    On,
    /// None is added. What was kept stays until it is erased.
    Off,
}

/// The values of one figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Its name.
    pub figure: String,
    /// Its unit; empty for a number of things.
    pub unit: String,
    /// By day (`2026-11-21`) or month (`2026-11`).
    pub values: BTreeMap<String, f64>,
}

impl History {
    /// What is shown of these values.
    pub fn of(kept: Kept, days: &Days) -> Self {
        let series = |(number, figure): (usize, &super::figures::Figure)| Series {
            figure: figure.name.to_owned(),
            unit: figure.unit.to_owned(),
            values: days.values(number).into_iter().collect(),
        };
        let figures = FIGURES.iter().enumerate().map(series).filter(|series| !series.values.is_empty());
        let keeping = if kept == Kept::Off { Keeping::Off } else { Keeping::On };
        Self { keeping, figures: figures.collect() }
    }

    /// The values of a figure; none if it has none.
    pub fn series(&self, name: &str) -> Option<&Series> {
        self.figures.iter().find(|series| series.figure == name)
    }

    /// A row for each day or month, a column for each figure.
    pub fn csv(&self, dialect: Dialect) -> String {
        let (begin, comma, point) = match dialect {
            Dialect::Programs => ("", ",", "."),
            Dialect::Excel => ("\u{feff}", ";", ","),
        };
        let mut text = format!("{begin}at");
        for Series { figure, unit, .. } in &self.figures {
            text += comma;
            text += figure;
            if !unit.is_empty() {
                text += &format!(" [{unit}]");
            }
        }
        text += "\r\n";
        let periods: BTreeSet<&String> =
            self.figures.iter().flat_map(|series| series.values.keys()).collect();
        for at in periods {
            text += at;
            for series in &self.figures {
                text += comma;
                let value = series.values.get(at).map(f64::to_string);
                text += &value.unwrap_or_default().replace('.', point);
            }
            text += "\r\n";
        }
        text
    }
}

/// Who reads a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// RFC 4180: commas, decimal points.
    Programs,
    /// Excel in Denmark: a mark of UTF-8, semicolons, decimal commas.
    Excel,
}
