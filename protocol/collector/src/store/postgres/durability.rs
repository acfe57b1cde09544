//! Requirements on a cluster before the collector acknowledges data.

use tokio_postgres::SimpleQueryRow;

use super::migrations::{NEWEST, later};
use crate::failure::Failure;

/// Asks for the facts, in the order in which `Facts::read` takes them.
pub(super) const FACTS: &str = "SELECT current_setting('server_version_num'), current_setting('fsync'), \
                                current_setting('full_page_writes'), current_setting('synchronous_commit'), \
                                (SELECT count(*) FROM pg_stat_replication \
                                 WHERE state = 'streaming' AND sync_state IN ('sync', 'quorum')), \
                                pg_is_in_recovery()";

/// Behind `FACTS`, where the tables are there: which schema they have.
pub(super) const SCHEMA: &str = ", (SELECT value FROM meta WHERE name = 'schema')";

/// The oldest version that is used, as PostgreSQL numbers it.
const OLDEST: i64 = 140_000;

/// What is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// So many replicas have each commit on their disks before it is answered.
    Replicas(u32),
    /// The operator's word that the service keeps it safe below PostgreSQL.
    Managed,
}

impl Demand {
    /// As the command line and the configuration have it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Replicas(_) => "replicas",
            Self::Managed => "managed",
        }
    }
}

/// What a cluster says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) version: i64,
    /// `fsync`.
    pub(crate) syncs: bool,
    /// `full_page_writes`.
    pub(crate) writes_full_pages: bool,
    /// `synchronous_commit` of the session.
    pub(crate) waits: String,
    /// Replicas that stream now and that a commit waits for.
    pub(crate) replicas: i64,
    /// It follows another server.
    pub(crate) is_replica: bool,
    /// Schema of the tables; of a later one this program knows nothing.
    pub(crate) schema: Option<usize>,
}

impl Facts {
    /// Of the answer to `FACTS`.
    pub(super) fn read(row: &SimpleQueryRow) -> Option<Self> {
        let text = |at| row.try_get(at).ok().flatten();
        Some(Self {
            version: text(0)?.parse().ok()?,
            syncs: text(1)? == "on",
            writes_full_pages: text(2)? == "on",
            waits: text(3)?.to_owned(),
            replicas: text(4)?.parse().ok()?,
            is_replica: text(5)? != "f",
            schema: text(6).and_then(|text| text.parse().ok()),
        })
    }
}

/// Whether what the cluster acknowledges is kept as it is demanded; otherwise everything that is wrong, with its cure.
pub(crate) fn judge(facts: &Facts, demand: Demand) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    if facts.version < OLDEST {
        wrong.push("PostgreSQL is older than 14: upgrade it".to_owned());
    }
    if facts.is_replica {
        wrong.push("the host is a replica now".to_owned());
    }
    if let Some(schema) = facts.schema.filter(|schema| *schema > NEWEST) {
        wrong.push(later(schema));
    }
    if !facts.syncs {
        wrong.push("fsync is off: set it to on".to_owned());
    }
    if !facts.writes_full_pages {
        wrong.push("full_page_writes is off: set it to on".to_owned());
    }
    if !["on", "remote_apply"].contains(&facts.waits.as_str()) {
        wrong.push("synchronous_commit is neither on nor remote_apply".to_owned());
    }
    if let Demand::Replicas(at_least) = demand
        && facts.replicas < i64::from(at_least)
    {
        wrong.push(format!(
            "{} of {at_least} synchronous replicas are there: see synchronous_standby_names and pg_stat_replication \
             (which only a member of pg_monitor sees whole)",
            facts.replicas
        ));
    }
    if wrong.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(format!("nothing is acknowledged: {}", wrong.join("; "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_is_wrong_is_named() {
        let good = Facts {
            version: 160_004,
            syncs: true,
            writes_full_pages: true,
            waits: "on".to_owned(),
            replicas: 1,
            is_replica: false,
            schema: Some(NEWEST),
        };
        let said =
            |facts: Facts, demand| judge(&facts, demand).err().map_or(String::new(), |it| it.to_string());
        assert_eq!(said(good.clone(), Demand::Replicas(1)), "");
        assert_eq!(said(Facts { replicas: 0, ..good.clone() }, Demand::Managed), "");
        for (facts, demand, says) in [
            (Facts { version: 130_012, ..good.clone() }, Demand::Managed, "older than 14"),
            (Facts { syncs: false, ..good.clone() }, Demand::Managed, "fsync is off"),
            (Facts { writes_full_pages: false, ..good.clone() }, Demand::Managed, "full_page_writes is off"),
            (Facts { waits: "local".to_owned(), ..good.clone() }, Demand::Managed, "synchronous_commit"),
            (
                Facts { schema: Some(NEWEST + 1), ..good.clone() },
                Demand::Managed,
                "of a later kathea-collector",
            ),
            (good.clone(), Demand::Replicas(2), "1 of 2 synchronous replicas"),
        ] {
            let said = said(facts, demand);
            assert!(said.contains(says) && said.starts_with("nothing is acknowledged"), "{said}");
        }
        let all = Facts { syncs: false, replicas: 0, ..good };
        let said = said(all, Demand::Replicas(1));
        assert!(said.contains("fsync") && said.contains("0 of 1"), "{said}");
    }
}
