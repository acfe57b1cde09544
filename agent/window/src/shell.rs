//! The page around the pages: it holds nothing but words of this program, so anybody may have it.

use agent::config::Language;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use maud::{DOCTYPE, Markup, html};

use crate::words::t;

/// Style and script are files of this program, and nothing else is loaded, framed, or asked of another.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'; object-src 'none'; require-trusted-types-for 'script'; \
                      trusted-types kathea";

/// The style of the reports, and what the window needs beside it.
pub(crate) const STYLE: &str = concat!(include_str!("../../src/html/style.css"), include_str!("window.css"));
/// A circle and a line: the window in a row of tabs.
pub(crate) const ICON: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='6' \
    fill='none' stroke='#0b626b' stroke-width='2'/><path d='M8 4v5' stroke='#0b626b' stroke-width='2'/></svg>";
/// The script.
pub(crate) const SCRIPT: &str = include_str!("window.js");

/// The pages, by what stands behind the `#` of the address.
pub(crate) const PAGES: [(&str, &str, &str); 7] = [
    ("start", "Start", "Start"),
    ("consent", "Consent", "Samtykke"),
    ("leaves", "What leaves", "Hvad der sendes"),
    ("history", "History", "Historik"),
    ("case", "Support case", "Supportsag"),
    ("rights", "Rights and proofs", "Rettigheder og dokumentation"),
    ("check", "Check", "Kontrol"),
];

/// On every answer.
pub(crate) fn protect(headers: &mut HeaderMap) {
    let always: [(HeaderName, &'static str); 8] = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=(), usb=()"),
    ];
    for (name, value) in always {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
}

/// The page, standing on `language`.
pub(crate) fn shell(language: Language) -> Markup {
    let is = |own| language == own;
    html! {
        (DOCTYPE)
        html lang=(language.as_str()) translate="no" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="google" content="notranslate";
                meta name="color-scheme" content="light dark";
                title { "Kathea Agent" }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                script src="/script.js" defer {}
            }
            body spellcheck="false" autocomplete="off" {
                a.skip href="#content" { (t("Skip to the content", "Gå til indholdet")) }
                header {
                    fieldset.languages {
                        legend { "Language · Sprog" }
                        input type="radio" name="language" id="en" checked[is(Language::En)];
                        label for="en" lang="en" { "English" }
                        input type="radio" name="language" id="da" checked[is(Language::Da)];
                        label for="da" lang="da" { "Dansk" }
                    }
                    p.name { "Kathea Agent" }
                    nav aria-label="Kathea Agent" {
                        ul {
                            @for (name, en, da) in PAGES { li { a href={ "#" (name) } { (t(en, da)) } } }
                        }
                    }
                }
                section.card id="ended" role="alert" hidden {
                    div data-why="used" { h1 { (t("This page was opened before", "Siden er allerede åbnet")) }
                        p { (t("Each page opens once. If it was not you who opened it, tell your administrator.",
                               "Hver side kan kun åbnes én gang. Hvis det ikke var jer, der åbnede den, så sig det til jeres administrator.")) } }
                    div data-why="wrong" { h1 { (t("This page is no longer valid", "Siden gælder ikke længere")) } }
                    div data-why="reloaded" { h1 { (t("This page was reloaded", "Siden blev genindlæst")) }
                        p { (t("Reloading ends it, because the page keeps its key in memory only.",
                               "En genindlæsning lukker siden, fordi dens nøgle kun findes i hukommelsen.")) } }
                    div data-why="gone" { h1 { (t("The window is closed", "Vinduet er lukket")) } }
                    p { (t("Open it again: Kathea Agent in the start menu, or the command", "Åbn den igen: Kathea Agent i startmenuen, eller kommandoen")) }
                    code.line { "kathea-agent open" }
                }
                section.card id="again" role="alert" hidden {
                    p { (t("Somebody tried to open this window a second time, and was refused. If it was not you, close the window and tell your administrator.",
                           "Nogen prøvede at åbne vinduet en gang til og blev afvist. Hvis det ikke var jer, så luk vinduet, og sig det til jeres administrator.")) }
                }
                div id="said" role="status" aria-live="polite" {}
                main id="content" tabindex="-1" aria-busy="true" {
                    noscript { p { (t("This page needs a script of its own, which this browser does not run.",
                                      "Siden bruger et script, som denne browser ikke kører.")) } }
                }
                footer { (t("This page is served by a program on this computer, for you alone. Opening it sends nothing.",
                            "Siden kommer fra et program på denne computer og er kun til jer. Intet sendes, når den åbnes.")) }
            }
        }
    }
}
