//! A support case about patients whose birth dates stand in the logs in the spellings of every day: the preview, and
//! so the bundle, has none of them.

use std::fs;
use std::path::Path;

use crate::common::clinic::Clinic;
use time::OffsetDateTime;

/// A day of July 1961 that starts with `day`, as people write it.
fn spellings(day: u8) -> Vec<String> {
    let mut all = vec![
        format!("{day}/7-1961"),
        format!("{day}.7-61"),
        format!("{day:02} - 07 - 1961"),
        format!("{day:02}\u{2013}07\u{2013}1961"),
        format!("{day:02}\u{2011}07\u{2011}61"),
        format!("{day} jul '61"),
        format!("den {day}. i 7. 1961"),
        format!("{day}|7|1961"),
        format!("{day}:7:61"),
        format!("{day}_07_61"),
        format!("{day}, 7, 1961"),
        format!("1961-{:03}", 181 + u16::from(day)),
    ];
    all.push(format!("{day}. juli\n1961"));
    all.push(format!("{day}/7-\n1961"));
    all
}

fn texts(dir: &Path, found: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => texts(&path, found),
            path => {
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                found.push((path.display().to_string(), text));
            }
        }
    }
}

#[test]
fn no_spelling_of_a_birth_date_is_in_a_preview() {
    let clinic = Clinic::new();
    let log = clinic.path("logs/kathea.log");
    let mut text = fs::read_to_string(&log).unwrap();
    let now = OffsetDateTime::now_utc();
    let head =
        format!("{} {:02}:{:02}:00.000 [INFO] viewer(31): entry", now.date(), now.hour(), now.minute());
    let mut planted = 0;
    for patient in &clinic.patients {
        for spelling in spellings(patient.number[..2].parse().unwrap()) {
            text += &format!("{head} {spelling} selected\n");
            planted += 1;
        }
    }
    // A day on which nobody was born, to see that the search below finds what it looks for.
    text += &format!("{head} count 1961 selected\n");
    fs::write(&log, text).unwrap();
    clinic.preview("CASE-1", &["--last-scan"]);
    let mut found = Vec::new();
    texts(&clinic.path("copy-CASE-1"), &mut found);
    let with = |needle: &str| -> Vec<&str> {
        found.iter().flat_map(|(_, text)| text.lines()).filter(|line| line.contains(needle)).collect()
    };
    let removed = with("entry [date]").len() + with("entry den [date]").len();
    assert!(removed >= planted, "{removed} of {planted}");
    let left: Vec<_> = with("1961").into_iter().filter(|line| !line.contains("count 1961")).collect();
    assert!(left.is_empty() && !with("count 1961").is_empty(), "{left:?}");
    let short = with("viewer(31): entry").into_iter().filter(|line| {
        let message = line.rsplit("entry").next().unwrap_or_default();
        message.contains(|c: char| c.is_ascii_digit()) && !message.contains("count 1961")
    });
    assert_eq!(short.collect::<Vec<_>>(), [""; 0]);
    println!("{planted} dates planted in the log, 0 in the preview");
}
