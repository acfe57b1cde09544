//! Properties that hold for every value: tried on random ones by proptest, which makes what breaks one small.

use std::fmt::Debug;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::random::seed;

/// Tries a property on so many values, from `SEED` or a seed of the system, which is printed. Nothing is kept on the
/// disk.
///
/// # Panics
/// A value breaks it: the smallest that was found is named.
pub fn holds<V: Debug>(cases: u32, values: &impl Strategy<Value = V>, property: impl Fn(V)) {
    let config =
        Config { cases, failure_persistence: None, rng_seed: RngSeed::Fixed(seed()), ..Config::default() };
    let tried = TestRunner::new(config).run(values, |value| {
        property(value);
        Ok(())
    });
    if let Err(why) = tried {
        panic!("{why}");
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use super::*;

    #[test]
    fn a_property_that_does_not_hold_is_broken_by_the_smallest_value() {
        let broken = catch_unwind(|| holds(1000, &(0..1_000_000_u32), |value| assert!(value < 4711)));
        let why = broken.unwrap_err().downcast_ref::<String>().cloned().unwrap_or_default();
        assert!(why.contains("4711"), "{why}");
        holds(1000, &(0..4711_u32), |value| assert!(value < 4711));
    }
}
