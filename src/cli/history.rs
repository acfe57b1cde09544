//! Arguments of `history`.

use agent::request::HistoryAsk;
use clap::{Args, ValueEnum};

/// What is asked of it.
#[derive(Args)]
pub(crate) struct History {
    /// Switch it; left out: show it
    #[arg(value_enum)]
    pub(crate) action: Option<Action>,
    /// Print a table for programs: a column for each figure, commas, decimal points
    #[arg(long, conflicts_with_all = ["excel", "json"])]
    pub(crate) csv: bool,
    /// Print a table for Excel: semicolons, decimal commas
    #[arg(long, conflicts_with = "json")]
    pub(crate) excel: bool,
    /// Print machine-readable JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How it is switched.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Action {
    /// Keep it from now on
    On,
    /// Keep it no longer; what was kept stays
    Off,
    /// Keep it no longer, and erase what was kept
    Erase,
}

impl From<Action> for HistoryAsk {
    fn from(action: Action) -> Self {
        match action {
            Action::On => Self::On,
            Action::Off => Self::Off,
            Action::Erase => Self::Erase,
        }
    }
}
