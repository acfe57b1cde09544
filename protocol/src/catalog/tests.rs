//! The catalog compiled in: what it holds, and how happenings fold into it.

use super::*;

#[test]
fn the_built_in_catalog_loads() {
    let catalog = Catalog::built_in();
    assert_eq!(catalog.entries().len(), 40);
}
