//! An older version's talk, `protocol/tests/golden/talk-1.ndjson`: every request of its agent and every answer of its
//! collector, as they were.

use std::collections::BTreeMap;

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::Value as Json;

const TALK: &str = include_str!("../../../protocol/tests/golden/talk-1.ndjson");

/// A request, and the answer to it.
#[derive(Deserialize)]
pub struct Exchange {
    /// Seconds since 1970, by the collector.
    pub at: i64,
    /// Of the request.
    pub method: String,
    /// Of the request.
    pub path: String,
    /// Of the request.
    pub headers: BTreeMap<String, String>,
    /// Of the request, as [`bytes`] reads it.
    pub body: Json,
    /// Of the answer.
    pub status: u16,
    /// Of the answer, their names in lower case.
    pub answer_headers: BTreeMap<String, String>,
    /// Body of the answer, as [`bytes`] reads it.
    pub answer: Json,
}

/// The talk, in its order.
///
/// # Panics
///
/// If the file is not what it was.
pub fn talk() -> Vec<Exchange> {
    let read = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("talk-1.ndjson: {error}"));
    TALK.lines().skip(1).map(read).collect()
}

/// What a body was: text stands as it is, other bytes as Base64.
///
/// # Panics
///
/// If it is neither.
pub fn bytes(written: &Json) -> Vec<u8> {
    let read = match &written["base64"] {
        Json::String(text) => BASE64.decode(text.as_bytes()).ok(),
        _ => written.as_str().map(|text| text.as_bytes().to_vec()),
    };
    read.unwrap_or_else(|| panic!("talk-1.ndjson: no body: {written}"))
}
