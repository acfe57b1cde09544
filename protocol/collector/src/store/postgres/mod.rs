//! PostgreSQL: which host of a cluster takes writes, and whether what it acknowledges is kept as it is demanded.
//!
//! ```text
//! session     one connection: tried host by host, each step within a time; what counts as acknowledged
//! durability  what a cluster has to be like: pure
//! ```
//!
//! Connections are plain text, so they go to this machine alone: to a local server, or to the local end of a tunnel or
//! of a balancer.

pub(crate) mod durability;
mod session;

use serde::Serialize;

use crate::failure::Failure;
use durability::{Demand, Facts};
use session::Session;

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
    replicas: i64,
}

/// Asks a cluster whether it meets the demand, and commits a row to it as a batch would be committed.
pub(crate) fn check(url: &str, demand: Demand) -> Result<Checked, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("no runtime: {error}")))?;
    runtime.block_on(async {
        let session = Session::open(url).await?;
        let facts = facts(&session).await?;
        durability::judge(&facts, demand)?;
        write(&session).await?;
        let Facts { version, replicas, .. } = facts;
        Ok(Checked { host: session.host().to_owned(), version, durability: demand.word(), replicas })
    })
}

async fn facts(session: &Session) -> Result<Facts, Failure> {
    let statement = "SELECT current_setting('server_version_num')::int8, current_setting('fsync') = 'on', \
                     current_setting('full_page_writes') = 'on', current_setting('synchronous_commit'), \
                     (SELECT count(*) FROM pg_stat_replication \
                      WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum'))";
    let row = session.one(statement).await?;
    let broken = |error| session::failure("the cluster's settings cannot be read", &error);
    Ok(Facts {
        version: row.try_get(0).map_err(broken)?,
        syncs: row.try_get(1).map_err(broken)?,
        writes_full_pages: row.try_get(2).map_err(broken)?,
        waits: row.try_get(3).map_err(broken)?,
        replicas: row.try_get(4).map_err(broken)?,
    })
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
