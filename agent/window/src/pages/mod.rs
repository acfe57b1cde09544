//! What is shown: each page as a fragment that the script puts into the shell. Parts with `data-live` are replaced when
//! something changed. Showing a page asks the service and nobody else.

mod case;
mod check;
mod consent;
mod history;
mod leaves;
mod preview;
mod rights;
mod start;

use agent::api::consent::List;
use agent::api::status::Status;
use agent::request::{ConsentAction, ConsentRequest, Request};
use maud::{Markup, html};

pub(crate) use leaves::{held, records};

use crate::ask::{Agent, Failure};
use crate::serve::Window;
use crate::words::{failure, t};

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

fn list(agent: &Agent) -> Result<List, Failure> {
    agent.ask(&Request::Consent(ConsentRequest::new(ConsentAction::List)))
}

fn status(agent: &Agent) -> Result<Status, Failure> {
    agent.ask(&Request::Status)
}

/// A page that can't be shown, and why.
fn not_shown(title: &Markup, why: &Failure) -> Markup {
    html! { section id="why" data-live { h1 { (title) } div.card { (failure(why)) } } }
}

/// A button that does one thing.
fn button(action: &str, fields: &[(&str, &str)], class: &str, label: &Markup) -> Markup {
    html! {
        form.inline data-do=(action) {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) { (label) }
        }
    }
}

/// A button that downloads.
fn download(file: &str, name: &str, label: &Markup) -> Markup {
    html! { button.plain type="button" data-file={ "/file/" (file) } data-name=(name) { (label) } }
}

/// A button that prints the page, with everything open.
fn print_button() -> Markup {
    html! { button.plain type="button" data-print { (t("Print", "Udskriv")) } }
}
