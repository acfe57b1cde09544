//! Numbers that nobody learned: personal, telephone and patients' numbers of seven countries.

use test_support::or_skip;
use test_support::peer;
use test_support::random::Random;

use super::logs::LITERALS;
use super::site::Site;

/// `d` is a digit, `D` and `M` a day and a month, `Y` a year of two digits, `C` a capital.
const FORMS: &[&str] = &[
    "DMY ddddd",
    "DMYddddd",
    "ddd dd ddd",
    "+47 ddd dd ddd", // Norway
    "YMD-dddd",
    "19YMD-dddd",
    "07d-ddd dd dd",
    "+46 7d ddd dd dd", // Sweden
    "DMY-dddC",
    "DMYAdddC",
    "04d ddd dddd", // Finland
    "dd ddd ddd ddd",
    "01dd ddddddd",
    "+49 1dd ddddddd", // Germany
    "ddd ddd dddd",
    "CC dd dd dd C",
    "07ddd dddddd",
    "020 dddd dddd", // United Kingdom
    "ddd-dd-dddd",
    "(ddd) ddd-dddd",
    "ddd-ddd-dddd", // United States
    "1 dd M dd ddd ddd dd",
    "06 dd dd dd dd",
    "06.dd.dd.dd.dd", // France
    "DMY-dddd",
    "dd dd dd dd",
    "dddddddd", // Denmark
    "DMY",
    "YMD",
    "ddddd",
    "dddddd",
    "D.M.19Y",
    "D/M-Y",
    "1ddddddddd",
];
const LINES: &[&str] = &[
    "2026-11-21 10:40:05.000 [INFO] val {} accepted",
    "2026-11-21 10:40:05.000 [INFO] number: {}",
    "2026-11-21 10:40:05.000 [INFO] line: {} busy",
    "2026-11-21 10:40:05.000 [INFO] journal {}; K",
    "2026-11-21 10:40:05.000 [INFO] Dialer(2): callback {} queued",
    "2026-11-21 10:40:05.000 [INFO] opened {} in viewer",
    "2026-11-21 10:40:05.000 [INFO] stage {} aborted: missing projections",
];

fn number(form: &str, random: &mut Random) -> String {
    let mut out = String::new();
    for character in form.chars() {
        match character {
            'd' => out.push_str(&random.below(10).to_string()),
            'D' => out.push_str(&format!("{:02}", random.within(1, 28))),
            'M' => out.push_str(&format!("{:02}", random.within(1, 12))),
            'Y' => out.push_str(&format!("{:02}", random.within(30, 99))),
            'C' => out.push(char::from(b'A' + random.below(26) as u8)),
            other => out.push(other),
        }
    }
    out
}

#[test]
fn two_hundred_hard_lines_keep_at_most_five_numbers() {
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(LITERALS));
    site.run(&["provenance", "build"]);
    let mut random = Random::seeded();
    let numbers: Vec<(&str, String)> =
        (0..200).map(|at| (FORMS[at % FORMS.len()], number(FORMS[at % FORMS.len()], &mut random))).collect();
    let lines: Vec<String> = numbers
        .iter()
        .enumerate()
        .map(|(at, (_, number))| LINES[at % LINES.len()].replace("{}", number))
        .collect();
    let cleaned = site.cleaned(&(lines.join("\n") + "\n"), &[]);
    let mut survived = Vec::new();
    for (at, ((form, number), left)) in numbers.iter().zip(cleaned.lines()).enumerate() {
        // The groups of digits that a line has beside those of its own words.
        let groups = |text: &str| -> Vec<String> {
            text.split(|c: char| !c.is_ascii_digit())
                .filter(|run| !run.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let mut rest = groups(left.get(23..).unwrap_or_default());
        for own in groups(LINES[at % LINES.len()].get(23..).unwrap_or_default()) {
            rest.iter().position(|group| *group == own).map(|at| rest.remove(at));
        }
        let stayed: usize = groups(number).iter().filter(|group| rest.contains(group)).map(String::len).sum();
        if stayed >= 3 {
            survived.push((*form, number.clone(), left.to_owned()));
        }
    }
    println!("200 numbers: {} survive {survived:#?}", survived.len());
    assert!(survived.len() <= 5, "{survived:#?}");
}
