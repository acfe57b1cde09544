//! One-time enrolment tokens. Only their SHA-256 is kept: a file `tokens/<sha256>` with the second it
//! was made in, renamed to `<sha256>.used` by the one enrolment that wins.

use std::fs;
use std::io;
use std::path::Path;

use data_encoding::BASE64URL_NOPAD;
use protocol::Digest;
use ring::rand::{SecureRandom, SystemRandom};
use time::{Duration, OffsetDateTime};

use crate::disk::{self, Access};
use crate::failure::Failure;

/// How long a token can be used.
const LIFE: Duration = Duration::DAY;
const DIR: &str = "tokens";

/// What became of a token that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Redeemed {
    /// It is used now; nobody else can use it, also after a power cut.
    Now,
    /// It was used before.
    Before,
    /// Never made, or too old.
    Never,
}

/// Makes a token and returns it; it can't be shown again.
pub(crate) fn make(data: &Path, now: OffsetDateTime) -> Result<String, Failure> {
    let mut secret = [0; 32];
    SystemRandom::new()
        .fill(&mut secret)
        .map_err(|_| Failure::new("the system gives no random numbers; no token was made"))?;
    let token = BASE64URL_NOPAD.encode(&secret);
    let dir = data.join(DIR);
    disk::make_dir(&dir)?;
    let made = now.unix_timestamp().to_string();
    disk::write(&dir.join(Digest::of(token.as_bytes()).to_string()), made.as_bytes(), Access::Private)?;
    Ok(token)
}

/// Uses a token up.
pub(crate) fn redeem(data: &Path, token: &str, now: OffsetDateTime) -> Result<Redeemed, Failure> {
    let path = data.join(DIR).join(Digest::of(token.as_bytes()).to_string());
    let used = path.with_extension("used");
    let Some(made) = disk::read(&path)? else {
        return Ok(if used.exists() { Redeemed::Before } else { Redeemed::Never });
    };
    let made = std::str::from_utf8(&made).ok().and_then(|text| text.parse::<i64>().ok());
    let Some(made) = made.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok()) else {
        return Err(Failure::unreadable(&path));
    };
    if now - made >= LIFE {
        return Ok(Redeemed::Never);
    }
    // The rename is the decision: of two that come here at once, the second finds no file.
    match fs::rename(&path, &used) {
        Ok(()) => disk::sync_parent(&used).map(|()| Redeemed::Now).map_err(Failure::at(&used)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Redeemed::Before),
        Err(error) => Err(Failure::at(&path)(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    #[test]
    fn a_token_is_good_once_and_for_a_day() {
        let data = tempfile::tempdir().unwrap();
        let (first, second) = (make(data.path(), MADE).unwrap(), make(data.path(), MADE).unwrap());
        let redeem = |token: &str, after| redeem(data.path(), token, MADE + after).unwrap();
        assert_eq!(redeem("never made", Duration::ZERO), Redeemed::Never);
        assert_eq!(redeem(&first, Duration::hours(23)), Redeemed::Now);
        assert_eq!(redeem(&first, Duration::hours(23)), Redeemed::Before);
        assert_eq!(redeem(&second, Duration::hours(24)), Redeemed::Never);
    }

    #[test]
    fn the_token_itself_is_not_on_the_disk() {
        let data = tempfile::tempdir().unwrap();
        let token = make(data.path(), MADE).unwrap();
        for name in disk::names(&data.path().join(DIR)).unwrap() {
            assert!(!name.contains(&token));
            assert!(!fs::read_to_string(data.path().join(DIR).join(name)).unwrap().contains(&token));
        }
    }
}
