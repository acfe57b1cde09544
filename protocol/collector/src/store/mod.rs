//! All that outlives a power cut.
//!
//! ```text
//! request -> jobs -> one transaction of several jobs -> rules: new, repeated, gap, refused -> COMMIT, synced -> answers
//!                                                                                               |
//! bundle  -> uploads/ID, chunk by chunk -> SHA-256 fits -> bundles/ID, synced ------------------+
//!
//! stream     device, purpose, epoch; `held` and `gap` say which of its numbers came, and which never will
//! envelope   n: its place in the stream | lo..hi: its numbers | digest and chain over the envelopes | body
//! ```
//!
//! ```text
//! rules      what becomes of a request: no clock, disk or SQL; every engine shares them
//! access     an open store: transactions and reads
//! ids        randomness, and random names
//! jobs       what a request does to the store, and its answer after the commit
//! engine     a connection of either engine
//! sqlite     the SQL, and the engine SQLite: one database file, one thread that writes
//! postgres   the engine PostgreSQL: which host takes writes, and whether what it acknowledges is kept
//! keystore   the keys that envelopes are sealed under, outside the database
//! replay     what a restored database has to do again
//! readers    connections that only read
//! lock       one server for a data directory, and none for a copy of it
//! policies   texts that an operator put beside it
//! place      where the store of a data directory is
//! folder     where the support bundles are, of one process or of several
//! files      the bytes of support bundles
//! chunks     the same on their way, where several processes write
//! objects    both in a bucket
//! s3         a bucket of an S3 API
//! whole      bundles that are whole, without their headers
//! sealed     what is known of a sealed file from outside
//! backup     copies of all of it, for another machine
//! tables     files of an export
//! requests   privacy requests and their tickets
//!
//! collector.db, -wal, -shm   devices, consents, envelopes, requests, audit
//! collector.witness          how far the database has come
//! collector.turn             whose turn it is to write
//! engine                     that all of these are in PostgreSQL instead
//! bundles/, uploads/         support bundles that are whole, and on their way
//! keys/                      the key store and its log, unless the configuration names another place
//! lock                       held while serving; says which file it is, so that a copy is noticed
//! reserve                    limit for what has to be done on a full disk
//! ```
//!
//! What is answered with a success was synced before. Commands of the command line open the store beside a running
//! server.

mod access;
pub(crate) mod backup;
pub(crate) mod chunks;
#[cfg(test)]
mod conformance;
pub(crate) mod engine;
pub(crate) mod files;
pub(crate) mod folder;
mod ids;
pub(crate) mod jobs;
pub(crate) mod keystore;
mod lock;
#[cfg(test)]
mod measure;
mod objects;
pub(crate) mod place;
pub(crate) mod policies;
pub(crate) mod postgres;
mod readers;
pub(crate) mod replay;
pub(crate) mod requests;
pub(crate) mod rules;
pub(crate) mod s3;
mod sealed;
mod sqlite;
pub(crate) mod tables;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod whole;

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use protocol::Digest;
use time::OffsetDateTime;

pub(crate) use rules::consent::Refused;
pub(crate) use rules::decide::{Standing, Verdict};
pub(crate) use sqlite::finding::Finding;
pub(crate) use sqlite::rows::{micros, rfc3339, text, time};
pub(crate) use sqlite::transfer;
pub(crate) use sqlite::{
    Announced, Answer, Asked, Count, Cursor, Filed, Kept, MAX_BUNDLE, Order, Put, Reached, Redeemed,
    Restricted, Seen, Stored, Wanted,
};

pub(crate) use access::Store;
use folder::Folder;
use keystore::KeyStore;
use keystore::places::Settings;
use place::Place;
use readers::{Readers, Source};

use crate::failure::Failure;
use crate::metrics::StoreTimes;

impl Store {
    /// Opens the store for the one server that a data directory has at a time.
    pub(crate) fn open(data: &Path, place: &Place, keys: &Settings) -> Result<Self, Failure> {
        let lock = lock::take(data)?;
        let store = Self::start(data, place, keys, Some(lock))?;
        store.ready_keys()?;
        let replayed = store.replay()?;
        if replayed != replay::Replayed::default() {
            log::warn!(
                "done again after a restore: {}",
                serde_json::to_string(&replayed).unwrap_or_default()
            );
        }
        match &store.folder {
            Folder::Own(data) => files::sweep_imports(data, i64::MAX)?,
            Folder::Shared { .. } => {}
            Folder::Bucket(objects) => objects::sweep_temporary(&objects.data)?,
        }
        Ok(store)
    }

    /// Opens the store for a command, beside a server or without one.
    pub(crate) fn beside(data: &Path, place: &Place, keys: &Settings) -> Result<Self, Failure> {
        Self::start(data, place, keys, None)
    }

    fn start(data: &Path, place: &Place, keys: &Settings, lock: Option<File>) -> Result<Self, Failure> {
        place::check(data, place)?;
        let keys = Arc::new(KeyStore::new(keys.places(data, place.shared_bundles())?));
        let times = StoreTimes::default();
        let mut folder = Folder::Own(data.to_owned());
        let (writer, source) = match place {
            Place::Embedded => {
                let (sql, store, seen) = sqlite::open(data, micros(OffsetDateTime::now_utc()))?;
                let is_server = lock.is_some();
                let shared = (times.clone(), keys.clone());
                let writer = sqlite::writer::start(data, sql, &store, seen, is_server, shared)?;
                (writer, Source::Sqlite(data.to_owned()))
            }
            Place::Postgres(cluster) => {
                folder = place::open(data, cluster)?;
                let lanes = if lock.is_some() { postgres::LANES } else { 1 };
                let writer = postgres::writer::start(cluster, lanes, &times, &keys)?;
                (writer, Source::Postgres(cluster.clone()))
            }
        };
        Ok(Self {
            data: data.to_owned(),
            folder,
            writer,
            readers: Readers::of(source),
            times,
            keys,
            _lock: lock,
        })
    }

    /// Refuses to serve what a `store copy` did not finish.
    pub(crate) fn refuse_unfinished(&self) -> Result<(), Failure> {
        sqlite::transfer::refuse_unfinished(self)
    }

    /// What is wrong with the policies that an operator put beside the store.
    pub(crate) fn policy_flaws(&self) -> Result<Vec<String>, Failure> {
        policies::flaws(&self.folder)
    }

    /// The text of a policy that an operator put beside the store.
    pub(crate) fn policy(&self, sha256: Digest) -> Result<Option<String>, Failure> {
        policies::text(&self.folder, sha256)
    }
}
