//! Windows of logs in every encoding, of any length, on clocks of any zone.

use std::fmt::Write as _;
use std::io::Write;

use super::*;

/// 2026-11-21T00:00:00Z
const DAY: i64 = 1_795_219_200;
const HOUR: i64 = 3600;

/// A line a second for 24 hours, on a clock `offset` seconds from UTC.
fn day(offset: i64) -> String {
    let mut text = String::new();
    for second in 0..86_400_i64 {
        let shown = time::OffsetDateTime::from_unix_timestamp(DAY + second + offset).unwrap();
        let (date, (h, m, s)) = (shown.date(), shown.to_hms());
        writeln!(text, "{date} {h:02}:{m:02}:{s:02}.123 [INFO] generator(1042): second {second}").unwrap();
        text += if second % 5 == 0 { "  at Generator.Ready()\n" } else { "" };
    }
    text
}

fn taken(bytes: &[u8], start: i64, end: i64) -> Option<Vec<u8>> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    let part = part(&mut &file, DAY + 24 * HOUR - 1, start, end).unwrap()?;
    file.seek(SeekFrom::Start(part.start)).unwrap();
    let mut text = part.mark.to_vec();
    file.take(part.length).read_to_end(&mut text).unwrap();
    Some(text)
}

#[test]
fn exactly_the_lines_of_the_window_are_taken() {
    for offset in [0, HOUR, 2 * HOUR, -5 * HOUR - 1800, 5 * HOUR + 2700] {
        let text = day(offset);
        let part = taken(text.as_bytes(), DAY + 10 * HOUR, DAY + 12 * HOUR).unwrap();
        let part = String::from_utf8(part).unwrap();
        let (first, last) = (part.lines().next().unwrap(), part.lines().last().unwrap());
        assert!(first.ends_with("second 36000"), "{offset}: {first}");
        assert!(last.starts_with("  at ") && part.contains("second 43200\n"), "{offset}: {last}");
        assert!(!part.contains("second 43201") && part.lines().count() == 7201 + 1441);
    }
}

#[test]
fn utf_16_json_lines_and_other_forms_are_found_too() {
    let text = day(0);
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let part = taken(&[b"\xfe\xff".as_slice(), &wide].concat(), DAY + 10 * HOUR, DAY + 11 * HOUR).unwrap();
    let part = encoding_rs::UTF_16BE.decode(&part).0.into_owned();
    assert!(part.lines().next().unwrap().ends_with("second 36000"));
    let json = text.replace("2026-11-21 ", "{\"level\":\"info\",\"time\":\"2026-11-21T");
    let part = String::from_utf8(taken(json.as_bytes(), DAY + 10 * HOUR, DAY + 11 * HOUR).unwrap()).unwrap();
    assert!(part.lines().next().unwrap().ends_with("second 36000"));
    for (text, wanted) in [
        ("2026-11-21 10:32:11.123 x", 37_931),
        ("21.11.2026 10:32 x", 37_920),
        ("20261121 103211 x", 37_931),
        ("20261121103211 x", 37_931),
        ("[2026-11-21T09:05:01+01:00] x", 32_701),
    ] {
        assert_eq!(when(text.as_bytes()), Some(DAY + wanted), "{text}");
    }
    assert_eq!(when(b"generator ready"), None);
}

#[test]
fn outside_the_window_there_is_nothing_and_without_times_there_is_the_end() {
    let text = day(0);
    assert_eq!(taken(text.as_bytes(), DAY - 5 * HOUR, DAY - 4 * HOUR), None);
    assert_eq!(taken(text.as_bytes(), DAY + 30 * HOUR, DAY + 31 * HOUR), None);
    let undated = "generator ready\n".repeat(200_000);
    let end = taken(undated.as_bytes(), DAY, DAY + HOUR).unwrap();
    assert_eq!(end.len() as u64, limits::LOG_UNDATED);
    assert_eq!(taken(b"", DAY, DAY + HOUR), Some(Vec::new()));
}

#[test]
fn of_a_log_of_5_gb_only_the_window_is_read() {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(b"2020-01-01 00:00:00 [INFO] kathea(1): an old line\n").unwrap();
    file.seek(SeekFrom::Start(5 << 30)).unwrap(); // a hole: no line of it has a time
    file.write_all(b"\n").unwrap();
    file.write_all(day(0).as_bytes()).unwrap();
    let part = part(&mut &file, DAY + 24 * HOUR - 1, DAY + 10 * HOUR, DAY + 12 * HOUR).unwrap().unwrap();
    assert!(part.start > 5 << 30 && part.length < 1 << 20 && !part.is_cut, "{part:?}");
}

#[test]
fn a_window_that_begins_behind_a_long_gap_is_found() {
    for gap in [1_000, 100_000, 1 << 20, 9 << 20, 5 << 30] {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"2020-01-01 00:00:00 [INFO] kathea(1): an old line\n").unwrap();
        file.seek(SeekFrom::Start(gap)).unwrap();
        file.write_all(
            b"\n2026-11-21 23:59:58 [INFO] kathea(1): a\n2026-11-21 23:59:59 [INFO] kathea(1): b\n",
        )
        .unwrap();
        let part = part(&mut &file, DAY + 24 * HOUR - 1, DAY + 23 * HOUR, DAY + 24 * HOUR).unwrap().unwrap();
        assert_eq!((part.start, part.is_cut), (gap + 1, false));
    }
}
