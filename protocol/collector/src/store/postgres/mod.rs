//! The engine PostgreSQL: which host of a cluster takes writes, whether what it acknowledges is kept as it is demanded,
//! and the threads that write to it.
//!
//! ```text
//! cluster     where it is, by the configuration
//! session     one connection: tried host by host, each step within a time; what counts as acknowledged
//! lane        a connection that one thread owns, and its transactions
//! dialect     what the store's statements are called here
//! migrations  the schemas
//! schema      the tables, and whose store they are
//! tls         how servers on other machines are known
//! writer      the threads that write; each takes what waits into one transaction
//! durability  what a cluster has to be like: pure
//! ```
//!
//! Without the authority of the servers' certificates connections are plain text, and go to this machine alone: to a
//! local server, or to the local end of a tunnel or of a balancer.

mod cluster;
mod dialect;
pub(crate) mod durability;
mod lane;
mod migrations;
mod schema;
mod session;
mod tls;
pub(crate) mod writer;

use std::path::PathBuf;

use serde::Serialize;
use tokio::runtime::Runtime;

use crate::failure::Failure;
use durability::{Demand, Facts};
use session::Session;

pub(crate) use cluster::{Bundles, Cluster, Url};
pub(crate) use lane::Lane;
pub(crate) use schema::prepare;

/// Threads of a server that write, each with its connection.
pub(crate) const LANES: usize = 4;

/// What drives one connection, on the thread that waits for it.
fn runtime() -> Result<Runtime, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("no runtime for PostgreSQL: {error}")))
}

/// What a cluster was found to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Checked {
    /// The host that takes writes.
    host: String,
    /// As PostgreSQL numbers it: 160004 is 16.4.
    version: i64,
    /// Which demand it meets.
    durability: &'static str,
    /// Replicas that confirm each commit, and are there now.
    pub(crate) replicas: i64,
}

/// What a cluster was found to be and whether that meets the demand, if it can be reached.
pub(crate) type Looked = Result<(Checked, Result<(), Failure>), Failure>;

/// Asks a cluster whether it meets the demand, and commits a row to it as a batch would be committed.
pub(crate) fn check(url: &Url, demand: Demand, authority: Option<PathBuf>) -> Result<Checked, Failure> {
    let cluster = Cluster { url: url.clone(), demand, authority, bundles: None };
    let (checked, judged) = found(&cluster, Lane::facts)?;
    judged?;
    runtime()?.block_on(async { write(&Session::open(&cluster).await?).await })?;
    Ok(checked)
}

/// What a cluster is, and whether it meets the demand; nothing is written.
pub(crate) fn look(cluster: &Cluster) -> Looked {
    found(cluster, Lane::facts_with_schema)
}

fn found(cluster: &Cluster, facts: fn(&Lane) -> Result<Facts, Failure>) -> Looked {
    let lane = Lane::open(cluster)?;
    let facts = facts(&lane)?;
    let judged = durability::judge(&facts, cluster.demand);
    let Facts { version, replicas, .. } = facts;
    let durability = cluster.demand.word();
    Ok((Checked { host: lane.host().to_owned(), version, durability, replicas }, judged))
}

/// A row that nobody misses: that a cluster can be read says nothing about the next batch.
async fn write(session: &Session) -> Result<(), Failure> {
    session
        .commit(
            "CREATE TABLE IF NOT EXISTS kathea_ready(one BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL);
             INSERT INTO kathea_ready VALUES(1, now()) ON CONFLICT(one) DO UPDATE SET at = excluded.at",
        )
        .await
}
