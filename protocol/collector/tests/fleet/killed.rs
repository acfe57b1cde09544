//! One part after the other is killed while the fleet goes on.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};

use protocol::DeviceId;
use test_support::{or_skip, peer};

use crate::balancer::Balancer;
use crate::devices::{Device, Place};
use crate::front::Front;
use crate::load::Load;
use crate::server::Server;

/// Fronts.
const FRONTS: usize = 3;
/// Devices that are at it at once.
const THREADS: usize = 16;
/// The longest that the whole fleet may get no answer when a part is killed.
const PAUSE: Duration = Duration::from_secs(3);

pub(crate) fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// All that a fleet needs, each part with a way to kill it.
pub(crate) struct Site {
    server: Server,
    replicas: Vec<Server>,
    pub(crate) fronts: Vec<Front>,
    balancer: Balancer,
    dir: tempfile::TempDir,
}

impl Site {
    pub(crate) fn start(bundles: impl FnOnce(&Path) -> String) -> Result<Self, peer::Skipped> {
        peer::need(peer::has("haproxy"), "HAProxy is not there: install haproxy")?;
        let server = Server::start(&[])?;
        let replicas = vec![server.replica("one"), server.replica("two")];
        server.set("synchronous_standby_names", "ANY 1 (one, two)");
        server.until("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'quorum'", "2");
        let url = server.database("fleet", &server.own());
        let dir = tempfile::tempdir().unwrap();
        let bundles = bundles(dir.path());
        let start = |number| Front::start(dir.path(), number, &url, &bundles);
        let fronts: Vec<Front> = (0..FRONTS).map(start).collect();
        let addresses: Vec<_> = fronts.iter().map(|front| front.address).collect();
        Ok(Self { server, replicas, fronts, balancer: Balancer::start(&addresses), dir })
    }

    /// Enrolled devices, and where they come.
    pub(crate) fn devices(&self, count: u64) -> (Place, Vec<Device>) {
        let place = Place::new(self.balancer.address, &self.fronts[0].data.join("ca.pem")).unwrap();
        let tokens = self.fronts[0].run("token", &["--count", &count.to_string()]);
        let enrol = |(token, number): (&str, u64)| {
            let mut device = Device::new(&place, number).unwrap();
            assert_eq!(device.enrol(&place, token).unwrap().status, 201);
            device
        };
        let devices = tokens.lines().zip(0..).map(enrol).collect();
        (place, devices)
    }
}

/// That the fronts share a directory for bundles.
pub(crate) fn shared(dir: &Path) -> String {
    let shared = dir.join("shared");
    std::fs::create_dir_all(&shared).unwrap();
    format!("bundles = {shared:?}\n")
}

/// The longest time without an acknowledgement from `begun` on, and the slowest visit that ended in it.
fn pause(load: &Load, begun: Instant) -> (Duration, Duration) {
    let answers = load.answers.lock().unwrap();
    let mut last = begun;
    let (mut pause, mut slowest) = (Duration::ZERO, Duration::ZERO);
    for (at, took) in answers.iter().filter(|(at, _)| *at >= begun) {
        pause = pause.max(at.saturating_duration_since(last));
        slowest = slowest.max(*took);
        last = *at;
    }
    (pause, slowest)
}

/// Sees that each device's records are there once, from the first on, as far as they were acknowledged.
fn check(site: &Site, load: &Load) -> (u64, u64) {
    let mut stored: std::collections::BTreeMap<DeviceId, Vec<u64>> = std::collections::BTreeMap::new();
    let lines = site.fronts[0].run("export", &["--to", "Example Vendor", "--why", "audit"]);
    for line in lines.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let device = record["device"].as_str().unwrap().parse().unwrap();
        stored.entry(device).or_default().push(record["seq"].as_u64().unwrap());
    }
    let (mut lost, mut twice) = (0, 0);
    for (device, end) in load.acknowledged.lock().unwrap().iter() {
        let here = stored.get(device).cloned().unwrap_or_default();
        let once: BTreeSet<u64> = here.iter().copied().collect();
        twice += (here.len() - once.len()) as u64;
        lost += (0..*end).filter(|seq| !once.contains(seq)).count() as u64;
    }
    (lost, twice)
}

#[test]
fn a_fleet_loses_nothing_while_fronts_balancer_and_replica_are_killed() {
    if !peer::is_slow("the fleet behind a balancer, with a kill of each part") {
        return;
    }
    let mut site = or_skip!(Site::start(shared));
    let (count, answers) = (number("FLEET_DEVICES", 100), number("FLEET_ANSWERS", 100));
    let seed = number("FLEET_SEED", u64::from(std::process::id()));
    println!(
        "seed {seed}, {count} devices, {FRONTS} fronts, 2 replicas, {answers} answers between two kills"
    );
    let (place, devices) = site.devices(count);
    let load = Load::default();
    let mut pauses = Vec::new();
    std::thread::scope(|scope| {
        let fleet = scope.spawn(|| load.run(&place, &devices, THREADS, seed));
        // Whatever fails, the devices end.
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            load.wait_for(answers);
            let begun = Instant::now();
            load.wait_for(answers);
            pauses.push(("nothing", pause(&load, begun)));
            for number in 0..FRONTS {
                let begun = Instant::now();
                site.fronts[number].kill();
                load.wait_for(answers);
                site.fronts[number].restart();
                load.wait_for(answers);
                pauses.push(("a front", pause(&load, begun)));
            }
            let begun = Instant::now();
            site.balancer.kill();
            site.balancer.restart();
            load.wait_for(answers);
            pauses.push(("the balancer", pause(&load, begun)));
            let begun = Instant::now();
            site.replicas[0].kill();
            load.wait_for(answers);
            site.replicas[0].restart_ended();
            load.wait_for(answers);
            pauses.push(("a replica", pause(&load, begun)));
        }));
        load.over();
        fleet.join().unwrap();
        killed.unwrap();
    });
    let (lost, twice) = check(&site, &load);
    let refused = load.refused.lock().unwrap().clone();
    let all = load.answers.lock().unwrap().len();
    println!("{all} acknowledged, {} sent again, {lost} lost, {twice} twice, refused {refused:?}", {
        load.again.load(std::sync::atomic::Ordering::SeqCst)
    });
    for (killed, (pause, slowest)) in &pauses {
        println!("killed {killed}: pause {} ms, slowest visit {} ms", pause.as_millis(), slowest.as_millis());
    }
    assert_eq!((lost, twice, refused.len()), (0, 0, 0));
    assert_eq!(site.fronts[1].run("verify", &[]), "", "nothing is damaged");
    let longest = pauses.iter().map(|(_, (pause, _))| *pause).max().unwrap();
    assert!(longest <= PAUSE, "{longest:?}");
    assert!(site.dir.path().exists() && site.server.text("SELECT 1") == "1");
}
