//! Somebody who was learned, for the targets that look for whoever comes out.

use std::sync::LazyLock;

use deidentify::case::Case;
use deidentify::identifiers::{Identifiers, Kind, Learning};
use zeroize::Zeroizing;

/// A case, and who is searched for.
pub static CASE: LazyLock<(Case, Identifiers)> = LazyLock::new(|| {
    let mut learning = Learning::default();
    learning.learn(Kind::Name, "Sørensen^Anna Lin");
    learning.learn(Kind::Id, "010203-1234");
    learning.learn(Kind::BirthDate, "19700305");
    learning.learn(Kind::Phone, "12345678");
    (Case::new(Zeroizing::new([7; 32])), learning.finish().expect("four identifiers"))
});
