//! Random sequences of operations, several beside each other, each from a seed of its own that plays it again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle};
use std::time::Instant;

use crate::random::{Random, seed};

/// Plays sequences of `steps` operations, the last one of what is left, until there were `usual` operations or as many as
/// `OPERATIONS` says. The seeds follow one another from `SEED` on, or from one of the system. What came of each is returned.
///
/// # Panics
/// A sequence panics; the seed and the number of operations that play it again are printed.
pub fn sequences<T: Send>(usual: u64, steps: u64, play: impl Fn(&mut Random, u64) -> T + Sync) -> Vec<T> {
    let asked = std::env::var("OPERATIONS").ok().and_then(|text| text.parse().ok());
    let operations: u64 = asked.unwrap_or(usual);
    let count = operations.div_ceil(steps);
    let (first, begun, next) = (seed(), Instant::now(), AtomicU64::new(0));
    let play_some = || {
        let mut played = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return played;
            }
            let steps = steps.min(operations - at * steps);
            let sequence = Sequence { seed: first.wrapping_add(at), steps, next: &next, count };
            played.push(play(&mut Random::new(sequence.seed), steps));
        }
    };
    // Operations wait for the disk and for the threads of the store more than they compute.
    let cores = thread::available_parallelism().map_or(1, usize::from) as u64;
    let threads = count.min(4 * cores);
    let played = thread::scope(|scope| {
        let players: Vec<_> = (0..threads).map(|_| scope.spawn(play_some)).collect();
        let ended = players.into_iter().map(ScopedJoinHandle::join);
        ended.flat_map(|part| part.unwrap_or_else(|why| std::panic::resume_unwind(why))).collect()
    });
    println!(
        "{operations} operations, {count} seeds, {threads} beside each other, {} s",
        begun.elapsed().as_secs()
    );
    played
}

/// A sequence that is played; where it panics, it says how to play it again, and no other one begins.
struct Sequence<'a> {
    seed: u64,
    steps: u64,
    next: &'a AtomicU64,
    count: u64,
}

impl Drop for Sequence<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("played again by SEED={} OPERATIONS={}", self.seed, self.steps);
            self.next.store(self.count, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn sequences_add_up_and_each_has_a_seed_of_its_own() {
        let played = sequences(1001, 10, |random, steps| (steps, random.next()));
        assert_eq!(played.iter().map(|(steps, _)| steps).sum::<u64>(), 1001);
        let seeds: BTreeSet<u64> = played.iter().map(|(_, seen)| *seen).collect();
        assert_eq!(seeds.len(), 101);
    }

    #[test]
    fn a_sequence_that_panics_is_not_taken_for_one_that_went_well() {
        let played = AtomicU64::new(0);
        let all = catch_unwind(|| {
            sequences(1_000_000_000, 1, |_, _| {
                assert!(played.fetch_add(1, Ordering::Relaxed) != 50, "the fifty-first");
            })
        });
        assert!(all.is_err());
        assert!(played.load(Ordering::Relaxed) < 1_000_000_000, "the others were played to the end");
    }
}
