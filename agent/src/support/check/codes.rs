//! Error codes in lines of a log, in whatever usual form they stand: `code=1042`, `"code":1042`, `error 1042`, `E1042`,
//! `[ERROR] [1042]`, `[ERROR] column(1204): ...`, `err=0x1F`.
//!
//! Only a number that the catalog could hold comes out. One that goes on as a date, a time, a version, an address or a
//! personal number does is none. Like the checks themselves the numbers are searched for learned identifiers before
//! they leave.

/// The largest error code of the catalog.
pub(super) const MOST: u32 = 65_535;

/// Words that begin a code. `ERROR` and `STOP` as levels are among them: the code often stands behind.
const KEYS: &[&str] = &[
    "code",
    "error",
    "err",
    "errno",
    "errcode",
    "errorcode",
    "fault",
    "faultcode",
    "fejl",
    "fejlkode",
    "alarm",
    "fatal",
    "stop",
];
/// Levels of a line that reports an error.
const LEVELS: &[&str] = &["ERROR", "FATAL", "STOP", "CRITICAL", "SEVERE", "FEJL"];
/// What stands beside a level in JSON and in key=value.
const LEVEL_KEYS: &[&str] = &["level", "severity", "lvl"];
/// Characters between a key and its number.
const GAP: usize = 6;
/// Digits of a number behind a blank alone: `error 3 of 5` counts something else.
const BARE: usize = 3;
/// Characters of a module's name in `module(1204)`.
const MODULE: usize = 32;
/// What is no module: the number behind would be somebody's.
const PERSONS: &[&str] =
    &["patient", "pat", "person", "user", "bruger", "operator", "cpr", "case", "journal", "id"];

/// The code of an error that `line` reports; none if it reports no error, or one without a code.
pub(super) fn of(line: &str) -> Option<u32> {
    if !is_error(line) {
        return None;
    }
    let lower = line.to_ascii_lowercase();
    let by_code =
        words(&lower).filter(|(_, word)| word.ends_with("code")).find_map(|found| behind(&lower, found));
    by_code
        .or_else(|| words(&lower).find_map(|found| behind(&lower, found)))
        .or_else(|| words(&lower).skip(1).find_map(|(_, word)| prefixed(word)))
        .or_else(|| of_module(line))
}

fn is_error(line: &str) -> bool {
    let is_named = || {
        let lower = line.to_ascii_lowercase();
        let mut words = words(&lower).map(|(_, word)| word).skip_while(|word| !LEVEL_KEYS.contains(word));
        words.nth(1).is_some_and(|word| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word)))
    };
    LEVELS.iter().any(|level| line.contains(level)) || is_named()
}

/// Letters, digits and underscores that stand together, and where.
fn words(line: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let starts = line.char_indices().filter(move |(at, letter)| {
        is_word(*letter)
            && !line.get(..*at).and_then(|before| before.chars().next_back()).is_some_and(is_word)
    });
    starts.map(move |(at, _)| {
        let rest = line.get(at..).unwrap_or_default();
        (at, rest.get(..rest.find(|letter| !is_word(letter)).unwrap_or(rest.len())).unwrap_or_default())
    })
}

/// The number behind a key.
fn behind(line: &str, (at, word): (usize, &str)) -> Option<u32> {
    let key = word.replace('_', "");
    if !KEYS.contains(&key.as_str()) {
        return None;
    }
    let rest = line.get(at + word.len()..)?;
    let gap = rest.find(|letter: char| !" \t:=#\"'[](){}<>".contains(letter))?;
    let (gap, rest) = rest.split_at_checked(gap)?;
    let word = words(rest).next().filter(|(at, _)| *at == 0)?.1;
    let (number, is_prefixed) = match word.strip_prefix('e') {
        Some(digits) => (digits, true),
        None => (word, false),
    };
    let is_bare = gap.chars().all(|letter| letter.is_whitespace()) && !is_prefixed && number.len() < BARE;
    if gap.is_empty() || gap.chars().count() > GAP || is_bare || goes_on(rest.get(word.len()..)?) {
        return None;
    }
    number_of(number)
}

