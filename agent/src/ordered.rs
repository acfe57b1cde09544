//! Maps and sets of what is few, without a sort.

/// What `collect` makes, put in one by one. For a map or set in order `collect` sorts first, and each type that is
/// sorted adds some 5 KB to the program.
pub(crate) fn ordered<C: Default + Extend<T>, T>(items: impl IntoIterator<Item = T>) -> C {
    let mut all = C::default();
    all.extend(items);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    #[test]
    fn it_is_what_collect_makes() {
        assert_eq!(ordered::<BTreeSet<_>, _>([3, 1, 2, 1]), [3, 1, 2, 1].into_iter().collect());
        let twice = [("b", 1), ("a", 2), ("b", 3)];
        assert_eq!(ordered::<BTreeMap<_, _>, _>(twice), twice.into_iter().collect());
    }
}
