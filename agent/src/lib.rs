//! THE HOUSE: everything the agent does, owning no process.

pub mod account;
pub mod agent;
pub mod api;
pub mod checks;
pub mod collect;
pub mod config;
pub mod consent;
pub mod deidentify;
pub mod doctor;
pub mod durable;
pub mod html;
pub mod killpoint;
pub mod limits;
pub mod nearest;
pub mod presence;
pub mod report;
pub mod request;
pub mod seal;
pub mod ship;
pub mod spool;
pub mod support;
pub mod tally;
pub mod usage;
pub mod vault;
pub mod workstation;
