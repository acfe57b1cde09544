//! What every catalog keeps; a catalog that breaks one of these does not load.

use super::{Catalog, CatalogError};

/// Checks `catalog`.
pub(super) fn check(_catalog: &Catalog) -> Result<(), CatalogError> {
    Ok(())
}
