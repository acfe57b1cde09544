//! How the browser gets in: a file that only this account can read redirects it, with a secret behind the `#` of the
//! address. The secret stands in no command line, and no browser sends what stands behind `#`. The page exchanges it
//! once for a token, which the script keeps in memory and sends as a header.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use data_encoding::BASE64URL_NOPAD;
use protocol::Digest;
use ring::rand::{SecureRandom, SystemRandom};
use tempfile::{Builder, TempPath};

/// Bytes of a secret: nobody guesses it.
const SECRET: usize = 32;

/// What became of the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody came yet.
    Waiting,
    /// The page came.
    Used,
    /// Somebody came again.
    UsedAgain,
}

/// Why a secret opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shut {
    /// It is another.
    Wrong,
    /// It was exchanged before.
    Used,
}

/// The secret, the token that it is exchanged for, and the file that the browser opens. Only digests are kept: what is
/// compared tells nothing by how long it takes.
#[derive(Debug)]
pub(crate) struct Door {
    port: u16,
    secret: Digest,
    inside: Mutex<Inside>,
}

#[derive(Debug)]
struct Inside {
    stage: Stage,
    token: Option<Digest>,
    /// Removed with the first use, and with the program.
    file: Option<TempPath>,
    path: PathBuf,
}

impl Door {
    /// A new secret, and the file that redirects to `port`.
    pub(crate) fn open(port: u16) -> io::Result<Self> {
        let secret = random()?;
        let mut file = Builder::new().prefix("kathea-").suffix(".html").tempfile_in(folder())?;
        file.write_all(redirect(port, &secret).as_bytes())?;
        file.flush()?;
        let file = file.into_temp_path();
        let path = file.to_path_buf();
        let inside = Mutex::new(Inside { stage: Stage::Waiting, token: None, file: Some(file), path });
        Ok(Self { port, secret: Digest::of(secret.as_bytes()), inside })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The file that the browser opens.
    pub(crate) fn page(&self) -> PathBuf {
        self.locked().path.clone()
    }

    /// The token, once. The file is gone before the answer is.
    pub(crate) fn exchange(&self, secret: &str) -> Result<String, Shut> {
        if Digest::of(secret.as_bytes()) != self.secret {
            return Err(Shut::Wrong);
        }
        let mut inside = self.locked();
        if inside.stage != Stage::Waiting {
            inside.stage = Stage::UsedAgain;
            return Err(Shut::Used);
        }
        let token = random().map_err(|_| Shut::Wrong)?;
        inside.token = Some(Digest::of(token.as_bytes()));
        inside.stage = Stage::Used;
        inside.file = None;
        Ok(token)
    }

    /// Whether that is the token.
    pub(crate) fn knows(&self, token: &str) -> bool {
        self.locked().token == Some(Digest::of(token.as_bytes()))
    }

    /// Whether somebody came with the secret after the page did.
    pub(crate) fn was_tried_again(&self) -> bool {
        self.locked().stage == Stage::UsedAgain
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn random() -> io::Result<String> {
    let mut bytes = [0; SECRET];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no random numbers"))?;
    Ok(BASE64URL_NOPAD.encode(&bytes))
}

/// The account's own folder of the session where the system has one, else that of temporary files.
fn folder() -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    own.filter(|path| Path::is_dir(path)).unwrap_or_else(std::env::temp_dir)
}

fn redirect(port: u16, secret: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"referrer\" content=\"no-referrer\">\
         <meta http-equiv=\"refresh\" content=\"0;url=http://127.0.0.1:{port}/#{secret}\">\
         <title>Kathea Agent</title>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(door: &Door) -> String {
        let text = std::fs::read_to_string(door.page()).unwrap();
        let (_, rest) = text.split_once("/#").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    #[test]
    fn a_secret_opens_once_and_its_file_is_gone() {
        let door = Door::open(4711).unwrap();
        let secret = secret(&door);
        assert_eq!(door.exchange("guessed"), Err(Shut::Wrong));
        assert!(door.page().exists() && !door.was_tried_again());
        let token = door.exchange(&secret).unwrap();
        assert!(!door.page().exists());
        assert!(door.knows(&token) && !door.knows(&secret) && !door.knows(""));
        assert_eq!(door.exchange(&secret), Err(Shut::Used));
        assert!(door.was_tried_again() && door.knows(&token), "the page that came first goes on");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let door = Door::open(4711).unwrap();
        assert_eq!(std::fs::metadata(door.page()).unwrap().permissions().mode() & 0o777, 0o600);
        let path = door.page();
        drop(door);
        assert!(!path.exists(), "it goes with the program");
    }
}
