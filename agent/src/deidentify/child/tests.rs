//! What a confined thread can still do.

#![cfg(target_os = "linux")]

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::thread;

use super::confine::calls;

/// What a thread can do: read a file; send, listen, pair; start a program; write a file; start a thread.
fn can(path: &std::path::Path) -> [Result<(), ErrorKind>; 7] {
    let kind = |error: std::io::Error| error.kind();
    let mut text = String::new();
    [
        File::open(path).and_then(|mut file| file.read_to_string(&mut text)).map(drop).map_err(kind),
        UdpSocket::bind("127.0.0.1:0").map(drop).map_err(kind),
        TcpListener::bind("127.0.0.1:0").map(drop).map_err(kind),
        UnixStream::pair().map(drop).map_err(kind),
        Command::new("/bin/true").status().map(drop).map_err(kind),
        OpenOptions::new().append(true).open(path).map(drop).map_err(kind),
        thread::Builder::new().spawn(|| ()).map(|thread| drop(thread.join())).map_err(kind),
    ]
}

#[test]
fn a_confined_thread_reads_files_and_does_nothing_else() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_owned();
    // The control: all of it works without.
    assert_eq!(can(&path), [Ok(()); 7]);
    let confined = thread::spawn(move || {
        calls().unwrap();
        can(&path)
    });
    let no = Err(ErrorKind::PermissionDenied);
    assert_eq!(confined.join().unwrap(), [Ok(()), no, no, no, no, no, no]);
}
