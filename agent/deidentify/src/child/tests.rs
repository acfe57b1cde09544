//! What a confined process can still do, tried from inside.

#![cfg(target_os = "linux")]

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};
use std::thread;

use test_support::{or_skip, peer};

use super::confine::{FREE, calls, filter};

/// What a thread can do: read an open file; open one; send, listen, pair; start a program; write a file; start a thread.
fn can(file: &mut File, path: &std::path::Path) -> [Result<(), ErrorKind>; 8] {
    let kind = |error: std::io::Error| error.kind();
    let mut text = String::new();
    [
        file.read_to_string(&mut text).map(drop).map_err(kind),
        File::open(path).map(drop).map_err(kind),
        UdpSocket::bind("127.0.0.1:0").map(drop).map_err(kind),
        TcpListener::bind("127.0.0.1:0").map(drop).map_err(kind),
        UnixStream::pair().map(drop).map_err(kind),
        Command::new("/bin/true").status().map(drop).map_err(kind),
        OpenOptions::new().append(true).open(path).map(drop).map_err(kind),
        thread::Builder::new().spawn(|| ()).map(|thread| drop(thread.join())).map_err(kind),
    ]
}

#[test]
fn a_confined_thread_reads_an_open_file_and_does_nothing_else() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_owned();
    let mut open = File::open(&path).unwrap();
    // The control: all of it works without.
    assert_eq!(can(&mut open, &path), [Ok(()); 8]);
    let confined = thread::spawn(move || {
        calls().unwrap();
        can(&mut open, &path)
    });
    let no = Err(ErrorKind::PermissionDenied);
    assert_eq!(confined.join().unwrap(), [Ok(()), no, no, no, no, no, no, no]);
}

/// The filter itself in a process that makes the calls as they are: a table of what is tried, then every number.
#[cfg(target_arch = "x86_64")]
#[test]
fn no_escape_of_the_table_succeeds_from_inside() {
    use nix::libc::{SYS_fcntl, SYS_mmap, SYS_mprotect, SYS_recvmsg, SYS_tgkill};

    let python = or_skip!(peer::python("ctypes"));
    // What these may not do is in the table.
    let conditional = [SYS_fcntl, SYS_mmap, SYS_mprotect, SYS_recvmsg, SYS_tgkill];
    let mut inside = Command::new(python)
        .args(["-c", include_str!("escapes.py")])
        .args(FREE.iter().chain(&conditional).map(ToString::to_string))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(inside.stdout.take().unwrap()).lines();
    let own: u32 = lines.next().unwrap().unwrap().parse().unwrap();
    let mut stdin = inside.stdin.take().unwrap();
    for line in filter(own).unwrap() {
        writeln!(stdin, "{} {} {} {}", line.code, line.jt, line.jf, line.k).unwrap();
    }
    drop(stdin);
    let table: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    inside.wait().unwrap();
    println!("{table}");
    let none = serde_json::json!([]);
    assert_eq!(table["control"], none, "without the filter these work");
    assert_eq!(table["escapes"], none, "of {}", table["tried"]);
    assert_eq!(table["sweep"], none, "calls by number");
    let said = format!("tries {} ways out and every call number: none succeeds", table["tried"]);
    assert!(include_str!("../../../../SECURITY.md").contains(&said), "SECURITY.md does not say: {said}");
    assert_eq!(table["own"], 0, "a signal to itself, by which it aborts");
}
