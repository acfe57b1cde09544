//! The local socket against clients of every kind.

use std::sync::mpsc::{Receiver, channel};

use serde_json::json;

use super::*;
use crate::config::Config;

const PATIENCE: Duration = Duration::from_secs(20);

#[cfg(unix)]
type End = Stream;
#[cfg(windows)]
type End = std::fs::File;

/// A name for a socket that nobody else has: below `dir`, or of `dir`'s name.
fn name_in(dir: &Path) -> PathBuf {
    if cfg!(windows) {
        PathBuf::from(r"\\.\pipe").join(dir.file_name().unwrap())
    } else {
        dir.join("run").join("kathea.sock")
    }
}

/// A socket in a directory of its own, and what was asked there. Every line is answered by its length.
struct Scene {
    path: PathBuf,
    asked: Receiver<Result<Vec<u8>, Reason>>,
    listening: Option<Listening>,
    _dir: tempfile::TempDir,
}

fn scene() -> Scene {
    scene_by(Instant::now)
}

fn scene_by(clock: fn() -> Instant) -> Scene {
    let dir = tempfile::tempdir().unwrap();
    let path = name_in(dir.path());
    let (tell, asked) = channel();
    let sink = move |asked: Asked| {
        tell.send(asked.line.clone()).unwrap();
        let length = asked.line.as_ref().map_or(-1, |line| line.len() as i64);
        asked.answer(Reply::done(json!({ "length": length })));
        true
    };
    let listening = listen(&path, Accounts::new(&Config::default()), clock, sink).unwrap();
    Scene { path, asked, listening: Some(listening), _dir: dir }
}

impl Scene {
    fn connect(&self) -> BufReader<End> {
        BufReader::new(connect(&self.path, PATIENCE).unwrap())
    }
}

/// The length that the answer says.
fn answer(stream: &mut BufReader<End>) -> i64 {
    let mut line = String::new();
    stream.read_line(&mut line).unwrap();
    Reply::parse(&line).unwrap().read::<serde_json::Value>().unwrap()["length"].as_i64().unwrap()
}

