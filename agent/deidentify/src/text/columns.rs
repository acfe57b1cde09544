//! Tables with a first line that names their columns: a cell is judged by its column, as a value by its key.

use crate::keys::{self, Class};

/// Columns of a table, at least and at most.
const COLUMNS: std::ops::RangeInclusive<usize> = 2..=256;

/// The columns of a file.
pub(super) struct Columns {
    /// What stands between them.
    pub(super) by: char,
    /// Of each.
    pub(super) classes: Vec<Class>,
    /// Whether the line that names them was read.
    pub(super) is_named: bool,
}

impl Columns {
    /// The columns that the first line of a file names, if it does: words alone, most of them keys.
    pub(super) fn of(line: &str) -> Option<Self> {
        let by = [';', '\t', ','].into_iter().find(|by| line.contains(*by))?;
        let cells = cells(line, by);
        // A blank behind a comma is a sentence's.
        let is_name = |named: &&str| {
            let cell = bare(named);
            cell.contains(char::is_alphabetic)
                && cell.len() <= 40
                && !(by == ',' && named.starts_with(' '))
                && cell.chars().all(|c| c.is_alphanumeric() || " _-./()%'".contains(c))
        };
        let classes: Vec<Class> = cells.iter().map(|cell| keys::class(bare(cell))).collect();
        let known = classes.iter().filter(|class| **class != Class::Unknown).count();
        let names = COLUMNS.contains(&cells.len()) && cells.iter().all(is_name) && known * 2 >= cells.len();
        names.then_some(Self { by, classes, is_named: false })
    }
}

/// A cell without its quotes.
pub(super) fn bare(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell)
}

/// The cells of a line; what stands between quotes is one.
pub(super) fn cells(line: &str, by: char) -> Vec<&str> {
    let mut is_quoted = false;
    line.split(|c: char| {
        is_quoted ^= c == '"';
        c == by && !is_quoted
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroizing;

    use crate::case::Case;
    use crate::identifiers::Learning;

    fn cleaned(text: &str) -> String {
        let case = Case::new(Zeroizing::new([7; 32]));
        let identifiers = Learning::default().finish().unwrap();
        let mut out = Vec::new();
        super::super::clean(text.as_bytes(), &mut out, &case, &identifiers).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cell_is_judged_by_its_column() {
        let table = "kv;ma;patient;Number;state\n90;8.25;Else Holm;59311;ready\n85;7;\"Vang; Per\";2;ready\n";
        let wanted =
            "kv;ma;patient;Number;state\n90;8.25;[removed];[removed];ready\n85;7;[removed];2;ready\n";
        assert_eq!(cleaned(table), wanted);
        let wanted = "kv\tpatient\n90\t[removed]\n";
        assert_eq!(cleaned("kv\tpatient\n90\t4711\n"), wanted);
    }

    #[test]
    fn a_line_of_words_names_no_columns() {
        for line in ["detector lost, retry", "Hansen;Else;110784", "2026-11-21;10:32:11;ready"] {
            assert!(super::Columns::of(line).is_none(), "{line}");
        }
    }
}
