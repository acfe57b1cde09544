//! `history`: the clinic's own figures, which never leave this computer.

use agent::config::Config;
use agent::history::shown::{Dialect, History, Keeping};
use agent::request::{HistoryAsk, Request};
use agent::support::check::{Finding, judge_history};

use crate::cli::History as Asked;
use crate::exit::{Exit, Failure};
use crate::print;
use crate::reach::{self, Line};
use crate::texts::privacy::Say;
use crate::texts::say;

/// `history`.
pub(crate) fn history(config: &Config, asked: &Asked) -> Result<Exit, Failure> {
    let ask = asked.action.map_or(HistoryAsk::Show, Into::into);
    let history: History = reach::ask(config, Request::History(ask))?;
    if asked.csv || asked.excel {
        let dialect = if asked.excel { Dialect::Excel } else { Dialect::Programs };
        print::data(&history.csv(dialect))?;
        return Ok(Exit::Done);
    }
    print::answer(&history, asked.json, || {
        print::words(&say(match history.keeping {
            Keeping::On => Say::HistoryKept,
            Keeping::Off => Say::HistoryOff,
        }));
        if ask == HistoryAsk::Show && !history.figures.is_empty() {
            print::data(&newest(&history))?;
        }
        Ok(())
    })
}

/// What it says of drifts. Only the service is asked, and who may not read it hears nothing of it: the checks need no
/// right.
pub(crate) fn findings(line: &mut Line<'_>) -> Vec<Finding> {
    if !line.is_service().unwrap_or(false) {
        return Vec::new();
    }
    let history: Option<History> = line.ask(Request::History(HistoryAsk::Show)).ok();
    history.map(|history| judge_history(&history)).unwrap_or_default()
}

/// The newest value of each figure, and how many there are.
fn newest(history: &History) -> String {
    let row = |series: &agent::history::shown::Series| {
        let (at, value) = series.values.last_key_value()?;
        let value = format!("{value} {}", series.unit);
        Some(vec![
            series.figure.clone(),
            at.clone(),
            value.trim_end().to_owned(),
            series.values.len().to_string(),
        ])
    };
    let rows: Vec<_> = history.figures.iter().filter_map(row).collect();
    print::table(&say(Say::HistoryFigures), &rows)
}
