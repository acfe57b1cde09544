//! Shrinks a story that ends in a violation: leaves out of it what the violation does not need.

use std::collections::BTreeSet;

use crate::clinic::Happens;
use crate::run::Played;

/// A story as short as it became.
pub struct Shrunk {
    /// What it does without.
    pub left_out: BTreeSet<Happens>,
    /// How it goes then.
    pub played: Played,
    /// How often it was tried.
    pub tried: u32,
}

/// Leaves out halves, quarters and so on of what happens, as long as the story ends in a violation of the same kind.
/// `tell` tells it without some of that, or says `None` when there is no more time. `None` if there is no violation.
///
/// # Errors
/// What `tell` says.
pub fn shrink(
    mut tell: impl FnMut(&BTreeSet<Happens>) -> Result<Option<Played>, String>,
) -> Result<Option<Shrunk>, String> {
    let mut left_out = BTreeSet::new();
    let Some(mut played) = tell(&left_out)? else { return Ok(None) };
    let Some(kind) = kind(&played) else { return Ok(None) };
    let mut tried = 1;
    let mut size = played.happened.len().div_ceil(2);
    while size > 0 {
        for part in played.happened.clone().chunks(size) {
            let fewer: BTreeSet<Happens> = left_out.iter().chain(part).copied().collect();
            let Some(shorter) = tell(&fewer)? else { return Ok(Some(Shrunk { left_out, played, tried })) };
            tried += 1;
            if self::kind(&shorter).as_ref() == Some(&kind) {
                (left_out, played) = (fewer, shorter);
            }
        }
        size /= 2;
    }
    Ok(Some(Shrunk { left_out, played, tried }))
}

/// What is violated: the word before the colon.
fn kind(played: &Played) -> Option<String> {
    let (_, what) = played.totals.violations.first()?;
    Some(what.split(':').next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Totals;

    /// A story of a hundred things, in which `needed` together violate something.
    fn tried(needed: &[Happens], left_out: &BTreeSet<Happens>) -> Played {
        let happened: Vec<Happens> = (1..=100).filter(|one| !left_out.contains(one)).collect();
        let is_violated = needed.iter().all(|one| happened.contains(one));
        let other = happened.len() < 40 && !happened.contains(&77);
        let what = if is_violated { Some("lost: 3 events") } else { other.then_some("sums: 1 is missing") };
        let violations = what.map(|what| (1, what.to_owned())).into_iter().collect();
        Played { story: Vec::new(), happened, totals: Totals { violations, ..Totals::default() } }
    }

    #[test]
    fn what_a_violation_does_not_need_is_left_out() {
        for needed in [vec![5], vec![5, 91], vec![1, 50, 51, 100]] {
            let shrunk = shrink(|left_out| Ok(Some(tried(&needed, left_out)))).unwrap().unwrap();
            assert_eq!(shrunk.played.happened, needed);
            assert!(shrunk.tried < 120, "{} times", shrunk.tried);
        }
    }

    #[test]
    fn a_sound_story_is_not_shrunk_and_time_ends_it() {
        assert!(shrink(|left_out| Ok(Some(tried(&[1000], left_out)))).unwrap().is_none());
        let mut times = 0;
        let shrunk = shrink(|left_out| {
            times += 1;
            Ok((times < 4).then(|| tried(&[5], left_out)))
        });
        assert_eq!(shrunk.unwrap().map(|shrunk| shrunk.tried), Some(3));
    }
}
