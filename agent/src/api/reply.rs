//! A reply as a line of the socket: `{"ok":true,...}` or `{"ok":false,"error":"WORD","what":"SENTENCE",...}`.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::texts::{Language, Said, Text};

/// Why a request was not done, as a word for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It went wrong.
    Failed,
    /// The request makes no sense.
    Usage,
    /// By consent, policy or rights.
    NotAllowed,
    /// The agent can't now.
    Busy,
    /// A patient's name or number seems to be in what was typed: change it, or say that it leaves as it is.
    Personal,
}

/// The word of [`Refused::Personal`].
pub const PERSONAL: &str = "personal";

impl Refused {
    /// In `error`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Usage => "usage",
            Self::NotAllowed => "not_allowed",
            Self::Busy => "busy",
            Self::Personal => PERSONAL,
        }
    }
}

/// An answer. The fields of its body stand beside `ok`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    ok: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    what: Option<String>,
    /// The key of `what`, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    what_key: Option<Box<str>>,
    /// `what` in Danish, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    what_da: Option<Box<str>>,
    #[serde(flatten)]
    body: Map<String, Value>,
}

impl Reply {
    /// Done.
    pub fn done(body: impl Serialize) -> Self {
        Self { ok: true, error: None, what: None, what_key: None, what_da: None, body: Map::new() }.with(body)
    }

    /// Not done. `what` says what happened and what to do, in one or two sentences.
    pub fn refused(error: Refused, what: impl Text) -> Self {
        Self::not_taken(error.as_str(), what)
    }

    /// An event that was not taken, by its reason's word.
    pub fn not_taken(error: &str, what: impl Text) -> Self {
        let Said { key, en, da, .. } = what.said();
        Self {
            ok: false,
            error: Some(error.to_owned()),
            what_key: Some(key).filter(|key| !key.is_empty()).map(Into::into),
            what_da: Some(da).filter(|da| *da != en).map(Into::into),
            what: Some(en),
            body: Map::new(),
        }
    }

    /// The same answer, with the fields of `body` beside its own. What is no object has no fields.
    #[must_use]
    pub fn with(mut self, body: impl Serialize) -> Self {
        if let Ok(Value::Object(body)) = serde_json::to_value(body) {
            self.body.extend(body);
        }
        self
    }

    /// From a line of the socket.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok()
    }

    /// As a line of the socket, without the line feed.
    pub fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether it was done.
    pub fn is_done(&self) -> bool {
        self.ok
    }

    /// The reason's word, of an answer that is not done.
    pub fn error(&self) -> &str {
        self.error.as_deref().unwrap_or("failed")
    }

    /// What happened and what to do, of an answer that is not done.
    pub fn what(&self) -> &str {
        self.what.as_deref().unwrap_or("the agent did not say why")
    }

    /// [`Reply::what`] in this language, or in English where the agent says it in English only.
    pub fn what_in(&self, language: Language) -> &str {
        language.pick(None, self.what_da.as_deref()).unwrap_or_else(|| self.what())
    }

    /// [`Reply::what`] with its key, in both languages.
    pub fn said(&self) -> Said {
        let [en, da] = [Language::En, Language::Da].map(|language| self.what_in(language).to_owned());
        Said {
            key: self.what_key.as_deref().unwrap_or_default().to_owned(),
            arguments: BTreeMap::new(),
            en,
            da,
        }
    }

    /// The body, as the type that the request is answered by.
    pub fn read<T: DeserializeOwned>(self) -> Option<T> {
        serde_json::from_value(Value::Object(self.body)).ok()
    }

    /// The exit code that the command line ends with: 0, 1, 2, 4 or 5 (design of the command line).
    pub fn exit_code(&self) -> u8 {
        match self.error() {
            _ if self.ok => 0,
            "usage" | PERSONAL => 2,
            "not_allowed" | "no_consent" => 4,
            "busy" => 5,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Done;
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Version {
        version: String,
    }

    #[test]
    fn a_reply_survives_its_line() {
        let reply = Reply::done(Version { version: "0.1.0".to_owned() });
        assert_eq!(reply.line(), r#"{"ok":true,"version":"0.1.0"}"#);
        assert_eq!(Reply::parse(&reply.line()), Some(reply.clone()));
        assert_eq!(reply.exit_code(), 0);
        assert_eq!(reply.read(), Some(Version { version: "0.1.0".to_owned() }));
        assert_eq!(Reply::done(Done {}).line(), r#"{"ok":true}"#);
        assert_eq!(Reply::done(Done {}).read::<Version>(), None, "of another version");

        let refused = Reply::refused(Refused::Busy, crate::consent::ConsentError::Withdrawing);
        assert!(
            refused.line().contains(r#""what_key":"withdrawing","what_da":"en tidligere"#),
            "{}",
            refused.line()
        );
        assert_eq!(
            (&refused.said().en, refused.said().da.starts_with("en tidligere")),
            (&refused.what().to_owned(), true)
        );
        let refused = Reply::refused(Refused::NotAllowed, "no").with(Version { version: "1".to_owned() });
        assert_eq!(refused.line(), r#"{"ok":false,"error":"not_allowed","what":"no","version":"1"}"#);
        assert_eq!((refused.exit_code(), refused.error(), refused.what()), (4, "not_allowed", "no"));
        for nonsense in ["[]", "{}", "", "{\"ok\":1}"] {
            assert_eq!(Reply::parse(nonsense), None, "{nonsense}");
        }
    }
}
