//! What the clinic said, as the model keeps it: written from the policy's texts and the promises, not from the registry.

use std::collections::BTreeMap;

use crate::world::{DAY, months_later};

/// The periods of a policy for usage statistics, read from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Texts {
    /// Months that a grant lasts.
    pub lasts: i32,
    /// Days that something waits on the device: at least, and at most.
    pub on_device: (i64, i64),
    /// Months of the calendar that the vendor keeps it.
    pub at_vendor: i32,
}

impl Texts {
    /// Of the text of a policy file.
    ///
    /// # Errors
    /// What the text does not say.
    pub fn read(text: &str) -> Result<Self, String> {
        let table: toml::Table = text.parse().map_err(|_| "the policy is no TOML".to_owned())?;
        let usage = table.get("purposes").and_then(|all| all.get("usage_statistics"));
        let word = |key: &str| {
            let found = usage.and_then(|usage| usage.get(key)).and_then(toml::Value::as_str);
            found.ok_or_else(|| format!("the policy has no {key}"))
        };
        let lasts = match period(word("lasts")?) {
            Some((months, "months")) => months,
            _ => return Err("a grant lasts for months".to_owned()),
        };
        let class = word("vendor_retention")?;
        let months = class
            .split('_')
            .next_back()
            .and_then(|part| part.strip_suffix('m'))
            .and_then(|part| part.parse().ok());
        let months: i32 = months.ok_or_else(|| format!("how long is {class}?"))?;
        Ok(Self { lasts, on_device: days(word("on_device")?)?, at_vendor: months })
    }
}

fn period(text: &str) -> Option<(i32, &str)> {
    let (number, unit) = text.split_once(' ')?;
    Some((number.parse().ok()?, unit))
}

/// The shortest and the longest that so many months of the calendar can be.
fn of_months(months: i32) -> (i64, i64) {
    // Each of the 48 months of four years may be the first.
    let spans = (0..48).map(|first| {
        let begin = months_later(crate::world::BEGIN, first);
        (months_later(begin, months) - begin) / DAY
    });
    let spans: Vec<i64> = spans.collect();
    (spans.iter().copied().min().unwrap_or(0), spans.iter().copied().max().unwrap_or(0))
}

fn days(text: &str) -> Result<(i64, i64), String> {
    match period(text) {
        Some((days, "days")) => Ok((i64::from(days), i64::from(days))),
        Some((months, "months")) => Ok(of_months(months)),
        _ => Err(format!("how long is {text}?")),
    }
}

/// What the clinic said last about usage statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// Nothing.
    Nothing,
    /// Yes, to this policy.
    Yes(Yes),
    /// Not for now: the yes rests.
    Restricted(Yes),
    /// No, or not any more.
    No,
    /// The clinic has another owner.
    Ended,
}

/// A yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Yes {
    /// Name of the policy.
    pub policy: String,
    /// Since when, by the workstation's clock, what happens is covered.
    pub since: i64,
    /// When the last of an unbroken series was given.
    pub at: i64,
    /// When it ends of itself.
    pub until: i64,
}

/// The clinic, and the policies by name.
#[derive(Clone, Debug)]
pub struct Consent {
    /// What was said last.
    pub says: Says,
    /// How often something was said.
    pub answers: u64,
    /// The policy that the workstation asks for.
    pub policy: String,
    /// All policies.
    pub texts: BTreeMap<String, Texts>,
}

impl Consent {
    /// Under the policies by name, the first one in force.
    pub fn new(texts: BTreeMap<String, Texts>) -> Self {
        let policy = texts.keys().next().cloned().unwrap_or_default();
        Self { says: Says::Nothing, answers: 0, policy, texts }
    }

    /// The texts of the policy that the workstation asks for.
    pub fn text(&self) -> Option<&Texts> {
        self.texts.get(&self.policy)
    }

    /// A yes at `wall`.
    pub fn grant(&mut self, wall: i64) {
        let lasts = self.text().map_or(0, |text| text.lasts);
        let since = match &self.says {
            Says::Yes(yes) if yes.policy == self.policy && yes.stands(wall) => yes.since,
            _ => wall,
        };
        let until = months_later(wall, lasts);
        self.says = Says::Yes(Yes { policy: self.policy.clone(), since, at: wall, until });
    }

    /// The yes that allows something at `wall`.
    pub fn live(&self, wall: i64) -> Option<&Yes> {
        match &self.says {
            Says::Yes(yes) if yes.policy == self.policy && yes.stands(wall) => Some(yes),
            _ => None,
        }
    }

    /// Until when the last yes stood, where it ended of itself: what was said before that may have been taken in.
    pub fn ended(&self, wall: i64) -> Option<i64> {
        match &self.says {
            Says::Yes(yes) if yes.policy == self.policy && wall >= yes.until => Some(yes.until),
            _ => None,
        }
    }

    /// Whether what Kathea says may be removed unread: nobody ever said yes, somebody said no, or the yes is over.
    pub fn may_refuse(&self, wall: i64) -> bool {
        match &self.says {
            Says::Nothing | Says::No | Says::Ended => true,
            Says::Yes(yes) => wall >= yes.until,
            Says::Restricted(_) => false,
        }
    }
}

impl Yes {
    fn stands(&self, wall: i64) -> bool {
        wall >= self.at - DAY && wall < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_as_the_texts_say_them() {
        let text = include_str!("../../../protocol/policies/copenhagen-imaging.toml");
        let texts = Texts::read(text).unwrap();
        assert_eq!(texts, Texts { lasts: 24, on_device: (59, 62), at_vendor: 24 });
        let text = include_str!("../../../protocol/policies/novo-imaging.toml");
        assert_eq!(Texts::read(text).unwrap(), Texts { lasts: 12, on_device: (45, 45), at_vendor: 14 });
    }
}
