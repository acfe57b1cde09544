//! The dates of a case with the real program: nothing in a bundle of last week tells by how many weeks they were moved;
//! where the bundle reaches the present it says that the time of the upload tells it.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::{Duration as Span, SystemTime};

use crate::common::clinic::Clinic;
use crate::common::{kathea::workplace, seeded};
use serde_json::Value as Json;
use time::format_description::well_known::{Iso8601, Rfc3339};
use time::{Date, Duration, OffsetDateTime};

/// A line that the simulated X1 writes at every scan.
const LINE: &str = "generator(1042): ready";

/// A file of a bundle, with the time of its entry in the tar.
struct Entry {
    name: String,
    text: String,
    at: OffsetDateTime,
}

/// What the vendor finds in a bundle; the head of gzip, too, has no time.
fn opened(clinic: &Clinic, bundle: &Json) -> Vec<Entry> {
    let sealed = clinic.text("sealed.age");
    clinic.workstation.expect(0, &["support", "export", bundle["bundle"].as_str().unwrap(), "-o", &sealed]);
    let sealed = fs::read(sealed).unwrap();
    let opened = age::Decryptor::new(sealed.as_slice()).unwrap();
    let mut packed = Vec::new();
    opened.decrypt(std::iter::once(&clinic.identity as _)).unwrap().read_to_end(&mut packed).unwrap();
    assert_eq!(packed[4..8], [0; 4], "a time in the head of gzip");
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(packed.as_slice()));
    let entry = |entry: Result<tar::Entry<'_, _>, _>| {
        let mut entry: tar::Entry<'_, _> = entry.unwrap();
        let at = OffsetDateTime::from_unix_timestamp(entry.header().mtime().unwrap() as i64).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Entry { name: entry.path().unwrap().to_str().unwrap().to_owned(), text, at }
    };
    tar.entries().unwrap().map(entry).collect()
}

/// Every date in a text that somebody could compare with a calendar.
fn dates(text: &str) -> Vec<Date> {
    // Which policy it is says nothing of when: it is the same in every bundle.
    let text = text.replace("2024-05-16", "");
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let token = |token: &str| -> Option<Date> {
        let digits = token.bytes().all(|byte| byte.is_ascii_digit());
        match token.len() {
            8 if digits => {
                Date::parse(&format!("{}-{}-{}", &token[..4], &token[4..6], &token[6..]), &Iso8601::DATE).ok()
            }
            10 if digits => {
                OffsetDateTime::from_unix_timestamp(token.parse().unwrap()).ok().map(OffsetDateTime::date)
            }
            13 if digits => {
                let millis: i64 = token.parse().unwrap();
                OffsetDateTime::from_unix_timestamp(millis / 1000).ok().map(OffsetDateTime::date)
            }
            _ => Date::parse(token.get(..10)?, &Iso8601::DATE).ok(),
        }
    };
    text.split(|letter| !is_part(letter)).filter_map(token).collect()
}

fn touch(folder: &Path, at: OffsetDateTime) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            touch(&entry.path(), at);
        } else {
            let since = Span::from_secs(at.unix_timestamp() as u64);
            File::options()
                .append(true)
                .open(entry.path())
                .unwrap()
                .set_modified(SystemTime::UNIX_EPOCH + since)
                .unwrap();
        }
    }
}

/// The moment of the line that both have, as `log` has it.
fn moment(log: &str) -> OffsetDateTime {
    let line = log.lines().rfind(|line| line.contains(LINE)).unwrap();
    OffsetDateTime::parse(&format!("{}T{}Z", &line[..10], &line[11..19]), &Rfc3339).unwrap()
}

fn file<'a>(entries: &'a [Entry], name: &str) -> &'a str {
    &entries.iter().find(|entry| entry.name.starts_with(name)).unwrap().text
}

