//! What is shown: each page as a fragment that the script puts into the shell. Parts with `data-live` are replaced when
//! something changed. Showing a page asks the service and nobody else.

mod case;
mod check;
mod consent;
mod history;
mod leaves;
pub(crate) mod parts;
mod preview;
mod rights;
mod start;

use maud::Markup;

pub(crate) use leaves::{held, records};

use crate::state::Window;

/// A page, or none of this name.
pub(crate) fn page(window: &Window, name: &str) -> Option<Markup> {
    Some(match name.split_once('/') {
        Some(("draft", draft)) => preview::page(window, draft),
        Some(_) => return None,
        None => match name {
            "start" => start::page(window),
            "consent" => consent::page(window),
            "leaves" => leaves::page(window),
            "history" => history::page(window),
            "case" => case::page(window),
            "rights" => rights::page(window),
            "check" => check::page(window, false),
            _ => return None,
        },
    })
}

/// The checks with one connection to the vendor's collector, which a click asked for.
pub(crate) fn check_with_connection(window: &Window) -> Markup {
    check::page(window, true)
}
