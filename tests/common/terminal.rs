//! A program at a terminal: what it shows is waited for, and what a person would type is typed.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use super::until;

/// A program under `script` (util-linux), which gives it a terminal.
pub(crate) struct Terminal {
    script: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
}

impl Terminal {
    /// Starts `command`, none of whose words has a blank.
    pub(crate) fn start(command: &Command) -> Self {
        let words: Vec<_> = std::iter::once(command.get_program()).chain(command.get_args()).collect();
        let line = words.join(std::ffi::OsStr::new(" "));
        let mut script = Command::new("script");
        script.args(["-qefc"]).arg(line).arg("/dev/null").env("SHELL", "/bin/sh").env("TERM", "xterm");
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (keys, mut screen) = (script.stdin.take().unwrap(), script.stdout.take().unwrap());
        let shown = Arc::<Mutex<String>>::default();
        let seen = Arc::clone(&shown);
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                seen.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..length]));
            }
        });
        Self { script, keys, shown }
    }

    /// Waits until `text` is shown.
    pub(crate) fn wait(&self, text: &str) {
        until(text, || self.shown().contains(text));
    }

    /// Waits until `text` is shown, and types `line`.
    pub(crate) fn answer(&mut self, text: &str, line: &str) {
        self.wait(text);
        writeln!(self.keys, "{line}").unwrap();
    }

    /// Everything that was shown so far.
    pub(crate) fn shown(&self) -> String {
        self.shown.lock().unwrap().clone()
    }

    /// Its exit code, and everything that it showed.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let code = self.script.wait().unwrap().code();
        (code, self.shown())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.script.kill();
        let _ = self.script.wait();
    }
}
