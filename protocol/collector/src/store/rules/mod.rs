//! The rules of the store, without a clock, a disk or SQL: what an engine loaded goes in, what it has to
//! store comes out. Every engine and a simulation share them.

pub(crate) mod consent;
pub(crate) mod content;
pub(crate) mod decide;
pub(crate) mod ledger_end;
pub(crate) mod limits;
pub(crate) mod ranges;
pub(crate) mod restriction;
pub(crate) mod retention;
pub(crate) mod rights;
pub(crate) mod sums;
pub(crate) mod terms;
pub(crate) mod versions;
