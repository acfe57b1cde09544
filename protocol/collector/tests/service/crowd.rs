//! Connections that say nothing, or half of a greeting, and come again as often as they are closed.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Server, raise_own_limit};

const SILENT: usize = 1024;
const HALF_OPEN: usize = 200;
/// The first bytes of a TLS record that is never finished.
const HALF: [u8; 9] = [22, 3, 1, 2, 0, 1, 0, 1, 252];

/// Between two connections that one crowd opens: a thousand a second.
const PACE: Duration = Duration::from_millis(1);

/// Connections that are kept open until it is dropped.
struct Crowd {
    ends: Option<Sender<()>>,
    opened: Arc<AtomicUsize>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Crowd {
    fn around(address: SocketAddr) -> Self {
        let ((ends, ended), opened) = (channel(), Arc::new(AtomicUsize::new(0)));
        let count = opened.clone();
        let thread = thread::spawn(move || {
            let mut open: Vec<Option<TcpStream>> = (0..SILENT + HALF_OPEN).map(|_| None).collect();
            for number in (0..open.len()).cycle() {
                if open[number].as_mut().is_some_and(is_open) {
                    continue;
                }
                open[number] = join(address, number >= SILENT);
                count.fetch_add(1, Ordering::Relaxed);
                if ended.recv_timeout(PACE) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        });
        Self { ends: Some(ends), opened, thread: Some(thread) }
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::Relaxed)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.ends.take());
        let _ = self.thread.take().map(thread::JoinHandle::join);
    }
}

fn join(address: SocketAddr, half: bool) -> Option<TcpStream> {
    let mut connection = TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    if half {
        connection.write_all(&HALF).ok()?;
    }
    connection.set_nonblocking(true).ok()?;
    Some(connection)
}

fn is_open(connection: &mut TcpStream) -> bool {
    connection.read(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

/// Visits of one device while the crowd is there; the longest, from the connection's begin to the last answer.
fn longest_visit(server: &Server, visits: u64) -> Duration {
    let device = server.devices(1).remove(0);
    let crowd = Crowd::around(server.place.address);
    while crowd.opened() < SILENT + HALF_OPEN {
        thread::yield_now();
    }
    let mut longest = Duration::ZERO;
    for index in 0..visits {
        let begun = Instant::now();
        let answers = device.visit(&server.place, &device.batch(index, 10), index == 0).unwrap();
        longest = longest.max(begun.elapsed());
        assert!(answers.iter().all(|answer| answer.status == 201), "{answers:?}");
    }
    println!("{visits} visits among {} connections: the longest took {longest:?}", crowd.opened());
    longest
}

#[test]
fn a_device_is_answered_within_two_seconds_among_silent_and_half_open_connections() {
    raise_own_limit(4096);
    for ulimit in [None, Some("-n 256")] {
        let server = Server::start(ulimit);
        let longest = longest_visit(&server, 100);
        assert!(longest < Duration::from_secs(2), "{ulimit:?}: {longest:?}");
    }
}

#[test]
fn who_shows_no_certificate_has_five_seconds_for_a_request() {
    let server = Server::start(None);
    let begun = Instant::now();
    let mut silent = TcpStream::connect(server.place.address).unwrap();
    let mut half = TcpStream::connect(server.place.address).unwrap();
    half.write_all(&HALF).unwrap();
    let mut quiet = crate::fleet::Device::new(&server.place, 7).unwrap().connect(&server.place).unwrap();
    let mut slow = crate::fleet::Device::new(&server.place, 8).unwrap().connect(&server.place).unwrap();
    slow.say(b"POST /v1/enrol HTTP/1.1\r\nHost: c\r\nContent-Length: 100\r\n\r\n{").unwrap();
    for connection in [&mut silent, &mut half] {
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let ended = connection.read(&mut [0; 64]);
        assert!(
            matches!(ended, Ok(0)) || ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset)
        );
    }
    assert!(quiet.answer().is_err());
    assert_eq!(slow.answer().unwrap().status, 408);
    let took = begun.elapsed();
    assert!((4..9).contains(&took.as_secs()), "{took:?}");
}
