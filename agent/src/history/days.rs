//! The values by day: of each figure, in the order of their days.

use protocol::civil::{Granularity, Moment};
use serde::{Deserialize, Serialize};

use super::figures::{FIGURES, Figure, Fold};
use crate::limits;

/// What one figure says of one period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cell {
    /// Day or month since 1970; in the store, since the cell before.
    at: u32,
    /// Sum, smallest, or a bit for each kind.
    value: u32,
    /// Values folded.
    count: u32,
}

/// The values of every figure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Days(Vec<Vec<Cell>>);

impl Days {
    /// Folds a value of a civil day into a figure.
    pub(super) fn add(&mut self, figure: usize, day: u32, value: u32) {
        let Some(known) = FIGURES.get(figure) else { return };
        self.fold(figure, Cell { at: period(known, day), value, count: 1 });
    }

    fn fold(&mut self, figure: usize, cell: Cell) {
        let Some(known) = FIGURES.get(figure) else { return };
        if self.0.len() <= figure {
            self.0.resize(FIGURES.len(), Vec::new());
        }
        let Some(cells) = self.0.get_mut(figure) else { return };
        let mut cell = cell;
        let found = cells.binary_search_by_key(&cell.at, |cell| cell.at);
        if known.fold == Fold::Kinds {
            // Its age in whole days says one day or the next, by the hour of the report: it is one calibration.
            let place = found.unwrap_or_else(|place| place);
            let near = cells.iter().skip(place.saturating_sub(1)).take(3);
            let near = near.filter(|near| near.at.abs_diff(cell.at) == 1);
            cell.value &= !near.fold(0, |kinds, near| kinds | near.value);
            if cell.value == 0 {
                return;
            }
        }
        match found {
            Err(place) => cells.insert(place, cell),
            Ok(place) => {
                let Some(held) = cells.get_mut(place) else { return };
                held.count = held.count.saturating_add(cell.count);
                held.value = match known.fold {
                    Fold::Sum | Fold::Mean => held.value.saturating_add(cell.value),
                    Fold::Low => held.value.min(cell.value),
                    Fold::Kinds => held.value | cell.value,
                };
            }
        }
    }

    /// Folds in what was taken since.
    pub fn absorb(&mut self, later: Self) {
        for (figure, cells) in later.0.into_iter().enumerate() {
            cells.into_iter().for_each(|cell| self.fold(figure, cell));
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(Vec::is_empty)
    }

    /// Drops what is older than [`limits::HISTORY_MONTHS`] at `now`, seconds since 1970, if the clock may decide; and
    /// always the oldest of more than [`limits::HISTORY_DAYS`]. True if something went.
    pub(super) fn bound(&mut self, now: i64, may_decide: bool) -> bool {
        let before = self.0.iter().map(Vec::len).sum::<usize>();
        let oldest = may_decide.then(|| first_day(now));
        for (cells, known) in self.0.iter_mut().zip(&FIGURES) {
            if let Some(oldest) = oldest {
                cells.retain(|cell| cell.at >= period(known, oldest));
            }
            let above = cells.len().saturating_sub(limits::HISTORY_DAYS);
            cells.drain(..above);
        }
        self.0.iter().map(Vec::len).sum::<usize>() < before
    }

    /// The values of a figure: the period as text, and the value, unless it is too few patients' mean.
    pub fn values(&self, figure: usize) -> Vec<(String, f64)> {
        let (Some(cells), Some(known)) = (self.0.get(figure), FIGURES.get(figure)) else { return Vec::new() };
        let scale = 10_f64.powi(i32::from(known.decimals));
        let shown = |cell: &Cell| {
            let value = match known.fold {
                Fold::Mean if cell.count < known.fewest => return None,
                // One decimal more than Kathea writes.
                Fold::Mean => {
                    let mean = f64::from(cell.value) / f64::from(cell.count.max(1)) / scale;
                    (mean * scale * 10.0).round() / (scale * 10.0)
                }
                Fold::Kinds => f64::from(cell.value.count_ones()),
                Fold::Sum | Fold::Low => f64::from(cell.value) / scale,
            };
            Some((known.per.text(cell.at), value))
        };
        cells.iter().filter_map(shown).collect()
    }

    /// For the store: days as distances, which are small.
    pub(super) fn to_rows(&self) -> Vec<Vec<(u32, u32, u32)>> {
        let row = |cells: &Vec<Cell>| {
            let mut before = 0;
            let distance = |cell: &Cell| {
                let distance = cell.at - before;
                before = cell.at;
                (distance, cell.value, cell.count)
            };
            cells.iter().map(distance).collect()
        };
        self.0.iter().map(row).collect()
    }

    /// From the store.
    pub(super) fn from_rows(rows: Vec<Vec<(u32, u32, u32)>>) -> Self {
        let row = |row: Vec<(u32, u32, u32)>| {
            let mut at: u32 = 0;
            let cell = |(distance, value, count)| {
                at = at.saturating_add(distance);
                Cell { at, value, count }
            };
            row.into_iter().map(cell).collect()
        };
        Self(rows.into_iter().map(row).collect())
    }
}

/// The day or month that a figure counts a day into.
fn period(figure: &Figure, day: u32) -> u32 {
    let moment = Moment { utc: 0, civil: u64::from(day) * 86_400 };
    if figure.per == Granularity::Month { Granularity::Month.period(moment) } else { day }
}

/// The first day of the month that is [`limits::HISTORY_MONTHS`] before the one of `now`.
fn first_day(now: i64) -> u32 {
    let moment = Moment { utc: now, civil: u64::try_from(now).unwrap_or(0) };
    let month = Granularity::Month.period(moment).saturating_sub(limits::HISTORY_MONTHS);
    u32::try_from(Granularity::Month.begins_at(month) / 86_400).unwrap_or(0)
}
