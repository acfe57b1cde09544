//! Requests reserved to the clinic: members of the consent group, or holders of the device's claim code.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{ConsentAction, ConsentRequest, PrivacyAsk, Request};

/// A claim code as it was typed. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimCode(pub String);

impl fmt::Debug for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCode(..)")
    }
}

impl Request {
    /// Whether it reaches beyond this device or ends every consent: erasing what was sent, or a change of owner.
    /// A denial and a plain withdrawal do not.
    pub fn needs_the_clinic(&self) -> bool {
        match self {
            Self::Consent(ConsentRequest { action: ConsentAction::Withdraw, erase, .. }) => *erase,
            Self::Consent(ConsentRequest { action: ConsentAction::NewOwner, .. })
            | Self::Privacy(PrivacyAsk::Erase { .. }) => true,
            _ => false,
        }
    }

    /// The claim code that came with it.
    pub fn claim(&self) -> Option<&ClaimCode> {
        match self {
            Self::Consent(consent) => consent.claim.as_ref(),
            Self::Privacy(PrivacyAsk::Erase { claim, .. }) => claim.as_ref(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Caller;
    use super::*;

    fn request(line: &str) -> Request {
        serde_json::from_str(line).unwrap()
    }

    const BEYOND: [&str; 3] = [
        r#"{"request":"consent","action":"withdraw","purpose":"usage_statistics","erase":true}"#,
        r#"{"request":"consent","action":"new_owner"}"#,
        r#"{"request":"privacy","action":"erase"}"#,
    ];

    #[test]
    fn what_was_sent_and_the_owner_need_the_group_and_a_plain_no_needs_nothing() {
        let callers = |may_grant| {
            [(false, false), (true, false), (false, true), (true, true)]
                .map(|(administrator, kathea)| Caller { administrator, kathea, may_grant })
        };
        for line in BEYOND {
            let request = request(line);
            assert!(request.needs_the_clinic(), "{line}");
            assert!(callers(false).iter().all(|caller| !caller.may(&request)), "{line}");
            assert!(callers(true).iter().all(|caller| caller.may(&request)), "{line}");
        }
        for line in [
            r#"{"request":"consent","action":"withdraw","purpose":"usage_statistics"}"#,
            r#"{"request":"consent","action":"withdraw","purpose":"support_case","case":"A-1","erase":false}"#,
            r#"{"request":"consent","action":"deny","purpose":"usage_statistics","erase":true}"#,
            r#"{"request":"consent","action":"restrict","purpose":"usage_statistics"}"#,
        ] {
            assert!(!request(line).needs_the_clinic() && Caller::default().may(&request(line)), "{line}");
        }
    }

    #[test]
    fn a_claim_code_comes_with_each_of_them_and_is_not_shown() {
        for line in BEYOND {
            let request = request(&line.replace('}', r#","claim":"A-SECRET"}"#));
            assert_eq!(request.claim(), Some(&ClaimCode("A-SECRET".to_owned())), "{line}");
            assert!(!format!("{request:?}").contains("SECRET"));
        }
    }
}
