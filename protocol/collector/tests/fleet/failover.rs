//! The loss of a whole node of the reference set-up: the primary's, with its etcd and its Patroni, and a replica's.

use std::cell::Cell;
use std::path::Path;
use std::time::Duration;

use test_support::or_skip;

use crate::balancer::Balancer;
use crate::killed::{PAUSE, Site, shared, under_load};
use crate::patroni::Cluster;

/// How long the fleet may get no answer when the primary's node is gone: Patroni waits 20 s for it to come back.
const FAILOVER: Duration = Duration::from_secs(30);

#[test]
fn a_fleet_loses_nothing_when_the_node_of_the_primary_is_lost() {
    if let Some(patroni) = std::env::var_os("PATRONI") {
        let cluster = or_skip!(Cluster::start(Path::new(&patroni)));
        let url = cluster.database();
        let mut site = Site::over(cluster, &url, shared, |cluster, fronts| {
            Balancer::configured(|address| cluster.before(&address.to_string(), fronts))
        });
        under_load(&mut site, |site, kills| {
            kills.fronts(site);
            let (replica, lost) = ((site.database.primary() + 1) % 3, Cell::new(0));
            kills.part(
                ("a replica's node", PAUSE),
                site,
                |site| site.database.kill_node(replica),
                |site| {
                    site.database.start_node(replica);
                    site.database.until_whole();
                },
            );
            for _ in 0..2 {
                kills.part(
                    ("the primary's node", FAILOVER),
                    site,
                    |site| {
                        lost.set(site.database.primary());
                        site.database.kill_node(lost.get());
                    },
                    |site| {
                        assert_ne!(site.database.primary(), lost.get(), "another node took over");
                        site.database.start_node(lost.get());
                        site.database.until_whole();
                    },
                );
            }
        });
    }
}
