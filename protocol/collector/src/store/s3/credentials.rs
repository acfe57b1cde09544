//! The credentials of an S3: in a file of their own, as the AWS tools write it, which the collector's account alone reads.

use std::fmt;
use std::path::Path;

use crate::disk;
use crate::failure::Failure;

/// Who asks. The secret is neither printed nor logged.
pub(super) struct Credentials {
    /// Name of the key.
    pub(super) id: String,
    secret: String,
    /// Of credentials that end.
    pub(super) token: Option<String>,
}

impl Credentials {
    /// Of these texts.
    pub(super) fn new(id: &str, secret: &str, token: Option<&str>) -> Self {
        Self { id: id.to_owned(), secret: secret.to_owned(), token: token.map(str::to_owned) }
    }

    /// For the signature alone.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// Of a file, which is read for each request: its keys may have been changed.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |what: &str| Failure::new(format!("{}: {what}", path.display()));
        let bytes = disk::read_secret(path)?.ok_or_else(|| wrong("there is no such file"))?;
        let text = String::from_utf8(bytes).map_err(|_| wrong("is not UTF-8"))?;
        Self::of(&text).ok_or_else(|| {
            wrong("needs the lines aws_access_key_id = ID and aws_secret_access_key = SECRET, and no second profile")
        })
    }

    fn of(text: &str) -> Option<Self> {
        let (mut id, mut secret, mut token) = (None, None, None);
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') || line == "[default]" {
                continue;
            }
            let (name, value) = line.split_once('=')?;
            let place = match name.trim() {
                "aws_access_key_id" => &mut id,
                "aws_secret_access_key" => &mut secret,
                "aws_session_token" => &mut token,
                _ => return None,
            };
            let value = value.trim();
            // What goes into a header.
            if place.is_some() || value.is_empty() || !value.bytes().all(|byte| byte.is_ascii_graphic()) {
                return None;
            }
            *place = Some(value);
        }
        Some(Self::new(id?, secret?, token))
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_aws_tools_is_read_and_nothing_else() {
        let text =
            "# of the collector\n[default]\naws_access_key_id = AN-ID\naws_secret_access_key=a/secret+=\n";
        let read = Credentials::of(text).unwrap();
        assert_eq!((&*read.id, read.secret(), read.token.as_deref()), ("AN-ID", "a/secret+=", None));
        assert!(!format!("{read:?}").contains("secret"));
        let with_token = Credentials::of(&format!("{text}aws_session_token = more")).unwrap();
        assert_eq!(with_token.token.as_deref(), Some("more"));
        for wrong in [
            "",
            "aws_access_key_id = AN-ID",
            "AN-ID\na/secret",
            "aws_access_key_id = A\naws_secret_access_key = ",
            "aws_access_key_id = A\naws_secret_access_key = a b",
            "aws_access_key_id = A\naws_secret_access_key = a\n[other]\naws_access_key_id = B",
        ] {
            assert!(Credentials::of(wrong).is_none(), "{wrong}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn a_file_that_others_read_is_refused_and_never_quoted() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s3");
        std::fs::write(&path, "aws_access_key_id = A\naws_secret_access_key = hidden word").unwrap();
        for (mode, says) in [(0o644, "others can read it"), (0o600, "needs the lines")] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let said = Credentials::read(&path).unwrap_err().to_string();
            assert!(said.contains(says) && !said.contains("hidden"), "{said}");
        }
    }
}
