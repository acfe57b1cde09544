//! Answers that come before the end of a request: they arrive, and say that their connection ends.

use std::io::{self, Read};

use protocol::bundle::{MAX_CHUNK, tus};

use crate::bundles::Sender;
use crate::program::Collector;

/// A body of nothing that ends a good while after the head of its request.
struct Late;

impl Read for Late {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        std::thread::sleep(std::time::Duration::from_millis(300));
        Ok(0)
    }
}

#[test]
fn a_late_end_of_an_empty_body_costs_no_connection() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    let (size, metadata) = (sender.announcement.size.to_string(), sender.announcement.metadata());
    let headers = [(tus::LENGTH, &*size), (tus::METADATA, &*metadata), (tus::RESUMABLE, tus::VERSION)];
    for _ in 0..3 {
        let answer = sender.device.send_from(&collector, ("POST", "/v1/bundles"), &headers, Late).unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers().get("connection")), (201, None));
        assert_eq!(sender.offset(&collector), Some(0), "on the same connection");
    }
}

#[test]
fn an_answer_before_the_end_of_a_body_says_that_the_connection_ends() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    // Answered without any work: the answer is there before the connection has seen that nobody reads the body.
    let answer = sender.device.send_from(&collector, ("PUT", "/v1/nothing"), &[], Late).unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["connection"].to_str().unwrap()), (404, "close"));
    assert_eq!(sender.offset(&collector), Some(0));
}

#[test]
fn a_refusal_in_the_middle_of_a_chunk_arrives() {
    let collector = Collector::start();
    let sender = Sender::new(&collector);
    assert_eq!(sender.create(&collector), 201);
    let length = MAX_CHUNK.to_string();
    // An offset that is not the collector's: nobody reads the bytes, of which most are still on their way.
    let headers = [
        (tus::RESUMABLE, tus::VERSION),
        ("content-type", tus::CHUNK),
        (tus::OFFSET, "7"),
        ("content-length", &*length),
    ];
    for _ in 0..5 {
        let device = sender.device.on_another_connection(&collector);
        let status = device.send_slowly(&collector, &sender.path(), &headers, io::repeat(0).take(MAX_CHUNK));
        assert_eq!(status, Some(409));
    }
    assert_eq!(sender.offset(&collector), Some(0));
}
