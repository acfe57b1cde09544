//! The part of a log that lies in a span of time, found without reading the rest, however large.
//!
//! Lines are taken to be in the order of their times. The clock on a log's lines has no zone, mostly; how far it is
//! from UTC follows from its last line and from when the file was last written.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use time::{Date, Month};

use crate::limits;
use crate::text::decode;
use crate::text::moment::Moment;

/// Seconds in a quarter of an hour: clocks of the world differ by whole ones.
const QUARTER: i64 = 900;
/// Seconds that a clock on the wall may be from UTC.
const FARTHEST: i64 = 14 * 3600;

/// Which bytes of a log are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) start: u64,
    pub(super) length: u64,
    /// There was more in the window.
    pub(super) is_cut: bool,
    /// The byte order mark that a reader of the part needs, if it is UTF-16.
    pub(super) mark: &'static [u8],
}

/// How the bytes of a file become those of its ASCII characters.
#[derive(Clone, Copy)]
struct Width {
    bytes: u64,
    /// Which byte of a character is the low one.
    low: usize,
}

/// The part of `file` between `start` and `end` (seconds since 1970); `None` if it has none there. `modified` is when
/// the file was last written.
pub(super) fn part(file: &mut &File, modified: i64, start: i64, end: i64) -> io::Result<Option<Part>> {
    let length = file.seek(SeekFrom::End(0))?;
    let (width, mark) = width(file)?;
    let look = limits::LOG_LOOK as u64;
    let Some((_, last)) = lines(file, length.saturating_sub(look), length, width)?.pop() else {
        let start = align(length.saturating_sub(limits::LOG_UNDATED), width);
        return Ok(Some(Part { start, length: length - start, is_cut: start > 0, mark }));
    };
    let offset = from_utc(last, modified);
    let first = bound(file, length, width, |at| at >= start + offset)?;
    let after = bound(file, length, width, |at| at > end + offset)?;
    let kept = first.max(align(after.saturating_sub(limits::LOG_WINDOW), width));
    let length = after.saturating_sub(kept);
    Ok((length > 0).then_some(Part { start: kept, length, is_cut: kept > first, mark }))
}

/// Where the first line begins whose time `is_over`; the end if there is none.
fn bound(file: &mut &File, length: u64, width: Width, is_over: impl Fn(i64) -> bool) -> io::Result<u64> {
    let look = limits::LOG_LOOK as u64;
    let (mut low, mut high, mut over) = (0, length, length);
    while high - low > look {
        let middle = align(low + (high - low) / 2, width);
        match next_time(file, middle, high, width)? {
            // It may begin far behind the middle; nothing between has a time.
            Some((position, at)) if is_over(at) => (high, over) = (middle, position),
            // Where nothing has a time for long, what follows is nearer to now.
            Some(_) | None => low = middle,
        }
    }
    let found = lines(file, low, (high + look).min(length), width)?.into_iter().find(|(_, at)| is_over(*at));
    Ok(found.map_or(over, |(position, _)| position))
}

/// The first line behind `from` that has a time, looked for only so far: where it begins, and the time.
fn next_time(file: &mut &File, from: u64, to: u64, width: Width) -> io::Result<Option<(u64, i64)>> {
    let look = limits::LOG_LOOK as u64;
    for step in 0..limits::LOG_LOOKS {
        let start = from + step * look;
        if start >= to {
            break;
        }
        // A line that the edge cuts is seen whole with the next.
        if let Some(found) = lines(file, start, start + 2 * look, width)?.first() {
            return Ok(Some(*found));
        }
    }
    Ok(None)
}

/// The lines with a time that begin between `from` and `to`: where, and when by their own clock.
fn lines(file: &mut &File, from: u64, to: u64, width: Width) -> io::Result<Vec<(u64, i64)>> {
    let from = align(from, width);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(to - from).read_to_end(&mut bytes)?;
    let text: Vec<u8> = match width.bytes {
        1 => bytes,
        _ => bytes.chunks_exact(2).filter_map(|pair| pair.get(width.low)).copied().collect(),
    };
    let mut found = Vec::new();
    let mut position = from;
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        // The first line is whole only at the start of the file.
        if number > 0 || from == 0 {
            found.extend(when(line).map(|at| (position, at)));
        }
        position += line.len() as u64 * width.bytes;
    }
    Ok(found)
}

/// The time with which a line begins, or the first that a JSON line has.
fn when(line: &[u8]) -> Option<i64> {
    let head: String = line.iter().take(200).map(|byte| char::from(*byte)).filter(char::is_ascii).collect();
    let start = head.trim_start_matches(['\u{feff}', ' ', '\t', '[', '<']);
    seconds(start).or_else(|| start.starts_with('{').then(|| start.split('"').find_map(seconds))?)
}

/// Seconds since 1970 on the clock that wrote the point in time at the start of `text`.
fn seconds(text: &str) -> Option<i64> {
    let moment = Moment::at_start(text)?;
    let (year, month, day) = moment.date;
    let date = Date::from_calendar_date(year, Month::try_from(month).ok()?, day).ok()?;
    let time = clock(text.get(..moment.length)?)?;
    Some(date.midnight().assume_utc().unix_timestamp() + time)
}

/// Seconds since midnight of `...10:32:11...` or `20261121103211`.
fn clock(text: &str) -> Option<i64> {
    let two = |at: usize| text.get(at..at + 2).and_then(|digits| digits.parse::<i64>().ok());
    if let Some(colon) = text.find(':') {
        let hours = colon
            .checked_sub(2)
            .and_then(two)
            .or_else(|| text.get(colon.checked_sub(1)?..colon).and_then(|digit| digit.parse().ok()))?;
        let seconds = if text.get(colon + 3..colon + 4) == Some(":") { two(colon + 4)? } else { 0 };
        return Some(hours * 3600 + two(colon + 1)? * 60 + seconds);
    }
    let at = 8 + text.get(8..)?.find(|c: char| c.is_ascii_digit())?;
    Some(two(at)? * 3600 + two(at + 2)? * 60 + two(at + 4).unwrap_or(0))
}

/// How far the log's clock is from UTC, in whole quarters of an hour.
fn from_utc(last: i64, modified: i64) -> i64 {
    let apart = last - modified;
    let quarters = (apart + QUARTER / 2).div_euclid(QUARTER) * QUARTER;
    if quarters.abs() <= FARTHEST { quarters } else { 0 }
}

fn width(file: &mut &File) -> io::Result<(Width, &'static [u8])> {
    file.seek(SeekFrom::Start(0))?;
    let mut head = Vec::new();
    file.take(512).read_to_end(&mut head)?;
    Ok(match decode::utf16(&head).map(encoding_rs::Encoding::name) {
        Some("UTF-16LE") => (Width { bytes: 2, low: 0 }, b"\xff\xfe"),
        Some(_) => (Width { bytes: 2, low: 1 }, b"\xfe\xff"),
        None => (Width { bytes: 1, low: 0 }, b""),
    })
}

fn align(at: u64, width: Width) -> u64 {
    at - at % width.bytes
}

#[cfg(test)]
mod tests;