/// `e1042`.
fn prefixed(word: &str) -> Option<u32> {
    word.strip_prefix('e').filter(|digits| digits.len() >= BARE).and_then(number_of)
}

/// `column(1204)` or `column[1204]` behind the level.
fn of_module(line: &str) -> Option<u32> {
    let (at, level) = LEVELS.iter().filter_map(|level| Some((line.find(level)?, level))).min()?;
    let rest = line.get(at + level.len()..)?.trim_start_matches([']', ')', '>', ':', '|', ' ', '\t']);
    let (module, rest) = rest.split_once(['(', '['])?;
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    let is_module = !module.is_empty() && module.len() <= MODULE && module.chars().all(is_name);
    let is_person = PERSONS.iter().any(|person| module.eq_ignore_ascii_case(person));
    let (number, _) = rest.split_once([')', ']']).filter(|_| is_module && !is_person)?;
    number_of(number)
}

/// A number of digits, or of hexadecimal ones behind `0x`.
fn number_of(text: &str) -> Option<u32> {
    let is_short = |digits: &&str| (1..=5).contains(&digits.len());
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(Some(digits).filter(is_short)?, 16).ok()?,
        None => {
            let digits = Some(text).filter(is_short)?;
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??
        }
    };
    (number <= MOST).then_some(number)
}

/// Whether what follows makes more than a code of the number before it: `2026-11-29`, `10:32`, `3.10`, `010761-4242`.
fn goes_on(rest: &str) -> bool {
    let mut letters = rest.chars();
    letters.next().is_some_and(|letter| "-.:/,".contains(letter))
        && letters.next().is_some_and(|letter| letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use protocol::Catalog;

    use super::*;

    #[test]
    fn a_code_is_found_in_every_usual_form() {
        for line in [
            "ERROR link code=1042 x",
            "2026-11-21 10:32:11.123 [ERROR] generator: code: 1042, ready",
            r#"{"ts":"2026-11-21T10:32:11Z","level":"error","code":1042,"module":"generator"}"#,
            r#"{"severity":"ERROR","error_code":"E1042"}"#,
            "level=error msg=\"generator\" err=0x412",
            "FATAL error 1042 in the generator",
            "FATAL in the generator: E1042",
            "[ERROR] [1042] generator stopped",
            "ERROR 1042: generator stopped",
            "ERROR (1042) generator stopped",
            "2026-11-21 10:32:11.123 [ERROR] generator(1042): stopped",
            "2026-11-21 10:32:11.123 ERROR generator[1042]: stopped",
            "FEJL fejlkode 1042",
            "STOP error #1042",
            "ERROR 2026-11-21 10:32:11 errno=1042",
            "ERROR errorCode = 1042",
            "ERROR fault_code 01042",
        ] {
            assert_eq!(of(line), Some(1042), "{line}");
        }
        assert_eq!(of("ERROR err=0x1F"), Some(31));
        assert_eq!(of("ERROR code=7"), Some(7));
    }

    #[test]
    fn what_is_no_code_is_not_taken_for_one() {
        for line in [
            "INFO code=1042",
            "INFO error 1042 was cleared",
            "ERROR code=Hansen",
            "ERROR 2026-11-21 10:32:11 stopped",
            "ERROR 10:32:11 stopped",
            "ERROR 010761-4242 not found",
            "ERROR patient(4711): not found",
            "ERROR error 3 of 5",
            "ERROR code=65536",
            "ERROR code=0x80070005",
            "ERROR version 3.10.2",
            "ERROR error 12.5 mm",
            "ERROR code 28719340",
            "E1121 10:32:11.123456 detector.cc:12] ready",
            "ERROR",
            "",
        ] {
            assert_eq!(of(line), None, "{line}");
        }
    }

    #[test]
    fn the_bound_is_the_catalogs() {
        let catalog = Catalog::built_in();
        let error = catalog.event_type("device.error").unwrap();
        let code = error.attributes.iter().find(|attribute| attribute.name == "code").unwrap();
        assert!(format!("{code:?}").contains(&MOST.to_string()), "{code:?}");
    }
}
