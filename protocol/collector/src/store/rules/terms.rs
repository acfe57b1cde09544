//! Whether what comes under a grant is what the grant says, as strictly as the device itself decides: its period, its
//! policy, its retention class, the manifest that was shown, and its place in the ledger.

use protocol::{Digest, Purpose, Retention};

use super::consent::{Line, Refused};

/// What a grant says beside its case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// What it allows.
    pub(crate) purpose: Purpose,
    /// Its position in the ledger.
    pub(crate) index: u64,
    /// Hash of the entry before.
    pub(crate) previous: Option<Digest>,
    /// End of its life, microseconds since 1970; `None`: it names none.
    pub(crate) until: Option<i64>,
    /// Whether the text of its policy is known here.
    pub(crate) knows_policy: bool,
    pub(crate) class: Retention,
    /// Whether the policy says the same of how long it is kept.
    pub(crate) policy_says_so: bool,
    /// Digest of the manifest that was shown, where the grant names one.
    pub(crate) manifest: Option<Digest>,
}

/// What comes under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comes {
    /// A batch of this class.
    Batch(Retention),
    /// A bundle with this manifest.
    Bundle(Digest),
}

impl Terms {
    /// Whether it covers what comes at `now`. `lines` are all entries of the device that are known.
    pub(crate) fn cover(&self, lines: &[Line], comes: Comes, now: i64) -> Result<(), Refused> {
        if self.until.is_some_and(|until| until < now) {
            return Err(Refused::Expired);
        }
        if !self.knows_policy {
            return Err(Refused::OtherPolicy);
        }
        if !self.policy_says_so {
            return Err(Refused::OtherRetention);
        }
        match comes {
            Comes::Batch(class) if class != self.class => return Err(Refused::OtherRetention),
            // A grant for a case that names no manifest covers the case; one for scan data has to name it.
            Comes::Bundle(_) if self.manifest.is_none() && self.purpose == Purpose::SupportScanData => {
                return Err(Refused::OtherManifest);
            }
            Comes::Bundle(manifest) if self.manifest.is_some_and(|shown| shown != manifest) => {
                return Err(Refused::OtherManifest);
            }
            Comes::Batch(_) | Comes::Bundle(_) => {}
        }
        if self.follows(lines) { Ok(()) } else { Err(Refused::Broken) }
    }

    /// Whether the entry before it, if that is known, is the one that it names.
    fn follows(&self, lines: &[Line]) -> bool {
        let (Some(before), Some(previous)) = (self.index.checked_sub(1), self.previous) else {
            // The first names none, and every other one.
            return self.index == 0 && self.previous.is_none();
        };
        let mut known = lines.iter().filter(|line| line.index == before).peekable();
        known.peek().is_none() || known.any(|line| line.hash == previous)
    }
}

#[cfg(test)]
mod tests {
    use protocol::ledger::EventKind;

    use super::*;

    const NOW: i64 = 1_000;

    fn line(index: u64, name: &[u8]) -> Line {
        Line {
            hash: Digest::of(name),
            index,
            purpose: Purpose::UsageStatistics,
            case: None,
            kind: EventKind::Denied,
            is_ended: false,
        }
    }

    fn terms() -> Terms {
        Terms {
            purpose: Purpose::SupportCase,
            index: 3,
            previous: Some(Digest::of(b"two")),
            until: Some(NOW),
            knows_policy: true,
            class: Retention::Usage24Months,
            policy_says_so: true,
            manifest: Some(Digest::of(b"manifest")),
        }
    }

    #[test]
    fn a_grant_covers_what_it_says_and_nothing_else() {
        let batch = Comes::Batch(Retention::Usage24Months);
        let bundle = Comes::Bundle(Digest::of(b"manifest"));
        for comes in [batch, bundle] {
            assert_eq!(terms().cover(&[], comes, NOW), Ok(()));
            assert_eq!(terms().cover(&[], comes, NOW + 1), Err(Refused::Expired));
            let unknown = Terms { knows_policy: false, ..terms() };
            assert_eq!(unknown.cover(&[], comes, NOW), Err(Refused::OtherPolicy));
            let other = Terms { policy_says_so: false, ..terms() };
            assert_eq!(other.cover(&[], comes, NOW), Err(Refused::OtherRetention));
        }
        let class = Comes::Batch(Retention::Contact2Years);
        assert_eq!(terms().cover(&[], class, NOW), Err(Refused::OtherRetention));
        assert_eq!(terms().cover(&[], Comes::Bundle(Digest::of(b"other")), NOW), Err(Refused::OtherManifest));
        let none = Terms { manifest: None, ..terms() };
        assert_eq!(none.cover(&[], bundle, NOW), Ok(()), "it covers its case");
        let scans = Terms { purpose: Purpose::SupportScanData, ..none };
        assert_eq!(scans.cover(&[], bundle, NOW), Err(Refused::OtherManifest), "nothing was shown");
        assert_eq!(Terms { until: None, ..terms() }.cover(&[], batch, i64::MAX), Ok(()));
    }

    #[test]
    fn the_entry_before_it_is_the_one_that_it_names() {
        let cover =
            |terms: Terms, lines: &[Line]| terms.cover(lines, Comes::Batch(Retention::Usage24Months), NOW);
        let (right, wrong) = (line(2, b"two"), line(2, b"another"));
        assert_eq!(cover(terms(), std::slice::from_ref(&right)), Ok(()));
        assert_eq!(cover(terms(), &[line(1, b"one")]), Ok(()), "the entry before is not known here");
        assert_eq!(cover(terms(), std::slice::from_ref(&wrong)), Err(Refused::Broken));
        assert_eq!(cover(terms(), &[wrong, right]), Ok(()), "two copies of one device wrote");
        assert_eq!(cover(Terms { previous: None, ..terms() }, &[]), Err(Refused::Broken));
        assert_eq!(cover(Terms { index: 0, ..terms() }, &[]), Err(Refused::Broken));
        assert_eq!(cover(Terms { index: 0, previous: None, ..terms() }, &[]), Ok(()));
    }
}
