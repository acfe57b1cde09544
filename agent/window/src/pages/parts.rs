//! What pages share: questions to the service, buttons, and the page that cannot be shown.

use agent::api::consent::List;
use agent::api::status::Status;
use agent::request::{ConsentAction, ConsentRequest, Request};
use maud::{Markup, html};

use crate::ask::{Agent, Failure};
use crate::words::{failure, t};

pub(crate) fn list(agent: &Agent) -> Result<List, Failure> {
    agent.ask(&Request::Consent(ConsentRequest::new(ConsentAction::List)))
}

pub(crate) fn status(agent: &Agent) -> Result<Status, Failure> {
    agent.ask(&Request::Status)
}

/// A page that can't be shown, and why.
pub(crate) fn not_shown(title: &Markup, why: &Failure) -> Markup {
    html! { section id="why" data-live { h1 { (title) } div.card { (failure(why)) } } }
}

/// A button that does one thing.
pub(crate) fn button(action: &str, fields: &[(&str, &str)], class: &str, label: &Markup) -> Markup {
    html! {
        form.inline data-do=(action) {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button class=(class) { (label) }
        }
    }
}

/// A button that downloads.
pub(crate) fn download(file: &str, name: &str, label: &Markup) -> Markup {
    html! { button.plain type="button" data-file={ "/file/" (file) } data-name=(name) { (label) } }
}

/// A button that prints the page, with everything open.
pub(crate) fn print_button() -> Markup {
    html! { button.plain type="button" data-print { (t("Print", "Udskriv")) } }
}
