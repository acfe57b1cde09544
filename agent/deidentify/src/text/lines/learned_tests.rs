//! Two hundred lines about ten learned patients: no identifier is left in any of them.

use zeroize::Zeroizing;

use super::*;
use crate::identifiers::second_reading::names_birth_date;
use crate::identifiers::{Identifiers, Kind, Learning};

/// Family name, given name, number, day of birth, telephone.
type Patient = (&'static str, &'static str, &'static str, (i32, u8, u8), &'static str);

const PATIENTS: [Patient; 10] = [
    ("Frandsen", "Ebba", "00080060", (1980, 3, 12), "20123456"),
    ("Kvistgaard", "Oluf", "P-0047119", (1951, 10, 30), "31729455"),
    ("D'Arcy", "Wilma", "110784-3344", (1984, 7, 11), "61742953"),
    ("Østerby", "Änne", "K7720913", (1999, 12, 1), "+45 28 71 93 40"),
    ("Young", "Else", "6613077", (2012, 2, 29), "86119027"),
    ("Møller-Skov", "Bo", "250570-4021", (1970, 5, 25), "0045 33 12 87 65"),
    ("Lindqvist", "Åse", "A/90817", (1938, 8, 4), "40218873"),
    ("Petersen", "Jørgen", "7700412", (2005, 1, 9), "59 44 21 08"),
    ("Szymański", "Łucja", "PL-55120348", (1966, 6, 17), "22907714"),
    ("Vang", "Per", "20481533", (1945, 11, 22), "71 30 55 62"),
];

const MONTHS: [&str; 12] = [
    "januar",
    "februar",
    "marts",
    "april",
    "maj",
    "juni",
    "juli",
    "august",
    "september",
    "oktober",
    "november",
    "december",
];

/// Twenty lines about somebody; a line's end may be in the middle.
fn lines((family, given, id, (year, month, day), phone): Patient) -> [String; 20] {
    let short = year % 100;
    let name = MONTHS[usize::from(month) - 1];
    let head = "2026-11-21 10:32:11.120 [INFO] Worklist(12): ";
    let (upper, lower) = (family.to_uppercase(), given.to_lowercase());
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let pairs = digits.as_bytes()[digits.len() - 8..]
        .chunks(2)
        .map(|pair| String::from_utf8_lossy(pair).into_owned());
    let dotted = pairs.collect::<Vec<_>>().join(".");
    [
        format!("{head}entry f. {day}/{month}-{year} selected"),
        format!("{head}entry {day}.{month}-{short:02} selected"),
        format!("{head}birth field \"{day:02} - {month:02} - {year}\" has blanks"),
        format!("{head}birth field {day:02}\u{2013}{month:02}\u{2013}{year} parsed as text"),
        format!("{head}title \"{family}, {given} L. ({day} {} '{short:02})\"", &name[..3]),
        format!("{head}rename \"{lower}_{upper}_{day:02}{month:02}{short:02}.vol\" failed, error 0x80070020"),
        format!("{head}callback {dotted} queued"),
        format!("{head}id {id} matched"),
        format!("{head}den {day}. i {month}. {year} shown in header"),
        format!("{head}{family}(45) waiting"),
        format!("{head}patient: {lower} {} loaded", family.to_lowercase()),
        format!("{head}user='{family} {given}' logged in"),
        format!("{head}number: {dotted}, count: {digits}"),
        format!("{head}{given} {family} ({year}|{month:02}|{day:02}) opened"),
        format!("{head}scan of {day}. {name}\n{year} stored"),
        format!("{head}scan of {day}/{month}-\n{year} stored"),
        format!(
            r#"{{"message":"scan of {family} {day}/{month} {year}","Number":"{id}","Code":{digits},"kv":90}}"#
        ),
        format!("<p class=\"x\">{given}&nbsp;{family}, {day}&ndash;{month}&ndash;{year}</p>"),
        format!("{head}(0010,0030) DA [{year}{month:02}{day:02}] # 8, 1 PatientBirthDate"),
        format!(
            "{head}mail to {lower}.{}@klinik.example, born {year}.{month:02}/{day:02}",
            family.to_lowercase()
        ),
    ]
}

fn learned() -> Identifiers {
    let mut learning = Learning::default();
    for (family, given, id, (year, month, day), phone) in PATIENTS {
        learning.learn(Kind::Name, &format!("{family}^{given}"));
        learning.learn(Kind::Id, id);
        learning.learn(Kind::Phone, phone);
        learning.learn(Kind::BirthDate, &format!("{year}{month:02}{day:02}"));
    }
    learning.finish().unwrap()
}

/// What of the patient `output` still tells, found by other means than the scrubber's.
fn left(output: &str, (family, given, id, (year, month, day), phone): Patient) -> Vec<String> {
    let plain =
        |text: &str| -> String { text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect() };
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).collect() };
    let words: Vec<String> = output.split(|c: char| !c.is_alphanumeric() && c != '\'').map(plain).collect();
    let has_word = |name: &str| words.iter().any(|word| *word == plain(name));
    // The time in the head has digits of its own.
    let body = digits(output.rsplit("10:32:11.120").next().unwrap_or_default());
    let number = digits(phone);
    let mut left = Vec::new();
    left.extend(has_word(family).then(|| format!("family name in {output}")));
    left.extend(has_word(given).then(|| format!("given name in {output}")));
    left.extend((digits(id).len() > 4 && body.contains(&digits(id))).then(|| format!("number in {output}")));
    left.extend(body.contains(&number[number.len() - 8..]).then(|| format!("telephone in {output}")));
    let is_born =
        |found: time::Date| (found.year(), u8::from(found.month()), found.day()) == (year, month, day);
    left.extend(names_birth_date(output, is_born).map(|_| format!("day of birth in {output}")));
    left
}

#[test]
fn two_hundred_lines_about_learned_patients_name_nobody() {
    let case = Case::new(Zeroizing::new([7; 32]));
    let everybody_left = |identifiers: &Identifiers| {
        let (mut count, mut remaining) = (0, Vec::new());
        for patient in PATIENTS {
            for line in lines(patient) {
                let mut out = Vec::new();
                clean(line.as_bytes(), &mut out, &case, identifiers).unwrap();
                remaining.extend(left(&String::from_utf8(out).unwrap(), patient).into_iter().take(1));
                count += 1;
            }
        }
        (count, remaining)
    };
    let (count, remaining) = everybody_left(&learned());
    assert!(
        remaining.is_empty(),
        "{} of {count}, the first: {}",
        remaining.len(),
        remaining[..remaining.len().min(5)].join("\n")
    );
    let (_, control) = everybody_left(&Learning::default().finish().unwrap());
    println!("{count} lines, 0 left; with nobody learned {} of them name somebody", control.len());
    assert!(count == 200 && control.len() > 40);
}
