//! A TCP relay in front of the collector: counts what passes, and can lose replies and cut connections.
//!
//! It reads nothing, but knows where TLS records end: a reply that is lost is lost after the collector sent
//! it, and so after it stored what the reply is about.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

/// Bytes of a TLS record below which it is no reply: session tickets, which the server sends unasked.
const TICKET: usize = 200;

pub(crate) struct Relay {
    address: SocketAddr,
    passed: Arc<Passed>,
}

#[derive(Default)]
struct Passed {
    connections: AtomicU64,
    bytes: AtomicU64,
    /// Of each connection, in their order.
    by_connection: Mutex<Vec<u64>>,
    lost: AtomicU64,
    /// For each of the next connections, which answer is lost.
    to_lose: Mutex<VecDeque<u64>>,
    /// For each of the next connections, after how many bytes of the agent's it ends.
    to_cut: Mutex<VecDeque<u64>>,
    cuts: AtomicU64,
    /// When the agent's last byte passed.
    last: Mutex<Option<Instant>>,
}

impl Relay {
    pub(crate) fn to(collector: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let relay = Self { address: listener.local_addr().unwrap(), passed: Arc::default() };
        let passed = Arc::clone(&relay.passed);
        thread::spawn(move || {
            for agent in listener.incoming().map_while(Result::ok) {
                passed.connections.fetch_add(1, Ordering::SeqCst);
                passed.by_connection.lock().unwrap().push(0);
                let lose = passed.to_lose.lock().unwrap().pop_front();
                let cut = passed.to_cut.lock().unwrap().pop_front();
                let Ok(server) = TcpStream::connect(collector) else { continue };
                // What it passes on leaves at once, as it came.
                for stream in [&agent, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                pass_both_ways(agent, server, lose, cut, &passed);
            }
        });
        relay
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}", self.address)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.passed.connections.load(Ordering::SeqCst)
    }

    /// Bytes that the agent sent.
    pub(crate) fn bytes(&self) -> u64 {
        self.passed.bytes.load(Ordering::SeqCst)
    }

    /// Bytes that the agent sent over its first `connections`.
    pub(crate) fn bytes_of_first(&self, connections: u64) -> u64 {
        self.passed.by_connection.lock().unwrap().iter().take(connections as usize).sum()
    }

    /// Replies that were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.passed.lost.load(Ordering::SeqCst)
    }

    /// Connections that were cut.
    pub(crate) fn cuts(&self) -> u64 {
        self.passed.cuts.load(Ordering::SeqCst)
    }

    /// When the agent's last byte passed.
    pub(crate) fn last(&self) -> Option<Instant> {
        *self.passed.last.lock().unwrap()
    }

    /// The next connections each end after so many bytes of the agent's.
    pub(crate) fn cut(&self, after: &[u64]) {
        self.passed.to_cut.lock().unwrap().extend(after);
    }

    /// No connection comes through from now on.
    pub(crate) fn part(&self) {
        self.cut(&[0; 10_000]);
    }

    /// The next connections come through.
    pub(crate) fn mend(&self) {
        self.passed.to_cut.lock().unwrap().clear();
    }

    /// The next connections each end at an answer, counted from the handshake's as 1, that is not passed on.
    pub(crate) fn lose(&self, answers: &[u64]) {
        self.passed.to_lose.lock().unwrap().extend(answers);
    }
}

fn pass_both_ways(
    agent: TcpStream,
    server: TcpStream,
    lose: Option<u64>,
    cut: Option<u64>,
    passed: &Arc<Passed>,
) {
    let asked = Arc::new(AtomicU64::new(0));
    let number = passed.by_connection.lock().unwrap().len() - 1;
    let (from, to, up, counted) =
        (agent.try_clone().unwrap(), server.try_clone().unwrap(), Arc::clone(passed), Arc::clone(&asked));
    thread::spawn(move || {
        let _ = pass_questions(&from, &to, cut, &up, (&counted, number));
        let _ = to.shutdown(Shutdown::Write);
    });
    let passed = Arc::clone(passed);
    thread::spawn(move || {
        let _ = pass_answers(&server, &agent, lose, &passed, &asked);
        let _ = (agent.shutdown(Shutdown::Both), server.shutdown(Shutdown::Both));
    });
}

fn pass_questions(
    mut from: &TcpStream,
    mut to: &TcpStream,
    cut: Option<u64>,
    passed: &Passed,
    (asked, number): (&AtomicU64, usize),
) -> io::Result<()> {
    let mut buffer = [0; 16 << 10];
    let mut left = cut.unwrap_or(u64::MAX);
    while left > 0 {
        let limit = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let length = from.read(&mut buffer[..limit])?;
        if length == 0 {
            return Ok(());
        }
        asked.fetch_add(length as u64, Ordering::SeqCst);
        to.write_all(&buffer[..length])?;
        passed.bytes.fetch_add(length as u64, Ordering::SeqCst);
        passed.by_connection.lock().unwrap()[number] += length as u64;
        *passed.last.lock().unwrap() = Some(Instant::now());
        left -= length as u64;
    }
    passed.cuts.fetch_add(1, Ordering::SeqCst);
    from.shutdown(Shutdown::Both)
}

/// An answer begins with the first record, longer than a ticket, after something was asked.
fn pass_answers(
    mut from: &TcpStream,
    mut to: &TcpStream,
    lose: Option<u64>,
    passed: &Passed,
    asked: &AtomicU64,
) -> io::Result<()> {
    let (mut answers, mut asked_before) = (0, 0);
    loop {
        let mut record = vec![0; 5];
        from.read_exact(&mut record)?;
        let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
        record.resize(5 + length, 0);
        from.read_exact(&mut record[5..])?;
        let asked_now = asked.load(Ordering::SeqCst);
        if length >= TICKET && asked_now > asked_before {
            (answers, asked_before) = (answers + 1, asked_now);
        }
        if Some(answers) == lose {
            passed.lost.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        to.write_all(&record)?;
    }
}
