//! The shape of a line: its text with the digits of its loose numbers masked, byte for byte.
//!
//! Lines of one shape become the same but for the digits of those numbers, as long as nothing that was learned and no date
//! is found in either. A number is loose if no rule asks for its value: it stands alone between blanks and brackets or
//! behind an equals sign, it is too short for a personal number, and no bound of a key lies between it and another number
//! of its length. Every other number is a part of the shape.

use std::ops::Range;

/// Stand for a digit of a number that is below the bound of keys with as many digits, or that has none, and above it.
const BELOW: u8 = 1;
const ABOVE: u8 = 2;
/// The bounds of `keys.txt` that do not end in nines: three digits and four.
const BOUNDS: [&[u8]; 2] = [b"200", b"2000"];
/// Digits of a unit that hangs on a number, at most.
const UNIT: usize = 6;

/// Puts into `shape` the shape of `line`. `false` if it has no loose number, or something in it may be a date whose time of
/// day is a loose number.
pub(super) fn of(line: &str, shape: &mut Vec<u8>) -> bool {
    let bytes = line.as_bytes();
    shape.clear();
    shape.extend_from_slice(bytes);
    let (mut at, mut is_any) = (0, false);
    while let Some(start) = next_digit(bytes, at) {
        let whole = digits(bytes, start);
        let mut end = start + whole;
        let fraction = if bytes.get(end) == Some(&b'.') { digits(bytes, end + 1) } else { 0 };
        if [whole, fraction].iter().any(|digits| matches!(digits, 8 | 14)) {
            return false;
        }
        end += if fraction > 0 { fraction + 1 } else { 0 };
        at = end;
        if !begins(bytes, start) || !ends(bytes, end) {
            continue;
        }
        let number = bytes.get(start..start + whole).unwrap_or_default();
        let Some(mark) = mark(number, fraction > 0) else { continue };
        for digit in shape.get_mut(start..end).into_iter().flatten().filter(|byte| **byte != b'.') {
            *digit = mark;
        }
        is_any = true;
    }
    is_any
}

/// Where in `shape` the digits of loose numbers stand.
pub(super) fn loose(shape: &[u8]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for at in (0..shape.len()).filter(|at| shape.get(*at).is_some_and(|byte| matches!(*byte, BELOW | ABOVE)))
    {
        match found.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

/// What stands for the digits of a number with these before its decimals, if it can be loose.
fn mark(whole: &[u8], has_decimals: bool) -> Option<u8> {
    // Six digits may begin a personal number, and ten be one; `00711` is no count.
    let is_short = matches!(whole.len(), 1..=5 | 7 | 9);
    let is_padded = whole.len() > 1 && whole.first() == Some(&b'0');
    // The largest number of a bound, and decimals.
    let is_full = has_decimals && whole.iter().all(|digit| *digit == b'9');
    let bound = BOUNDS.iter().find(|bound| bound.len() == whole.len());
    let is_at_bound = bound.is_some_and(|bound| *bound == whole);
    if !is_short || is_padded || is_full || is_at_bound {
        return None;
    }
    Some(if bound.is_some_and(|bound| whole > *bound) { ABOVE } else { BELOW })
}

fn begins(bytes: &[u8], start: usize) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|at| bytes.get(at)).copied();
    let opens = |byte: Option<u8>| matches!(byte, None | Some(b' ' | b'=' | b'(' | b'['));
    opens(before(1)) || before(1) == Some(b'-') && opens(before(2))
}

/// Whether nothing hangs on the number but a short unit, which neither an exponent nor the sides of a volume begin.
fn ends(bytes: &[u8], end: usize) -> bool {
    let rest = bytes.get(end..).unwrap_or_default();
    let unit = rest.iter().take_while(|byte| byte.is_ascii_lowercase()).count();
    let is_unit = unit <= UNIT && !matches!(rest.first(), Some(b'e' | b'x'));
    let closes = match rest.get(unit..).unwrap_or_default() {
        [] | [b' ' | b')' | b']', ..] | [b',' | b';'] | [b',' | b';', b' ', ..] => true,
        [..] => false,
    };
    is_unit && closes
}

fn next_digit(bytes: &[u8], at: usize) -> Option<usize> {
    bytes.get(at..)?.iter().position(u8::is_ascii_digit).map(|skipped| at + skipped)
}

fn digits(bytes: &[u8], at: usize) -> usize {
    bytes.get(at..).unwrap_or_default().iter().take_while(|byte| byte.is_ascii_digit()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<String> {
        let mut shape = Vec::new();
        of(line, &mut shape).then(|| {
            let shown = |byte: &u8| match *byte {
                BELOW => '#',
                ABOVE => '^',
                byte => char::from(byte),
            };
            shape.iter().map(shown).collect()
        })
    }

    #[test]
    fn numbers_that_stand_alone_are_loose_and_no_others() {
        for (line, wanted) in [
            ("frame 106 of 512, offset -0.85 counts", "frame ### of ^^^, offset -#.## counts"),
            ("detector(2107): lost 3 (E2107)", "detector(^^^^): lost # (E2107)"),
            ("kV=90 after 312ms; 12345", "kV=## after ^^^ms; #####"),
            ("200 199 201 2000 200.5 99.5 9 9.5", "200 ### ^^^ 2000 200.5 99.5 # 9.5"),
            ("007 1e5 0x12 3x4 1/2 1:2 1.2.3 v4 5% 5: 6", "007 1e5 0x12 3x4 1/2 1:2 1.2.3 v4 5% 5: #"),
            ("110784 1234567 1107843344 7", "110784 ####### 1107843344 #"),
        ] {
            assert_eq!(shown(line).as_deref(), Some(wanted), "{line}");
        }
        for line in ["", "heartbeat", "v4.2.1", "20261121 1032", "at 5.20261121 10", "20261121103211 7"] {
            assert_eq!(shown(line), None, "{line}");
        }
    }

    /// A bound between two numbers of one mark would make two lines of one shape differ.
    #[test]
    fn every_bound_of_a_key_is_one_that_marks_tell_apart() {
        let lines = include_str!("../keys.txt").lines().skip_while(|line| *line != "[keep]").skip(1);
        for line in lines.take_while(|line| !line.starts_with('[')).filter(|line| !line.starts_with('#')) {
            let most = line.split(' ').nth(1).unwrap().as_bytes();
            let is_full = most.iter().all(|digit| *digit == b'9');
            assert!(is_full || BOUNDS.contains(&most), "{line}");
        }
    }

    /// A word that begins with a digit would make a number's value a matter of lists.
    #[test]
    fn no_list_has_a_word_that_begins_with_a_digit() {
        for list in [include_str!("vocabulary.txt"), include_str!("../keys.txt"), include_str!("names.txt")] {
            let is_bound =
                |line: &str| ["measure ", "count ", "code "].iter().any(|word| line.starts_with(word));
            for line in list.lines().filter(|line| !line.starts_with('#')) {
                let words = line.split_whitespace().skip(if is_bound(line) { 2 } else { 0 });
                for word in words {
                    assert!(
                        !word.trim_start_matches('=').starts_with(|c: char| c.is_ascii_digit()),
                        "{word}"
                    );
                }
            }
        }
    }
}
