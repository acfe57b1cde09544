//! Random patients in random spellings in random lines: whoever was learned comes out nowhere.

use deidentify::case::Case;
use deidentify::check;
use deidentify::identifiers::{Identifiers, Kind, Learning};
use deidentify::{structured, text};
use serde_json::{Map, Value, json};
use test_support::Random;
use zeroize::Zeroizing;

use super::person::{Person, plain};
use super::plant;

const SYLLABLES: &[&str] = &[
    "skov", "lind", "kvæ", "holm", "kjær", "ø", "vinter", "bro", "mo", "dal", "ås", "rü", "szcz", "ny",
    "gård", "é",
];
const CASES: usize = 300;

fn word(random: &mut Random) -> String {
    let word: String = (0..random.within(2, 3)).map(|_| random.one(SYLLABLES)).collect();
    let mut letters = word.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn digits(random: &mut Random, count: usize) -> String {
    (0..count).map(|_| random.one(&["1", "2", "3", "4", "5", "6", "7", "8", "9"])).collect()
}

fn learned(person: Person<'_>) -> Identifiers {
    let mut learning = Learning::default();
    learning.learn(Kind::Name, &person.name());
    learning.learn(Kind::Id, person.id);
    learning.learn(Kind::Id, person.accession);
    learning.learn(Kind::Phone, person.phone);
    learning.learn(Kind::BirthDate, &format!("{}{}{}", person.born.0, person.born.1, person.born.2));
    learning.finish().unwrap()
}

#[test]
fn whoever_was_learned_comes_out_of_no_log() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_121);
    println!("SEED={seed}");
    let mut random = Random::new(seed);
    let mut planted = 0;
    for _ in 0..CASES {
        let (family, given) = (word(&mut random), word(&mut random));
        let (id, phone) = (digits(&mut random, 8), digits(&mut random, 8));
        let accession = format!("A{}", digits(&mut random, 7));
        let [year, month, day] =
            [(1920, 1999), (1, 12), (1, 28)].map(|(low, high)| format!("{:02}", random.within(low, high)));
        let born = (&*year, &*month, &*day);
        let person = Person {
            family: &family,
            given: &given,
            id: &id,
            accession: &accession,
            born,
            phone: &phone,
            street: "",
        };
        let identifiers = learned(person);
        let case = Case::new(Zeroizing::new(std::array::from_fn(|_| random.next() as u8)));
        let spellings = [person.names(), person.numbers()].concat();
        let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
        let mut log = String::new();
        for _ in 0..40 {
            let spelling = random.one(&spellings);
            let shape = random.one(plant::LINES);
            log += &format!("2026-11-21 10:32:11.123 {}\n", shape.replace("{}", spelling));
            planted += 1;
        }
        let mut out = Vec::new();
        text::clean(log.as_bytes(), &mut out, &case, &identifiers).unwrap();
        assert_eq!(check::search(&out, check::Layout::Lines, &identifiers, &case), None, "{log}");
        for (before, after) in log.lines().zip(String::from_utf8(out).unwrap().lines()) {
            let message = plain(after.get(24..).unwrap_or(after));
            for needle in person.needles().iter().filter(|needle| needle.len() > 4) {
                assert!(!message.contains(needle), "{needle} in\n{after}\nfrom\n{before}");
            }
        }
    }
    println!("{planted} plants of {CASES} patients: 0 found");
}

/// A document of random depth, with a spelling in random places and what has to stay beside it.
fn document(random: &mut Random, spellings: &[&str], depth: u32) -> Value {
    const KEYS: &[&str] = &[
        "patientName",
        "operator",
        "note",
        "message",
        "unheard",
        "nested",
        "status",
        "value",
        "name",
        "items",
    ];
    let mut object =
        Map::from_iter([("kvp".to_owned(), json!(90)), ("serialNumber".to_owned(), json!("X1-24-00117"))]);
    for _ in 0..random.within(1, 4) {
        let spelling = random.one(spellings);
        let key = if random.percent(10) { spelling } else { random.one(KEYS) };
        let value = match random.within(0, 3) {
            0 if depth < 12 => document(random, spellings, depth + 1),
            1 if depth < 12 => json!([document(random, spellings, depth + 1), spelling]),
            2 => json!(format!("scan of {spelling} stored")),
            _ => json!(spelling),
        };
        object.insert(key.to_owned(), value);
    }
    Value::Object(object)
}

/// The same as XML.
fn xml(value: &Value, out: &mut String) {
    let text = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                *out += &format!("<value name=\"{}\">", text(key));
                xml(value, out);
                *out += "</value>";
            }
        }
        Value::Array(items) => items.iter().for_each(|item| xml(item, out)),
        Value::String(string) => *out += &text(string),
        other => *out += &other.to_string(),
    }
}

#[test]
fn whoever_was_learned_comes_out_of_no_document() {
    let mut random = Random::new(20_261_122);
    let (mut documents, mut parsed) = (0, 0);
    for _ in 0..CASES {
        let (family, given) = (word(&mut random), word(&mut random));
        let (id, phone) = (digits(&mut random, 8), digits(&mut random, 8));
        let born = ("1958", "11", "23");
        let person = Person {
            family: &family,
            given: &given,
            id: &id,
            accession: "A7712345",
            born,
            phone: &phone,
            street: "",
        };
        let identifiers = learned(person);
        let case = Case::new(Zeroizing::new(std::array::from_fn(|_| random.next() as u8)));
        let spellings = [person.names(), person.numbers()].concat();
        let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
        let document = document(&mut random, &spellings, 0);
        let mut markup = "<scan>".to_owned();
        xml(&document, &mut markup);
        markup += "</scan>";
        let mut scrubber = text::Scrubber::new(&case, &identifiers);
        let from_json = structured::json::clean(document.to_string().as_bytes(), &mut scrubber).unwrap();
        let from_xml = structured::xml::clean(&markup, &mut scrubber);
        parsed += usize::from(from_xml.is_ok());
        let outputs = [(Ok(from_json), check::Layout::Json), (from_xml, check::Layout::Xml)];
        for (out, layout) in outputs.into_iter().filter_map(|(out, layout)| Some((out.ok()?, layout))) {
            let found = check::search(out.as_bytes(), layout, &identifiers, &case);
            assert_eq!(found, None, "{document}\n{out}");
            for needle in person.needles().iter().filter(|needle| needle.len() > 4) {
                assert!(!plain(&out).contains(needle), "{needle} in {out} from {document}");
            }
            assert!(out.contains("90") && out.contains("X1-24-00117"), "{out}");
            documents += 1;
        }
    }
    println!("{documents} documents of {CASES} patients: 0 found");
    assert_eq!(parsed, CASES);
}
