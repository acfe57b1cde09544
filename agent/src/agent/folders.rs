//! Looks whether Kathea's folders of logs and scans can be read, for `status`.
//!
//! They are read for a support case alone, and may be shares of another computer, which do not always answer. So the look
//! is a thread of its own, `status` waits for it [`limits::FOLDERS_LOOK`] at most, and there is one at a time.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use super::health::Cause;
use crate::config::Kathea;
use crate::texts::{Said, Text};
use crate::{harmless, limits};

/// The look that was begun last.
#[derive(Debug, Default)]
pub(super) struct Folders {
    is_looking: Arc<AtomicBool>,
}

impl Folders {
    /// Each folder that is there and cannot be read. One that is absent is for `doctor`: Kathea may come later.
    pub(super) fn problems(&self, kathea: &Kathea) -> Vec<Said> {
        self.of(kathea, |path| fs::read_dir(path).map(drop))
    }

    fn of(&self, kathea: &Kathea, look: impl Fn(&Path) -> io::Result<()> + Send + 'static) -> Vec<Said> {
        let of =
            |check, paths: &[PathBuf]| paths.iter().map(|path| (check, path.clone())).collect::<Vec<_>>();
        let named = [of("logs", &kathea.logs), of("scans", &kathea.scans)].concat();
        if named.is_empty() {
            return Vec::new();
        }
        if self.is_looking.swap(true, Ordering::AcqRel) {
            return vec![Cause::FoldersSilent.said()];
        }
        let (tell, told) = mpsc::channel();
        let is_looking = Arc::clone(&self.is_looking);
        let started = thread::Builder::new().name("folders".into()).spawn(move || {
            let unread = named.iter().filter_map(|(check, path)| {
                let why = look(path).err()?.kind();
                let name = harmless::path(path);
                (why != ErrorKind::NotFound).then(|| Cause::FolderUnread { check, name, why }.said())
            });
            let unread = unread.collect();
            is_looking.store(false, Ordering::Release);
            let _ = tell.send(unread);
        });
        if let Err(e) = started {
            self.is_looking.store(false, Ordering::Release);
            return vec![Cause::NoThread { why: e.kind() }.said()];
        }
        told.recv_timeout(limits::FOLDERS_LOOK).unwrap_or_else(|_| vec![Cause::FoldersSilent.said()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kathea(logs: &Path) -> Kathea {
        let mut kathea = crate::config::Config::default().kathea;
        (kathea.logs, kathea.scans) = (vec![logs.to_owned()], Vec::new());
        kathea
    }

    #[test]
    fn a_folder_that_is_there_and_cannot_be_read_is_a_problem_and_one_that_is_absent_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "").unwrap();
        let keys = |path: &Path| {
            let said = Folders::default().problems(&kathea(path));
            said.into_iter().map(|said| said.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(dir.path()), [""; 0]);
        assert_eq!(keys(&dir.path().join("absent")), [""; 0]);
        assert_eq!(keys(&file), ["folder_unread"]);
    }

    #[test]
    fn a_share_that_does_not_answer_holds_up_no_status_and_is_asked_once() {
        let dir = tempfile::tempdir().unwrap();
        let (folders, kathea) = (Folders::default(), kathea(dir.path()));
        let (answer, answers) = mpsc::channel::<()>();
        let answers = std::sync::Mutex::new(answers);
        let said = folders.of(&kathea, move |_| {
            answers.lock().unwrap().recv().unwrap();
            Ok(())
        });
        assert_eq!(said, [Cause::FoldersSilent.said()]);
        let again = folders.of(&kathea, |_| panic!("it is asked once"));
        assert_eq!(again, [Cause::FoldersSilent.said()]);
        answer.send(()).unwrap();
        while folders.is_looking.load(Ordering::Acquire) {
            thread::yield_now();
        }
        assert_eq!(folders.problems(&kathea), []);
    }
}
