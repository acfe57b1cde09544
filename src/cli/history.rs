//! Arguments of `history`.

use agent::request::HistoryAsk;
use clap::{Args, ValueEnum};

use crate::texts::help::Shared;
use crate::texts::help::answers::Help;
use crate::texts::say;

/// What is asked of it.
#[derive(Args)]
pub(crate) struct History {
    #[arg(value_enum, help = say(Help::HistoryAction))]
    pub(crate) action: Option<Action>,
    #[arg(long, conflicts_with_all = ["excel", "json"], help = say(Help::HistoryCsv))]
    pub(crate) csv: bool,
    #[arg(long, conflicts_with = "json", help = say(Help::HistoryExcel))]
    pub(crate) excel: bool,
    #[arg(long, help = say(Shared::Json))]
    pub(crate) json: bool,
}

/// How it is switched.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Action {
    #[value(help = say(Help::HistoryOn))]
    On,
    #[value(help = say(Help::HistoryOff))]
    Off,
    #[value(help = say(Help::HistoryErase))]
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
