//! What the demo prints: numbered steps, checks, aligned tables.

use std::fmt;

/// Prints, and remembers whether every check held.
#[derive(Default)]
pub(crate) struct Show {
    step: u32,
    failed: u32,
}

impl Show {
    pub(crate) fn step(&mut self, title: &str) {
        self.step += 1;
        println!("\n{}  {title}\n", self.step);
    }

    pub(crate) fn say(&self, text: impl fmt::Display) {
        println!("   {text}");
    }

    pub(crate) fn check(&mut self, holds: bool, text: impl fmt::Display) {
        self.failed += u32::from(!holds);
        println!("   {} {text}", mark(holds));
    }

    /// The first column to the left, the others to the right.
    pub(crate) fn table(&self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<_> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for row in rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                line +=
                    &if column == 0 { format!("   {cell:<width$}") } else { format!("   {cell:>width$}") };
            }
            println!("   {}", line.trim_end());
        }
    }

    /// How many checks did not hold.
    pub(crate) fn failed(&self) -> u32 {
        self.failed
    }
}

pub(crate) fn mark(holds: bool) -> &'static str {
    if holds { "✓" } else { "✗" }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// A number of bytes as people read it.
pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        _ => format!("{:.1} MB", number as f64 / 1e6),
    }
}
