//! The schemas of a store in PostgreSQL.

/// One file for each schema, in order; a file once released never changes.
pub(super) const MIGRATIONS: [&str; 3] =
    [include_str!("schema-1.sql"), include_str!("schema-2.sql"), include_str!("schema-3.sql")];

/// The schema that this program reads and writes.
pub(super) const NEWEST: usize = MIGRATIONS.len();

/// What is said of a later one.
pub(super) fn later(schema: usize) -> String {
    format!(
        "the database's schema {schema} is of a later kathea-collector; this one reads up to {NEWEST}: install the later one"
    )
}
