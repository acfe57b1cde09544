//! THE HOUSE: everything the agent does, owning no process.

pub mod consent;
pub mod deidentify;
pub mod vault;
