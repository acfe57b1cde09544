//! The event log of Windows, asked of the system's own `wevtutil`: what its log "System" noted as a warning, an error or
//! worse. Only the sources of a closed list are counted, and no text of an event is kept.

use crate::consent::state::to_text;

/// Events that are asked for, the newest: a week of a workstation in trouble has some hundreds.
const MOST: usize = 20_000;

/// The events of a time, one on a line.
#[cfg(windows)]
pub(super) fn read(start: i64, end: i64) -> Option<String> {
    let system = std::env::var_os("SystemRoot")?;
    let program = std::path::Path::new(&system).join("System32").join("wevtutil.exe");
    super::output_of(std::process::Command::new(program).args(question(start, end)), super::PATIENCE)
        .map(|xml| a_line_each(&xml))
}

fn question(start: i64, end: i64) -> [String; 6] {
    let (start, end) = (to_text(start), to_text(end));
    let time = format!("TimeCreated[@SystemTime>='{start}' and @SystemTime<='{end}']");
    let query = format!("/q:*[System[(Level=1 or Level=2 or Level=3) and {time}]]");
    ["qe".into(), "System".into(), query, format!("/c:{MOST}"), "/rd:true".into(), "/f:xml".into()]
}

/// `<Event>...</Event>` without line ends between, each on a line of its own, with one kind of quotes.
fn a_line_each(xml: &str) -> String {
    xml.replace(['\r', '\n'], " ").replace('"', "'").replace("</Event>", "</Event>\n")
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, counted};
    use super::*;

    const EVENTS: &str = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider \
        Name='disk'/><EventID Qualifiers='49156'>7</EventID><Level>2</Level></System><EventData><Data>\\Device\\\
        Harddisk0\\DR0</Data></EventData></Event><Event xmlns=\"x\"><System><Provider Name=\"Display\"/>\
        <EventID>4101</EventID>\r\n<Level>3</Level></System><EventData><Data>nvlddmkm</Data></EventData></Event>\
        <Event><System><Provider Name='Service Control Manager'/></System><EventData><Data>anna.sorensen</Data>\
        </EventData></Event>";

    #[test]
    fn events_become_counts_of_the_sources_that_are_listed() {
        let counted = counted(&a_line_each(EVENTS), |kind: &Kind| kind.windows);
        let text = serde_json::to_string(&counted).unwrap();
        for (kind, count) in [("disk_error", 1), ("graphics_reset", 1), ("crash", 0)] {
            assert_eq!(counted[kind], count, "{kind}");
        }
        assert!(!text.contains("anna") && !text.contains("link_lost"), "{text}");
    }

    #[test]
    fn the_question_names_the_log_the_time_and_a_limit() {
        let question = question(1_795_341_600, 1_795_348_800).join(" ");
        assert!(question.starts_with("qe System /q:*[System[(Level=1"), "{question}");
        assert!(question.contains("@SystemTime>='2026-11-22T10:00:00Z'"), "{question}");
        assert!(question.ends_with("/c:20000 /rd:true /f:xml"), "{question}");
    }
}
