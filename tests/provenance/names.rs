//! Names that nobody learned, in lines as programs write them.

use std::process::Command;

use test_support::random::Random;
use test_support::{or_skip, peer};

use super::logs::LITERALS;
use super::site::Site;

/// Names that are drawn.
const NAMES: usize = 10_000;
/// Locales of Faker: nine that write in Latin letters, and three other scripts.
const LOCALES: &str = "da_DK,no_NO,sv_SE,fi_FI,de_DE,en_GB,en_US,fr_FR,pl_PL,ru_RU,el_GR,ja_JP";
const NAMED: &str = "import sys\nfrom faker import Faker\nFaker.seed(int(sys.argv[1]))\n\
                     fakers = [Faker(locale) for locale in sys.argv[2].split(',')]\n\
                     for at in range(int(sys.argv[3])):\n    faker = fakers[at % len(fakers)]\n    \
                     print(faker.first_name(), faker.last_name(), sep='\\t')\n";
/// Lines: some whose literal the program has, some that no program wrote.
const LINES: &[&str] = &[
    "2026-11-21 10:40:07.000 [INFO] opened {} in viewer",
    "2026-11-21 10:40:07.000 [INFO] patient: {} loaded",
    "2026-11-21 10:40:07.000 [INFO] user='{}' logged in",
    "2026-11-21 10:40:07.000 [WARN] {} waiting, chair 2",
    "2026-11-21 10:40:07.000 [ERROR] Store(412): rename \"{}.vol\" failed, error 0x80070020",
    "2026-11-21 10:40:07,120 [12] INFO  Kathea.Imaging.VolumeLoader - scan of {} stored in 118 ms",
    "2026-11-21 10:40:07,120 [12] DEBUG Kathea.Imaging.VolumeLoader - title \"{}\" shown",
    "[2026-11-21 08:10:00.001] [recon] [info] [gpu.cpp:188] volume for {} ready",
    "[2026-11-21 08:10:00.001] [recon] [warning] [fdk.cpp:402] stage {} aborted: missing projections",
    "2026-11-21 10:40:07.000 [INFO] worklist entry {} selected",
    "2026-11-21 10:40:07.000 [INFO] Importer(4): merged {} with an existing record",
    "2026-11-21 10:40:07.000 [INFO] Dialer(2): callback to {} queued",
    "2026-11-21 10:40:07.000 [ERROR] Command {} timed out after 5000 ms, state=Arming, retry=2/5",
    "2026-11-21 10:40:07.000 [INFO] journal 17; {}; K",
    "2026-11-21 10:40:07.000 [INFO] export {} to disk done",
];

fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[test]
fn ten_thousand_unlearned_names_do_not_survive_in_the_logs_of_a_program() {
    let python = or_skip!(peer::python("faker"));
    if !peer::is_root() {
        return;
    }
    let site = or_skip!(Site::installed(LITERALS));
    site.run(&["provenance", "build"]);
    let seed = Random::seeded().below(1 << 31);
    println!("Faker.seed({seed})");
    let drawn =
        Command::new(python).args(["-c", NAMED, &seed.to_string(), LOCALES, &NAMES.to_string()]).output();
    let drawn = String::from_utf8(drawn.unwrap().stdout).unwrap();
    let names: Vec<String> = drawn
        .lines()
        .enumerate()
        .map(|(at, name)| match at / 12 % 3 {
            0 => name.replace('\t', " "),
            1 => name.replace('\t', " ").to_uppercase(),
            _ => name.replace('\t', " ").to_lowercase(),
        })
        .collect();
    assert_eq!(names.len(), NAMES);
    let lines: Vec<String> =
        names.iter().enumerate().map(|(at, name)| LINES[at % LINES.len()].replace("{}", name)).collect();
    let cleaned = site.cleaned(&(lines.join("\n") + "\n"), &[]);
    assert_eq!(cleaned.lines().count(), NAMES);
    let (mut whole, mut part) = (Vec::new(), Vec::new());
    for ((at, name), left) in names.iter().enumerate().zip(cleaned.lines()) {
        let (left, template) = (words(left), words(LINES[at % LINES.len()]));
        let reported: Vec<String> = words(name)
            .into_iter()
            .filter(|word| word.chars().count() > 1 && !template.contains(word))
            .collect();
        let stayed = reported.iter().filter(|word| left.contains(word)).count();
        if stayed > 0 && stayed == reported.len() {
            whole.push(name);
        } else if stayed > 0 {
            part.push(name);
        }
    }
    println!("{NAMES} names: {} whole {whole:?}, {} in part {part:?}", whole.len(), part.len());
    assert!(whole.is_empty(), "{whole:?}");
    assert!(part.len() * 1000 <= NAMES, "{part:?}");
}