#[test]
fn nothing_in_a_bundle_of_last_week_tells_by_how_much_its_dates_were_moved() {
    let clinic = Clinic::new();
    let (logs, scans) = (clinic.path("logs"), clinic.path("scans"));
    let now = OffsetDateTime::now_utc();
    let past = now - Duration::days(10);
    workplace::write(&logs, &scans, past, &mut seeded()).unwrap();
    touch(&scans, past);
    // What was written since: log lines, and results with their time, whole and in JSON.
    let text = |at: OffsetDateTime| at.replace_nanosecond(0).unwrap().format(&Rfc3339).unwrap();
    let (at, due) = (text(now), text(now + Duration::days(300)));
    for name in ["kathea.log", "x1-controller.log"] {
        let log = fs::read_to_string(logs.join(name)).unwrap();
        fs::write(
            logs.join(name),
            format!("{log}{} {:02}:00:00.000 [INFO] later(1): later\n", now.date(), now.hour()),
        )
        .unwrap();
    }
    let calibration = format!(
        r#"[{{"kind":"geometry","days":46,"passed":true,"at":"{at}","next_due":"{due}"}},{{"kind":"gain","days":3,"passed":true,"at":"{}"}}]"#,
        text(past - Duration::days(3))
    );
    fs::write(logs.join("calibration-geometry.json"), calibration).unwrap();
    let encoders =
        format!(r#"{{"motion_mm":0.4,"encoder_errors":17,"at":"{at}","updated":{}}}"#, now.unix_timestamp());
    fs::write(logs.join("encoders.json"), encoders).unwrap();

    let draft = clinic.preview("CASE-1", &["--scans", &clinic.text("scans/0004")]);
    let entries = opened(&clinic, &clinic.create(&draft));
    let original = moment(&fs::read_to_string(logs.join("x1-controller.log")).unwrap());
    let shift = original - moment(file(&entries, "logs/x1"));
    assert_eq!((shift.whole_seconds() % 604_800, shift > Duration::ZERO), (0, true));

    let (mut found, last) = (0, past + Duration::hours(2));
    for Entry { name, text, at } in &entries {
        for date in dates(text).into_iter().chain([at.date()]) {
            let is_later = |moved: Duration| {
                let (end, now) = ((last - moved).date(), (now - moved).date());
                date > end && date <= now.next_day().unwrap()
            };
            assert!(!is_later(Duration::ZERO), "{name}: {date} is not moved");
            assert!(!is_later(shift), "{name}: {date} is of after the time of the case");
            found += 1;
        }
    }
    assert!(found > 20, "{found}");
    // The age of the calibration, too, is that of the time of the case.
    let (summary, manifest) = (file(&entries, "summary.json"), file(&entries, "manifest.json"));
    assert!(manifest.contains("the detector's gain is 190 days old"), "{manifest}");
    assert!(
        manifest.contains("\"reach\": \"ended_before\"") && summary.contains("\"reach\": \"ended_before\"")
    );
    let readme = file(&entries, "README.txt");
    assert!(readme.contains("moved by one number of whole weeks") && !readme.contains("can therefore tell"));
    let page = fs::read_to_string(clinic.path("copy-CASE-1/preview.html")).unwrap();
    assert!(page.contains("does not learn by how many weeks") && page.contains("How to open it"));
    println!("{found} dates in {} files, none of after the case", entries.len());
}

#[test]
fn a_bundle_that_reaches_the_present_says_that_the_upload_tells_it() {
    let clinic = Clinic::new();
    let draft = clinic.preview("CASE-1", &["--last-scan"]);
    let entries = opened(&clinic, &clinic.create(&draft));
    let today = OffsetDateTime::now_utc().date();
    for Entry { name, text, at } in &entries {
        let is_near = |date: &Date| (today - *date).abs() < Duration::days(3);
        assert!(!dates(text).iter().chain([&at.date()]).any(is_near), "{name}: a date is not moved");
    }
    assert_eq!(entries[1].name, "README.txt");
    assert!(entries[1].text.contains("can therefore tell the number of weeks"), "{}", entries[1].text);
    let page = fs::read_to_string(clinic.path("copy-CASE-1/preview.html")).unwrap();
    assert!(page.contains("can tell the number from the day on which the bundle arrives"));
}
