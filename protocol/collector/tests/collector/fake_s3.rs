//! An S3 of a test's own on this machine, which does on demand what others do by accident. It looks at digests and
//! conditions, not at signatures: `tests/collector/seaweed.rs` starts one that does.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use protocol::Digest;

/// Objects of one page of a list.
const PAGE: usize = 2;

/// How it behaves from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// It takes requests and does not answer.
    Hangs,
    /// 503 to all.
    Busy,
    /// What a wrong clock gets.
    Skewed,
    /// It replaces what is there.
    NoConditions,
    /// 501 to `If-None-Match`.
    RefusesConditions,
    /// It keeps what is put, and breaks off before the answer.
    CutsAnswers,
    /// It gives half of an object.
    CutsObjects,
}

struct State {
    objects: BTreeMap<String, Vec<u8>>,
    mood: Mood,
}

pub(crate) struct FakeS3 {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct Asked {
    method: String,
    path: String,
    query: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl FakeS3 {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = State { objects: BTreeMap::new(), mood: Mood::Well };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, shared) = (stream.unwrap(), shared.clone());
                stream.set_nodelay(true).unwrap();
                std::thread::spawn(move || serve(stream, &shared));
            }
        });
        Self { address, state }
    }

    pub(crate) fn is_in(&self, mood: Mood) {
        self.state.lock().unwrap().mood = mood;
    }

    /// The names of its objects.
    pub(crate) fn keys(&self) -> Vec<String> {
        self.state.lock().unwrap().objects.keys().cloned().collect()
    }

    /// Changes an object, or removes it.
    pub(crate) fn change(&self, key: &str, with: impl FnOnce(Vec<u8>) -> Option<Vec<u8>>) {
        let mut state = self.state.lock().unwrap();
        let before = state.objects.remove(key).unwrap();
        if let Some(after) = with(before) {
            state.objects.insert(key.to_owned(), after);
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    stream.read_line(&mut line).ok().filter(|length| *length > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(':') else { break };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}

fn serve(stream: TcpStream, state: &Mutex<State>) {
    let mut out = stream.try_clone().unwrap();
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream) {
        let (mood, (status, mut body)) = {
            let mut state = state.lock().unwrap();
            (state.mood, answer(&mut state, &asked))
        };
        match mood {
            // Until who asks goes.
            Mood::Hangs => drop(stream.read_exact(&mut [0])),
            Mood::CutsAnswers if asked.method == "PUT" => return,
            Mood::CutsObjects if status == 206 => body.truncate(body.len() / 2),
            _ => {}
        }
        let head = format!("HTTP/1.1 {status} So\r\nContent-Length: {}\r\n\r\n", body.len());
        if out.write_all(head.as_bytes()).and_then(|()| out.write_all(&body)).is_err() {
            return;
        }
    }
}

fn error(status: u16, code: &str) -> (u16, Vec<u8>) {
    (status, format!("<Error><Code>{code}</Code><Message>said to nobody</Message></Error>").into_bytes())
}

fn answer(state: &mut State, asked: &Asked) -> (u16, Vec<u8>) {
    match state.mood {
        Mood::Busy => return error(503, "SlowDown"),
        Mood::Skewed => return error(403, "RequestTimeTooSkewed"),
        Mood::RefusesConditions if asked.headers.contains_key("if-none-match") => {
            return error(501, "NotImplemented");
        }
        Mood::Hangs => return (200, Vec::new()),
        _ => {}
    }
    let is_signed = asked.headers.get("authorization").is_some_and(|text| text.contains("/s3/aws4_request"));
    let sent = asked.headers.get("x-amz-content-sha256").cloned().unwrap_or_default();
    if !is_signed || sent != Digest::of(&asked.body).to_string() {
        return error(403, "SignatureDoesNotMatch");
    }
    let Some(key) = asked.path.strip_prefix("/bundles-of-all/") else { return error(404, "NoSuchBucket") };
    let key = key.to_owned();
    match &*asked.method {
        "PUT" => {
            let has_condition = asked.headers.get("if-none-match").is_some_and(|value| value == "*");
            if has_condition && state.mood != Mood::NoConditions && state.objects.contains_key(&key) {
                return error(412, "PreconditionFailed");
            }
            state.objects.insert(key, asked.body.clone());
            (200, Vec::new())
        }
        "DELETE" => {
            state.objects.remove(&key);
            (204, Vec::new())
        }
        "GET" if key.is_empty() => (200, list(state, &asked.query)),
        "GET" => {
            let Some(bytes) = state.objects.get(&key) else { return error(404, "NoSuchKey") };
            let range = asked.headers["range"].strip_prefix("bytes=").unwrap();
            let (begin, end) = range.split_once('-').unwrap();
            let (begin, end) = (begin.parse::<usize>().unwrap(), end.parse::<usize>().unwrap());
            if begin >= bytes.len() {
                return error(416, "InvalidRange");
            }
            (206, bytes[begin..bytes.len().min(end + 1)].to_vec())
        }
        _ => error(405, "MethodNotAllowed"),
    }
}

fn list(state: &State, query: &str) -> Vec<u8> {
    let value = |wanted: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let found = pairs.filter(|(name, _)| *name == wanted).map(|(_, value)| value.replace("%2F", "/"));
        found.collect::<String>()
    };
    assert_eq!(value("list-type"), "2");
    let (prefix, after) = (value("prefix"), value("continuation-token"));
    let mut all = state.objects.iter().filter(|(key, _)| key.starts_with(&prefix) && **key > after);
    let page: Vec<_> = all.by_ref().take(PAGE).collect();
    let more = all.next().is_some();
    let contents: String = page
        .iter()
        .map(|(key, bytes)| {
            let (size, at) = (bytes.len(), "2026-01-01T00:00:00Z");
            format!(
                "<Contents><Key>{key}</Key><LastModified>{at}</LastModified><Size>{size}</Size></Contents>"
            )
        })
        .collect();
    let next = page
        .last()
        .filter(|_| more)
        .map_or_else(String::new, |(key, _)| format!("<NextContinuationToken>{key}</NextContinuationToken>"));
    format!("<ListBucketResult>{contents}<IsTruncated>{more}</IsTruncated>{next}</ListBucketResult>")
        .into_bytes()
}