#[test]
fn each_line_has_its_answer_garbage_too() {
    let scene = scene();
    let mut stream = scene.connect();
    stream.get_mut().write_all(b"one\n\0\xff\xfe\n\n").unwrap();
    assert_eq!([answer(&mut stream), answer(&mut stream), answer(&mut stream)], [3, 3, 0]);
    assert_eq!(scene.asked.recv().unwrap().unwrap(), b"one");
    assert_eq!(scene.asked.recv().unwrap().unwrap(), b"\0\xff\xfe");
    assert_eq!(ask(&scene.path, "again", PATIENCE).unwrap(), r#"{"ok":true,"length":5}"#);
}

/// The clock stands still: how long 100 MB take is the machine's affair.
#[test]
fn a_line_of_100_mb_is_refused_and_the_next_one_taken() {
    fn still() -> Instant {
        static BEGUN: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
        *BEGUN.get_or_init(Instant::now)
    }
    let scene = scene_by(still);
    let mut stream = scene.connect();
    let piece = vec![b'x'; 1 << 20];
    for _ in 0..100 {
        stream.get_mut().write_all(&piece).unwrap();
    }
    stream.get_mut().write_all(b"\nshort\n").unwrap();
    assert_eq!([answer(&mut stream), answer(&mut stream)], [-1, 5]);
    assert_eq!(scene.asked.recv().unwrap(), Err(Reason::TooLong));
}

#[test]
fn a_partial_line_is_nobodys_line() {
    let scene = scene();
    let mut stream = scene.connect();
    stream.get_mut().write_all(b"{\"event\":").unwrap();
    assert_eq!(ask(&scene.path, "other", PATIENCE).unwrap(), r#"{"ok":true,"length":5}"#);
    assert_eq!(scene.asked.recv().unwrap().unwrap(), b"other", "the partial line keeps nobody waiting");
    drop(stream);
}

/// The clock jumps by a minute at each look, so the line is late at once. A named pipe knows no timeouts.
#[cfg(unix)]
#[test]
fn a_line_that_comes_drop_by_drop_ends_its_connection() {
    fn hasty() -> Instant {
        static LOOKS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
        Instant::now() + Duration::from_secs(60 * LOOKS.fetch_add(1, Ordering::Relaxed))
    }
    let dir = tempfile::tempdir().unwrap();
    let path = name_in(dir.path());
    let _listening = listen(&path, Accounts::new(&Config::default()), hasty, |_| true).unwrap();
    let mut stream = connect(&path, PATIENCE).unwrap();
    stream.write_all(b"{").unwrap();
    let mut rest = Vec::new();
    // An end or a reset: in both cases the thread is free again.
    let _ = io::Read::read_to_end(&mut stream, &mut rest);
    assert_eq!(rest, b"");
}

#[test]
fn one_account_has_eight_connections_and_gets_them_back() {
    let scene = scene();
    let mut streams: Vec<_> = (0..limits::CONNECTIONS_OF_ONE).map(|_| scene.connect()).collect();
    for stream in &mut streams {
        stream.get_mut().write_all(b"x\n").unwrap();
        assert_eq!(answer(stream), 1);
    }
    assert_eq!(ask(&scene.path, "one too many", PATIENCE), Err(AskError::NoAnswer));
    drop(streams);
    while ask(&scene.path, "a free connection", PATIENCE).is_err() {}
}

#[test]
fn an_account_has_so_many_lines_in_a_second_and_another_has_its_own() {
    let (now, own) = (Instant::now(), Account::own());
    let mut said = Vec::new();
    assert!((0..20).all(|_| may_ask(&mut said, own.as_ref(), now, 20)));
    assert!(!may_ask(&mut said, own.as_ref(), now, 20), "one too many");
    assert!(may_ask(&mut said, None, now, 20), "another account");
    let later = now + Duration::from_secs(1);
    assert!(may_ask(&mut said, own.as_ref(), later, 20), "the next second");
    assert_eq!(said.len(), 1, "who is silent is forgotten");
}

#[test]
fn many_clients_one_after_the_other() {
    let scene = scene();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let path = scene.path.clone();
            thread::spawn(move || {
                let mut taken = 0;
                while taken < 100 {
                    taken += usize::from(ask(&path, "line", PATIENCE).is_ok());
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(scene.asked.try_iter().count(), 400);
}

#[test]
fn no_listener_differs_from_no_answer() {
    let mut scene = scene();
    scene.listening = None;
    // A pipe's name lives until the thread that accepts has noticed; a socket's file is gone at once.
    while cfg!(windows) && ask(&scene.path, "x", PATIENCE) != Err(AskError::Nobody) {}
    assert_eq!(ask(&scene.path, "x", PATIENCE), Err(AskError::Nobody), "no file");

    let silent = ListenerOptions::new().name(name(&scene.path).unwrap()).create_sync().unwrap();
    assert_eq!(ask(&scene.path, "x", Duration::from_millis(1)), Err(AskError::NoAnswer));
    drop(silent);
}

#[cfg(unix)]
#[test]
fn a_socket_left_behind_is_replaced_and_nothing_else_is() {
    use std::os::unix::net::UnixListener;
    let listen_at = |path: &Path| listen(path, Accounts::new(&Config::default()), Instant::now, |_| true);
    let dir = tempfile::tempdir().unwrap();

    let stale = dir.path().join("stale");
    drop(UnixListener::bind(&stale).unwrap());
    assert_eq!(ask(&stale, "x", PATIENCE), Err(AskError::Nobody), "left by a killed process");
    let listening = listen_at(&stale).unwrap();
    assert_eq!(listen_at(&stale).unwrap_err().kind(), io::ErrorKind::AddrInUse, "a live one");
    drop(listening);
    assert!(!stale.exists());

    let file = dir.path().join("file");
    fs::write(&file, "kept").unwrap();
    assert_eq!(listen_at(&file).unwrap_err().kind(), io::ErrorKind::AddrInUse);
    assert_eq!(fs::read(&file).unwrap(), b"kept");
}

#[test]
fn nothing_of_a_line_is_printed() {
    let (answer, _answered) = mpsc::sync_channel(1);
    let asked =
        Asked { line: Ok(b"Jane Doe".to_vec()), caller: Caller::default(), answer, unwritten: Weak::new() };
    assert_eq!(format!("{asked:?}"), "Asked(Ok(8))");
}

#[test]
fn the_receipts_of_a_whole_ledger_are_read_to_their_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = name_in(dir.path());
    let lines = "x".repeat(limits::LEDGER as usize);
    let sink = move |asked: Asked| {
        asked.answer(Reply::done(json!({ "entries": &lines, "lines": &lines })));
        true
    };
    let _listening = listen(&path, Accounts::new(&Config::default()), Instant::now, sink).unwrap();
    let answer = ask(&path, "{}", PATIENCE).unwrap();
    assert!(Reply::parse(&answer).is_some_and(|reply| reply.is_done()), "{} bytes", answer.len());
}
