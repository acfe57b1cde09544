//! A fleet at several fronts behind a balancer, over a replicated PostgreSQL, while one part after the other is killed:
//! nothing that was acknowledged is lost, nothing is there twice, nobody is refused for good.
//!
//! `SLOW_TESTS=1 cargo test -p kathea-collector --test fleet` takes three minutes. `FLEET_DEVICES`, `FLEET_ANSWERS`,
//! `FLEET_UPLOAD_MB`, `FLEET_UPLOADS_MB` and `COPY_DEVICES` make it larger. `PATRONI`, the path of Patroni's program in a
//! Python that the account `postgres` may read, adds the loss of the primary's whole node, with etcd and Patroni, and that of
//! all nodes, with a backup by pgBackRest. `.ci/nightly fleet` does all of it.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what the tests share is outside of `#[test]` functions"
)]

mod backups;
mod balancer;
mod copied;
#[path = "../load/fleet.rs"]
#[allow(dead_code, reason = "the load generator uses the rest")]
mod devices;
mod failover;
mod front;
mod killed;
mod load;
mod patroni;
#[path = "../collector/seaweed.rs"]
mod seaweed;
#[path = "../collector/server.rs"]
#[allow(dead_code, reason = "the collector's tests use the rest")]
mod server;
#[path = "../load/upload.rs"]
mod upload;
mod uploads;
