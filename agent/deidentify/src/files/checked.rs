//! An output stream that passes every value through the final scan.

use std::borrow::Cow;
use std::io::{self, Write};

use super::cleaned::Cleaned;
use super::inputs::Reason;
use crate::case::Case;
use crate::check::{Finding, Layout, Scan};
use crate::identifiers::{Identifiers, Kind};
use crate::limits;

/// An output that is being written.
pub(super) struct Checked<'s, 'o> {
    out: &'o mut dyn Write,
    scan: Scan<'s>,
    layout: Layout,
    /// What is not scanned yet: a part of a line.
    held: Vec<u8>,
    /// What passed and has not gone on yet.
    passed: Vec<u8>,
    /// What was found and cut out.
    cut: Vec<Kind>,
    finding: Option<Finding>,
}

impl<'s, 'o> Checked<'s, 'o> {
    /// An output of `case` that goes on to `out`.
    pub(super) fn new(identifiers: &'s Identifiers, case: &'s Case, out: &'o mut dyn Write) -> Self {
        Self {
            out,
            scan: Scan::new(identifiers, case),
            layout: Layout::Lines,
            held: Vec::new(),
            passed: Vec::new(),
            cut: Vec::new(),
            finding: None,
        }
    }

    /// Takes all of a document.
    ///
    /// # Errors
    /// Of what it goes on to.
    pub(super) fn document(&mut self, layout: Layout, text: &[u8]) -> io::Result<()> {
        self.layout = layout;
        self.scan(text)
    }

    /// Takes an entry of a table of literals: it was read from a program, and goes into no output.
    ///
    /// # Errors
    /// Of what it goes on to.
    pub(super) fn entry(&mut self, line: &[u8]) -> io::Result<()> {
        self.passed.extend(line);
        if self.passed.len() >= limits::CHILD_CHUNK {
            self.out.write_all(&std::mem::take(&mut self.passed))?;
        }
        Ok(())
    }

    /// Takes lines of numbers from here on.
    pub(super) fn numbers(&mut self) -> &mut Self {
        self.layout = Layout::Numbers;
        self
    }

    /// What became of the file, at its end: with what the scan cut out, or quarantined.
    pub(super) fn finish(mut self, cleaned: Result<Cleaned, Reason>) -> io::Result<Result<Cleaned, Reason>> {
        let Ok(mut cleaned) = cleaned else { return Ok(cleaned) };
        let rest = std::mem::take(&mut self.held);
        self.scan(&rest)?;
        if let Some(finding) = self.finding {
            return Ok(Err(Reason::Quarantined(finding)));
        }
        self.out.write_all(&self.passed)?;
        for kind in self.cut {
            *cleaned.rules.entry(kind.as_str().to_owned()).or_default() += 1;
            cleaned.replaced += 1;
        }
        Ok(Ok(cleaned))
    }

    fn scan(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.finding.is_some() || bytes.is_empty() {
            return Ok(());
        }
        // Almost all of it is UTF-8, which is checked faster than what is not is found.
        let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        match self.scan.pass(&text, self.layout) {
            // A large document need not be there once more.
            Ok(None) if bytes.len() >= limits::CHILD_CHUNK => {
                self.out.write_all(&std::mem::take(&mut self.passed))?;
                self.out.write_all(bytes)?;
            }
            Ok(None) => self.passed.extend(bytes),
            Ok(Some(scrubbed)) => {
                self.passed.extend(scrubbed.text.as_bytes());
                self.cut.extend(scrubbed.kinds);
            }
            Err(finding) => self.finding = Some(finding),
        }
        if self.passed.len() >= limits::CHILD_CHUNK {
            self.out.write_all(&std::mem::take(&mut self.passed))?;
        }
        Ok(())
    }
}

impl Write for Checked<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Lines mostly come whole, one by one.
        if self.held.is_empty() && bytes.ends_with(b"\n") {
            self.scan(bytes)?;
            return Ok(bytes.len());
        }
        self.held.extend(bytes);
        if let Some(end) = self.held.iter().rposition(|byte| *byte == b'\n') {
            let rest = self.held.split_off(end + 1);
            let lines = std::mem::replace(&mut self.held, rest);
            self.scan(&lines)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use zeroize::Zeroizing;

    use super::*;
    use crate::files::Format;
    use crate::identifiers::Learning;

    fn cleaned() -> Result<Cleaned, Reason> {
        Ok(Cleaned {
            format: Format::Json,
            kept: 1,
            replaced: 0,
            dropped: 0,
            rules: BTreeMap::new(),
            changes: Vec::new(),
            bytes_read: None,
        })
    }

    /// A name as a key cannot be cut out: nothing of the file goes on, and it is quarantined. One in a value is cut.
    #[test]
    fn what_the_scan_cannot_cut_out_goes_nowhere() {
        let mut learning = Learning::default();
        learning.learn(Kind::Name, "Sørensen^Anna");
        let identifiers = learning.finish().unwrap();
        let case = Case::new(Zeroizing::new([7; 32]));
        let written = |text: &str| {
            let mut out = Vec::new();
            let mut checked = Checked::new(&identifiers, &case, &mut out);
            checked.document(Layout::Json, text.as_bytes()).unwrap();
            let outcome = checked.finish(cleaned()).unwrap();
            (outcome, String::from_utf8(out).unwrap())
        };
        let (outcome, out) = written(r#"{"Sørensen":90}"#);
        assert!(matches!(outcome, Err(Reason::Quarantined(_))), "{outcome:?}");
        assert_eq!(out, "");
        let (outcome, out) = written(r#"{"kvp":"Sørensen"}"#);
        assert!(outcome.is_ok_and(|cleaned| cleaned.replaced == 1) && !out.contains("rensen"), "{out}");
        let (outcome, out) = written(r#"{"kvp":90}"#);
        assert!(outcome.is_ok() && out == r#"{"kvp":90}"#, "{out}");
    }
}
