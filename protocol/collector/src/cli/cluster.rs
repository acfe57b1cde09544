//! `store cluster`: whether a PostgreSQL cluster would keep what it acknowledges.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::output::list;
use crate::disk;
use crate::failure::Failure;
use crate::store::postgres::{self, Url, durability::Demand};

/// What `store cluster` takes.
#[derive(Args)]
pub(super) struct Cluster {
    /// A file with the cluster's URL, postgres://USER:PASSWORD@HOST:PORT,HOST:PORT/DATABASE: every host in turn
    #[arg(long, value_name = "FILE")]
    url_file: PathBuf,
    /// The authority of its servers' certificates, PEM: connects by TLS. Without it only to this machine
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// What makes a commit safe
    #[arg(long, value_enum, default_value_t = Durability::Replicas)]
    durability: Durability,
    /// Number of synchronous replicas that must be streaming
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    replicas_at_least: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Durability {
    /// Replicas that confirm each commit
    Replicas,
    /// The service that runs the database: the operator's word
    Managed,
}

impl Cluster {
    pub(super) fn run(self) -> Result<(), Failure> {
        let unreadable = || Failure::new(format!("{}: there is no such file", self.url_file.display()));
        let url = disk::read(&self.url_file)?.ok_or_else(unreadable)?;
        let url = String::from_utf8(url)
            .map_err(|_| Failure::new(format!("{} is not UTF-8", self.url_file.display())))?;
        let demand = match self.durability {
            Durability::Replicas => Demand::Replicas(self.replicas_at_least),
            Durability::Managed => Demand::Managed,
        };
        let checked = postgres::check(&Url::new(&url), demand, self.ca_file)?;
        list(|lines| lines.put(&checked))
    }
}
