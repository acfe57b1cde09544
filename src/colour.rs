//! Colour on a terminal: headings in bold, states and verdicts in green, yellow or red. Nothing is said by colour alone.

use std::ffi::OsStr;

/// What stands well, what wants a look, what wants an action.
const GREEN: &[&str] =
    &["pass", "granted", "running", "sent", "done", "i orden", "slået til", "kører", "leveret", "udført"];
const YELLOW: &[&str] = &[
    "warn",
    "unset",
    "restricted",
    "queued",
    "sending",
    "stale_policy",
    "open",
    "bemærk",
    "ubesvaret",
    "på pause",
    "i kø",
    "sendes",
    "skal fornyes",
    "åben",
];
const RED: &[&str] = &[
    "fail",
    "failed",
    "denied",
    "withdrawn",
    "expired",
    "kræver handling",
    "mislykket",
    "slået fra",
    "tilbagekaldt",
    "udløbet",
];

/// Whether this program's terminal shows colours: `NO_COLOR` (no-color.org) and a dumb terminal say no.
pub(crate) fn is_on() -> bool {
    let variable = std::env::var_os;
    let knows_colour = !cfg!(windows) || variable("WT_SESSION").is_some();
    knows_colour && is_wanted(variable("NO_COLOR").as_deref(), variable("TERM").as_deref())
}

fn is_wanted(no_color: Option<&OsStr>, term: Option<&OsStr>) -> bool {
    no_color.is_none_or(OsStr::is_empty) && term.is_none_or(|term| term != "dumb")
}

/// The text in red.
pub(crate) fn red(text: &str) -> String {
    in_colour("31", text)
}

/// A text of headings, tables and checks with its colours.
pub(crate) fn painted(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut out = String::with_capacity(text.len() * 2);
    for (at, line) in lines.iter().enumerate() {
        let next_is_set_in = lines.get(at + 1).is_some_and(|next| next.starts_with("  "));
        if !line.is_empty() && !line.starts_with(' ') && next_is_set_in && cells(line).count() == 1 {
            out += &in_colour("1", line);
        } else {
            out += &row(line);
        }
        out.push('\n');
    }
    out
}

/// The parts of a line that two or more blanks separate.
fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty())
}

/// A line whose states are coloured. A word is a state only if it is a cell of its own.
fn row(line: &str) -> String {
    let colour = |cell: &str| {
        [("32", GREEN), ("33", YELLOW), ("31", RED)].into_iter().find(|(_, words)| words.contains(&cell))
    };
    let (mut out, mut rest) = (String::new(), line);
    for cell in cells(line) {
        let Some((before, after)) = rest.split_once(cell) else { continue };
        out += before;
        match colour(cell) {
            Some((code, _)) => out += &in_colour(code, cell),
            None => out += cell,
        }
        rest = after;
    }
    out + rest
}

fn in_colour(code: &str, text: &str) -> String {
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_and_states_are_coloured_and_nothing_else_is_changed() {
        let text = "Consent\n  usage_statistics  granted  yes: collected and sent\n\nfail  clock  is off\n";
        let painted = painted(text);
        assert_eq!(
            painted,
            "\u{1b}[1mConsent\u{1b}[0m\n  usage_statistics  \u{1b}[32mgranted\u{1b}[0m  yes: collected and sent\n\n\
             \u{1b}[31mfail\u{1b}[0m  clock  is off\n"
        );
        let plain = ["\u{1b}[1m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[0m"];
        assert_eq!(plain.iter().fold(painted, |text, code| text.replace(code, "")), text);
    }

    #[test]
    fn no_color_and_a_dumb_terminal_are_respected() {
        let (no_color, dumb) = (Some(OsStr::new("1")), Some(OsStr::new("dumb")));
        assert!(is_wanted(None, Some(OsStr::new("xterm"))) && is_wanted(Some(OsStr::new("")), None));
        assert!(!is_wanted(no_color, None) && !is_wanted(None, dumb));
    }
}
