//! A motion trace: lines of numbers only. Headings and any other text are dropped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};

use super::cleaned::Cleaned;
use super::inputs::{Format, Reason};
use crate::limits;

/// Copies the lines of the trace that are numbers, separated by commas, semicolons or tabs.
pub(super) fn clean(file: &File, out: &mut dyn Write) -> io::Result<Result<Cleaned, Reason>> {
    let file = BufReader::new(file.take(limits::MOTION_BYTES));
    let (mut kept, mut dropped) = (0, 0);
    for line in file.split(b'\n') {
        let line = match line {
            Ok(line) => line,
            Err(error) => return Ok(Err(error.into())),
        };
        match std::str::from_utf8(&line).map(str::trim_end) {
            Ok(text) if text.split([',', ';', '\t']).all(is_number) => {
                out.write_all(text.as_bytes())?;
                out.write_all(b"\n")?;
                kept += 1;
            }
            _ => dropped += 1,
        }
    }
    let rules = (dropped > 0).then(|| ("not_a_number".to_owned(), dropped)).into_iter().collect();
    let format = Format::Text;
    let cleaned =
        Cleaned { format, kept, replaced: 0, dropped, rules, changes: Vec::new(), bytes_read: None };
    Ok(if kept > 0 { Ok(cleaned) } else { Err(Reason::NoText) })
}

/// A decimal number that is too short to be somebody's.
fn is_number(cell: &str) -> bool {
    let cell = cell.trim();
    let digits = cell.bytes().take_while(|byte| *byte != b'.').filter(u8::is_ascii_digit).count();
    let plain = cell.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    plain
        && digits < limits::TRACE_DIGITS
        && cell.len() <= limits::DICOM_DECIMAL
        && cell.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_and_everything_else_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.motion.csv");
        let text = "t_ms,x,y,z\n0,0.01,-0.2,1e-3\n20, 0.02,-0.1,0\nAnna Hansen\n0101801234,1\n40;0.5;NaN;1\n";
        std::fs::write(&path, text).unwrap();
        let mut out = Vec::new();
        let cleaned = clean(&File::open(&path).unwrap(), &mut out).unwrap().unwrap();
        assert_eq!(out, b"0,0.01,-0.2,1e-3\n20, 0.02,-0.1,0\n");
        assert_eq!((cleaned.kept, cleaned.dropped), (2, 4));
        std::fs::write(&path, "Anna\n").unwrap();
        assert_eq!(clean(&File::open(&path).unwrap(), &mut Vec::new()).unwrap().unwrap_err(), Reason::NoText);
    }
}
