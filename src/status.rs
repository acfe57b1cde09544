//! How it is: flags, what waits, what was sent, what was dropped and why.

use agent::config::Config;
use agent::request::Request;
use protocol::Purpose;
use serde_json::{Map, Value};

use crate::exit::{Exit, Failure};
use crate::print::{self, bytes, grouped, table};
use crate::reach::{self, Question};
use crate::words;

/// `status`.
pub(crate) fn status(config: &Config, json: bool, check: bool) -> Result<Exit, Failure> {
    let body = reach::ask(config, &Question::Request(Request::Status))?;
    if json {
        print::json(&body)?;
    } else {
        print::data(&text(&body))?;
    }
    let troubled = body["problems"].as_array().is_some_and(|problems| !problems.is_empty());
    Ok(if check && troubled { Exit::Failed } else { Exit::Done })
}

/// The body of `status --json` for people.
pub(crate) fn text(body: &Value) -> String {
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or(0);
    let enrolled = if body["enrolled"] == true { "enrolled" } else { "not enrolled" };
    let keys = word(&body["keys"]);
    let pair = |name: &str, value: String| vec![name.to_owned(), value];
    let mut parts = vec![
        table(
            "Agent",
            &[
                pair("version", word(&body["version"])),
                pair("service", word(&body["service"])),
                pair("device", format!("{} ({enrolled})", word(&body["device"]))),
                pair(
                    "policy",
                    format!("{}, {}", word(&body["policy"]["id"]), word(&body["policy"]["version"])),
                ),
                pair("keys", format!("{keys} ({})", words::protector(&keys))),
                pair("on disk", bytes(number(&body["disk_bytes"]))),
            ],
        ),
        flags(body),
    ];
    parts.push(rows("Waiting", &body["waiting"], |tray, waiting| {
        let (records, size) = (number(&waiting["records"]), number(&waiting["bytes"]));
        vec![tray.to_owned(), grouped(records), bytes(size), words::tray(tray).to_owned()]
    }));
    parts.push(rows("Sent", &body["sent"], |purpose, sent| {
        vec![purpose.to_owned(), grouped(number(&sent["records"])), format!("last {}", word(&sent["last"]))]
    }));
    parts.push(rows("Dropped", &body["dropped"], |reason, count| {
        vec![reason.to_owned(), grouped(number(count)), words::reason(reason).to_owned()]
    }));
    let request = |request: &Value| {
        vec![
            word(&request["kind"]),
            word(&request["state"]),
            word(&request["taken_at"]),
            word(&request["ticket"]),
        ]
    };
    let requests: Vec<_> = body["requests"].as_array().into_iter().flatten().map(request).collect();
    if !requests.is_empty() {
        parts.push(table("Asked of the vendor", &requests));
    }
    let wish = |wish: &Value| {
        let case = word(&wish["case"]);
        let next = format!("kathea-agent support --case {case}");
        vec![case, word(&wish["reason"]), format!("shows what it would be, and asks you: {next}")]
    };
    let wishes: Vec<_> = body["wishes"].as_array().into_iter().flatten().map(wish).collect();
    if !wishes.is_empty() {
        parts.push(table("The vendor asks for a support bundle", &wishes));
    }
    let problems: Vec<_> = body["problems"].as_array().into_iter().flatten().map(|p| vec![word(p)]).collect();
    parts.push(if problems.is_empty() {
        "Problems\n  none\n".to_owned()
    } else {
        table("Problems", &problems)
    });
    parts.join("\n")
}

/// The flags of a body that has `consent`, and the cases, if there are any, of its `cases`.
pub(crate) fn flags(body: &Value) -> String {
    let flags = rows("Consent", &body["consent"], |purpose, state| {
        let state = state.as_str().unwrap_or("-");
        let end = body["ends"][purpose].as_str().and_then(|end| end.get(..10)).filter(|_| state == "granted");
        let until = end.map_or_else(String::new, |end| format!(", until {end}"));
        vec![purpose.to_owned(), state.to_owned(), words::state(state).to_owned() + &until]
    });
    let word = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let case = |case: &Value| {
        let state = |purpose: Purpose| format!("{purpose} {}", word(&case[purpose.as_str()]));
        let (support, scan_data) = (state(Purpose::SupportCase), state(Purpose::SupportScanData));
        vec![word(&case["case"]), support, scan_data, format!("until {}", word(&case["ends"]))]
    };
    let cases: Vec<_> = body["cases"].as_array().into_iter().flatten().map(case).collect();
    if cases.is_empty() { flags } else { format!("{flags}\n{}", table("Support cases", &cases)) }
}

/// One row per key of `object`.
fn rows(heading: &str, object: &Value, row: impl Fn(&str, &Value) -> Vec<String>) -> String {
    let empty = Map::new();
    let object = object.as_object().unwrap_or(&empty);
    let rows: Vec<_> = object.iter().map(|(key, value)| row(key, value)).collect();
    if rows.is_empty() { format!("{heading}\n  nothing\n") } else { table(heading, &rows) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_status_is_readable() {
        let body = json!({
            "version": "0.1.0", "device": "00ff", "enrolled": true, "service": "running",
            "policy": {"id": "copenhagen-imaging", "version": "1"},
            "consent": {"usage_statistics": "granted"}, "cases": [],
            "waiting": {"usage": {"records": 1200, "bytes": 4096}}, "sent": {},
            "dropped": {"not_json": 2}, "keys": "file", "disk_bytes": 4_200_000,
            "problems": ["the outbox is missing"],
        });
        let text = text(&body);
        for line in [
            "  device   00ff (enrolled)",
            "  usage_statistics  granted  yes: collected and sent",
            "  usage  1,200  4.1 kB  statistics to be sent",
            "Sent\n  nothing",
            "  not_json  2  a line that is no flat JSON object",
            "Problems\n  the outbox is missing",
        ] {
            assert!(text.contains(line), "{line}\n\n{text}");
        }
    }

    #[test]
    fn an_empty_body_is_no_reason_to_fail() {
        assert!(text(&json!({})).contains("Problems\n  none"));
    }
}
