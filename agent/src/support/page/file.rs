//! One file of the preview: what it is called, and what it says.

use std::io::{self, Read, Write};

use serde::Deserialize;
use serde_json::Value;

use super::purpose;
use crate::html::{Escaped, both, size};
use crate::limits;
use crate::support::manifest::FileEntry;
use deidentify::dicom::{DataSet, Names};
use deidentify::files::Format;

/// More bytes than a file's row has without its content.
pub(super) fn row_bound(file: &FileEntry) -> u64 {
    // A character of the name becomes at most ten bytes, and the name stands there twice.
    1024 + 20 * file.name.len() as u64
}

/// What stands in the page for the file's content, if it has at most `limit` bytes.
pub(super) fn content(file: &FileEntry, read: impl Read, limit: u64) -> io::Result<Option<String>> {
    let is_whole = file.bytes <= limits::PREVIEW_FILE;
    let shown = if is_whole { limits::PREVIEW_FILE } else { limits::PREVIEW_BEGINNING };
    let mut bytes = Vec::new();
    read.take(shown).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let mut content = String::new();
    if !is_whole {
        let (beginning, all) = (size(limits::PREVIEW_BEGINNING), size(file.bytes));
        let en = format!("The first {} of {}.", beginning.en, all.en);
        content += &format!("<p>{}</p>", both(en, format!("De første {} af {}.", beginning.da, all.da)));
    }
    let attributes = match file.kind {
        Format::Dicom if is_whole => serde_json::from_str(&text).ok(),
        _ => None,
    };
    match attributes {
        Some(attributes) => {
            content += &format!(
                "<table class=\"data\"><thead><tr><th class=\"wide\">{}<th>{}<th>{}</thead><tbody>",
                both("Tag", "Tag"),
                both("Attribute", "Attribut"),
                both("Value", "Værdi")
            );
            data_set(&attributes, 0, &mut content);
            content += "</tbody></table>";
        }
        // The line feed behind the tag belongs to the tag.
        None => content += &format!("<pre tabindex=\"0\">\n{}</pre>", Escaped(&text)),
    }
    Ok((content.len() as u64 <= limit).then_some(content))
}

/// A file, with its content or with the command that shows it.
pub(super) fn write(
    out: &mut dyn Write,
    file: &FileEntry,
    draft: &str,
    content: Option<&str>,
) -> io::Result<()> {
    write!(
        out,
        "<details class=\"file\"><summary><code>{}</code> <span class=\"soft\">{} · {}</span></summary><div>",
        Escaped(&file.name),
        size(file.bytes),
        purpose(file.purpose),
    )?;
    match content {
        Some(content) => out.write_all(content.as_bytes())?,
        None => write!(
            out,
            "<p>{}</p><code class=\"line\">kathea-agent support show {} {}</code>",
            both(
                "It is too long for this page. To read it:",
                "Der er ikke plads til den på siden. For at læse den:"
            ),
            Escaped(draft),
            Escaped(&file.name)
        )?,
    }
    writeln!(out, "<p class=\"soft mono\">SHA-256 {}</p></div></details>", file.sha256)
}

/// The rows of a data set or item.
fn data_set(DataSet(attributes): &DataSet, depth: usize, page: &mut String) {
    let mut names = Names::default();
    for (tag, attribute) in attributes {
        let (values, is_sequence) = (&attribute.values, attribute.is_sequence());
        let shown: Vec<String> = values.iter().filter(|_| !is_sequence).map(text).collect();
        *page += &format!(
            "<tr><td class=\"wide mono\">{}<td>{}{}<td>{}</tr>",
            Escaped(tag),
            "› ".repeat(depth),
            Escaped(names.of(tag, values.first().and_then(Value::as_str))),
            Escaped(&shown.join(" \\ "))
        );
        for item in values.iter().filter(|_| is_sequence) {
            if let Ok(item) = DataSet::deserialize(item) {
                data_set(&item, depth + 1, page);
            }
        }
    }
}

/// One value as people read it: a text without its quotation marks.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
